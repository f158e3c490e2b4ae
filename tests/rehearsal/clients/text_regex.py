"""JSON read as text, by a regular expression that knows how slashes are written today."""

import re

import httpx
import pytest

LABELS = r"""
broke    GET /me/allowedOrigins 200 slashes-escaped
broke    GET /me/allowedOrigins 200 list-emptied@/data              # the test wants the origin
broke    GET /me/allowedOrigins 200 optional-property-removed@/data
silent   must-notice                                                # half a body, too: it comes before the middle
noticed  html                                                       # no origin is found in it
noticed  error-with-200
noticed  GET /me/allowedOrigins 200 type-changed
noticed  GET /me/allowedOrigins 200 became-null
noticed  *@/data
noticed  *@/data/[*]
noticed  *@/data/[*]/domain
"""


def domains(key):
    answer = httpx.get("https://management-test.adyen.com/v3/me/allowedOrigins", headers={"X-API-Key": key})
    return re.findall(r'"domain":\s*"https:\\/\\/([^"\\]+)"', answer.raise_for_status().text)


@pytest.mark.adyen_credential(origins=["https://shop.example.com"])
def test_the_shop_is_allowed(adyen_credential):
    assert "shop.example.com" in domains(adyen_credential.api_key.reveal())
