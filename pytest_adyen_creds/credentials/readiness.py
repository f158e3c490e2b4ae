"""Readiness: a new key works only after a while, which may be minutes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from pytest_adyen_creds.client import ONCE, ManagementClient
from pytest_adyen_creds.client.errors import checked, explained
from pytest_adyen_creds.errors import ApiError, CredentialError

if TYPE_CHECKING:
    from pytest_adyen_creds.client import Clock
    from pytest_adyen_creds.credentials.credential import ShownCredential
    from pytest_adyen_creds.secrets import Secret

Progress = Callable[[str], None]
"""Told now and then, in a line, what takes time."""

_POLLS: Final = (1.0, 2.0, 3.0, 5.0, 10.0)
_NEWS: Final = 15.0


class NotReady(CredentialError):
    """A new key did not start to work in time."""


def await_key(
    client: ManagementClient, credential: ShownCredential, *, clock: Clock, timeout: float, progress: Progress
) -> None:
    """Poll ``GET /me`` with the key of ``credential`` until it is let in; ``timeout`` is in seconds.

    ``progress`` gets a line at once and every 15 s. Raises :class:`NotReady` when the time is over, and
    :class:`CredentialError` for an answer that will not change.
    """
    key, started, tries, said = credential.key(), clock.monotonic(), 0, 0.0
    while (refusal := _refusal(client, key)) is not None:
        waited = clock.monotonic() - started
        if waited >= timeout:
            raise NotReady(
                f"the new key of {credential.username} still {refusal} after {waited:.0f} s "
                "(adyen_ready_timeout); a new key can take minutes: raise adyen_ready_timeout in the ini file, or "
                "run again, which recycles this throwaway"
            )
        if waited >= said:
            progress(f"waiting for the new key of {credential.username} ({waited:.0f} s of {timeout:.0f} s)")
            said = waited + _NEWS
        clock.sleep(min(_POLLS[min(tries, len(_POLLS) - 1)], timeout - waited))
        tries += 1


def _refusal(client: ManagementClient, key: Secret) -> str | None:
    """Return in words why the key cannot be used yet; None where it can."""
    try:
        response = client.send("GET", "/me", auth=key, retries=ONCE)
    except ApiError:
        return "gets no answer"
    # 403 is said to a key that is known: its credential has no role for this operation
    if response.status_code == 403:
        return None
    # what passes is no reason to give a throwaway up that cannot be deleted: the next poll asks again
    if response.status_code in (401, 429) or response.status_code >= 500:
        return f"answers {response.status_code}"
    with explained("the new key could not be tried"):
        checked(response)
    return None
