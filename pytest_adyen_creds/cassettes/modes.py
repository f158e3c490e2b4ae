"""A test's traffic: who answers it, its cassette, and the credentials that it was lent.

The interceptor answers each HTTP library, the route the plugin's own clients.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import KW_ONLY, dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

import httpx
import pytest

from pytest_adyen_creds import clock
from pytest_adyen_creds.cassettes import recorded_leases, serializer
from pytest_adyen_creds.cassettes.lint import find_staleness
from pytest_adyen_creds.cassettes.model import SANDBOX, Cassette, find_header, origin_of
from pytest_adyen_creds.cassettes.paths import cassette_of, is_recorded_elsewhere, shown
from pytest_adyen_creds.cassettes.playback import Playback, request_of
from pytest_adyen_creds.cassettes.recording import Recording, RecordingTransport, provenance_of
from pytest_adyen_creds.cassettes.redact.scrubber import SANDBOX_ACCOUNTS, Scrubber
from pytest_adyen_creds.cassettes.replay import ReplayTransport
from pytest_adyen_creds.client import Budget, Ownership
from pytest_adyen_creds.client.tag import new_run
from pytest_adyen_creds.compat.pytest import fixture_names
from pytest_adyen_creds.contract.apis import apis_in
from pytest_adyen_creds.credentials.backend import Backend, open_backend
from pytest_adyen_creds.credentials.credential import HandmadeCredential
from pytest_adyen_creds.credentials.leases import LeaseClient, Leases, Lent, embedded
from pytest_adyen_creds.endpoints import check_endpoint, is_loopback
from pytest_adyen_creds.errors import CassetteError, EndpointRefused, SandboxError, StaleCassetteWarning
from pytest_adyen_creds.intercept.hosts import Hosts
from pytest_adyen_creds.intercept.interceptor import OTHER_TOOL, Interceptor, LiveRoute, current
from pytest_adyen_creds.sandbox import routing
from pytest_adyen_creds.secrets import SECRETS
from pytest_adyen_creds.text import counted

if TYPE_CHECKING:
    from pytest_adyen_creds.client.transports import Observer, Route
    from pytest_adyen_creds.contract import Contract
    from pytest_adyen_creds.credentials.provisioning import Report
    from pytest_adyen_creds.sandbox import Fault, Sandbox
    from pytest_adyen_creds.settings import Settings


@dataclass(frozen=True)
class Mode:
    """Who answers a test, and whether what it is answered is recorded."""

    answers: Literal["cassette", "sandbox", "live"]
    records: bool = False


def mode_of(settings: Settings, *, has_cassette: bool, drives_sandbox: bool) -> Mode:
    """Return the mode of one test.

    ``drives_sandbox``: the test asks for the sandbox itself (its clock, its faults), which no recording can stand for,
    so the sandbox answers it wherever no server does, unrecorded. Whoever records has a backend answer, never a
    cassette.
    """
    if settings.backend == "live":
        return Mode("live", settings.record != "none")
    if drives_sandbox:
        return Mode("sandbox")
    if settings.record != "none":
        return Mode("sandbox", records=True)
    if settings.backend == "replay" or (settings.backend == "auto" and has_cassette):
        return Mode("cassette")
    return Mode("sandbox")


class Layer(Lent, Protocol):
    """What a test's traffic goes through on its way to who answers it."""

    def answer(self, request: httpx.Request, inner: httpx.BaseTransport, *, of_fixture: bool) -> httpx.Response:
        """Return the answer to a request; ``of_fixture``: a client that a fixture gave the test sends it."""


@dataclass(frozen=True)
class RunContext:
    """What the traffic of all tests of one run shares."""

    settings: Settings
    contract: Callable[[], Contract]
    """Returns the contract that the run is held to."""
    route: Route
    """Where the requests of this process's clients go while a test runs."""
    observer: Callable[[str], Observer]
    """Returns an observer of a client that an origin, in words, answers."""
    gateway_url: Callable[[], str]
    """Returns the URL that stands for a live run's server in other processes."""
    unrecorded: set[Path]
    """Where the cassettes would lie of tests that the sandbox answered for want of one: where to note another."""
    recordings: set[Path]
    """The cassettes that answered: where to note another."""
    layers: Callable[[Literal["cassette", "sandbox", "live"]], Sequence[Layer]]
    """Returns what the running test's traffic goes through, what is nearest to who answers first."""


def recorded_from(backend: Backend) -> Literal["sandbox", "live"]:
    """Return what a recording of ``backend`` calls itself: no answer of a server on this machine is called Adyen's."""
    return "sandbox" if backend.sandbox is not None or is_loopback(backend.base_url) else "live"


