"""The contract suite: each sequence's exchanges, recorded or made now, and the checks on them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_adyen_creds import clock
from pytest_adyen_creds.checks import failure
from pytest_adyen_creds.checks.act import SET_UP, Act
from pytest_adyen_creds.checks.departures import Departures
from pytest_adyen_creds.checks.failure import CheckFailure, NotReached
from pytest_adyen_creds.checks.generation import Amounts
from pytest_adyen_creds.checks.history import History
from pytest_adyen_creds.checks.judging import judge
from pytest_adyen_creds.checks.lives import LIVES, STATEFUL
from pytest_adyen_creds.checks.recording import record, replayed
from pytest_adyen_creds.checks.selecting import command
from pytest_adyen_creds.contract import bundled
from pytest_adyen_creds.errors import CredentialError
from pytest_adyen_creds.secrets import SECRETS
from pytest_adyen_creds.text import plain

if TYPE_CHECKING:
    from pytest_adyen_creds.checks.live import LiveStage
    from pytest_adyen_creds.checks.live_suite import LiveSuite
    from pytest_adyen_creds.checks.rehearsal import Prepare, Rehearsal
    from pytest_adyen_creds.checks.results import Results
    from pytest_adyen_creds.checks.stage import Performed
    from pytest_adyen_creds.contract import Contract, Operation
    from pytest_adyen_creds.credentials.leases import LeaseClient


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

        def rehearse(rehearsal: Rehearsal) -> None:
            rehearsal.exercise(operation, rehearsal.exercises(operation, self._amounts, self._seed))

        def perform(stage: LiveStage) -> None:
            stage.exercise(operation, self._amounts, self._seed)

        return self._check(operation.id, operation.label, rehearse, perform, operation)

    def check_life(self, name: str) -> list[CheckFailure]:
        """Judge every exchange of the life ``name`` (one of ``LIVES``); see :meth:`check`."""
        file = f"life-{name.replace(' ', '-')}"
        return self._check(file, name, lambda rehearsal: rehearsal.live(name), lambda stage: stage.live(name))

    def check_stateful(self) -> list[CheckFailure]:
        """Judge the walks along the contract's links; see :meth:`check`."""

        def rehearse(rehearsal: Rehearsal) -> None:
            from pytest_adyen_creds.checks.stateful import walk

            walk(rehearsal.stage, rehearsal.world(), seed=self._seed)

        return self._check(STATEFUL, STATEFUL, rehearse, lambda stage: stage.walk(self._seed))

    def check_all(self) -> None:
        """Judge every sequence that this backend has."""
        self._departures = Departures(self._results, self._results.contract.operations)
        for operation in self._results.contract.operations.values():
            self.check(operation)
        for name in LIVES:
            self.check_life(name)
        self.check_stateful()

    @staticmethod
    def explain(failures: list[CheckFailure]) -> str:
        """Return the failures of one sequence as text to act on."""
        return failure.explain(failures)

    def cassette(self, name: str) -> Path:
        """Return where the cassette of a sequence lies: in the run's own folder of cassettes, or the bundled one."""
        settings = self._results.settings
        own = self._results.root / "cassettes" / "management"
        default = own if own.is_dir() or settings.record != "none" else bundled("cassettes")
        folder = settings.cassettes or default
        return folder / self._results.contract.version / f"{name}.yaml"

    def _check(
        self,
        name: str,
        item: str,
        rehearse: Callable[[Rehearsal], None],
        perform: Callable[[LiveStage], None],
        operation: Operation | None = None,
    ) -> list[CheckFailure]:
        settings = self._results.settings
        path = self.cassette(name)
        recording = settings.record == "all" or (settings.record == "missing" and not path.is_file())
        if settings.backend == "live":
            return self._performed(item, perform, path if recording else None)
        if settings.backend == "sandbox" or recording:
            return self._rehearsed(item, rehearse, path if recording else None, operation)
        self._results.recordings.add(path)
        return self._departures.of(item, self._judged(item, replayed(path)))

    def _performed(self, item: str, perform: Callable[[LiveStage], None], record_to: Path | None) -> list[CheckFailure]:
        from pytest_adyen_creds.checks.live_suite import LiveSuite

        if self._lease_client is None:
            raise CredentialError("the suite runs live inside pytest only; use pytest --adyen-contracts --adyen-live")
        if self._live is None:
            self._live = LiveSuite(self._results, self._lease_client, self._items, self._amounts, self._say)
        reason = None
        with self._live.sequence() as stage:
            try:
                perform(stage)
            except NotReached as error:
                reason = error
        acts = [each.act for each in stage.stage.performed]
        if record_to is not None and acts:
            record(record_to, self._results.contract, acts, "live", clock.now())
        where = f"the server at {self._results.settings.base_url}"
        failures = self._departures.of(item, self._judged(item, _numbered(stage.stage.performed, where)))
        self._live.report(stage, failures)
        if not failures and all(act.generated_by == SET_UP for act in acts):
            raise reason or NotReached(stage.why_nothing(item))
        if reason is not None and not failures:
            self._say(f"{item}: a part of it was not sent: {reason}")
        return failures

    def _judged(self, item: str, acts: Iterable[Act]) -> list[CheckFailure]:
        failures: list[CheckFailure] = []
        history = History()
        replay = command(item, self._results)
        for act in acts:
            failures += self._judge(replace(act, replay=replay), history)
        return failures

    def _judge(self, act: Act, history: History) -> list[CheckFailure]:
        contract = self._results.contract
        matched = contract.match(act.request.method, act.request.url.raw_path.decode("ascii", "replace"))
        if matched is None:
            found = [_of_no_operation(contract, act)]
            self._results.note(found)
            return found
        operation = matched[0]
        found = judge(contract, operation, act, history, self._results.acceptance)
        self._results.saw(operation.label, act.response.status_code, act.origin, found)
        self._results.watch.judged(act.request, act.response, act.origin)
        return found

    def _rehearsed(
        self, item: str, rehearse: Callable[[Rehearsal], None], record_to: Path | None, operation: Operation | None
    ) -> list[CheckFailure]:
        from pytest_adyen_creds.checks.rehearsal import Incomplete, Rehearsal

        incomplete: Incomplete | None = None
        with Rehearsal(self._results.contract, self._prepare) as rehearsal:
            try:
                rehearse(rehearsal)
            except Incomplete as error:
                incomplete = error
            if record_to is not None:
                rehearsal.record(record_to, clock.now())
        performed = rehearsal.performed
        found = self._judged(item, _numbered(performed, "the embedded sandbox"))
        failures = self._departures.of(item, found)
        if incomplete is not None and not failures:
            if found:
                raise NotReached(f"{incomplete}; the item of {found[0].operation} fails for it")
            raise incomplete
        own = [each for each in failures if any(each is met for met in found)]  # others were met in other sequences
        if not own or operation is None:
            return failures
        return [*self._shrunk(own, performed, operation), *(each for each in failures if each not in own)]

    def _shrunk(
        self, failures: list[CheckFailure], performed: Sequence[Performed], operation: Operation
    ) -> list[CheckFailure]:
        from pytest_adyen_creds.checks.shrinking import shrunk

        def alone(exercise: object) -> list[CheckFailure]:
            from pytest_adyen_creds.checks.rehearsal import Rehearsal

            with Rehearsal(self._results.contract, self._prepare) as rehearsal:
                rehearsal.set_up(operation)
                rehearsal.exercise(operation, [exercise])  # type: ignore[list-item]
            history, found = History(), []
            for act in _numbered(rehearsal.performed, "the embedded sandbox"):
                judged = operation_of(self._results.contract, act, operation)
                found = judge(self._results.contract, judged, act, history, self._results.acceptance)
            return found

        return shrunk(failures, performed, alone)


def _of_no_operation(contract: Contract, act: Act) -> CheckFailure:
    request = act.request
    return CheckFailure(
        operation=plain(SECRETS.mask(f"{request.method} {request.url.path}")),
        status=act.response.status_code,
        check="operation_coverage",
        pointer="",
        message=f"is no operation of the contract ({contract.version}), so that nothing can judge the answer",
        next_step="add the operation to openapi.yaml, or take the exchange out of the recording",
        source=act.source,
        rule="each exchange of the suite is of an operation of the contract",
        replay=act.replay,
    )


def operation_of(contract: Contract, act: Act, default: Operation) -> Operation:
    """Return the operation that an act is of."""
    matched = contract.match(act.request.method, act.request.url.raw_path.decode("ascii", "replace"))
    return matched[0] if matched else default


def _numbered(performed: Sequence[Performed], origin: str) -> Iterator[Act]:
    for number, each in enumerate(performed, 1):
        yield replace(each.act, source=f"{each.act.generated_by}, number {number}", origin=origin)
