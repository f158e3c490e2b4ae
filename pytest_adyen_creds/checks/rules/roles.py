"""Roles: at least one, only giveable ones, and those that were asked for."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_adyen_creds.checks.exchange import Exchange, items
from pytest_adyen_creds.checks.history import History
from pytest_adyen_creds.checks.rules.rule import SPECIFICATION, Complaint, rule
from pytest_adyen_creds.text import normalised


@rule(
    "roles_at_least_one",
    "A credential has at least one role.",
    "docs.adyen.com, API credentials for your balance platform, on managing permissions",
)
def at_least_one(exchange: Exchange, history: History) -> Iterator[Complaint]:
    """Credentials without a role, and requests for none that were accepted."""
    for pointer, shown in exchange.credentials():
        if shown.get("roles") == []:
            yield Complaint(f"{pointer}/roles", f"{pointer}/roles is empty; a credential has at least one role")
    if exchange.good and exchange.changes and exchange.asked.get("roles") == []:
        yield Complaint("", "a request for no role at all was accepted")


@rule(
    "roles_giveable",
    "Only roles that the company's own user, ws@Company.X, holds can be given to others.",
    f"{SPECIFICATION}, property roles of the create and update messages",
)
def giveable(exchange: Exchange, history: History) -> Iterator[Complaint]:
    """Roles that were given, or accepted, and that the company's own user does not hold."""
    if history.giveable is None or not (exchange.good and exchange.changes):
        return
    for pointer, shown in exchange.credentials():
        for number, role in enumerate(items(shown, "roles")):
            if isinstance(role, str) and normalised(role) not in history.giveable:
                place = f"{pointer}/roles/{number}"
                yield Complaint(place, f"{place} is a role that ws@Company does not hold, so it cannot be given")
    asked = [role for role in items(exchange.sent, "roles") if isinstance(role, str)]
    if any(normalised(role) not in history.giveable for role in asked):
        yield Complaint("", "a request for a role that ws@Company does not hold was accepted")
