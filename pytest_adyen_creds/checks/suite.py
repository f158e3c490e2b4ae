"""The contract suite: each sequence's exchanges, recorded or made now, and the checks on them."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_adyen_creds.checks.cases import Amounts, TestCase
from pytest_adyen_creds.checks.exchange import SET_UP, Exchange
from pytest_adyen_creds.checks.failure import CheckFailure, NotReached
from pytest_adyen_creds.checks.judging import judge
from pytest_adyen_creds.checks.known_state import KnownState
from pytest_adyen_creds.checks.recording import record, replayed
from pytest_adyen_creds.checks.sample_data import level_of
from pytest_adyen_creds.checks.scenarios import SCENARIOS, STATEFUL
from pytest_adyen_creds.contract import bundled
from pytest_adyen_creds.errors import CredentialError

if TYPE_CHECKING:
    from pytest_adyen_creds.checks.live_target import LiveSuite
    from pytest_adyen_creds.checks.results import Results
    from pytest_adyen_creds.checks.runner import Runner
    from pytest_adyen_creds.checks.sandbox_target import Prepare
    from pytest_adyen_creds.contract import Operation
    from pytest_adyen_creds.credentials.leases import LeaseClient

Run = Callable[["Runner"], None]
"""Makes the exchanges of a sequence."""


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


class Suite:
    """The contract suite of one run. The backend decides where a sequence's exchanges come from.

    A departure fails one item: that of the operation that answered so, where it is among ``items``, whichever sequence
    met it; else the first that meets it. Known deviations and accepted drift fail none.

    What is seen goes into ``results``. ``lease_client`` is what lends a live run its credentials; without one the suite
    does not run live. ``prepare`` is called with each embedded sandbox before it is used; ``seed`` decides what is
    generated. ``items`` are the names of the sequences that will be checked (default: all): what a live run's plan
    counts. ``say`` shows a live run's plan and progress.
    """

    def __init__(
        self,
        results: Results,
        *,
        lease_client: LeaseClient | None = None,
        prepare: Prepare = lambda sandbox: None,
        seed: int = 0,
        items: Iterable[str] | None = None,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._results = results
        self._lease_client = lease_client
        self._prepare = prepare
        self._seed = seed
        self._amounts = Amounts()
        self._items = None if items is None else frozenset(items)
        self._say = say
        self._departures = Departures(results, self._items or ())
        self._live: LiveSuite | None = None

    def check(self, operation: Operation) -> list[CheckFailure]:
        """Judge every exchange of ``operation``, note them in the results, and return what this item fails for.

        Raises :class:`NotReached` where this run may not send it, or its set-up could not go on.
        """
        return self._check(
            operation.id,
            operation.label,
            lambda runner: runner.run_operation(operation, self._amounts, self._seed),
            operation,
        )

    def check_scenario(self, name: str) -> list[CheckFailure]:
        """Judge every exchange of the scenario ``name`` (one of ``SCENARIOS``); see :meth:`check`."""
        return self._check(f"life-{name.replace(' ', '-')}", name, lambda runner: runner.run_scenario(name))

    def check_stateful(self) -> list[CheckFailure]:
        """Judge the runs along the contract's links; see :meth:`check`."""
        return self._check(STATEFUL, STATEFUL, lambda runner: runner.run_stateful(self._seed))

    def check_all(self) -> None:
        """Judge every sequence that this backend has."""
        self._departures = Departures(self._results, self._results.contract.operations)
        for operation in self._results.contract.operations.values():
            self.check(operation)
        for name in SCENARIOS:
            self.check_scenario(name)
        self.check_stateful()

    def cassette(self, name: str) -> Path:
        """Return where the cassette of a sequence lies: in the run's own folder of cassettes, or the bundled one."""
        settings = self._results.settings
        own = self._results.root / "cassettes" / "management"
        default = own if own.is_dir() or settings.record != "none" else bundled("cassettes")
        folder = settings.cassettes or default
        return folder / self._results.contract.version / f"{name}.yaml"

    def _check(self, name: str, item: str, run: Run, operation: Operation | None = None) -> list[CheckFailure]:
        settings = self._results.settings
        path = self.cassette(name)
        recording = settings.record == "all" or (settings.record == "missing" and not path.is_file())
        if settings.backend == "live":
            return self._check_live(item, run, path if recording else None)
        if settings.backend == "sandbox" or recording:
            return self._check_sandbox(item, run, path if recording else None, operation)
        self._results.recordings.add(path)
        return self._departures.of(item, self._judged(item, replayed(path, self._results.contract)))

    def _check_live(self, item: str, run: Run, record_to: Path | None) -> list[CheckFailure]:
        from pytest_adyen_creds.checks.live_target import LiveSuite

        if self._lease_client is None:
            raise CredentialError("the suite runs live inside pytest only; use pytest --adyen-contracts --adyen-live")
        if self._live is None:
            self._live = LiveSuite(self._results, self._lease_client, self._items, self._amounts, self._say)
        reason = None
        with self._live.sequence() as target:
            try:
                run(target)
            except NotReached as error:
                reason = error
        if record_to is not None and target.exchanges:
            record(record_to, target.exchanges, "live")
        failures = self._departures.of(item, self._judged(item, target.exchanges))
        self._live.report(failures)
        if not failures and all(each.generated_by == SET_UP for each in target.exchanges):
            raise reason or NotReached(target.why_nothing(item))
        if reason is not None and not failures:
            self._say(f"{item}: a part of it was not sent: {reason}")
        return failures

    def _judged(self, item: str, exchanges: Iterable[Exchange]) -> list[CheckFailure]:
        failures: list[CheckFailure] = []
        state = KnownState()
        replay, test = self.command(item), self._results.collector.test or item
        for exchange in exchanges:
            found = judge(exchange, state, self._results.acceptance)
            found = [replace(each, replay=replay, tests=(test,)) for each in found]
            if exchange.is_known:
                self._results.saw(exchange.operation.label, exchange.status, exchange.origin, found)
                answered, version = (exchange.operation.label, exchange.status), exchange.contract.version
                collector = self._results.collector
                collector.judged(exchange.request, version, answered, exchange.observations, exchange.origin, test)
            else:
                self._results.note(found)
            failures += found
        return failures

    def command(self, item: str) -> str:
        """Return the command that judges ``item`` again; of a live run, one that records it, and one that replays."""
        settings = self._results.settings
        version = [] if settings.api_version == "v3" else [f"--adyen-api-version={settings.api_version}"]
        chosen = ["-m", f'adyen_sequence(name="{item}")']
        backend = [] if settings.backend == "auto" else [f"--adyen-backend={settings.backend}"]
        if settings.backend != "live":
            return shlex.join(["pytest", "--adyen-contracts", *backend, *version, *chosen])
        live = [*backend, f"--adyen-base-url={settings.base_url}", "--adyen-record=all", *chosen]
        offline = ["--adyen-backend=replay", *version, *chosen]
        return "\n".join(shlex.join(["pytest", "--adyen-contracts", *each]) for each in (live, offline))

    def _check_sandbox(
        self, item: str, run: Run, record_to: Path | None, operation: Operation | None
    ) -> list[CheckFailure]:
        from pytest_adyen_creds.checks.sandbox_target import Incomplete, sandbox_target

        incomplete: Incomplete | None = None
        recording = record_to is not None  # of what a server sends
        with sandbox_target(self._results.contract, self._prepare, served=recording) as target:
            try:
                run(target)
            except Incomplete as error:
                incomplete = error
            if record_to is not None:
                record(record_to, target.exchanges, "sandbox", keep=target.accounts)
        found = self._judged(item, target.exchanges)
        failures = self._departures.of(item, found)
        if incomplete is not None and not failures:
            if found:
                raise NotReached(f"{incomplete}; the item of {found[0].operation} fails for it")
            raise incomplete
        own = [each for each in failures if any(each is met for met in found)]  # others were met in other sequences
        if not own or operation is None:
            return failures
        return [*self._shrunk(own, target.exchanges), *(each for each in failures if each not in own)]

    def _shrunk(self, failures: list[CheckFailure], exchanges: list[Exchange]) -> list[CheckFailure]:
        from pytest_adyen_creds.checks.sandbox_target import sandbox_target
        from pytest_adyen_creds.checks.shrinking import shrunk

        def alone(case: TestCase) -> list[CheckFailure]:
            with sandbox_target(self._results.contract, self._prepare) as target:
                target.create_data(level_of(case.operation))
                target.send(case)
            state, found = KnownState(), []
            for exchange in target.exchanges:
                found = judge(exchange, state, self._results.acceptance)
            return found

        return shrunk(failures, exchanges, alone)
