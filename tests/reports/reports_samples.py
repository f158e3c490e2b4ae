"""Runs and reports to test with."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pytest_adyen_creds.reports.report import report_of
from pytest_adyen_creds.run import Run
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


def run_of(folder: Path, **settings: Any) -> Run:
    """Return a run that has seen nothing yet."""
    return Run(Settings(**{"backend": "replay", **settings}), folder)


def see(run: Run, body: Any = None, status: int = 422, media: str = "application/json", path: str = "/v3/me") -> None:
    """Let a run see one answer, by default one that keeps to the contract."""
    data = body if isinstance(body, bytes) else json.dumps(ERROR if body is None else body).encode()
    run.observe("GET", path, status, {"content-type": media}, data, "Adyen's test endpoint")


def hostile_run(folder: Path, **settings: Any) -> Run:
    """Return a run that has seen names that try to be more than text."""
    run = run_of(folder, **settings)
    for name in HOSTILE:
        see(run, {**ERROR, name: "x"})
    see(run, {key: value for key, value in ERROR.items() if key != "title"})
    see(run, status=429)
    return run


def suite_run(folder: Path, **settings: Any) -> Run:
    """Return a run that has replayed the bundled suite."""
    from pytest_adyen_creds.checks.suite import Suite

    run = run_of(folder, **settings)
    Suite(run).check_all()
    return run


def report(run: Run) -> dict[str, Any]:
    """Return a run's report."""
    return report_of(run, NOW)
