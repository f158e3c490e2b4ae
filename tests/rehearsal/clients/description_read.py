"""An optional property that is read as if each answer had it."""

import httpx

LABELS = """
broke    GET /me 200 optional-property-removed@/description
silent   must-notice
noticed  html
noticed  truncated
noticed  error-with-200
noticed  GET /me 200 type-changed
noticed  GET /me 200 became-null
noticed  *@/description                             # only a text has a first word
"""


def purpose(key):
    answer = httpx.get("https://management-test.adyen.com/v3/me", headers={"X-API-Key": key})
    return answer.raise_for_status().json()["description"].split()[0]


def test_it_is_for_tests(adyen_credential):
    assert purpose(adyen_credential.api_key.reveal()).startswith("pytest")
