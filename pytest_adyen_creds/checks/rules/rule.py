"""Rules: what Adyen's documents say beyond schemas, each with its source, in one table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from pytest_adyen_creds.checks.exchange import Exchange
    from pytest_adyen_creds.checks.known_state import KnownState

Evidence = Literal["documented", "observed", "assumed"]
"""Adyen's documents say so; an answer that Adyen published shows it; nobody published it."""


@dataclass(frozen=True, slots=True)
class RuleViolation:
    """One place where an exchange breaks a rule: the JSON Pointer into the answer's body, and what is wrong there."""

    pointer: str
    problem: str

    @property
    def message(self) -> str:
        """The place and what is wrong there, as a sentence."""
        return f"{self.pointer} {self.problem}".lstrip()


Breaches = Callable[["Exchange", "KnownState"], Iterator[RuleViolation]]
"""Yields where an exchange breaks a rule, given what came before it; whatever the answer holds, it raises nothing."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One Adyen check. ``name`` is what schemathesis registers it as; ``source`` names the document."""

    name: str
    says: str
    evidence: Evidence
    source: str
    breaches: Breaches


RULES: Final[dict[str, Rule]] = {}
"""The table: every Adyen check by name."""

SPECIFICATION: Final = "Management API specification"


def rule(source: str, evidence: Evidence = "documented") -> Callable[[Breaches], Breaches]:
    """Enter the function below, whose docstring says the rule, into the table as the check ``adyen_<its name>``."""

    def enter(breaches: Breaches) -> Breaches:
        name, says = f"adyen_{breaches.__name__}", " ".join((breaches.__doc__ or "").split())
        RULES[name] = Rule(name, says, evidence, source, breaches)
        return breaches

    return enter
