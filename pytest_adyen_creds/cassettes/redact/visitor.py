"""A visit to all of an exchange that must not be recorded as it is; and which of its headers a recording keeps."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final, Literal
from urllib.parse import quote, unquote, unquote_plus, urlsplit, urlunsplit

from pytest_adyen_creds.cassettes.body import Body
from pytest_adyen_creds.cassettes.model import Headers, Interaction, find_header
from pytest_adyen_creds.cassettes.redact.fields import (
    IN_ADDRESS,
    Fields,
    Host,
    Kind,
    Names,
    host_of,
    origin_of_uri,
    path_of_uri,
)
from pytest_adyen_creds.cassettes.serializer import pretty
from pytest_adyen_creds.contract.operations import Operation
from pytest_adyen_creds.message import basic_credentials

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
        "adyen-creds-answer",  # says of the sandbox's that it was made from a contract
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

_HEADER_KINDS: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(("x-api-key", "x-client-key"), "secret"),
    **dict.fromkeys(("pspreference", "request-id", "x-request-id", "x-correlation-id"), "reference"),
}
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{1,19}")
# the lengths are bounds of the search, far beyond any real name or password
_USER_INFO: Final = re.compile(r"(://[^\s/?#:@\"'<>]{0,200}:)([^\s/?#@\"'<>]{1,400})(?=@)")
_FORM: Final = "application/x-www-form-urlencoded"
_ADDRESS: Final = re.compile(r"(?P<before>(?:https?:/|\A)/[^\s?#\"'<>]{0,2000}\?)(?P<query>[^\s#\"'<>]+)")
_DEEPEST_ADDRESS: Final = 3
"""Addresses in the parameters of addresses that are read."""


FROM_SERVER: Final = frozenset({"the context", "the response's body"})
"""Where a visitor is told of what a server said, not of what it was asked."""


class Visitor:
    """What is told of everything in an exchange that may be redacted, and answers with what is to stand there.

    This one leaves all as it is.
    """

    def at(self, where: str) -> None:
        """Note where that is what comes next: ``the request's header x-api-key``."""

    def field(self, value: str, kind: Kind) -> str:
        """Answer for the whole value of a field of ``kind``; what is in it may be anything, all the same."""
        return value

    def number(self, value: float, kind: Kind | None) -> float:
        """Answer for a number in a field of ``kind``; None: it may be any number."""
        return value

    def text(self, value: str) -> str:
        """Answer for a text that may hold anything."""
        return value

    def name(self, value: str) -> str:
        """Answer for the name of a member of a JSON object."""
        return self.text(value)

    def idempotency_key(self, value: str) -> str:
        """Answer for an idempotency key."""
        return value

    def origin(self, value: str) -> str:
        """Answer for the scheme, host and port of an address, ``http://127.0.0.1:8000``; empty where it has none."""
        return value

    def dropped(self, name: str, value: str) -> None:
        """Take note of a header that is not kept: of ``value``, where the header ``name`` has a session or a trace."""


def visit(interaction: Interaction, fields: Fields, stand_ins: frozenset[str], visitor: Visitor) -> Interaction:
    """Return ``interaction`` with what ``visitor`` answers for each of its parts, in the order of reading.

    Of exchanges with hosts of Adyen, and with ``stand_ins`` for them, only the headers of :data:`REQUEST_HEADERS`, of
    :data:`RESPONSE_HEADERS`, of the operation's own parameters and those that it documents for the answer's status are
    kept, and every property of ``secret_properties.toml`` is a secret. Of exchanges with other hosts, which a cassette
    of another tool may hold, the contract's secret properties are secrets, and only headers that change with every
    recording are left out.
    """
    host = host_of(interaction.uri, stand_ins)
    path = path_of_uri(interaction.uri)
    operation = fields.operation(interaction.method, path) if host == "management" else None
    return _Visit(fields, stand_ins, visitor, host, operation, interaction.status).interaction(interaction)


def visit_context(
    context: Mapping[str, Any], fields: Fields, stand_ins: frozenset[str], visitor: Visitor
) -> dict[str, Any]:
    """Return the JSON values of ``context``, in the words of the Management API, as ``visitor`` answers for them."""
    visitor.at("the context")
    return dict(_Visit(fields, stand_ins, visitor, "management").value(dict(context)))


