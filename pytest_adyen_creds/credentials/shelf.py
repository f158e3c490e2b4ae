"""The shelf: the throwaways of one place, who is after them, and what is to be done for who waits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Literal

from pytest_adyen_creds.credentials.throwaway import Throwaway
from pytest_adyen_creds.errors import AdyenCredsError, BudgetSpent

Verdict = Literal["start", "wait", "give up"]


@dataclass
class Shelf:
    """The throwaways of one place; whoever has the pool's lock may change it."""

    free: list[Throwaway] = field(default_factory=list)
    held: int = 0
    """How many there are or are being provisioned."""
    starting: int = 0
    """How many of them are being provisioned behind."""
    waiting: Counter[str] = field(default_factory=Counter)
    """How many leases each holder waits for."""
    failures: list[AdyenCredsError] = field(default_factory=list)
    """What is to be told to those who wait, one each."""
    spent: BudgetSpent | None = None
    """Why no other can be created."""

    def verdict(self, holder: str, leasing: Collection[str], size: int) -> Verdict:
        """Return what a wait of ``holder`` asks for now, of whom ``leasing`` have a lease here.

        ``size`` is the most that there may be.
        """
        if self.starting >= self.waiting.total():
            return "wait"
        if self.held < size and self.spent is None:
            return "start"
        # only another holder can help now, and only one that does not itself wait
        stuck = {holder} | {who for who, count in self.waiting.items() if count}
        return "wait" if self.starting or set(leasing) - stuck else "give up"
