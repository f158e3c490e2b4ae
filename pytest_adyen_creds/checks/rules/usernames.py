"""Usernames: their form fits the level, and they name the company."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pytest_adyen_creds.checks.exchange import Exchange
from pytest_adyen_creds.checks.history import History
from pytest_adyen_creds.checks.rules.rule import Complaint, rule

_COMPANY: Final = re.compile(r"ws(?:_[0-9]+)?@Company\.(.+)")
_BY_HAND: Final = re.compile(r"ws(?:_[0-9]+)?@(?:BalancePlatform|Scope)\..+")
_SOURCE: Final = "docs.adyen.com, API credentials, on the usernames of API users"


@rule(
    "username_form",
    "A username is ws@Company.X or ws_123456@Company.X; those made by hand may name a BalancePlatform or a Scope.",
    _SOURCE,
)
def form(exchange: Exchange, history: History) -> Iterator[Complaint]:
    """Usernames of another form, or of a form that the level cannot have."""
    for pointer, shown in exchange.credentials():
        username = shown.get("username")
        if not isinstance(username, str):
            continue
        by_hand = exchange.kind != "created" and exchange.level != "merchant" and _BY_HAND.fullmatch(username)
        if not _COMPANY.fullmatch(username) and not by_hand:
            yield Complaint(f"{pointer}/username", f"{pointer}/username is not of the form ws_123456@Company.X")


@rule(
    "username_company",
    "The company in a username is the company account that the credential belongs to.",
    _SOURCE,
)
def company(exchange: Exchange, history: History) -> Iterator[Complaint]:
    """Usernames that name another company than the path or ``companyName``."""
    for pointer, shown in exchange.credentials():
        username = shown.get("username")
        named = _COMPANY.fullmatch(username) if isinstance(username, str) else None
        wanted = shown.get("companyName") if exchange.level == "me" else exchange.parameters.get("companyId")
        if named and isinstance(wanted, str) and named[1] != wanted:
            yield Complaint(f"{pointer}/username", f"{pointer}/username names another company than {wanted}")
