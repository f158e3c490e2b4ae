"""Learning: what a recording shows of secrets, names and ids, in their places and by what they look like."""

# ruff: noqa: D102 - what the methods are told of is said by places.Handler

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from pytest_adyen_creds.cassettes.fields import Kind, digits_of, is_id
from pytest_adyen_creds.cassettes.forms import keys_in
from pytest_adyen_creds.cassettes.headers import TRACE_HEADERS
from pytest_adyen_creds.cassettes.pseudonyms import holds_pseudonym

_ACCOUNT: Final = r"(?:(?=[\w.-]*[A-Za-z])\w[\w.-]*\w|\d{4,})"
_TAG: Final = r"(?P<tag>pytest-adyen-creds )(?P<run>\S{8}) exp \d{4}-\d\d-\d\dT\d\d:\d\dZ"
_USERNAME: Final = (
    r"(?<![\w.+-])(?P<local>ws|[\w.+-]{1,64})(?P<at>@|%40)"
    rf"(?P<scope>(?:Company|BalancePlatform|Scope)\.(?:Company_)?)(?P<owner>{_ACCOUNT})"
)
_PATH: Final = rf"(?P<path>/(?:companies|merchants)/)(?P<holder>{_ACCOUNT})(?=[/?#\"'\s]|$)"
_RESOURCE: Final = r"(?P<resource>/(?:apiCredentials|allowedOrigins)/)(?P<of>(?=[\w-]*\d)[\w-]{4,200})(?=[/?#\"'\s]|$)"
# as the platform was seen to write them: of credentials and other resources, older ones and origins, and of requests
_ID: Final = r"\b(?P<id>S2-[0-9A-Za-z]{4,}|[A-Z]{4}\d\d[0-9A-Z]{14,34})\b"
_REQUEST: Final = r"\b(?P<request>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}_\d+-[0-9A-Z]{12,24})\b"
KNOWN_FORMS: Final = re.compile("|".join((_TAG, _USERNAME, _PATH, _RESOURCE, _REQUEST, _ID)), re.ASCII)
"""Names and ids by what they look like, in any text: user names, paths, ids, and the runs in throwaways' tags."""

NAME: Final = re.compile(r"(?=.*[^\W\d_])\w[^\x00-\x1f\x7f]*[\w.)!]|\d{4,}")
"""A value in the place of an account's name that may be one; generated requests have other things there."""

ORDINARY: Final = frozenset(
    {"null", "none", "true", "false", "string", "undefined", "test", "live", "adyen", "company"}
)
"""Words that also stand in sentences: never searched for elsewhere."""


def is_user(value: str) -> bool:
    """Tell whether ``value``, of another form than Adyen's user names, may be one; generated requests have others."""
    return len(value) >= 3 and value.isprintable() and value.lower() not in ORDINARY


class Learner:
    """Collects what a recording shows of secrets, names and ids; changes nothing."""

    def __init__(self, accounts: Iterable[str]) -> None:
        self.secrets: set[str] = set()
        self.looks: set[str] = set()
        """What only looks like a secret, and where it ends is a guess."""
        self.configured = frozenset(accounts)
        self.known: set[str] = set(self.configured)
        """The accounts, ids and user names that there are, for all we know; a request may name anything there."""
        self.levels: dict[str, str] = dict.fromkeys(self.configured, "")
        self.ids: set[str] = set()
        self.usernames: set[str] = set()
        self.references: set[str] = set()
        self.numbers: set[str] = set()
        """The digits of ids, names and references that are numbers somewhere."""
        self.texts: set[str] = set()
        """Every text and every value, once."""
        self._read: set[str] = set()

    def at(self, where: str) -> None:
        """Learn the same everywhere."""

    def secret(self, value: str) -> str:
        self.texts.add(value)
        self.secrets.add(value)
        return value

    def number(self, value: float, kind: Kind | None) -> float:
        digits = digits_of(value)
        self.texts.add(digits)
        if digits and kind not in (None, "secret") and not holds_pseudonym(digits):
            self.numbers.add(digits)
            (self.references if kind == "reference" else self.ids).add(digits)
        return value

    def text(self, value: str) -> str:
        if value not in self._read:  # roles, labels and paths come again in every interaction
            self._read.add(value)
            self.texts.add(value)
            self.looks |= keys_in(value)
            self.forms_in(value)
        return value

    def name(self, value: str) -> str:
        return self.text(value)

    def forms_in(self, value: str) -> None:
        for match in KNOWN_FORMS.finditer(value):
            if match["owner"]:
                self._level(match["owner"], "company" if "Company" in match["scope"] else "")
            elif match["holder"]:
                self._level(match["holder"], "company" if match["path"] == "/companies/" else "merchant")
            elif match["id"] or match["of"]:
                self._id(match["id"] or match["of"])
            elif match["request"]:
                self.references.add(match["request"])

    def account(self, name: str, level: str) -> str:
        if NAME.fullmatch(name):
            self.texts.add(name)
            self._level(name, level)
            return name
        return self.text(name)

    def _level(self, name: str, level: str) -> None:
        if not self.levels.get(name) and not holds_pseudonym(name):
            self.levels[name] = level

    def identifier(self, value: str) -> str:
        if is_id(value):
            self.texts.add(value)
            self._id(value)
            return value
        return self.text(value)

    def _id(self, value: str) -> None:
        if not holds_pseudonym(value):
            self.ids.add(value)

    def username(self, value: str) -> str:
        if KNOWN_FORMS.fullmatch(value) or not is_user(value) or holds_pseudonym(value):
            return self.text(value)
        self.usernames.add(value)
        return value

    def reference(self, value: str) -> str:
        self.texts.add(value)
        self.references.add(value)
        return value

    def idempotency_key(self, value: str) -> str:
        self.texts.add(value)
        return value

    def origin(self, value: str) -> str:
        return value

    def dropped(self, name: str, value: str) -> None:
        (self.references if name in TRACE_HEADERS else self.secrets).add(value)


class Answers(Learner):
    """Collects the accounts, ids and user names that a server's own answers name."""

    def text(self, value: str) -> str:
        self.forms_in(value)
        return value
