"""The modes: what answers a test, by the interceptor for each HTTP library and the route of the plugin's clients."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from pytest_adyen_creds import clock
from pytest_adyen_creds.cassettes import paths, recorded_leases, serializer
from pytest_adyen_creds.cassettes.lint import find_staleness
from pytest_adyen_creds.cassettes.model import SANDBOX, Cassette, origin_of
from pytest_adyen_creds.cassettes.playback import Playback
from pytest_adyen_creds.cassettes.recording import Recording, RecordingTransport
from pytest_adyen_creds.cassettes.redact.scrubber import SANDBOX_ACCOUNTS, Scrubber
from pytest_adyen_creds.cassettes.replay import ReplayTransport
from pytest_adyen_creds.cassettes.session import Layer, Mode, RunContext, Session, mode_of
from pytest_adyen_creds.client import Budget, Ownership
from pytest_adyen_creds.client.tag import new_run
from pytest_adyen_creds.contract.apis import apis_in
from pytest_adyen_creds.credentials.backend import Backend, open_backend
from pytest_adyen_creds.credentials.leases import embedded
from pytest_adyen_creds.endpoints import check_endpoint
from pytest_adyen_creds.errors import EndpointRefused, StaleCassetteWarning
from pytest_adyen_creds.intercept.hosts import Hosts
from pytest_adyen_creds.intercept.interceptor import OTHER_TOOL, Interceptor, current
from pytest_adyen_creds.intercept.live import LiveRoute
from pytest_adyen_creds.sandbox import routing
from pytest_adyen_creds.secrets import SECRETS

if TYPE_CHECKING:
    from pytest_adyen_creds.sandbox import Sandbox


@dataclass(frozen=True)
class Test:
    """What is known of the test whose traffic is answered."""

    __test__ = False

    cassette: Path
    """Where its cassette lies, or would."""
    drives_sandbox: bool
    """Whether it asks for the sandbox itself."""
    is_recorded_elsewhere: bool
    """Whether another tool has its hands on the HTTP libraries: only the plugin's own clients are answered then.

    What that tool lets out passes the guards all the same.
    """
    fixture: Callable[[str], Any]
    """Returns the value of a fixture."""
    warn: Callable[[Warning], None]


@contextmanager
def opened(run: RunContext, test: Test) -> Iterator[Session]:
    """Answer the traffic of ``test`` in a ``with`` block, as the run's settings and the test's cassette have it.

    Raises :class:`CassetteError` for a cassette that cannot be read.
    """
    mode = mode_of(run.settings, has_cassette=test.cassette.is_file(), drives_sandbox=test.drives_sandbox)
    if mode == Mode("sandbox") and not test.drives_sandbox and run.settings.backend == "auto":
        run.unrecorded.add(test.cassette)
    session = Session(run, test.cassette, mode, lambda: test.fixture("_adyen_throwaways"))
    with ExitStack() as stack:
        interceptor = _MODES[mode](run, test, session, stack)
        if test.is_recorded_elsewhere and mode.answers != "live":
            interceptor = Interceptor(_Nowhere(), Hosts([run.settings.base_url]), interceptor.origin, answers_all=True)
        for layer in run.layers(mode.answers):
            _put_between(layer, run, session, interceptor)
        session.interceptor = stack.enter_context(interceptor.opened())
        try:
            yield session
        finally:
            run.route.mode = run.route.origin = None


def _put_between(layer: Layer, run: RunContext, session: Session, interceptor: Interceptor) -> None:
    """Have what the test sends, by its own clients and by those of fixtures, go through ``layer``."""
    here = session.sandbox or session.throwaways.backend
    inner = run.route.mode or here.transport()
    run.route.mode = _Layered(layer, inner, session.making_up, of_fixture=True)
    interceptor.lead_through(partial(_Layered, layer, making_up=session.making_up, of_fixture=False))


def led_through_all(interceptor: Interceptor, layers: Iterable[Layer]) -> Interceptor:
    """Return ``interceptor``, whose answers go through ``layers``: of a test that has no traffic of its own."""
    for layer in layers:
        interceptor.lead_through(partial(_Layered, layer, of_fixture=False))
    return interceptor


@contextmanager
def recordings_of_others_led_through(layer: Layer, base_url: str) -> Iterator[None]:
    """Have what cassettes of other tools answer for Adyen go through ``layer`` in a ``with`` block."""
    with ExitStack() as stack:
        nothing = Interceptor(_Nowhere(), Hosts([base_url]), OTHER_TOOL, answers_all=True)
        interceptor = current() or stack.enter_context(nothing.opened())
        stack.enter_context(interceptor.led_through(partial(_Layered, layer, of_fixture=False)))
        yield


class _Layered(httpx.BaseTransport):
    """A transport whose answers a layer may change; what the layer makes up for is missed by nobody."""

    def __init__(
        self,
        layer: Layer,
        inner: httpx.BaseTransport,
        making_up: Callable[[], AbstractContextManager[None]] = nullcontext,
        *,
        of_fixture: bool,
    ) -> None:
        self._layer = layer
        self._inner = inner
        self._making_up = making_up
        self._of_fixture = of_fixture

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        with self._making_up():
            return self._layer.answer(request, self._inner, of_fixture=self._of_fixture)


class _Nowhere(httpx.BaseTransport):
    """Where code under test leads in a test that another tool records, in a run that sends nothing to Adyen."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        check_endpoint(str(request.url))
        raise EndpointRefused(
            f"{request.method} {SECRETS.mask(str(request.url))}: this test is marked for another tool to record, which "
            "holds no answer, and only a live run sends anything to Adyen; nothing was sent: record it with "
            "--adyen-live, or take the mark off to have this plugin answer and record"
        )


