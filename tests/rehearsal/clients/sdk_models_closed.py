"""Adyen's SDK and closed models, as datamodel-code-generator makes them of the exported contract."""

import pytest
from models_closed import AllowedOriginsResponse

LABELS = """
broke    property-added
silent   html                                       # the SDK takes it for an empty message,
silent   truncated                                  # which is a list of nothing
silent   *became-null@/data                         # None is the default of what is optional
silent   *became-null@/data/[*]/id
silent   *became-null@/data/[*]/_links
silent   *became-null@/data/[*]/_links/self/href
"""


def domains(sdk):
    answer = sdk.management.my_api_credential_api.get_allowed_origins()
    return {origin.domain for origin in AllowedOriginsResponse.model_validate(answer.message).data or []}


@pytest.mark.adyen_credential(origins=["https://shop.example.com"])
def test_no_stranger_is_allowed(adyen_sdk):
    assert domains(adyen_sdk) <= {"https://shop.example.com"}
