"""What the tests of roles share: random suites, a document with roles of our own, and runs that note roles."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from pytest_adyen_creds.contract.importing import import_openapi, write_contract
from pytest_adyen_creds.contract.roles import Demand
from pytest_adyen_creds.roles.observed import RolesSeen, Use
from pytest_adyen_creds.text import normalised

API_CREDENTIALS = "Management API - API credentials read and write"
READ, WRITE = "Management API - Stores read", "Management API - Stores read and write"
USERS = "Management API - Users read"

POOL = (
    *(f"Kind {kind} - {what} {may}" for kind in "AB" for what in "xy" for may in ("read", "read and write")),
    "Kind A of its own",
    "Another",
)


def random_demands(draw: random.Random) -> list[Demand]:
    """Return what a random suite asks for: all of some roles, one of some, any that begins so."""
    kinds = {
        "every": lambda: Demand(every=tuple(draw.sample(POOL, draw.randint(1, 2)))),
        "one": lambda: Demand(choices=(tuple(draw.sample(POOL, draw.randint(1, 4))),)),
        "any": lambda: Demand(starts=(draw.choice(["Kind A", "Kind B", "Kind", "Another"]),)),
    }
    weights = [1, 3, 1]
    return [kinds[draw.choices([*kinds], weights)[0]]() for _ in range(draw.randint(0, 8))]


def by_brute_force(demands: Sequence[Demand], roles: Iterable[str]) -> tuple[str, ...]:
    """Return the smallest of all subsets of ``roles`` that meet ``demands``: by number, then writing, then name."""
    roles = sorted(roles)
    meeting = [  # for each part of a demand, the roles that meet it
        {role for role in roles if part.is_met([role])}
        for each in demands
        for part in (
            *(Demand(every=(role,)) for role in each.every),
            *(Demand(choices=(one,)) for one in each.choices),
            *(Demand(starts=(start,)) for start in each.starts),
        )
    ]
    for number in range(len(roles) + 1):
        found = [some for some in combinations(roles, number) if not any(one.isdisjoint(some) for one in meeting)]
        if found:
            return min(found, key=lambda some: (sum("write" in role for role in some), sorted(map(normalised, some))))
    raise AssertionError(demands)


def seen(
    calls: Iterable[tuple[str, str, str]] = (),
    refused: Iterable[tuple[str, str, str]] = (),
    *,
    granted: dict[str, Sequence[str]] | None = None,
    demands: dict[str, dict[str, Any]] | None = None,
    unknown: Iterable[str] = (),
    failed: Iterable[str] = (),
) -> RolesSeen:
    """Return observations: each call is a test, a credential and an operation."""
    result = RolesSeen()
    for call in calls:
        result.uses[Use(*call)] += 1
    for call in refused:
        result.uses[Use(*call, refused=True)] += 1
    result.granted = {name: tuple(roles) for name, roles in (granted or {}).items()}
    result.demands, result.unknown, result.failed = demands or {}, set(unknown), set(failed)
    return result


def _text(roles: Sequence[str], *, one: bool) -> str:
    which = "one of the following" if one else "the following"
    return "\n".join([f"It does.\n\nYour API credential must have {which} [roles](https://x.example):", *roles])


def _operation(roles: Sequence[str] = (), *, one: bool = False) -> dict[str, Any]:
    text = _text([f"* {role}" for role in roles], one=one) if roles else "It does."
    body = {"application/json": {"schema": {"type": "object", "properties": {"done": {"type": "boolean"}}}}}
    return {"description": text, "responses": {"200": {"description": "Done.", "content": body}}}


STORES: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Adyen Stores API", "version": "1"},
    "servers": [{"url": "https://stores-test.adyen.com/stores/v1"}],
    "security": [{"Key": []}],
    "paths": {
        "/stores": {"get": _operation([READ, WRITE], one=True), "post": _operation([WRITE])},
        "/users": {"get": _operation([READ, USERS], one=True)},
        "/open": {"get": _operation()},
    },
    "components": {"securitySchemes": {"Key": {"type": "apiKey", "name": "X-API-Key", "in": "header"}}},
}
"""An API that there is not, whose operations ask for all of, or one of, some roles, or say nothing of them."""

STORES_URL = "https://stores-test.adyen.com/stores/v1"


def import_stores(folder: Path) -> None:
    """Write the contract of the stores below ``folder``."""
    write_contract(import_openapi(STORES, "stores.json"), folder)


class Runs:
    """Runs of pytest in this process that note roles."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester

    def __call__(self, *arguments: str, name: str = "roles.json") -> pytest.RunResult:
        """Run pytest with a report called ``name``."""
        given = (
            arguments if any(each.startswith("--adyen-roles") for each in arguments) else ("--adyen-roles", *arguments)
        )
        return self.pytester.runpytest_inprocess("-p", "no:cacheprovider", *given, f"--adyen-report={name}")

    def roles(self, name: str = "roles.json") -> dict[str, Any]:
        """Return what the report says of roles."""
        report = json.loads((self.pytester.path / name).read_text(encoding="utf-8"))
        found: dict[str, Any] = report["roles"]
        return found


def calls_of(roles: dict[str, Any]) -> Iterator[tuple[str, str, str, bool]]:
    """Yield each call that a report has: the test's name, the credential, the operation, and whether it was refused."""
    for each in roles["calls"]:
        yield each["test"].partition("::")[2], each["credential"], each["operation"], each["refused"]
