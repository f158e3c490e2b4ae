"""A live run: the controller, which has the pool, an xdist worker, which has the way to it, and the session of either.

A run without xdist is a controller alone.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, Final

import pytest

from pytest_adyen_creds.client import Place, tag
from pytest_adyen_creds.compat.pytest import fixture_names, write_line
from pytest_adyen_creds.compat.xdist import has_workers
from pytest_adyen_creds.credentials.backend import Backend, open_backend
from pytest_adyen_creds.credentials.doctor import preflight
from pytest_adyen_creds.credentials.leases import LeaseClient
from pytest_adyen_creds.credentials.ledger import Ledger, LedgerBudget, state_folder
from pytest_adyen_creds.credentials.pool import Pool
from pytest_adyen_creds.credentials.pool_server import PoolClient, PoolServer, SharedBudget
from pytest_adyen_creds.credentials.provisioning import Provisioner, Report, ignore
from pytest_adyen_creds.credentials.recovery import Recovery
from pytest_adyen_creds.credentials.shutdown import (
    SWEEP,
    CircuitBreaker,
    Deadline,
    SignalHandlers,
    StoppableClock,
)
from pytest_adyen_creds.credentials.spec import MARKER, Spec, spec_of
from pytest_adyen_creds.errors import AdyenCredsError, CredentialError, in_words
from pytest_adyen_creds.secrets import SECRETS
from pytest_adyen_creds.settings import Settings
from pytest_adyen_creds.text import counted

REPORTED_EVERY: Final = 5.0
"""Seconds between two lines that say that a run is still ending."""

CONNECTION: Final = "adyen_creds_pool"
"""The name under which a worker is given the connection info of the pool."""

_SHOWING: Final = ("collectonly", "showfixtures", "show_fixtures_per_test", "setupplan")
"""The options with which pytest runs no test."""

Observe = Callable[[Backend], Backend]
"""Returns the backend with what is to observe a run's traffic there."""


