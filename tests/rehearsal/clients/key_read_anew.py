"""No weakness in rotation: the API key is read anew before each request."""

import httpx

LABELS = """
silent   must-notice
noticed  html
noticed  truncated
noticed  GET /me/allowedOrigins 200 type-changed
noticed  GET /me/allowedOrigins 200 became-null
noticed  *@/data
"""


class Origins:
    def __init__(self, credential):
        self.credential = credential

    def all(self):
        headers = {"X-API-Key": self.credential.api_key.reveal()}
        answer = httpx.get("https://management-test.adyen.com/v3/me/allowedOrigins", headers=headers)
        return answer.raise_for_status().json().get("data", [])


def test_there_are_none(adyen_credential):
    origins = Origins(adyen_credential)
    for _ in range(3):
        assert origins.all() == []
