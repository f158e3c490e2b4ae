"""Adyen's SDK and models that datamodel-code-generator makes of the exported contract, told to ignore what is more."""

import pytest
from models_open import AllowedOriginsResponse

LABELS = """
silent   html                                       # the SDK takes it for an empty message,
silent   truncated                                  # which is a list of nothing
silent   error-with-200                             # all that is more is ignored
silent   *became-null@/data
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
