"""The controller of a live run: preflight, recovery, the pool, and the end of it all."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from pytest_adyen_creds.credentials import tag
from pytest_adyen_creds.credentials.backend import open_backend
from pytest_adyen_creds.credentials.broker import Broker
from pytest_adyen_creds.credentials.clocks import StoppableClock
from pytest_adyen_creds.credentials.ledger import Ledger, LedgerBudget, state_folder
from pytest_adyen_creds.credentials.pool import Pool
from pytest_adyen_creds.credentials.preflight import Preflight, preflight
from pytest_adyen_creds.credentials.provisioning import Provisioner
from pytest_adyen_creds.credentials.recovery import Recovery
from pytest_adyen_creds.credentials.throwaways import Throwaways
from pytest_adyen_creds.errors import AdyenCredsError
from pytest_adyen_creds.management import ManagementClient, Ownership, SystemClock

if TYPE_CHECKING:
    from pytest_adyen_creds.credentials.provisioning import Progress
    from pytest_adyen_creds.credentials.spec import Spec
    from pytest_adyen_creds.run import Run

_RECOVERY: Final = 60.0
"""Seconds that a run which is done waits for the recovery of what earlier ones left."""


class Controller:
    """The side of a live run that has the pool. ``announce`` gets a line now and then while something takes time."""

    def __init__(self, run: Run, announce: Progress) -> None:
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
        self._recovery.join(_RECOVERY)
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
