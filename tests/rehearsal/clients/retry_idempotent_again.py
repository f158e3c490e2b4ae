"""No weakness: two client keys are generated on purpose, each with an Idempotency-Key that it is sent again with."""

import uuid

import httpx

LABELS = """
survived  request [12] timed-out
survived  request [12] answer-lost
survived  request [12] connection-reset
"""


def new_client_key(key):
    headers = {"X-API-Key": key, "Idempotency-Key": str(uuid.uuid4())}
    for is_last in (False, True):
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


def test_it_gets_two(adyen_credential):
    for _ in range(2):
        assert new_client_key(adyen_credential.key().reveal())
