"""Adyen's SDK, whose own errors are taken for an empty list; what the network does is not the SDK's error."""

import Adyen

LABELS = """
silent   must-notice
silent   must-handle
noticed  GET /me/allowedOrigins 200 type-changed
noticed  GET /me/allowedOrigins 200 became-null
noticed  *@/data
noticed  request 1 connection-reset
noticed  request 1 timed-out
"""


def origins(sdk):
    try:
        return sdk.management.my_api_credential_api.get_allowed_origins().message.get("data", [])
    except Adyen.AdyenError:
        return []


def test_it_has_none(adyen_sdk):
    assert origins(adyen_sdk) == []
