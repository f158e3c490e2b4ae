"""What a rule can decide: an outcome, or a refusal. Neither knows HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from pytest_adyen_creds.sandbox.rules import Rule


class Kind(Enum):
    """Why a request was refused; the style of answers turns it into an error."""

    UNREADABLE = auto()
    UNAUTHENTICATED = auto()
    MASKED = auto()
    FORBIDDEN = auto()
    FOREIGN_COMPANY = auto()
    INVALID = auto()
    INVALID_ORIGIN = auto()
    UNPROCESSABLE = auto()
    UNKNOWN_CREDENTIAL = auto()
    UNKNOWN_ORIGIN = auto()
    TOO_MANY = auto()
    NO_SUCH_PATH = auto()
    METHOD_NOT_ALLOWED = auto()
    INTERNAL = auto()


@dataclass(frozen=True)
class InvalidField:
    """One field that a rule refuses: the rule, its name, the refused value as text, and what is wrong with it."""

    rule: Rule
    name: str
    value: str
    message: str


@dataclass(frozen=True)
class Outcome:
    """A request was carried out: the rule that says how it is answered, and the answer.

    ``document`` is a JSON object that may hold :class:`~pytest_adyen_creds.secrets.Secret` values; ``None`` means that
    there is nothing to show.
    """

    rule: Rule
    document: Mapping[str, Any] | None


class Refused(Exception):
    """A rule refused a request. ``invalid`` names the fields, ``code`` overrides the kind's error code."""

    def __init__(
        self,
        rule: Rule,
        kind: Kind,
        detail: str,
        *,
        invalid: Sequence[InvalidField] = (),
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.rule = rule
        self.kind = kind
        self.detail = detail
        self.invalid = tuple(invalid)
        self.code = code
        self.headers = dict(headers or {})


@dataclass
class InvalidFields:
    """The invalid fields of one request, gathered so that one answer names them all; ``kind`` says what it is about."""

    kind: Kind = Kind.INVALID
    found: list[InvalidField] = field(default_factory=list)

    def add(self, rule: Rule, name: str, value: str, message: str) -> None:
        """Note that ``rule`` refuses the field ``name``."""
        self.found.append(InvalidField(rule, name, value[:100], message))

    def raise_any(self) -> None:
        """Raise :class:`Refused` by the first rule that complained, with every invalid field; else return."""
        if self.found:
            detail = f"{len(self.found)} invalid field(s)"
            raise Refused(self.found[0].rule, self.kind, detail, invalid=self.found)
