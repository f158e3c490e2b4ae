"""Where an exchange can hold what must not be recorded, and which of its headers a recording keeps."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, Protocol
from urllib.parse import quote, unquote, unquote_plus, urlsplit, urlunsplit

from pytest_adyen_creds.cassettes.body import Body, pretty
from pytest_adyen_creds.cassettes.fields import Fields, Hosts, Kind, Names, kind_in_address, origin_of_uri, path_of_uri
from pytest_adyen_creds.cassettes.headers import (
    NEVER_RECORDED,
    REQUEST_HEADERS,
    REQUEST_NOISE,
    RESPONSE_HEADERS,
    RESPONSE_NOISE,
    SESSION_HEADERS,
    SPECIAL,
    TRACE_HEADERS,
    cookies,
)
from pytest_adyen_creds.cassettes.interaction import Headers, Interaction, find_header

# the lengths are bounds of the search, far beyond any real name or password
_USER_INFO: Final = re.compile(r"(://[^\s/?#:@\"'<>]{0,200}:)([^\s/?#@\"'<>]{1,400})(?=@)")
_FORM: Final = "application/x-www-form-urlencoded"
_ADDRESS: Final = re.compile(r"(?P<before>(?:https?:/|\A)/[^\s?#\"'<>]{0,2000}\?)(?P<query>[^\s#\"'<>]+)")
_DEEPEST_ADDRESS: Final = 3
"""Addresses in the parameters of addresses that are read."""


class Handler(Protocol):
    """What is told of each place; it answers with what is to stand there."""

    def at(self, where: str) -> None:
        """Note where the places that follow are: ``the request's header x-api-key``."""

    def secret(self, value: str) -> str:
        """Answer for a whole value that is a key, a password or a session."""

    def number(self, value: float, kind: Kind | None) -> float:
        """Answer for a number in a place of ``kind``; None: it may be any number."""

    def text(self, value: str) -> str:
        """Answer for a text that may hold anything."""

    def name(self, value: str) -> str:
        """Answer for the name of a member of a JSON object."""

    def account(self, name: str, level: str) -> str:
        """Answer for a whole value that names an account of ``level`` (company, merchant; empty: unknown)."""

    def identifier(self, value: str) -> str:
        """Answer for a whole value that is the id of a credential, an origin or another resource."""

    def username(self, value: str) -> str:
        """Answer for a whole value that is a user name."""

    def reference(self, value: str) -> str:
        """Answer for an id that the server gave to one request."""

    def idempotency_key(self, value: str) -> str:
        """Answer for an idempotency key."""

    def origin(self, value: str) -> str:
        """Answer for the scheme, host and port of a request: ``http://127.0.0.1:8000``."""

    def dropped(self, name: str, value: str) -> None:
        """Take note of a header that is not kept: of ``value``, where the header ``name`` has a session or a trace."""


class Places:
    """The places of a recording: those that its contract has, and the ones that HTTP and Adyen's APIs have anyway.

    Of exchanges with ``hosts`` of Adyen, only the headers of :data:`.headers.REQUEST_HEADERS`, of
    :data:`.headers.RESPONSE_HEADERS`, of the operation's own parameters and those that it documents for the answer's
    status are kept, and every property of ``secret_properties.toml`` is a secret. Of exchanges with other hosts, which
    a cassette of another tool may hold, the contract's secret properties are secrets, and only headers that change with
    every recording are left out.
    """

    def __init__(self, fields: Fields, hosts: Hosts) -> None:
        self._fields = fields
        self._hosts = hosts

    def visit(self, interaction: Interaction, handler: Handler) -> Interaction:
        """Return ``interaction`` with each place replaced by what ``handler`` answers, in the order of reading."""
        return _Visit.of(interaction, self._fields, self._hosts, handler).interaction(interaction)

    def answer(self, interaction: Interaction, handler: Handler) -> None:
        """Tell ``handler`` of the places in the response's body alone."""
        _Visit.of(interaction, self._fields, self._hosts, handler).answer(interaction)

    def value(self, value: Any, handler: Handler) -> Any:
        """Return the JSON ``value``, in the words of the API, with each place replaced by what ``handler`` answers."""
        handler.at("the context")
        return _Visit(self._fields, self._hosts, "management", self._fields.names("management"), handler).value(value)


