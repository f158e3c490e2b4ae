"""Provisioning: creating, recycling, configuring, resetting and switching off throwaways through the API."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, TypeVar

from pytest_adyen_creds.client import ONCE, ManagementClient, tag
from pytest_adyen_creds.client.errors import explained
from pytest_adyen_creds.client.tag import SKEW, TIME_TO_LIVE
from pytest_adyen_creds.credentials import claiming, roles
from pytest_adyen_creds.credentials.claiming import Timing
from pytest_adyen_creds.credentials.credential import (
    OVERLAP,
    Credential,
    Level,
    Rotation,
    ShownCredential,
    from_body,
    texts,
)
from pytest_adyen_creds.credentials.journal import Journal, NoJournal
from pytest_adyen_creds.credentials.readiness import Progress, await_key
from pytest_adyen_creds.credentials.recycling import MOST_CLAIMS, Claimant
from pytest_adyen_creds.credentials.throwaway import Throwaway
from pytest_adyen_creds.errors import CredentialError

if TYPE_CHECKING:
    from pytest_adyen_creds.client import Clock, CredentialChanges, Credentials
    from pytest_adyen_creds.credentials.spec import Spec

C = TypeVar("C", bound=ShownCredential)

_MARGIN: Final = 2 * SKEW + timedelta(minutes=1)
"""Two machines' clocks may each be off by the skew, in opposite directions."""


