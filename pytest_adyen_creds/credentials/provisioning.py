"""Provisioning: creating, recycling, configuring, resetting and switching off throwaways through the API.

A new key works only after a while, which may be minutes.
"""

from __future__ import annotations

import itertools
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, TypeVar

from pytest_adyen_creds.client import Credentials, ManagementClient, Place, tag
from pytest_adyen_creds.client.errors import checked, explained
from pytest_adyen_creds.client.models import CredentialBody, CredentialChanges
from pytest_adyen_creds.client.parsing import Level
from pytest_adyen_creds.client.retry import ONCE
from pytest_adyen_creds.client.tag import SKEW, TIME_TO_LIVE
from pytest_adyen_creds.credentials import claims, roles
from pytest_adyen_creds.credentials.backend import Backend
from pytest_adyen_creds.credentials.credential import OVERLAP, PooledCredential, ShownCredential, from_body, texts
from pytest_adyen_creds.credentials.ledger import Ledger
from pytest_adyen_creds.credentials.shutdown import deactivate
from pytest_adyen_creds.credentials.spec import Spec
from pytest_adyen_creds.errors import ApiError, CredentialError, OwnershipRefused
from pytest_adyen_creds.secrets import Secret

C = TypeVar("C", bound=ShownCredential)

Report = Callable[[str], None]
"""Called now and then with a line about what takes time."""

_POLLS: Final = (1.0, 2.0, 3.0, 5.0, 10.0)
"""Seconds between polls for a new key; the last one from then on."""

_REPORTED_EVERY: Final = 15.0
"""Seconds between two lines about one wait."""

_MARGIN: Final = 2 * SKEW + timedelta(minutes=1)
"""Two machines' clocks may each be off by the skew, in opposite directions."""


def ignore(text: str) -> None:
    """Report nothing."""


class NotReady(CredentialError):
    """A new key did not start to work in time."""


