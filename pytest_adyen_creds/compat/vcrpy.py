"""vcrpy: its stubs take the requests of libraries that have no public place for it, and its cassettes are looked into.

What is used of its inside: the methods of ``vcr.cassette.Cassette`` that its stubs call, ``vcr.patch.force_reset``, and
the base classes of ``vcr.stubs``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partialmethod
from types import FunctionType
from typing import Any, Final
from unittest.mock import patch
from urllib.parse import urlsplit

import httpx
import vcr
import vcr.patch
import vcr.stubs
from vcr.cassette import Cassette
from vcr.request import Request
from vcr.stubs import VCRConnection, VCRHTTPConnection, VCRHTTPSConnection

from pytest_adyen_creds.message import as_sent

Answer = Callable[[httpx.Request], httpx.Response]

_SKIPPED: Final = ("httpx", "httpx2", "aiohttp")
"""The libraries that are intercepted at places of their own."""

PLACES: Final = {
    "httpx.HTTPTransport": "_HttpxHttpTransport_handle_request",
    "httpx.AsyncHTTPTransport": "_HttpxAsyncHttpTransport_handle_async_request",
    "httpx2.HTTPTransport": "_Httpx2HttpTransport_handle_request",
    "httpx2.AsyncHTTPTransport": "_Httpx2AsyncHttpTransport_handle_async_request",
    "aiohttp.ClientSession": "_AiohttpClientSessionRequest",
}
"""The classes by whose method a cassette sends what it does not hold, and vcrpy's name for that method."""

_ANSWERED: Final = "_adyen_creds_answered"
_SENT: Final = "_adyen_creds_sent"


@dataclass
class _Sent:
    """What vcrpy does not keep of a request that a connection would send."""

    fields: list[tuple[Any, Any]]
    """Its headers, repeated ones too."""
    target: bytes | None = None
    """Its target, where that is a whole URL to the host that the connection leads to."""
    is_framed: bool = True
    """Whether the library says how long the body is where no header does."""


class _Stub(Cassette):  # type: ignore[misc]  # vcrpy is untyped
    """A cassette without a file that plays whatever is wanted, and lets all else pass."""

    def __init__(self, *, wants: Callable[[str], bool], answer: Answer, **config: Any) -> None:
        super().__init__(**config)
        self._wants = wants
        self._answer = answer

    def _load(self) -> None: ...

    def _save(self, force: bool = False) -> None: ...

    def append(self, request: Request, response: dict[str, Any]) -> None: ...

    def filter_request(self, request: Request) -> None: ...

    def can_play_response_for(self, request: Request) -> bool:
        return self._wants(request.uri)

    def play_response(self, request: Request) -> dict[str, Any]:
        return _played(self._answer, request)


@contextmanager
def stubbed(wants: Callable[[str], bool], answer: Answer) -> Iterator[None]:
    """Have ``answer`` called, in a ``with`` block, with each request to a URL that ``wants`` tells of.

    It takes those of urllib3, the standard library, httplib2, boto3 and tornado, from any thread.
    """
    config = vcr.VCR(record_mode="none", custom_patches=tuple(_that_stay())).get_merged_config(path="adyen")
    with _Stub.use(**config | {"skip_patchers": _SKIPPED}, wants=wants, answer=answer):
        yield


