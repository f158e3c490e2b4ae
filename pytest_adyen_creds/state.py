"""The state of one run: its results, and what it opens."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_adyen_creds.cassettes.recorder import Recorder
from pytest_adyen_creds.checks.results import Results
from pytest_adyen_creds.compat.xdist import share_of
from pytest_adyen_creds.errors import in_words
from pytest_adyen_creds.options import OPTIONS
from pytest_adyen_creds.reports.asked import AskedPlugin
from pytest_adyen_creds.roles.layer import RolesLayer, RolesPlugin
from pytest_adyen_creds.secrets import SECRETS
from pytest_adyen_creds.settings import Settings, resolve
from pytest_adyen_creds.stash import KEY, RUN, TEST
from pytest_adyen_creds.text import plain

if TYPE_CHECKING:
    import httpx
    import pytest

    from pytest_adyen_creds.cassettes.compare import Comparison
    from pytest_adyen_creds.cassettes.modes import Layer, RunContext
    from pytest_adyen_creds.client.transports import Route
    from pytest_adyen_creds.credentials.backend import Backend
    from pytest_adyen_creds.credentials.live_run import LiveSession
    from pytest_adyen_creds.intercept.gateway import Gateway
    from pytest_adyen_creds.intercept.interceptor import Interceptor
    from pytest_adyen_creds.rehearsal.plugin import RehearsalPlugin
    from pytest_adyen_creds.rehearsal.script import Script


class Run:
    """One pytest run, in one process: what it opens, each at first use, and its :attr:`results`."""

    def __init__(self, results: Results) -> None:
        self.results = results
        self.settings = results.settings
        self.live: LiveSession | None = None
        """What a run against a live server has of throwaways; None for every other run."""
        self.rehearsal: RehearsalPlugin | None = None
        """What rehearses the tests of this run; None where they are not."""
        self.opened = ExitStack()
        """What is to be put away when the run ends."""
        self.is_unfinished = False
        """Whether something went wrong that :meth:`noting` has noted."""
        self._pid = os.getpid()

    @cached_property
    def route(self) -> Route:
        """Where the requests of this process's clients go while a test runs."""
        from pytest_adyen_creds.client.transports import Route

        return Route(is_closed=self.settings.backend == "replay")

    def interceptor(self) -> Interceptor:
        """Return what takes the requests of a test that uses no fixture of ours, where they are to be collected."""
        from pytest_adyen_creds.drift.traffic import to_the_network

        if self.live is None:
            return to_the_network(self.settings.base_url)
        from pytest_adyen_creds.cassettes.modes import live_interceptor

        client, entrances, layers = self.live.lease_client, [self.gateway.url], self._layers("live")
        return live_interceptor(client.backend, client.ownership, entrances=entrances, layers=layers)

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

    @property
    def script(self) -> Script | None:
        """What the traffic of the running test goes through, while tests are rehearsed."""
        return self.rehearsal.script if self.rehearsal else None

    @cached_property
    def context(self) -> RunContext:
        """What the traffic of this run's tests shares."""
        from pytest_adyen_creds.cassettes.modes import RunContext

        return RunContext(
            self.settings,
            contract=lambda: self.results.contract,
            route=self.route,
            observer=self.results.collector.client,
            gateway_url=lambda: self.gateway.url,
            unrecorded=self.results.unrecorded,
            recordings=self.results.recordings,
            layers=self._layers,
        )

    def roles_seen(self) -> RolesLayer | None:
        """Return what has observed roles in the running test; None where nothing has."""
        return None if self.is_further() else vars(self).get("roles")

    def is_further(self) -> bool:
        """Return whether a rehearsal runs the running test once more."""
        return self.script is not None and self.script.is_further

    def _layers(self, answers: str) -> list[Layer]:
        if self.script is not None and self.script.is_further:  # what is asked for then says nothing of roles
            return [self.script]
        layers: list[Layer] = [self.script] if self.script else []
        # what is replayed is asked for thousands of times a second
        return layers + ([self.roles] if self.settings.roles or answers != "cassette" else [])

    @cached_property
    def roles(self) -> RolesLayer:
        """What observes which roles the tests need."""
        results = self.results
        return RolesLayer(
            results.roles, results.operation_of, lambda: results.collector.test, results.collector.guarded
        )

    @cached_property
    def comparison(self) -> Comparison:
        """A live run's exchanges, to be held against what the sandbox would have answered."""
        from pytest_adyen_creds.cassettes.compare import Comparison

        return Comparison()

    def observed(self, backend: Backend) -> Backend:
        """Return a backend of this run with what is to see its traffic."""

        def observe(response: httpx.Response) -> None:  # unless the running test's mode says who answers
            self.results.collector.client(self.route.origin or backend.origin)(response)

        compared = () if backend.sandbox else (self.compare,)
        return replace(backend, observers=(observe, *compared), route=self.route)

    def compare(self, response: httpx.Response) -> None:
        """Note an answer in a live run, to be held against the sandbox when the run ends."""
        from pytest_adyen_creds.cassettes.recording import interaction_of

        request = response.request
        version = request.url.path.split("/")[1]
        with self.results.collector.guarded(f"an answer to {request.method}"):
            self.comparison.add(interaction_of(request, response), self.results.contract_of(version))

    @contextmanager
    def noting(self, what: str) -> Iterator[None]:
        """Note as a problem of the run what goes wrong in a ``with`` block that does ``what``: its summary goes on."""
        try:
            yield
        except Exception as error:  # noqa: BLE001
            self.is_unfinished = True
            problem = plain(SECRETS.mask(f"could not {what}: {in_words(error)}"))
            if problem not in self.results.problems:
                self.results.problems.append(problem)

    def header(self) -> str:
        """Say in one line who answers this run."""
        if self.live is not None and (line := self.live.header()):
            return line
        settings = self.settings
        where = f" at {settings.base_url}" if settings.backend == "live" else ""
        line = f"adyen: {settings.backend}{where}, Management API {settings.api_version}"
        names = ", ".join(self.results.apis.names) if settings.backend in ("auto", "sandbox") else ""
        return f"{line}; stateless answers from your contracts {names}" if names else line

    def close(self) -> None:
        """Put away what the run opened; a process that a test has forked is not the run."""
        if os.getpid() == self._pid:
            self.opened.close()
            compared = self.results.compared
            if "comparison" in self.__dict__ and not compared:
                with self.results.collector.guarded("what the sandbox would have answered"):
                    found = self.comparison
                    compared.update(answers=found.compared, otherwise=found.differing)
                    compared.update(uncompared=found.uncompared.total())


