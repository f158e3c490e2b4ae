"""One run: its settings, what it opened, what it saw."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_adyen_creds import clock
from pytest_adyen_creds.errors import ContractError
from pytest_adyen_creds.options import OPTIONS
from pytest_adyen_creds.stash import RUN

if TYPE_CHECKING:
    import httpx
    import pytest

    from pytest_adyen_creds.cassettes.compare import Comparison
    from pytest_adyen_creds.cassettes.keeper import Keeper
    from pytest_adyen_creds.checks.judging import CheckFailure
    from pytest_adyen_creds.client import Exchange
    from pytest_adyen_creds.client.route import Route
    from pytest_adyen_creds.contract import Contract
    from pytest_adyen_creds.contract.baseline import Acceptance, Baseline, Judgement
    from pytest_adyen_creds.contract.finding import Finding
    from pytest_adyen_creds.credentials.backend import Backend
    from pytest_adyen_creds.credentials.live_session import LiveSession
    from pytest_adyen_creds.drift.watch import Watch
    from pytest_adyen_creds.intercept.gateway import Gateway
    from pytest_adyen_creds.intercept.interceptor import Interceptor
    from pytest_adyen_creds.settings import Settings


class Run:
    """The state of one pytest run (of one process: an xdist worker hands its results to the controller).

    ``coverage`` counts the judged exchanges by operation label and status; ``origins`` counts them by where they came
    from (``sandbox``, ``a recording of the sandbox``, …).
    """

    def __init__(self, settings: Settings, root: Path) -> None:
        self.settings = settings
        self.root = root
        self.today = clock.today()
        """The day, where this run is, by which entries of the baseline expire."""
        self.coverage: Counter[tuple[str, int]] = Counter()
        self.origins: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        """How many tests a ``cassette``, the ``sandbox`` or a ``live`` server answered."""
        self.kept: Counter[str] = Counter()
        """How many recordings of tests were ``written``, and how many were not because the test ``failed``."""
        self.failures: list[CheckFailure] = []
        """The broken rules, each departure once with how often it was met; what is a finding is in the watch."""
        self.failed: set[tuple[str, ...]] = set()
        """The departures, by key, that an item of the suite has failed for."""
        self.owed: dict[tuple[str, ...], CheckFailure] = {}
        """The departures that other items met, and that the item of their own operation has yet to fail for."""
        self.recordings: set[Path] = set()
        """The cassettes that answered."""
        self.watches = False
        """Whether the traffic of users' own code is watched, too: ``--adyen-drift`` was given."""
        self.written: list[Path] = []
        """The reports that were written."""
        self.problems: list[str] = []
        """What kept a part of the results from being known, one line each."""
        self.compared: Counter[str] = Counter()
        """Of a live run's ``answers``, how many the sandbox would have given ``otherwise``; what was ``uncompared``."""
        self.live: LiveSession | None = None
        """What a run against a live server has of throwaways; None for every other run."""
        self.opened = ExitStack()
        """What is to be put away when the run ends."""
        self._acceptances: dict[frozenset[str], Acceptance] = {}
        self._pid = os.getpid()

    @cached_property
    def contract(self) -> Contract:
        """The contract that this run is held to."""
        from pytest_adyen_creds.contract import load_contract

        return load_contract(self.settings.api_version, self.settings.contracts)

    @cached_property
    def route(self) -> Route:
        """Where the requests of this process's clients go while a test runs."""
        from pytest_adyen_creds.client.route import Route

        return Route(is_closed=self.settings.backend == "replay")

    def interceptor(self) -> Interceptor:
        """Return what takes the requests of a test that uses no fixture of ours, where they are to be watched."""
        from pytest_adyen_creds.drift.traffic import to_the_network

        if self.live is None:
            return to_the_network(self.settings.base_url)
        from pytest_adyen_creds.cassettes.opening import live_interceptor

        client = self.live.lease_client
        return live_interceptor(client.backend, client.ownership, entrances=[self.gateway.url])

    @cached_property
    def gateway(self) -> Gateway:
        """In a live run, the way to the server for other processes, and for libraries with sockets of their own."""
        from pytest_adyen_creds.intercept.gateway import Gateway
        from pytest_adyen_creds.intercept.interceptor import current

        def answer(request: httpx.Request) -> httpx.Response:
            return (current() or self.interceptor()).answer(request)

        gateway = Gateway(answer)
        self.opened.callback(gateway.close)
        return gateway

    @property
    def base_url(self) -> str:
        """The base URL for code under test: that of the gateway in a live run, so that other processes are guarded."""
        url = self.settings.base_url
        return url if self.live is None else f"{self.gateway.url}/{url.rpartition('/')[2]}"

    def observer(self, origin: str) -> Callable[[Exchange], None]:
        """Return an observer of a client that ``origin`` answers, in words, unless the running test's mode does."""

        def observe(exchange: Exchange) -> None:
            self.watch.client(self.route.origin or origin)(exchange)

        return observe

    @cached_property
    def keeper(self) -> Keeper:
        """What writes the recordings of tests."""
        from pytest_adyen_creds.cassettes.keeper import Keeper

        return Keeper(self)

    @cached_property
    def watch(self) -> Watch:
        """What the answers of this run, whoever gave them, show of drift."""
        from pytest_adyen_creds.drift.watch import Watch

        return Watch(self._contract_of)

    @cached_property
    def comparison(self) -> Comparison:
        """A live run's exchanges, to be held against what the sandbox would have answered."""
        from pytest_adyen_creds.cassettes.compare import Comparison

        return Comparison()

    def observed(self, backend: Backend) -> Backend:
        """Return the backend of a live run with what is to see its traffic."""
        return replace(backend, observers=(self.watch.client(backend.origin), self.compare), route=self.route)

    def compare(self, exchange: Exchange) -> None:
        """Note an exchange of a live run, to be held against the sandbox when the run ends."""
        from pytest_adyen_creds.cassettes.recording import interaction_of

        version = exchange.request.url.path.split("/")[1]
        with self.watch.guarded(f"an answer to {exchange.request.method}"):
            self.comparison.add(interaction_of(exchange.request, exchange.response), self._contract_of(version))

    @cached_property
    def baseline(self) -> Baseline:
        """The drift that a person has accepted; raises :class:`FileRefused` for a file that is no baseline."""
        from pytest_adyen_creds.contract.baseline import Baseline, read_baseline

        path = self.settings.drift_baseline
        return read_baseline(path) if path else Baseline()

    @property
    def acceptance(self) -> Acceptance:
        """What does not count in this run: known deviations, unless it is strict, and the baseline.

        Known deviations are those of the run's version, and of the others that have answered so far.
        """
        versions = frozenset(self.watch.versions - {self.contract.version})
        if versions not in self._acceptances:
            from pytest_adyen_creds.contract.baseline import Acceptance, Baseline, together

            contracts = [self.contract, *filter(None, map(self._contract_of, sorted(versions)))]
            known = Baseline() if self.settings.strict else together(each.known_deviations for each in contracts)
            self._acceptances[versions] = Acceptance(known, self.baseline, self.today)
        return self._acceptances[versions]

    def check(self) -> None:
        """Raise :class:`AdyenCredsError` where what this run was told to read cannot be read, or to write, written."""
        if self.settings.drift_baseline:
            _ = self.baseline
        if self.settings.contracts:
            _ = self.contract.known_deviations
        if self.settings.reports:
            from pytest_adyen_creds.reports.writing import check_writable

            for path in self.settings.reports:
                check_writable(path)

    @property
    def has_results(self) -> bool:
        """Whether there is anything to say at the end; known deviations alone are news in a live run only."""
        if self.coverage or self.watches or self.problems or self.settings.reports:
            return True
        if "watch" not in self.__dict__:
            return False
        if self.watch.problems or (self.watch.found and self.settings.backend == "live"):
            return True
        return len(self.judgement.known) < len(self.watch.found.findings)

    @property
    def judgement(self) -> Judgement:
        """The drift found so far, divided into what counts today, known deviations, and what the baseline accepts."""
        return self.acceptance.divide(self.watch.found.findings, self.watch.answered)

    @property
    def failing(self) -> tuple[Finding, ...]:
        """The findings that this run is to fail for, by ``--adyen-drift``."""
        levels = {"report": (), "fail-breaking": ("breaking",), "fail": ("breaking", "warning", "info")}
        fails = levels[self.settings.drift]
        return tuple(finding for finding in self.judgement.findings if finding.level in fails) if fails else ()

    @property
    def unclaimed(self) -> list[CheckFailure]:
        """The departures that the suite met and that no item has failed for: their own items never ran."""
        return [failure for key, failure in self.owed.items() if key not in self.failed]

    @property
    def fails(self) -> bool:
        """Whether ``--adyen-drift`` fails this run: for its findings, or for an answer that could not be judged."""
        return bool(self.failing) or (self.settings.drift != "report" and bool(self.watch.problems))

    def saw(self, operation: str, status: int, origin: str, failures: Iterable[CheckFailure] = ()) -> None:
        """Note one judged exchange."""
        self.coverage[operation, status] += 1
        self.origins[origin] += 1
        self.note(failures)

    def note(self, failures: Iterable[CheckFailure]) -> None:
        """Note failed checks; those of one departure are one, counted. Findings are the watch's."""
        known = {failure.key: number for number, failure in enumerate(self.failures)}
        for failure in failures:
            if failure.finding is not None:
                continue
            number = known.setdefault(failure.key, len(self.failures))
            if number == len(self.failures):
                self.failures.append(failure)
            else:
                count = self.failures[number].count + failure.count
                self.failures[number] = replace(self.failures[number], count=count)

    def observe(
        self, method: str, path: str, status: int, headers: Mapping[str, str], body: bytes, origin: str
    ) -> list[Finding]:
        """Hold one answer against the contract and return what it shows of drift; see :meth:`.Watch.answer`."""
        return self.watch.answer(method, path, status, headers, body, origin)

    def header(self) -> str:
        """Say in one line who answers this run."""
        if self.live is not None and (line := self.live.header()):
            return line
        settings = self.settings
        where = f" at {settings.base_url}" if settings.backend == "live" else ""
        return f"adyen: {settings.backend}{where}, Management API {settings.api_version}"

    def results(self) -> dict[str, Any]:
        """Return what was seen, as JSON."""
        return {
            "coverage": [[label, status, count] for (label, status), count in self.coverage.items()],
            "origins": dict(self.origins),
            "answered": dict(self.answered),
            "kept": dict(self.kept),
            "failures": [failure.to_json() for failure in self.failures],
            "failed": sorted(self.failed),
            "owed": [failure.to_json() for failure in self.owed.values()],
            "recordings": sorted(map(str, self.recordings)),
            "problems": self.problems,
            "compared": dict(self.compared),
            "drift": self.watch.to_json() if "watch" in self.__dict__ else None,
        }

    def add_results(self, results: dict[str, Any]) -> None:
        """Add what another process saw, as :meth:`results` gave it."""
        from pytest_adyen_creds.checks.judging import CheckFailure

        self.coverage.update({(label, status): count for label, status, count in results["coverage"]})
        self.origins.update(results["origins"])
        self.answered.update(results["answered"])
        self.kept.update(results["kept"])
        self.note(CheckFailure(**failure) for failure in results["failures"])
        self.failed.update(map(tuple, results["failed"]))
        self.owed |= {owed.key: owed for owed in (CheckFailure(**failure) for failure in results["owed"])}
        self.recordings.update(map(Path, results["recordings"]))
        self.problems += results["problems"]
        self.compared.update(results["compared"])
        if results["drift"]:
            self.watch.merge(results["drift"])

    def close(self) -> None:
        """Put away what the run opened; a process that a test has forked is not the run."""
        if os.getpid() == self._pid:
            self.opened.close()
            if "comparison" in self.__dict__ and not self.compared:
                with self.watch.guarded("what the sandbox would have answered"):
                    found = self.comparison
                    self.compared.update(answers=found.compared, otherwise=found.differing)
                    self.compared.update(uncompared=found.uncompared.total())

    def _contract_of(self, version: str | None) -> Contract | None:
        if version in (None, self.settings.api_version):
            return self.contract
        from pytest_adyen_creds.contract import load_contract

        try:
            return load_contract(version, self.settings.contracts)
        except ContractError:
            return None


def run_of(config: pytest.Config) -> Run:
    """Return the state of this run, made at first use; raises :class:`AdyenCredsError` where a setting is wrong."""
    if RUN not in config.stash:
        run = Run(settings_of(config), Path(config.rootpath))
        run.check()
        config.stash[RUN] = run
        if config.option.adyen_drift or config.getini("adyen_drift"):
            from pytest_adyen_creds.drift.traffic import Watching

            run.watches = True
            config.pluginmanager.register(Watching(run.watch, run.interceptor), "adyen-watching")
        config.pluginmanager.register(run.keeper, "adyen-cassettes")
        if run.settings.backend == "live":
            from pytest_adyen_creds.credentials.live_session import LiveSession

            run.live = LiveSession(run.settings, config, observe=run.observed, end_run=run.close)
            run.opened.callback(run.live.close)
            config.pluginmanager.register(run.live, "adyen-live")
    return config.stash[RUN]


def settings_of(config: pytest.Config) -> Settings:
    """Return the settings of this run: command line over ini over environment."""
    from pytest_adyen_creds.settings import resolve

    ini = {option.ini: config.getini(option.ini) for option in OPTIONS if option.ini}
    return resolve(vars(config.option), ini, os.environ, root=Path(config.rootpath))
