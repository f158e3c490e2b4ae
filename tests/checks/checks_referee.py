"""The referee: schemathesis' conformance checks on an exchange, beside the judge that the package asks."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi import checks as conformance

if TYPE_CHECKING:
    from schemathesis.generation.case import Case
    from schemathesis.specs.openapi.schemas import OpenApiSchema

    from pytest_adyen_creds.contract import Contract, Operation

CHECKS = (
    conformance.status_code_conformance,
    conformance.content_type_conformance,
    conformance.response_headers_conformance,
    conformance.response_schema_conformance,
)


@lru_cache(maxsize=8)
def schema_of(contract: Contract) -> OpenApiSchema:
    """Return the contract as schemathesis' schema; its configuration is ours alone, whatever files lie about."""
    return schemathesis.openapi.from_dict(contract.to_openapi(), config=SchemathesisConfig())


def case_of(contract: Contract, operation: Operation, request: httpx.Request) -> Case[Any]:
    """Return ``request`` as a case of ``operation``: what was sent becomes what is judged."""
    found = contract.match(request.method, request.url.raw_path.decode("ascii", "replace"))
    body: dict[str, Any] = {}
    if request.content:
        media = request.headers.get("content-type", "application/octet-stream").partition(";")[0].strip()
        body = {"body": _parsed(request.content), "media_type": media}
    query = dict(parse_qsl(urlsplit(str(request.url)).query, keep_blank_values=True))
    case: Case[Any] = schema_of(contract)[operation.path][operation.method].Case(
        path_parameters=found[1] if found else {}, query=query, headers=dict(request.headers), **body
    )
    return case


def passes(case: Case[Any], response: httpx.Response) -> bool:
    """Return whether schemathesis finds no fault with an answer's status, media type, headers and body."""
    if not hasattr(response, "_elapsed"):
        response.elapsed = timedelta(0)
    try:
        case.validate_response(response, checks=list(CHECKS))
    except FailureGroup:
        return False
    return True


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return content
