"""The pool: throwaways on lease, taken back, reset, and used again; switched off when the run ends."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from typing import Final

from pytest_adyen_creds.client import Place
from pytest_adyen_creds.credentials.credential import Credential
from pytest_adyen_creds.credentials.ending import Deadline, Left
from pytest_adyen_creds.credentials.provisioning import Provisioner
from pytest_adyen_creds.credentials.readiness import NotReady, Progress
from pytest_adyen_creds.credentials.renewal import renew_until
from pytest_adyen_creds.credentials.shelf import Shelf
from pytest_adyen_creds.credentials.spec import Spec
from pytest_adyen_creds.credentials.stock import Stock
from pytest_adyen_creds.credentials.throwaway import Throwaway
from pytest_adyen_creds.errors import AdyenCredsError, BudgetSpent, CredentialError

_LOOK: Final = 0.5
"""Seconds between two looks of a lease that waits at what it may tell of."""


class Pool:
    """Leases throwaways out; thread-safe, so that one pool serves every process of a run.

    ``size`` is the most that the pool holds at one place. With ``background``, provisioning runs on threads of its
    own, so that several waits for new keys are one wait; without, in the thread that asks, as the embedded sandbox
    wants it, whose clock moves when something waits. ``recycling``: look for throwaways of earlier runs first.
    ``announce`` gets a line now and then while something takes time. ``before`` is called before anything is
    provisioned, and waits until what killed runs left can be recycled.
    """

    def __init__(
        self,
        provisioner: Provisioner,
        size: int,
        *,
        background: bool = True,
        recycling: bool = True,
        announce: Progress = lambda text: None,
        before: Callable[[], None] = lambda: None,
    ) -> None:
        self.provisioner = provisioner
        self.size = size
        self._background = background
        self._announce = announce
        self._changed = threading.Condition()
        self._shelves: dict[Place, Shelf] = {}
        self._leased: dict[str, tuple[str, Throwaway]] = {}
        self._broken: NotReady | None = None
        self._said = ""
        self._asking = threading.local()
        self.stock = Stock(provisioner, recycling=recycling, before=before)
        self._gate = self.stock.gate
        provisioner.progress = self._say

    # Leases. --------------------------------------------------------------------------------------------------------

    def lease(self, spec: Spec, holder: str = "main", progress: Progress = lambda text: None) -> Credential:
        """Return a throwaway that is as ``spec`` says, on lease to ``holder`` until it is given back.

        Waits for one that is being provisioned and, when the pool is full or the budget spent, for one that another
        holder gives back; ``progress`` gets a line now and then. Raises :class:`CredentialError` and
        :class:`BudgetSpent` where none can be had, and :class:`CredentialError` when the run is ending.
        """
        self._gate.check()
        self.provisioner.check(spec)
        place = spec.level, self.provisioner.account(spec)
        try:
            if spec.fresh or not self._background:
                throwaway = self._at_once(place, holder, progress, fresh=spec.fresh)
            else:
                throwaway = self._wait_for_one(place, holder, progress)
        except (BudgetSpent, NotReady) as error:
            self.provisioner.journal.problem(type(error).__name__, str(error))
            raise
        try:
            with self._gate.passing(throwaway.id) as may:
                if not may:
                    self._gate.check()
                self.provisioner.refresh_key(throwaway)
                self.provisioner.configure(throwaway, spec)
            return Credential.of(throwaway.credential)
        except BaseException:
            self.give_back(throwaway.id, holder)
            raise

    def give_back(self, credential_id: str, holder: str = "main", credential: Credential | None = None) -> None:
        """Take a throwaway back and reset it; ``credential`` is what the holder knows of it, such as a newer key.

        When the run is ending it is not reset: a reset switches on what is to be switched off. Raises
        :class:`CredentialError` where it could not be reset; it is then not leased out again in this run, and switched
        off at its end.
        """
        with self._changed:
            entry = self._leased.get(credential_id)
            if entry is None or entry[0] != holder:
                return
        throwaway = entry[1]
        if credential is not None and credential.api_key not in (None, throwaway.credential.api_key):
            throwaway.credential = replace(throwaway.credential, api_key=credential.api_key)
            throwaway.key_made = self.provisioner.clock.now()
        is_usable = False
        try:
            with self._gate.passing(credential_id) as may:
                if may:
                    self.provisioner.reset(throwaway)
                is_usable = True
        finally:
            with self._changed:
                self._leased.pop(credential_id, None)
                shelf = self._shelf(_place(throwaway))
                if is_usable:
                    shelf.free.append(throwaway)
                else:
                    shelf.held -= 1
                    self.stock.is_dirty = True
                self._changed.notify_all()

    def give_all_back(self, holder: str) -> None:
        """Take back all that ``holder`` has: it has ended, perhaps without a word."""
        for credential_id in self.leases(holder):
            try:
                self.give_back(credential_id, holder)
            except AdyenCredsError as error:
                self._tell(str(error))

    def leases(self, holder: str) -> tuple[str, ...]:
        """Return the ids that ``holder`` has on lease."""
        with self._changed:
            return tuple(id for id, (who, _) in self._leased.items() if who == holder)

    def prepare(self, specs: Iterable[Spec]) -> None:
        """Start to provision one throwaway for each place that ``specs`` need, unless one is there or on its way."""
        if not self._background:
            return
        for spec in specs:
            try:
                place = spec.level, self.provisioner.account(spec)
            except AdyenCredsError:
                continue  # the test that asks for it says what is wrong
            with self._changed:
                if not spec.fresh and not self._shelf(place).held and not self._gate.is_shut.is_set():
                    self._start(place)

    # Getting one. ---------------------------------------------------------------------------------------------------

    def _at_once(self, place: Place, holder: str, progress: Progress, *, fresh: bool) -> Throwaway:
        with self._changed:
            shelf = self._shelf(place)
            if shelf.free and not fresh:
                return self._hand_out(shelf.free.pop(), holder)
            shelf.held += 1
        self._asking.progress = progress if self._background else None
        try:
            throwaway = self._provision(place, recycling=not fresh)
        except BaseException:
            with self._changed:
                shelf.held -= 1
            raise
        finally:
            self._asking.progress = None
        with self._changed:
            return self._hand_out(throwaway, holder)

    def _wait_for_one(self, place: Place, holder: str, progress: Progress) -> Throwaway:
        shown = ""
        with self._changed:
            shelf = self._shelf(place)
            shelf.waiting[holder] += 1
            try:
                while True:
                    self._gate.check()
                    if shelf.free:
                        return self._hand_out(shelf.free.pop(), holder)
                    if self._broken is not None:
                        raise self._broken
                    if shelf.failures:
                        raise shelf.failures.pop(0)
                    self._start_or_give_up(place, shelf, holder)
                    if self._said not in ("", shown):
                        shown = self._said
                        progress(shown)
                    self._changed.wait(_LOOK)
            finally:
                shelf.waiting[holder] -= 1

    def _start_or_give_up(self, place: Place, shelf: Shelf, holder: str) -> None:
        budget = self.provisioner.client.ownership.budget
        if shelf.spent is not None and budget.spent < budget.limit:
            shelf.spent = None  # a creation that was under way was refused
        leasing = {who for who, throwaway in self._leased.values() if _place(throwaway) == place}
        verdict = shelf.verdict(holder, leasing, self.size)
        if verdict == "start":
            self._start(place)
        elif verdict == "give up":
            raise shelf.spent or BudgetSpent(
                f"all {self.size} throwaways that this run may hold at {place[1]} are on lease to tests that wait for "
                "more; nothing was sent: give some back with adyen_credentials.give_back, or raise --adyen-max-created"
            )

    def _start(self, place: Place) -> None:
        try:
            name = "adyen-provisioning"
            threading.Thread(target=self._provision_behind, args=(place,), name=name, daemon=True).start()
        except RuntimeError as error:
            why = f"no thread could be started to provision a throwaway ({error}); nothing was sent"
            raise CredentialError(f"{why}: raise the system's limit of threads") from None
        # whoever calls has the lock, so the thread's own count comes after this
        shelf = self._shelf(place)
        shelf.starting += 1
        shelf.held += 1

    def _provision_behind(self, place: Place) -> None:
        throwaway, failure = None, None
        try:
            throwaway = self._provision(place, recycling=True)
        except AdyenCredsError as error:
            failure = error
        except Exception as error:  # noqa: BLE001 - nobody sees what ends a thread, and somebody waits for this one
            failure = CredentialError(
                f"a throwaway could not be provisioned at {place[1]}: {type(error).__name__}: {error}; check what "
                "answers there, and report it if it is the Management API"
            )
        with self._changed:
            shelf = self._shelf(place)
            shelf.starting -= 1
            if not any(other.starting for other in self._shelves.values()):
                self._said = ""
            if throwaway is not None:
                shelf.free.append(throwaway)
            else:
                shelf.held -= 1
            if isinstance(failure, NotReady):
                self._broken = failure
            elif isinstance(failure, BudgetSpent):
                shelf.spent = failure
            elif failure is not None and shelf.waiting.total():
                shelf.failures.append(failure)
            self._changed.notify_all()

    def _provision(self, place: Place, *, recycling: bool) -> Throwaway:
        throwaway = self.stock.make(place, recycling=recycling)
        self.provisioner.await_ready(throwaway)
        return throwaway

    # The end. -------------------------------------------------------------------------------------------------------

    def keep(self) -> None:
        """Renew the tags of what the pool holds every now and then, on a thread of its own, until it is closed."""
        threading.Thread(
            target=renew_until,
            args=(self._gate, lambda: self.stock.all, self.provisioner, self._tell),
            name="adyen-renewal",
            daemon=True,
        ).start()

    def stop(self, stop_waiting: Callable[[], None] = lambda: None) -> None:
        """Lease nothing out any more, reset nothing and provision nothing more: the run is ending.

        ``stop_waiting`` breaks off the sleeps of the threads that provision.
        """
        self._gate.shut()
        with self._changed:
            self._changed.notify_all()
        stop_waiting()

    def close(self, stop_waiting: Callable[[], None] = lambda: None, deadline: Deadline | None = None) -> list[Left]:
        """Switch off every throwaway that the pool holds, by ``deadline``; return what may still be active, and why."""
        self.stop(stop_waiting)
        return self.stock.switch_off(deadline or Deadline())

    # Strictly private. ----------------------------------------------------------------------------------------------

    def _shelf(self, place: Place) -> Shelf:
        return self._shelves.setdefault(place, Shelf())

    def _hand_out(self, throwaway: Throwaway, holder: str) -> Throwaway:
        self._leased[throwaway.id] = holder, throwaway
        return throwaway

    def _say(self, text: str) -> None:
        self._said = text
        self._tell(text)
        progress: Progress | None = getattr(self._asking, "progress", None)
        if progress is not None:
            progress(text)

    def _tell(self, text: str) -> None:
        with suppress(Exception):  # a terminal that is gone takes no throwaway with it
            self._announce(text)


def _place(throwaway: Throwaway) -> Place:
    return throwaway.credential.level, throwaway.credential.account
