"""The Adyen checks as checks of schemathesis: registered by name, usable in any run that schemathesis makes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import httpx
import schemathesis

from pytest_adyen_creds.checks.exchange import Exchange
from pytest_adyen_creds.checks.judging import register_secrets
from pytest_adyen_creds.checks.known_state import KnownState
from pytest_adyen_creds.checks.rules import RULES, Rule
from pytest_adyen_creds.checks.rules.rule import RuleViolation
from pytest_adyen_creds.compat.schemathesis import CheckFailed, all_of
from pytest_adyen_creds.contract import VERSIONS, load_contract
from pytest_adyen_creds.endpoints import MANAGEMENT_HOST, is_loopback
from pytest_adyen_creds.secrets import SECRETS

if TYPE_CHECKING:
    from schemathesis import Case, CheckContext, Response


class RuleBroken(CheckFailed):
    """A rule of Adyen's documents that an exchange breaks."""

    kind_title = "Adyen rule broken"

    __slots__ = ("rule", "violation")

    def __init__(self, operation: str, rule: Rule, violation: RuleViolation) -> None:
        super().__init__(
            operation,
            title=f"{rule.says} ({rule.evidence}: {rule.source})",
            message=SECRETS.mask(violation.message),
            key=f"{rule.name}{violation.pointer}{violation.message}",
        )
        self.rule = rule
        self.violation = violation


def _check(rule: Rule) -> Callable[[CheckContext, Response, Case[Any]], bool | None]:
    def check(ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
        exchange = alone(response)
        if exchange is None:
            return True
        violations = list(rule.breaches(exchange, KnownState()))
        if violations:
            register_secrets(exchange)
            label = exchange.operation.label
            raise all_of(RuleBroken(label, rule, violation) for violation in violations)
        return None

    check.__name__ = rule.name
    check.__doc__ = f"{rule.says}\n\n{rule.evidence.capitalize()}: {rule.source}."
    return check


def alone(response: Response) -> Exchange | None:
    """Return an answer of the Management API as an exchange by itself; None for an answer of another API.

    Answers of Adyen's test host and of loopback are: there, ``adyen-creds sandbox serve`` has the same paths.
    """
    try:
        url = httpx.URL(str(response.request.url))
        version = url.path.split("/")[1]
        if version not in VERSIONS or not (url.host == MANAGEMENT_HOST or is_loopback(str(url))):
            return None
        exchange = Exchange.of_library(load_contract(version), response)
    except (httpx.InvalidURL, TypeError, AttributeError):
        return None
    return exchange if exchange.is_known else None


CHECKS: Final = {name: schemathesis.check(_check(rule)) for name, rule in RULES.items()}
"""Each Adyen check as schemathesis knows it, by name."""
