"""The customer area: what people do there by hand, and the Management API has no call for."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from pytest_adyen_creds.errors import SandboxError
from pytest_adyen_creds.sandbox import keys, origins
from pytest_adyen_creds.sandbox.caller import REACHES
from pytest_adyen_creds.sandbox.credentials import LONGEST_DESCRIPTION
from pytest_adyen_creds.sandbox.keys import KeyService
from pytest_adyen_creds.sandbox.outcomes import InvalidFields
from pytest_adyen_creds.sandbox.roles import DEFAULT_ROLE
from pytest_adyen_creds.sandbox.rules import SPECIFICATION, Rule, implements
from pytest_adyen_creds.sandbox.state import Clock, Credential, Digested, KeyKind, State, UserKind
from pytest_adyen_creds.secrets import Secret

BY_HAND: Final = Rule.documented(
    "customer-area.by-hand",
    "Balance-platform and legal-entity users are made in the customer area only, and the Management API shows none.",
    "docs.adyen.com, API credentials for your balance platform; that lists leave them out is assumed",
)
USERNAMES: Final = Rule.documented(
    "customer-area.usernames",
    "Their usernames are ws_<digits>@BalancePlatform.<platform> and ws_<digits>@Scope.Company_<company>.",
    "docs.adyen.com, API credentials for your balance platform, table of user types",
)
CLIENT_SIDE: Final = Rule.documented(
    "client-keys.client-side",
    "A client key is accepted from the credential's allowed origins only, while the credential is active.",
    f"{SPECIFICATION}, DELETE …/allowedOrigins/{{originId}}; that it asks for an active credential is assumed",
)
DEFAULT_ROLES: Final = Rule.assumed(
    "customer-area.default-roles",
    "A user made by hand without roles gets one role named after the first API it reaches.",
    "a credential has at least one role; the page names none that new users get",
)


@dataclass(frozen=True)
class NewUser:
    """A user made in the customer area. This is the only time its secrets are shown."""

    id: str
    username: str
    api_key: Secret
    client_key: Secret | None
    """``None`` for a company user: it has none until one is generated."""
    password: Secret


@dataclass(frozen=True)
class Configuration:
    """What a person sets on a credential's page: all of it at once. ``origins`` are domains, as they are listed."""

    active: bool
    description: str
    roles: tuple[str, ...]
    allowed_ips: tuple[str, ...]
    origins: tuple[str, ...]


