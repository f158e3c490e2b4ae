"""Allowed origins: what is added is what is listed and read, and what is removed is gone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pytest_adyen_creds.checks.exchange import Exchange
from pytest_adyen_creds.checks.known_state import KnownState
from pytest_adyen_creds.checks.rules.rule import SPECIFICATION, RuleViolation, rule


@rule(f"{SPECIFICATION}, POST …/allowedOrigins")
def origin_as_sent(exchange: Exchange, state: KnownState) -> Iterator[RuleViolation]:
    """Adding an origin answers the origin that was added, with an id."""
    if not exchange.good or exchange.kind != "origin" or not exchange.changes or not isinstance(exchange.body, dict):
        return
    asked, shown = exchange.asked.get("domain"), exchange.body.get("domain")
    if isinstance(asked, str) and isinstance(shown, str) and not same(asked, shown):
        yield RuleViolation("/domain", "is not the origin that was added")
    if not isinstance(exchange.body.get("id"), str):
        yield RuleViolation("/id", "is missing; without it the origin can be neither read nor removed")


@rule(f"{SPECIFICATION}, GET and DELETE …/allowedOrigins and …/allowedOrigins/{{originId}}")
def origins_round_trip(exchange: Exchange, state: KnownState) -> Iterator[RuleViolation]:
    """The list of a credential's origins, and each read by its id, is what was added and not removed."""
    subject = state.subject(exchange)
    if subject is None or not exchange.good or exchange.changes or exchange.expects == "204":
        return
    origin_id = exchange.parameters.get("originId")
    if origin_id is not None:
        if origin_id in subject.removed:
            yield RuleViolation("", "an origin that was removed can still be read")
        known = (subject.origins or {}).get(origin_id)
        shown = exchange.shown
        if shown.get("id") not in (None, origin_id):
            yield RuleViolation("/id", "is not that of the origin that was asked for")
        if known is not None and isinstance(shown.get("domain"), str) and not same(known, shown["domain"]):
            yield RuleViolation("/domain", "is not what the origin was added with")
    elif exchange.kind == "origins" and subject.origins is not None:
        listed = {shown.get("id"): shown.get("domain") for _, shown in exchange.origins()}
        yield from differences(subject.origins, listed, "/data")


def differences(known: dict[str, str], listed: dict[Any, Any], pointer: str) -> Iterator[RuleViolation]:
    """Yield how a list of origins, id to domain, departs from the known one."""
    if known.keys() - listed.keys():
        yield RuleViolation(pointer, "lacks an origin that was added")
    if listed.keys() - known.keys():
        yield RuleViolation(pointer, "has an origin that was removed, or never added")
    for id in known.keys() & listed.keys():
        if isinstance(listed[id], str) and not same(known[id], listed[id]):
            yield RuleViolation(pointer, "shows an origin with another domain than it was added with")


def same(one: str, other: str) -> bool:
    """Return whether two texts are one origin: case, a slash at the end and a scheme's own port do not count."""
    return _plain(one) == _plain(other)


def _plain(origin: str) -> str:
    scheme, mark, rest = origin.lower().rstrip("/").partition("://")
    return scheme + mark + rest.removesuffix({"https": ":443", "http": ":80"}.get(scheme, "\n"))
