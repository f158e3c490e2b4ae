"""How much there is, in numbers: the one place that a new operation, scenario or recording changes."""

from __future__ import annotations

import counts
import pytest

from pytest_adyen_creds import load_contract

THERE = {"operations": 26, "pairs": 165, "items": 42, "structures": 23, "answers": 790}


@pytest.mark.parametrize("what", THERE)
def test_there_are_as_many_as_are_known(what: str) -> None:
    found = getattr(counts, what)()
    assert found == THERE[what], (
        f"{found} {what}, and {THERE[what]} were known. Did you add or remove an operation, a scenario or a structure, "
        f"or record again? Write {found} into THERE in tests/test_counts.py, and look for {THERE[what]} in README.md "
        "and docs/. If not, something is lost"
    )


def test_v1_has_the_same_operations() -> None:
    assert set(load_contract("v1").operations) == set(load_contract("v3").operations)
    assert counts.pairs("v1") == counts.pairs("v3")
