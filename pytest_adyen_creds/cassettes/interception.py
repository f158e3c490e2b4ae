"""The sandbox through the same door: any HTTP library is answered by a WSGI application in-process."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from vcr.request import Request

from pytest_adyen_creds.cassettes.door import Door, body_of
from pytest_adyen_creds.sandbox.wire import BY_FAULT

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
"""A WSGI application (PEP 3333)."""

_UNPREFIXED = frozenset({"CONTENT_TYPE", "CONTENT_LENGTH"})


class InterceptedApp(Door):
    """A WSGI application behind the door, in place of the Management API's test host and the base URLs.

    No socket is opened for it. Live hosts of Adyen are refused; every other host is left alone.
    """

    origin = "the embedded sandbox"

    def __init__(self, *, app: Wsgi, **parts: Any) -> None:
        super().__init__(**parts)
        self.app = app

    def can_play_response_for(self, request: Request) -> bool:
        """Tell whether the application answers ``request``; raises :class:`EndpointRefused` for a live host."""
        if self.hosts.is_served(request.uri):
            return True
        if self.hosts.is_ours(request.uri):
            self.refuse_live(request)
        return False

    def filter_request(self, request: Request) -> None:
        """Let every request pass that the application does not answer."""

    def play_response(self, request: Request) -> dict[str, Any]:
        """Return what the application answers to ``request``."""
        return self.observed(request, call_app(self.app, request))


def call_app(app: Wsgi, request: Request) -> dict[str, Any]:
    """Return the answer of ``app`` to a request of vcrpy's, as vcrpy hands it to the libraries.

    Where ``app`` breaks the connection (:class:`ConnectionError`) or does not answer (:class:`TimeoutError`), the error
    is also httpx' and aiohttp's own.
    """
    try:
        return _call(app, request)
    except ConnectionError as error:
        raise _of_every_library("ReadError", "ClientOSError", ConnectionResetError)(str(error)) from error
    except TimeoutError as error:
        raise _of_every_library("ReadTimeout", "ServerTimeoutError", TimeoutError)(str(error)) from error


def _call(app: Wsgi, request: Request) -> dict[str, Any]:
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
        if exc_info is not None and started:
            raise exc_info[1].with_traceback(exc_info[2])
        started.append((status, headers))
        return written.append

    written: list[bytes] = []
    environ = environ_of(request)
    chunks = app(environ, start_response)
    try:
        written.extend(chunks)
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
    status, fields = started[-1]
    code, _, reason = status.partition(" ")
    headers: dict[str, list[str]] = {}
    for name, value in fields:
        headers.setdefault(name, []).append(value)
    return {
        "status": {"code": int(code), "message": reason},
        "headers": headers,
        "body": {"string": b"".join(written)},
        BY_FAULT: bool(environ.get(BY_FAULT)),  # for our own observers: no library looks at it, no recording keeps it
    }


def _of_every_library(httpx: str, aiohttp: str, builtin: type[Exception]) -> type[Exception]:
    # vcrpy does not say which library asks; each is to see the error that it knows by a name of its own
    names = (("httpx", httpx), ("httpx2", httpx), ("aiohttp", aiohttp))
    errors = (getattr(sys.modules[module], name) for module, name in names if module in sys.modules)
    return type(builtin.__name__, (*errors, builtin), {})


def environ_of(request: Request) -> dict[str, Any]:
    """Return the WSGI environment of a request of vcrpy's, its path also as it was sent (``RAW_URI``)."""
    parts = urlsplit(request.uri)
    body = body_of(request)
    path = parts.path or "/"
    raw = f"{path}?{parts.query}" if parts.query else path
    port = parts.port or {"https": 443, "http": 80}[parts.scheme]
    environ = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": parts.query,
        "RAW_URI": raw,
        "REQUEST_URI": raw,
        "SERVER_NAME": parts.hostname or "",
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": parts.netloc.rpartition("@")[2],
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": parts.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.headers.items():
        if "_" in str(name):  # which no server hands on: it could pass for another header
            continue
        key = str(name).upper().replace("-", "_")
        if key not in {"HOST", "CONTENT_LENGTH", "TRANSFER_ENCODING"}:
            text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
            environ[key if key in _UNPREFIXED else f"HTTP_{key}"] = text
    if "CONTENT_TYPE" not in environ and isinstance(request.body, dict | list):
        environ["CONTENT_TYPE"] = "application/json"
    return environ