class CustomerArea:
    """The customer area of the sandbox's company. Credentials are named by id or by username."""

    def __init__(self, state: State, key_service: KeyService, clock: Clock) -> None:
        self._state = state
        self._key_service = key_service
        self._clock = clock

    def credentials(self) -> list[Credential]:
        """Return all credentials, users of all three kinds, in the order of their creation."""
        return list(self._state)

    def credential(self, name: str) -> Credential:
        """Return the credential with the id or username ``name``; raises :class:`SandboxError` for an unknown one."""
        found = self._state.get(name) or self._state.by_username(name)
        if found is None:
            raise SandboxError(f"no credential has the id or username {name!r}; see credentials() for those there are")
        return found

    def create_balance_platform_user(
        self, platform: str | None = None, *, roles: Iterable[str] = (), description: str = ""
    ) -> NewUser:
        """Make a user for the Configuration, Transfers and Session authentication APIs.

        ``platform`` is the balance platform's name (default: the company's). Raises :class:`SandboxError` for a
        description over 50 characters.
        """
        name = f"@BalancePlatform.{platform or self._state.company}"
        return self._create(UserKind.BALANCE_PLATFORM, name, roles, description)

    def create_legal_entity_user(self, *, roles: Iterable[str] = (), description: str = "") -> NewUser:
        """Make a user for the Legal Entity Management (LEM) API; raises like the other."""
        return self._create(UserKind.LEGAL_ENTITY, f"@Scope.Company_{self._state.company}", roles, description)

    def create_company_user(self, *, roles: Iterable[str] = (), description: str = "") -> NewUser:
        """Make a user for the Management API, without a client key; raises like the others.

        ``roles`` default to the one that the API gives where none are asked for. Its answers have no ``clientKey``,
        also with published answers, although Adyen's document requires it.
        """
        return self._create(UserKind.COMPANY, f"@Company.{self._state.company}", roles, description)

    def create_merchant_user(self, merchant: str, *, roles: Iterable[str] = (), description: str = "") -> NewUser:
        """Make a user for the Management API that is limited to ``merchant``, as :meth:`create_company_user` does.

        Raises :class:`SandboxError` for a merchant account that the company does not have, too.
        """
        if merchant not in self._state.merchants:
            there = ", ".join(self._state.merchants)
            raise SandboxError(f"the company has no merchant account {merchant!r}; give one of: {there}")
        return self._create(UserKind.COMPANY, f"@Company.{self._state.company}", roles, description, merchant)

    @implements(keys.PASSWORD_AT_ONCE, keys.PASSWORD_WORKS)
    def generate_password(self, name: str) -> Secret:
        """Give a credential a new basic-auth password and return it; the old one is dead at once."""
        password = self._key_service.ids.password()
        self._change(name, lambda credential, _: replace(credential, password=Digested.of(password)))
        return password

    def generate_api_key(self, name: str) -> Secret:
        """Give a credential of any kind a new API key and return it; the old one works for 24 more hours."""
        return self._generate(name, "api_keys")

    @implements(keys.RESET_EXPIRY)
    def reset_previous_key(self, name: str) -> None:
        """Let a credential's previous API key work for 24 hours from now.

        Raises :class:`SandboxError` where no previous key is still working.
        """
        self._change(name, lambda credential, now: keys.with_previous_expiring(credential, now + keys.OVERLAP, now))

    @implements(keys.EXPIRE_NOW)
    def expire_previous_key(self, name: str) -> None:
        """Expire a credential's previous API key at once; raises like :meth:`reset_previous_key`."""
        self._change(name, lambda credential, now: keys.with_previous_expiring(credential, now, now))

    def set_allowed_ips(self, name: str, addresses: Iterable[str]) -> None:
        """Allow requests from these IP addresses or networks only; none: from anywhere.

        Raises :class:`SandboxError` for what is neither.
        """
        wanted = tuple(addresses)
        _check_addresses(wanted)
        self._change(name, lambda credential, _: replace(credential, allowed_ips=wanted))

    def set_active(self, name: str, active: bool) -> None:
        """Switch a credential on or off."""
        self._change(name, lambda credential, _: replace(credential, active=active))

    @implements(CLIENT_SIDE)
    def accepts_client_key(self, client_key: Secret | str, origin: str | None = None) -> bool:
        """Tell whether client-side requests with ``client_key`` are accepted now.

        With ``origin`` (like ``https://shop.example``): from a page of that origin; without: from any allowed one.
        """
        presented = client_key.reveal() if isinstance(client_key, Secret) else client_key
        found = self._state.by_key("client_keys", presented)
        if found is None or not found[0].active or not found[1].works(self._clock.now()):
            return False
        return origin is None or any(origins.covers(allowed.domain, origin) for allowed in found[0].origins)

    def reaches(self, name: str) -> tuple[str, ...]:
        """Return the names of the APIs that a credential authenticates requests to."""
        return REACHES[self.credential(name).kind]

    def generate_client_key(self, name: str) -> Secret:
        """Give a credential of any kind a new client key and return it; the old one works for 24 more hours."""
        return self._generate(name, "client_keys")

    def configure(self, name: str, wanted: Configuration) -> None:
        """Give a credential the settings ``wanted``, all of them or none.

        Raises :class:`SandboxError` for what a credential cannot have, and where ``ws@Company.<company>`` would lose
        its roles or be switched off: nothing could be called any more.
        """
        _check_addresses(wanted.allowed_ips)
        _check_description(wanted.description)
        if not wanted.roles:
            raise SandboxError("a credential has at least one role; choose one")
        invalid = InvalidFields()
        origins.check_origins(wanted.origins, "allowedOrigins", invalid)
        if invalid.found:
            raise SandboxError(f"{invalid.found[0].value!r}: {invalid.found[0].message}")

        def change(credential: Credential, _: datetime) -> Credential:
            is_first = credential.username == f"ws@Company.{self._state.company}"
            if is_first and (not wanted.active or set(wanted.roles) != set(credential.roles)):
                raise SandboxError("this credential makes all others: it stays active, and keeps its roles")
            return replace(
                credential,
                active=wanted.active,
                description=wanted.description or None,
                roles=tuple(wanted.roles),
                allowed_ips=tuple(wanted.allowed_ips),
                origins=origins.replaced(credential.origins, wanted.origins, self._key_service.ids),
            )

        self._change(name, change)

    @staticmethod
    def apis(kind: UserKind) -> tuple[str, ...]:
        """Return the names of the APIs that users of a kind authenticate requests to."""
        return REACHES[kind]

    def _generate(self, name: str, kind: KeyKind) -> Secret:
        changed = self._change(name, lambda credential, now: self._key_service.with_new_key(credential, kind, now))
        return changed.keys(kind)[-1].secret

    def _change(self, name: str, change: Callable[[Credential, datetime], Credential]) -> Credential:
        """Store and return what ``change`` makes of the credential ``name`` at the sandbox's present time."""
        with self._state.lock:
            now = self._clock.now()
            return self._state.put(change(self.credential(name), now), now)

    @implements(BY_HAND, USERNAMES, DEFAULT_ROLES)
    def _create(
        self, kind: UserKind, name: str, roles: Iterable[str], description: str, home: str | None = None
    ) -> NewUser:
        _check_description(description)
        with self._state.lock:
            now = self._clock.now()
            username = f"ws_{self._key_service.ids.user_number()}{name}"
            is_company = kind is UserKind.COMPANY
            new = self._key_service.new_credential(username, now, has_client_key=not is_company)
            wanted = tuple(roles) or (DEFAULT_ROLE if is_company else f"{REACHES[kind][0]} role",)
            limits = (home,) if home else ()
            new = replace(new, kind=kind, home=home, merchants=limits, roles=wanted, description=description or None)
            made = self._state.put(new, now)
        client_key = made.client_keys[-1].secret if made.client_keys else None
        return NewUser(made.id, made.username, made.api_keys[-1].secret, client_key, made.password.secret)


def _check_description(description: str) -> None:
    if len(description) > LONGEST_DESCRIPTION:
        raise SandboxError(f"a description has at most {LONGEST_DESCRIPTION} characters; shorten it")


def _check_addresses(addresses: Iterable[str]) -> None:
    for address in addresses:
        try:
            ipaddress.ip_network(address, strict=False)
        except ValueError:
            raise SandboxError(f"{address!r} is no IP address; give one like 192.0.2.1 or 192.0.2.0/24") from None
