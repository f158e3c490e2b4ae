"""Provisioning: creating, recycling, configuring, resetting and switching off throwaways through the API."""

from __future__ import annotations

import itertools
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Protocol

from pytest_adyen_creds.credentials import claiming, roles, tag
from pytest_adyen_creds.credentials.claiming import Register, Timing
from pytest_adyen_creds.credentials.credential import OVERLAP, Credential, Level, Rotation, from_body, texts
from pytest_adyen_creds.credentials.tag import SKEW, TIME_TO_LIVE
from pytest_adyen_creds.errors import ApiError, CredentialError, OwnershipRefused
from pytest_adyen_creds.management import ONCE, ManagementClient
from pytest_adyen_creds.management.answers import checked
from pytest_adyen_creds.secrets import Secret

if TYPE_CHECKING:
    from pytest_adyen_creds.credentials.spec import Spec
    from pytest_adyen_creds.management import Clock, CredentialBody, CredentialChanges, Credentials

CLAIM_LASTS: Final = timedelta(minutes=10)
"""How long a claim that was given up keeps a throwaway from being claimed again."""

MOST_CLAIMS: Final = 3
"""Claims that are tried before a new throwaway is created instead."""

_MARGIN: Final = 2 * SKEW + timedelta(minutes=1)
"""Two machines' clocks may each be off by the skew, in opposite directions."""

_POLLS: Final = (1.0, 2.0, 3.0, 5.0, 10.0)

Progress = Callable[[str], None]


class NotReady(CredentialError):
    """A new key did not start to work in time."""


class Journal(Protocol):
    """What is written down before a request that cannot be taken back; the ledger is one."""

    def created(self, credential_id: str, level: Level | None = None, account: str | None = None) -> None:
        """Note the id of a throwaway that was created, and where."""
        ...

    def claiming(self, credential_id: str, level: Level | None = None, account: str | None = None) -> None:
        """Note that a throwaway is about to be claimed, and where it is."""
        ...

    def problem(self, kind: str, text: str) -> None:
        """Keep why no throwaway could be had."""
        ...


class NoJournal:
    """For the embedded sandbox, which ends with the process: nothing is left behind."""

    def created(self, credential_id: str, level: Level | None = None, account: str | None = None) -> None:
        """Note nothing."""

    def claiming(self, credential_id: str, level: Level | None = None, account: str | None = None) -> None:
        """Note nothing."""

    def problem(self, kind: str, text: str) -> None:
        """Note nothing."""


