"""Recovery: switching off what killed runs left, by their ledgers and by tag alone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from pytest_adyen_creds import clock
from pytest_adyen_creds.client import ONCE, ManagementClient, tag
from pytest_adyen_creds.credentials.ledger import CrashedRun, crashed_runs
from pytest_adyen_creds.errors import ApiError, CredentialError, OwnershipRefused

if TYPE_CHECKING:
    from pytest_adyen_creds.client import Clock, CredentialBody, CredentialChanges, Credentials, Place
    from pytest_adyen_creds.credentials.backend import Backend

Reason = Literal["expired", "its run has ended"]

_TRIES: Final = 5
_ENDED: Final[Reason] = "its run has ended"
_UNTAGGED: Final = (
    "it does not carry this plugin's tag any more, so it is not touched; switch it off in the Customer Area"
)


@dataclass(frozen=True)
class Swept:
    """One throwaway that was found left behind; ``problem`` is None where it was (or would be) switched off."""

    id: str
    username: str
    level: Literal["company", "merchant"]
    account: str
    description: str
    reason: Reason
    problem: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)


@dataclass
class _Look:
    """Strictly private: what one look through the accounts found."""

    ended: frozenset[str]
    """The runs that are known to be dead."""
    created: frozenset[str]
    """The ids that they created."""
    dry_run: bool
    swept: list[Swept] = field(default_factory=list)
    tagged: dict[str, set[str]] = field(default_factory=dict)
    """The ids of all credentials by the run in their tags."""
    seen: set[str] = field(default_factory=set)
    unlisted: set[Place] = field(default_factory=set)
    """Accounts that could not be listed."""


@dataclass(frozen=True)
class Recovery:
    """Looks through the accounts ``resources`` for what was left behind, with ``client`` of its own.

    Its ownership leases what it switches off and releases it at once, so it must be nobody else's.
    """

    client: ManagementClient
    resources: Sequence[Credentials]
    clock: Clock
    in_use: dict[str, datetime] = field(default_factory=dict)
    """The active throwaways that were left to the runs in whose tags they are, by id, and when these tags expire."""

    @classmethod
    def of(cls, client: ManagementClient, backend: Backend, clock: Clock | None = None) -> Recovery:
        """Return one for the accounts of ``backend``; ``clock`` (default: the backend's) waits between tries."""
        resources = [client.company(backend.company)]
        if backend.merchant is not None:
            resources.append(client.merchant(backend.merchant))
        return cls(client, resources, clock or backend.clock)

    def run(self, folder: Path, company: str, *, dry_run: bool = False) -> list[Swept]:
        """Switch off what expired, and what the ledgers in ``folder`` say that killed runs left.

        The accounts that the ledgers name are looked through too, and each credential that they name and that was not
        seen is asked for by its id. A ledger is deleted when nothing of its run can be left. With ``dry_run`` nothing
        is changed, on disk neither. Raises :class:`CredentialError` where the credentials cannot be listed.
        """
        with crashed_runs(folder, self.client.base_url, company, tidy=not dry_run) as dead:
            places = {place for run in dead for place in run.accounts}
            created = {item for run in dead for item in run.created}
            look = self._look({run.run for run in dead}, dry_run=dry_run, created=created, places=places)
            for run in dead:
                for credential_id in sorted(run.known - look.seen):
                    self._ask(look, run, credential_id)
            over = [run for run in dead if _is_over(run, look)]
        for run in () if dry_run else over:
            with suppress(OSError):
                run.path.unlink()
        return look.swept

    def sweep(self, ended: Collection[str], *, dry_run: bool = False) -> tuple[list[Swept], dict[str, set[str]]]:
        """Switch off what expired, and everything of the runs ``ended``, whose ids are known to belong to dead runs.

        Returns what was found left behind, and the ids of all credentials by the run in their tags.
        """
        look = self._look(ended, dry_run=dry_run)
        return look.swept, look.tagged

    def switch_off_ids(self, run: str, created: Mapping[str, Place | None]) -> list[Swept]:
        """Switch off what ``run`` created, by id and whatever its description, where it is active.

        ``created`` maps the ids to where they were made; None: not known, so every account is asked. Returns those that
        were active, and with a ``problem`` those that may still be. What carries another run's tag is that run's.
        """

        def decide(body: CredentialBody) -> CredentialChanges | None:
            parsed = tag.parse(body.get("description"))
            if body.get("active") is False or (parsed is not None and parsed.run != run):
                return None
            return {"active": False, "description": tag.released(run, self.clock.now())}

        self._protect()
        swept = []
        for credential_id, place in created.items():
            resource, body, problem = self._find(credential_id, place)
            found = _found(resource, body or {"id": credential_id}, _ENDED, problem)
            if body is None:
                swept.append(found)
            elif decide(body) is not None and not self.client.ownership.is_protected(body):
                swept.append(self._switch_off(resource, found, decide, adopt=True))
        return swept

    def _look(
        self,
        ended: Collection[str],
        *,
        dry_run: bool,
        created: Collection[str] = (),
        places: Collection[Place] = (),
    ) -> _Look:
        self._protect()
        look = _Look(frozenset(ended), frozenset(created), dry_run)
        for resource, body in self._listed(look, places):
            if isinstance(body.get("id"), str) and body["id"] not in look.seen:
                self._consider(look, resource, body)
        return look

    def _protect(self) -> None:
        """Ask once who signs in: that credential is nobody's throwaway, whatever tag and ledger say of it."""
        if not self.client.ownership.is_protecting:
            try:
                self.client.ownership.protect(self.client.me.get())
            except ApiError as error:
                raise CredentialError(f"it could not be asked who signs in: {error}") from error

    def _listed(self, look: _Look, places: Collection[Place]) -> Iterator[tuple[Credentials, CredentialBody]]:
        own = {(resource.level, resource.account) for resource in self.resources}
        for resource in (*self.resources, *map(self._at, sorted(set(places) - own))):
            place = resource.level, resource.account
            try:
                bodies = list(resource.iterate())
            except ApiError as error:
                if place in own:
                    raise CredentialError(
                        f"the credentials of {resource.account} could not be listed: {error}"
                    ) from error
                look.unlisted.add(place)
                continue
            for body in bodies:
                yield resource, body

    def _consider(self, look: _Look, resource: Credentials, body: CredentialBody) -> None:
        look.seen.add(body["id"])
        parsed = tag.parse(body.get("description"))
        if self.client.ownership.is_protected(body):
            return
        if parsed is None:
            if body["id"] in look.created and body.get("active") is not False:
                look.swept.append(_found(resource, body, _ENDED, _UNTAGGED))
            return
        look.tagged.setdefault(parsed.run, set()).add(body["id"])
        reason = _reason(body, look.ended, self.clock.now())
        if reason is None:
            if body.get("active") is not False:
                self.in_use[body["id"]] = parsed.expires
        else:
            found = _found(resource, body, reason)
            decide = partial(self._changes, ended=look.ended)
            look.swept.append(found if look.dry_run else self._switch_off(resource, found, decide))

    def _ask(self, look: _Look, run: CrashedRun, credential_id: str) -> None:
        resource, body, problem = self._find(credential_id, run.places.get(credential_id))
        if body is None:
            look.swept.append(_found(resource, {"id": credential_id}, _ENDED, problem))
        else:
            self._consider(look, resource, body)

    def _find(self, credential_id: str, place: Place | None) -> tuple[Credentials, CredentialBody | None, str]:
        problem = ""
        for resource in self.resources if place is None else [self._at(place)]:
            try:
                body = resource.get(credential_id)
            except ApiError as error:
                problem = f"{error}; look for it in the Customer Area, and run adyen-creds sweep"
                continue
            if body.get("id") == credential_id:
                return resource, body, ""
            problem = f"asked for it, {resource.account} answered another one; check what serves it"
        return resource, None, problem

    def _at(self, place: Place) -> Credentials:
        level, account = place
        return self.client.company(account) if level == "company" else self.client.merchant(account)

    def _switch_off(
        self,
        resource: Credentials,
        found: Swept,
        decide: Callable[[CredentialBody], CredentialChanges | None],
        *,
        adopt: bool = False,
    ) -> Swept:
        problem = ""
        for attempt in range(_TRIES):
            try:
                # read again right before each write: a claim waits longer than a write takes, counted from this read
                body = resource.get(found.id)
                changes = decide(body)
                if changes is None:
                    return found
                if adopt:
                    self.client.ownership.adopt(found.id)
                else:
                    self.client.ownership.lease(found.id, body.get("description"))
                resource.update(found.id, changes, retries=ONCE)
                return found
            except ApiError as error:
                problem = str(error)
                if error.status is not None and error.status != 429 and error.status < 500:
                    break
                if attempt + 1 < _TRIES:
                    self.clock.sleep(0.5 * 2**attempt)
            except OwnershipRefused as error:
                problem = str(error)
                break
            finally:
                self.client.ownership.release(found.id)
        return replace(found, problem=f"{problem}; run adyen-creds sweep")

    def _changes(self, body: CredentialBody, ended: Collection[str]) -> CredentialChanges | None:
        now = self.clock.now()
        reason, parsed = _reason(body, ended, now), tag.parse(body.get("description"))
        if reason is None or parsed is None:
            return None
        if reason == "expired":
            return {"active": False}
        # its time is over now, so that it can be recycled
        return {"active": False, "description": tag.released(parsed.run, min(parsed.expires, now))}


def _is_over(run: CrashedRun, look: _Look) -> bool:
    """Return whether nothing of a dead run can be left."""
    failed = [item for item in look.swept if item.problem]
    if any(item.id in run.known or (tag.run_of(item.description) == run.run) for item in failed):
        return False
    if run.known - look.seen or run.accounts & look.unlisted:
        return False
    # a creation that was sent may still arrive; when its tag has expired, the tag alone brings it to light
    turned_up = len(look.tagged.get(run.run, set()) - run.known)
    old = clock.now() - run.started > tag.TIME_TO_LIVE + timedelta(hours=1)
    return run.unsettled <= turned_up or old


def _found(resource: Credentials, body: CredentialBody, reason: Reason, problem: str = "") -> Swept:
    description = body.get("description")
    return Swept(
        body["id"],
        body.get("username", ""),
        resource.level,
        resource.account,
        description if isinstance(description, str) else "",
        reason,
        problem or None,
    )


def _reason(body: CredentialBody, ended: Collection[str], now: datetime) -> Reason | None:
    parsed = tag.parse(body.get("description"))
    if parsed is None:
        return None
    is_active = body.get("active") is not False
    if parsed.run in ended and (is_active or not parsed.is_expired(now)):
        return "its run has ended"
    return "expired" if is_active and parsed.is_expired(now) else None
