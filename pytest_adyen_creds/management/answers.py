"""Answers: the JSON value of a good one, and the error that says what a bad one means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from pytest_adyen_creds.errors import ApiError
from pytest_adyen_creds.management.messages import parse
from pytest_adyen_creds.secrets import SECRETS


def checked(response: httpx.Response) -> Any:
    """Return the JSON value of a good answer (None for an empty one); raises :class:`ApiError` for any other."""
    what = f"{response.request.method} {response.request.url.path}"
    if response.is_success:
        if response.status_code == 204 or not response.content:
            return None
        body = parse(response.content)
        if isinstance(body, dict):
            return body
        raise ApiError(
            f"{what} answered {response.status_code} with a body that is no JSON object; check that "
            f"{response.request.url.host} is the Management API",
            status=response.status_code,
        )
    body = parse(response.content)
    body = body if isinstance(body, dict) else {}
    title, detail, code, request_id = (_said(body, name) for name in ("title", "detail", "errorCode", "requestId"))
    said = ": ".join(part for part in (title, detail) if part)
    marks = ", ".join(part for part in (code and f"errorCode {code}", request_id and f"requestId {request_id}") if part)
    raise ApiError(
        f"{what} answered {response.status_code}{f' {said}' if said else ''}{f' ({marks})' if marks else ''}; "
        f"{_next_step(response.status_code)}",
        status=response.status_code,
        error_code=code,
        request_id=request_id,
        title=title,
    )


def _said(body: Mapping[str, Any], name: str) -> str | None:
    value = body.get(name)
    return SECRETS.mask(" ".join(str(value).split()))[:300] if isinstance(value, str | int) else None


def _next_step(status: int) -> str:
    if 300 <= status < 400:
        return "redirects are not followed: check the base URL"
    return {
        400: "check the request's body against the contract",
        401: "check the key; a new one may take minutes before it works",
        403: "give the credential the role 'Management API - API credentials read and write'",
        404: "check the account's name and the credential's id",
        422: "check the values it names, and that the account and the credential exist",
        429: "wait, or lower the rate of requests",
    }.get(status, "try again later, and give Adyen's support the requestId" if status >= 500 else "check the request")
