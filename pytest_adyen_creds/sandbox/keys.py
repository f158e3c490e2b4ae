"""API keys, client keys and passwords: how they are replaced, how long the old ones work, when the new ones do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from pytest_adyen_creds.errors import SandboxError
from pytest_adyen_creds.sandbox.evidence import SPECIFICATION, Rule, implements
from pytest_adyen_creds.sandbox.ids import IdGenerator
from pytest_adyen_creds.sandbox.state import Credential, Key, UserKind
from pytest_adyen_creds.secrets import Secret

OVERLAP: Final = timedelta(hours=24)
"""How long a replaced key goes on working."""

_BALANCE_PLATFORM_PAGE: Final = "docs.adyen.com, API credentials for your balance platform"

API_KEY_OVERLAP: Final = Rule.documented(
    "api-keys.overlap",
    "Generating an API key answers it once; the previous key works for 24 more hours.",
    f"{SPECIFICATION}, POST …/generateApiKey",
)
CLIENT_KEY_OVERLAP: Final = Rule.documented(
    "client-keys.overlap",
    "Generating a client key answers it; the previous key works for 24 more hours.",
    f"{SPECIFICATION}, POST …/generateClientKey and POST /me/generateClientKey",
)
EARLIER_KEYS: Final = Rule.assumed(
    "api-keys.earlier-keys-keep-their-expiry",
    "A key that was replaced before keeps the expiry it had when another one is generated.",
    "the documents speak of one previous key only",
)
PROPAGATION: Final = Rule.documented(
    "api-keys.propagation",
    "A new API key or client key works only after the propagation delay (0 unless set); until then 401.",
    f"{SPECIFICATION}, POST …/generateApiKey: usable a few minutes later; the customer area page says at once",
)
SHOWN_ONCE: Final = Rule.documented(
    "api-keys.shown-once",
    "The API key and the password are in the answer that makes them, and in no later one.",
    f"{SPECIFICATION}, POST …/apiCredentials",
)
RESET_EXPIRY: Final = Rule.documented(
    "api-keys.reset-expiry",
    "In the customer area the previous key's expiry can be reset to 24 hours from now.",
    f"{_BALANCE_PLATFORM_PAGE}, on resetting the expiry time",
)
EXPIRE_NOW: Final = Rule.documented(
    "api-keys.expire-now",
    "In the customer area the previous key can be expired at once.",
    f"{_BALANCE_PLATFORM_PAGE}, on resetting the expiry time",
)
NEWEST_PREVIOUS: Final = Rule.assumed(
    "api-keys.newest-previous",
    "Where several earlier keys still work, resetting and expiring act on the one replaced last.",
    "the page speaks of one previous key only",
)
PASSWORD_AT_ONCE: Final = Rule.documented(
    "passwords.replaced-at-once",
    "A new basic-auth password, from the customer area only, disables the previous one at once.",
    f"{_BALANCE_PLATFORM_PAGE}, on generating a password",
)
PASSWORD_WORKS: Final = Rule.assumed(
    "passwords.works-at-once",
    "A new password works at once, whatever the propagation delay.",
    "the specification's delay is about API keys and client keys",
)
INACTIVE_ROTATES: Final = Rule.assumed(
    "api-keys.inactive-rotates",
    "Keys can be generated for a credential that is not active; they work once it is.",
    "nothing in the specification forbids it",
)


@dataclass(frozen=True)
class KeyService:
    """Makes and replaces the keys of credentials; ``propagation`` is how long a new key does not work yet."""

    ids: IdGenerator
    propagation: timedelta

    def __post_init__(self) -> None:
        if self.propagation < timedelta():
            raise SandboxError("the propagation delay is below zero; give zero or more")

    def new_credential(
        self,
        username: str,
        now: datetime,
        *,
        roles: tuple[str, ...],
        description: str | None = None,
        kind: UserKind = UserKind.COMPANY,
        home: str | None = None,
        merchants: tuple[str, ...] = (),
        api_key: Secret | None = None,
        has_client_key: bool = True,
    ) -> Credential:
        """Return a new credential with an id, an API key (or the one given), a client key and a password.

        The arguments are as in :class:`Credential`.
        """
        works_from = now + self.propagation
        return Credential(
            id=self.ids.id(),
            kind=kind,
            username=username,
            home=home,
            merchants=merchants,
            roles=roles,
            description=description,
            api_keys=(Key(api_key or self.ids.api_key(), works_from),),
            client_keys=(Key(self.ids.client_key(), works_from),) if has_client_key else (),
            password=self.ids.password(),
        )

    def with_new_api_key(self, credential: Credential, now: datetime) -> Credential:
        """Return ``credential`` with a new API key as its last one; the one before expires in 24 hours."""
        new = Key(self.ids.api_key(), now + self.propagation)
        return replace(credential, api_keys=(*_retired(credential.api_keys, now), new))

    def with_new_client_key(self, credential: Credential, now: datetime) -> Credential:
        """Return ``credential`` with a new client key as its last one; the one before expires in 24 hours."""
        new = Key(self.ids.client_key(), now + self.propagation)
        return replace(credential, client_keys=(*_retired(credential.client_keys, now), new))


@implements(NEWEST_PREVIOUS)
def with_previous_expiring(credential: Credential, expires: datetime, now: datetime) -> Credential:
    """Return ``credential`` with its previous API key expiring at ``expires``.

    Raises :class:`SandboxError` where no earlier key is still working.
    """
    *earlier, newest = credential.api_keys
    index = next((i for i in reversed(range(len(earlier))) if not earlier[i].has_expired(now)), None)
    if index is None:
        raise SandboxError(f"{credential.id} has no previous API key that still works; generate a new one first")
    earlier[index] = replace(earlier[index], expires=expires)
    return replace(credential, api_keys=(*earlier, newest))


@implements(EARLIER_KEYS)
def _retired(keys: tuple[Key, ...], now: datetime) -> tuple[Key, ...]:
    return tuple(key if key.expires else replace(key, expires=now + OVERLAP) for key in keys)