@dataclass(frozen=True)
class _Visit:
    """One exchange, and who visits it."""

    fields: Fields
    stand_ins: frozenset[str]
    visitor: Visitor
    host: Host
    operation: Operation | None = None
    status: int = 0

    @cached_property
    def names(self) -> Names:
        return self.fields.names(self.host, self.operation)

    @cached_property
    def parameters(self) -> frozenset[str]:
        """The headers that the operation itself has as parameters, in small letters."""
        parameters = self.operation.parameters if self.operation else ()
        return frozenset(each.name.lower() for each in parameters if each.location == "header")

    @cached_property
    def documented(self) -> Mapping[str, Kind | None]:
        """The response headers that the operation documents for this status, as :meth:`Fields.headers` has them."""
        return self.fields.headers(self.operation, self.status) if self.operation else {}

    def interaction(self, interaction: Interaction) -> Interaction:
        visitor = self.visitor
        visitor.at("the request's address")
        uri = self._uri(interaction.uri)
        request_headers = self._headers(interaction.request_headers, "request")
        visitor.at("the request's body")
        request_body = self.body(interaction.request_body, interaction.request_headers)
        visitor.at("the response's reason")
        reason = self._text(interaction.reason)
        response_headers = self._headers(interaction.response_headers, "response")
        visitor.at("the response's body")
        response_body = self.body(interaction.response_body, interaction.response_headers)
        visitor.at("the recorder's notes")
        return replace(
            interaction,
            uri=uri,
            request_headers=request_headers,
            request_body=request_body,
            reason=reason,
            response_headers=tuple(
                (name, str(len(response_body)) if name == "content-length" else value)
                for name, value in response_headers
            ),
            response_body=response_body,
            meta={key: visitor.text(value) for key, value in interaction.meta.items()},
        )

    def body(self, data: bytes, headers: Headers) -> bytes:
        if not data:
            return data
        body = Body.open(data, headers)
        clean = self._body(body, headers)
        if body.is_packed and clean in (body.data, pretty(body.value)):
            return data  # nothing is replaced in it, and whoever sent it so has a reason
        return clean

    def _body(self, body: Body, headers: Headers) -> bytes:
        if body.is_json:
            value = self.value(body.value)
            # JSON in another encoding, or behind a mark of its encoding, is a case of its own: kept as it was sent
            return body.data if body.encoding != "utf-8" and value == body.value else pretty(value)
        if (find_header(headers, "content-type") or "").partition(";")[0].strip().lower() == _FORM:
            pairs = body.text.rstrip()
            return body.bytes_of(self._query(pairs, form=True) + body.text[len(pairs) :])
        return body.bytes_of(self._text(body.text))

    def value(self, value: Any, kind: Kind | None = None, name: str = "") -> Any:
        if isinstance(value, dict):
            kinds = {key: kind if kind == "secret" else self.names.kind_of(key, name) for key in value}
            # a generated request may hide a value where the contract has a name: names are searched, too
            return {self.visitor.name(key): self.value(item, kinds[key], key) for key, item in value.items()}
        if isinstance(value, list):
            return [self.value(item, kind, name) for item in value]
        if isinstance(value, str):
            if kind is None and name == "href":
                return self._link(value)
            return self._text(value) if kind is None else self.visitor.field(value, kind)
        return self.visitor.number(value, kind) if type(value) in (int, float) else value

    def _text(self, text: str, depth: int = 0) -> str:
        if depth < _DEEPEST_ADDRESS and "?" in text and "=" in text:
            text = _ADDRESS.sub(
                lambda match: match["before"] + self._to(match["before"])._query(match["query"], depth), text
            )
        if "=" in text or ":" in text or "<" in text:
            text = self.names.in_text.sub(lambda match: _named_value(match, self.visitor), text)
        return self.visitor.text(text)

    def _uri(self, uri: str) -> str:
        origin = origin_of_uri(uri)
        if not origin:
            return self.visitor.text(uri)
        parts = urlsplit(uri)
        if parts.password:
            self.visitor.field(unquote(parts.password), "secret")
        path = self._path(parts.path) if self.host == "management" else self.visitor.text(parts.path)
        rest = urlunsplit(("", "", path, self._query(parts.query), ""))
        return self.visitor.origin(origin) + rest

    def _link(self, link: str) -> str:
        origin = origin_of_uri(link)
        if not (link.startswith("/") if not origin else host_of(link, self.stand_ins) == "management"):
            return self._text(link)
        parts = urlsplit(link)
        rest = urlunsplit(("", "", self._path(parts.path), self._query(parts.query), parts.fragment))
        return self.visitor.origin(origin) + rest

    def _path(self, path: str) -> str:
        pieces, done = [], 0
        for start, end, kind in self.fields.parts(path):
            pieces.append(self.visitor.text(path[done:start]))
            plain = unquote(path[start:end])
            pieces.append(_respelled(path[start:end], plain, self.visitor.field(plain, kind)))
            done = end
        return "".join([*pieces, self.visitor.text(path[done:])])

    def _to(self, address: str) -> _Visit:
        """Return this visit with the names of the host of ``address``; a path alone has this exchange's."""
        if address.startswith("/"):
            return self
        return replace(self, host=host_of(address, self.stand_ins), operation=None)

    def _query(self, query: str, depth: int = 0, *, form: bool = False) -> str:
        """Return the pairs of an address's query, or of a ``form``; what is not replaced is spelled as it was."""
        pieces = []
        for piece in query.split("&"):
            name, equals, value = piece.partition("=")
            plain_name, plain = unquote_plus(name), unquote_plus(value)
            kind = self.names.kind_of(plain_name)
            if kind is None and not form and self.host != "other":
                kind = IN_ADDRESS.get(plain_name.lower())
            answer = self.visitor.field(plain, kind) if kind else self._text(plain, depth + 1)
            value = _respelled(value, plain, answer)
            pieces.append(_respelled(name, plain_name, self.visitor.text(plain_name)) + equals + value)
        return self.visitor.text("&".join(pieces))

    def _headers(self, headers: Headers, side: Literal["request", "response"]) -> Headers:
        kept = []
        # sorted, so that two libraries that order them differently record the same
        for name, value in sorted(((name.lower(), value) for name, value in headers), key=lambda pair: pair[0]):
            self.visitor.at(f"the {side}'s header {name}")
            if self._keeps(name, value, side):
                kept.append((name, self._header(name, value)))
            elif self.host != "other":
                self._dropped(name, value)
        return tuple(kept)

    def _keeps(self, name: str, value: str, side: Literal["request", "response"]) -> bool:
        if self.host == "other":
            return name not in (REQUEST_NOISE if side == "request" else RESPONSE_NOISE)
        if name == "location":
            return side == "response" and (not origin_of_uri(value) or host_of(value, self.stand_ins) != "other")
        if side == "request":
            return name in REQUEST_HEADERS | self.parameters
        if name in RESPONSE_HEADERS:
            return True
        return name in self.documented and name not in NEVER_RECORDED and self._kind_of_header(name) != "secret"

    def _dropped(self, name: str, value: str) -> None:
        if name in SESSION_HEADERS:
            for each in [cookie.value for cookie in _jar(value).values()] or [value]:
                self.visitor.dropped(name, each)
        elif name in TRACE_HEADERS or self._kind_of_header(name) or name == "proxy-authorization":
            self.visitor.dropped(name, value)

    def _kind_of_header(self, name: str) -> Kind | None:
        return self.documented.get(name) or self.names.kind_of(name.replace("-", ""))

    def _header(self, name: str, value: str) -> str:
        if name in ("authorization", "proxy-authorization"):
            return _authorization(value, self.visitor)
        if name in SESSION_HEADERS:
            return _cookies(value, lambda each: self.visitor.field(each, "secret"), attributes=name == "set-cookie")
        if name == "idempotency-key":
            return self.visitor.idempotency_key(value)
        if kind := _HEADER_KINDS.get(name) or self._kind_of_header(name):
            return self.visitor.field(value, kind)
        if name == "location" and self.host != "other":
            return self._link(value)
        value = _USER_INFO.sub(lambda match: match[1] + self.visitor.field(unquote(match[2]), "secret"), value)
        return self._text(value)


