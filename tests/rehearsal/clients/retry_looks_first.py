"""No weakness: when the answer to a POST is lost, the client looks whether it was carried out before it asks again."""

import httpx

LABELS = """
survived  request 1 connection-reset
survived  request 1 timed-out
survived  request 1 answer-lost
silent    must-notice
noticed   html
noticed   truncated
noticed   error-with-200
noticed   POST /me/allowedOrigins 200 type-changed
noticed   POST /me/allowedOrigins 200 became-null
noticed   *@/domain
"""
URL = "https://management-test.adyen.com/v3/me/allowedOrigins"
SHOP = "https://shop.example.com"


def add(key, domain):
    try:
        return httpx.post(URL, headers={"X-API-Key": key}, json={"domain": domain}).raise_for_status().json()["domain"]
    except httpx.TransportError:
        there = httpx.get(URL, headers={"X-API-Key": key}).raise_for_status().json()["data"]
        return domain if domain in {each["domain"] for each in there} else add(key, domain)


def test_it_is_added(adyen_credential):
    assert add(adyen_credential.api_key.reveal(), SHOP) == SHOP
