"""The controller of a live run: preflight, recovery, the pool, and the end of it all."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_adyen_creds.client import ManagementClient, Ownership, Place, SystemClock, tag
from pytest_adyen_creds.credentials.backend import open_backend
from pytest_adyen_creds.credentials.broker import Broker
from pytest_adyen_creds.credentials.clocks import StoppableClock
from pytest_adyen_creds.credentials.ending import SWEEP, Deadline, Left, Patience
from pytest_adyen_creds.credentials.ledger import Ledger, LedgerBudget, state_folder
from pytest_adyen_creds.credentials.pool import Pool
from pytest_adyen_creds.credentials.preflight import Preflight, preflight
from pytest_adyen_creds.credentials.provisioning import Provisioner
from pytest_adyen_creds.credentials.recovery import Recovery
from pytest_adyen_creds.credentials.throwaways import Throwaways
from pytest_adyen_creds.errors import CredentialError, in_words
from pytest_adyen_creds.text import counted

if TYPE_CHECKING:
    from pytest_adyen_creds.credentials.readiness import Progress
    from pytest_adyen_creds.credentials.spec import Spec
    from pytest_adyen_creds.run import Run

TELLING: Final = 5.0
"""Seconds between two lines that say that a run is still ending."""


class Controller:
    """The side of a live run that has the pool.

    ``announce`` gets a line now and then while a throwaway is provisioned, ``say`` while the run ends. With workers,
    half of what the run may send is theirs.
    """

    def __init__(self, run: Run, announce: Progress, say: Progress, *, has_workers: bool) -> None:
        self.problems: list[str] = []
        """What went wrong with what earlier runs left, one line each."""
        self.left: list[Left] = []
        """What of this run may still be active: a run that leaves something fails."""
        self._say = say
        self._made_elsewhere: dict[str, Place | None] = {}
        self._swept: set[str] = set()
        self._patience = Patience()
        self._settings = run.settings
        self._broker: Broker | None = None
        self._clock = StoppableClock()
        self._run_id = tag.new_run()
        backend = open_backend(run.settings, share=2 if has_workers else 1)
        with backend.management(Ownership(0, provisioning=[backend.key])) as client:
            self._preflight: Preflight = preflight(client, backend.company, backend.merchant)
        observers = (run.watch.client(backend.origin), run.compare)
        self.backend = replace(backend, username=self._preflight.username, observers=observers, route=run.route)
        self._folder = state_folder(os.environ)
        self._ledger = Ledger(self._folder, self._run_id, backend.base_url, backend.company)
        self._budget = LedgerBudget(run.settings.max_created, self._ledger)
        self._client = self.backend.management(self.backend.ownership(self._budget), clock=self._clock)
        self._client.retries = self._patience
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
            self._broker = Broker(self._pool, self._budget, self._created_elsewhere, self.left.append)
        return {**self._broker.invitation(), "run": self._run_id, "username": self._preflight.username}

    def prepare(self, specs: list[Spec]) -> None:
        """Start to provision what ``specs`` need."""
        self._pool.prepare(specs)

    def stop(self) -> None:
        """Lease, reset and provision nothing any more: the run was interrupted."""
        self._pool.stop(self._clock.stop)

    @property
    def active(self) -> int:
        """How many throwaways are still to be switched off."""
        return len(self._pool.stock.all) + len(self.throwaways.active)

    @property
    def summary(self) -> list[str]:
        """What is to be said at the end: what could not be put away, and what the run did."""
        stock, left = self._pool.stock, {item.id for item in self.left}
        created = self._all_created
        switched_off = stock.switched_off | self.throwaways.switched_off | self._made_elsewhere.keys() | self._swept
        lines = [*self.problems, *map(str, self.left)]
        if self.left:
            count = len(left - {""}) or "some"
            lines.append(f"{count} of this run's throwaways may still be active, so the run fails; {SWEEP}")
        counts = f"{len(created)} created, {len(stock.recycled)} recycled, {len(switched_off - left)} switched off"
        return [*lines, f"{counts} at the end"]

    # The end. -------------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Switch off every throwaway, and end the ledger where nothing can be left; nothing that fails stops the rest.

        Takes at most :data:`.GOODBYE` seconds and one request. An interrupt leaves the rest to the next run.
        """
        deadline, is_clean = Deadline(), False
        try:
            with self._telling(deadline):
                is_clean = self._put_away(deadline)
        except (KeyboardInterrupt, pytest.exit.Exception):
            self._note(f"interrupted with {counted(self.active, 'throwaway')} still to switch off; {SWEEP}")
        finally:
            with self._attempting("the ledger could not be ended"):
                self._ledger.close(is_clean=is_clean)

    def _put_away(self, deadline: Deadline) -> bool:
        self._client.retries = patience = replace(self._patience, tries=2, total_wait=10.0)
        with self._attempting("the way of the workers to the pool could not be closed"):
            if self._broker is not None:
                self._broker.close()
        with self._attempting("the pool could not be closed"):
            self.left += self._pool.close(self._clock.stop, deadline)
        if self._pool.stock.is_straggling:
            self._note(f"a request that may switch a throwaway on was still under way when the run ended; {SWEEP}")
        with self._attempting("what tests created could not be switched off"):
            self.left += self.throwaways.switch_off(deadline, patience)
            self.throwaways.management.close()
        with self._attempting("the pool's client could not be closed"):
            self._client.close()
        with suppress(CredentialError):  # a ledger that cannot be written is not settled, and that is looked at next
            for credential_id, place in self._made_here().items():
                self._ledger.created(credential_id, *(place or ()))
        self._recovery.join(deadline.left)
        is_dirty = self.left or self._pool.stock.is_dirty or not self._ledger.is_settled
        is_complete = not is_dirty or self._look_again(deadline, patience)
        return is_complete and not self.left

    def _look_again(self, deadline: Deadline, patience: Patience) -> bool:
        """Switch off by tag what this run may have left, and drop what is then known to be off from ``left``.

        Returns whether all that this run created was found, and notes where it was not.
        """
        with self._attempting("what this run may have left could not be looked for"):
            if deadline.is_over:
                raise CredentialError(f"the {deadline.seconds:.0f} s that the end of a run may take were over")
            with self._recovery_client() as client:
                client.retries = patience
                recovery = Recovery.of(client, self.backend, SystemClock())
                swept, tagged = recovery.sweep({self._run_id})
                own = tagged.get(self._run_id, set())
                seen = set[str]().union(*tagged.values())
                left = ({item.id for item in self.left} | self._unstocked.keys()) - seen
                unseen = {id: place for id, place in self._made().items() if id in left}
                swept += recovery.switch_off_ids(self._run_id, unseen)
            failed = {item.id for item in swept if item.problem}
            self._swept |= {item.id for item in swept if item.id in own or item.id in unseen} - failed
            # one that now has another run's tag was taken over, and is that run's to switch off
            self.left = [item for item in self.left if item.id not in (seen | unseen.keys()) - failed]
            known = {item.id for item in self.left}
            self.left += [
                Left(item.id, f"throwaway {item.id} is still active: {item.problem}")
                for item in swept
                if item.problem and (item.id in own or item.id in unseen) and item.id not in known
            ]
            found = len((own | self._all_created) - self._pool.stock.recycled)
            if self._ledger.is_settled or found >= self._budget.spent:
                return True
            lost = counted(self._budget.spent - found, "creation")
            self._note(f"{lost} had no answer, and what may have been created was not found; {SWEEP}")
        return False

    @contextmanager
    def _attempting(self, what: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001 - nothing that fails at the end stops what comes after it
            self._note(f"{what}: {in_words(error)}; {SWEEP}")

    def _note(self, why: str) -> None:
        self.left.append(Left("", why))

    @contextmanager
    def _telling(self, deadline: Deadline) -> Iterator[None]:
        done = threading.Event()

        def tell() -> None:
            while not done.wait(TELLING):
                on = self.active
                todo = f"{counted(on, 'throwaway')} to switch off" if on else "waiting for requests under way"
                self._say(f"the run is ending: {todo}, for at most {deadline.left:.0f} s more")

        threading.Thread(target=tell, name="adyen-ending", daemon=True).start()
        try:
            yield
        finally:
            done.set()

    # Strictly private. ----------------------------------------------------------------------------------------------

    def _created_elsewhere(self, credential_id: str, place: Place | None) -> None:
        self._made_elsewhere[credential_id] = place
        self._ledger.created(credential_id, *(place or ()))

    def _made_here(self) -> dict[str, Place | None]:
        ownership = self.throwaways.ownership
        return {credential_id: ownership.made_at(credential_id) for credential_id in ownership.created}

    @property
    def _unstocked(self) -> dict[str, Place | None]:
        """What the pool created and could not use, and where."""
        ownership, stock = self._client.ownership, self._pool.stock
        return {item: ownership.made_at(item) for item in ownership.created if item not in stock.created}

    @property
    def _all_created(self) -> set[str]:
        ownerships = self._client.ownership, self.throwaways.ownership
        return self._made_elsewhere.keys() | {item for ownership in ownerships for item in ownership.created}

    def _made(self) -> dict[str, Place | None]:
        """Return all that this run created and may not have switched off, and where."""
        held = [item.credential for item in self._pool.stock.all if item.id in self._pool.stock.created]
        places = {item.id: (item.level, item.account) for item in held}
        return places | self._unstocked | self._made_here() | self._made_elsewhere

    def _await_recovery(self) -> None:
        self._recovery.join()

    def _recover(self) -> None:
        try:
            with self._recovery_client() as client:
                swept = Recovery.of(client, self.backend, SystemClock()).run(self._folder, self.backend.company)
        except Exception as error:  # noqa: BLE001 - nobody sees what ends a thread
            self.problems.append(f"what killed runs left could not be looked for: {in_words(error)}; {SWEEP}")
            return
        self.problems += [f"throwaway {item.id} is still active: {item.problem}" for item in swept if item.problem]

    def _recovery_client(self) -> ManagementClient:
        return self.backend.management(Ownership(0, provisioning=[self.backend.key]))
