"""Readiness: a new key works only after a while, which may be minutes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pytest_adyen_creds.client import ONCE, Clock, ManagementClient
from pytest_adyen_creds.client.errors import checked, explained
from pytest_adyen_creds.credentials.credential import ShownCredential
from pytest_adyen_creds.errors import ApiError, CredentialError
from pytest_adyen_creds.secrets import Secret

Report = Callable[[str], None]
"""Called now and then with a line about what takes time."""

_POLLS: Final = (1.0, 2.0, 3.0, 5.0, 10.0)
"""Seconds between polls; the last one from then on."""

_REPORTED_EVERY: Final = 15.0
"""Seconds between two lines about one wait."""


def ignore(text: str) -> None:
    """Report nothing."""


class NotReady(CredentialError):
    """A new key did not start to work in time."""


def await_key(
    client: ManagementClient, credential: ShownCredential, *, clock: Clock, timeout: float, report: Report
) -> None:
    """Poll ``GET /me`` with the key of ``credential`` until it is let in; ``timeout`` is in seconds.

    ``report`` gets a line at once and every 15 s. Raises :class:`NotReady` when the time is over, and
    :class:`CredentialError` for an answer that will not change, and for a key that is another credential's.
    """
    key, started, tries, reported = credential.key(), clock.monotonic(), 0, 0.0
    while (refusal := _refusal(client, credential, key)) is not None:
        waited = clock.monotonic() - started
        if waited >= timeout:
            raise NotReady(
                f"the new key of {credential.username} still {refusal} after {waited:.0f} s "
                "(adyen_ready_timeout); a new key can take minutes: raise adyen_ready_timeout in the ini file, or "
                "run again, which recycles this throwaway"
            )
        if waited >= reported:
            report(f"waiting for the new key of {credential.username} ({waited:.0f} s of {timeout:.0f} s)")
            reported = waited + _REPORTED_EVERY
        clock.sleep(min(_POLLS[min(tries, len(_POLLS) - 1)], timeout - waited))
        tries += 1


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
