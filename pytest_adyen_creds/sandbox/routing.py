"""Routing: from a method and a path to one of the 26 operations. It knows paths, and no rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

VERSIONS: Final = ("v1", "v3")
"""The versions of the API that are served, each under a path of its name."""


@dataclass(frozen=True)
class Operation:
    """One operation: its label, what it does, and the message its body must be (``None``: it has no body)."""

    method: str
    path: str
    action: str
    message: str | None = None

    @property
    def label(self) -> str:
        """The operation's name, for example ``POST /companies/{companyId}/apiCredentials``."""
        return f"{self.method} {self.path}"


@dataclass(frozen=True)
class Match:
    """A request's operation, the version it names, and the values in its path, percent-decoded."""

    operation: Operation
    version: str
    parameters: Mapping[str, str]


@dataclass(frozen=True)
class Mismatch:
    """No operation: ``allowed`` are the methods that the path has, none for an unknown path."""

    allowed: tuple[str, ...]


def _account_level(account: str, level: str) -> tuple[Operation, ...]:
    many = f"{account}/apiCredentials"
    one = f"{many}/{{apiCredentialId}}"
    return (
        Operation("GET", many, "list_credentials"),
        Operation("POST", many, "create_credential", f"Create{level}ApiCredentialRequest"),
        Operation("GET", one, "show_credential"),
        Operation("PATCH", one, "update_credential", f"Update{level}ApiCredentialRequest"),
        *_origins(one, "AllowedOrigin"),
        Operation("POST", f"{one}/generateApiKey", "generate_api_key"),
        Operation("POST", f"{one}/generateClientKey", "generate_client_key"),
    )


def _origins(parent: str, message: str) -> tuple[Operation, ...]:
    many = f"{parent}/allowedOrigins"
    return (
        Operation("GET", many, "list_origins"),
        Operation("POST", many, "add_origin", message),
        Operation("GET", f"{many}/{{originId}}", "show_origin"),
        Operation("DELETE", f"{many}/{{originId}}", "remove_origin"),
    )


OPERATIONS: Final[Mapping[str, Operation]] = {
    operation.label: operation
    for operation in (
        *_account_level("/companies/{companyId}", "Company"),
        *_account_level("/merchants/{merchantId}", "Merchant"),
        Operation("GET", "/me", "show_me"),
        *_origins("/me", "CreateAllowedOriginRequest"),
        Operation("POST", "/me/generateClientKey", "generate_client_key"),
    )
}
"""The 26 operations by label, the same in both versions."""

_PATHS: Final[Mapping[tuple[str, ...], Mapping[str, Operation]]] = {
    tuple(path.strip("/").split("/")): {o.method: o for o in OPERATIONS.values() if o.path == path}
    for path in {operation.path for operation in OPERATIONS.values()}
}


def route(method: str, path: str) -> Match | Mismatch:
    """Return the operation that ``method`` and ``path`` name; ``path`` is percent-encoded, as it was sent."""
    version, *segments = path.removeprefix("/").split("/")
    if version not in VERSIONS:
        return Mismatch(())
    for template, operations in _PATHS.items():
        values = match_path(template, segments)
        if values is None:
            continue
        if method not in operations:
            return Mismatch(tuple(operations))
        names = (name[1:-1] for name in template if name.startswith("{"))
        return Match(operations[method], version, dict(zip(names, values, strict=True)))
    return Mismatch(())


def match_path(template: Sequence[str], segments: Sequence[str]) -> list[str] | None:
    """Return the percent-decoded segments that stand for a template's names in braces; ``None`` for another path."""
    if len(template) != len(segments):
        return None
    pairs = list(zip(template, segments, strict=True))
    if not all(name.startswith("{") or name == given for name, given in pairs):
        return None
    return [unquote(given) for name, given in pairs if name.startswith("{")]
