"""Recovery: switching off what killed runs left, by their ledgers and by tag alone."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from pytest_adyen_creds.credentials import tag
from pytest_adyen_creds.credentials.ledger import DeadRun, dead_runs
from pytest_adyen_creds.credentials.provisioning import TIME_TO_LIVE
from pytest_adyen_creds.errors import ApiError, CredentialError, OwnershipRefused
from pytest_adyen_creds.management import ManagementClient, Retries

if TYPE_CHECKING:
    from pytest_adyen_creds.management import Clock, CredentialBody, CredentialChanges, Credentials

_ONCE: Final = Retries(tries=1)
_TRIES: Final = 5

Reason = Literal["expired", "its run has ended"]


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


@dataclass(frozen=True)
class Recovery:
    """Looks through the accounts ``resources`` for what was left behind, with ``client`` of its own.

    Its ownership leases what it switches off and releases it at once, so it must be nobody else's.
    """

    client: ManagementClient
    resources: Sequence[Credentials]
    clock: Clock

    def run(self, folder: Path, company: str, *, dry_run: bool = False) -> list[Swept]:
        """Switch off what expired, and what the ledgers in ``folder`` say that killed runs left.

        A ledger is deleted when nothing of its run can be left. Raises :class:`CredentialError` where the credentials
        cannot be listed.
        """
        with dead_runs(folder, self.client.base_url, company) as dead:
            swept, tagged = self.sweep({run.run for run in dead}, dry_run=dry_run)
            failed = {parsed.run for item in swept if item.problem and (parsed := tag.parse(item.description))}
            for run in dead:
                if not dry_run and run.run not in failed and self._is_over(run, tagged):
                    with suppress(OSError):
                        run.path.unlink()
        return swept

    def sweep(self, ended: Collection[str], *, dry_run: bool = False) -> tuple[list[Swept], dict[str, set[str]]]:
        """Switch off what expired, and everything of the runs ``ended``, whose ids are known to belong to dead runs.

        Returns what was found left behind, and the ids of all credentials by the run in their tags.
        """
        swept: list[Swept] = []
        tagged: dict[str, set[str]] = {}
        for resource, body in self._listed():
            parsed = tag.parse(body.get("description"))
            if parsed is None:
                continue
            tagged.setdefault(parsed.run, set()).add(body["id"])
            reason = _reason(body, ended, self.clock.now())
            if reason is not None:
                found = Swept(
                    body["id"], body.get("username", ""), resource.level, resource.account, str(parsed), reason
                )
                swept.append(found if dry_run else self._switch_off(resource, found, ended))
        return swept, tagged

    def _listed(self) -> Iterator[tuple[Credentials, CredentialBody]]:
        seen: set[str] = set()
        for resource in self.resources:
            try:
                bodies = list(resource.iterate())
            except ApiError as error:
                raise CredentialError(f"the credentials of {resource.account} could not be listed: {error}") from error
            for body in bodies:
                if isinstance(body.get("id"), str) and body["id"] not in seen:
                    seen.add(body["id"])
                    yield resource, body

    def _switch_off(self, resource: Credentials, found: Swept, ended: Collection[str]) -> Swept:
        problem = ""
        for attempt in range(_TRIES):
            try:
                # read again right before each write: a claim waits longer than a write takes, counted from this read
                body = resource.get(found.id)
                reason = _reason(body, ended, self.clock.now())
                if reason is None:
                    return found
                self.client.ownership.lease(found.id, body.get("description"))
                resource.update(found.id, self._changes(body, reason), retries=_ONCE)
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
        return Swept(**{**asdict(found), "problem": f"{problem}; run adyen-creds sweep again"})

    def _changes(self, body: CredentialBody, reason: Reason) -> CredentialChanges:
        parsed = tag.parse(body.get("description"))
        if reason == "expired" or parsed is None:
            return {"active": False}
        # its time is over now, so that it can be recycled
        now = self.clock.now().replace(second=0, microsecond=0)
        return {"active": False, "description": tag.make(parsed.run, min(parsed.expires, now))}

    def _is_over(self, run: DeadRun, tagged: dict[str, set[str]]) -> bool:
        # a creation that was sent may still arrive; when its tag has expired, the tag alone brings it to light
        turned_up = len(tagged.get(run.run, set()) - run.known)
        old = datetime.now(UTC) - run.started > TIME_TO_LIVE + timedelta(hours=1)
        return run.unsettled <= turned_up or old


def _reason(body: CredentialBody, ended: Collection[str], now: datetime) -> Reason | None:
    parsed = tag.parse(body.get("description"))
    if parsed is None:
        return None
    is_active = body.get("active") is not False
    if parsed.run in ended and (is_active or not parsed.is_expired(now)):
        return "its run has ended"
    return "expired" if is_active and parsed.is_expired(now) else None
