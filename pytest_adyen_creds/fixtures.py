"""The public fixtures. Each imports what it needs when it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_adyen_creds.checks.suite import Suite
    from pytest_adyen_creds.contract import Contract
    from pytest_adyen_creds.run import Run
    from pytest_adyen_creds.settings import Settings

__all__ = ["adyen_contract", "adyen_run", "adyen_settings", "adyen_suite"]


@pytest.fixture(scope="session")
def adyen_run(pytestconfig: pytest.Config) -> Run:
    """The state of this run: settings, contract, what was judged."""
    from pytest_adyen_creds.plugin import run_of

    return run_of(pytestconfig)


@pytest.fixture(scope="session")
def adyen_settings(adyen_run: Run) -> Settings:
    """What this run was asked to do: command line over ini over environment over default."""
    return adyen_run.settings


@pytest.fixture(scope="session")
def adyen_contract(adyen_run: Run) -> Contract:
    """The contract of the run's API version: operations, structures, ``is_valid`` and ``validate``."""
    return adyen_run.contract


@pytest.fixture(scope="session")
def adyen_suite(adyen_run: Run) -> Suite:
    """The contract suite: ``check(operation)`` judges each of an operation's exchanges."""
    from pytest_adyen_creds.checks.suite import Suite

    return Suite(adyen_run)