def _from_cassette(run: RunContext, test: Test, session: Session, stack: ExitStack) -> Interceptor:
    path, name = test.cassette, paths.shown(test.cassette)
    cassette = serializer.read(path) if path.is_file() else Cassette(())
    if path.is_file():
        run.recordings.add(path)
    session.recorded_for = cassette.provenance.contract if cassette.provenance else None
    _warn_if_stale(run, test, cassette)
    origin = origin_of(cassette.provenance)
    backend = _own_sandbox(run, test, origin)
    index = Playback(cassette.interactions)
    index.keep(*recorded_leases.names_in(cassette.context))
    provisioning = cassette.context.get(recorded_leases.PROVISIONING)
    if isinstance(provisioning, dict) and isinstance(provisioning.get("apiKey"), str):
        for mine in filter(None, (backend.key, run.settings.api_key)):
            index.let_stand_for(mine.reveal(), provisioning["apiKey"])
    leases = recorded_leases.RecordedLeases(cassette.context, path, session.miss)
    throwaways = recorded_leases.RecordedLeaseClient(backend, leases, Budget(0), new_run())
    stack.callback(throwaways.management.close)
    session.context, session.throwaways = cassette.context, throwaways
    base_urls = [run.settings.base_url]
    replay = ReplayTransport(index, name, base_urls=base_urls, on_miss=session.miss)
    run.route.mode, run.route.origin = replay, origin
    return Interceptor(replay, Hosts(base_urls), origin, answers_all=True)


def _from_sandbox(run: RunContext, test: Test, session: Session, stack: ExitStack) -> Interceptor:
    if run.settings.backend == "replay":  # in which no server outlives a test
        sandbox = _lend_from(replace(_own_sandbox(run, test, None), route=None), session, stack)
        run.route.mode = sandbox.transport()
    else:
        backend: Backend = test.fixture("_adyen_backend")
        assert backend.sandbox is not None
        session.sandbox = sandbox = backend.sandbox
    stack.callback(_end_faults, sandbox, session)
    return _answered_by(sandbox, sandbox.transport(), run)


def _recorded_sandbox(run: RunContext, test: Test, session: Session, stack: ExitStack) -> Interceptor:
    # a sandbox of its own: a recording must not depend on which tests ran before, nor on which worker
    sandbox = _lend_from(_own_sandbox(run, test, None), session, stack)
    session.recording = Recording(_scrubber(run, SANDBOX_ACCOUNTS))
    run.route.mode = RecordingTransport(session.recording, sandbox.transport())
    return _answered_by(sandbox, run.route.mode, run)