@contextmanager
def foreign_cassettes(
    wants: Callable[[str], bool],
    let_out: Answer,
    played: Callable[[httpx.Request, httpx.Response], httpx.Response],
    entrances: Mapping[str, Any],
) -> Iterator[None]:
    """Stand behind the cassettes of other tools in a ``with`` block.

    What such a cassette holds, it plays: what ``played`` returns for the request and the response. What it would send
    to a URL that ``wants`` tells of is answered by ``let_out``, or refused by what that raises, and recorded by it;
    it sends by ``entrances`` (of ``httpx.HTTPTransport.handle_request``, say) where a library has one.
    """
    can_play, play, respond = Cassette.can_play_response_for, Cassette.play_response, VCRConnection.getresponse
    in_connection: ContextVar[bool] = ContextVar("in_connection", default=False)

    def getresponse(connection: VCRConnection, *arguments: Any, **options: Any) -> Any:
        token = in_connection.set(True)
        try:
            return respond(connection, *arguments, **options)
        finally:
            in_connection.reset(token)

    def can_play_response_for(cassette: Cassette, request: Request) -> bool:
        if _ANSWERED in request.__dict__:  # urllib3's connections ask about the previous request, too
            return True
        if can_play(cassette, request):
            return True
        if not in_connection.get() or not wants(request.uri):
            return False
        if cassette.write_protected and cassette.filter_request(request):
            return False  # the cassette refuses it itself
        response = _played(let_out, request)
        cassette.append(request, response)
        request.__dict__[_ANSWERED] = response
        return True

    def play_response(cassette: Cassette, request: Request) -> dict[str, Any]:
        if not wants(request.uri):
            return play(cassette, request)  # type: ignore[no-any-return]
        if (response := request.__dict__.get(_ANSWERED)) is None:
            recorded = as_response(response := play(cassette, request))
            if (changed := played(as_httpx(request), recorded)) is not recorded:
                response = as_vcr(changed, b"".join(changed.stream))  # type: ignore[arg-type]
            request.__dict__[_ANSWERED] = response if in_connection.get() else None
        return dict(response)

    with ExitStack() as stack:
        stack.enter_context(patch.object(VCRConnection, "getresponse", getresponse))
        stack.enter_context(patch.object(Cassette, "can_play_response_for", can_play_response_for))
        stack.enter_context(patch.object(Cassette, "play_response", play_response))
        stack.enter_context(_mocks_left_alone())
        for place in PLACES.keys() & entrances.keys():
            stack.enter_context(patch.object(vcr.patch, PLACES[place], entrances[place]))
        yield


@contextmanager
def plays_seen(see: Callable[[str], None]) -> Iterator[None]:
    """Have ``see`` called, in a ``with`` block, with the URL of each request that a cassette of vcrpy answers."""
    play = Cassette.play_response

    def play_response(cassette: Cassette, request: Request) -> Any:
        see(request.uri)
        return play(cassette, request)

    with patch.object(Cassette, "play_response", play_response):
        yield


def stands_in_front() -> bool:
    """Return whether a cassette of another tool takes the requests of urllib3 now."""
    pool = sys.modules.get("urllib3.connectionpool")
    kind = pool and pool.HTTPSConnectionPool.ConnectionCls
    return not isinstance(getattr(kind, "cassette", None), _Stub | None)


def as_httpx(request: Request) -> httpx.Request:
    """Return a request of vcrpy's as one of httpx, with its headers and its path as they would be sent.

    Raises :class:`EndpointRefused` where its URL is none.
    """
    sent: _Sent = request.__dict__.get(_SENT) or _Sent(list(request.headers.items()))
    body = request.body_bytes
    fields = sent.fields
    if isinstance(body, dict | list):  # what aiohttp was given as ``json``
        body = json.dumps(body).encode()
        fields = [*fields, *([] if "content-type" in request.headers else [("content-type", "application/json")])]
    elif isinstance(body, str):
        body = body.encode()
    target = sent.target or _target(request.uri)
    return as_sent(request.method, request.uri, fields, bytes(body or b""), target=target, is_framed=sent.is_framed)


def as_response(response: Mapping[str, Any]) -> httpx.Response:
    """Return a response of vcrpy's as one of httpx, not yet read."""
    headers = [
        (str(name).encode("latin-1", "replace"), _text(value).encode("latin-1", "replace"))
        for name, values in response["headers"].items()
        for value in ([values] if isinstance(values, str | bytes) else values)
    ]
    body = response["body"].get("string") or b""
    stream = httpx.ByteStream(body.encode() if isinstance(body, str) else body)
    return httpx.Response(response["status"]["code"], headers=headers, stream=stream)


def _target(uri: str) -> bytes:
    path = uri.partition("://")[2]
    start = min((at for mark in "/?#" if (at := path.find(mark)) >= 0), default=len(path))
    target = path[start:]
    return (target if target.startswith("/") else f"/{target}").encode("utf-8", "surrogateescape")


def _played(answer: Answer, request: Request) -> dict[str, Any]:
    try:
        response = answer(as_httpx(request))
    except httpx.TimeoutException as error:
        raise TimeoutError(str(error)) from error
    except httpx.TransportError as error:
        raise ConnectionResetError(str(error)) from error
    assert isinstance(response.stream, Iterable)
    return as_vcr(response, b"".join(response.stream))


