"""The session of a live run: preflight, recovery, the pool and who shares it, and the end of it all.

A pytest plugin of its own, registered only where a run is live. The controller of an xdist run, or a run's only
process, has the pool; a worker has the way to it.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_adyen_creds.credentials import tag
from pytest_adyen_creds.credentials.backend import Backend, open_backend
from pytest_adyen_creds.credentials.broker import Broker, RemotePool, SharedBudget
from pytest_adyen_creds.credentials.ledger import Ledger, LedgerBudget, state_folder
from pytest_adyen_creds.credentials.pool import Pool
from pytest_adyen_creds.credentials.preflight import Preflight, preflight
from pytest_adyen_creds.credentials.provisioning import Provisioner
from pytest_adyen_creds.credentials.recovery import Recovery
from pytest_adyen_creds.credentials.spec import MARKER, Spec, spec_of
from pytest_adyen_creds.credentials.throwaways import Throwaways
from pytest_adyen_creds.errors import AdyenCredsError, CredentialError
from pytest_adyen_creds.management import ManagementClient, Ownership, SystemClock
from pytest_adyen_creds.secrets import SECRETS

if TYPE_CHECKING:
    from pytest_adyen_creds.credentials.throwaways import Lender
    from pytest_adyen_creds.run import Run

INVITATION: Final = "adyen_creds_pool"
"""The name under which a worker is told how to reach the pool."""

_PATIENCE: Final = 60.0
"""Seconds that a run which is done waits for the recovery of what earlier ones left."""

_USERS: Final = frozenset({"adyen_credential"})
_DESELECTING: Final = ("keyword", "markexpr", "deselect", "lf", "stepwise")


class StoppableClock(SystemClock):
    """The machine's clock, whose sleeps end with an error when the run does."""

    def __init__(self) -> None:
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Break off every sleep, now and from now on."""
        self._stopped.set()

    def sleep(self, seconds: float) -> None:
        """Wait; raises :class:`CredentialError` where the run ends meanwhile, so that nothing goes on too early."""
        if self._stopped.wait(seconds):
            raise CredentialError("the run is ending, so no throwaway is provisioned any more; run again")


class LiveSession:
    """What a live run has of throwaways, in one process."""

    def __init__(self, run: Run, config: pytest.Config) -> None:
        self._run = run
        self._config = config
        self._opened: _Owner | _Worker | None = None
        self._previous: Any = None
        self._prepared: set[tuple[str, str | None]] = set()

    @property
    def _side(self) -> _Owner | _Worker:
        if self._opened is None:
            raise CredentialError("the live run has not started, so there is no pool; use fixtures in tests only")
        return self._opened

    @property
    def backend(self) -> Backend:
        """The server."""
        return self._side.backend

    @property
    def throwaways(self) -> Throwaways:
        """This process's side of the pool."""
        return self._side.throwaways

    def header(self) -> str:
        """Say who signs in where, for the header of the run; empty in a worker."""
        return self._opened.header() if isinstance(self._opened, _Owner) else ""

    # Hooks. ---------------------------------------------------------------------------------------------------------

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Open the pool, or the way to it; a live run that cannot work ends here with one line."""
        if self._config.option.collectonly:
            return
        try:
            invitation = getattr(self._config, "workerinput", {}).get(INVITATION)
            if invitation is not None:
                self._opened = _Worker(self._run, invitation, self._config.workerinput)  # type: ignore[attr-defined]
            else:
                self._opened = _Owner(self._run, self._announce)
        except AdyenCredsError as error:
            raise pytest.UsageError(SECRETS.mask(str(error))) from None
        self._catch_termination()

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Invite an xdist worker."""
        if isinstance(self._opened, _Owner):
            node.workerinput[INVITATION] = self._opened.invitation()

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Start to provision while the rest is collected, unless what is collected may yet be deselected."""
        options = self._config.option
        if not any(getattr(options, name, None) for name in _DESELECTING):
            self._prepare([item])

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Start to provision what the tests that are to run need."""
        self._prepare(session.items)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say what could not be put away."""
        for problem in self._opened.problems if self._opened else ():
            terminalreporter.write_line(SECRETS.mask(f"adyen: {problem}"), yellow=True)

    def close(self) -> None:
        """Switch off every throwaway of this run."""
        if self._opened is not None:
            self._opened.close()
        if self._previous is not None:
            with suppress(ValueError):
                signal.signal(signal.SIGTERM, self._previous)

    # Strictly private. ----------------------------------------------------------------------------------------------

    def _prepare(self, items: Iterable[pytest.Item]) -> None:
        specs = []
        for item in items:
            if self._opened is not None and _USERS & set(getattr(item, "fixturenames", ())):
                marker = item.get_closest_marker(MARKER)
                with suppress(CredentialError):  # the test says what is wrong with its marker
                    specs.append(spec_of(item.nodeid, marker.args, marker.kwargs) if marker else Spec())
        new = {
            (spec.level, spec.account): spec
            for spec in specs
            if not spec.fresh and (spec.level, spec.account) not in self._prepared
        }
        if new:
            self._prepared |= set(new)
            self._side.prepare(list(new.values()))

    def _announce(self, text: str) -> None:
        # under xdist this process runs no tests and captures nothing; alone, the waiting fixture says it
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None and self._config.pluginmanager.has_plugin("dsession"):
            reporter.ensure_newline()
            reporter.write_line(SECRETS.mask(f"adyen: {text}"))

    def _catch_termination(self) -> None:
        with suppress(ValueError):  # not the main thread: whoever has it decides
            if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
                self._previous = signal.signal(signal.SIGTERM, _terminate)


def _terminate(number: int, frame: object) -> None:
    # a second one ends the process at once; the ledger then tells the next run
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    pytest.exit("terminated (SIGTERM)", returncode=128 + number)


class _Owner:
    """Strictly private: the process that has the pool."""

    def __init__(self, run: Run, announce: Any) -> None:
        self.problems: list[str] = []
        self._settings = run.settings
        self._broker: Broker | None = None
        self._clock = StoppableClock()
        self._run_id = tag.new_run()
        backend = open_backend(run.settings)
        with backend.management(Ownership(0, provisioning=[backend.key])) as client:
            self._preflight: Preflight = preflight(client, backend.company)
        observers = (run.watch.client(backend.origin),)
        self.backend = replace(backend, username=self._preflight.username, observers=observers, tap=run.tap)
        self._folder = state_folder(os.environ)
        self._ledger = Ledger(self._folder, self._run_id, backend.base_url, backend.company)
        self._budget = LedgerBudget(run.settings.max_created, self._ledger)
        self._client = self.backend.management(self.backend.ownership(self._budget))
        self._pool = Pool(
            Provisioner(
                self._client,
                backend.company,
                backend.merchant,
                self._run_id,
                self._clock,
                ready_timeout=run.settings.ready_timeout,
                timing=self.backend.timing,
                journal=self._ledger,
            ),
            max(1, run.settings.max_created),
            announce=announce,
            before=self._await_recovery,
        )
        self.throwaways = Throwaways(self.backend, self._pool, self._budget, self._run_id)
        self._recovery = threading.Thread(target=self._recover, name="adyen-recovery", daemon=True)
        self._recovery.start()
        self._pool.keep()

    def header(self) -> str:
        """Say who signs in where."""
        settings = self._settings
        return (
            f"adyen: live at {settings.base_url}, company {self._preflight.company} as {self._preflight.username}, "
            f"at most {settings.max_created} credentials created"
        )

    def invitation(self) -> dict[str, Any]:
        """Return what a worker needs to reach the pool."""
        if self._broker is None:
            self._broker = Broker(self._pool, self._budget, self._ledger.created)
        return {**self._broker.invitation(), "run": self._run_id, "username": self._preflight.username}

    def prepare(self, specs: list[Spec]) -> None:
        """Start to provision what ``specs`` need."""
        self._pool.prepare(specs)

    def close(self) -> None:
        """Switch off every throwaway, and end the ledger where nothing can be left."""
        if self._broker is not None:
            self._broker.close()
        for credential_id in self.throwaways.ownership.created:
            self._ledger.created(credential_id)
        self.problems += self.throwaways.close()
        self.problems += self._pool.close(self._clock.stop)
        self._recovery.join(_PATIENCE)
        is_clean = not self.problems
        if self._pool.is_dirty or not self._ledger.is_settled or not is_clean:
            is_clean = self._sweep_own()
        self._ledger.close(is_clean=is_clean)
        self._client.close()

    def _await_recovery(self) -> None:
        self._recovery.join()

    def _recover(self) -> None:
        try:
            with self._recovery_client() as client:
                swept = self._looking(client).run(self._folder, self.backend.company)
        except AdyenCredsError as error:
            self.problems.append(f"what killed runs left could not be looked for: {error}")
            return
        self.problems += [f"throwaway {item.id} is still active: {item.problem}" for item in swept if item.problem]

    def _sweep_own(self) -> bool:
        try:
            with self._recovery_client() as client:
                swept, tagged = self._looking(client).sweep({self._run_id})
        except AdyenCredsError as error:
            self.problems.append(f"what this run left could not be looked for: {error}; run adyen-creds sweep")
            return False
        left = [item for item in swept if item.problem]
        self.problems = [f"throwaway {item.id} is still active: {item.problem}" for item in left]
        return not left and (self._ledger.is_settled or len(tagged.get(self._run_id, ())) >= self._budget.spent)

    def _recovery_client(self) -> ManagementClient:
        return self.backend.management(Ownership(0, provisioning=[self.backend.key]))

    def _looking(self, client: ManagementClient) -> Recovery:
        resources = [client.company(self.backend.company)]
        if self.backend.merchant:
            resources.append(client.merchant(self.backend.merchant))
        return Recovery(client, resources, SystemClock())


class _Worker:
    """Strictly private: an xdist worker."""

    def __init__(self, run: Run, invitation: dict[str, Any], worker: dict[str, Any]) -> None:
        self.problems: list[str] = []
        self._pool = RemotePool(invitation, str(worker.get("workerid", "worker")))
        backend = open_backend(run.settings, share=int(worker.get("workercount", 1)))
        observers = (run.watch.client(backend.origin),)
        self.backend = replace(backend, username=invitation["username"], observers=observers, tap=run.tap)
        budget = SharedBudget(run.settings.max_created, self._pool)
        lender: Lender = self._pool
        self.throwaways = Throwaways(self.backend, lender, budget, invitation["run"])

    def prepare(self, specs: list[Spec]) -> None:
        """Start to provision what ``specs`` need."""
        self._pool.prepare(specs)

    def close(self) -> None:
        """Switch off what tests created by themselves, and give back whatever is still on lease."""
        with suppress(AdyenCredsError):  # the controller has ended; what is left it has looked for
            for credential_id in self.throwaways.ownership.created:
                self._pool.created(credential_id)
        self.problems += self.throwaways.close()
        self._pool.close()
