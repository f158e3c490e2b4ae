"""The pool: throwaways on lease, taken back, reset, and used again; switched off when the run ends."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final

from pytest_adyen_creds.client import Place
from pytest_adyen_creds.credentials.credential import Credential, PooledCredential, ShownCredential
from pytest_adyen_creds.credentials.provisioning import NotReady, Provisioner, Report, ignore
from pytest_adyen_creds.credentials.shutdown import Deadline, ShutdownLatch, switch_off_each
from pytest_adyen_creds.credentials.spec import Spec
from pytest_adyen_creds.errors import AdyenCredsError, BudgetSpent, CredentialError, in_words

HEARTBEAT: Final = 600.0
"""Seconds between two looks at which tags are to be renewed."""

_REPORTS_AFTER: Final = 0.5
"""Seconds after which a lease that waits looks whether there is a new line to report."""


@dataclass
class Bucket:
    """The throwaways of one account, and who waits for one; whoever has the pool's lock may change it."""

    free: list[PooledCredential] = field(default_factory=list)
    held: int = 0
    """How many there are or are being provisioned."""
    starting: int = 0
    """How many of them are being provisioned in the background."""
    waiting: Counter[str] = field(default_factory=Counter)
    """How many leases each holder waits for."""
    failures: list[AdyenCredsError] = field(default_factory=list)
    """What is to be raised in those who wait, one each."""
    spent: BudgetSpent | None = None
    """Why no other can be created."""


