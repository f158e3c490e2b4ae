"""Judging a page of 100 credentials: beside jsonschema, json-structure and bare jsonschema-rs, measured in one run.

python tests/benchmarks/validation.py
"""

from __future__ import annotations

import copy
import sys
import time
from collections.abc import Callable
from typing import Any

import jsonschema
import jsonschema_rs
from json_structure import InstanceValidator

from pytest_adyen_creds import load_contract

NAME = "ListCompanyApiCredentialsResponse"
TIMES_JSONSCHEMA, TIMES_BARE = 100, 1.5


def page() -> dict[str, Any]:
    """Return a page of 100 credentials, each with its links, roles and an origin."""
    link = {"href": "https://management-test.adyen.com/v3/companies/C/apiCredentials"}
    origin = {"id": "S2-1", "domain": "https://shop.example.com", "_links": {"self": link}}
    credential = {
        "id": "S2-6262224667",
        "username": "ws_123456@Company.C",
        "clientKey": "test_0123456789ABCDEF0123456789ABCDEF",
        "allowedIpAddresses": [],
        "roles": ["Management API - Accounts read", "Checkout webservice role"],
        "active": True,
        "description": "one of a hundred",
        "allowedOrigins": [origin],
        "associatedMerchantAccounts": ["M"],
        "_links": {"self": link, "allowedOrigins": link, "generateApiKey": link, "company": link},
    }
    links = {"self": link, "first": link, "last": link}
    return {"itemsTotal": 100, "pagesTotal": 1, "_links": links, "data": [credential] * 100}


def rate(judge: Callable[[], Any], seconds: float = 1.0) -> float:
    """Return how often a second ``judge`` runs; the best of three samples."""
    best = 0.0
    for _ in range(3):
        count, start = 0, time.perf_counter()
        while time.perf_counter() - start < seconds / 3:
            judge()
            count += 1
        best = max(best, count / (time.perf_counter() - start))
    return best


def main() -> int:
    contract, body = load_contract("v3"), page()
    schema = contract.to_json_schema(NAME)
    bare, slow = jsonschema_rs.validator_for(schema), jsonschema.Draft202012Validator(schema)
    official = InstanceValidator(copy.deepcopy(contract.structures[NAME]), extended=True)
    assert contract.is_valid(NAME, body)
    assert bare.is_valid(body)
    assert slow.is_valid(body)
    assert not official.validate(body)
    rates = {
        "json-structure": rate(lambda: official.validate(body)),
        "jsonschema": rate(lambda: slow.is_valid(body)),
        "jsonschema-rs, bare": rate(lambda: bare.is_valid(body)),
        "contract.is_valid": rate(lambda: contract.is_valid(NAME, body)),
        "contract.validate": rate(lambda: contract.validate(NAME, body)),
    }
    for name, found in rates.items():
        sys.stdout.write(f"{name:20} {found:9,.0f} pages/s\n")
    times, share = (
        rates["contract.is_valid"] / rates["jsonschema"],
        rates["jsonschema-rs, bare"] / rates["contract.is_valid"],
    )
    sys.stdout.write(f"is_valid: {times:.0f} times jsonschema; bare jsonschema-rs is {share:.2f} times is_valid\n")
    return 0 if times >= TIMES_JSONSCHEMA and share <= TIMES_BARE else 1


if __name__ == "__main__":
    sys.exit(main())
