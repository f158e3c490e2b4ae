"""Adyen's SDK, signed in anew for each request."""

import Adyen

LABELS = """
broke    GET /me/allowedOrigins 200 optional-property-removed@/data
"""


def origins(credential):
    sdk = Adyen.Adyen(xapikey=credential.api_key.reveal(), platform="test")
    return sdk.management.my_api_credential_api.get_allowed_origins().message["data"]


def test_there_are_none(adyen_credential):
    for _ in range(2):
        assert origins(adyen_credential) == []
