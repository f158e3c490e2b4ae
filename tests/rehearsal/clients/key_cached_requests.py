"""The API key is read once, into a session of requests."""

import requests

LABELS = """
broke    before request * api-key-expired
silent   must-notice
noticed  html
noticed  truncated
noticed  GET /me/allowedOrigins 200 type-changed
noticed  GET /me/allowedOrigins 200 became-null
noticed  *@/data
"""


class Origins:
    def __init__(self, credential):
        self.http = requests.Session()
        self.http.headers["X-API-Key"] = credential.api_key.reveal()

    def all(self):
        answer = self.http.get("https://management-test.adyen.com/v3/me/allowedOrigins", timeout=10)
        answer.raise_for_status()
        return answer.json().get("data", [])


def test_there_are_none(adyen_credential):
    origins = Origins(adyen_credential)
    for _ in range(3):
        assert origins.all() == []