@dataclass(eq=False, repr=False)
class Session:
    """What the fixture ``adyen_traffic`` gives a test: while it lasts, any HTTP library is answered in its mode."""

    run: RunContext
    request: pytest.FixtureRequest
    """The test's."""
    cassette: Path
    """Where the test's cassette lies, or would."""
    mode: Mode
    sandbox: Sandbox | None = None
    """The sandbox that the test may drive; None where a cassette or another server answers."""
    recording: Recording | None = None
    recorded: Cassette = field(default_factory=partial(Cassette, ()))
    """The cassette that answers; an empty one where none does."""
    interceptor: Interceptor | None = None
    """What takes the requests of the code under test, while the test runs."""
    unmet: list[Fault] = field(default_factory=list)
    """The faults that the test set and nothing met, once it has ended."""
    unmet_answers: list[str] = field(default_factory=list)
    """Likewise, the operations that it set an answer for."""
    _missed: list[str] = field(default_factory=list)

    @cached_property
    def throwaways(self) -> LeaseClient:
        """What lends credentials to this test: the run's, unless its mode has set another."""
        throwaways: LeaseClient = self.request.getfixturevalue("_adyen_throwaways")
        return throwaways

    def leases(self, report: Report) -> Leases:
        """Return what the fixture ``adyen_credentials`` gives the test."""
        layers: list[Lent] = [*self.run.layers(self.mode.answers)]
        if self.recording is not None:
            layers.append(recorded_leases.LeaseNotes(self.recording.context))
        return Leases(self.throwaways, report, layers, self.run.settings.roles_given)

    def made_by_hand(self, kind: str, make: Callable[[Backend], HandmadeCredential]) -> HandmadeCredential:
        """Return the credential of ``kind`` that no API creates: in replay the recorded one, else ``make``'s."""
        if self.mode.answers == "cassette":
            known = self.recorded.context.get(recorded_leases.BY_HAND, {})
            if kind not in known:
                raise CassetteError(self.miss(f"{self.cassette}: holds no {kind} credential; {serializer.AGAIN}"))
            return recorded_leases.from_context(HandmadeCredential, known[kind], self.cassette)
        credential = make(self.throwaways.backend)
        if self.recording is not None:
            by_hand = self.recording.context.setdefault(recorded_leases.BY_HAND, {})
            by_hand[kind] = recorded_leases.to_context(credential)
        return credential

    def save(self) -> bool:
        """Write the recording: the test has passed. With ``missing``, only where the cassette lacks something of it.

        Return whether it was written.
        Raises :class:`CassetteError` where it cannot be written.
        """
        recording, run = self.recording, self.run
        if recording is None:
            return False
        backend = self.throwaways.backend
        key = backend.key.reveal()
        if any(find_header(each.request_headers, "x-api-key") == key for each in recording.noted):
            recording.context[recorded_leases.PROVISIONING] = {"apiKey": key}
        source = recorded_from(backend)
        clean = recording.scrubbed(provenance_of(run.contract(), source, clock.now()))
        if run.settings.record == "missing" and self.cassette.is_file():
            before = serializer.read(self.cassette)
            index, is_lent = Playback(before.interactions), before.context.keys() >= clean.context.keys()
            if is_lent and all(index.take(request_of(each)) is not None for each in clean.interactions):
                return False
            if before.provenance is None or before.provenance.backend != source:
                raise CassetteError(
                    f"{self.cassette}: lacks what this test asks for, and it was not recorded from "
                    f"{backend.origin}; to record all of it anew use --adyen-record=all"
                )
        serializer.write(self.cassette, clean)
        return True

    def miss(self, message: str) -> str:
        """Note that something was asked for in vain, and return what to say: ``message``, if there is a cassette."""
        version, provenance = self.run.contract().version, self.recorded.provenance
        if not self.cassette.is_file():
            message = (
                "no such cassette; record it with --adyen-backend=sandbox --adyen-record=missing "
                f"(or --adyen-live --adyen-record=missing): {shown(self.cassette)}"
            )
        elif provenance is not None and provenance.contract != version:
            message = (
                f"recorded for {provenance.contract}, this run is {version}: run it with --adyen-api-version="
                f"{provenance.contract}, or replace the cassette by one for {version} with --adyen-backend=sandbox "
                f"--adyen-record=all (or --adyen-live --adyen-record=all): {shown(self.cassette)}"
            )
        self._missed.append(message)
        return message

    @contextmanager
    def making_up(self) -> Iterator[None]:
        """Hold nothing against the test that it asks for in vain in a ``with`` block that answers it all the same."""
        before = len(self._missed)
        yield
        del self._missed[before:]

    def check(self) -> None:
        """Raise what a test that passed has missed.

        :class:`CassetteError` where it asked for what no recording holds, and took no notice; :class:`SandboxError`
        where it set a fault or an answer that nothing met.
        """
        if self._missed:
            raise CassetteError(self._missed[0])
        if self.unmet_answers:
            raise SandboxError(
                f"nothing asked for the answer that the test set for {', '.join(self.unmet_answers)}: send a request "
                "of that operation, by a credential whose roles suffice, or set none"
            )
        if self.unmet:
            unmet = "; ".join(map(str, self.unmet))
            raise SandboxError(
                f"nothing met {counted(len(self.unmet), 'fault')} that the test set: {unmet}. Send a request of that "
                "operation, set the fault for the operation that is sent, or set it with optional=True"
            )