@dataclass
class Provisioner:
    """Calls the API for the pool, with the provisioning client ``client``.

    ``backend`` says at which accounts. ``run`` is the id in the run's tags. ``ready_timeout`` is in
    seconds. ``ledger`` is None for the embedded sandbox, which ends with the process. Thread-safe.
    """

    client: ManagementClient
    backend: Backend
    run: str
    ready_timeout: float = 600.0
    ledger: Ledger | None = None
    _held: tuple[str, tuple[str, ...]] | None = None
    _made: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.client.ownership.write_tags_of(self.run, self.client.clock)

    # What there is. -------------------------------------------------------------------------------------------------

    def holder(self) -> tuple[str, tuple[str, ...]]:
        """Return the username of the provisioning user and the roles it holds; asked once."""
        with self._lock:
            if self._held is None:
                me = self.client.me.get()
                self.client.ownership.protect(me)
                self._held = str(me.get("username", "the provisioning user")), texts(me.get("roles"))
            return self._held

    def grantable(self, *wanted: str) -> tuple[str, ...]:
        """Return roles as the API spells them; raises :class:`CredentialError` for what the provisioning user lacks."""
        holder, held = self.holder()
        return roles.grantable(wanted, held, holder)

    def place(self, spec: Spec) -> Place:
        """Return the level and the account at which a throwaway for ``spec`` is made.

        Raises :class:`CredentialError` for a merchant level without a merchant account.
        """
        account = self.backend.company if spec.level == "company" else spec.account or self.backend.merchant
        if account is None:
            raise CredentialError(
                "a merchant-level credential needs a merchant account: set ADYEN_MERCHANT_ACCOUNT, or name one with "
                "merchants=[...]"
            )
        return spec.level, account

    # Getting one. ---------------------------------------------------------------------------------------------------

    def create(self, level: Level, account: str) -> PooledCredential:
        """Create a throwaway, at most one however often the answer is lost; it is not ready yet.

        On a server it is read before it is anybody's. Raises :class:`CredentialError` where that does not agree with
        the answer to the creation; it is then left as it is until a read shows this run's tag.
        """
        (expires, description), base = self._new_tag(), list(self.grantable(roles.API_CREDENTIALS))
        resource = self.client.credentials_at(level, account)
        with explained(f"no throwaway could be created at {account}"):
            body = resource.create({"description": description, "roles": base})
        credential = from_body(level, account, body)
        if self.ledger is not None:
            self.ledger.created(credential.id, level, account)
        if not self.client.ownership.is_sandbox:
            self._look_at_new(resource, credential, description)
        return self._take(credential, expires)

    def _look_at_new(self, resource: Credentials, credential: ShownCredential, description: str) -> None:
        what = f"credential {credential.id}, which this run created at {resource.account},"
        with self._lock:
            is_new = credential.id not in self._made
            self._made.add(credential.id)
        if not is_new:
            raise CredentialError(f"{what} came back for a second creation; check what serves it")
        with explained(f"{what} could not be read"):
            resource.get(credential.id)  # from which the guard learns whether it is this run's
        why = self.client.ownership.unread.get(credential.id)
        if why is not None and self.ledger is not None:
            self.ledger.doubted(credential.id)
        if credential.description != description:
            why = "came back without the tag that it was given as its description"
        if why is not None:
            raise CredentialError(
                f"{what} {why}; it is switched off when the run ends if a read then shows the tag, and else left as it "
                "is: check what serves it"
            )

    def recycle(self, level: Level, account: str, may_try: Callable[[str], bool]) -> PooledCredential | None:
        """Claim a free throwaway of an earlier run, switch it on and give it a new key; None where none is free.

        It is not ready yet. ``may_try`` says whether this run has not tried an id before: its tags are alike, so two
        of its own claims must never meet.
        """
        self.holder()  # which the guard then keeps from being claimed
        resource = self.client.credentials_at(level, account)
        for credential_id in itertools.islice(filter(may_try, self.candidates(resource)), claims.MOST_CLAIMS):
            if self.claim(resource, credential_id):
                return self._reactivate(resource, credential_id)
        return None

    def candidates(self, resource: Credentials) -> list[str]:
        """Return the ids of the free throwaways of an account, in an order of this run's own."""
        with explained(f"the throwaways of {resource.account} could not be listed"):
            free = [body["id"] for body in resource.iterate() if self._is_candidate(resource, body)]
        # so that runs that start together rarely meet, not even where tests seed the common generator
        random.SystemRandom().shuffle(free)
        return free

    def _is_candidate(self, resource: Credentials, body: CredentialBody) -> bool:
        # a company's list shows what was made at its merchant accounts too; that stays limited to its account
        return (
            isinstance(body.get("id"), str)
            and not self.client.ownership.is_protected(body)
            and (resource.level == "merchant" or not body.get("associatedMerchantAccounts"))
            and claims.is_free(claims.ObservedState.of(body), self.client.clock.now())
        )

    def claim(self, resource: Credentials, credential_id: str) -> bool:
        """Carry out one claim; return whether the throwaway is this run's. An answer that fails gives the claim up.

        What has been claimed, ``client`` holds a lease on.
        """
        now = self.client.clock.now()
        own = tag.make(self.run, now + claims.CLAIM_LASTS)
        steps = claims.claim_steps(own, now, self.backend.timing)
        answer: claims.Answer = None
        if self.ledger is not None:
            self.ledger.claiming(credential_id, resource.level, resource.account)
        started = self.client.clock.monotonic()
        is_ours = False
        try:
            while True:
                step, seconds = steps.send(answer)
                if step == "wait":
                    self.client.clock.sleep(seconds)
                    answer = None
                elif step == "read":
                    body = resource.get(credential_id, retries=ONCE)
                    observed = claims.ObservedState.of(body)
                    answer = observed, self.client.clock.monotonic() - started
                    self.client.ownership.lease(credential_id, observed.description, username=body.get("username"))
                else:
                    resource.update(credential_id, {"description": own}, retries=ONCE, not_after=started + seconds)
                    answer = self.client.clock.monotonic() - started
        except StopIteration as end:
            is_ours = bool(end.value)
        except (ApiError, OwnershipRefused):
            pass
        finally:
            if not is_ours:
                self.client.ownership.release(credential_id)
        return is_ours

    def _reactivate(self, resource: Credentials, credential_id: str) -> PooledCredential:
        expires, changes = self._defaults(resource.level)
        with explained(f"throwaway {credential_id} could not be recycled"):
            resource.update(credential_id, changes)
            body = resource.get(credential_id)
            if body.get("description") != changes["description"]:
                raise ApiError("a read of it does not show the tag that this run has written; check what serves it")
            key = resource.generate_api_key(credential_id)
        return self._take(replace(from_body(resource.level, resource.account, body), api_key=key), expires)

    def _take(self, credential: ShownCredential, expires: datetime) -> PooledCredential:
        self.client.ownership.lease(
            credential.id, credential.description, username=credential.username, api_key=credential.api_key
        )
        return PooledCredential(credential, expires, self.client.clock.now())

    def await_ready(self, credential: ShownCredential, report: Report = ignore) -> None:
        """Poll ``GET /me`` with the key of ``credential`` until it is let in, for ``ready_timeout`` at most.

        ``report`` gets a line at once and every 15 s. Raises :class:`NotReady` when the time is over, and
        :class:`CredentialError` for an answer that will not change, and for a key that is another credential's.
        """
        key, started, reported = credential.key(), self.client.clock.monotonic(), 0.0
        polls = itertools.chain(_POLLS, itertools.repeat(_POLLS[-1]))
        while (refusal := _refusal(self.client, credential, key)) is not None:
            waited = self.client.clock.monotonic() - started
            if waited >= self.ready_timeout:
                raise NotReady(
                    f"the new key of {credential.username} still {refusal} after {waited:.0f} s "
                    "(adyen_ready_timeout); a new key can take minutes: raise adyen_ready_timeout in the ini file, or "
                    "run again, which recycles this throwaway"
                )
            # in the embedded sandbox nothing waits: its clock moves
            if waited >= reported and not self.client.ownership.is_sandbox:
                report(
                    f"waiting for the new key of {credential.username} ({waited:.0f} s of {self.ready_timeout:.0f} s)"
                )
                reported = waited + _REPORTED_EVERY
            self.client.clock.sleep(min(next(polls), self.ready_timeout - waited))

    # Changing one that this run holds. ------------------------------------------------------------------------------

    def configure(self, pooled: PooledCredential, spec: Spec) -> None:
        """Give it the roles, origins and merchant accounts of ``spec``; a request only for a difference.

        One without a client key gets one: the platform has such credentials, and every lease has a client key.
        """
        wanted = self.grantable(*spec.roles)
        credential = pooled.credential
        limited = () if spec.level == "merchant" else spec.merchants
        changes: CredentialChanges = {}
        if not roles.same(credential.roles, wanted):
            changes["roles"] = list(wanted)
        if spec.origins or credential.origins:
            changes["allowedOrigins"] = list(spec.origins)
        if spec.level == "company" and set(limited) != set(credential.merchants):
            changes["associatedMerchantAccounts"] = list(limited)
        expires = pooled.expires
        if self._is_half_over(pooled):
            expires, changes["description"] = self._new_tag()
        if changes:
            asked = f", limited to {', '.join(limited)}" if limited else ""
            with explained(f"throwaway {pooled.id} could not be made what the test asks for{asked}"):
                self._update(pooled, changes, expires)
        if pooled.credential.client_key is None:
            with explained(f"throwaway {pooled.id} could not be given a client key"):
                key = self.client.credentials_at(*pooled.place).generate_client_key(pooled.id)
            pooled.credential = replace(pooled.credential, client_key=key)

    def reset(self, pooled: PooledCredential) -> None:
        """Undo what a test did: roles, origins, merchant accounts, description, and switched on.

        Raises :class:`CredentialError` where it is no longer this run's: its time was over and another run took it.
        """
        self._require_ours(pooled)
        expires, changes = self._defaults(pooled.credential.level)
        with explained(f"throwaway {pooled.id} could not be reset"):
            self._update(pooled, changes, expires)

    def renew(self, pooled: PooledCredential) -> None:
        """Write a tag that expires later, where less than half of the time to live is left."""
        if self._is_half_over(pooled):
            self._require_ours(pooled)
            expires, description = self._new_tag()
            # not through _update: what a test is doing to the credential meanwhile is not for this to know
            with explained(f"the time of throwaway {pooled.id} could not be prolonged"):
                self.client.credentials_at(*pooled.place).update(pooled.id, {"description": description}, retries=ONCE)
            pooled.expires = expires

    def refresh_key(self, pooled: PooledCredential, report: Report = ignore) -> None:
        """Make a new key where the one held may have been replaced by a test and be dying: after 23 hours."""
        if self.client.clock.now() - pooled.key_made > OVERLAP - timedelta(hours=1):
            pooled.credential, _ = self.with_new_key(pooled.credential, report)
            pooled.key_made = self.client.clock.now()

    def with_new_key(self, credential: C, report: Report = ignore) -> tuple[C, datetime]:
        """Return ``credential`` with a new API key that works, and when the old one dies.

        ``report`` gets a line now and then while the new key is waited for.
        """
        with explained(f"the key of {credential.username} could not be replaced"):
            key = self.client.credentials_at(credential.level, credential.account).generate_api_key(credential.id)
            dies = self.client.clock.now() + OVERLAP
        rotated = replace(credential, api_key=key)
        # the guard takes the key for its own once GET /me has shown that it is
        self.await_ready(rotated, report)
        return rotated, dies

    def switch_off(self, pooled: PooledCredential) -> None:
        """Deactivate it, limit it to nothing and let its tag expire, so that a later run can recycle it.

        Raises :class:`CredentialError` where a read then shows it active.
        """
        self._require_ours(pooled)
        changes: CredentialChanges = {"description": tag.released(self.run, self.client.clock.now())}
        if pooled.credential.level == "company":
            changes["associatedMerchantAccounts"] = []
        deactivate(self.client.credentials_at(*pooled.place), pooled.id, changes)
        self.client.ownership.release(pooled.id)

    def _require_ours(self, pooled: PooledCredential) -> None:
        # within its time nobody else takes it, unless a claim's write came so late that it met no free throwaway any
        # more; after its time, by the clock that is furthest ahead, it may have been swept and claimed by another run
        if tag.run_of(pooled.credential.description) == self.run and self.client.clock.now() + _MARGIN < pooled.expires:
            return
        with explained(f"throwaway {pooled.id} could not be looked at"):
            body = self.client.credentials_at(*pooled.place).get(pooled.id)
        if tag.run_of(body.get("description")) != self.run:
            self.client.ownership.release(pooled.id)
            raise CredentialError(
                f"throwaway {pooled.id} was taken over by another run, whose tag it carries; "
                "nothing was sent: run again"
            )

    def _new_tag(self) -> tuple[datetime, str]:
        expires = self.client.clock.now() + TIME_TO_LIVE
        return expires, tag.make(self.run, expires)

    def _is_half_over(self, pooled: PooledCredential) -> bool:
        return pooled.expires - self.client.clock.now() < TIME_TO_LIVE / 2

    def _defaults(self, level: Level) -> tuple[datetime, CredentialChanges]:
        """Return what a throwaway is between two leases, and when its tag expires then."""
        expires, description = self._new_tag()
        changes: CredentialChanges = {
            "active": True,
            "description": description,
            "roles": list(self.grantable(roles.API_CREDENTIALS)),
            "allowedOrigins": [],
        }
        if level == "company":
            changes["associatedMerchantAccounts"] = []
        return expires, changes

    def _update(self, pooled: PooledCredential, changes: CredentialChanges, expires: datetime) -> None:
        resource = self.client.credentials_at(*pooled.place)
        body = resource.update(pooled.id, changes)
        pooled.credential = pooled.credential.updated(body or resource.get(pooled.id))
        pooled.expires = expires


def _refusal(client: ManagementClient, credential: ShownCredential, key: Secret) -> str | None:
    """Return in words why the key cannot be used yet; None where it can."""
    try:
        response = client.send("GET", "/me", auth=key, retries=ONCE)
    except ApiError:
        return "gets no answer"
    # 403 answers a key that is known: its credential has no role for this operation
    if response.status_code == 403:
        return None
    # what passes is no reason to give a throwaway up that cannot be deleted: the next poll asks again
    if response.status_code in (401, 429) or response.status_code >= 500:
        return f"answers {response.status_code}"
    with explained("the new key could not be tried"):
        body = checked(response) or {}
    if (body.get("id"), body.get("username")) != (credential.id, credential.username):
        raise CredentialError(
            f"the new key of {credential.username} signs in as {ascii(body.get('username'))[:100]}, so it is not used; "
            "check what serves it"
        )
    return None
