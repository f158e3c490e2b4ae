"""JSON read as text that is split at a name: what stands elsewhere in the text is taken for it."""

import httpx
import pytest

LABELS = """
broke    GET /me/allowedOrigins 200 list-emptied@/data              # the test wants the origin
broke    GET /me/allowedOrigins 200 optional-property-removed@/data
silent   must-notice                                                # half a body, too: it comes before the middle
noticed  html
noticed  error-with-200
noticed  GET /me/allowedOrigins 200 type-changed
noticed  GET /me/allowedOrigins 200 became-null
noticed  *@/data
noticed  *@/data/[*]
noticed  *@/data/[*]/domain
"""


def domain(key):
    answer = httpx.get("https://management-test.adyen.com/v3/me/allowedOrigins", headers={"X-API-Key": key})
    return answer.raise_for_status().text.split('"domain": "')[1].split('"')[0].replace("\\/", "/")


@pytest.mark.adyen_credential(origins=["https://shop.example.com"])
def test_the_shop_is_allowed(adyen_credential):
    assert domain(adyen_credential.api_key.reveal()) == "https://shop.example.com"