def _from_live(run: RunContext, test: Test, session: Session, stack: ExitStack) -> Interceptor:
    throwaways = session.throwaways  # taken now: the fixture is gone before the last test's recording is written
    if session.mode.records:
        session.recording = Recording(_scrubber(run, ()))
        run.route.mode = RecordingTransport(session.recording, throwaways.backend.transport())
    recording = None if test.is_recorded_elsewhere else session.recording
    return live_interceptor(throwaways.backend, throwaways.ownership, recording, entrances=[run.gateway_url()])


def live_interceptor(
    backend: Backend, ownership: Ownership, recording: Recording | None = None, *, entrances: Iterable[str] = ()
) -> Interceptor:
    """Return the interceptor of a live run: code under test reaches the server through the guards, and is recorded.

    ``entrances`` are the URLs that stand for the server's in this process.
    """
    network, hosts = backend.transport(), Hosts([backend.base_url, *entrances])
    behind = route = LiveRoute(backend.base_url, ownership, network, entrances=entrances)
    if recording is not None:  # but not what a cassette of another tool records
        network = RecordingTransport(recording, network)
        route = LiveRoute(backend.base_url, ownership, network, entrances=entrances)
    return Interceptor(route, hosts, backend.origin, answers_all=True, behind=behind)


_MODES: dict[Mode, Callable[[RunContext, Test, Session, ExitStack], Interceptor]] = {
    Mode("cassette"): _from_cassette,
    Mode("sandbox"): _from_sandbox,
    Mode("sandbox", records=True): _recorded_sandbox,
    Mode("live"): _from_live,
    Mode("live", records=True): _from_live,
}


def _answered_by(sandbox: Sandbox, route: httpx.BaseTransport, run: RunContext) -> Interceptor:
    """Return the interceptor of a test that ``sandbox`` answers: the credentials, and what its contracts have."""
    apis = sandbox.contract_answers.apis

    def knows(request: httpx.Request) -> bool:
        match = routing.route(request.method, request.url.raw_path.partition(b"?")[0].decode("ascii"))
        is_served = not isinstance(match, routing.Mismatch) or bool(match.allowed)
        return is_served or apis.match(request.method, str(request.url), any_version=True) is not None

    def answers(url: str) -> bool:
        return apis.of_url(url, any_version=True) is not None

    return Interceptor(route, Hosts([run.settings.base_url]), SANDBOX, knows=knows, answers=answers)


def _end_faults(sandbox: Sandbox, session: Session) -> None:
    session.unmet_answers = sandbox.contract_answers.end()
    session.unmet = sandbox.faults.end()


def _lend_from(backend: Backend, session: Session, stack: ExitStack) -> Sandbox:
    """Have the test's throwaways come from its own sandbox, and return that."""
    assert backend.sandbox is not None
    session.sandbox = backend.sandbox
    session.throwaways = embedded(backend)
    stack.callback(session.throwaways.management.close)
    return backend.sandbox


def _own_sandbox(run: RunContext, test: Test, origin: str | None) -> Backend:
    backend = open_backend(run.settings, test.fixture("adyen_sandbox_config"))
    return replace(backend, observers=(run.observer(origin or backend.origin),), route=run.route)


def _scrubber(run: RunContext, keep: tuple[str, ...]) -> Scrubber:
    accounts = filter(None, (run.settings.company, run.settings.merchant))
    return Scrubber(run.contract(), accounts, keep=keep, others=apis_in(run.settings.contracts).all_own)


def _warn_if_stale(run: RunContext, test: Test, cassette: Cassette) -> None:
    contract = run.contract()
    problems = find_staleness(
        cassette,
        test.cassette,
        now=clock.now(),
        max_age=run.settings.cassette_max_age,
        digests={contract.version: contract.digest},
    )
    for problem in problems:
        test.warn(StaleCassetteWarning(f"{paths.shown(problem.path)} is stale: {problem.message}"))