class Controller:
    """The side of a live run that has the pool: preflight, recovery, leases, and the end of it all.

    ``report`` gets a line now and then while the run ends and, with workers, while a throwaway is provisioned: alone,
    the fixture that waits reports that. With workers, half of what the run may send is theirs.
    """

    def __init__(self, settings: Settings, observe: Observe, report: Report, *, has_workers: bool) -> None:
        self.problems: list[str] = []
        """What went wrong with what earlier runs left, one line each."""
        self.leaked: dict[str, str] = {}
        """The ids of what of this run may still be active, and why: a run that leaks something fails."""
        self.end_problems: list[str] = []
        """What else went wrong at the end, so that something may be left, one line each: such a run fails, too."""
        self._report = report
        self._made_by_workers: dict[str, Place | None] = {}
        self._swept: set[str] = set()
        self._breaker = CircuitBreaker()
        self._server: PoolServer | None = None
        self._clock = StoppableClock()
        self._run = tag.new_run()
        backend = open_backend(settings, share=2 if has_workers else 1)
        with backend.recovery_client() as client:
            self._username, _ = preflight(client, backend.company, backend.merchant)
        self.header = (
            f"adyen: live at {settings.base_url}, company {backend.company} as {self._username}, "
            f"at most {settings.max_created} credentials created"
        )
        """Who signs in where, in one line."""
        self.backend = replace(observe(backend), username=self._username)
        self._ledger = Ledger(state_folder(os.environ), self._run, backend.base_url, backend.company)
        self._budget = LedgerBudget(settings.max_created, self._ledger)
        self._client = self.backend.management(self.backend.ownership(self._budget), clock=self._clock)
        self._client.retries = self._breaker
        self._recovery = threading.Thread(target=self._recover, name="adyen-recovery", daemon=True)
        self.pool = Pool(
            Provisioner(self._client, self.backend, self._run, settings.ready_timeout, self._ledger),
            max(1, settings.max_created),
            report=report if has_workers else ignore,
            before=self._recovery.join,
        )
        self.lease_client = LeaseClient(self.backend, self.pool, self._budget, self._run)
        self._recovery.start()
        self.pool.start_heartbeat()

    def connection_info(self) -> dict[str, Any]:
        """Return what a worker needs to reach the pool."""
        if self._server is None:
            self._server = PoolServer(self.pool, self._budget, self._made_by_worker, self.leaked.__setitem__)
        return {**self._server.connection_info(), "run": self._run, "username": self._username}

    def stop(self) -> None:
        """Lease, reset and provision nothing any more: the run was interrupted."""
        self.pool.stop()
        self._clock.stop()

    @property
    def active(self) -> int:
        """How many throwaways are still to be switched off."""
        return len(self.pool.inventory) + len(self.lease_client.active)

    @property
    def summary(self) -> list[str]:
        """What is to be reported at the end: what could not be put away, and what the run did."""
        pool, lines = self.pool, [*self.problems, *self.leaked.values(), *self.end_problems]
        switched_off = pool.switched_off | self.lease_client.switched_off | self._made_by_workers.keys() | self._swept
        if self.has_leaked:
            count = len(self.leaked) or "some"
            lines.append(f"{count} of this run's throwaways may still be active, so the run fails; {SWEEP}")
        counts = f"{len(self._created)} created, {len(pool.recycled)} recycled"
        return [*lines, f"{counts}, {len(switched_off - self.leaked.keys())} switched off at the end"]

    @property
    def has_leaked(self) -> bool:
        """Whether something of this run may still be active."""
        return bool(self.leaked or self.end_problems)

    # The end. -------------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Switch off every throwaway, and end the ledger where nothing can be left; nothing that fails stops the rest.

        Takes at most :data:`.SHUTDOWN_TAKES` seconds and one request. An interrupt leaves the rest to the next run.
        """
        deadline, is_clean = Deadline(), False
        try:
            with self._reporting(deadline):
                is_clean = self._put_away(deadline)
        except (KeyboardInterrupt, pytest.exit.Exception):
            self._note(f"interrupted with {counted(self.active, 'throwaway')} still to switch off")
        finally:
            with self._attempting("the ledger could not be ended"):
                self._ledger.close(is_clean=is_clean)

    def _put_away(self, deadline: Deadline) -> bool:
        """Switch off what there is, then look for what is not known to be off; return whether nothing can be left."""
        self._client.retries = breaker = replace(self._breaker, tries=2, total_wait=10.0, deadline=deadline)
        with self._attempting("the way of the workers to the pool could not be closed"):
            if self._server is not None:
                self._server.close()
        with self._attempting("the pool could not be closed"):
            self.stop()
            self.leaked |= self.pool.close(deadline)
        if self.pool.is_straggling:
            self._note("a request that may switch a throwaway on was still under way when the run ended")
        with self._attempting("what tests created could not be switched off"):
            self.leaked |= self.lease_client.switch_off(deadline, breaker)
            self.lease_client.management.close()
        with self._attempting("the pool's client could not be closed"):
            self._client.close()
        with suppress(CredentialError):  # a ledger that cannot be written is not settled, and that is looked at next
            for credential_id, place in self.lease_client.ownership.places.items():
                self._ledger.created(credential_id, *(place or ()))
            for credential_id in self.lease_client.ownership.unread:
                self._ledger.doubted(credential_id)
        self._recovery.join(deadline.left)
        is_dirty = self.has_leaked or self.pool.is_dirty or not self._budget.is_settled
        is_complete = not is_dirty or self._look_again(deadline, breaker)
        return is_complete and not self.has_leaked

    def _look_again(self, deadline: Deadline, breaker: CircuitBreaker) -> bool:
        """Switch off by tag what this run may have left, and drop what is then known to be off from ``leaked``.

        Returns whether all that this run created was found, and notes where it was not.
        """
        with self._attempting("what this run may have left could not be looked for"):
            deadline.check()
            with self.backend.recovery_client() as client:
                client.retries = breaker
                client.observers.append(lambda _: deadline.check())
                recovery = Recovery.of(client, self.backend)
                swept, tagged = recovery.sweep({self._run})
                own = tagged.get(self._run, set())
                unusable = set(self._client.ownership.created) - self.pool.created
                doubtful = self.leaked.keys() | unusable
                # a list is not believed: each is read by its id, and one that now has another run's tag is that run's
                places = {item.id: item.place for item in self.pool.inventory} | self._created
                read = recovery.switch_off_ids(self._run, {id: places.get(id) for id in sorted(doubtful)})
            ours = {item.id: item for item in (*swept, *read) if item.id in own or item.id in doubtful}
            failed = {
                id: f"throwaway {id} is still active: {item.problem}" for id, item in ours.items() if item.problem
            }
            self._swept |= ours.keys() - failed.keys()
            self.leaked = {id: self.leaked.get(id, why) for id, why in failed.items()}
            unread = self._client.ownership.unread | self.lease_client.ownership.unread
            for id, why in unread.items():
                if id not in self._swept | self.lease_client.switched_off:
                    line = f"credential {id} was answered to a creation of this run, and {why}; {SWEEP}"
                    self.leaked.setdefault(id, line)
            found = len((own | (self._created.keys() - unread.keys())) - self.pool.recycled)
            if self._budget.is_settled or found >= self._budget.spent:
                return True
            lost = counted(self._budget.spent - found, "creation")
            agreed = " that a read agrees with" if unread else ""
            self._note(f"{lost} had no answer{agreed}, and what may have been created was not found")
        return False

    @contextmanager
    def _attempting(self, what: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001 - nothing that fails at the end stops what comes after it
            self._note(f"{what}: {in_words(error)}")

    def _note(self, problem: str) -> None:
        self.end_problems.append(f"{problem}; {SWEEP}")

    @contextmanager
    def _reporting(self, deadline: Deadline) -> Iterator[None]:
        done = threading.Event()

        def report() -> None:
            while not done.wait(REPORTED_EVERY):
                on = self.active
                todo = f"{counted(on, 'throwaway')} to switch off" if on else "waiting for requests under way"
                self._report(f"the run is ending: {todo}, for at most {deadline.left:.0f} s more")

        threading.Thread(target=report, name="adyen-ending", daemon=True).start()
        try:
            yield
        finally:
            done.set()

    # What this run created. -----------------------------------------------------------------------------------------

    def _made_by_worker(self, credential_id: str, place: Place | None) -> None:
        self._made_by_workers[credential_id] = place
        self._ledger.created(credential_id, *(place or ()))

    @property
    def _created(self) -> dict[str, Place | None]:
        """What this run created, by id, and where."""
        return self._client.ownership.places | self.lease_client.ownership.places | self._made_by_workers

    # What earlier runs left. ----------------------------------------------------------------------------------------

    def _recover(self) -> None:
        try:
            with self.backend.recovery_client() as client:
                swept = Recovery.of(client, self.backend).run(self._ledger.folder)
        except Exception as error:  # noqa: BLE001 - nobody sees what ends a thread
            self.problems.append(f"what killed runs left could not be looked for: {in_words(error)}; {SWEEP}")
            return
        self.problems += [f"throwaway {item.id} is still active: {item.problem}" for item in swept if item.problem]


class Worker:
    """The side of a live run that an xdist worker has; ``info`` is the controller's connection info."""

    def __init__(self, settings: Settings, observe: Observe, info: dict[str, Any], name: str, count: int) -> None:
        self.pool = PoolClient(info, name)
        backend = open_backend(settings, share=2 * count)
        backend = replace(observe(backend), username=info["username"])
        budget = SharedBudget(settings.max_created, self.pool)
        self.lease_client = LeaseClient(backend, self.pool, budget, info["run"])

    def close(self) -> None:
        """Switch off what tests created by themselves, hand over what of it is left, and give back what is on lease."""
        leaked = self.lease_client.switch_off(Deadline(), CircuitBreaker(tries=2, total_wait=10.0))
        with suppress(AdyenCredsError):  # the controller has ended; what is left its ledger knows
            # only now, because what is known to be created counts as put away
            for credential_id, place in self.lease_client.ownership.places.items():
                self.pool.call("created", credential_id, place)
            for credential_id, why in leaked.items():
                self.pool.call("leaked", credential_id, why)
        self.lease_client.management.close()
        self.pool.close()


