"""Fixtures of the tests of roles."""

from __future__ import annotations

import aiohttp  # noqa: F401 - what runs inside this process import late would be forgotten after them
import httpcore  # noqa: F401
import pytest
import requests  # noqa: F401
from roles_suites import Runs, import_stores

import pytest_adyen_creds.contract
import pytest_adyen_creds.roles.layer
import pytest_adyen_creds.roles.proof
import pytest_adyen_creds.sandbox.server  # noqa: F401


@pytest.fixture
def runs(pytester: pytest.Pytester) -> Runs:
    """Runs of pytest that note roles."""
    return Runs(pytester)


@pytest.fixture
def with_stores(runs: Runs) -> Runs:
    """The same where the sandbox answers an API whose operations ask for one of some roles."""
    import_stores(runs.pytester.path / "contracts")
    runs.pytester.makeini("[pytest]\nadyen_contracts = contracts\n")
    return runs
