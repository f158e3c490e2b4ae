"""Routing: from a method and a path to one of the contract's operations. It knows paths, and no rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from urllib.parse import unquote

from pytest_adyen_creds.contract import VERSIONS, Contract, Operation, load_contract


@dataclass(frozen=True)
class Match:
    """A request's operation, the version it names, and the values in its path, percent-decoded."""

    operation: Operation
    version: str
    parameters: Mapping[str, str]
    contract: Contract | None = None
    """Whose operation it is, where it is none of those that the sandbox has state for."""


@dataclass(frozen=True)
class Mismatch:
    """No operation: ``allowed`` are the methods that the path has, none for an unknown path."""

    allowed: tuple[str, ...]


@cache
def served() -> Mapping[str, Operation]:
    """Return the operations by label: those of the contract, the same in each version."""
    return load_contract(VERSIONS[0]).operations


@cache
def _paths() -> Mapping[tuple[str, ...], Mapping[str, Operation]]:
    paths: dict[tuple[str, ...], dict[str, Operation]] = {}
    for operation in served().values():
        paths.setdefault(tuple(operation.path.strip("/").split("/")), {})[operation.method] = operation
    return paths


def route(method: str, path: str) -> Match | Mismatch:
    """Return the operation that ``method`` and ``path`` name; ``path`` is percent-encoded, as it was sent."""
    version, *segments = path.removeprefix("/").split("/")
    if version not in VERSIONS:
        return Mismatch(())
    for template, operations in _paths().items():
        values = match_path(template, segments)
        if values is None:
            continue
        return Match(operations[method], version, values) if method in operations else Mismatch(tuple(operations))
    return Mismatch(())


def match_path(template: Sequence[str], segments: Sequence[str]) -> dict[str, str] | None:
    """Return by name the percent-decoded segments that stand for names in braces; ``None`` for another path."""
    if len(template) != len(segments):
        return None
    pairs = list(zip(template, segments, strict=True))
    if not all(name.startswith("{") or name == given for name, given in pairs):
        return None
    return {name[1:-1]: unquote(given) for name, given in pairs if name.startswith("{")}
