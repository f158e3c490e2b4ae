"""Departures: which item of the suite fails for what was met, so that one departure is one failed item."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_adyen_creds.checks.failure import CheckFailure
    from pytest_adyen_creds.checks.results import Results


class Departures:
    """Assigns the failures that sequences met to items.

    ``homes`` are the operations whose items are part of this run. A failure of one of them is that item's; what its own
    item did not meet fails the first other item that meets it. What an item that has yet to run owes is kept in
    the results, so that nothing is lost where it never runs.
    """

    def __init__(self, results: Results, homes: Iterable[str]) -> None:
        self._results = results
        self._homes = frozenset(homes)
        self._done: set[str] = set()
        self._claimed: dict[tuple[str, ...], str] = {}

    def of(self, item: str, met: Iterable[CheckFailure]) -> list[CheckFailure]:
        """Return the failures that ``item`` (an operation's label, or another name) fails for; ``met``: what it met."""
        mine: dict[tuple[str, ...], CheckFailure] = {}
        for failure in met:
            home, key = failure.operation, failure.key
            if home == item:
                mine.setdefault(key, failure)
            elif key in self._results.failed and self._claimed.get(key) != item:
                continue
            elif home in self._homes and home not in self._done:
                self._results.owed.setdefault(key, failure)
            else:
                mine.setdefault(key, failure)
        for key, failure in list(self._results.owed.items()):
            if failure.operation == item:
                mine.setdefault(key, failure)
        self._done.add(item)
        self._results.failed.update(mine)
        for key in mine:
            self._claimed.setdefault(key, item)  # who failed for it fails again when it is run again
            self._results.owed.pop(key, None)
        return list(mine.values())
