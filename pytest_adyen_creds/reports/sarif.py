"""The report as SARIF: findings of drift, broken rules, what broke in a rehearsal, and stale recordings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pytest_adyen_creds.contract.finding import Finding
from pytest_adyen_creds.drift.text import sarif_results
from pytest_adyen_creds.sarif import SarifResult, to_sarif
from pytest_adyen_creds.settings import ini_options


def sarif_of(report: Mapping[str, Any]) -> str:
    """Return ``report`` as a SARIF log; what counts is in it, known deviations and accepted drift are not.

    A result stands at the file of the first test that met it, and at the user's line where a rehearsal broke a test.
    """
    _, folder = ini_options(Path.cwd())  # pytest's root, which the names of tests begin at
    return to_sarif(_results(report, folder), folder)


def _results(report: Mapping[str, Any], folder: Path) -> Iterator[SarifResult]:
    tests = {Finding.from_json(each).key: each["tests"] for each in report["findings"]}
    findings = map(Finding.from_json, report["findings"])
    yield from sarif_results(findings, lambda finding: [_file_of(tests[finding.key], folder)])
    for each in report["failures"]:
        yield SarifResult(
            rule=each["check"],
            level="error",
            message=f"{each['message']} [{each['operation']} -> {each['status']}]; {each['next_step']}",
            meaning=each["rule"],
            path=_file_of(each["tests"], folder),
            place=f"{each['operation']} -> {each['status']} {each['pointer']}".rstrip(),
        )
    for each in report["rehearsal"]:
        if each["finding"] and not each["accepted"]:
            path, _, line = each["where"].rpartition(":")
            yield SarifResult(
                rule=each["finding"],
                level="warning" if each["verdict"] == "silent" else "error",
                message=f"{each['mutation']}: {each['error'] or each['verdict']}; {each['next_step']}",
                page="how-to/rehearse.html",
                path=path or _file_of([each["test"]], folder),
                line=int(line) if line.isdecimal() else 0,
                place=f"{each['test']} {each['id']}",
            )
    for each in report["recordings"]:
        for why in each["stale"]:
            yield SarifResult("cassette-stale", "warning", why, path=_existing(each["path"], folder))


def _file_of(tests: Iterable[str], folder: Path) -> str | None:
    """Return the file of the first of ``tests`` that is one below ``folder``."""
    return next(filter(None, (_existing(test.partition("::")[0], folder) for test in tests)), None)


def _existing(path: str, folder: Path) -> str | None:
    return path if path and (folder / path).is_file() else None
