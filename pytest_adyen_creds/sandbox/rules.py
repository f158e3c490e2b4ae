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
    """One behaviour of the sandbox, registered by what it rests on.

    ``id`` is a stable name, SUBJECT.NAME; ``subject`` is the resource it is about, ``says`` the behaviour in one
    sentence, ``source`` the document that says so, or, for an assumption, why it was made.
    """

    id: str
    subject: str
    says: str
    evidence: Evidence
    source: str

    @classmethod
    def documented(cls, id: str, says: str, source: str) -> Rule:
        """Register a rule that Adyen's documents state; ``source`` names the document."""
        return cls._register(id, says, Evidence.DOCUMENTED, source)

    @classmethod
    def observed(cls, id: str, says: str, source: str) -> Rule:
        """Register a rule that a captured response shows; ``source`` names the capture."""
        return cls._register(id, says, Evidence.OBSERVED, source)

    @classmethod
    def assumed(cls, id: str, says: str, source: str) -> Rule:
        """Register a rule that nobody published; ``source`` says why it was chosen."""
        return cls._register(id, says, Evidence.ASSUMED, source)

    @classmethod
    def _register(cls, id: str, says: str, evidence: Evidence, source: str) -> Rule:
        if not says or not source:
            raise SandboxError(f"rule {id} has no text or no source; give both")
        if id in _REGISTRY:
            raise SandboxError(f"rule {id} is registered twice; give each rule its own name")
        _REGISTRY[id] = cls(id, id.partition(".")[0], says, evidence, source)
        return _REGISTRY[id]


_REGISTRY: Final[dict[str, Rule]] = {}
_IMPLEMENTED: Final[set[str]] = set()

SPECIFICATION: Final = "Management API v3 specification"
"""How a source names Adyen's OpenAPI document."""
RECORDED: Final = "recorded answers of 2025-08, v3, published by another project"
REPORTED: Final = "public issue reports with answers of the test platform"
SDKS: Final = "answers captured in Adyen's SDK repositories"
"""How the sources of what was observed are named: three kinds of captured answers."""
ERROR_PAGES: Final = "Adyen's error pages, docs.adyen.com/errors"
"""How a source names Adyen's pages on errors."""


def implements(*rules: Rule) -> Callable[[Function], Function]:
    """Mark a function or class as what carries out ``rules``: those that shape answers rather than decide them."""

    def mark(function: Function) -> Function:
        _IMPLEMENTED.update(require_registered(rule).id for rule in rules)
        return function

    return mark


def is_implemented(rule: Rule) -> bool:
    """Tell whether :func:`implements` marked anything for ``rule``."""
    return rule.id in _IMPLEMENTED


def require_registered(rule: Rule) -> Rule:
    """Return ``rule``; raises :class:`SandboxError` unless it is the registered one of its id."""
    if _REGISTRY.get(rule.id) is not rule:
        raise SandboxError(f"rule {rule.id} decided an answer and is not registered; register it with its evidence")
    return rule


def behaviours() -> tuple[Rule, ...]:
    """Return every rule of the sandbox with its evidence and source, ordered by subject and name."""
    return tuple(sorted(_REGISTRY.values(), key=lambda rule: rule.id))
