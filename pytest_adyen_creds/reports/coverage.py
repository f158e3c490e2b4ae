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

    Labels are whole and stand last, so that they can be copied however wide the terminal is.
    """
    statuses = sorted({status for _, status in documented_pairs(contract)} | {status for _, status in seen})
    reached = {label for label, _ in seen}
    cell = 1 + max(3, *(len(str(count)) for count in seen.values()))
    yield "".join(f"{status:>{cell}}" for status in statuses)
    for label in (
        *(each for each in contract.operations if each in reached),
        *sorted(reached - set(contract.operations)),
    ):
        known = contract.operations[label].responses if label in contract.operations else {}
        cells = (str(seen[label, s]) if (label, s) in seen else "-" if s in known else "" for s in statuses)
        yield "".join(f"{text:>{cell}}" for text in cells) + f"  {label}"
    yield "blank: not documented, -: not seen"


def covered_pairs(contract: Contract, seen: Mapping[tuple[str, int], int]) -> int:
    """Return how many of the documented (operation, status) pairs were seen."""
    return len(documented_pairs(contract) & {pair for pair, count in seen.items() if count})


def coverage_summary(contract: Contract, seen: Mapping[tuple[str, int], int]) -> str:
    """Say in one line how much of the contract was judged."""
    documented, covered = len(documented_pairs(contract)), covered_pairs(contract, seen)
    exchanges = sum(seen.values())
    return f"{exchanges} exchanges judged; {covered} of {documented} documented (operation, status) pairs covered"
