"""A client that refuses an answer with a header that it does not know."""

import httpx

LABELS = """
broke    GET /me/allowedOrigins 200 headers-added
silent   must-notice
noticed  html
noticed  truncated
noticed  GET /me/allowedOrigins 200 type-changed
noticed  GET /me/allowedOrigins 200 became-null
noticed  *@/data                                    # neither is an empty list
"""
KNOWN = {
    "content-length",
    "content-type",
    "pspreference",
    "requestid",
    "set-cookie",
    "strict-transport-security",
    "traceparent",
}


def origins(key):
    answer = httpx.get("https://management-test.adyen.com/v3/me/allowedOrigins", headers={"X-API-Key": key})
    if unknown := set(answer.headers) - KNOWN:
        raise ValueError(f"headers that the proxy does not pass: {unknown}")
    return answer.raise_for_status().json().get("data", [])


def test_it_has_none(adyen_credential):
    assert origins(adyen_credential.api_key.reveal()) == []
