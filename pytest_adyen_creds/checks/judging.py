"""Judging exchanges: schemathesis runs the checks, the contract and the rules say where and why."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from pytest_adyen_creds.checks.act import SET_UP, Act
from pytest_adyen_creds.checks.cases import case_of
from pytest_adyen_creds.checks.failure import CheckFailure
from pytest_adyen_creds.checks.history import History
from pytest_adyen_creds.checks.reproduction import as_code, as_curl, as_text
from pytest_adyen_creds.checks.seen import Seen
from pytest_adyen_creds.printable import plain
from pytest_adyen_creds.secrets import SECRETS

if TYPE_CHECKING:
    from pytest_adyen_creds.contract import Contract, Operation

__all__ = ["CheckFailure", "judge"]

CONFORMANCE: Final = {
    "status_code_conformance": "document the status in openapi.yaml if it is real; else look at who answered",
    "content_type_conformance": "an answer that is not JSON mostly comes from a proxy or an error page in between",
    "response_headers_conformance": "compare the header with the operation in openapi.yaml",
    "response_schema_conformance": "if the API has changed, change the structure; else the answer is wrong",
}
"""schemathesis' checks that judge every answer, each with what to do where it fails."""
_RULES: Final = {
    "status_code_conformance": "each operation has its documented statuses",
    "content_type_conformance": "answers have the documented media type",
    "response_headers_conformance": "answers have the documented headers",
    "response_schema_conformance": "answers are what their structure describes",
}
_NUMBER: Final = re.compile(r"/[0-9]+(?=/|$)")
_RULE_STEP: Final = "if the document says otherwise by now, change the rule; else the answer is wrong"


def judge(contract: Contract, operation: Operation, act: Act, history: History) -> list[CheckFailure]:
    """Return the checks that ``act``, an exchange of ``operation`` after ``history``, fails; ``history`` takes it in.

    Run are schemathesis' conformance checks (status, content type, headers, body schema) and the Adyen checks.
    """
    from schemathesis.core.failures import FailureGroup
    from schemathesis.specs.openapi import checks as conformance

    from pytest_adyen_creds.checks.registration import CHECKS, RuleBroken, exchange, register_secrets

    request, response = act.request, act.response
    seen = Seen.of(
        contract, operation, request, response, expects=act.expects, at=act.at, own=act.generated_by == SET_UP
    )
    case = case_of(contract, operation, request)
    response.request = request
    if not hasattr(response, "_elapsed"):
        response.elapsed = timedelta(0)
    generic = [getattr(conformance, name) for name in CONFORMANCE]
    failures: list[CheckFailure] = []
    with exchange(seen, history):
        try:
            case.validate_response(response, checks=[*generic, *CHECKS.values()])
        except FailureGroup as group:
            register_secrets(seen)
            broken = [error for error in group.exceptions if isinstance(error, RuleBroken)]
            if len(broken) < len(group.exceptions):
                for check in generic:
                    failures += _conformance(contract, operation, case, act, check)
            broken.sort(key=lambda error: (error.rule.name, len(error.complaint.pointer), error.complaint.pointer))
            failures += [_of_rule(operation, act, error) for error in broken]
    history.add(seen)
    return _with_evidence(_collapsed(failures), act)


def _collapsed(failures: list[CheckFailure]) -> list[CheckFailure]:
    """Return the failures with those of one check at like places, such as the items of a list, as one."""
    alike: dict[tuple[str, str], list[CheckFailure]] = {}
    for failure in failures:
        alike.setdefault((failure.check, _NUMBER.sub("/*", failure.pointer)), []).append(failure)
    return [
        replace(first, message=f"{first.message} (and at {len(more)} more places like it)") if more else first
        for first, *more in alike.values()
    ]


def _with_evidence(failures: list[CheckFailure], act: Act) -> list[CheckFailure]:
    if not failures:
        return failures
    curl, code, answer = as_curl(act.request), as_code(act.request), as_text(act.response)
    return [replace(failure, curl=curl, code=code, answer=answer, replay=act.replay) for failure in failures]


def _of_rule(operation: Operation, act: Act, error: Any) -> CheckFailure:
    rule = f"{error.rule.says} ({error.rule.evidence}: {error.rule.source})"
    pointer = SECRETS.mask(error.complaint.pointer)
    return _failure(operation, act, error.rule.name, pointer, error.message, rule, _RULE_STEP)


def _conformance(contract: Contract, operation: Operation, case: Any, act: Act, check: Any) -> Iterator[CheckFailure]:
    """Say in the contract's words what schemathesis found: its own text would print the body, secrets included."""
    from schemathesis.core.failures import FailureGroup

    try:
        case.validate_response(act.response, checks=[check])
    except FailureGroup as group:
        found = list(group.exceptions)
    else:
        return
    name = check.__name__
    places: Mapping[str, str] = {}
    if name != "response_headers_conformance":
        path = act.request.url.raw_path.decode("ascii", "replace")
        content_type = act.response.headers.get("content-type")
        status, content = act.response.status_code, act.response.content
        violations = contract.observe(operation.method, path, status, content_type, content)
        places = {violation.message: violation.pointer for violation in violations}
    if not places:
        places = {SECRETS.mask(error.title): "" for error in found}
    structure = operation.responses.get(act.response.status_code)
    where = f"structures/{structure}.struct.json" if structure and "schema" in name else "openapi.yaml"
    rule = f"{_RULES[name]} (documented: {contract.version}/{where})"
    for message, pointer in places.items():
        yield _failure(operation, act, name, pointer, message, rule, CONFORMANCE[name])


def _failure(
    operation: Operation, act: Act, check: str, pointer: str, message: str, rule: str, step: str
) -> CheckFailure:
    return CheckFailure(
        operation=operation.label,
        status=act.response.status_code,
        check=check,
        pointer=pointer,
        message=plain(SECRETS.mask(message)),
        next_step=step,
        source=act.source,
        rule=rule,
    )
