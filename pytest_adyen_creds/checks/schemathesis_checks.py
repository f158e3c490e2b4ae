"""Adyen's rules as a check of schemathesis, for runs of your own: importing this module registers it.

In ``schemathesis.toml``::

    hooks = "pytest_adyen_creds.checks.schemathesis_checks"

    [checks.AdyenRules]
    hosts = ["127.0.0.1:8080"]
"""

from __future__ import annotations

from collections.abc import Sequence
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
from pytest_adyen_creds.endpoints import MANAGEMENT_HOST
from pytest_adyen_creds.secrets import SECRETS

if TYPE_CHECKING:
    from schemathesis import Case, CheckContext, Response

_HOST_FORM: Final = 'write a host, with its port if it has one: "127.0.0.1:8080"'


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


@schemathesis.check
class AdyenRules:
    """Holds each answer of the Management API to Adyen's rules, by itself, without what was seen before.

    ``hosts`` are those whose answers are judged, as ``host`` or ``host:port``, besides Adyen's test host; answers of
    others, and of operations that the contract does not have, are left alone. ``without`` names rules to leave out.
    Raises ValueError if one of them is not what it should be.
    """

    def __init__(self, *, hosts: Sequence[str] = (), without: Sequence[str] = ()) -> None:
        for name, given in (("hosts", hosts), ("without", without)):
            if isinstance(given, str) or not all(isinstance(each, str) for each in given):
                raise ValueError(f"{name} is a list of strings, not {given!r}")
        self._hosts = {MANAGEMENT_HOST, *(_host(each) for each in hosts)}
        if unknown := sorted(set(without) - set(RULES)):
            raise ValueError(f"no rule is named {', '.join(unknown)}; there are {', '.join(sorted(RULES))}")
        self._rules = [rule for name, rule in RULES.items() if name not in without]

    def after_response(self, ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
        """Judge one answer; raises a failure for each rule that it breaks."""
        exchange = self._exchange(response)
        if exchange is None:
            return True
        broken = [(rule, each) for rule in self._rules for each in rule.breaches(exchange, KnownState())]
        if broken:
            register_secrets(exchange)
            raise all_of(RuleBroken(exchange.operation.label, *each) for each in broken)
        return None

    def _exchange(self, response: Response) -> Exchange | None:
        try:
            url = httpx.URL(str(response.request.url))
            version = url.path.split("/")[1]
            if version not in VERSIONS or self._hosts.isdisjoint({url.host, url.netloc.decode()}):
                return None
            exchange = Exchange.of_library(load_contract(version), response)
        except (httpx.InvalidURL, TypeError, AttributeError, IndexError):
            return None
        return exchange if exchange.is_known else None


def _host(text: str) -> str:
    try:
        url = httpx.URL(f"http://{text}")
    except httpx.InvalidURL as error:
        raise ValueError(f"{text!r} in hosts is no host: {_HOST_FORM}") from error
    netloc = url.netloc.decode()
    if not url.host or str(url).rstrip("/") != f"http://{netloc}" or url.userinfo:
        raise ValueError(f"{text!r} in hosts is no host: {_HOST_FORM}")
    return netloc
