"""Adyen's SDK; a client key is generated, and asked for with the same Idempotency-Key when no answer comes."""

import uuid

import Adyen
import requests

LABELS = """
survived  request 1 timed-out
survived  request 1 answer-lost
survived  request 1 connection-reset
silent    *type-changed@/clientKey              # any value will do
"""


def new_client_key(key):
    sdk = Adyen.Adyen(xapikey=key, platform="test")
    generate, once = sdk.management.my_api_credential_api.generate_client_key, str(uuid.uuid4())
    try:
        made = generate(idempotency_key=once)
    except requests.RequestException:
        made = generate(idempotency_key=once)
    return made.message["clientKey"]


def test_it_gets_one(adyen_credential):
    assert new_client_key(adyen_credential.api_key.reveal())
