"""Opening a test's traffic: the door for every HTTP library, and the tap for the plugin's own clients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_adyen_creds import clock
from pytest_adyen_creds.cassettes import lent, paths, serializer
from pytest_adyen_creds.cassettes.door import Door, Hosts, PassingDoor
from pytest_adyen_creds.cassettes.index import Index
from pytest_adyen_creds.cassettes.interception import InterceptedApp
from pytest_adyen_creds.cassettes.lint import find_staleness
from pytest_adyen_creds.cassettes.live import LiveDoor
from pytest_adyen_creds.cassettes.model import Cassette, origin_of
from pytest_adyen_creds.cassettes.record import Recording, RecordingDoor
from pytest_adyen_creds.cassettes.redact.scrubber import SANDBOX_ACCOUNTS, Scrubber
from pytest_adyen_creds.cassettes.replay import IndexedCassette, ReplayTransport
from pytest_adyen_creds.cassettes.tap import Answered, Recorded
from pytest_adyen_creds.cassettes.traffic import Plan, Traffic, plan
from pytest_adyen_creds.client import Budget
from pytest_adyen_creds.client.tag import new_run
from pytest_adyen_creds.credentials.backend import Backend, open_backend
from pytest_adyen_creds.credentials.throwaways import embedded
from pytest_adyen_creds.errors import StaleCassetteWarning

if TYPE_CHECKING:
    from pytest_adyen_creds.run import Run
    from pytest_adyen_creds.sandbox import Sandbox

OpenDoor = Callable[[], AbstractContextManager[Door]]


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
def opened(run: Run, test: Test) -> Iterator[Traffic]:
    """Answer the traffic of ``test`` in a ``with`` block, as the run's settings and the test's cassette have it.

    Raises :class:`CassetteError` for a cassette that cannot be read.
    """
    planned = plan(run.settings, has_cassette=test.cassette.is_file(), drives_sandbox=test.drives_sandbox)
    traffic = Traffic(run, test.cassette, planned, lambda: test.fixture("_adyen_throwaways"))
    with ExitStack() as stack:
        door = _WAYS[planned](run, test, traffic, stack)
        if test.is_recorded_elsewhere and planned.answers != "live":
            hosts, is_closed = Hosts([run.settings.base_url]), run.settings.backend == "replay"
            stack.enter_context(PassingDoor.opened("the network", hosts=hosts, is_closed=is_closed))
        else:
            stack.enter_context(door())
        try:
            yield traffic
        finally:
            run.tap.way = run.tap.origin = None


def _from_cassette(run: Run, test: Test, traffic: Traffic, stack: ExitStack) -> OpenDoor:
    path, name = test.cassette, paths.shown(test.cassette)
    cassette = serializer.read(path) if path.is_file() else Cassette(())
    if path.is_file():
        run.recordings.add(path)
    traffic.recorded_for = cassette.provenance.contract if cassette.provenance else None
    _warn_if_stale(run, test, cassette)
    origin = origin_of(cassette.provenance)
    backend = _own_sandbox(run, test, origin)
    index = Index(cassette.interactions)
    index.keep(*lent.names_in(cassette.context))
    provisioning = cassette.context.get(lent.PROVISIONING)
    if isinstance(provisioning, dict) and isinstance(provisioning.get("apiKey"), str):
        for mine in filter(None, (backend.key, run.settings.api_key)):
            index.let_stand_for(mine.reveal(), provisioning["apiKey"])
    lending = lent.Lending(cassette.context, path, traffic.miss)
    throwaways = lent.LentThrowaways(backend, lending, Budget(0), new_run())
    stack.callback(throwaways.close)
    traffic.context, traffic.lender = cassette.context, lambda: throwaways
    base_urls = [run.settings.base_url]
    run.tap.way = Answered(ReplayTransport(index, name, base_urls=base_urls, on_miss=traffic.miss))
    run.tap.origin = origin
    hosts = Hosts(base_urls)
    return lambda: IndexedCassette.opened(name, index=index, hosts=hosts, origin=origin, on_miss=traffic.miss)


def _from_sandbox(run: Run, test: Test, traffic: Traffic, stack: ExitStack) -> OpenDoor:
    if run.settings.backend == "replay":  # in which no server outlives a test
        sandbox = _lend_from(replace(_own_sandbox(run, test, None), tap=None), traffic, stack)
        run.tap.way = Answered(sandbox.transport())
    else:
        backend: Backend = test.fixture("_adyen_backend")
        assert backend.sandbox is not None
        traffic.sandbox = sandbox = backend.sandbox
    stack.callback(_end_faults, sandbox, traffic)
    return lambda: InterceptedApp.opened("the sandbox", app=sandbox.app, hosts=Hosts([run.settings.base_url]))


def _recorded_sandbox(run: Run, test: Test, traffic: Traffic, stack: ExitStack) -> OpenDoor:
    # a sandbox of its own: a recording must not depend on which tests ran before, nor on which worker
    sandbox = _lend_from(_own_sandbox(run, test, None), traffic, stack)
    traffic.recording = recording = Recording(_scrubber(run, SANDBOX_ACCOUNTS))
    run.tap.way = Recorded(recording, sandbox.transport())
    hosts, name = Hosts([run.settings.base_url]), str(test.cassette)
    return lambda: RecordingDoor.opened(name, hosts=hosts, recording=recording, app=sandbox.app)


def _from_live(run: Run, test: Test, traffic: Traffic, stack: ExitStack) -> OpenDoor:
    if traffic.plan.records:
        traffic.recording = Recording(_scrubber(run, ()))
        run.tap.way = Recorded(traffic.recording)
    throwaways, base_url = traffic.throwaways, run.settings.base_url
    traffic.lender = lambda: throwaways  # the fixture's value is gone before the last test's recording is written
    ownership = throwaways.ownership
    recording = None if test.is_recorded_elsewhere else traffic.recording
    return lambda: LiveDoor.opened("Adyen's test endpoint", base_url=base_url, ownership=ownership, recording=recording)


_WAYS: dict[Plan, Callable[[Run, Test, Traffic, ExitStack], OpenDoor]] = {
    Plan("cassette"): _from_cassette,
    Plan("sandbox"): _from_sandbox,
    Plan("sandbox", records=True): _recorded_sandbox,
    Plan("live"): _from_live,
    Plan("live", records=True): _from_live,
}


def _end_faults(sandbox: Sandbox, traffic: Traffic) -> None:
    sandbox.faults.end()
    traffic.unmet = sandbox.faults.take_unmet()


def _lend_from(backend: Backend, traffic: Traffic, stack: ExitStack) -> Sandbox:
    """Have the test's throwaways come from its own sandbox, and return that."""
    assert backend.sandbox is not None
    traffic.sandbox = backend.sandbox
    throwaways = embedded(backend)
    stack.callback(throwaways.close)
    traffic.lender = lambda: throwaways
    return backend.sandbox


def _own_sandbox(run: Run, test: Test, origin: str | None) -> Backend:
    backend = open_backend(run.settings, test.fixture("adyen_sandbox_config"))
    return replace(backend, observers=(run.watch.client(origin or backend.origin),), tap=run.tap)


def _scrubber(run: Run, keep: tuple[str, ...]) -> Scrubber:
    accounts = filter(None, (run.settings.company, run.settings.merchant))
    return Scrubber(run.contract, accounts, keep=keep)


def _warn_if_stale(run: Run, test: Test, cassette: Cassette) -> None:
    problems = find_staleness(
        cassette,
        test.cassette,
        now=clock.now(),
        max_age=run.settings.cassette_max_age,
        digests={run.contract.version: run.contract.digest},
    )
    for problem in problems:
        test.warn(StaleCassetteWarning(f"{paths.shown(problem.path)} is stale: {problem.message}"))
