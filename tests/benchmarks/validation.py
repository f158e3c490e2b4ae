"""Judging a page of 100 credentials: beside jsonschema, json-structure and bare jsonschema-rs, measured in one run.

python tests/benchmarks/validation.py
"""

from __future__ import annotations

import argparse
import copy
import sys
import time
from collections.abc import Callable
from typing import Any

from processes import run, show

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


def judges() -> dict[str, Callable[[dict[str, Any]], Callable[[], bool]]]:
    """Return by name what makes a judge of one body; what it needs is imported and compiled beforehand."""
    contract = load_contract("v3")

    def json_structure(body: dict[str, Any]) -> Callable[[], bool]:
        from json_structure import InstanceValidator

        official = InstanceValidator(copy.deepcopy(contract.structures[NAME]), extended=True)
        return lambda: not official.validate(body)

    def slow(body: dict[str, Any]) -> Callable[[], bool]:
        import jsonschema

        validator = jsonschema.Draft202012Validator(contract.to_json_schema(NAME))
        return lambda: validator.is_valid(body)

    def bare(body: dict[str, Any]) -> Callable[[], bool]:
        import jsonschema_rs

        validator = jsonschema_rs.validator_for(contract.to_json_schema(NAME))
        return lambda: validator.is_valid(body)

    return {
        "json-structure": json_structure,
        "jsonschema": slow,
        "jsonschema-rs, bare": bare,
        "contract.is_valid": lambda body: lambda: contract.is_valid(NAME, body),
        "contract.validate": lambda body: lambda: not contract.validate(NAME, body),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help=argparse.SUPPRESS)
    only = parser.parse_args().only
    if only:
        judge = judges()[only](page())
        assert judge()
        show(repr(rate(judge)))
        return 0
    rates: dict[str, float] = {}
    for name in judges():
        ran = run([sys.executable, __file__, "--only", name])
        assert ran.status == 0, ran.output
        rates[name] = float(ran.output)
        show(f"{name:20} {rates[name]:9,.0f} pages/s {ran.peak:6.0f} MiB")
    times = rates["contract.is_valid"] / rates["jsonschema"]
    share = rates["jsonschema-rs, bare"] / rates["contract.is_valid"]
    show(f"is_valid: {times:.0f} times jsonschema; bare jsonschema-rs is {share:.2f} times is_valid")
    return 0 if times >= TIMES_JSONSCHEMA and share <= TIMES_BARE else 1


if __name__ == "__main__":
    sys.exit(main())
