"""A test's traffic: who answers it, its cassette, and the credentials that it was lent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from pytest_adyen_creds import clock
from pytest_adyen_creds.cassettes import recorded_leases, serializer
from pytest_adyen_creds.cassettes.model import Cassette
from pytest_adyen_creds.cassettes.paths import shown
from pytest_adyen_creds.cassettes.playback import Playback, request_of
from pytest_adyen_creds.cassettes.recording import provenance_of
from pytest_adyen_creds.credentials.credential import Credential, HandmadeCredential
from pytest_adyen_creds.credentials.leases import Leases
from pytest_adyen_creds.credentials.spec import Spec
from pytest_adyen_creds.endpoints import is_loopback
from pytest_adyen_creds.errors import CassetteError, SandboxError
from pytest_adyen_creds.text import counted

if TYPE_CHECKING:
    import httpx

    from pytest_adyen_creds.cassettes.recording import Recording
    from pytest_adyen_creds.client.transports import Observer, Route
    from pytest_adyen_creds.contract import Contract
    from pytest_adyen_creds.credentials.backend import Backend
    from pytest_adyen_creds.credentials.leases import LeaseClient
    from pytest_adyen_creds.credentials.provisioning import Report
    from pytest_adyen_creds.intercept.interceptor import Interceptor
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


class Layer(Protocol):
    """What a test's traffic goes through on its way to who answers it."""

    def lend(self, credential: Credential, spec: Spec | None = None) -> Credential:
        """Return a credential as the test is to see it; ``spec`` is what it asked for, None where its key changed."""

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
    layers: Callable[[Literal["cassette", "sandbox", "live"]], Sequence[Layer]] = lambda answers: ()
    """Returns what the running test's traffic goes through, what is nearest to who answers first."""


def recorded_from(backend: Backend) -> Literal["sandbox", "live"]:
    """Return what a recording of ``backend`` calls itself: no answer of a server on this machine is called Adyen's."""
    return "sandbox" if backend.sandbox is not None or is_loopback(backend.base_url) else "live"


class Session:
    """What the fixture ``adyen_traffic`` gives a test: while it lasts, any HTTP library is answered in its mode."""

    def __init__(self, run: RunContext, path: Path, mode: Mode, throwaways: Callable[[], LeaseClient]) -> None:
        self.cassette = path
        """Where the test's cassette lies, or would."""
        self.mode = mode
        self.sandbox: Sandbox | None = None
        """The sandbox that the test may drive; None where a cassette or another server answers."""
        self.recording: Recording | None = None
        self.recorded_for: str | None = None
        """The contract's version that the cassette which answers was recorded for, where it says so."""
        self.context: Mapping[str, Any] = {}
        """What the cassette that answers holds besides interactions."""
        self.interceptor: Interceptor | None = None
        """What takes the requests of the code under test, while the test runs."""
        self.unmet: list[Fault] = []
        """The faults that the test set and nothing met, once it has ended."""
        self.unmet_answers: list[str] = []
        """Likewise, the operations that it set an answer for."""
        self._run = run
        self._missed: list[str] = []
        self._throwaways_of_run = throwaways

    @cached_property
    def throwaways(self) -> LeaseClient:
        """What lends credentials to this test: the run's, unless its mode has set another."""
        return self._throwaways_of_run()

    def leases(self, report: Report) -> Leases:
        """Return what the fixture ``adyen_credentials`` gives the test."""
        layers = self._run.layers(self.mode.answers)
        if self.recording is None:
            return Leases(self.throwaways, report, layers, self._run.settings.roles_given)
        return recorded_leases.NotedLeases(
            self.throwaways, report, self.recording.context, layers, self._run.settings.roles_given
        )

    def made_by_hand(self, kind: str, make: Callable[[Backend], HandmadeCredential]) -> HandmadeCredential:
        """Return the credential of ``kind`` that no API creates: in replay the recorded one, else ``make``'s."""
        if self.mode.answers == "cassette":
            known = self.context.get(recorded_leases.BY_HAND, {})
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
        recording, run = self.recording, self._run
        if recording is None:
            return False
        backend = self.throwaways.backend
        key = backend.key.reveal()
        if any(interaction.request_header("x-api-key") == key for interaction in recording.noted):
            recording.context[recorded_leases.PROVISIONING] = {"apiKey": key}
        source = recorded_from(backend)
        clean = recording.scrubbed(provenance_of(run.contract(), source, clock.now()))
        if run.settings.record == "missing" and self.cassette.is_file():
            before = serializer.read(self.cassette)
            if _holds(before, clean):
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
        version = self._run.contract().version
        if not self.cassette.is_file():
            message = (
                "no such cassette; record it with --adyen-backend=sandbox --adyen-record=missing "
                f"(or --adyen-live --adyen-record=missing): {shown(self.cassette)}"
            )
        elif self.recorded_for not in (None, version):
            message = (
                f"recorded for {self.recorded_for}, this run is {version}: run it with --adyen-api-version="
                f"{self.recorded_for}, or replace the cassette by one for {version} with --adyen-backend=sandbox "
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


def _holds(before: Cassette, clean: Cassette) -> bool:
    index = Playback(before.interactions)
    is_lent = before.context.keys() >= clean.context.keys()
    return is_lent and all(index.take(request_of(interaction)) is not None for interaction in clean.interactions)
