"""Where an exchange can hold what must not be recorded, and which of its headers change with every recording."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable
from dataclasses import replace
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final, Protocol
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from pytest_adyen_creds.cassettes.body import Body, pretty
from pytest_adyen_creds.cassettes.interaction import Headers, Interaction

_REQUEST_NOISE: Final = frozenset(
    {
        *("accept", "accept-encoding", "connection", "content-length", "host", "keep-alive", "te", "transfer-encoding"),
        *("user-agent", "traceparent", "tracestate", "x-schemathesis-testcaseid"),
        *("adyen-library-name", "adyen-library-version"),
    }
)
_RESPONSE_NOISE: Final = frozenset(
    {
        *("age", "alt-svc", "connection", "content-encoding", "date", "expires", "keep-alive", "last-modified"),
        *("server", "server-timing", "transfer-encoding", "traceparent", "via", "x-served-by"),
    }
)
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{1,19}")
# the lengths are bounds of the search, far beyond any real name or password
_USER_INFO: Final = re.compile(r"(://[^\s/?#:@\"'<>]{0,200}:)([^\s/?#@\"'<>]{1,400})(?=@)")
_REFERENCE_PROPERTIES: Final = frozenset({"requestid", "pspreference"})
_ACCOUNT_PROPERTIES: Final = {
    "companyname": "company",
    "companyid": "company",
    "associatedmerchantaccounts": "merchant",
    "merchantaccount": "merchant",
    "merchantid": "merchant",
}


class Handler(Protocol):
    """What is told of each place; it answers with what is to stand there."""

    def secret(self, value: str) -> str:
        """Answer for a whole value that is a key, a password or a session."""

    def text(self, value: str) -> str:
        """Answer for a text that may hold anything."""

    def name(self, value: str) -> str:
        """Answer for the name of a member of a JSON object."""

    def account(self, name: str, level: str) -> str:
        """Answer for a whole value that names an account of ``level`` (company, merchant)."""

    def reference(self, value: str) -> str:
        """Answer for an id that the server gave to one request."""

    def idempotency_key(self, value: str) -> str:
        """Answer for an idempotency key."""

    def origin(self, value: str) -> str:
        """Answer for the scheme, host and port of a request: ``http://127.0.0.1:8000``."""


