"""How much there is: counted from the contract, the suite and the recordings, for tests that look whether all came."""

from __future__ import annotations

from functools import cache

from pytest_adyen_creds import load_contract
from pytest_adyen_creds.cassettes import serializer
from pytest_adyen_creds.checks.scenarios import SCENARIOS
from pytest_adyen_creds.contract import bundled


@cache
def operations(version: str = "v3") -> int:
    """Return how many operations a version has."""
    return len(load_contract(version).operations)


@cache
def pairs(version: str = "v3") -> int:
    """Return how many (operation, status) pairs a version documents."""
    return sum(len(each.responses) for each in load_contract(version).operations.values())


@cache
def items() -> int:
    """Return how many tests the suite has: one for each operation and each scenario, and the stateful one."""
    return operations() + len(SCENARIOS) + 1


@cache
def answers(version: str = "v3") -> int:
    """Return how many answers are recorded of a version."""
    folder = bundled("cassettes") / version
    return sum(len(serializer.read(path).interactions) for path in folder.glob("*.yaml"))


@cache
def structures() -> int:
    """Return how many types of bodies the contract has."""
    return len(load_contract("v3").structures)
