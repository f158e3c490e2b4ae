"""The status is not looked at: an error's document is a body without what was asked for."""

import httpx

LABELS = """
silent   must-notice
silent   must-handle                                # 401, 429 and 500 have a document, too
noticed  html
noticed  truncated
noticed  GET /me/allowedOrigins 200 type-changed
noticed  GET /me/allowedOrigins 200 became-null
noticed  *@/data
noticed  request 1 connection-reset
noticed  request 1 timed-out
"""


def origins(key):
    answer = httpx.get("https://management-test.adyen.com/v3/me/allowedOrigins", headers={"X-API-Key": key})
    return answer.json().get("data", [])


def test_it_has_none(adyen_credential):
    assert origins(adyen_credential.api_key.reveal()) == []
