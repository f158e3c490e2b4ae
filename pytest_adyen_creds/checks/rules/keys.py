"""Keys: whose they are, how long a replaced one works, and that a deactivated credential's are refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pytest_adyen_creds.checks.exchange import Exchange
from pytest_adyen_creds.checks.history import History
from pytest_adyen_creds.checks.rules.rule import SPECIFICATION, Complaint, rule

OVERLAP: Final = 24 * 3600.0
"""Seconds that a replaced key goes on working."""

_SLACK: Final = 120.0
_PASSING: Final = frozenset({429})


@rule(
    "deactivated_refused",
    "None of a deactivated credential's keys works, nor its password.",
    f"{SPECIFICATION}, property active of the update messages",
)
def deactivated(exchange: Exchange, history: History) -> Iterator[Complaint]:
    """Requests that a switched-off credential signed and that were let in."""
    signer = history.signer(exchange)
    refused = exchange.status in (401, 403) or exchange.status in _PASSING or exchange.status >= 500
    if signer is not None and signer.active is False and not refused:
        yield Complaint("", f"the credential is deactivated, and its key was let in with {exchange.status}")


@rule(
    "old_key_overlap",
    "A replaced API key works for 24 hours more, and then no longer.",
    f"{SPECIFICATION}, POST …/generateApiKey",
)
def overlap(exchange: Exchange, history: History) -> Iterator[Complaint]:
    """Replaced keys that are refused too early, or let in too late."""
    life = history.keys.get(exchange.presented[0] or "")
    signer = history.signer(exchange)
    if life is None or life.replaced is None or signer is None or signer.active is not True:
        return
    age = exchange.at - life.replaced
    if age < OVERLAP - _SLACK and exchange.status == 401 and (life.worked or exchange.expects):
        yield Complaint("", f"a key that was replaced {age / 3600:.1f} hours ago is refused; it has 24 hours")
    if age > OVERLAP + _SLACK and exchange.status not in (401, 403, *_PASSING) and exchange.status < 500:
        yield Complaint("", f"a key that was replaced {age / 3600:.1f} hours ago is let in; it has 24 hours")


@rule(
    "me_is_caller",
    "GET /me shows the credential whose key or password signed the request.",
    f"{SPECIFICATION}, GET /me",
)
def me_is_caller(exchange: Exchange, history: History) -> Iterator[Complaint]:
    """Answers about somebody else."""
    signer = history.signer(exchange)
    if exchange.operation.label != "GET /me" or not exchange.good or not isinstance(exchange.body, dict):
        return
    if signer is None:
        return
    for name in ("id", "username"):
        wanted = signer.id if name == "id" else signer.fields.get(name)
        if isinstance(wanted, str) and exchange.body.get(name) != wanted:
            yield Complaint(f"/{name}", f"/{name} is not that of the credential that signed the request")