@contextmanager
def opened(run: RunContext, request: pytest.FixtureRequest) -> Iterator[Session]:
    """Answer the traffic of a test in a ``with`` block, as the run's settings and the test's cassette have it.

    ``request`` is the test's. Raises :class:`CassetteError` for a cassette that cannot be read.
    """
    cassette, drives_sandbox = cassette_of(request.node), "adyen_sandbox" in fixture_names(request.node)
    mode = mode_of(run.settings, has_cassette=cassette.is_file(), drives_sandbox=drives_sandbox)
    if mode == Mode("sandbox") and not drives_sandbox and run.settings.backend == "auto":
        run.unrecorded.add(cassette)
    session = Session(run, request, cassette, mode)
    with ExitStack() as stack:
        interceptor = _MODES[mode](session, stack)
        # another tool has its hands on the HTTP libraries then: only the plugin's own clients are answered, and what
        # that tool lets out passes the guards all the same
        if is_recorded_elsewhere(request.node) and mode.answers != "live":
            interceptor = Interceptor(_Nowhere(), Hosts([run.settings.base_url]), interceptor.origin, answers_all=True)
        for layer in run.layers(mode.answers):  # through which all goes that the test sends, by clients of fixtures too
            inner = run.route.mode or (session.sandbox or session.throwaways.backend).transport()
            run.route.mode = _Layered(layer, inner, session.making_up, of_fixture=True)
            interceptor.lead_through(partial(_Layered, layer, making_up=session.making_up, of_fixture=False))
        session.interceptor = stack.enter_context(interceptor.opened())
        try:
            yield session
        finally:
            run.route.mode = run.route.origin = None


@contextmanager
def recordings_of_others_led_through(layer: Layer, base_url: str) -> Iterator[None]:
    """Have what cassettes of other tools answer for Adyen go through ``layer`` in a ``with`` block."""
    with ExitStack() as stack:
        nothing = Interceptor(_Nowhere(), Hosts([base_url]), OTHER_TOOL, answers_all=True)
        interceptor = current() or stack.enter_context(nothing.opened())
        stack.enter_context(interceptor.led_through(partial(_Layered, layer, of_fixture=False)))
        yield


@dataclass(frozen=True)
class _Layered(httpx.BaseTransport):
    """A transport whose answers a layer may change; what the layer makes up for is missed by nobody."""

    layer: Layer
    inner: httpx.BaseTransport
    making_up: Callable[[], AbstractContextManager[None]] = nullcontext
    _: KW_ONLY
    of_fixture: bool

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        with self.making_up():
            return self.layer.answer(request, self.inner, of_fixture=self.of_fixture)


