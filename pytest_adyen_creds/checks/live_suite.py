"""The live side of the suite: its plan before the first call, its progress, and what it may not send."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from pytest_adyen_creds import clock
from pytest_adyen_creds.checks.cases import Amounts, most_generated, scripted
from pytest_adyen_creds.checks.live_target import RUNS, STEPS, LiveTarget, creates
from pytest_adyen_creds.checks.sample_data import SampleData
from pytest_adyen_creds.checks.scenarios import SCENARIOS, STATEFUL
from pytest_adyen_creds.credentials.backend import REQUESTS_PER_MINUTE
from pytest_adyen_creds.endpoints import is_loopback
from pytest_adyen_creds.errors import AdyenCredsError, BudgetSpent

if TYPE_CHECKING:
    import httpx

    from pytest_adyen_creds.checks.failure import CheckFailure
    from pytest_adyen_creds.checks.results import Results
    from pytest_adyen_creds.checks.sample_data import Level
    from pytest_adyen_creds.contract import Contract
    from pytest_adyen_creds.credentials.leases import LeaseClient

_EVERY: Final = 5.0
"""Seconds between two lines of progress."""

_OVERHEAD: Final = 14
"""Requests that a sequence needs at most besides its own: lease, set-up, reset."""
_LONGEST_SCENARIO: Final = 24


class LiveSuite:
    """What the sequences of one live run share: the plan, the counts, and which throwaways cannot be had.

    ``items`` are the names of the sequences that will be checked (default: all).
    """

    def __init__(
        self,
        results: Results,
        lease_client: LeaseClient,
        items: Iterable[str] | None,
        amounts: Amounts,
        say: Callable[[str], None],
    ) -> None:
        self._results = results
        self._say = say
        self._lease_client = lease_client
        self._wanted = 0
        """The budget that would reach every sequence."""
        self._lost: dict[Level, AdyenCredsError] = {}
        self.calls = self.findings = self.skipped = 0
        self._started = self._said = clock.monotonic()
        contract, settings = results.contract, results.settings
        chosen = {*contract.operations, *SCENARIOS, STATEFUL} if items is None else set(items)
        self._planned = most_calls(contract, chosen, amounts)
        creators = {label for label, operation in contract.operations.items() if creates(operation)} | {STATEFUL}
        self._creators = creators & chosen
        limit = "" if is_loopback(settings.base_url) else f", at most {REQUESTS_PER_MINUTE} a minute"
        say(
            f"plan of the contract suite: at most {self._planned} requests{limit}; at most {settings.max_created} "
            "credentials created, each switched off at the end; credentials of others are read and never changed"
        )
        with self.sequence() as target:
            target.reserve()
        lost = sum(isinstance(error, BudgetSpent) for error in self._lost.values())
        self._wanted = self._lease_client.ownership.budget.spent + lost + len(self._creators)

    @contextmanager
    def sequence(self) -> Iterator[LiveTarget]:
        """Yield the target of one sequence; its requests are counted, however it ends."""
        target = LiveTarget(
            self._results.contract,
            self._lease_client,
            self._results.settings.merchant,
            self._lost,
            self._creators,
            lambda: self._wanted,
        )
        observers = self._lease_client.management.observers
        observers.append(self._count)
        try:
            yield target
        finally:
            observers.remove(self._count)
            self.skipped += target.skipped

    def _count(self, response: httpx.Response) -> None:
        self.calls += 1

    def report(self, failures: list[CheckFailure]) -> None:
        """Say how far the run is, every now and then; ``failures`` are those of the last sequence."""
        self.findings += len(failures)
        now = clock.monotonic()
        if now - self._said < _EVERY and self.calls < self._planned:
            return
        self._said = now
        left = (now - self._started) * max(0, self._planned - self.calls) / max(1, self.calls)
        created = len(self._lease_client.ownership.created)
        self._say(
            f"{self.calls} of at most {self._planned} requests, {self.skipped} not sent because they may not be, "
            f"{created} created by cases, {self.findings} findings; at most {left / 60:.0f} min left"
        )


def most_calls(contract: Contract, items: set[str], amounts: Amounts) -> int:
    """Return how many requests a live run of the sequences ``items`` sends at most; nothing is generated for it.

    Repeats after 429, and waiting for new keys, are not counted.
    """
    data = SampleData("C", ("M",), {"company": "1", "merchant": "1"}, {"company": "1", "merchant": "1", "me": "1"})
    calls = len(items & SCENARIOS.keys()) * (_OVERHEAD + _LONGEST_SCENARIO)
    for label, operation in contract.operations.items():
        if label in items:
            calls += _OVERHEAD + sum(case.fault is None for case in scripted(operation, data))
            calls += most_generated(contract, operation, amounts)
    return calls + ((2 * _OVERHEAD + 3 * RUNS * STEPS) if STATEFUL in items else 0)
