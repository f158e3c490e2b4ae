"""Coverage: which documented statuses of which operations were judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_adyen_creds.contract import Contract


def documented_pairs(contract: Contract) -> set[tuple[str, int]]:
    """Return each documented (operation label, status)."""
    return {(label, status) for label, operation in contract.operations.items() for status in operation.responses}


def coverage_lines(contract: Contract, seen: Mapping[tuple[str, int], int]) -> Iterator[str]:
    """Yield a table of the operations that were reached, by statuses: how many exchanges each cell has.

    ``-`` stands for a documented status that was not seen.
    """
    statuses = sorted({status for _, status in documented_pairs(contract)} | {status for _, status in seen})
    reached = {label for label, _ in seen}
    labels = [label for label in contract.operations if label in reached] + sorted(reached - set(contract.operations))
    width = max(map(len, labels))
    yield f"{'':{width}}" + "".join(f"{status:>5}" for status in statuses)
    for label in labels:
        known = contract.operations[label].responses if label in contract.operations else {}
        cells = (str(seen[label, s]) if (label, s) in seen else "-" if s in known else "" for s in statuses)
        yield (f"{label:{width}}" + "".join(f"{cell:>5}" for cell in cells)).rstrip()


def covered_pairs(contract: Contract, seen: Mapping[tuple[str, int], int]) -> int:
    """Return how many of the documented (operation, status) pairs were seen."""
    return len(documented_pairs(contract) & {pair for pair, count in seen.items() if count})


def coverage_summary(contract: Contract, seen: Mapping[tuple[str, int], int]) -> str:
    """Say in one line how much of the contract was judged."""
    documented, covered = len(documented_pairs(contract)), covered_pairs(contract, seen)
    exchanges = sum(seen.values())
    return f"{exchanges} exchanges judged; {covered} of {documented} documented (operation, status) pairs covered"
