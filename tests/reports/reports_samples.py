"""Runs and reports to test with."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pytest_adyen_creds.checks.results import Results
from pytest_adyen_creds.cli import main
from pytest_adyen_creds.reports.report import report_of
from pytest_adyen_creds.sandbox.faults import Faults
from pytest_adyen_creds.settings import Settings

NOW = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)

ERROR: dict[str, Any] = {"type": "t", "errorCode": "31_007", "title": "Invalid", "detail": "d", "status": 422}

HOSTILE = (
    "</style><script>window.hostile = 1</script><img src=x onerror='window.hostile = 2'>\"'`",
    "](https://evil.example) ![x](https://evil.example/x.png) | `a` @someone <b>",
    "\u202e\x1b[31mred\x00\r\n::error::injected\n##[error]x %0A::warning::y",
    "x" * 5000,
    "]]><!--",
    "\ud800lone",
)
"""Names of properties that an answer may bring."""


def results_of(folder: Path, **settings: Any) -> Results:
    """Return the results of a run that has seen nothing yet."""
    return Results(Settings(**{"backend": "replay", **settings}), folder)


def see(
    results: Results, body: Any = None, status: int = 422, media: str = "application/json", path: str = "/v3/me"
) -> None:
    """Add one answer to ``results``, by default one that keeps to the contract."""
    data = body if isinstance(body, bytes) else json.dumps(ERROR if body is None else body).encode()
    results.collector.answer("GET", path, status, {"content-type": media}, data, "Adyen's test endpoint")


def add_hostile(results: Results) -> Results:
    """Add answers with names that try to be more than text to ``results``, and return them."""
    for name in HOSTILE:
        see(results, {**ERROR, name: "x"})
    see(results, {key: value for key, value in ERROR.items() if key != "title"})
    see(results, status=429)
    return results


def suite_results(folder: Path, **settings: Any) -> Results:
    """Return the results of a run that has replayed the bundled suite."""
    from pytest_adyen_creds.checks.suite import Suite

    results = results_of(folder, **settings)
    Suite(results).check_all()
    return results


def report(results: Results) -> dict[str, Any]:
    """Return the report of ``results``."""
    return report_of(results, NOW)


def assert_pasteable(labels: Iterable[str], folder: Path) -> None:
    """Assert that ``adyen_sandbox.faults`` and ``--operation`` take each of ``labels`` as it is."""
    faults, body = Faults(lambda name, number: 0.0), folder / "body.json"
    body.write_text(json.dumps(ERROR))
    for label in labels:
        faults.reset(label)
        assert main(["drift", "response", "--operation", label, "--status=422", str(body)]) == 0
