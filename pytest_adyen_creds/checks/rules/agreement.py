"""Agreement: creating, reading and listing say the same of one credential, and what was asked for was done."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from pytest_adyen_creds.checks.exchange import Exchange, items
from pytest_adyen_creds.checks.history import History, Known
from pytest_adyen_creds.checks.rules.origins import differences, same
from pytest_adyen_creds.checks.rules.rule import SPECIFICATION, Complaint, rule
from pytest_adyen_creds.text import normalised

_LISTS: Final = ("associatedMerchantAccounts", "allowedIpAddresses", "roles")


@rule(
    "reads_agree",
    "Create, read, list and /me say the same of one credential until something changes it.",
    f"{SPECIFICATION}, the operations on one credential answer one resource",
)
def reads_agree(exchange: Exchange, history: History) -> Iterator[Complaint]:
    """Properties that differ from what the sequence showed before."""
    for pointer, shown in exchange.credentials():
        known = history.credentials.get(shown["id"]) if isinstance(shown.get("id"), str) else None
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
            yield Complaint("/id", "/id is not that of the credential that was asked for")


@rule(
    "asked_is_done",
    "A credential that a request created or changed is as the request says.",
    f"{SPECIFICATION}, the properties of the create and update messages",
)
def asked_is_done(exchange: Exchange, history: History) -> Iterator[Complaint]:
    """Properties that an accepted request asked for and its answer does not show."""
    asked, shown = exchange.sent, exchange.body
    if not (exchange.good and exchange.changes and isinstance(asked, dict) and isinstance(shown, dict)):
        return
    if exchange.kind not in ("created", "credential"):
        return
    for name in ("description", "subjectDN"):
        if isinstance(asked.get(name), str) and asked[name].strip() != str(shown.get(name) or "").strip():
            yield Complaint(f"/{name}", f"/{name} is not what the request asked for")
    wanted = asked.get("active")
    if isinstance(wanted, bool) and isinstance(shown.get("active"), bool) and shown["active"] != wanted:
        yield Complaint("/active", "/active is not what the request asked for")
    if exchange.kind == "created" and shown.get("active") is False:
        yield Complaint("/active", "/active is false for a credential that was just created")
    for name in ("roles", "associatedMerchantAccounts"):
        if isinstance(asked.get(name), list) and _set(asked[name]) != _set(items(shown, name)):
            yield Complaint(f"/{name}", f"/{name} is not what the request asked for")
    if isinstance(asked.get("allowedOrigins"), list):
        domains = [item.get("domain") for item in items(shown, "allowedOrigins") if isinstance(item, dict)]
        texts = [domain for domain in asked["allowedOrigins"] if isinstance(domain, str)]
        found = [domain for domain in domains if isinstance(domain, str)]
        if not _same_origins(texts, found):
            yield Complaint("/allowedOrigins", "/allowedOrigins is not what the request asked for")


def _differing(pointer: str, shown: dict[str, Any], known: Known, names: tuple[str, ...]) -> Iterator[Complaint]:
    for name in names:
        if name not in shown or name not in known.fields:
            continue
        one, other = known.fields[name], shown[name]
        if name in _LISTS and isinstance(one, list) and isinstance(other, list):
            one, other = _set(one), _set(other)
        if one != other:
            yield Complaint(
                f"{pointer}/{name}", f"{pointer}/{name} differs from what was shown of the credential before"
            )


def _left_out(pointer: str, shown: dict[str, Any], known: Known) -> Iterator[Complaint]:
    for name in ("description", "subjectDN"):
        if known.fields.get(name) and name not in shown:
            yield Complaint(f"{pointer}/{name}", f"{pointer}/{name} is missing, and the credential has one")


def _origins(pointer: str, shown: dict[str, Any], known: Known) -> Iterator[Complaint]:
    if known.origins is not None:
        listed = {
            item.get("id"): item.get("domain") for item in items(shown, "allowedOrigins") if isinstance(item, dict)
        }
        yield from differences(known.origins, listed, f"{pointer}/allowedOrigins")


def _client_key(pointer: str, shown: dict[str, Any], known: Known) -> Iterator[Complaint]:
    # during the overlap of 24 hours both the old one and the new one work; either may be shown
    key = shown.get("clientKey")
    if known.client_keys and isinstance(key, str) and key not in known.client_keys:
        yield Complaint(f"{pointer}/clientKey", f"{pointer}/clientKey is one that the credential was never given")


def _set(values: list[Any]) -> set[str]:
    return {normalised(value) for value in values if isinstance(value, str)}


def _same_origins(one: list[str], other: list[str]) -> bool:
    return all(any(same(a, b) for b in other) for a in one) and all(any(same(a, b) for b in one) for a in other)
