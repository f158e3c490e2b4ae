"""Secrets: shown where they are made and nowhere else; whose a key is, and how long it works."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pytest_adyen_creds.checks.exchange import Exchange
from pytest_adyen_creds.checks.known_state import SHORTEST, KnownState
from pytest_adyen_creds.checks.rules.rule import SPECIFICATION, RuleViolation, rule

_ONCE: Final = {"apiKey": ("created", "api-key"), "password": ("created",)}
_CLIENT_KEY: Final = ("created", "credential", "page", "client-key")

OVERLAP: Final = 24 * 3600.0
"""Seconds that a replaced key goes on working."""

_SLACK: Final = 120.0


@rule(f"{SPECIFICATION}, POST …/apiCredentials and POST …/generateApiKey")
def secrets_shown_once(exchange: Exchange, state: KnownState) -> Iterator[RuleViolation]:
    """An API key is shown by the call that makes it, a password by the creation, and neither anywhere else."""
    if not exchange.good:
        return
    known = {secret for secret in (*state.keys, *state.passwords) if len(secret) >= SHORTEST}
    for pointer, name, text in exchange.body_texts:
        if name in _ONCE:
            if exchange.kind not in _ONCE[name] or pointer != f"/{name}":
                yield RuleViolation(pointer, "shows a secret in an answer that must not show one")
        elif name == "clientKey" and exchange.kind not in _CLIENT_KEY:
            yield RuleViolation(pointer, "shows a client key in an answer that must not show one")
        elif any(secret in text for secret in known):
            yield RuleViolation(pointer, "holds an API key or a password that was shown before")


@rule(f"{SPECIFICATION}, RestServiceError has no secret property; an error is logged where an answer is not")
def no_secret_in_errors(exchange: Exchange, state: KnownState) -> Iterator[RuleViolation]:
    """No error shows a secret: not the key that signed the request, and none that was shown before."""
    if exchange.good:
        return
    secrets = state.secrets | {secret for secret in exchange.presented_secrets if len(secret) >= SHORTEST}
    found = list(exchange.body_texts) or [("", "", exchange.response.content.decode("utf-8", "replace"))]
    found += [("", name, value) for name, value in exchange.response.headers.items()]
    for pointer, name, text in found:
        if name in exchange.contract.secret_properties and len(text) >= SHORTEST:
            yield RuleViolation(pointer, "of an error is named like a secret, and holds a value")
        elif any(secret in text for secret in secrets):
            place = "" if pointer else f"the header {name} " if name else "the body "
            yield RuleViolation(pointer, f"{place}of an error holds a secret")


@rule(f"{SPECIFICATION}, POST …/generateApiKey and …/generateClientKey: a new key is generated")
def secrets_are_new(exchange: Exchange, state: KnownState) -> Iterator[RuleViolation]:
    """A key or a password that is made is one that was never shown before."""
    if not exchange.good or exchange.kind not in ("created", "api-key", "client-key"):
        return
    for name in exchange.contract.secret_properties:
        value = exchange.shown.get(name)
        if isinstance(value, str) and value in state.secrets:
            yield RuleViolation(f"/{name}", "is a secret that was shown before; each is made anew")


@rule("docs.adyen.com, client-side authentication, on client keys")
def client_key_environment(exchange: Exchange, state: KnownState) -> Iterator[RuleViolation]:
    """A client key starts with the name of its environment: test_ on a test endpoint."""
    if not exchange.good:
        return
    for pointer, name, text in exchange.body_texts:
        if name == "clientKey" and not text.startswith("test_"):
            yield RuleViolation(pointer, "does not start with test_, so it is no key of the test environment")


@rule(f"{SPECIFICATION}, property active of the update messages")
def deactivated_refused(exchange: Exchange, state: KnownState) -> Iterator[RuleViolation]:
    """None of a deactivated credential's keys works, nor its password."""
    signer = state.signer(exchange)
    if signer is not None and signer.active is False and _let_in(exchange):
        yield RuleViolation("", f"the credential is deactivated, and its key was let in with {exchange.status}")


@rule(f"{SPECIFICATION}, POST …/generateApiKey")
def old_key_overlap(exchange: Exchange, state: KnownState) -> Iterator[RuleViolation]:
    """A replaced API key works for 24 hours more, and then no longer."""
    life = state.keys.get(exchange.presented[0] or "")
    signer = state.signer(exchange)
    if life is None or life.replaced is None or signer is None or signer.active is not True:
        return
    age = exchange.at - life.replaced
    if age < OVERLAP - _SLACK and exchange.status == 401 and (life.worked or exchange.expects):
        yield RuleViolation("", f"a key that was replaced {age / 3600:.1f} hours ago is refused; it has 24 hours")
    if age > OVERLAP + _SLACK and _let_in(exchange):
        yield RuleViolation("", f"a key that was replaced {age / 3600:.1f} hours ago is let in; it has 24 hours")


@rule(f"{SPECIFICATION}, GET /me")
def me_is_caller(exchange: Exchange, state: KnownState) -> Iterator[RuleViolation]:
    """GET /me shows the credential whose key or password signed the request."""
    signer = state.signer(exchange)
    if exchange.operation.label != "GET /me" or not exchange.good or not isinstance(exchange.body, dict):
        return
    if signer is None:
        return
    for name in ("id", "username"):
        wanted = signer.id if name == "id" else signer.fields.get(name)
        if isinstance(wanted, str) and exchange.body.get(name) != wanted:
            yield RuleViolation(f"/{name}", "is not that of the credential that signed the request")


def _let_in(exchange: Exchange) -> bool:
    """Whether the server took the request's key; an answer about the rate or its own fault does not say."""
    return exchange.status not in (401, 403, 429) and exchange.status < 500
