"""The worker of a live run under xdist: its way to the pool that the controller has."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_adyen_creds.credentials.backend import open_backend
from pytest_adyen_creds.credentials.broker import RemotePool, SharedBudget
from pytest_adyen_creds.credentials.throwaways import Throwaways
from pytest_adyen_creds.errors import AdyenCredsError

if TYPE_CHECKING:
    from pytest_adyen_creds.credentials.spec import Spec
    from pytest_adyen_creds.credentials.throwaways import Lender
    from pytest_adyen_creds.run import Run


class Worker:
    """The side of a live run that an xdist worker has: the way to the controller's pool."""

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
