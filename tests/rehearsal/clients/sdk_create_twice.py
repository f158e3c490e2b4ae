"""Adyen's SDK; a client key is generated, and again when its answer does not come, without an Idempotency-Key."""

import Adyen
import requests

LABELS = """
broke     request 1 timed-out
broke     request 1 answer-lost
survived  request 1 connection-reset
silent    *type-changed@/clientKey              # any value will do
"""


def new_client_key(key):
    sdk = Adyen.Adyen(xapikey=key, platform="test")
    generate = sdk.management.my_api_credential_api.generate_client_key
    try:
        made = generate()
    except requests.RequestException:
        made = generate()
    return made.message["clientKey"]


def test_it_gets_one(adyen_credential):
    assert new_client_key(adyen_credential.api_key.reveal())
