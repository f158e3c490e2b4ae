"""Credentials: their usernames and roles; create, read and list say the same, and what was asked for was done."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from pytest_adyen_creds.checks.exchange import Exchange, items
from pytest_adyen_creds.checks.known_state import Known, KnownState
from pytest_adyen_creds.checks.rules.origins import differences, same
from pytest_adyen_creds.checks.rules.rule import SPECIFICATION, RuleViolation, rule
from pytest_adyen_creds.text import normalised

_LISTS: Final = ("associatedMerchantAccounts", "allowedIpAddresses", "roles")
_COMPANY: Final = re.compile(r"ws(?:_[0-9]+)?@Company\.(.+)")
_BY_HAND: Final = re.compile(r"ws(?:_[0-9]+)?@(?:BalancePlatform|Scope)\..+")
_SOURCE: Final = "docs.adyen.com, API credentials, on the usernames of API users"


@rule(_SOURCE)
def username_form(exchange: Exchange, state: KnownState) -> Iterator[RuleViolation]:
    """A username is ws@Company.X or ws_123456@Company.X; those made by hand may name a BalancePlatform or a Scope."""
    for pointer, shown in exchange.credentials():
        username = shown.get("username")
        if not isinstance(username, str):
            continue
        by_hand = exchange.kind != "created" and exchange.level != "merchant" and _BY_HAND.fullmatch(username)
        if not _COMPANY.fullmatch(username) and not by_hand:
            yield RuleViolation(f"{pointer}/username", "is not of the form ws_123456@Company.X")


@rule(_SOURCE)
def username_company(exchange: Exchange, state: KnownState) -> Iterator[RuleViolation]:
    """The company in a username is the company account that the credential belongs to."""
    for pointer, shown in exchange.credentials():
        username = shown.get("username")
        named = _COMPANY.fullmatch(username) if isinstance(username, str) else None
        wanted = shown.get("companyName") if exchange.level == "me" else exchange.parameters.get("companyId")
        if named and isinstance(wanted, str) and named[1] != wanted:
            yield RuleViolation(f"{pointer}/username", f"names another company than {wanted}")


@rule("docs.adyen.com, API credentials for your balance platform, on managing permissions")
def roles_at_least_one(exchange: Exchange, state: KnownState) -> Iterator[RuleViolation]:
    """A credential has at least one role."""
    for pointer, shown in exchange.credentials():
        if shown.get("roles") == []:
            yield RuleViolation(f"{pointer}/roles", "is empty; a credential has at least one role")
    if exchange.good and exchange.changes and exchange.asked.get("roles") == []:
        yield RuleViolation("", "a request for no role at all was accepted")


@rule(f"{SPECIFICATION}, property roles of the create and update messages")
def roles_giveable(exchange: Exchange, state: KnownState) -> Iterator[RuleViolation]:
    """Only roles that the company's own user, ws@Company.X, holds can be given to others."""
    if state.giveable is None or not (exchange.good and exchange.changes):
        return
    for pointer, shown in exchange.credentials():
        for number, role in enumerate(items(shown, "roles")):
            if isinstance(role, str) and normalised(role) not in state.giveable:
                yield RuleViolation(
                    f"{pointer}/roles/{number}", "is a role that ws@Company does not hold, so it cannot be given"
                )
    asked = [role for role in items(exchange.sent, "roles") if isinstance(role, str)]
    if any(normalised(role) not in state.giveable for role in asked):
        yield RuleViolation("", "a request for a role that ws@Company does not hold was accepted")


