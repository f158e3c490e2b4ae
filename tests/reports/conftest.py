"""Reports that the tests share: what is looked at only is made once."""

from __future__ import annotations

from typing import Any

import pytest
from reports_samples import add_hostile, report, suite_results

from pytest_adyen_creds.checks.failure import CheckFailure
from pytest_adyen_creds.checks.results import Results


@pytest.fixture(scope="session")
def _reports(tmp_path_factory: pytest.TempPathFactory) -> tuple[Results, dict[str, Any], dict[str, Any]]:
    results = suite_results(tmp_path_factory.mktemp("suite"))
    clean = report(results)
    add_hostile(results)
    results.failures.append(
        CheckFailure("GET /me", 200, "a_check", "/x", "a message", "do this", curl="curl x", answer="{}")
    )
    return results, clean, report(results)


@pytest.fixture(scope="session")
def clean_report(_reports: Any) -> dict[str, Any]:
    """The report of the bundled suite, replayed."""
    return _reports[1]


@pytest.fixture(scope="session")
def full_report(_reports: Any) -> dict[str, Any]:
    """The same with everything that a page can have besides: findings with hostile names, and a failed check."""
    return _reports[2]
