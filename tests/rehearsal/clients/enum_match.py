"""``match`` on an enumeration of another API, without a case for what was added to it."""

import httpx
import pytest

LABELS = """
broke    POST /orders 201 enum-value-added@/state
broke    POST /orders 201 optional-property-removed@/state
silent   must-notice
noticed  html
noticed  truncated
noticed  error-with-200
noticed  POST /orders 201 type-changed
noticed  POST /orders 201 became-null
noticed  *@/state
"""
ORDER = {"reference": "R-1", "amount": {"value": 100, "currency": "EUR"}, "state": "paid", "card.bin": "411111"}
ROLES = ["Management API - API credentials read and write", "B"]


def is_paid(key):
    answer = httpx.post("https://shop-test.adyen.com/shop/v2/orders", json=ORDER, headers={"X-API-Key": key})
    match answer.raise_for_status().json()["state"]:
        case "paid":
            return True
        case "open":
            return False
        case other:
            raise ValueError(f"no such state: {other}")


@pytest.fixture(scope="session")
def adyen_sandbox_config():
    return {"roles": ROLES}


@pytest.mark.adyen_credential(roles=ROLES)
def test_it_is_paid(adyen_credential):
    assert is_paid(adyen_credential.api_key.reveal())