@dataclass
class Provisioner:
    """Calls the API for the pool, with the provisioning client ``client``.

    ``company`` and ``merchant`` are the run's accounts. ``run`` is the id in the run's tags. ``ready_timeout`` is in
    seconds. Thread-safe.
    """

    client: ManagementClient
    company: str
    merchant: str | None
    run: str
    clock: Clock
    ready_timeout: float = 600.0
    timing: Timing = claiming.OVER_NETWORK
    journal: Journal = field(default_factory=NoJournal)
    progress: Progress = lambda text: None
    _held: tuple[str, tuple[str, ...]] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.client.ownership.write_tags_of(self.run, self.clock)

    # What there is. -------------------------------------------------------------------------------------------------

    def holder(self) -> tuple[str, tuple[str, ...]]:
        """Return the username of the provisioning user and the roles it holds; asked once."""
        with self._lock:
            if self._held is None:
                me = self.client.me.get()
                self.client.ownership.protect(me)
                self._held = str(me.get("username", "the provisioning user")), texts(me.get("roles"))
            return self._held

    def check(self, spec: Spec) -> tuple[str, ...]:
        """Return the roles of ``spec`` as the API spells them; raises :class:`CredentialError` before anything is sent.

        Wrong are a role that the provisioning user cannot give, and a merchant level without a merchant account.
        """
        self.account(spec)
        holder, held = self.holder()
        return roles.grantable(spec.roles, held, holder)

    def account(self, spec: Spec) -> str:
        """Return the account at which a throwaway for ``spec`` is made."""
        if spec.level == "company":
            return self.company
        account = spec.account or self.merchant
        if account is None:
            raise CredentialError(
                "a merchant-level credential needs a merchant account: set ADYEN_MERCHANT_ACCOUNT, or name one with "
                "merchants=[...]"
            )
        return account

    def resource(self, level: Level, account: str) -> Credentials:
        """Return the client's credentials of one account."""
        return self.client.company(account) if level == "company" else self.client.merchant(account)

    # Getting one. ---------------------------------------------------------------------------------------------------

    def create(self, level: Level, account: str) -> Throwaway:
        """Create a throwaway, at most one however often the answer is lost; it is not ready yet."""
        expires = self.clock.now() + TIME_TO_LIVE
        description = tag.make(self.run, expires)
        holder, held = self.holder()
        base = roles.grantable([roles.API_CREDENTIALS], held, holder)
        with explained(f"no throwaway could be created at {account}"):
            body = self.resource(level, account).create({"description": description, "roles": list(base)})
        credential = from_body(level, account, body)
        self.journal.created(credential.id, level, account)
        if tag.parse(credential.description) is None:
            raise CredentialError(
                f"credential {credential.id}, which this run created at {account}, came back without the tag that it "
                "was given as its description; it is switched off when the run ends: check what serves it"
            )
        return self._take(credential, expires)

    def recycle(self, level: Level, account: str, may_try: Callable[[str], bool]) -> Throwaway | None:
        """Claim a free throwaway of an earlier run, switch it on and give it a new key; None where none is free.

        It is not ready yet. ``may_try`` says whether this run has not tried an id before: its tags are alike, so two
        of its own claims must never meet.
        """
        self.holder()  # which the guard then keeps from being claimed
        claimant, resource = self.claimant, self.resource(level, account)
        for credential_id in itertools.islice(filter(may_try, claimant.candidates(resource)), MOST_CLAIMS):
            if claimant.claim(resource, credential_id):
                return self._reactivate(resource, level, account, credential_id)
        return None

    @property
    def claimant(self) -> Claimant:
        """What claims throwaways for this run."""
        return Claimant(self.client, self.run, self.clock, self.timing, self.journal)

    def _reactivate(self, resource: Credentials, level: Level, account: str, credential_id: str) -> Throwaway:
        expires = self.clock.now() + TIME_TO_LIVE
        changes = self._baseline(level, tag.make(self.run, expires))
        with explained(f"throwaway {credential_id} could not be recycled"):
            body = resource.update(credential_id, changes)
            key = resource.generate_api_key(credential_id)
            body = body or resource.get(credential_id)
        made = self._take(from_body(level, account, body), expires)
        made.credential = replace(made.credential, api_key=key)
        self.client.ownership.register_key(made.id, key)
        return made

    def _take(self, credential: ShownCredential, expires: datetime) -> Throwaway:
        self.client.ownership.lease(
            credential.id, credential.description, username=credential.username, api_key=credential.api_key
        )
        return Throwaway(credential, expires, self.clock.now())

    def await_ready(self, throwaway: Throwaway) -> None:
        """Wait until the throwaway's key works, as :func:`.await_key` does, for ``ready_timeout`` at most."""
        self._await_key(throwaway.credential)

    def _await_key(self, credential: ShownCredential) -> None:
        await_key(self.client, credential, clock=self.clock, timeout=self.ready_timeout, progress=self.progress)

    # Changing one that this run holds. ------------------------------------------------------------------------------

    def configure(self, throwaway: Throwaway, spec: Spec) -> None:
        """Give the throwaway the roles, origins and merchant accounts of ``spec``; a request only for a difference.

        One without a client key gets one: the platform has such credentials, and every lease has a client key.
        """
        wanted = self.check(spec)
        credential = throwaway.credential
        limited = () if spec.level == "merchant" else spec.merchants
        changes: CredentialChanges = {}
        if not roles.same(credential.roles, wanted):
            changes["roles"] = list(wanted)
        if spec.origins or credential.origins:
            changes["allowedOrigins"] = list(spec.origins)
        if spec.level == "company" and set(limited) != set(credential.merchants):
            changes["associatedMerchantAccounts"] = list(limited)
        expires = self.clock.now() + TIME_TO_LIVE
        if throwaway.expires - self.clock.now() < TIME_TO_LIVE / 2:
            changes["description"] = tag.make(self.run, expires)
        if changes:
            asked = f", limited to {', '.join(limited)}" if limited else ""
            with explained(f"throwaway {throwaway.id} could not be made what the test asks for{asked}"):
                self._update(throwaway, changes, expires)
        if throwaway.credential.client_key is None:
            with explained(f"throwaway {throwaway.id} could not be given a client key"):
                key = self.resource(credential.level, credential.account).generate_client_key(throwaway.id)
            throwaway.credential = replace(throwaway.credential, client_key=key)

    def reset(self, throwaway: Throwaway) -> None:
        """Undo what a test did: roles, origins, merchant accounts, description, and switched on.

        Raises :class:`CredentialError` where it is no longer this run's: its time was over and another run took it.
        """
        self._require_ours(throwaway)
        expires = self.clock.now() + TIME_TO_LIVE
        changes = self._baseline(throwaway.credential.level, tag.make(self.run, expires))
        with explained(f"throwaway {throwaway.id} could not be reset"):
            self._update(throwaway, changes, expires)

    def renew(self, throwaway: Throwaway) -> None:
        """Write a tag that expires later, where less than half of the time to live is left."""
        if throwaway.expires - self.clock.now() < TIME_TO_LIVE / 2:
            self._require_ours(throwaway)
            expires = self.clock.now() + TIME_TO_LIVE
            credential = throwaway.credential
            # not through _update: what a test is doing to the credential meanwhile is not for this to know
            with explained(f"the time of throwaway {throwaway.id} could not be prolonged"):
                self.resource(credential.level, credential.account).update(
                    throwaway.id, {"description": tag.make(self.run, expires)}, retries=ONCE
                )
            throwaway.expires = expires

    def refresh_key(self, throwaway: Throwaway) -> None:
        """Make a new key where the one held may have been replaced by a test and be dying: after 23 hours."""
        if self.clock.now() - throwaway.key_made > OVERLAP - timedelta(hours=1):
            throwaway.credential, _ = self._with_new_key(throwaway.credential)
            throwaway.key_made = self.clock.now()

    def rotate(self, credential: Credential) -> Rotation:
        """Return ``credential`` with a new API key that works, and when the old one dies."""
        return Rotation(*self._with_new_key(credential))

    def _with_new_key(self, credential: C) -> tuple[C, datetime]:
        with explained(f"the key of {credential.username} could not be replaced"):
            key = self.resource(credential.level, credential.account).generate_api_key(credential.id)
            dies = self.clock.now() + OVERLAP
        rotated = replace(credential, api_key=key)
        self.client.ownership.register_key(credential.id, key)
        self._await_key(rotated)
        return rotated, dies

    def switch_off(self, throwaway: Throwaway) -> None:
        """Deactivate the throwaway, limit it to nothing and let its tag expire, so that a later run can recycle it."""
        self._require_ours(throwaway)
        credential = throwaway.credential
        changes: CredentialChanges = {"active": False, "description": tag.released(self.run, self.clock.now())}
        if credential.level == "company":
            changes["associatedMerchantAccounts"] = []
        with explained(f"throwaway {throwaway.id} could not be switched off"):
            self.resource(credential.level, credential.account).update(throwaway.id, changes)
        self.client.ownership.release(throwaway.id)

    def _require_ours(self, throwaway: Throwaway) -> None:
        # within its time nobody else takes it, unless a claim's write came so late that it met no free throwaway any
        # more; after its time, by the clock that is furthest ahead, it may have been swept and claimed by another run
        credential = throwaway.credential
        if tag.run_of(credential.description) == self.run and self.clock.now() + _MARGIN < throwaway.expires:
            return
        with explained(f"throwaway {throwaway.id} could not be looked at"):
            body = self.resource(credential.level, credential.account).get(throwaway.id)
        if tag.run_of(body.get("description")) != self.run:
            self.client.ownership.release(throwaway.id)
            raise CredentialError(
                f"throwaway {throwaway.id} was taken over by another run, whose tag it carries; "
                "nothing was sent: run again"
            )

    def _baseline(self, level: Level, description: str) -> CredentialChanges:
        holder, held = self.holder()
        changes: CredentialChanges = {
            "active": True,
            "description": description,
            "roles": list(roles.grantable([roles.API_CREDENTIALS], held, holder)),
            "allowedOrigins": [],
        }
        if level == "company":
            changes["associatedMerchantAccounts"] = []
        return changes

    def _update(self, throwaway: Throwaway, changes: CredentialChanges, expires: datetime) -> None:
        credential = throwaway.credential
        resource = self.resource(credential.level, credential.account)
        body = resource.update(throwaway.id, changes)
        throwaway.credential = credential.updated(body or resource.get(throwaway.id))
        if "description" in changes:
            throwaway.expires = expires
