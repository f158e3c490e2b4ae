"""User name and password in place of an API key: a rotation of keys is no matter."""

import httpx

LABELS = """
silent   must-notice
noticed  html
noticed  truncated
noticed  GET /me/allowedOrigins 200 type-changed
noticed  GET /me/allowedOrigins 200 became-null
noticed  *@/data
"""


def origins(http):
    answer = http.get("https://management-test.adyen.com/v3/me/allowedOrigins")
    return answer.raise_for_status().json().get("data", [])


def test_there_are_none(adyen_credential):
    http = httpx.Client(auth=(adyen_credential.username, adyen_credential.password.reveal()))
    for _ in range(2):
        assert origins(http) == []
