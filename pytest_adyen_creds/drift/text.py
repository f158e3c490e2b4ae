"""Findings as people read them: one line for all that say the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from pytest_adyen_creds.contract.baseline import Entry, Judgement
from pytest_adyen_creds.contract.finding import LEVELS, Finding, Group, group
from pytest_adyen_creds.text import counted, printed


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
