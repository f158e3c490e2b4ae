"""Framing: a request passes only if every server, and whatever stands before it, reads it as it was judged here."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, unquote_to_bytes

from pytest_adyen_creds.errors import EndpointRefused, OwnershipRefused
from pytest_adyen_creds.message import TARGET, UNFRAMED, header_name
from pytest_adyen_creds.secrets import SECRETS

if TYPE_CHECKING:
    import httpx

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""The methods that change nothing."""

_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})
_METHODS: Final = SAFE | _WITH_BODY | {"DELETE"}
_OVERRIDES: Final = frozenset(
    {
        "forwarded",
        "x-forwarded-host",
        "x-forwarded-method",
        "x-forwarded-path",
        "x-forwarded-prefix",
        "x-forwarded-server",
        "x-forwarded-uri",
        "x-host",
        "x-http-host-override",
        "x-http-method",
        "x-http-method-override",
        "x-method",
        "x-method-override",
        "x-original-host",
        "x-original-method",
        "x-original-uri",
        "x-original-url",
        "x-override-url",
        "x-request-uri",
        "x-rewrite-url",
    }
)
_OF_OTHER_PROTOCOLS: Final = frozenset({"upgrade", "http2-settings", "trailer"})
_JSON: Final = re.compile(rb'application/json(?:\s*;\s*charset="?utf-8"?)?', re.IGNORECASE)
_TOKEN: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE: Final = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
_CONTROL: Final = (
    "has a line break, a control character or a space where none belongs, in its method or its headers; nothing was "
    "sent: take it out"
)
_OF_FRAMING: Final = frozenset({"content-length", "transfer-encoding", "host", "connection"})
_CONNECTION: Final = frozenset({b"", b"close", b"keep-alive"})
_PLAIN: Final = re.compile(rb"(?:/[A-Za-z0-9_~-]+)+(?:\?[A-Za-z0-9_.~=&%+-]*)?")
# what servers decode, cut off or resolve before they look a path up
_RESPELT: Final = re.compile(rb"[\x00-\x20\x7f\\#]|//|/\.{1,2}(?=/|\Z)|%(?:2[ef5]|5c|[01][0-9a-f]|7f)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Head:
    """The headers of a request as servers read them: what is decided by them alone, and values that need more."""

    problem: str | None
    overrides: frozenset[str]
    hosts: tuple[bytes, ...]
    lengths: tuple[bytes, ...]
    codings: tuple[bytes, ...]


def check_message(request: httpx.Request) -> None:
    """Raise where a server might carry out something else than ``request``, whose body has been read.

    :class:`EndpointRefused`, where it might go elsewhere than its URL says; :class:`OwnershipRefused`, where it might
    be another request, or a second one. Its extension :data:`TARGET` has been judged then, and is taken off.
    """
    head = _head(tuple(request.headers.raw))
    if why := _leads_elsewhere(request, head):
        raise EndpointRefused(f"{_shown(request)}: {why}; nothing was sent: leave it out")
    if why := _is_read_otherwise(request, head):
        raise OwnershipRefused(f"{_shown(request)} {why}")
    target = request.extensions.pop(TARGET, None)
    if target is not None and _is_respelt(request, target):
        raise OwnershipRefused(
            f"{request.method} {SECRETS.mask(ascii(target.decode('utf-8', 'replace'))[1:-1])[:100]} is not in its "
            "canonical spelling; nothing was sent: use the paths of the contract, without encodings, fragments, empty "
            "or dot segments"
        )


def check_body(request: httpx.Request, what: str) -> None:
    """Raise :class:`OwnershipRefused` where a server might read another body than the guard of ownership did.

    A body is JSON in UTF-8, as it is, and says each thing once; ``what`` names the request.
    """
    if request.content and (why := _body_problem(request)):
        raise OwnershipRefused(
            f"{what} {why}, so a server may read another body than was judged; nothing was sent: send plain JSON in "
            "UTF-8, as application/json"
        )


def _body_problem(request: httpx.Request) -> str | None:
    fields = [(header_name(name), value) for name, value in request.headers.raw]
    types = [value for name, value in fields if name == "content-type"]
    if any(name == "content-encoding" for name, _ in fields):
        return "has a packed body"
    if len(types) > 1 or not all(_JSON.fullmatch(value) for value in types):
        return "has a body of another type than JSON in UTF-8"
    return _json_problem(request.content)


def _json_problem(body: bytes) -> str | None:
    """Return why a body is no JSON that every server reads alike; None where it is."""
    try:
        json.loads(body.decode("utf-8"), object_pairs_hook=_once, parse_constant=_refuse)
    except _RepeatedName as repeated:
        return f"says {ascii(str(repeated))[:60]} twice in its JSON"
    except (ValueError, RecursionError):
        return "has a body that is no JSON in UTF-8"
    return None


class _RepeatedName(Exception):
    """An object of a JSON text has two members that a server may take for one."""


def _once(members: list[tuple[str, object]]) -> None:
    seen = set()
    for name, _ in members:
        # servers differ in which of two they take, and whether capitals count, or what comes after a NUL
        plain = name.partition("\0")[0].strip().casefold()
        if plain in seen:
            raise _RepeatedName(name)
        seen.add(plain)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _shown(request: httpx.Request) -> str:
    return f"{ascii(request.method)[1:-1]} {SECRETS.mask(ascii(request.url.path)[1:-1])[:100]}"


@lru_cache(maxsize=256)
def _head(fields: tuple[tuple[bytes, bytes], ...]) -> _Head:
    """Return what the headers ``fields`` say; a client mostly sends the same ones again."""
    named = [(header_name(name), value) for name, value in fields]
    names = {name for name, _ in named}

    def values(wanted: str) -> tuple[bytes, ...]:
        return tuple(value for name, value in named if name == wanted)

    problem = None
    options = {each.strip().lower() for value in values("connection") for each in value.split(b",")}
    if not all(_TOKEN.fullmatch(name) and _VALUE.fullmatch(value) for name, value in fields):
        problem = _CONTROL
    elif any(b"_" in name and header_name(name) in _OF_FRAMING for name, _ in fields):
        problem = "has a header that a server may take for Content-Length or the like; nothing was sent: leave it out"
    elif names & _OF_OTHER_PROTOCOLS or not options <= _CONNECTION:
        problem = (
            "has headers by which what stands before a server may change it (Connection, Upgrade, Trailer); nothing "
            "was sent: leave them out"
        )
    hosts = tuple(value.lower() for value in values("host"))
    return _Head(problem, frozenset(names & _OVERRIDES), hosts, values("content-length"), values("transfer-encoding"))


def _leads_elsewhere(request: httpx.Request, head: _Head) -> str | None:
    url = request.url
    if len(head.hosts) != 1:
        return f"the request has {len(head.hosts)} Host headers"
    if head.hosts[0] != url.netloc:
        default = b":443" if url.scheme == "https" else b":80"
        if head.hosts[0].removesuffix(default) != url.netloc.removesuffix(default):
            return f"the request's Host header is not {url.host}"
    if url.userinfo:
        return "the request's URL carries user info"
    if "sni_hostname" in request.extensions:
        return "the request's extensions name another host"
    if not request.extensions.get(TARGET, b"/").startswith(b"/"):
        return "the request's target is another URL"
    return None


def _is_read_otherwise(request: httpx.Request, head: _Head) -> str | None:
    """Return what is wrong and what to do, as the end of a sentence; None where nothing is."""
    if request.method not in _METHODS and not _TOKEN.fullmatch(request.method.encode("utf-8", "surrogatepass")):
        return _CONTROL
    overrides, query = head.overrides, request.url.query
    if query:
        asked = parse_qsl(query.decode("ascii", "replace").replace(";", "&"), keep_blank_values=True)
        overrides |= {name.lower() for name, _ in asked} & {"_method", "x-http-method-override"}
    if overrides:
        named = ", ".join(sorted(overrides))
        return f"carries {named}, which may make another request of it; nothing was sent: leave it out"
    return head.problem or _framing_problem(request, head)


def _framing_problem(request: httpx.Request, head: _Head) -> str | None:
    body, said = request.content, (head.lengths, head.codings)
    # no line of plain JSON begins a request
    if body and request.method.upper() not in _WITH_BODY and _json_problem(body):
        return "has a body, which a server may take for a second request; nothing was sent: send it without"
    is_said_once = (not body and said == ((), ())) or said in (((b"%d" % len(body),), ()), ((), (b"chunked",)))
    if not is_said_once or UNFRAMED in request.extensions:
        return (
            f"does not say in one way that its body has {len(body)} bytes, so a server may take a part of it for a "
            "second request; nothing was sent: leave Content-Length and Transfer-Encoding to the library"
        )
    return None


def _is_respelt(request: httpx.Request, target: bytes) -> bool:
    if _PLAIN.fullmatch(target) and target == request.url.raw_path:  # as nearly all are
        return False
    if _RESPELT.search(target.partition(b"?")[0]) or re.search(rb"[\x00-\x20\x7f#]", target):
        return True
    if request.method.upper() in SAFE and target != request.url.raw_path:
        return unquote_to_bytes(target) != unquote_to_bytes(request.url.raw_path)
    return target != request.url.raw_path