@dataclass
class Throwaway:
    """A throwaway that this run holds: its credential as it is now, and its times."""

    credential: Credential
    expires: datetime
    """What its tag says."""
    key_made: datetime

    @property
    def id(self) -> str:
        """The credential's id."""
        return self.credential.id


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
        with _explained(f"no throwaway could be created at {account}"):
            body = self.resource(level, account).create({"description": description, "roles": list(base)})
        made = self._take(level, account, body, expires)
        self.journal.created(made.id, level, account)
        return made

    def recycle(self, level: Level, account: str, may_try: Callable[[str], bool]) -> Throwaway | None:
        """Claim a free throwaway of an earlier run, switch it on and give it a new key; None where none is free.

        It is not ready yet. ``may_try`` says whether this run has not tried an id before: its tags are alike, so two
        of its own claims must never meet.
        """
        resource = self.resource(level, account)
        with _explained(f"the throwaways of {account} could not be listed"):
            candidates = [body["id"] for body in resource.iterate() if self._is_candidate(body, level)]
        # so that runs that start together rarely meet, not even where tests seed the common generator
        random.SystemRandom().shuffle(candidates)
        for credential_id in itertools.islice(filter(may_try, candidates), MOST_CLAIMS):
            if self.claim(resource, credential_id):
                return self._reactivate(resource, level, account, credential_id)
        return None

    def _is_candidate(self, body: CredentialBody, level: Level) -> bool:
        # a company's list shows what was made at its merchant accounts too; that stays limited to its account
        return (
            isinstance(body.get("id"), str)
            and (level == "merchant" or not body.get("associatedMerchantAccounts"))
            and claiming.is_free(Register.of(body), self.clock.now())
        )

    def claim(self, resource: Credentials, credential_id: str) -> bool:
        """Carry out one claim; return whether the throwaway is this run's. An answer that fails gives the claim up."""
        now = self.clock.now()
        own = tag.make(self.run, now + CLAIM_LASTS)
        steps = claiming.claim_steps(own, now, self.timing)
        answer: claiming.Answer = None
        self.journal.claiming(credential_id, resource.level, resource.account)
        started = self.clock.monotonic()
        is_ours = False
        try:
            while True:
                step, seconds = steps.send(answer)
                if step == "wait":
                    self.clock.sleep(seconds)
                    answer = None
                elif step == "read":
                    register = Register.of(resource.get(credential_id, retries=ONCE))
                    answer = register, self.clock.monotonic() - started
                    self.client.ownership.lease(credential_id, register.description)
                else:
                    resource.update(credential_id, {"description": own}, retries=ONCE, not_after=started + seconds)
                    answer = self.clock.monotonic() - started
        except StopIteration as end:
            is_ours = bool(end.value)
        except (ApiError, OwnershipRefused):
            pass
        finally:
            if not is_ours:
                self.client.ownership.release(credential_id)
        return is_ours

    def _reactivate(self, resource: Credentials, level: Level, account: str, credential_id: str) -> Throwaway:
        expires = self.clock.now() + TIME_TO_LIVE
        changes = self._baseline(level, tag.make(self.run, expires))
        with _explained(f"throwaway {credential_id} could not be recycled"):
            body = resource.update(credential_id, changes)
            key = resource.generate_api_key(credential_id)
            body = body or resource.get(credential_id)
        made = self._take(level, account, body, expires)
        made.credential = replace(made.credential, api_key=key)
        self.client.ownership.register_key(made.id, key)
        return made

    def _take(self, level: Level, account: str, body: CredentialBody, expires: datetime) -> Throwaway:
        credential = from_body(level, account, body)
        self.client.ownership.lease(
            credential.id, credential.description, username=credential.username, api_key=credential.api_key
        )
        return Throwaway(credential, expires, self.clock.now())

    def await_ready(self, throwaway: Throwaway) -> None:
        """Poll ``GET /me`` with the throwaway's key until it is let in; say every now and then that it takes time.

        Raises :class:`NotReady` when ``ready_timeout`` is over.
        """
        self._await_key(throwaway.credential)

    def _await_key(self, credential: Credential) -> None:
        key, started, tries, said = credential.key(), self.clock.monotonic(), 0, 0.0
        while (refusal := self._refusal(key)) is not None:
            waited = self.clock.monotonic() - started
            if waited >= self.ready_timeout:
                raise NotReady(
                    f"the new key of {credential.username} still {refusal} after {waited:.0f} s "
                    "(adyen_ready_timeout); a new key can take minutes: raise adyen_ready_timeout in the ini file, or "
                    "run again, which recycles this throwaway"
                )
            if waited >= said:
                self.progress(
                    f"waiting for the new key of {credential.username} ({waited:.0f} s of {self.ready_timeout:.0f} s)"
                )
                said = waited + 15
            self.clock.sleep(min(_POLLS[min(tries, len(_POLLS) - 1)], self.ready_timeout - waited))
            tries += 1

    def _refusal(self, key: Secret) -> str | None:
        """Return in words why the key cannot be used yet; None where it can."""
        try:
            response = self.client.send("GET", "/me", auth=key, retries=ONCE)
        except ApiError:
            return "gets no answer"
        # 403 is said to a key that is known: its credential has no role for this operation
        if response.status_code == 403:
            return None
        # what passes is no reason to give a throwaway up that cannot be deleted: the next poll asks again
        if response.status_code in (401, 429) or response.status_code >= 500:
            return f"answers {response.status_code}"
        with _explained("the new key could not be tried"):
            checked(response)
        return None

    # Changing one that this run holds. ------------------------------------------------------------------------------

    def configure(self, throwaway: Throwaway, spec: Spec) -> None:
        """Give the throwaway the roles, origins and merchant accounts of ``spec``; a request only for a difference."""
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
            with _explained(f"throwaway {throwaway.id} could not be made what the test asks for{asked}"):
                self._update(throwaway, changes, expires)

    def reset(self, throwaway: Throwaway) -> None:
        """Undo what a test did: roles, origins, merchant accounts, description, and switched on.

        Raises :class:`CredentialError` where it is no longer this run's: its time was over and another run took it.
        """
        self._require_ours(throwaway)
        expires = self.clock.now() + TIME_TO_LIVE
        changes = self._baseline(throwaway.credential.level, tag.make(self.run, expires))
        with _explained(f"throwaway {throwaway.id} could not be reset"):
            self._update(throwaway, changes, expires)

    def renew(self, throwaway: Throwaway) -> None:
        """Write a tag that expires later, where less than half of the time to live is left."""
        if throwaway.expires - self.clock.now() < TIME_TO_LIVE / 2:
            self._require_ours(throwaway)
            expires = self.clock.now() + TIME_TO_LIVE
            credential = throwaway.credential
            # not through _update: what a test is doing to the credential meanwhile is not for this to know
            with _explained(f"the time of throwaway {throwaway.id} could not be prolonged"):
                self.resource(credential.level, credential.account).update(
                    throwaway.id, {"description": tag.make(self.run, expires)}, retries=ONCE
                )
            throwaway.expires = expires

    def refresh_key(self, throwaway: Throwaway) -> None:
        """Make a new key where the one held may have been replaced by a test and be dying: after 23 hours."""
        if self.clock.now() - throwaway.key_made > OVERLAP - timedelta(hours=1):
            throwaway.credential = self.rotate(throwaway.credential).credential
            throwaway.key_made = self.clock.now()

    def rotate(self, credential: Credential) -> Rotation:
        """Return ``credential`` with a new API key that works, and when the old one dies."""
        with _explained(f"the key of {credential.username} could not be replaced"):
            key = self.resource(credential.level, credential.account).generate_api_key(credential.id)
            dies = self.clock.now() + OVERLAP
        rotated = replace(credential, api_key=key)
        self.client.ownership.register_key(credential.id, key)
        self._await_key(rotated)
        return Rotation(rotated, dies)

    def switch_off(self, throwaway: Throwaway) -> None:
        """Deactivate the throwaway, limit it to nothing and let its tag expire, so that a later run can recycle it."""
        self._require_ours(throwaway)
        credential = throwaway.credential
        changes: CredentialChanges = {"active": False, "description": tag.released(self.run, self.clock.now())}
        if credential.level == "company":
            changes["associatedMerchantAccounts"] = []
        with _explained(f"throwaway {throwaway.id} could not be switched off"):
            self.resource(credential.level, credential.account).update(throwaway.id, changes)
        self.client.ownership.release(throwaway.id)

    def _require_ours(self, throwaway: Throwaway) -> None:
        # within its time nobody else takes it, unless a claim's write came so late that it met no free throwaway any
        # more; after its time, by the clock that is furthest ahead, it may have been swept and claimed by another run
        credential = throwaway.credential
        if tag.run_of(credential.description) == self.run and self.clock.now() + _MARGIN < throwaway.expires:
            return
        with _explained(f"throwaway {throwaway.id} could not be looked at"):
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


@contextmanager
def _explained(what: str) -> Iterator[None]:
    """Make an error of the API one that says what it stopped."""
    try:
        yield
    except ApiError as error:
        raise CredentialError(f"{what}: {error}") from error