def _respelled(spelled: str, plain: str, answer: str) -> str:
    """Return ``answer`` percent-encoded; ``spelled``, as it was, where it is still ``plain``."""
    return spelled if answer == plain else quote(answer, safe="")


def _authorization(value: str, visitor: Visitor) -> str:
    pair = basic_credentials(value)
    if pair is not None:
        clean = f"{visitor.field(pair[0], 'username')}:{visitor.field(pair[1], 'secret')}"
        return f"Basic {base64.b64encode(clean.encode()).decode()}"
    scheme, _, rest = value.partition(" ")
    if not rest or not _SCHEME.fullmatch(scheme):
        return visitor.field(value, "secret")
    return f"{scheme} {visitor.field(rest.strip(), 'secret')}"


def _cookies(value: str, secret: Callable[[str], str], *, attributes: bool) -> str:
    """Return the cookies of a header, ``secret(value)`` for each value; ``attributes``: as ``Set-Cookie`` has them."""
    parts: list[str] = []
    for name, cookie in _jar(value).items():
        flags = [f"; {flag}" for flag in ("Secure", "HttpOnly") if attributes and cookie[flag.lower()]]
        path = f"; Path={cookie['path']}" if attributes and cookie["path"] else ""
        parts.append(f"{name}={secret(cookie.value)}{path}{''.join(flags)}")
    return "; ".join(parts) or secret(value)


def _jar(value: str) -> SimpleCookie:
    try:
        return SimpleCookie(value)
    except CookieError:
        return SimpleCookie()


def _named_value(match: re.Match[str], visitor: Visitor) -> str:
    form = str(match.lastgroup).removeprefix("value")  # of the four in which a name stands before its value
    return match[f"head{form}"] + visitor.field(_unescaped(match[f"value{form}"]), "secret")


def _unescaped(text: str) -> str:
    # the value itself, where JSON spells it otherwise: it is the same secret as in other places
    try:
        return str(json.loads(f'"{text}"'))
    except ValueError:
        return text
