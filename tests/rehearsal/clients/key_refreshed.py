"""No weakness in rotation: the API key is cached, and read anew when an answer says that it does not work."""

import httpx

LABELS = """
survived  * credential-off-and-on                   # asked again after any 401
survived  * key-propagating
silent    must-notice
noticed   html
noticed   truncated
noticed   GET /me/allowedOrigins 200 type-changed
noticed   GET /me/allowedOrigins 200 became-null
noticed   *@/data
"""


class Origins:
    def __init__(self, credential):
        self.credential = credential
        self.key = credential.api_key.reveal()

    def all(self):
        answer = self.ask()
        if answer.status_code == 401:
            self.key = self.credential.api_key.reveal()
            answer = self.ask()
        return answer.raise_for_status().json().get("data", [])

    def ask(self):
        return httpx.get("https://management-test.adyen.com/v3/me/allowedOrigins", headers={"X-API-Key": self.key})


def test_there_are_none(adyen_credential):
    origins = Origins(adyen_credential)
    for _ in range(3):
        assert origins.all() == []
