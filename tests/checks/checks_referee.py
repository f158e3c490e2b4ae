"""Schemathesis cases: an operation of the contract, and the request that was or will be sent, as one ``Case``."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    import httpx
    from schemathesis.generation.case import Case
    from schemathesis.specs.openapi.schemas import OpenApiSchema

    from pytest_adyen_creds.contract import Contract, Operation

_SIGNING = frozenset({"x-api-key", "authorization", "cookie"})


@lru_cache(maxsize=8)
def schema_of(contract: Contract) -> OpenApiSchema:
    """Return the contract as schemathesis' schema; its configuration is ours alone, whatever files lie about."""
    import schemathesis
    from schemathesis.config import SchemathesisConfig

    return schemathesis.openapi.from_dict(contract.to_openapi(), config=SchemathesisConfig())


def case_of(contract: Contract, operation: Operation, request: httpx.Request) -> Case[Any]:
    """Return ``request`` as a case of ``operation``: what was sent becomes what is judged."""
    found = contract.match(request.method, request.url.raw_path.decode("ascii", "replace"))
    parameters = found[1] if found else {}
    content = request.content
    body: dict[str, Any] = {}
    if content:
        media = request.headers.get("content-type", "application/octet-stream").partition(";")[0].strip()
        body = {"body": _parsed(content), "media_type": media}
    query = dict(parse_qsl(urlsplit(str(request.url)).query, keep_blank_values=True))
    headers = {name: value for name, value in request.headers.items() if name.lower() not in _SIGNING}
    case: Case[Any] = schema_of(contract)[operation.path][operation.method].Case(
        path_parameters=parameters, query=query, headers=headers, **body
    )
    return case


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return content
