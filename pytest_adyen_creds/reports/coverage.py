"""Coverage: which documented statuses of which operations were judged."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pytest_adyen_creds.contract import Contract


_SHORTEST: Final = 24
"""Fewer characters than this tell no two operations apart."""


def documented_pairs(contract: Contract) -> set[tuple[str, int]]:
    """Return each documented (operation label, status)."""
    return {(label, status) for label, operation in contract.operations.items() for status in operation.responses}


def coverage_lines(contract: Contract, seen: Mapping[tuple[str, int], int], width: int) -> Iterator[str]:
    """Yield a table of the operations that were reached, by statuses: how many exchanges each cell has.

    ``width`` is how many columns a line may have: labels are shortened to fit, down to their first and last characters.
    """
    statuses = sorted({status for _, status in documented_pairs(contract)} | {status for _, status in seen})
    reached = {label for label, _ in seen}
    labels = [label for label in contract.operations if label in reached] + sorted(reached - set(contract.operations))
    cell = 1 + max(3, *(len(str(count)) for count in seen.values()))
    shown = _fitted(labels, max(_SHORTEST, width - cell * len(statuses)))
    longest = max(map(len, shown))
    yield f"{'':{longest}}" + "".join(f"{status:>{cell}}" for status in statuses)
    for label, name in zip(labels, shown, strict=True):
        known = contract.operations[label].responses if label in contract.operations else {}
        cells = (str(seen[label, s]) if (label, s) in seen else "-" if s in known else "" for s in statuses)
        yield (f"{name:{longest}}" + "".join(f"{text:>{cell}}" for text in cells)).rstrip()
    yield "blank: not documented, -: not seen"


def _fitted(labels: list[str], room: int) -> list[str]:
    """Return ``labels`` in at most ``room`` characters: without the names of parameters, and cut in the middle."""
    if max(map(len, labels)) <= room:
        return labels
    bare = [re.sub(r"\{[^}]*\}", "{}", label) for label in labels]
    return [
        each if len(each) <= room else f"{each[: room // 2]}…{each[len(each) - (room - room // 2 - 1) :]}"
        for each in bare
    ]


def covered_pairs(contract: Contract, seen: Mapping[tuple[str, int], int]) -> int:
    """Return how many of the documented (operation, status) pairs were seen."""
    return len(documented_pairs(contract) & {pair for pair, count in seen.items() if count})


def coverage_summary(contract: Contract, seen: Mapping[tuple[str, int], int]) -> str:
    """Say in one line how much of the contract was judged."""
    documented, covered = len(documented_pairs(contract)), covered_pairs(contract, seen)
    exchanges = sum(seen.values())
    return f"{exchanges} exchanges judged; {covered} of {documented} documented (operation, status) pairs covered"
