"""The worker of a live run under xdist: its way to the pool that the controller has."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_adyen_creds.credentials.backend import open_backend
from pytest_adyen_creds.credentials.broker import RemotePool, SharedBudget
from pytest_adyen_creds.credentials.ending import Deadline, Patience
from pytest_adyen_creds.credentials.throwaways import Throwaways
from pytest_adyen_creds.errors import AdyenCredsError

if TYPE_CHECKING:
    from pytest_adyen_creds.credentials.spec import Spec
    from pytest_adyen_creds.credentials.throwaways import Lender
    from pytest_adyen_creds.run import Run


class Worker:
    """The side of a live run that an xdist worker has: the way to the controller's pool."""

    def __init__(self, run: Run, invitation: dict[str, Any], worker: dict[str, Any]) -> None:
        self._pool = RemotePool(invitation, str(worker.get("workerid", "worker")))
        backend = open_backend(run.settings, share=2 * int(worker.get("workercount", 1)))
        observers = (run.watch.client(backend.origin), run.compare)
        self.backend = replace(backend, username=invitation["username"], observers=observers, route=run.route)
        budget = SharedBudget(run.settings.max_created, self._pool)
        lender: Lender = self._pool
        self.throwaways = Throwaways(self.backend, lender, budget, invitation["run"])

    def prepare(self, specs: list[Spec]) -> None:
        """Start to provision what ``specs`` need."""
        self._pool.prepare(specs)

    def stop(self) -> None:
        """Do nothing: the controller, which was interrupted too, stops the pool."""

    def close(self) -> None:
        """Switch off what tests created by themselves, tell what of it is left, and give back what is on lease."""
        left = self.throwaways.switch_off(Deadline(), Patience(tries=2, total_wait=10.0))
        with suppress(AdyenCredsError):  # the controller has ended; what is left its ledger tells
            # only now, because what is known to be created counts as put away
            for credential_id in self.throwaways.ownership.created:
                self._pool.created(credential_id, self.throwaways.ownership.made_at(credential_id))
            for item in left:
                self._pool.left(item)
        self.throwaways.management.close()
        self._pool.close()
