"""Ids that must match a regular expression, taken off those of today."""

import re

import httpx
import pytest

LABELS = """
broke    GET /me/allowedOrigins 200 id-form-changed:origin-id@/data/*/id
broke    GET /me/allowedOrigins 200 optional-property-removed@/data
broke    GET /me/allowedOrigins 200 optional-property-removed@/data/*/id
silent   must-notice
noticed  html
noticed  truncated
noticed  error-with-200
noticed  GET /me/allowedOrigins 200 type-changed
noticed  GET /me/allowedOrigins 200 became-null
noticed  *@/data
noticed  *@/data/[*]
noticed  *@/data/[*]/id
"""


def ids(key):
    answer = httpx.get("https://management-test.adyen.com/v3/me/allowedOrigins", headers={"X-API-Key": key})
    return [re.fullmatch(r"S2-([0-9A-F]+)", each["id"])[1] for each in answer.raise_for_status().json()["data"]]


@pytest.mark.adyen_credential(origins=["https://shop.example.com"])
def test_each_origin_has_an_id_of_its_own(adyen_credential):
    found = ids(adyen_credential.api_key.reveal())
    assert len(found) == len(set(found))