class LiveSession:
    """What a live run has of throwaways, in one process.

    ``observe`` adds to a backend what is to see its traffic. ``end_run`` is called when pytest ends, however it does,
    and is to call :meth:`close`.
    """

    def __init__(
        self, settings: Settings, config: pytest.Config, *, observe: Observe, end_run: Callable[[], None]
    ) -> None:
        self._settings = settings
        self._config = config
        self._observe = observe
        self._end_run = end_run
        self._opened: Controller | Worker | None = None
        self._signals = SignalHandlers()
        self._is_summarised = False

    @property
    def lease_client(self) -> LeaseClient:
        """This process's side of the pool."""
        if self._opened is None:
            raise CredentialError("the live run has not started, so there is no pool; use fixtures in tests only")
        return self._opened.lease_client

    def header(self) -> str:
        """Return who signs in where, for the header of the run; empty in a worker."""
        return self._opened.header if isinstance(self._opened, Controller) else ""

    def close(self) -> None:
        """Switch off every throwaway of this run."""
        if self._opened is not None:
            self._signals.hold()
            self._opened.close()
        self._signals.restore()

    # Hooks. ---------------------------------------------------------------------------------------------------------

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Open the pool, or the way to it; a live run that cannot work ends here with one line."""
        if any(getattr(self._config.option, name, False) for name in _SHOWING):
            return
        worker: dict[str, Any] = getattr(self._config, "workerinput", {})
        try:
            if CONNECTION in worker:
                name, count = str(worker.get("workerid", "worker")), int(worker.get("workercount", 1))
                self._opened = Worker(self._settings, self._observe, worker[CONNECTION], name, count)
            else:
                # under xdist this process runs no tests, and captures nothing that it reports
                with_workers = has_workers(self._config)
                self._opened = Controller(self._settings, self._observe, self._report, has_workers=with_workers)
        except AdyenCredsError as error:
            raise pytest.UsageError(SECRETS.mask(str(error))) from None
        self._signals.catch()

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Give an xdist worker the connection info."""
        if isinstance(self._opened, Controller):
            node.workerinput[CONNECTION] = self._opened.connection_info()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Start to provision what the tests that are to run need, and nothing else: a creation is for good."""
        if self._opened is None or (session.testsfailed and not self._config.option.continue_on_collection_errors):
            return
        specs = {}
        for item in session.items:
            if MARKER in fixture_names(item) and _runs(item):
                marker = item.get_closest_marker(MARKER)
                with suppress(CredentialError):  # the test says what is wrong with its marker
                    spec = spec_of(item.nodeid, marker.args, marker.kwargs, item.config.rootpath) if marker else Spec()
                    specs[spec.level, spec.account, spec.fresh] = spec
        with suppress(AdyenCredsError):  # the test that asks for one says what is wrong
            self._opened.pool.prepare(list(specs.values()))

    def pytest_keyboard_interrupt(self) -> None:
        """Reset nothing any more, and hold the next signal back: everything is switched off now."""
        if self._opened is not None:
            self._signals.hold()
        if isinstance(self._opened, Controller):  # which stops the pool for its workers, too
            self._opened.stop()
            if self._opened.active:
                what = counted(self._opened.active, "throwaway")
                self._report(f"switching off {what}; interrupt twice more to leave them to adyen-creds sweep")

    @pytest.hookimpl(wrapper=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, None, None]:
        """Fail a run that may have left something active."""
        try:
            yield
        finally:
            has_leaked = isinstance(self._opened, Controller) and self._opened.has_leaked
            if has_leaked and session.exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self) -> None:
        """Report what could not be put away, and what the run did."""
        self._summarise()

    @pytest.hookimpl(tryfirst=True)
    def pytest_unconfigure(self) -> None:
        """Put away what is left where a hook that failed ended the session; report it where pytest had no summary."""
        self._end_run()
        self._summarise()

    # What the hooks do. ---------------------------------------------------------------------------------------------

    def _summarise(self) -> None:
        if isinstance(self._opened, Controller) and not self._is_summarised:
            self._is_summarised = True
            *problems, counts = self._opened.summary
            for line in problems:
                self._report(line, yellow=True)
            self._report(counts)

    def _report(self, text: str, **markup: bool) -> None:
        write_line(self._config, SECRETS.mask(f"adyen: {text}"), **markup)


def _runs(item: pytest.Item) -> bool:
    """Return whether no mark skips ``item``; one whose condition is a text is as good as skipped until it runs."""
    return not any(item.iter_markers("skip")) and not any(
        isinstance(condition, str) or condition
        for marker in item.iter_markers("skipif")
        for condition in marker.args or (marker.kwargs.get("condition", True),)
    )
