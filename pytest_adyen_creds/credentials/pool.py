"""The pool: throwaways on lease, taken back, reset, and used again; switched off when the run ends."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from pytest_adyen_creds.credentials.credential import Credential, Level
from pytest_adyen_creds.credentials.provisioning import NotReady, Progress, Provisioner, Throwaway
from pytest_adyen_creds.credentials.spec import Spec
from pytest_adyen_creds.errors import AdyenCredsError, BudgetSpent

Place = tuple[Level, str]
"""Where throwaways are made: level and account."""

RENEWAL: Final = 600.0
"""Seconds between two looks at which tags are to be renewed."""

_PATIENCE: Final = 0.5
_GOODBYE: Final = 45.0


@dataclass
class _Shelf:
    """Strictly private: the throwaways of one place, and who is after them."""

    free: list[Throwaway] = field(default_factory=list)
    held: int = 0
    starting: int = 0
    waiting: Counter[str] = field(default_factory=Counter)
    failures: list[AdyenCredsError] = field(default_factory=list)
    spent: BudgetSpent | None = None


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
        self._recycling = recycling
        self._announce = announce
        self._before = before
        self._changed = threading.Condition()
        self._shelves: dict[Place, _Shelf] = {}
        self._leased: dict[str, tuple[str, Throwaway]] = {}
        self._all: dict[str, Throwaway] = {}
        self._tried: set[str] = set()
        self._broken: NotReady | None = None
        self._threads: list[threading.Thread] = []
        self._closing = threading.Event()
        self._said = ""
        self.is_dirty = False
        """Whether something went wrong that may have left a throwaway this pool does not know."""
        provisioner.progress = self._say

    # Leases. --------------------------------------------------------------------------------------------------------

    def lease(self, spec: Spec, holder: str = "main", progress: Progress = lambda text: None) -> Credential:
        """Return a throwaway that is as ``spec`` says, on lease to ``holder`` until it is given back.

        Waits for one that is being provisioned and, when the pool is full or the budget spent, for one that another
        holder gives back; ``progress`` gets a line now and then. Raises :class:`CredentialError` and
        :class:`BudgetSpent` where none can be had.
        """
        self.provisioner.check(spec)
        place = spec.level, self.provisioner.account(spec)
        try:
            if spec.fresh or not self._background:
                throwaway = self._at_once(place, holder, fresh=spec.fresh)
            else:
                throwaway = self._wait_for_one(place, holder, progress)
        except (BudgetSpent, NotReady) as error:
            self.provisioner.journal.problem(type(error).__name__, str(error))
            raise
        try:
            self.provisioner.refresh_key(throwaway)
            self.provisioner.configure(throwaway, spec)
        except BaseException:
            self.give_back(throwaway.id, holder)
            raise
        return throwaway.credential

    def give_back(self, credential_id: str, holder: str = "main", credential: Credential | None = None) -> None:
        """Take a throwaway back and reset it; ``credential`` is what the holder knows of it, such as a newer key.

        Raises :class:`CredentialError` where it could not be reset; it is then not leased out again in this run, and
        switched off at its end.
        """
        with self._changed:
            entry = self._leased.get(credential_id)
            if entry is None or entry[0] != holder:
                return
        throwaway = entry[1]
        if credential is not None and credential.api_key not in (None, throwaway.credential.api_key):
            throwaway.credential = replace(throwaway.credential, api_key=credential.api_key)
            throwaway.key_made = self.provisioner.clock.now()
        is_reset = False
        try:
            self.provisioner.reset(throwaway)
            is_reset = True
        finally:
            with self._changed:
                self._leased.pop(credential_id, None)
                shelf = self._shelf(_place(throwaway))
                if is_reset:
                    shelf.free.append(throwaway)
                else:
                    shelf.held -= 1
                    self.is_dirty = True
                self._changed.notify_all()

    def give_all_back(self, holder: str) -> None:
        """Take back all that ``holder`` has: it has ended, perhaps without a word."""
        for credential_id in self.leases(holder):
            try:
                self.give_back(credential_id, holder)
            except AdyenCredsError as error:
                self._announce(str(error))

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
                if not spec.fresh and not self._shelf(place).held and not self._closing.is_set():
                    self._start(place)

    # Getting one. ---------------------------------------------------------------------------------------------------

    def _at_once(self, place: Place, holder: str, *, fresh: bool) -> Throwaway:
        with self._changed:
            shelf = self._shelf(place)
            if shelf.free and not fresh:
                return self._hand_out(shelf.free.pop(), holder)
            shelf.held += 1
        try:
            throwaway = self._provision(place, recycling=not fresh)
        except BaseException:
            with self._changed:
                shelf.held -= 1
            raise
        with self._changed:
            return self._hand_out(throwaway, holder)

    def _wait_for_one(self, place: Place, holder: str, progress: Progress) -> Throwaway:
        shown = ""
        with self._changed:
            shelf = self._shelf(place)
            shelf.waiting[holder] += 1
            try:
                while True:
                    if self._broken is not None:
                        raise self._broken
                    if shelf.free:
                        return self._hand_out(shelf.free.pop(), holder)
                    if shelf.failures:
                        raise shelf.failures.pop(0)
                    self._start_or_give_up(place, shelf, holder)
                    if self._said not in ("", shown):
                        shown = self._said
                        progress(shown)
                    self._changed.wait(_PATIENCE)
            finally:
                shelf.waiting[holder] -= 1

    def _start_or_give_up(self, place: Place, shelf: _Shelf, holder: str) -> None:
        if shelf.starting >= shelf.waiting.total():
            return
        budget = self.provisioner.client.ownership.budget
        if shelf.spent is not None and budget.spent < budget.limit:
            shelf.spent = None  # a creation that was under way was refused
        if shelf.held < self.size and shelf.spent is None:
            self._start(place)
            return
        # only another holder can help now, and only one that does not itself wait
        holders = {who for who, throwaway in self._leased.values() if _place(throwaway) == place}
        stuck = {holder} | {who for who, count in shelf.waiting.items() if count}
        if not shelf.starting and not holders - stuck:
            raise shelf.spent or BudgetSpent(
                f"all {self.size} throwaways that this run may hold at {place[1]} are on lease to tests that wait for "
                "more; nothing was sent: give some back with adyen_credentials.give_back, or raise --adyen-max-created"
            )

    def _start(self, place: Place) -> None:
        shelf = self._shelf(place)
        shelf.starting += 1
        shelf.held += 1
        thread = threading.Thread(target=self._provision_behind, args=(place,), name="adyen-provisioning", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _provision_behind(self, place: Place) -> None:
        throwaway, failure = None, None
        try:
            throwaway = self._provision(place, recycling=True)
        except AdyenCredsError as error:
            failure = error
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
        try:
            self._before()
            throwaway = None
            if recycling and self._recycling:
                throwaway = self.provisioner.recycle(*place, self._try)
            throwaway = throwaway or self.provisioner.create(*place)
        except BudgetSpent:
            raise
        except BaseException:
            # perhaps created or claimed, and the answer lost
            self.is_dirty = True
            raise
        with self._changed:
            self._all[throwaway.id] = throwaway
            self._tried.add(throwaway.id)
        self.provisioner.await_ready(throwaway)
        return throwaway

    def _try(self, credential_id: str) -> bool:
        with self._changed:
            if credential_id in self._tried:
                return False
            self._tried.add(credential_id)
            return True

    # The end. -------------------------------------------------------------------------------------------------------

    def keep(self) -> None:
        """Renew the tags of what the pool holds every now and then, on a thread of its own, until it is closed."""

        def renew_all() -> None:
            while not self._closing.wait(RENEWAL):
                for throwaway in list(self._all.values()):
                    try:
                        self.provisioner.renew(throwaway)
                    except AdyenCredsError as error:
                        self._announce(str(error))

        thread = threading.Thread(target=renew_all, name="adyen-renewal", daemon=True)
        self._threads.append(thread)
        thread.start()

    def close(self, stop_waiting: Callable[[], None] = lambda: None) -> list[str]:
        """Switch off every throwaway that the pool holds; return what went wrong, one line each.

        ``stop_waiting`` breaks off the sleeps of the threads that provision.
        """
        self._closing.set()
        stop_waiting()
        # first what is known, in case whoever ends the run does not wait for the rest
        problems = self._switch_off_all()
        for thread in self._threads:
            thread.join(_GOODBYE)
            self.is_dirty |= thread.is_alive()
        return problems + self._switch_off_all()

    def _switch_off_all(self) -> list[str]:
        problems = []
        for throwaway in list(self._all.values()):
            self._all.pop(throwaway.id)
            try:
                self.provisioner.switch_off(throwaway)
            except AdyenCredsError as error:
                self.is_dirty = True
                problems.append(str(error))
        return problems

    # Strictly private. ----------------------------------------------------------------------------------------------

    def _shelf(self, place: Place) -> _Shelf:
        return self._shelves.setdefault(place, _Shelf())

    def _hand_out(self, throwaway: Throwaway, holder: str) -> Throwaway:
        self._leased[throwaway.id] = holder, throwaway
        return throwaway

    def _say(self, text: str) -> None:
        self._said = text
        self._announce(text)


def _place(throwaway: Throwaway) -> Place:
    return throwaway.credential.level, throwaway.credential.account
