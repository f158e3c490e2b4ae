"""Answers: the JSON value of a good one, and the error that says what a bad one means."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import httpx

from pytest_adyen_creds.client.parsing import parse, repeated_key
from pytest_adyen_creds.errors import ApiError, CredentialError
from pytest_adyen_creds.secrets import SECRETS

_MOST_FIELDS: Final = 5
_ROLE: Final = "the role 'Management API - API credentials read and write'"


def checked(response: httpx.Response) -> Any:
    """Return the JSON value of a good answer (None for an empty one); raises :class:`ApiError` for any other."""
    status, host = response.status_code, response.request.url.host
    what = f"{response.request.method} {response.request.url.path} answered {status}"
    if status == 204 or (response.is_success and not response.content):
        return None
    body = parse(response.content)
    if response.is_success:
        twice = repeated_key(response.content)
        if isinstance(body, dict) and twice is None:
            return body
        why = f"that is no JSON object; check that {host} is the Management API"
        if twice is not None:
            why = f"in which {ascii(twice)[:60]} stands twice, and it is not believed; check what serves {host}"
        raise ApiError(f"{what} with a body {why}", status=status)
    body = body if isinstance(body, dict) else {}
    title, detail, code, request_id = (_said(body, name) for name in ("title", "detail", "errorCode", "requestId"))
    said = ": ".join(part for part in (title, detail) if part)
    marks = ", ".join(part for part in (code and f"errorCode {code}", request_id and f"requestId {request_id}") if part)
    invalid = "; ".join(_invalid_fields(body))
    raise ApiError(
        f"{what}{f' {said}' if said else ''}{f' ({marks})' if marks else ''}"
        f"{f': {invalid}' if invalid else ''}; {_next_step(status, response.request.url.path)}",
        status=status,
        error_code=code,
        request_id=request_id,
        title=title,
    )


def _said(body: Mapping[str, Any], name: str) -> str | None:
    value = body.get(name)
    return SECRETS.mask(" ".join(str(value).split()))[:300] if isinstance(value, str | int) else None


def _invalid_fields(body: Mapping[str, Any]) -> Iterator[str]:
    """Yield each of the first invalid fields that an error names, and what is wrong with it, but not its value."""
    fields = body.get("invalidFields")
    for item in fields[:_MOST_FIELDS] if isinstance(fields, list) else ():
        # v1 has each inside an object of its own
        field = item.get("InvalidField", item) if isinstance(item, dict) else None
        if isinstance(field, dict) and (name := _said(field, "name")):
            message, value = _said(field, "message"), field.get("value")
            if message and isinstance(value, str) and value.strip():
                message = message.replace(" ".join(value.split()), "...")
            yield f"{name}{f' ({message})' if message else ''}"


def _next_step(status: int, path: str) -> str:
    if 300 <= status < 400:
        return "redirects are not followed: check the base URL"
    of_merchant = re.match(r"/v[13]/merchants/([^/]+)", path)
    return {
        400: "check the request's body against the contract",
        401: "check the key; a new one may take minutes before it works",
        403: f"check that {of_merchant[1]} is a merchant account of the company, and that the credential has {_ROLE}"
        if of_merchant
        else f"give the credential {_ROLE}",
        404: "check the account's name and the credential's id",
        422: "check the values it names, and that the account and the credential exist",
        429: "wait, or lower the rate of requests",
    }.get(status, "try again later, and give Adyen's support the requestId" if status >= 500 else "check the request")


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Make an error of the API one that says what it stopped."""
    try:
        yield
    except ApiError as error:
        raise CredentialError(f"{what}: {error}") from error