class _Nowhere(httpx.BaseTransport):
    """Where code under test leads in a test that another tool records, in a run that sends nothing to Adyen."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        check_endpoint(str(request.url))
        raise EndpointRefused(
            f"{request.method} {SECRETS.mask(str(request.url))}: this test is marked for another tool to record, which "
            "holds no answer, and only a live run sends anything to Adyen; nothing was sent: record it with "
            "--adyen-live, or take the mark off to have this plugin answer and record"
        )


def _from_cassette(session: Session, stack: ExitStack) -> Interceptor:
    run, path = session.run, session.cassette
    cassette = serializer.read(path) if path.is_file() else Cassette(())
    if path.is_file():
        run.recordings.add(path)
    session.recorded = cassette
    _warn_if_stale(session)
    origin = origin_of(cassette.provenance)
    backend = _own_sandbox(session, origin)
    index = Playback(cassette.interactions)
    index.keep(*recorded_leases.names_in(cassette.context))
    provisioning = cassette.context.get(recorded_leases.PROVISIONING)
    if isinstance(provisioning, dict) and isinstance(provisioning.get("apiKey"), str):
        for mine in filter(None, (backend.key, run.settings.api_key)):
            index.let_stand_for(mine.reveal(), provisioning["apiKey"])
    leases = recorded_leases.RecordedLeases(cassette.context, path, session.miss)
    throwaways = recorded_leases.RecordedLeaseClient(backend, leases, Budget(0), new_run())
    stack.callback(throwaways.management.close)
    session.throwaways = throwaways
    base_urls = [run.settings.base_url]
    replay = ReplayTransport(index, shown(path), base_urls=base_urls, on_miss=session.miss)
    run.route.mode, run.route.origin = replay, origin
    return Interceptor(replay, Hosts(base_urls), origin, answers_all=True)


def _from_sandbox(session: Session, stack: ExitStack) -> Interceptor:
    run = session.run
    if run.settings.backend == "replay":  # in which no server outlives a test
        sandbox = _lend_from(replace(_own_sandbox(session, None), route=None), session, stack)
        run.route.mode = sandbox.transport()
    else:
        backend: Backend = session.request.getfixturevalue("_adyen_backend")
        assert backend.sandbox is not None
        session.sandbox = sandbox = backend.sandbox
    stack.callback(_end_faults, sandbox, session)
    return _answered_by(sandbox, sandbox.transport(), run)


def _recorded_sandbox(session: Session, stack: ExitStack) -> Interceptor:
    # a sandbox of its own: a recording must not depend on which tests ran before, nor on which worker
    run, sandbox = session.run, _lend_from(_own_sandbox(session, None), session, stack)
    session.recording = Recording(_scrubber(run, SANDBOX_ACCOUNTS))
    run.route.mode = RecordingTransport(session.recording, sandbox.transport())
    return _answered_by(sandbox, run.route.mode, run)


def _from_live(session: Session, stack: ExitStack) -> Interceptor:
    run = session.run
    throwaways = session.throwaways  # taken now: the fixture is gone before the last test's recording is written
    if session.mode.records:
        session.recording = Recording(_scrubber(run, ()))
        run.route.mode = RecordingTransport(session.recording, throwaways.backend.transport())
    recording = None if is_recorded_elsewhere(session.request.node) else session.recording
    return live_interceptor(throwaways.backend, throwaways.ownership, recording, entrances=[run.gateway_url()])


def live_interceptor(
    backend: Backend,
    ownership: Ownership,
    recording: Recording | None = None,
    *,
    entrances: Iterable[str] = (),
    layers: Iterable[Layer] = (),
) -> Interceptor:
    """Return the interceptor of a live run: code under test reaches the server through the guards, and is recorded.

    ``entrances`` are the URLs that stand for the server's in this process; the answers go through ``layers``.
    """
    network, hosts = backend.transport(), Hosts([backend.base_url, *entrances])
    behind = route = LiveRoute(backend.base_url, ownership, network, entrances=entrances)
    if recording is not None:  # but not what a cassette of another tool records
        network = RecordingTransport(recording, network)
        route = LiveRoute(backend.base_url, ownership, network, entrances=entrances)
    interceptor = Interceptor(route, hosts, backend.origin, answers_all=True, behind=behind)
    for layer in layers:
        interceptor.lead_through(partial(_Layered, layer, of_fixture=False))
    return interceptor


_MODES: dict[Mode, Callable[[Session, ExitStack], Interceptor]] = {
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


def _own_sandbox(session: Session, origin: str | None) -> Backend:
    run = session.run
    backend = open_backend(run.settings, session.request.getfixturevalue("adyen_sandbox_config"))
    return replace(backend, observers=(run.observer(origin or backend.origin),), route=run.route)


def _scrubber(run: RunContext, keep: tuple[str, ...]) -> Scrubber:
    accounts = filter(None, (run.settings.company, run.settings.merchant))
    return Scrubber(run.contract(), accounts, keep=keep, others=apis_in(run.settings.contracts).all_own)


def _warn_if_stale(session: Session) -> None:
    contract, max_age = session.run.contract(), session.run.settings.cassette_max_age
    digests = {contract.version: contract.digest}
    for problem in find_staleness(
        session.recorded, session.cassette, now=clock.now(), max_age=max_age, digests=digests
    ):
        session.request.node.warn(StaleCassetteWarning(f"{shown(problem.path)} is stale: {problem.message}"))
