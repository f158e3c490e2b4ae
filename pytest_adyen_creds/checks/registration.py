"""The Adyen checks as checks of schemathesis: registered by name, usable in any run that schemathesis makes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import httpx
import schemathesis

from pytest_adyen_creds.checks.history import History
from pytest_adyen_creds.checks.judging import register_secrets
from pytest_adyen_creds.checks.rules import RULES, Rule
from pytest_adyen_creds.checks.rules.rule import Complaint
from pytest_adyen_creds.checks.seen import Seen
from pytest_adyen_creds.compat.schemathesis import CheckFailed, all_of
from pytest_adyen_creds.contract import VERSIONS, load_contract
from pytest_adyen_creds.endpoints import MANAGEMENT_HOST, is_loopback
from pytest_adyen_creds.secrets import SECRETS

if TYPE_CHECKING:
    from schemathesis import Case, CheckContext, Response


class RuleBroken(CheckFailed):
    """A rule of Adyen's documents that an exchange breaks."""

    kind_title = "Adyen rule broken"

    __slots__ = ("complaint", "rule")

    def __init__(self, operation: str, rule: Rule, complaint: Complaint) -> None:
        super().__init__(
            operation,
            title=f"{rule.says} ({rule.evidence}: {rule.source})",
            message=SECRETS.mask(complaint.message),
            key=f"{rule.name}{complaint.pointer}{complaint.message}",
        )
        self.rule = rule
        self.complaint = complaint


def _check(rule: Rule) -> Callable[[CheckContext, Response, Case[Any]], bool | None]:
    def check(ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
        seen = alone(response)
        if seen is None:
            return True
        complaints = list(rule.breaches(seen, History()))
        if complaints:
            register_secrets(seen)
            label = seen.operation.label
            raise all_of(RuleBroken(label, rule, complaint) for complaint in complaints)
        return None

    check.__name__ = rule.name
    check.__doc__ = f"{rule.says}\n\n{rule.evidence.capitalize()}: {rule.source}."
    return check


def alone(response: Response) -> Seen | None:
    """Return an answer of the Management API as an exchange by itself; None for an answer of another API.

    Answers of Adyen's test host and of loopback are: there, ``adyen-creds sandbox serve`` has the same paths.
    """
    sent = response.request
    try:
        body = getattr(sent, "content", None) if isinstance(sent, httpx.Request) else getattr(sent, "body", None)
        url = httpx.URL(str(sent.url))
        request = httpx.Request(
            str(sent.method), url, headers=[(str(k), str(v)) for k, v in sent.headers.items()], content=body or b""
        )
    except (httpx.InvalidURL, TypeError, AttributeError):
        return None
    version = url.path.split("/")[1]
    if version not in VERSIONS or not (url.host == MANAGEMENT_HOST or is_loopback(str(url))):
        return None
    contract = load_contract(version)
    found = contract.match(request.method, url.raw_path.decode("ascii", "replace"))
    if found is None:
        return None
    headers = [(name, value) for name, values in response.headers.items() for value in values]
    answer = httpx.Response(response.status_code, headers=headers, content=response.content or b"")
    return Seen.of(contract, found[0], request, answer)


CHECKS: Final = {name: schemathesis.check(_check(rule)) for name, rule in RULES.items()}
"""Each Adyen check as schemathesis knows it, by name."""
