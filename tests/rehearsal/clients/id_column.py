"""An id that is cut to the length of a column, and not found again."""

import httpx

LABELS = """
broke    GET /me 200 id-form-changed:credential@/id
silent   must-notice
noticed  html
noticed  truncated
noticed  error-with-200
noticed  GET /me 200 type-changed
noticed  GET /me 200 became-null
noticed  *@/id                                      # nothing but a text can be cut
"""
COLUMN = 32


def stored(key):
    answer = httpx.get("https://management-test.adyen.com/v3/me", headers={"X-API-Key": key})
    return {answer.raise_for_status().json()["id"][:COLUMN]: "active"}


def test_it_is_stored(adyen_credential):
    assert adyen_credential.id in stored(adyen_credential.api_key.reveal())
