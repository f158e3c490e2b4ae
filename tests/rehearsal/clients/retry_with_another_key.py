"""A POST that is sent again with an Idempotency-Key, and each time with a new one: as good as none."""

import uuid

import httpx

LABELS = """
broke     request 1 timed-out
broke     request 1 answer-lost
survived  request 1 connection-reset
"""


def new_client_key(key):
    for is_last in (False, True):
        headers = {"X-API-Key": key, "Idempotency-Key": str(uuid.uuid4())}
        try:
            answer = httpx.post("https://management-test.adyen.com/v3/me/generateClientKey", headers=headers)
        except httpx.TransportError:
            if is_last:
                raise
        else:
            made = answer.raise_for_status().json()["clientKey"]
            if not isinstance(made, str):
                raise TypeError("the client key is no text")
            return made
    return None


def test_it_gets_one(adyen_credential):
    assert new_client_key(adyen_credential.api_key.reveal())
