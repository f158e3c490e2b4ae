"""Adyen's SDK as a fixture gives it; the SDK itself takes a page of HTML for an empty message."""

LABELS = """
silent   must-notice                                # html and half a body, too: the SDK has no error for them
noticed  GET /me/allowedOrigins 200 type-changed    # the SDK asks the message for its pspReference
noticed  GET /me/allowedOrigins 200 became-null
noticed  *@/data
"""


def origins(sdk):
    return sdk.management.my_api_credential_api.get_allowed_origins().message.get("data", [])


def test_it_has_none(adyen_sdk):
    assert origins(adyen_sdk) == []
