"""What vcrpy's interception lacks: threads, what aiohttp's sessions know, and what comes past every patch."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from types import FunctionType
from typing import Any
from unittest.mock import patch

import vcr.patch
import vcr.stubs
from vcr.request import Request

Patch = tuple[Any, str, Any]
"""An object, the name of its attribute, and what takes the attribute's place."""


def patches_that_stay() -> Iterator[Patch]:
    """Yield what lets vcrpy's patches stay in place while it makes a connection.

    It takes them off for the whole process whenever it makes a connection or sends on one, so that what another thread
    asks meanwhile would go out to the network. The standard library alone needs that: a connection over TLS looks its
    own class up by name, and would find vcrpy's. httplib2 does as well, so where it is loaded the patches go on being
    taken off.
    """
    if "httplib2" not in sys.modules:
        yield vcr.patch, "force_reset", nullcontext
        yield vcr.stubs.VCRHTTPSConnection, "_baseclass", _HTTPSConnection


def _under_its_own_name(kind: type) -> type:
    """Return ``kind`` with a constructor that finds ``kind`` under its name, whatever stands in its module."""
    made: Any = kind.__init__  # type: ignore[misc]
    names = {**vars(sys.modules[kind.__module__]), kind.__name__: kind}
    constructor = FunctionType(made.__code__, names, made.__name__, made.__defaults__, made.__closure__)
    constructor.__kwdefaults__ = made.__kwdefaults__
    return type(kind.__name__, (kind,), {"__init__": constructor})


_HTTPSConnection = _under_its_own_name(vcr.stubs.HTTPSConnection)


def guarded_look_ups(check: Callable[[str], None]) -> Iterator[Patch]:
    """Yield what has ``check`` called with each host whose address is asked for; it raises where nothing may go."""
    look_up = socket.getaddrinfo

    def getaddrinfo(host: Any, *arguments: Any, **options: Any) -> Any:
        if host:
            check(host.decode("ascii", "replace") if isinstance(host, bytes | bytearray) else str(host))
        return look_up(host, *arguments, **options)

    yield socket, "getaddrinfo", getaddrinfo


def guarded_hops(check: Callable[[Request], None]) -> Iterator[Patch]:
    """Yield what has ``check`` called with each request that aiohttp makes, before it connects.

    aiohttp follows redirects by itself, and an interception sees them when all is done.
    """
    aiohttp = sys.modules.get("aiohttp")
    if aiohttp is None:
        return
    make = aiohttp.ClientRequest.__init__

    def made(request: Any, *arguments: Any, **options: Any) -> None:
        make(request, *arguments, **options)
        body = getattr(request.body, "_value", request.body)  # of a payload that holds its bytes
        check(Request(request.method, str(request.url), body, dict(request.headers)))

    yield aiohttp.ClientRequest, "__init__", made


def guarded_connections(check: Callable[[str, str, str], None]) -> Iterator[Patch]:
    """Yield what has ``check`` called with the origin, method and URL of each request of the standard library's.

    All of its connections come there, those whose class was imported before there was an interception as well.
    """
    put, real_host = vcr.stubs.HTTPConnection.putrequest, vcr.stubs.VCRConnection._real_host

    def putrequest(connection: Any, method: str, url: str, *arguments: Any, **options: Any) -> None:
        host, port = _in_url(connection._tunnel_host or connection.host), connection.port
        if connection._tunnel_host:
            port = connection._tunnel_port
        scheme = "https" if connection.default_port == 443 else "http"
        place = f"{scheme}://{host}" if port == connection.default_port else f"{scheme}://{host}:{port}"
        check(place, method, url if url and not url.startswith("/") else place + url)
        put(connection, method, url, *arguments, **options)

    yield vcr.stubs.HTTPConnection, "putrequest", putrequest
    yield vcr.stubs.VCRConnection, "_real_host", lambda made: _in_url(real_host(made))


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


@contextmanager
def whole_requests() -> Iterator[None]:
    """Let an interception of aiohttp see what the session adds: its base URL and its sign-in."""
    aiohttp = sys.modules.get("aiohttp")
    if aiohttp is None:
        yield
        return
    intercepted = aiohttp.ClientSession._request

    async def request(session: Any, method: str, url: Any, **options: Any) -> Any:
        if options.get("auth") is None and (auth := getattr(session, "auth", None)) is not None:
            options["auth"] = auth
        return await intercepted(session, method, session._build_url(url), **options)

    with patch.object(aiohttp.ClientSession, "_request", request):
        yield
