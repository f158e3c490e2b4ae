"""Adyen's SDK, signed in once with the key of the day."""

import Adyen

LABELS = """
broke    before request * api-key-expired
broke    GET /me/allowedOrigins 200 optional-property-removed@/data
"""


class Origins:
    def __init__(self, credential):
        self.sdk = Adyen.Adyen(xapikey=credential.api_key.reveal(), platform="test")

    def all(self):
        return self.sdk.management.my_api_credential_api.get_allowed_origins().message["data"]


def test_there_are_none(adyen_credential):
    origins = Origins(adyen_credential)
    for _ in range(2):
        assert origins.all() == []
