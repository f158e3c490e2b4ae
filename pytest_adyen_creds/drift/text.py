"""Findings as people read them: one line for all that say the same; and as SARIF, for code scanning."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from pytest_adyen_creds.contract.baseline import Entry, Judgement
from pytest_adyen_creds.contract.finding import LEVELS, Finding, Group, Level, group
from pytest_adyen_creds.drift.listing import entries
from pytest_adyen_creds.sarif import SarifLevel, SarifResult
from pytest_adyen_creds.text import counted, printed

_SARIF_LEVELS: Final[Mapping[Level, SarifLevel]] = {"breaking": "error", "warning": "warning", "info": "note"}


def lines(findings: Iterable[Finding], *, verbose: bool = False) -> Iterator[str]:
    """Yield one line a group of findings, the most serious first; ``verbose``: below it the places of several."""
    groups = group(findings)
    width = max((len(str(each.count)) for each in groups), default=1)
    for each in groups:
        yield printed(f"{each.level:<8}  {each.count:>{width}}x  {each.id}: {each.message}  [{where(each)}]")
        for finding in each.findings if verbose and len(each.findings) > 1 else ():
            place = " ".join(filter(None, (finding.operation, str(finding.status or ""), finding.location)))
            yield printed(f"{'':<10}{'':>{width}}   {place}")


def known_lines(judgement: Judgement) -> Iterator[str]:
    """Yield a line for each known deviation that was met: what it is, how often, why it is known, its evidence."""
    met: dict[Entry, list[Finding]] = {}
    for finding, entry in judgement.known.items():
        met.setdefault(entry, []).append(finding)
    for entry, findings in met.items():
        times = sum(finding.count for finding in findings)
        evidence = "; ".join(map(str, entry.evidence))
        place = ", ".join(filter(None, (entry.location or "", *map(str, entry.statuses or ()))))
        yield printed(f"known     {times}x  {entry.id} [{place}]: {entry.reason}; seen in {evidence}")


def where(each: Group) -> str:
    """Return in short where the findings of a group are: operations, statuses, places."""
    operations = each.operations[0] if len(each.operations) == 1 else f"{len(each.operations)} operations"
    if operations == "*":
        operations = "the document"
    statuses = ", ".join(map(str, each.statuses))
    shown = ", ".join(each.locations[:3]) + (f" and {len(each.locations) - 3} more" if len(each.locations) > 3 else "")
    return "; ".join(filter(None, (operations, statuses, shown)))


def tally(findings: Iterable[Finding]) -> str:
    """Return how many findings there are, by level: ``13 findings (13 info)``."""
    counts = Counter(finding.level for finding in findings)
    total = counts.total()
    if not total:
        return "no findings"
    levels = ", ".join(f"{counts[level]} {level}" for level in LEVELS if counts[level])
    return f"{counted(total, 'finding')} ({levels})"


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
                level=_SARIF_LEVELS[finding.level],
                message=f"{finding.message} [{place}]",
                meaning=meanings.get(finding.id, ""),
                page=f"reference/findings.html#finding-{finding.id}",
                path=path,
                place=place,
            )