def as_vcr(response: httpx.Response, body: bytes) -> dict[str, Any]:
    """Return a response of httpx as one of vcrpy's, with ``body``."""
    headers: dict[str, list[str]] = {}
    for name, value in response.headers.multi_items():
        headers.setdefault(name, []).append(value)
    status = {"code": response.status_code, "message": response.reason_phrase}
    return {"status": status, "headers": headers, "body": {"string": body}}


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _that_stay() -> Iterator[tuple[Any, str, Any]]:
    # vcrpy takes its patches off for the whole process whenever it makes a connection or sends on one, so that what
    # another thread asks meanwhile would go past them. The standard library alone needs that: a connection over TLS
    # looks its own class up by name, and would find vcrpy's. httplib2 does as well, so where it is loaded they go off.
    if "httplib2" not in sys.modules:
        yield vcr.patch, "force_reset", nullcontext
        yield vcr.stubs.VCRHTTPSConnection, "_baseclass", _under_its_own_name(vcr.stubs.HTTPSConnection)
    real_host = VCRConnection._real_host
    yield VCRConnection, "_real_host", lambda made: _in_url(real_host(made))
    for name, noting in (
        ("request", _request),
        ("putrequest", _putrequest),
        ("putheader", _putheader),
        ("endheaders", _endheaders),
        ("send", _send),
    ):
        yield VCRConnection, name, partialmethod(noting, getattr(VCRConnection, name))


def _request(
    connection: Any, theirs: Any, method: str, url: str, body: Any = None, headers: Any = None, **options: Any
) -> None:
    theirs(connection, method, url, body, headers, **options)
    fields = list((headers or {}).items())
    # the standard library leaves it to its caller to encode what it announces as chunks, where it is not told to
    is_encoded = isinstance(connection, VCRHTTPConnection | VCRHTTPSConnection) and not options.get("encode_chunked")
    announced = any(_text(name).lower() == "transfer-encoding" for name, _ in fields)
    _note(connection, url, fields, is_framed=not (is_encoded and announced))


def _putrequest(
    connection: Any, theirs: Any, method: str, url: str, skip_host: bool = False, *more: Any, **options: Any
) -> None:
    theirs(connection, method, url, skip_host, *more, **options)
    host = urlsplit(connection._vcr_request.uri).netloc
    _note(connection, url, [] if skip_host else [("Host", host)], is_framed=False)


def _putheader(connection: Any, theirs: Any, header: Any, *values: Any) -> None:
    theirs(connection, header, *values)
    connection._vcr_request.__dict__[_SENT].fields.append((header, "\r\n\t".join(map(_text, values))))


def _endheaders(connection: Any, theirs: Any, message_body: Any = None, *, encode_chunked: bool = False) -> None:
    theirs(connection, message_body)


def _send(connection: Any, theirs: Any, data: Any) -> None:
    theirs(connection, data)
    connection._vcr_request.__dict__[_SENT].is_framed = False


def _note(connection: Any, url: str, fields: list[tuple[Any, Any]], *, is_framed: bool) -> None:
    request = connection._vcr_request
    ours = urlsplit(f"{connection._protocol}://{connection._real_host()}{connection._port_postfix()}")
    is_whole = not url.startswith("/") and urlsplit(url).netloc.lower() == ours.netloc.lower()
    target = url.encode("utf-8", "surrogatepass") if is_whole else None
    request.__dict__[_SENT] = _Sent(fields, target, is_framed)


def _under_its_own_name(kind: type) -> type:
    """Return ``kind`` with a constructor that finds ``kind`` under its name, whatever stands in its module."""
    made: Any = kind.__init__  # type: ignore[misc]
    names = {**vars(sys.modules[kind.__module__]), kind.__name__: kind}
    constructor = FunctionType(made.__code__, names, made.__name__, made.__defaults__, made.__closure__)
    constructor.__kwdefaults__ = made.__kwdefaults__
    return type(kind.__name__, (kind,), {"__init__": constructor})


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


@contextmanager
def _mocks_left_alone() -> Iterator[None]:
    """Have cassettes of other tools leave mock transports alone: what a test hands to its own client is its own."""
    init = Cassette.__init__

    def __init__(cassette: Cassette, *args: Any, **kwargs: Any) -> None:
        init(cassette, *args, **kwargs)
        for module in filter(None, map(sys.modules.get, ("httpx", "httpx2"))):
            for method in ("handle_request", "handle_async_request"):
                left = module.MockTransport, method, getattr(module.MockTransport, method)
                cassette.custom_patches = (*cassette.custom_patches, left)

    with patch.object(Cassette, "__init__", __init__):
        yield
