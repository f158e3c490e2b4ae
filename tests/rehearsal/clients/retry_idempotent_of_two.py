"""No weakness: two origins are added, each with an Idempotency-Key of its own that it is sent again with."""

import uuid

import httpx

LABELS = """
survived  request [12] timed-out
survived  request [12] answer-lost
survived  request [12] connection-reset
broke     before request 2 api-key-expired          # the test takes the key once
silent    must-notice
noticed   html
noticed   truncated
noticed   error-with-200
noticed   POST /me/allowedOrigins 200 type-changed
noticed   POST /me/allowedOrigins 200 became-null
noticed   *@/domain
"""


def add(key, domain):
    headers = {"X-API-Key": key, "Idempotency-Key": str(uuid.uuid4())}
    url = "https://management-test.adyen.com/v3/me/allowedOrigins"
    for is_last in (False, True):
        try:
            answer = httpx.post(url, headers=headers, json={"domain": domain})
        except httpx.TransportError:
            if is_last:
                raise
        else:
            return answer.raise_for_status().json()["domain"]
    return None


def test_both_are_there(adyen_credential):
    key = adyen_credential.api_key.reveal()
    for domain in ("https://shop.example.com", "https://help.example.com"):
        assert add(key, domain) == domain