@rule(f"{SPECIFICATION}, the operations on one credential answer one resource")
def reads_agree(exchange: Exchange, state: KnownState) -> Iterator[RuleViolation]:
    """Create, read, list and /me say the same of one credential until something changes it."""
    for pointer, shown in exchange.credentials():
        known = state.credentials.get(shown["id"]) if isinstance(shown.get("id"), str) else None
        if known is None:
            continue
        if exchange.changes:
            # what a change changes is the other rule's; nothing changes who it is
            yield from _differing(pointer, shown, known, ("id", "username"))
        elif known.own:
            unclear = ("associatedMerchantAccounts",) if exchange.level == "me" else ()
            names = tuple(name for name in known.fields if name in shown and name not in unclear)
            yield from _differing(pointer, shown, known, names)
            yield from _left_out(pointer, shown, known)
            yield from _origins(pointer, shown, known)
            yield from _client_key(pointer, shown, known)
        else:
            yield from _differing(pointer, shown, known, ("id", "username", "companyName"))
    if exchange.kind == "credential" and exchange.good:
        asked, answered = exchange.parameters.get("apiCredentialId"), exchange.shown.get("id")
        if asked is not None and isinstance(answered, str) and answered != asked:
            yield RuleViolation("/id", "is not that of the credential that was asked for")


@rule(f"{SPECIFICATION}, the properties of the create and update messages")
def asked_is_done(exchange: Exchange, state: KnownState) -> Iterator[RuleViolation]:
    """A credential that a request created or changed is as the request says."""
    asked, shown = exchange.sent, exchange.body
    if not (exchange.good and exchange.changes and isinstance(asked, dict) and isinstance(shown, dict)):
        return
    if exchange.kind not in ("created", "credential"):
        return
    for name in ("description", "subjectDN"):
        if isinstance(asked.get(name), str) and asked[name].strip() != str(shown.get(name) or "").strip():
            yield RuleViolation(f"/{name}", "is not what the request asked for")
    wanted = asked.get("active")
    if isinstance(wanted, bool) and isinstance(shown.get("active"), bool) and shown["active"] != wanted:
        yield RuleViolation("/active", "is not what the request asked for")
    if exchange.kind == "created" and shown.get("active") is False:
        yield RuleViolation("/active", "is false for a credential that was just created")
    for name in ("roles", "associatedMerchantAccounts"):
        if isinstance(asked.get(name), list) and _set(asked[name]) != _set(items(shown, name)):
            yield RuleViolation(f"/{name}", "is not what the request asked for")
    if isinstance(asked.get("allowedOrigins"), list):
        domains = [item.get("domain") for item in items(shown, "allowedOrigins") if isinstance(item, dict)]
        texts = [domain for domain in asked["allowedOrigins"] if isinstance(domain, str)]
        found = [domain for domain in domains if isinstance(domain, str)]
        if not _same_origins(texts, found):
            yield RuleViolation("/allowedOrigins", "is not what the request asked for")


def _differing(pointer: str, shown: dict[str, Any], known: Known, names: tuple[str, ...]) -> Iterator[RuleViolation]:
    for name in names:
        if name not in shown or name not in known.fields:
            continue
        one, other = known.fields[name], shown[name]
        if name in _LISTS and isinstance(one, list) and isinstance(other, list):
            one, other = _set(one), _set(other)
        if one != other:
            yield RuleViolation(f"{pointer}/{name}", "differs from what was shown of the credential before")


def _left_out(pointer: str, shown: dict[str, Any], known: Known) -> Iterator[RuleViolation]:
    for name in ("description", "subjectDN"):
        if known.fields.get(name) and name not in shown:
            yield RuleViolation(f"{pointer}/{name}", "is missing, and the credential has one")


def _origins(pointer: str, shown: dict[str, Any], known: Known) -> Iterator[RuleViolation]:
    if known.origins is not None:
        listed = {
            item.get("id"): item.get("domain") for item in items(shown, "allowedOrigins") if isinstance(item, dict)
        }
        yield from differences(known.origins, listed, f"{pointer}/allowedOrigins")


def _client_key(pointer: str, shown: dict[str, Any], known: Known) -> Iterator[RuleViolation]:
    # during the overlap of 24 hours both the old one and the new one work; either may be shown
    key = shown.get("clientKey")
    if known.client_keys and isinstance(key, str) and key not in known.client_keys:
        yield RuleViolation(f"{pointer}/clientKey", "is one that the credential was never given")


def _set(values: list[Any]) -> set[str]:
    return {normalised(value) for value in values if isinstance(value, str)}


def _same_origins(one: list[str], other: list[str]) -> bool:
    return all(any(same(a, b) for b in other) for a in one) and all(any(same(a, b) for b in one) for a in other)