class Places:
    """The places of one contract: its secret properties, and the ones that HTTP and Adyen's API have anyway."""

    def __init__(self, secret_properties: frozenset[str]) -> None:
        self._secret = frozenset(name.lower() for name in secret_properties)
        names = "|".join(sorted(map(re.escape, secret_properties)))
        quoted = rf'(?P<head>"(?:{names})"\s*:\s*")(?P<value>(?:[^"\\]|\\.)*)'
        # each run of backslashes is tried once, from its start
        escaped = rf'(?P<head2>(?<!\\)\\+"(?:{names})\\+"\s*:\s*\\+")(?P<value2>(?:[^"\\]|\\+(?!["\\]))*)'
        form = rf"(?P<head3>(?<![\w])(?:{names})=)(?P<value3>[^&\s;\"'<]+)"
        element = rf"(?P<head4><(?:{names})>)(?P<value4>[^<]+)"
        self._named = re.compile("|".join((quoted, escaped, form, element)), re.IGNORECASE) if names else None

    def visit(self, interaction: Interaction, handler: Handler) -> Interaction:
        """Return ``interaction`` with each place replaced by what ``handler`` answers, in the order of reading."""
        uri = self._uri(interaction.uri, handler)
        request_headers = self._headers(interaction.request_headers, handler, _REQUEST_NOISE)
        request_body = self._body(interaction.request_body, interaction.request_headers, handler)
        reason = self._text(interaction.reason, handler)
        response_headers = self._headers(interaction.response_headers, handler, _RESPONSE_NOISE)
        response_body = self._body(interaction.response_body, interaction.response_headers, handler)
        return replace(
            interaction,
            uri=uri,
            request_headers=request_headers,
            request_body=request_body,
            reason=reason,
            response_headers=_with_length(response_headers, response_body),
            response_body=response_body,
            meta={key: handler.text(value) for key, value in interaction.meta.items()},
        )

    def answer(self, interaction: Interaction, handler: Handler) -> None:
        """Tell ``handler`` of the places in the response's body alone."""
        self._body(interaction.response_body, interaction.response_headers, handler)

    def value(self, value: Any, handler: Handler) -> Any:
        """Return the JSON ``value`` with each place in it replaced by what ``handler`` answers."""
        return self._value(value, "", handler)

    def _body(self, data: bytes, headers: Headers, handler: Handler) -> bytes:
        if not data:
            return data
        body = Body.open(data, headers)
        if body.is_json:
            value = self._value(body.value, "", handler)
            # JSON in another encoding, or behind a mark of its encoding, is a case of its own: kept as it was sent
            return body.data if body.encoding != "utf-8" and value == body.value else pretty(value)
        return body.bytes_of(self._text(body.text, handler))

    def _value(self, value: Any, name: str, handler: Handler) -> Any:
        if isinstance(value, dict):
            # a generated request may hide a value where the contract has a name: names are searched, too
            return {
                handler.name(key): self._value(item, self._named_by(key, name), handler) for key, item in value.items()
            }
        if isinstance(value, list):
            return [self._value(item, name, handler) for item in value]
        if isinstance(value, str):
            return self._string(value, name, handler)
        return 0 if name in self._secret and type(value) in (int, float) else value

    def _string(self, value: str, name: str, handler: Handler) -> str:
        if name in self._secret:
            return handler.secret(value)
        if name in _ACCOUNT_PROPERTIES:
            return handler.account(value, _ACCOUNT_PROPERTIES[name])
        return handler.reference(value) if name in _REFERENCE_PROPERTIES else self._text(value, handler)

    def _named_by(self, key: str, outer: str) -> str:
        return outer if outer in self._secret else key.lower()

    def _text(self, text: str, handler: Handler) -> str:
        if self._named is not None and (text.find("=") >= 0 or text.find(":") >= 0 or text.find("<") >= 0):
            text = self._named.sub(lambda match: _named_value(match, handler), text)
        return handler.text(text)

    def _uri(self, uri: str, handler: Handler) -> str:
        try:
            parts = urlsplit(uri)
            port = parts.port
        except ValueError:
            return handler.text(uri)
        if parts.password:
            handler.secret(unquote(parts.password))
        if not parts.hostname:
            return handler.text(uri)
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        default = {"https": 443, "http": 80}.get(parts.scheme)
        origin = f"{parts.scheme}://{host}" + (f":{port}" if port not in (None, default) else "")
        rest = urlunsplit(("", "", handler.text(parts.path), self._query(parts.query, handler), ""))
        return handler.origin(origin) + rest

    def _query(self, query: str, handler: Handler) -> str:
        pairs = parse_qsl(query, keep_blank_values=True)
        cleaned = [
            (handler.text(name), handler.secret(value) if name.lower() in self._secret else handler.text(value))
            for name, value in pairs
        ]
        return handler.text(query) if cleaned == pairs else urlencode(cleaned, quote_via=quote)

    def _headers(self, headers: Headers, handler: Handler, noise: frozenset[str]) -> Headers:
        kept = [(name.lower(), value) for name, value in headers if name.lower() not in noise]
        # sorted, so that two libraries that order them differently record the same
        return tuple(
            (name, self._header(name, value, handler)) for name, value in sorted(kept, key=lambda pair: pair[0])
        )

    def _header(self, name: str, value: str, handler: Handler) -> str:
        if name.replace("-", "") in self._secret:
            return handler.secret(value)
        special = _SPECIAL_HEADERS.get(name)
        if special is not None:
            return special(value, handler)
        value = _USER_INFO.sub(lambda match: match[1] + handler.secret(unquote(match[2])), value)
        return self._text(value, handler)


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
        username = handler.text(pair[0])
        clean = f"{username}:{handler.secret(pair[1])}"
        return f"Basic {base64.b64encode(clean.encode()).decode()}"
    scheme, _, rest = value.partition(" ")
    if not rest or not _SCHEME.fullmatch(scheme):
        return handler.secret(value)
    return f"{scheme} {handler.secret(rest.strip())}"


def _cookies(value: str, secret: Callable[[str], str], *, attributes: bool) -> str:
    try:
        cookies: SimpleCookie = SimpleCookie(value)
    except CookieError:
        cookies = SimpleCookie()
    if not cookies:
        return secret(value)
    parts: list[str] = []
    for name, cookie in cookies.items():
        flags = [f"; {flag}" for flag in ("Secure", "HttpOnly") if attributes and cookie[flag.lower()]]
        path = f"; Path={cookie['path']}" if attributes and cookie["path"] else ""
        parts.append(f"{name}={secret(cookie.value)}{path}{''.join(flags)}")
    return "; ".join(parts)


def _named_value(match: re.Match[str], handler: Handler) -> str:
    for suffix in ("", "2", "3", "4"):
        head = match[f"head{suffix}"]
        if head is not None:
            return head + handler.secret(_unescaped(match[f"value{suffix}"]))
    return match[0]


def _unescaped(text: str) -> str:
    # the value itself, where JSON spells it otherwise: it is the same secret as in other places
    try:
        return str(json.loads(f'"{text}"')) if "\\" in text else text
    except ValueError:
        return text


def _with_length(headers: Headers, body: bytes) -> Headers:
    return tuple((name, str(len(body)) if name == "content-length" else value) for name, value in headers)


def _as_secret(value: str, handler: Handler) -> str:
    return handler.secret(value)


def _as_reference(value: str, handler: Handler) -> str:
    return handler.reference(value)


_SPECIAL_HEADERS: Final[dict[str, Callable[[str, Handler], str]]] = {
    **dict.fromkeys(("x-api-key", "x-client-key"), _as_secret),
    **dict.fromkeys(("authorization", "proxy-authorization"), _authorization),
    **dict.fromkeys(("pspreference", "request-id", "x-request-id", "x-correlation-id"), _as_reference),
    "cookie": lambda value, handler: _cookies(value, handler.secret, attributes=False),
    "set-cookie": lambda value, handler: _cookies(value, handler.secret, attributes=True),
    "idempotency-key": lambda value, handler: handler.idempotency_key(value),
}