def run_of(config: pytest.Config) -> Run:
    """Return the state of this run, made at first use; raises :class:`AdyenCredsError` where a setting is wrong."""
    known: Run | None = config.stash.get(RUN, None)
    if known is not None:
        return known
    settings = settings_of(config)
    if settings.pause:
        from pytest_adyen_creds.pause import check_pause

        check_pause(config)
    results = results_for(settings, Path(config.rootpath))
    results.collector.test = config.stash.get(TEST, "")
    config.stash[RUN] = run = Run(results)
    if config.option.adyen_drift or config.getini("adyen_drift"):
        from pytest_adyen_creds.drift.traffic import CollectorPlugin

        results.collects_traffic = True
        config.pluginmanager.register(CollectorPlugin(results.collector, run.interceptor), "adyen-drift")
    config.pluginmanager.register(RolesPlugin(run.roles_seen), "adyen-roles")
    config.pluginmanager.register(Recorder(results.kept), "adyen-cassettes")
    config.pluginmanager.register(AskedPlugin(results.asked, run.is_further), "adyen-asked")
    if run.settings.pause:
        from pytest_adyen_creds.pause import PausePlugin

        config.pluginmanager.register(PausePlugin(), "adyen-pause")
    if run.settings.rehearse:
        from pytest_adyen_creds.rehearsal.plugin import RehearsalPlugin

        run.rehearsal = RehearsalPlugin(results, config, share=share_of(config))
        config.pluginmanager.register(run.rehearsal, "adyen-rehearsal")
    if run.settings.backend == "live":
        from pytest_adyen_creds.credentials.live_run import LiveSession

        run.live = LiveSession(run.settings, config, observe=run.observed, end_run=run.close)
        run.opened.callback(run.live.close)
        config.pluginmanager.register(run.live, "adyen-live")
    return run


def results_for(settings: Settings, root: Path) -> Results:
    """Return the results of a run that has seen nothing yet.

    Raises :class:`AdyenCredsError` where what it is told to read cannot be read, or to write, written.
    """
    results = Results(settings, root)
    if settings.drift_baseline:
        _ = results.baseline
    if settings.contracts:
        _ = results.contract.known_deviations
    if settings.reports:
        from pytest_adyen_creds.reports.report import check_reports

        check_reports(settings.reports)
    return results


def settings_of(config: pytest.Config) -> Settings:
    """Return the settings of this run: command line over ini over environment."""
    ini = {option.ini: config.getini(option.ini) for option in OPTIONS}
    key = config.stash.get(KEY, None)
    return resolve(vars(config.option), ini, os.environ, root=Path(config.rootpath), key=key)
