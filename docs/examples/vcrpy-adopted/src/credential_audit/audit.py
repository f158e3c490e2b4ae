"""The audit itself, which asks nobody."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from credential_audit.api import Credential

MAKES_CREDENTIALS: Final = "Management API - API credentials read and write"


@dataclass(frozen=True)
class Problem:
    """What is wrong with a credential."""

    credential: str
    """Its description, else its username."""
    what: str


def audit(credentials: Iterable[Credential]) -> Iterator[Problem]:
    """Yield what is wrong with those that are switched on."""
    for each in credentials:
        name = each.description or each.username
        if not each.is_active:
            continue
        if MAKES_CREDENTIALS in each.roles and len(each.roles) > 1:
            yield Problem(name, "makes credentials, and does other things")
        if not each.allowed_addresses:
            yield Problem(name, "may be used from anywhere")
