"""Usernames: which kind of API user a name belongs to, and which API it signs in to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pytest_adyen_creds.errors import CredentialError


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

FORMS: Final = {
    UserKind.COMPANY: "ws@Company.NAME or ws_DIGITS@Company.NAME",
    UserKind.BALANCE_PLATFORM: "ws@BalancePlatform.NAME or ws_DIGITS@BalancePlatform.NAME",
    UserKind.LEM: "ws@Scope.Company_NAME or ws_DIGITS@Scope.Company_NAME",
}
"""How the usernames of each kind are written."""

_NAME = r"(?P<name>[A-Za-z0-9_-](?:[A-Za-z0-9._-]*[A-Za-z0-9_-])?)"
_PATTERNS: Final = {
    UserKind.COMPANY: re.compile(rf"ws(?:_(?P<number>[0-9]+))?@Company\.{_NAME}"),
    UserKind.BALANCE_PLATFORM: re.compile(rf"ws(?:_(?P<number>[0-9]+))?@BalancePlatform\.{_NAME}"),
    UserKind.LEM: re.compile(rf"ws(?:_(?P<number>[0-9]+))?@Scope\.Company_{_NAME}"),
}


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
    if isinstance(text, str):
        for kind, pattern in _PATTERNS.items():
            if match := pattern.fullmatch(text):
                return Username(text, kind, match["number"], match["name"])
    return None


def require_kind(text: str, kind: UserKind, source: str) -> Username:
    """Return ``text`` taken apart; raises :class:`CredentialError` naming ``source`` unless it is of ``kind``."""
    parsed = parse_username(text)
    if parsed is None or parsed.kind is not kind:
        what = "no API user's name" if parsed is None else f"the name of a {parsed.kind} user"
        raise CredentialError(f"{source} holds {ascii(text)[:100]}, which is {what}; write {FORMS[kind]}")
    return parsed
