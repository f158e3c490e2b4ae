"""Headers: which of them a recording keeps, and what stands in those that sign a request in."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pytest_adyen_creds.cassettes.places import Handler

REQUEST_HEADERS: Final = frozenset(
    {
        *("authorization", "x-api-key"),  # replay tells callers apart by them; pseudonyms
        "content-type",  # decides how a body is read, and whether a request is acceptable
        "idempotency-key",  # its answer has to repeat it; a pseudonym
    }
)
"""The request headers that a recording of an exchange with Adyen keeps, beside those that the contract names."""

RESPONSE_HEADERS: Final = frozenset(
    {
        *("content-type", "content-length"),  # checks judge them
        "idempotency-key",  # must be the request's
        *("retry-after", "transient-error"),  # decide whether and when a client asks again
        *("allow", "www-authenticate"),  # explain a 405 and a 401; name nobody
        "location",  # where it leads to Adyen: clients follow it
        *("deprecation", "sunset"),  # announce what is about to change
    }
)
"""The response headers that a recording of an exchange with Adyen keeps, beside those that the contract documents."""

SESSION_HEADERS: Final = frozenset({"cookie", "set-cookie"})
"""Headers with a session; no recording of an exchange with Adyen holds one."""

TRACE_HEADERS: Final = frozenset(
    {*("pspreference", "request-id", "requestid", "traceparent", "tracestate"), "x-correlation-id", "x-request-id"}
)
"""Headers by which the server finds one request again; a recording of an exchange with Adyen holds a pseudonym, and
that only of one that the contract documents."""

NEVER_RECORDED: Final = frozenset(
    {
        *("cookie", "set-cookie", "authorization", "proxy-authorization", "x-api-key", "x-client-key"),
        *("traceparent", "tracestate"),  # nothing that could stand there is in their form
        *("connection", "content-encoding", "keep-alive", "transfer-encoding"),  # a recorded body is sent plain
    }
)
"""The response headers that no recording of an exchange with Adyen keeps, also where the contract documents them."""

REQUEST_NOISE: Final = frozenset(
    {
        *("accept", "accept-encoding", "connection", "content-length", "host", "keep-alive", "te", "transfer-encoding"),
        *("user-agent", "traceparent", "tracestate", "x-schemathesis-testcaseid"),
        *("adyen-library-name", "adyen-library-version"),
    }
)
"""The request headers that change with every recording, which none keeps."""

RESPONSE_NOISE: Final = frozenset(
    {
        *("age", "alt-svc", "connection", "content-encoding", "date", "expires", "keep-alive", "last-modified"),
        *("server", "server-timing", "transfer-encoding", "traceparent", "via", "x-served-by"),
    }
)
"""The response headers that change with every recording, which none keeps."""

_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{1,19}")


def basic_credentials(authorization: str) -> tuple[str, str] | None:
    """Return the username and password of a Basic ``Authorization`` header, or ``None`` for any other."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True)
        text = decoded.decode()
    except UnicodeDecodeError:
        text = decoded.decode("latin-1")
    except binascii.Error:
        return None
    username, colon, password = text.partition(":")
    return (username, password) if colon else None


def _authorization(value: str, handler: Handler) -> str:
    pair = basic_credentials(value)
    if pair is not None:
        username = handler.username(pair[0])
        clean = f"{username}:{handler.secret(pair[1])}"
        return f"Basic {base64.b64encode(clean.encode()).decode()}"
    scheme, _, rest = value.partition(" ")
    if not rest or not _SCHEME.fullmatch(scheme):
        return handler.secret(value)
    return f"{scheme} {handler.secret(rest.strip())}"


def cookies(value: str, secret: Callable[[str], str], *, attributes: bool) -> str:
    """Return the cookies of a header, ``secret(value)`` for each value; ``attributes``: as ``Set-Cookie`` has them."""
    try:
        jar: SimpleCookie = SimpleCookie(value)
    except CookieError:
        jar = SimpleCookie()
    if not jar:
        return secret(value)
    parts: list[str] = []
    for name, cookie in jar.items():
        flags = [f"; {flag}" for flag in ("Secure", "HttpOnly") if attributes and cookie[flag.lower()]]
        path = f"; Path={cookie['path']}" if attributes and cookie["path"] else ""
        parts.append(f"{name}={secret(cookie.value)}{path}{''.join(flags)}")
    return "; ".join(parts)


def _as_secret(value: str, handler: Handler) -> str:
    return handler.secret(value)


def _as_reference(value: str, handler: Handler) -> str:
    return handler.reference(value)


SPECIAL: Final[dict[str, Callable[[str, Handler], str]]] = {
    **dict.fromkeys(("x-api-key", "x-client-key"), _as_secret),
    **dict.fromkeys(("authorization", "proxy-authorization"), _authorization),
    **dict.fromkeys(("pspreference", "request-id", "x-request-id", "x-correlation-id"), _as_reference),
    "cookie": lambda value, handler: cookies(value, handler.secret, attributes=False),
    "set-cookie": lambda value, handler: cookies(value, handler.secret, attributes=True),
    "idempotency-key": lambda value, handler: handler.idempotency_key(value),
}
"""Headers whose values have a form of their own, and what returns them with that told to a handler."""
