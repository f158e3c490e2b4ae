"""The contract suite: each sequence's exchanges, recorded or made now, and the checks on them.

Of a request that fails, the smallest that still fails the same check is looked for.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import httpx

from pytest_adyen_creds import clock
from pytest_adyen_creds.checks.cases import TestCase
from pytest_adyen_creds.checks.exchange import SET_UP, Exchange
from pytest_adyen_creds.checks.failure import CheckFailure, NotReached
from pytest_adyen_creds.checks.judging import judge
from pytest_adyen_creds.checks.known_state import KnownState
from pytest_adyen_creds.checks.sample_data import level_of, unknown_parameters
from pytest_adyen_creds.checks.scenarios import SCENARIOS, STATEFUL
from pytest_adyen_creds.contract import VERSIONS, Operation, bundled, load_contract
from pytest_adyen_creds.errors import CassetteError, CredentialError

if TYPE_CHECKING:
    from pytest_adyen_creds.checks.live_target import LiveTarget
    from pytest_adyen_creds.checks.results import Results
    from pytest_adyen_creds.checks.runner import Prepare
    from pytest_adyen_creds.contract import Contract
    from pytest_adyen_creds.credentials.leases import LeaseClient

TRIES: Final = 24
"""How many smaller requests are tried at most, where one fails a check."""


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
        self._items = None if items is None else frozenset(items)
        self._say = say
        self._departures = Departures(results, self._items or ())
        self._live: LiveTarget | None = None

    def check(self, item: str) -> list[CheckFailure]:
        """Judge every exchange of a sequence, note them in the results, and return what this item fails for.

        ``item`` is the label of an operation, the name of a scenario (one of ``SCENARIOS``), or ``STATEFUL``: the runs
        along the contract's links. Raises :class:`NotReached` where this run may not send it, or its set-up could not
        go on.
        """
        settings, operation = self._results.settings, self._results.contract.operations.get(item)
        name = operation.id if operation else item if item == STATEFUL else f"life-{item.replace(' ', '-')}"
        path = self.cassette(name)
        if operation is not None or item == STATEFUL:
            self._check_reach(operation, path)
        recording = settings.record == "all" or (settings.record == "missing" and not path.is_file())
        if settings.backend == "live":
            return self._check_live(item, path if recording else None)
        if settings.backend == "sandbox" or recording:
            return self._check_sandbox(item, path if recording else None)
        self._results.recordings.add(path)
        return self._departures.of(item, self._judged(item, replayed(path, self._results.contract)))

    def _check_reach(self, operation: Operation | None, cassette: Path) -> None:
        """Raise :class:`NotReached` for what only a contract of the user's own has, and nothing asks.

        ``operation`` is None for the runs along the contract's links.
        """
        results = self._results
        if operation is None:
            if not results.contract.has_links:
                raise NotReached("the contract's operations have no links to go along; add links to its document")
            return
        if operation.label in load_contract(VERSIONS[0]).operations:
            return
        if results.settings.backend not in ("sandbox", "live"):
            if cassette.is_file():
                return
            raise NotReached("nothing is recorded of it: run it with --adyen-live and --adyen-record=missing")
        if results.settings.backend == "sandbox" and operation.label in results.apis.labels:
            raise NotReached(
                "the sandbox answers it from its contract, which says nothing of the platform: run it with "
                "--adyen-live, and record it with --adyen-record=missing"
            )
        if unknown := unknown_parameters(operation):
            names = ", ".join(unknown)
            raise NotReached(
                f"its path names {names}, and nothing says what there is: give x-adyen-data in the contract"
            )

    def check_all(self) -> None:
        """Judge every sequence that this backend has."""
        self._departures = Departures(self._results, self._results.contract.operations)
        for item in (*self._results.contract.operations, *SCENARIOS, STATEFUL):
            self.check(item)

    def cassette(self, name: str) -> Path:
        """Return where the cassette of a sequence lies: in the run's own folder of cassettes, or the bundled one."""
        settings = self._results.settings
        own = self._results.root / "cassettes" / "management"
        default = own if own.is_dir() or settings.record != "none" else bundled("cassettes")
        folder = settings.cassettes or default
        return folder / self._results.contract.version / f"{name}.yaml"

    def _check_live(self, item: str, record_to: Path | None) -> list[CheckFailure]:
        from pytest_adyen_creds.checks.live_target import LiveTarget

        if self._lease_client is None:
            raise CredentialError("the suite runs live inside pytest only; use pytest --adyen-contracts --adyen-live")
        if self._live is None:
            contract, merchant = self._results.contract, self._results.settings.merchant
            items = {*contract.operations, *SCENARIOS, STATEFUL} if self._items is None else self._items
            self._live = LiveTarget(contract, self._lease_client, merchant, items, self._say)
            self._live.begin()
        target, reason = self._live, None
        try:
            target.run(item, self._seed)
        except NotReached as error:
            reason = error
        if record_to is not None and target.exchanges:
            record(record_to, target.exchanges, "live")
        failures = self._departures.of(item, self._judged(item, target.exchanges))
        target.report(failures)
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

    def _check_sandbox(self, item: str, record_to: Path | None) -> list[CheckFailure]:
        from pytest_adyen_creds.checks.runner import Incomplete, sandbox_target

        incomplete: Incomplete | None = None
        recording = record_to is not None  # of what a server sends
        with sandbox_target(self._results.contract, self._prepare, served=recording) as target:
            try:
                target.run(item, self._seed)
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
        if not own or item not in self._results.contract.operations:
            return failures
        return [*self._shrunk(own, target.exchanges), *(each for each in failures if each not in own)]

    def _shrunk(self, failures: list[CheckFailure], exchanges: list[Exchange]) -> list[CheckFailure]:
        from pytest_adyen_creds.checks.runner import sandbox_target

        def alone(case: TestCase) -> list[CheckFailure]:
            with sandbox_target(self._results.contract, self._prepare) as target:
                target.create_data(level_of(case.operation))
                target.send(case)
            state, found = KnownState(), []
            for exchange in target.exchanges:
                found = judge(exchange, state, self._results.acceptance)
            return found

        return shrunk(failures, exchanges, alone)


