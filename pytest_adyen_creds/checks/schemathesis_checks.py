"""Adyen's rules as a check of schemathesis, for runs of your own: importing this module registers it.

In ``schemathesis.toml``::

    hooks = "pytest_adyen_creds.checks.schemathesis_checks"

    [checks.AdyenRules]
    hosts = ["127.0.0.1:8080"]
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import httpx
import schemathesis

from pytest_adyen_creds.checks.exchange import Exchange
from pytest_adyen_creds.checks.known_state import KnownState
from pytest_adyen_creds.checks.rules import RULES, Rule
from pytest_adyen_creds.checks.rules.rule import RuleViolation
from pytest_adyen_creds.compat.schemathesis import CheckFailed, all_of
from pytest_adyen_creds.contract import VERSIONS, load_contract
from pytest_adyen_creds.endpoints import MANAGEMENT_HOST
from pytest_adyen_creds.secrets import SECRETS

if TYPE_CHECKING:
    from schemathesis import Case, CheckContext, Response

_HOST: Final = re.compile(r"(?:[^][\s%*/@?#:]+|\[[0-9a-fA-F:.]+\])(?::([0-9]{1,5}))?")
_PORTS: Final = {"http": 80, "https": 443}


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
            if not isinstance(given, list | tuple) or not all(isinstance(each, str) for each in given):
                raise ValueError(f"{name} is a list of strings, not {given!r}")
        self._hosts = {(MANAGEMENT_HOST, None), *map(_host, hosts)}
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
            exchange.register_secrets()
            raise all_of(RuleBroken(exchange.operation.label, *each) for each in broken)
        return None

    def _exchange(self, response: Response) -> Exchange | None:
        try:
            url = httpx.URL(str(response.request.url))
        except httpx.InvalidURL:
            return None
        version = url.path.partition("/")[2].partition("/")[0]
        port = url.port or _PORTS.get(url.scheme)
        if version not in VERSIONS or self._hosts.isdisjoint({(url.host, None), (url.host, port)}):
            return None
        exchange = Exchange.of_library(load_contract(version), response)
        return exchange if exchange.is_known else None


def _host(text: str) -> tuple[str, int | None]:
    """Return the host, and the port where one is named; raises ValueError for what is no host."""
    match = _HOST.fullmatch(text)
    try:
        if match is not None and (host := httpx.URL(f"http://{text}").host):
            return host, int(match[1]) if match[1] else None
    except httpx.InvalidURL:
        pass
    raise ValueError(f'{text!r} in hosts is no host; write one with its port, if it has one: "127.0.0.1:8080"')
