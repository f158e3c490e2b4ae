"""A POST that is sent again as it is when its answer is lost: the key is generated twice."""

import httpx

LABELS = """
broke     request 1 timed-out                       # carried out, and carried out again
broke     request 1 answer-lost
survived  request 1 connection-reset                # not carried out the first time
"""


def new_client_key(key):
    for is_last in (False, True):
        try:
            answer = httpx.post("https://management-test.adyen.com/v3/me/generateClientKey", headers={"X-API-Key": key})
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
