"""The contract suite: every operation of Adyen's API-credential surface, held to the contract and to Adyen's rules.

``pytest --adyen-contracts`` adds it to any run. Who answers is the run's business: cassettes (the default), the
embedded sandbox (``--adyen-backend=sandbox``) or Adyen's test endpoint (``--adyen-live``); the checks are the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pytest_adyen_creds.checks.failure import NotReached, explain
from pytest_adyen_creds.checks.scenarios import SCENARIOS, STATEFUL

pytestmark = pytest.mark.adyen_contract
sequence = pytest.mark.adyen_sequence


def test_operation(adyen_operation: Any, adyen_suite: Any) -> None:
    """One operation: schemathesis' cases and one for each documented status, each answer judged."""
    report(lambda: adyen_suite.check(adyen_operation.label))


@pytest.mark.parametrize("life", [pytest.param(life, marks=sequence(name=life)) for life in SCENARIOS])
def test_life(life: str, adyen_suite: Any) -> None:
    """One credential's life: what only a sequence of requests shows, such as the overlap of two keys."""
    report(lambda: adyen_suite.check(life))


@sequence(name=STATEFUL)
def test_stateful(adyen_suite: Any) -> None:
    """Walks along the contract's links: create, read, update, rotate, add origins, switch off."""
    report(lambda: adyen_suite.check(STATEFUL))


def report(check: Callable[[], list[Any] | None]) -> None:
    """Fail with what a person needs in order to act; skip what cannot be judged here, and say why."""
    try:
        failures = check()
    except NotReached as reason:
        pytest.skip(str(reason))
    if failures:
        pytest.fail(explain(failures), pytrace=False)
