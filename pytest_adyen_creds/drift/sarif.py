"""Findings of drift as SARIF."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from pytest_adyen_creds.contract.finding import Finding, Level
from pytest_adyen_creds.drift.listing import entries
from pytest_adyen_creds.sarif import SarifLevel, SarifResult

LEVELS: Final[Mapping[Level, SarifLevel]] = {"breaking": "error", "warning": "warning", "info": "note"}


def sarif_results(
    findings: Iterable[Finding], paths_of: Callable[[Finding], Iterable[str | Path | None]]
) -> Iterator[SarifResult]:
    """Yield each of ``findings`` once for each of the paths that ``paths_of`` returns for it."""
    meanings = {entry.id: entry.meaning for entry in entries()}
    for finding in findings:
        status = "" if finding.status is None else f" -> {finding.status}"
        place = f"{finding.operation}{status}{f' {finding.location}' if finding.location else ''}"
        for path in paths_of(finding):
            yield SarifResult(
                rule=finding.id,
                level=LEVELS[finding.level],
                message=f"{finding.message} [{place}]",
                meaning=meanings.get(finding.id, ""),
                page=f"reference/findings.html#finding-{finding.id}",
                path=path,
                place=place,
            )
