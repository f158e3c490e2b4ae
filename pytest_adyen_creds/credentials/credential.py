"""A credential: as an answer shows it, as a person made it, or on lease; and what its username says."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, NamedTuple, Self

from pytest_adyen_creds.client import Place
from pytest_adyen_creds.client.parsing import Level, links_in, objects_in
from pytest_adyen_creds.errors import CredentialError
from pytest_adyen_creds.secrets import Secret

OVERLAP: Final = timedelta(hours=24)
"""How long a replaced API key goes on working (Adyen's specification)."""


class UserKind(StrEnum):
    """The three kinds of API user (Adyen's documentation, table of user types)."""

    COMPANY = "company"
    """A company web service user: the Management API, and payments. The only kind that the API can create."""
    BALANCE_PLATFORM = "balance-platform"
    """Configuration, Transfers and Session authentication APIs."""
    LEM = "lem"
    """Legal Entity Management API."""


HOSTS: Final = {
    UserKind.COMPANY: "management-test.adyen.com",
    UserKind.BALANCE_PLATFORM: "balanceplatform-api-test.adyen.com",
    UserKind.LEM: "kyc-test.adyen.com",
}
"""The test host that each kind of user signs in to."""

_DOMAINS: Final = {
    "Company.": UserKind.COMPANY,
    "BalancePlatform.": UserKind.BALANCE_PLATFORM,
    "Scope.Company_": UserKind.LEM,
}
"""What stands between the ``@`` of a username and the account's name."""

_USERNAME: Final = re.compile(
    rf"ws(?:_(?P<number>[0-9]+))?@(?P<domain>{'|'.join(map(re.escape, _DOMAINS))})"
    r"(?P<account>[A-Za-z0-9_-](?:[A-Za-z0-9._-]*[A-Za-z0-9_-])?)"
)


@dataclass(frozen=True)
class Username:
    """A username taken apart: ``number`` is None for the account's first user; ``account`` is who it belongs to."""

    text: str
    kind: UserKind
    number: str | None
    account: str

    @property
    def host(self) -> str:
        """The test host that this user signs in to."""
        return HOSTS[self.kind]

    def __str__(self) -> str:
        return self.text


def parse_username(text: object) -> Username | None:
    """Return ``text`` taken apart, or None where it is no API user's name."""
    match = _USERNAME.fullmatch(text) if isinstance(text, str) else None
    return Username(match[0], _DOMAINS[match["domain"]], match["number"], match["account"]) if match else None


def require_kind(text: str, kind: UserKind, source: str) -> Username:
    """Return ``text`` taken apart; raises :class:`CredentialError` naming ``source`` unless it is of ``kind``."""
    parsed = parse_username(text)
    if parsed is None or parsed.kind is not kind:
        what = "no API user's name" if parsed is None else f"the name of a {parsed.kind} user"
        domain = next(domain for domain, owner in _DOMAINS.items() if owner is kind)
        form = f"ws@{domain}NAME or ws_DIGITS@{domain}NAME"
        raise CredentialError(f"{source} holds {ascii(text)[:100]}, which is {what}; write {form}")
    return parsed


@dataclass(frozen=True)
class Origin:
    """An allowed origin of a credential."""

    id: str
    domain: str


@dataclass(frozen=True)
class ShownCredential:
    """An API credential as an answer shows it; immutable, its secrets are :class:`Secret`.

    ``level`` and ``account`` say where it was made: at a company or at a merchant account. ``merchants`` are the
    merchant accounts that it is limited to, empty for the whole company. ``links`` map names such as ``self`` to URLs.
    ``api_key`` and ``password`` are None where they are not known: the API shows them once only. ``client_key`` is None
    for a credential that has none.
    """

    level: Level
    account: str
    id: str
    username: str
    roles: tuple[str, ...] = ()
    origins: tuple[Origin, ...] = ()
    merchants: tuple[str, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    description: str | None = None
    active: bool = True
    api_key: Secret | None = None
    password: Secret | None = None
    client_key: Secret | None = None

    @classmethod
    def of(cls, shown: ShownCredential) -> Self:
        """Return ``shown`` as one of this class; raises :class:`CredentialError` where a secret is not known."""
        for each in fields(cls):
            if each.default is MISSING and getattr(shown, each.name, MISSING) is None:
                name = each.name.replace("_", " ")
                raise CredentialError(f"the {name} of {shown.username} is not known; generate a new one")
        return cls(**vars(shown))

    @property
    def user(self) -> Username | None:
        """The username taken apart; None where it has an unknown form."""
        return parse_username(self.username)

    @property
    def kind(self) -> UserKind | None:
        """Which kind of API user it is; None where its username has an unknown form."""
        return self.user.kind if self.user else None

    def key(self) -> Secret:
        """Return the API key; raises :class:`CredentialError` where it is not known."""
        if self.api_key is None:
            raise CredentialError(f"the API key of {self.username} is not known; generate a new one")
        return self.api_key

    def updated(self, body: Mapping[str, Any]) -> Self:
        """Return this credential with what an answer of the API says about it.

        Raises :class:`CredentialError` for an answer about another one.
        """
        known = from_body(self.level, self.account, body)
        if (known.id, known.username) != (self.id, self.username):
            raise CredentialError(
                f"an answer about credential {self.id} ({self.username}) is about {known.id} ({known.username}); "
                "check what serves it"
            )
        # only what makes a key shows it, so that of an answer about the credential it is nobody knows whose
        secrets = {
            "api_key": self.api_key,
            "password": self.password,
            "client_key": known.client_key or self.client_key,
        }
        return replace(self, **{**vars(known), **secrets})


@dataclass(frozen=True)
class HandmadeCredential(ShownCredential):
    """A credential that a person made, whose API key is known."""

    api_key: Secret = field(kw_only=True)


@dataclass(frozen=True)
class Credential(ShownCredential):
    """A throwaway credential on lease; it has an API key and a client key."""

    api_key: Secret = field(kw_only=True)
    client_key: Secret = field(kw_only=True)
    rotator: Callable[[Credential], Rotation] | None = field(default=None, kw_only=True, repr=False, compare=False)
    """What makes a new API key; given by whoever leased the credential out."""

    def rotate_api_key(self) -> Rotation:
        """Return this credential with a new API key, and when the old key dies: 24 hours from now.

        Waits until the new key works. Raises :class:`CredentialError` for a credential that is not leased.
        """
        if self.rotator is None:
            raise CredentialError(
                f"{self.username} is not on lease, so its key is not this run's to change; "
                "rotate the credential that a fixture gave you"
            )
        return self.rotator(self)


class Rotation(NamedTuple):
    """A credential with its new API key, and the moment (UTC) at which the old key stops working."""

    credential: Credential
    old_key_expires: datetime


@dataclass
class PooledCredential:
    """A throwaway that this run holds: its credential as it is now, and its times."""

    credential: ShownCredential
    expires: datetime
    """What its tag says."""
    key_made: datetime

    @property
    def id(self) -> str:
        """The credential's id."""
        return self.credential.id

    @property
    def place(self) -> Place:
        """The level and the account at which it was made."""
        return self.credential.level, self.credential.account


def from_body(level: Level, account: str, body: Mapping[str, Any]) -> ShownCredential:
    """Return the credential that an answer shows; raises :class:`CredentialError` where it shows none."""
    credential_id, username = body.get("id"), body.get("username")
    if not isinstance(credential_id, str) or not isinstance(username, str):
        raise CredentialError(
            f"an answer about a credential of {account} has no id or no username; check what serves it"
        )
    return ShownCredential(
        level=level,
        account=account,
        id=credential_id,
        username=username,
        roles=texts(body.get("roles")),
        origins=tuple(
            Origin(str(item.get("id", "")), str(item.get("domain", "")))
            for item in objects_in(body.get("allowedOrigins"))
        ),
        merchants=texts(body.get("associatedMerchantAccounts")),
        links=MappingProxyType(links_in(body)),
        description=body["description"] if isinstance(body.get("description"), str) else None,
        active=body.get("active") is not False,
        api_key=_secret(body.get("apiKey")),
        password=_secret(body.get("password")),
        client_key=_secret(body.get("clientKey")),
    )


def to_body(credential: ShownCredential) -> dict[str, Any]:
    """Return ``credential`` as JSON in the API's own words, its secrets shown; :func:`from_body` reads it."""
    return {
        "id": credential.id,
        "username": credential.username,
        "roles": list(credential.roles),
        "allowedOrigins": [asdict(origin) for origin in credential.origins],
        "associatedMerchantAccounts": list(credential.merchants),
        "description": credential.description,
        "active": credential.active,
        "apiKey": credential.api_key and credential.api_key.reveal(),
        "password": credential.password and credential.password.reveal(),
        "clientKey": credential.client_key and credential.client_key.reveal(),
        "_links": {name: {"href": href} for name, href in sorted(credential.links.items())},
    }


def texts(value: object) -> tuple[str, ...]:
    """Return the texts in a list that an answer shows; none where it is no list."""
    return tuple(item for item in (value if isinstance(value, list) else ()) if isinstance(item, str))


def _secret(value: object) -> Secret | None:
    return value if isinstance(value, Secret) else Secret(value) if isinstance(value, str) else None
