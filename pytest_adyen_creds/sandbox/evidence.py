"""The evidence registry: each rule of the sandbox once, with what it rests on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeVar

from pytest_adyen_creds.errors import SandboxError

Function = TypeVar("Function", bound=Callable[..., Any])


class Evidence(StrEnum):
    """What a rule rests on."""

    DOCUMENTED = "documented"
    """Adyen's published specification or documentation says so."""
    OBSERVED = "observed"
    """A response captured from Adyen's test platform, and published, shows it."""
    ASSUMED = "assumed"
    """Nobody published it; the sandbox has to do something."""


@dataclass(frozen=True)
class Rule:
    """One behaviour of the sandbox.

    ``id`` is a stable name, SUBJECT.NAME; ``subject`` is the resource it is about, ``says`` the behaviour in one
    sentence, ``source`` the document that says so, or, for an assumption, why it was made.
    """

    id: str
    subject: str
    says: str
    evidence: Evidence
    source: str


_REGISTRY: Final[dict[str, Rule]] = {}
_FOLLOWERS: Final[dict[str, list[str]]] = {}

SPECIFICATION: Final = "Management API v3 specification"
"""How a source names Adyen's OpenAPI document."""
RECORDED: Final = "recorded answers of 2025-08, v3, published by another project"
REPORTED: Final = "public issue reports with answers of the test platform"
SDKS: Final = "answers captured in Adyen's SDK repositories"
"""How the sources of what was observed are named: three kinds of captured answers."""
ERROR_PAGES: Final = "Adyen's error pages, docs.adyen.com/errors"
"""How a source names Adyen's pages on errors."""


def _register(id: str, says: str, evidence: Evidence, source: str) -> Rule:
    if not says or not source:
        raise SandboxError(f"rule {id} has no text or no source; give both")
    if id in _REGISTRY:
        raise SandboxError(f"rule {id} is registered twice; give each rule its own name")
    _REGISTRY[id] = Rule(id, id.partition(".")[0], says, evidence, source)
    return _REGISTRY[id]


def documented(id: str, says: str, source: str) -> Rule:
    """Register a rule that Adyen's documents state; ``id`` is SUBJECT.NAME, ``source`` names the document."""
    return _register(id, says, Evidence.DOCUMENTED, source)


def observed(id: str, says: str, source: str) -> Rule:
    """Register a rule that a captured response shows; ``id`` is SUBJECT.NAME, ``source`` names the capture."""
    return _register(id, says, Evidence.OBSERVED, source)


def assumed(id: str, says: str, source: str) -> Rule:
    """Register a rule that nobody published; ``id`` is SUBJECT.NAME, ``source`` says why it was chosen."""
    return _register(id, says, Evidence.ASSUMED, source)


def follows(*rules: Rule) -> Callable[[Function], Function]:
    """Mark a function or class as what carries out ``rules``: those that shape answers rather than decide them."""

    def mark(function: Function) -> Function:
        for rule in rules:
            place = f"{function.__module__.rpartition('.')[2]}.{function.__qualname__}"
            _FOLLOWERS.setdefault(require_registered(rule).id, []).append(place)
        return function

    return mark


def followers(rule: Rule) -> tuple[str, ...]:
    """Return the functions that :func:`follows` marked for ``rule``, as ``module.function``."""
    return tuple(_FOLLOWERS.get(rule.id, ()))


def require_registered(rule: Rule) -> Rule:
    """Return ``rule``; raises :class:`SandboxError` unless it is the registered one of its id."""
    if _REGISTRY.get(rule.id) is not rule:
        raise SandboxError(f"rule {rule.id} decided an answer and is not registered; register it with its evidence")
    return rule


def registered_rules() -> tuple[Rule, ...]:
    """Return the rules registered so far, ordered by subject and name; see ``behaviours`` for all of them."""
    return tuple(sorted(_REGISTRY.values(), key=lambda rule: rule.id))
