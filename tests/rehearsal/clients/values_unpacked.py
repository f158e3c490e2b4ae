"""Properties by their place: ``.values()`` unpacked into names."""

import httpx
import pytest

LABELS = """
broke    GET /me/allowedOrigins 200 property-added
broke    GET /me/allowedOrigins 200 list-emptied@/data          # the test wants the origin
broke    GET /me/allowedOrigins 200 optional-property-removed@/data
broke    GET /me/allowedOrigins 200 property-added@/data/[*]
broke    GET /me/allowedOrigins 200 properties-reordered@/data/[*]
broke    GET /me/allowedOrigins 200 optional-property-removed@/data/[*]/id
broke    GET /me/allowedOrigins 200 optional-property-removed@/data/[*]/_links
silent   must-notice
noticed  html
noticed  truncated
noticed  error-with-200
noticed  GET /me/allowedOrigins 200 type-changed
noticed  GET /me/allowedOrigins 200 became-null
noticed  *@/data
noticed  *@/data/[*]
noticed  *@/data/[*]/domain
"""


def domains(key):
    answer = httpx.get("https://management-test.adyen.com/v3/me/allowedOrigins", headers={"X-API-Key": key})
    (origins,) = answer.raise_for_status().json().values()
    found = []
    for origin in origins:
        _, domain, _ = origin.values()
        found.append(domain)
    return found


@pytest.mark.adyen_credential(origins=["https://shop.example.com"])
def test_the_shop_is_allowed(adyen_credential):
    assert "https://shop.example.com" in domains(adyen_credential.api_key.reveal())