class Pool:
    """Leases throwaways out; thread-safe, so that one pool serves every process of a run.

    ``size`` is the most that the pool holds at one account. With ``background``, provisioning runs on threads of its
    own, so that several waits for new keys are one wait; without, in the thread that asks, as the embedded sandbox
    wants it, whose clock moves when something waits. ``report`` gets a line now and then while something takes time.
    ``before`` is called before anything is provisioned, and waits until what killed runs left can be recycled.
    ``is_as_known`` tells of one that was reset whether its keys and the rest are what the pool knows; one that is not
    so is leased out no more.
    """

    def __init__(
        self,
        provisioner: Provisioner,
        size: int,
        *,
        background: bool = True,
        report: Report = ignore,
        before: Callable[[], None] = lambda: None,
        is_as_known: Callable[[ShownCredential], bool] = lambda _: True,
    ) -> None:
        self.provisioner = provisioner
        self.size = size
        self.is_dirty = False
        """Whether something went wrong that may have left a throwaway that is not in the inventory."""
        self.created: set[str] = set()
        """The ids that were created."""
        self.recycled: set[str] = set()
        """The ids that were taken over from earlier runs."""
        self.switched_off: set[str] = set()
        """The ids that were switched off at the end."""
        self._ownership = provisioner.client.ownership
        self._background = background
        self._report = report
        self._before = before
        self._is_as_known = is_as_known
        self._lock = threading.Condition()
        self._latch = ShutdownLatch(self._lock)
        self._inventory: dict[str, PooledCredential] = {}
        self._tried: set[str] = set()
        self._buckets: defaultdict[Place, Bucket] = defaultdict(Bucket)
        self._leased: dict[str, tuple[str, PooledCredential]] = {}
        self._broken: NotReady | None = None
        self._reported = ""

    @property
    def inventory(self) -> tuple[PooledCredential, ...]:
        """The throwaways that are not known to be switched off."""
        with self._lock:
            return tuple(self._inventory.values())

    # Leases. --------------------------------------------------------------------------------------------------------

    def lease(self, spec: Spec, holder: str = "main", report: Report = ignore) -> Credential:
        """Return a throwaway that is as ``spec`` says, on lease to ``holder`` until it is given back.

        Waits for one that is being provisioned and, when the pool is full or the budget spent, for one that another
        holder gives back; ``report`` gets a line now and then. Raises :class:`CredentialError` and
        :class:`BudgetSpent` where none can be had, and :class:`CredentialError` when the run is ending.
        """
        self._latch.check()
        place = self.provisioner.place(spec)
        self.provisioner.grantable(*spec.roles)
        try:
            if spec.fresh or not self._background:
                pooled = self._at_once(place, holder, report, fresh=spec.fresh)
            else:
                pooled = self._wait_for_one(place, holder, report)
        except (BudgetSpent, NotReady) as error:
            if self.provisioner.ledger is not None:
                self.provisioner.ledger.problem(type(error).__name__, str(error))
            raise
        try:
            with self._latch.passing(pooled.id) as may:
                if not may:
                    self._latch.check()
                self.provisioner.refresh_key(pooled, self._relay)
                self.provisioner.configure(pooled, spec)
            return Credential.of(pooled.credential)
        except BaseException:
            self.give_back(pooled.id, holder)
            raise

    def give_back(self, credential_id: str, holder: str = "main", credential: Credential | None = None) -> None:
        """Take a throwaway back and reset it; ``credential`` is what the holder knows of it, such as a newer key.

        When the run is ending it is not reset: a reset switches on what is to be switched off. Raises
        :class:`CredentialError` where it could not be reset; it is then not leased out again in this run, and switched
        off at its end.
        """
        with self._lock:
            entry = self._leased.get(credential_id)
            if entry is None or entry[0] != holder:
                return
        pooled = entry[1]
        if credential is not None and credential.api_key not in (None, pooled.credential.api_key):
            pooled.credential = replace(pooled.credential, api_key=credential.api_key)
            pooled.key_made = self.provisioner.client.clock.now()
        is_usable = False
        try:
            with self._latch.passing(credential_id) as may:
                if may:
                    self.provisioner.reset(pooled)
                is_usable = True
        finally:
            with self._lock:
                self._leased.pop(credential_id, None)
                bucket = self._buckets[pooled.place]
                if is_usable and self._is_as_known(pooled.credential):
                    bucket.free.append(pooled)
                else:
                    bucket.held -= 1
                    self.is_dirty |= not is_usable
                self._lock.notify_all()

    def give_all_back(self, holder: str) -> None:
        """Take back all that ``holder`` has: it has ended, perhaps without a word."""
        for credential_id in self.leases(holder):
            try:
                self.give_back(credential_id, holder)
            except AdyenCredsError as error:
                self._safely_report(str(error))

    def leases(self, holder: str) -> tuple[str, ...]:
        """Return the ids that ``holder`` has on lease."""
        with self._lock:
            return tuple(id for id, (who, _) in self._leased.items() if who == holder)

    def prepare(self, specs: Iterable[Spec]) -> None:
        """Start to provision one throwaway for each account that ``specs`` need, unless one is there or on its way."""
        if not self._background:
            return
        for spec in specs:
            try:
                place = self.provisioner.place(spec)
            except AdyenCredsError:
                continue  # the test that asks for it says what is wrong
            with self._lock:
                if not spec.fresh and not self._buckets[place].held and not self._latch.is_shut.is_set():
                    self._start(place)

    # Getting one. ---------------------------------------------------------------------------------------------------

    def _at_once(self, place: Place, holder: str, report: Report, *, fresh: bool) -> PooledCredential:
        def relay(text: str) -> None:
            self._relay(text)
            report(text)

        with self._lock:
            bucket = self._buckets[place]
            if bucket.free and not fresh:
                return self._hand_out(bucket.free.pop(), holder)
            bucket.held += 1
        try:
            # of the embedded sandbox nothing is left by earlier runs
            pooled = self._provision(place, relay, recycling=not fresh and not self._ownership.is_sandbox)
        except BaseException:
            with self._lock:
                bucket.held -= 1
            raise
        with self._lock:
            return self._hand_out(pooled, holder)

    def _wait_for_one(self, place: Place, holder: str, report: Report) -> PooledCredential:
        shown = ""
        with self._lock:
            bucket = self._buckets[place]
            bucket.waiting[holder] += 1
            try:
                while True:
                    self._latch.check()
                    if bucket.free:
                        return self._hand_out(bucket.free.pop(), holder)
                    if self._broken is not None:
                        raise self._broken
                    if bucket.failures:
                        raise bucket.failures.pop(0)
                    self._start_or_give_up(place, bucket, holder)
                    if self._reported not in ("", shown):
                        shown = self._reported
                        report(shown)
                    self._lock.wait(_REPORTS_AFTER)
            finally:
                bucket.waiting[holder] -= 1

    def _start_or_give_up(self, place: Place, bucket: Bucket, holder: str) -> None:
        if bucket.starting >= bucket.waiting.total():
            return
        budget = self._ownership.budget
        if bucket.spent is not None and budget.spent < budget.limit:
            bucket.spent = None  # a creation that was under way was refused
        if bucket.held < self.size and bucket.spent is None:
            self._start(place)
            return
        # only another holder can help now, and only one that does not itself wait
        stuck = {holder} | {who for who, count in bucket.waiting.items() if count}
        leasing = {who for who, pooled in self._leased.values() if pooled.place == place}
        if not bucket.starting and not leasing - stuck:
            raise bucket.spent or BudgetSpent(
                f"all {self.size} throwaways that this run may hold at {place[1]} are on lease to tests that wait for "
                "more; nothing was sent: give some back with adyen_credentials.give_back, or raise --adyen-max-created"
            )

    def _start(self, place: Place) -> None:
        try:
            name = "adyen-provisioning"
            threading.Thread(target=self._provision_in_background, args=(place,), name=name, daemon=True).start()
        except RuntimeError as error:
            why = f"no thread could be started to provision a throwaway ({error}); nothing was sent"
            raise CredentialError(f"{why}: raise the system's limit of threads") from None
        # whoever calls has the lock, so the thread's own count comes after this
        bucket = self._buckets[place]
        bucket.starting += 1
        bucket.held += 1

    def _provision_in_background(self, place: Place) -> None:
        pooled, failure = None, None
        try:
            pooled = self._provision(place, self._relay, recycling=True)
        except AdyenCredsError as error:
            failure = error
        except Exception as error:  # noqa: BLE001 - nobody sees what ends a thread, and somebody waits for this one
            failure = CredentialError(
                f"a throwaway could not be provisioned at {place[1]}: {in_words(error)}; check what "
                "answers there, and report it if it is the Management API"
            )
        with self._lock:
            bucket = self._buckets[place]
            bucket.starting -= 1
            if not any(other.starting for other in self._buckets.values()):
                self._reported = ""
            if pooled is not None:
                bucket.free.append(pooled)
            else:
                bucket.held -= 1
            if isinstance(failure, NotReady):
                self._broken = failure
            elif isinstance(failure, BudgetSpent):
                bucket.spent = failure
            elif failure is not None and bucket.waiting.total():
                bucket.failures.append(failure)
            self._lock.notify_all()

    def _provision(self, place: Place, report: Report, *, recycling: bool) -> PooledCredential:
        """Return a throwaway that was recycled or created, once its key works; raises what stops it."""
        self._before()
        with self._latch.passing("/".join(place)) as may:
            if not may:
                self._latch.check()
            try:
                pooled = self.provisioner.recycle(*place, self._may_try) if recycling else None
                kind = self.created if pooled is None else self.recycled
                pooled = pooled or self.provisioner.create(*place)
                with self._lock:
                    self._inventory[pooled.id] = pooled
                    self._tried.add(pooled.id)
                    kind.add(pooled.id)
            except BudgetSpent:
                raise
            except BaseException:
                # perhaps created or claimed, and not in the inventory
                self.is_dirty = True
                raise
        self.provisioner.await_ready(pooled.credential, report)
        return pooled

    def _may_try(self, credential_id: str) -> bool:
        with self._lock:
            if credential_id in self._tried:
                return False
            self._tried.add(credential_id)
            return True

    def _hand_out(self, pooled: PooledCredential, holder: str) -> PooledCredential:
        self._leased[pooled.id] = holder, pooled
        return pooled

    # The heartbeat. -------------------------------------------------------------------------------------------------

    def start_heartbeat(self) -> None:
        """Renew the tags in the inventory before they expire, on a thread of its own, until the run ends."""
        threading.Thread(target=self._renew_tags, name="adyen-heartbeat", daemon=True).start()

    def _renew_tags(self) -> None:
        while not self._latch.is_shut.wait(HEARTBEAT):
            for pooled in self.inventory:
                with self._latch.passing(pooled.id) as may:
                    try:
                        if may:
                            self.provisioner.renew(pooled)
                    except Exception as error:  # noqa: BLE001 - whatever it is, the others are renewed, and this one next time
                        self._safely_report(f"the tag of throwaway {pooled.id} could not be renewed: {error}")

    # The end. -------------------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Lease nothing out any more, reset nothing and provision nothing more: the run is ending."""
        self._latch.shut()

    def close(self, deadline: Deadline | None = None) -> dict[str, str]:
        """Switch off the inventory, by ``deadline``; return the ids of what may still be active, and why.

        What is being changed is waited for, so that nothing switches it on again; what is still being changed at the
        deadline stays :attr:`is_straggling`.
        """
        self.stop()
        deadline = deadline or Deadline()
        # first what nothing is changing, in case whoever ends the run does not wait for the rest
        leaked = self._switch_off((item.id for item in self.inventory if not self._latch.is_inside(item.id)), deadline)
        self._latch.wait(deadline)
        return leaked | self._switch_off((item.id for item in self.inventory if item.id not in leaked), deadline)

    @property
    def is_straggling(self) -> bool:
        """Whether a request that may switch a throwaway on is still under way."""
        return not self._latch.wait(Deadline(0))

    def _switch_off(self, ids: Iterable[str], deadline: Deadline) -> dict[str, str]:
        def switch_off(credential_id: str) -> None:
            self.provisioner.switch_off(self._inventory[credential_id])
            with self._lock:
                del self._inventory[credential_id]
                self.switched_off.add(credential_id)

        leaked = switch_off_each(ids, switch_off, deadline, "throwaway {}")
        self.is_dirty |= bool(leaked)
        return leaked

    # Reports. -------------------------------------------------------------------------------------------------------

    def _relay(self, text: str) -> None:
        self._reported = text
        self._safely_report(text)

    def _safely_report(self, text: str) -> None:
        with suppress(Exception):  # a terminal that is gone takes no throwaway with it
            self._report(text)
