"""Recovery: switching off what crashed runs left, by their ledgers and by tag alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Literal

from pytest_adyen_creds import clock
from pytest_adyen_creds.client import Credentials, ManagementClient, Place, tag
from pytest_adyen_creds.client.errors import explained
from pytest_adyen_creds.client.models import CredentialBody, CredentialChanges
from pytest_adyen_creds.client.parsing import Level
from pytest_adyen_creds.client.retry import ONCE
from pytest_adyen_creds.credentials.backend import Backend
from pytest_adyen_creds.credentials.ledger import CrashedRun, crashed_runs
from pytest_adyen_creds.credentials.shutdown import UNTAGGED, deactivate
from pytest_adyen_creds.errors import ApiError, CredentialError, OwnershipRefused

Reason = Literal["expired", "its run has ended"]

_TRIES: Final = 5
_ENDED: Final[Reason] = "its run has ended"


@dataclass(frozen=True)
class Swept:
    """One throwaway that was found left behind; ``problem`` is None where it was (or would be) switched off."""

    id: str
    username: str
    level: Level
    account: str
    description: str
    reason: Reason
    problem: str | None = None


@dataclass
class _Scan:
    """What one pass through the accounts found."""

    ended: Collection[str]
    """The runs that are known to have ended."""
    created: Collection[str] = ()
    """The ids that they created."""
    dry_run: bool = False
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
    in_use: dict[str, datetime] = field(default_factory=dict)
    """The active throwaways that were left to the runs in whose tags they are, by id, and when these tags expire."""

    @classmethod
    def of(cls, client: ManagementClient, backend: Backend) -> Recovery:
        """Return one for the accounts of ``backend``."""
        resources = [client.company(backend.company)]
        if backend.merchant is not None:
            resources.append(client.merchant(backend.merchant))
        return cls(client, resources)

    def run(self, folder: Path, *, dry_run: bool = False) -> list[Swept]:
        """Switch off what expired, and what the ledgers in ``folder`` say that crashed runs left.

        The accounts that the ledgers name are looked through too, and each credential that they name and that was not
        seen is asked for by its id. A ledger is deleted when nothing of its run can be left. With ``dry_run`` nothing
        is changed, on disk neither. Raises :class:`CredentialError` where the credentials cannot be listed.
        """
        with crashed_runs(folder, self.client.base_url, self.resources[0].account, tidy=not dry_run) as crashed:
            places = {place for run in crashed for place in run.accounts}
            created = {item for run in crashed for item in run.created}
            scan = _Scan({run.run for run in crashed}, created, dry_run)
            self._list(scan, places)
            for run in crashed:
                self._ask_for(scan, run.known)
            over = [] if dry_run else [run.path for run in crashed if _is_over(run, scan)]
        for path in over:
            with suppress(OSError):
                path.unlink()
        return scan.swept

    def sweep(self, ended: Collection[str]) -> tuple[list[Swept], dict[str, set[str]]]:
        """Switch off what expired, and everything of the runs ``ended``, whose ids are known to belong to ended runs.

        Returns what was found left behind, and the ids of all credentials by the run in their tags.
        """
        scan = _Scan(ended)
        self._list(scan)
        return scan.swept, scan.tagged

    def switch_off_ids(self, run: str, created: Mapping[str, Place | None]) -> list[Swept]:
        """Switch off what ``run`` created, by id, where a read shows the run's tag.

        ``created`` maps the ids to where they were made; None: not known, so every account is asked. Returns what was
        found left behind, and with a ``problem`` what may still be active: what carries no tag is left as it is. What
        carries another run's tag is that run's, until it expires.
        """
        self._protect()
        scan = _Scan({run}, created)
        self._ask_for(scan, created)
        return scan.swept

    def _protect(self) -> None:
        """Ask once who signs in: that credential is nobody's throwaway, whatever tag and ledger say of it."""
        if not self.client.ownership.is_protecting:
            with explained("it could not be asked who signs in"):
                self.client.ownership.protect(self.client.me.get())

    def _list(self, scan: _Scan, places: Collection[Place] = ()) -> None:
        """Look through the accounts, and those at ``places``."""
        self._protect()
        own = {(resource.level, resource.account) for resource in self.resources}
        others = [self.client.credentials_at(*place) for place in sorted(set(places) - own)]
        for resource in (*self.resources, *others):
            place = resource.level, resource.account
            try:
                with explained(f"the credentials of {resource.account} could not be listed"):
                    bodies = list(resource.iterate())
            except CredentialError:
                if place in own:
                    raise
                scan.unlisted.add(place)
                continue
            for body in bodies:
                if isinstance(body.get("id"), str) and body["id"] not in scan.seen:
                    self._consider(scan, resource, body)

    def _ask_for(self, scan: _Scan, known: Mapping[str, Place | None]) -> None:
        """Ask for what was not seen yet by its id, where it was made, or else at each account."""
        for credential_id in sorted(known.keys() - scan.seen):
            place, problem = known[credential_id], ""
            for resource in self.resources if place is None else [self.client.credentials_at(*place)]:
                try:
                    body = resource.get(credential_id)
                except ApiError as error:
                    problem = f"{error}; look for it in the Customer Area, and run adyen-creds sweep"
                    continue
                self._consider(scan, resource, body)
                break
            else:
                scan.swept.append(_found(resource, {"id": credential_id}, _ENDED, problem))

    def _consider(self, scan: _Scan, resource: Credentials, body: CredentialBody) -> None:
        scan.seen.add(body["id"])
        parsed, is_active = tag.parse(body.get("description")), body.get("active") is not False
        if self.client.ownership.is_protected(body):
            return
        if parsed is None:
            if body["id"] in scan.created and is_active:
                scan.swept.append(_found(resource, body, _ENDED, UNTAGGED))
            return
        scan.tagged.setdefault(parsed.run, set()).add(body["id"])
        reason, _ = self._verdict(body, scan.ended)
        if reason is not None:
            found = _found(resource, body, reason)
            scan.swept += [found] if scan.dry_run else self._switch_off(resource, found, scan.ended)
        elif is_active:
            self.in_use[body["id"]] = parsed.expires

    def _verdict(
        self, body: CredentialBody, ended: Collection[str]
    ) -> tuple[Reason, CredentialChanges] | tuple[None, None]:
        """Return why a credential is to be switched off, and by which changes; None twice where it is to be left."""
        parsed, now, changes = tag.parse(body.get("description")), self.client.clock.now(), CredentialChanges()
        if parsed is None:
            return None, None
        is_active = body.get("active") is not False
        if parsed.run in ended and (is_active or not parsed.is_expired(now)):
            # its time is over now, so that it can be recycled
            changes["description"] = tag.released(parsed.run, min(parsed.expires, now))
            return _ENDED, changes
        return ("expired", changes) if is_active and parsed.is_expired(now) else (None, None)

    def _switch_off(self, resource: Credentials, found: Swept, ended: Collection[str]) -> list[Swept]:
        """Switch one off, unless it is now to be left; return it, or nothing where it is another run's."""
        problem = ""
        for attempt in range(_TRIES):
            try:
                # read again right before each write: a claim waits longer than a write takes, counted from this read
                body = resource.get(found.id)
                changes, parsed = self._verdict(body, ended)[1], tag.parse(body.get("description"))
                if changes is None and body.get("active") is False:
                    return [found]
                if changes is None and parsed is not None:
                    self.in_use[found.id] = parsed.expires
                    return []
                if changes is None:
                    return [replace(found, problem=UNTAGGED)]
                self.client.ownership.lease(found.id, body.get("description"), username=body.get("username"))
                deactivate(resource, found.id, changes, retries=ONCE)
                return [found]
            except ApiError as error:
                problem = str(error)
                if error.status is not None and error.status != 429 and error.status < 500:
                    break
                if attempt + 1 < _TRIES:
                    self.client.clock.sleep(0.5 * 2**attempt)
            except (CredentialError, OwnershipRefused) as error:
                problem = str(error)
                break
            finally:
                self.client.ownership.release(found.id)
        return [replace(found, problem=f"{problem}; run adyen-creds sweep")]


def _is_over(run: CrashedRun, scan: _Scan) -> bool:
    """Return whether nothing of a crashed run can be left."""
    failed = [item for item in scan.swept if item.problem]
    if any(item.id in run.known or (tag.run_of(item.description) == run.run) for item in failed):
        return False
    if run.known.keys() - scan.seen or run.accounts & scan.unlisted:
        return False
    # a creation that was sent may still arrive; when its tag has expired, the tag alone brings it to light
    turned_up = len(scan.tagged.get(run.run, set()) - run.known.keys())
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