def record(
    path: Path, exchanges: Sequence[Exchange], backend: Literal["sandbox", "live"], *, keep: Sequence[str] = ()
) -> None:
    """Write ``exchanges``, one or more, scrubbed, as a cassette; ``keep`` are account names that are no secret."""
    from pytest_adyen_creds.cassettes.recording import Recording, interaction_of, provenance_of
    from pytest_adyen_creds.cassettes.redact.scrubber import Scrubber
    from pytest_adyen_creds.cassettes.serializer import write

    contract = exchanges[0].contract
    recording = Recording(Scrubber(contract, keep=keep))
    for each in exchanges:
        meta = {"generated_by": each.generated_by, "expects": each.expects, "at": f"{each.at:.0f}"}
        meta = {name: value for name, value in meta.items() if value not in ("", "0")}
        if each.is_known:
            meta["operation"] = each.operation.label
        recording.note(interaction_of(each.request, each.response, meta))
    tools = ("schemathesis", "hypothesis")
    write(path, recording.scrubbed(provenance_of(contract, backend, clock.now(), tools)))


def replayed(path: Path, contract: Contract) -> Iterator[Exchange]:
    """Yield what a cassette holds; raises :class:`CassetteError` where it is missing, empty or cannot be read."""
    from pytest_adyen_creds.cassettes.model import origin_of
    from pytest_adyen_creds.cassettes.serializer import read

    if not path.is_file():
        raise CassetteError(
            f"{path}: no such cassette; record it with --adyen-backend=sandbox --adyen-record=missing, "
            "or run with --adyen-backend=sandbox"
        )
    cassette = read(path)
    if not cassette.interactions:
        raise CassetteError(
            f"{path}: holds no exchange, so there is nothing to judge; record it again with "
            "--adyen-backend=sandbox --adyen-record=all, or delete it and record with --adyen-record=missing"
        )
    origin = origin_of(cassette.provenance)
    for number, each in enumerate(cassette.interactions, 1):
        request = httpx.Request(each.method, each.uri, headers=each.request_headers, content=each.request_body)
        headers = [(name, value) for name, value in each.response_headers if name.lower() != "content-encoding"]
        response = httpx.Response(each.status, headers=headers, content=each.response_body, request=request)
        generated_by = each.meta.get("generated_by", "recorded by other means")
        at = each.meta.get("at", "0")
        yield Exchange.of(
            contract,
            request,
            response,
            generated_by=generated_by,
            expects=each.meta.get("expects", ""),
            at=float(at) if at.isascii() and at.isdigit() else 0.0,
            source=f"{path.name}, interaction {number}, {generated_by}",
            origin=origin,
        )


def shrunk(
    failures: list[CheckFailure], exchanges: Sequence[Exchange], alone: Callable[[TestCase], list[CheckFailure]]
) -> list[CheckFailure]:
    """Return ``failures`` with the first exchange's replaced by those of the smallest request that fails the same.

    ``alone`` sends one test case by itself and returns what it fails. A failure that needs what came before it stays as
    it is.
    """
    first = failures[0]
    case = next((each.case for each in exchanges if each.source == first.source), None)
    if case is None or not case.generated_by.startswith("schemathesis"):
        return failures
    best = [found for found in alone(case) if found.check == first.check]
    if not best:
        return failures
    smaller = _smaller(case)
    for _ in range(TRIES):
        candidate = next(smaller, None)
        if candidate is None:
            break
        found = [each for each in alone(candidate) if each.check == first.check]
        if found:
            best, smaller = found, _smaller(candidate)
    same = [failure for failure in failures if failure.source == first.source and failure.check == first.check]
    rest = [failure for failure in failures if failure not in same]
    return [replace(found, source=f"{first.source}, shrunk") for found in best] + rest


def _smaller(case: TestCase) -> Iterator[TestCase]:
    for name in case.query:
        yield replace(case, query={key: value for key, value in case.query.items() if key != name})
    for smaller in _less(case.json):
        yield replace(case, content=json.dumps(smaller).encode())


def _less(value: Any) -> Iterator[Any]:
    """Yield JSON values that are a little smaller: without a member, with a smaller member, with half of a text."""
    if isinstance(value, dict | list):
        keys = list(value) if isinstance(value, dict) else range(len(value))
        for key in keys:
            less = value.copy()
            del less[key]
            yield less
        for key in keys:
            for smaller in _less(value[key]):
                less = value.copy()
                less[key] = smaller
                yield less
    elif isinstance(value, str) and len(value) > 1:
        yield value[: len(value) // 2]
