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
    """One behaviour of the sandbox, and what it rests on; whichever is made is in :func:`behaviours`.

    ``id`` is a stable name, SUBJECT.NAME; ``subject`` is the resource it is about, ``says`` the behaviour in one
    sentence, ``source`` the document that says so, or, for an assumption, why it was made.
    """

    id: str
    subject: str
    says: str
    evidence: Evidence
    source: str

    def __post_init__(self) -> None:
        if not self.says or not self.source:
            raise SandboxError(f"rule {self.id} has no text or no source; give both")
        if self.id in _REGISTRY:
            raise SandboxError(f"rule {self.id} is registered twice; give each rule its own name")
        _REGISTRY[self.id] = self

    @classmethod
    def documented(cls, id: str, says: str, source: str) -> Rule:
        """Return a new rule that Adyen's documents state; ``source`` names the document."""
        return cls(id, id.partition(".")[0], says, Evidence.DOCUMENTED, source)

    @classmethod
    def observed(cls, id: str, says: str, source: str) -> Rule:
        """Return a new rule that a captured response shows; ``source`` names the capture."""
        return cls(id, id.partition(".")[0], says, Evidence.OBSERVED, source)

    @classmethod
    def assumed(cls, id: str, says: str, source: str) -> Rule:
        """Return a new rule that nobody published; ``source`` says why it was chosen."""
        return cls(id, id.partition(".")[0], says, Evidence.ASSUMED, source)


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
        _IMPLEMENTED.update(rule.id for rule in rules)
        return function

    return mark


def is_implemented(rule: Rule) -> bool:
    """Tell whether :func:`implements` marked anything for ``rule``."""
    return rule.id in _IMPLEMENTED


def behaviours() -> tuple[Rule, ...]:
    """Return every rule of the sandbox with its evidence and source, ordered by subject and name."""
    return tuple(sorted(_REGISTRY.values(), key=lambda rule: rule.id))
