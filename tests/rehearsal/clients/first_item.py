"""The first item of a list, whatever its order, and whether or not there is one."""

import httpx
import pytest

LABELS = """
broke    GET /me/allowedOrigins 200 list-emptied@/data
broke    GET /me/allowedOrigins 200 items-reordered@/data
broke    GET /me/allowedOrigins 200 optional-property-removed@/data
silent   must-notice
noticed  html
noticed  truncated
noticed  error-with-200
noticed  GET /me/allowedOrigins 200 type-changed
noticed  GET /me/allowedOrigins 200 became-null
noticed  *@/data
noticed  *@/data/*/domain
noticed  *@/data/[*]                                # the item itself
"""


def shop(key):
    answer = httpx.get("https://management-test.adyen.com/v3/me/allowedOrigins", headers={"X-API-Key": key})
    return answer.raise_for_status().json()["data"][0]["domain"]


@pytest.mark.adyen_credential(origins=["https://shop.example.com", "https://help.example.com"])
def test_the_shop_is_allowed(adyen_credential):
    assert shop(adyen_credential.api_key.reveal()) == "https://shop.example.com"
