"""Secrets: shown where they are made and nowhere else, never the same twice, never in an error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pytest_adyen_creds.checks.exchange import Exchange, texts
from pytest_adyen_creds.checks.history import History
from pytest_adyen_creds.checks.rules.rule import SPECIFICATION, Complaint, rule

_ONCE: Final = {"apiKey": ("created", "api-key"), "password": ("created",)}
_CLIENT_KEY: Final = ("created", "credential", "page", "client-key")
_SHORTEST: Final = 6


@rule(
    "secrets_shown_once",
    "An API key is shown by the call that makes it, a password by the creation, and neither anywhere else.",
    f"{SPECIFICATION}, POST …/apiCredentials and POST …/generateApiKey",
)
def shown_once(exchange: Exchange, history: History) -> Iterator[Complaint]:
    """Secret properties in other answers, and values of known secrets under any name."""
    if not exchange.good:
        return
    known = _once_shown(history)
    for pointer, name, text in texts(exchange.body):
        if name in _ONCE:
            if exchange.kind not in _ONCE[name] or pointer != f"/{name}":
                yield Complaint(pointer, f"{pointer} shows a secret in an answer that must not show one")
        elif name == "clientKey" and exchange.kind not in _CLIENT_KEY:
            yield Complaint(pointer, f"{pointer} shows a client key in an answer that must not show one")
        elif any(secret in text for secret in known):
            yield Complaint(pointer, f"{pointer} holds an API key or a password that was shown before")


@rule(
    "no_secret_in_errors",
    "No error shows a secret: not the key that signed the request, and none that was shown before.",
    f"{SPECIFICATION}, RestServiceError has no secret property; an error is logged where an answer is not",
)
def none_in_errors(exchange: Exchange, history: History) -> Iterator[Complaint]:
    """Secrets in the body or the headers of an answer that is no success."""
    if exchange.good:
        return
    key, basic = exchange.presented
    presented = [secret for secret in (key, basic and basic[1]) if secret and len(secret) >= _SHORTEST]
    secrets = {*history.secrets, *presented}
    found = list(texts(exchange.body)) or [("", "", exchange.response.content.decode("utf-8", "replace"))]
    found += [("", name, value) for name, value in exchange.response.headers.items()]
    for pointer, name, text in found:
        if name in exchange.contract.secret_properties and len(text) >= _SHORTEST:
            yield Complaint(pointer, f"{pointer} of an error is named like a secret, and holds a value")
        elif any(secret in text for secret in secrets):
            place = pointer or (f"the header {name}" if name else "the body")
            yield Complaint(pointer, f"{place} of an error holds a secret")


@rule(
    "secrets_are_new",
    "A key or a password that is made is one that was never shown before.",
    f"{SPECIFICATION}, POST …/generateApiKey and …/generateClientKey: a new key is generated",
)
def are_new(exchange: Exchange, history: History) -> Iterator[Complaint]:
    """Secrets that a creating or rotating call answers a second time."""
    if (
        not exchange.good
        or exchange.kind not in ("created", "api-key", "client-key")
        or not isinstance(exchange.body, dict)
    ):
        return
    for name in exchange.contract.secret_properties:
        value = exchange.body.get(name)
        if isinstance(value, str) and value in history.secrets:
            yield Complaint(f"/{name}", f"/{name} is a secret that was shown before; each is made anew")


@rule(
    "client_key_environment",
    "A client key starts with the name of its environment: test_ on a test endpoint.",
    "docs.adyen.com, client-side authentication, on client keys",
)
def environment(exchange: Exchange, history: History) -> Iterator[Complaint]:
    """Client keys without ``test_``."""
    if not exchange.good:
        return
    for pointer, name, text in texts(exchange.body):
        if name == "clientKey" and not text.startswith("test_"):
            yield Complaint(pointer, f"{pointer} does not start with test_, so it is no key of the test environment")


def _once_shown(history: History) -> set[str]:
    return {secret for secret in (*history.keys, *history.passwords) if len(secret) >= _SHORTEST}
