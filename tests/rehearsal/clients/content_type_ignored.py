"""A client that takes what is no JSON for an empty answer."""

import httpx

LABELS = """
silent   must-notice                                # a page of HTML, too
noticed  truncated
noticed  GET /me/allowedOrigins 200 type-changed
noticed  GET /me/allowedOrigins 200 became-null
noticed  *@/data
"""


def origins(key):
    answer = httpx.get("https://management-test.adyen.com/v3/me/allowedOrigins", headers={"X-API-Key": key})
    answer.raise_for_status()
    is_json = answer.headers["content-type"].startswith("application/json")
    return answer.json().get("data", []) if is_json else []


def test_it_has_none(adyen_credential):
    assert origins(adyen_credential.api_key.reveal()) == []
