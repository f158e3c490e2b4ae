"""Judging exchanges: schemathesis' checks decide, the contract says where and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from pytest_adyen_creds.checks.cases import case_of
from pytest_adyen_creds.secrets import SECRETS

if TYPE_CHECKING:
    import httpx

    from pytest_adyen_creds.contract import Contract, Operation

_NEXT_STEPS: Final = {
    "status_code_conformance": "document the status in openapi.yaml if it is real; else look at who answered",
    "content_type_conformance": "an answer that is not JSON mostly comes from a proxy or an error page in between",
    "response_headers_conformance": "compare the header with the operation in openapi.yaml",
    "response_schema_conformance": "if the API has changed, change the structure; else the answer is wrong",
}


@dataclass(frozen=True, slots=True)
class CheckFailure:
    """One check that an exchange failed; nothing in it is secret.

    ``pointer`` is the JSON Pointer of the place in the body, ``next_step`` says what to do about it.
    """

    operation: str
    status: int
    check: str
    pointer: str
    message: str
    next_step: str
    source: str = ""
    """Which recording or generated case the exchange came from."""

    def to_json(self) -> dict[str, Any]:
        """Return the failure as a JSON object."""
        return asdict(self)

    def __str__(self) -> str:
        place = f" ({self.source})" if self.source else ""
        return f"{self.operation} -> {self.status}{place}\n  {self.check}: {self.message}\n  next: {self.next_step}"


def judge(
    contract: Contract, operation: Operation, request: httpx.Request, response: httpx.Response, source: str = ""
) -> list[CheckFailure]:
    """Return the checks that ``response`` to ``request``, an exchange of ``operation``, fails.

    Run are schemathesis' conformance checks: status, content type, headers, body schema.
    """
    from schemathesis.core.failures import FailureGroup
    from schemathesis.specs.openapi import checks

    case = case_of(contract, operation, request)
    response.request = request
    if not hasattr(response, "_elapsed"):
        response.elapsed = timedelta(0)
    failures: list[CheckFailure] = []
    for check in (
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_headers_conformance,
        checks.response_schema_conformance,
    ):
        try:
            case.validate_response(response, checks=[check])
        except FailureGroup as group:
            failures += _explained(contract, operation, response, check.__name__, group, source)
    return failures


def _explained(
    contract: Contract, operation: Operation, response: httpx.Response, check: str, group: Any, source: str
) -> list[CheckFailure]:
    """Say in the contract's words what schemathesis found: its own text would print the body, secrets included."""
    places: Mapping[str, str] = {}
    if check != "response_headers_conformance":
        path = response.request.url.raw_path.decode("ascii", "replace")
        content_type = response.headers.get("content-type")
        violations = contract.observe(operation.method, path, response.status_code, content_type, response.content)
        places = {violation.message: violation.pointer for violation in violations}
    if not places:
        places = {SECRETS.mask(error.title): "" for error in group.exceptions}
    step = _NEXT_STEPS[check]
    return [
        CheckFailure(operation.label, response.status_code, check, pointer, message, step, source)
        for message, pointer in places.items()
    ]