@dataclass(frozen=True)
class _Visit:
    """One exchange on its way past a handler."""

    fields: Fields
    hosts: Hosts
    host: Literal["management", "adyen", "other"]
    names: Names
    handler: Handler
    parameters: frozenset[str] = frozenset()
    """The headers that the operation itself has as parameters, in small letters."""
    documented: Mapping[str, Kind | None] = field(default_factory=dict)
    """The response headers that the operation documents for this status, as :meth:`Fields.headers` has them."""

    @classmethod
    def of(cls, interaction: Interaction, fields: Fields, hosts: Hosts, handler: Handler) -> _Visit:
        host = hosts.of(interaction.uri)
        operation = None
        if host == "management":
            operation = fields.operation(interaction.method, path_of_uri(interaction.uri))
        headers = [each.name.lower() for each in operation.parameters if each.location == "header"] if operation else ()
        documented = fields.headers(operation, interaction.status) if operation else {}
        return cls(fields, hosts, host, fields.names(host, operation), handler, frozenset(headers), documented)

    def interaction(self, interaction: Interaction) -> Interaction:
        handler = self.handler
        handler.at("the request's address")
        uri = self._uri(interaction.uri)
        request_headers = self._headers(interaction.request_headers, "request")
        handler.at("the request's body")
        request_body = self._body(interaction.request_body, interaction.request_headers)
        handler.at("the response's reason")
        reason = self._text(interaction.reason)
        response_headers = self._headers(interaction.response_headers, "response")
        handler.at("the response's body")
        response_body = self._body(interaction.response_body, interaction.response_headers)
        handler.at("the recorder's notes")
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

    def answer(self, interaction: Interaction) -> None:
        self._body(interaction.response_body, interaction.response_headers)

    def _body(self, data: bytes, headers: Headers) -> bytes:
        if not data:
            return data
        body = Body.open(data, headers)
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
            # a generated request may hide a value where the contract has a name: names are searched, too
            return {
                self.handler.name(key): self.value(
                    item, kind if kind == "secret" else self.names.kind_of(key, name), key
                )
                for key, item in value.items()
            }
        if isinstance(value, list):
            return [self.value(item, kind, name) for item in value]
        if isinstance(value, str):
            if kind is None and name == "href":
                return self._link(value)
            return self._text(value) if kind is None else self._of_kind(value, kind)
        return self.handler.number(value, kind) if type(value) in (int, float) else value

    def _of_kind(self, value: str, kind: Kind) -> str:
        match kind:
            case "secret":
                return self.handler.secret(value)
            case "id":
                return self.handler.identifier(value)
            case "username":
                return self.handler.username(value)
            case "reference":
                return self.handler.reference(value)
            case "company" | "merchant":
                return self.handler.account(value, kind)
        return self.handler.account(value, "")

    def _text(self, text: str, depth: int = 0) -> str:
        if depth < _DEEPEST_ADDRESS and "?" in text and "=" in text:
            text = _ADDRESS.sub(
                lambda match: match["before"] + self._to(match["before"])._query(match["query"], depth), text
            )
        pattern = self.names.in_text
        if pattern is not None and (text.find("=") >= 0 or text.find(":") >= 0 or text.find("<") >= 0):
            text = pattern.sub(lambda match: _named_value(match, self.handler), text)
        return self.handler.text(text)

    def _uri(self, uri: str) -> str:
        origin = origin_of_uri(uri)
        if not origin:
            return self.handler.text(uri)
        parts = urlsplit(uri)
        if parts.password:
            self.handler.secret(unquote(parts.password))
        path = self._path(parts.path) if self.host == "management" else self.handler.text(parts.path)
        rest = urlunsplit(("", "", path, self._query(parts.query), ""))
        return self.handler.origin(origin) + rest

    def _link(self, link: str) -> str:
        origin = origin_of_uri(link)
        if not (link.startswith("/") if not origin else self.hosts.of(link) == "management"):
            return self._text(link)
        parts = urlsplit(link)
        rest = urlunsplit(("", "", self._path(parts.path), self._query(parts.query), parts.fragment))
        return (self.handler.origin(origin) if origin else "") + rest

    def _path(self, path: str) -> str:
        pieces, done = [], 0
        for start, end, kind in self.fields.parts(path):
            pieces.append(self.handler.text(path[done:start]))
            plain = unquote(path[start:end])
            told = self._of_kind(plain, kind)
            pieces.append(path[start:end] if told == plain else quote(told, safe=""))
            done = end
        return "".join([*pieces, self.handler.text(path[done:])])

    def _to(self, address: str) -> _Visit:
        """Return this visit with the names of the host of ``address``; a path alone has this exchange's."""
        host = self.host if address.startswith("/") else self.hosts.of(address)
        return self if host == self.host else replace(self, host=host, names=self.fields.names(host))

    def _query(self, query: str, depth: int = 0, *, form: bool = False) -> str:
        """Return the pairs of an address's query, or of a ``form``; what is not replaced is spelled as it was."""
        pieces = []
        for piece in query.split("&"):
            name, equals, value = piece.partition("=")
            plain = unquote_plus(value)
            told = self._pair(unquote_plus(name), plain, depth, form=form)
            pieces.append(self._name(name) + equals + (value if told == plain else quote(told, safe="")))
        return self.handler.text("&".join(pieces))

    def _name(self, name: str) -> str:
        plain = unquote_plus(name)
        told = self.handler.text(plain)
        return name if told == plain else quote(told, safe="")

    def _pair(self, name: str, value: str, depth: int, *, form: bool) -> str:
        kind = self.names.kind_of(name, "")
        if kind is None and not form and self.host != "other":
            kind = kind_in_address(name)
        return self._of_kind(value, kind) if kind else self._text(value, depth + 1)

    def _headers(self, headers: Headers, side: Literal["request", "response"]) -> Headers:
        kept = []
        # sorted, so that two libraries that order them differently record the same
        for name, value in sorted(((name.lower(), value) for name, value in headers), key=lambda pair: pair[0]):
            self.handler.at(f"the {side}'s header {name}")
            if self._keeps(name, value, side):
                kept.append((name, self._header(name, value)))
            elif self.host != "other":
                self._dropped(name, value)
        return tuple(kept)

    def _keeps(self, name: str, value: str, side: Literal["request", "response"]) -> bool:
        if self.host == "other":
            return name not in (REQUEST_NOISE if side == "request" else RESPONSE_NOISE)
        if name == "location":
            return side == "response" and (not origin_of_uri(value) or self.hosts.of(value) != "other")
        if side == "request":
            return name in REQUEST_HEADERS | self.parameters
        if name in RESPONSE_HEADERS:
            return True
        return name in self.documented and name not in NEVER_RECORDED and self._kind_of_header(name) != "secret"

    def _dropped(self, name: str, value: str) -> None:
        if name in SESSION_HEADERS:
            cookies(value, lambda each: self._lost(name, each), attributes=name == "set-cookie")
        elif name in TRACE_HEADERS or self._kind_of_header(name) or name == "proxy-authorization":
            self._lost(name, value)

    def _lost(self, name: str, value: str) -> str:
        self.handler.dropped(name, value)
        return value

    def _kind_of_header(self, name: str) -> Kind | None:
        return self.documented.get(name) or self.names.kind_of(name.replace("-", ""), "")

    def _header(self, name: str, value: str) -> str:
        special = SPECIAL.get(name)
        if special is not None:
            return special(value, self.handler)
        kind = self._kind_of_header(name)
        if kind is not None:
            return self._of_kind(value, kind)
        if name == "location" and self.host != "other":
            return self._link(value)
        value = _USER_INFO.sub(lambda match: match[1] + self.handler.secret(unquote(match[2])), value)
        return self._text(value)


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
