"""The live side of the suite: its plan before the first call, its progress, and what it may not send."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from pytest_adyen_creds import clock
from pytest_adyen_creds.checks.live import LiveStage, Plan, creates, plan
from pytest_adyen_creds.checks.lives import LIVES, STATEFUL
from pytest_adyen_creds.credentials.backend import REQUESTS_PER_MINUTE
from pytest_adyen_creds.endpoints import is_loopback
from pytest_adyen_creds.errors import AdyenCredsError, BudgetSpent

if TYPE_CHECKING:
    from pytest_adyen_creds.checks.failure import CheckFailure
    from pytest_adyen_creds.checks.generation import Amounts
    from pytest_adyen_creds.checks.results import Results
    from pytest_adyen_creds.checks.world import Level
    from pytest_adyen_creds.credentials.leases import LeaseClient

_EVERY: Final = 5.0
"""Seconds between two lines of progress."""


class LiveSuite:
    """What the sequences of one live run share: the plan, the counts, and which throwaways cannot be had."""

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
        chosen = None if items is None else set(items)
        self.plan = self._planned(chosen, amounts)
        operations = results.contract.operations.items()
        creators = {label for label, operation in operations if creates(operation)} | {STATEFUL}
        self._creators = creators if chosen is None else creators & chosen
        say(str(self.plan))
        with self.sequence() as stage:
            stage.reserve()
        lost = sum(isinstance(error, BudgetSpent) for error in self._lost.values())
        self._wanted = self._lease_client.ownership.budget.spent + lost + len(self._creators)

    @contextmanager
    def sequence(self) -> Iterator[LiveStage]:
        """Yield the stage of one sequence; its requests are counted, however it ends."""
        settings = self._results.settings
        stage = LiveStage(
            self._results.contract,
            self._lease_client,
            settings.merchant,
            self._lost,
            self._creators,
            lambda: self._wanted,
        )
        count = [0]
        counting = self._lease_client.management.observers
        counting.append(lambda exchange: count.__setitem__(0, count[0] + 1))
        mark = counting[-1]
        try:
            yield stage
        finally:
            counting.remove(mark)
            self.calls += count[0]
            self.skipped += stage.stage.skipped

    def report(self, stage: LiveStage, failures: list[CheckFailure]) -> None:
        """Say how far the run is, every now and then."""
        self.findings += len(failures)
        now = clock.monotonic()
        if now - self._said < _EVERY and self.calls < self.plan.calls:
            return
        self._said = now
        left = (now - self._started) * max(0, self.plan.calls - self.calls) / max(1, self.calls)
        created = len(self._lease_client.ownership.created)
        self._say(
            f"{self.calls} of at most {self.plan.calls} requests, {self.skipped} not sent because they may not be, "
            f"{created} created by cases, {self.findings} findings; at most {left / 60:.0f} min left"
        )

    def _planned(self, items: set[str] | None, amounts: Amounts) -> Plan:
        contract, settings = self._results.contract, self._results.settings
        operations = [operation for label, operation in contract.operations.items() if items is None or label in items]
        lives = [name for name in LIVES if items is None or name in items]
        return plan(
            contract,
            operations,
            len(lives),
            walks=items is None or STATEFUL in items,
            creations=settings.max_created,
            per_minute=None if is_loopback(settings.base_url) else REQUESTS_PER_MINUTE,
            amounts=amounts,
        )
