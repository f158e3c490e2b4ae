"""The terminal summary of a pytest run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pytest_adyen_creds.reports.coverage import coverage_lines, coverage_summary

if TYPE_CHECKING:
    from pytest_adyen_creds.run import Run


def summarise(run: Run, reporter: Any) -> None:
    """Write what the run judged: coverage, where the answers came from, and each failed check once."""
    reporter.section("Adyen contract", sep="-")
    for line in summary_lines(run, verbose=reporter.verbosity >= 0):
        reporter.write_line(line)


def summary_lines(run: Run, *, verbose: bool = True) -> Iterator[str]:
    """Yield the lines of the summary; ``verbose`` adds the table of operations by statuses."""
    if verbose:
        yield from coverage_lines(run.contract, run.coverage)
    yield coverage_summary(run.contract, run.coverage)
    for origin, count in sorted(run.origins.items()):
        yield f"{count} answers from {origin}"
    for failure, count in _counted(run):
        yield f"{failure}" + (f"\n  ({count} times)" if count > 1 else "")


def _counted(run: Run) -> list[tuple[str, int]]:
    counts: dict[str, int] = {}
    for failure in run.failures:
        counts[str(failure)] = counts.get(str(failure), 0) + 1
    return sorted(counts.items())
