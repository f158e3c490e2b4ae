"""HTTP at the sandbox's edge: a WSGI environment as a request, an answer as a WSGI response, and both for httpx."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http.client import responses
from typing import Any, Final
from urllib.parse import quote
from wsgiref.types import StartResponse, WSGIEnvironment

import anyio.to_thread
import httpx

from pytest_adyen_creds.message import basic_credentials
from pytest_adyen_creds.sandbox.bodies import LARGEST_BODY, TOO_LARGE, UNREADABLE
from pytest_adyen_creds.sandbox.outcomes import Kind, Refused
from pytest_adyen_creds.sandbox.rules import Rule
from pytest_adyen_creds.secrets import Secret

_HOST: Final = re.compile(r"[A-Za-z0-9._:\[\]-]{1,255}")
_DRAINED: Final = 8 * LARGEST_BODY
_CHUNK: Final = 64 * 1024

BY_FAULT: Final = "pytest_adyen_creds.by_fault"
"""In a WSGI environment that was answered, and in the extensions of an httpx response: a fault made this answer."""


class ConnectionLost(ConnectionResetError):
    """The connection ends here because a fault says so; over a socket the peer sees a reset."""


class AnswerTimeout(TimeoutError):
    """No answer comes because a fault says so; over a socket there is silence until the peer gives up."""


class Request:
    """One request, read off its WSGI environment; ``path`` is percent-encoded, as it was sent.

    ``caller`` is the id of the credential that makes it, empty until one was let in.
    """

    def __init__(self, environ: WSGIEnvironment) -> None:
        self.environ = environ
        self.caller = ""
        self.method: str = environ["REQUEST_METHOD"]
        self.path = _raw_path(environ)

    def header(self, name: str) -> str | None:
        """Return a header's value, ``None`` where it was not sent."""
        key = name.upper().replace("-", "_")
        value = self.environ.get(key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}")
        return None if value is None else str(value)

    @property
    def origin(self) -> str:
        """Scheme and host as the caller used them; what proxies claim in X-Forwarded headers is not looked at."""
        host = self.header("Host") or ""
        if not _HOST.fullmatch(host):
            host = f"{self.environ.get('SERVER_NAME', 'localhost')}:{self.environ.get('SERVER_PORT', '80')}"
        return f"{self.environ.get('wsgi.url_scheme', 'http')}://{host}"

    @property
    def target(self) -> str:
        """Path and query, as they were sent."""
        query = self.environ.get("QUERY_STRING", "")
        return f"{self.path}?{query}" if query else self.path

    @property
    def login(self) -> tuple[str, str] | None:
        """Username and password by HTTP Basic; those that nobody has, empty ones, for a header that cannot be read."""
        header = self.header("Authorization")
        return None if header is None else basic_credentials(header) or ("", "")

    def read(self) -> bytes | Refused:
        """Read the body to its end and return it; return, not raise, the refusal of one that cannot be read.

        A body over the limit is read on for a while and thrown away, so that the caller gets to see the answer.
        """
        length = self.environ.get("CONTENT_LENGTH") or "0"
        if self.environ.get("wsgi.input_terminated"):
            length = str(_DRAINED)
        elif not re.fullmatch("[0-9]{1,19}", length):
            return Refused(UNREADABLE, Kind.UNREADABLE, "The Content-Length cannot be read.")
        expected, body, size = min(int(length), _DRAINED), bytearray(), 0
        # Into a view, which cannot shrink: werkzeug takes a chunk that is cut short for a whole one, and the read of
        # Python's raw streams would then copy what lies behind their buffer, or crash.
        room = memoryview(bytearray(min(expected, _CHUNK)))
        try:
            while size < expected and (count := self.environ["wsgi.input"].readinto(room[: expected - size])):
                size += count
                if size <= LARGEST_BODY:
                    body += room[:count]
        except (OSError, ValueError):
            return Refused(UNREADABLE, Kind.UNREADABLE, "The request body cannot be read.")
        if size > LARGEST_BODY:
            return Refused(TOO_LARGE, Kind.UNREADABLE, f"The request body is over {LARGEST_BODY} bytes.")
        return bytes(body)


@dataclass(frozen=True)
class Answer:
    """What goes back: a status, a JSON document (``None``: no body), and headers.

    ``media_type`` is what the body is announced as, ``escapes_slashes`` whether its JSON writes ``\\/`` for ``/``, and
    ``truncated``, for faults, whether it ends half-way.
    """

    status: int
    document: Any
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = "application/json"
    escapes_slashes: bool = False
    truncated: bool = False

    def send(self, start_response: StartResponse, *, head_only: bool = False) -> Iterable[bytes]:
        """Begin a WSGI response and return its body; secrets in the document are written out here, and only here."""
        has_body = self.document is not None and self.status not in (204, 304)
        text = json.dumps(self.document, default=reveal) if has_body else ""
        body = (text.replace("/", "\\/") if self.escapes_slashes else text).encode()
        headers = [("Content-Type", self.media_type)] if has_body else []
        if self.status not in (204, 304):
            headers.append(("Content-Length", str(len(body))))
        start_response(f"{self.status} {responses.get(self.status, 'Unknown')}", [*headers, *self.headers.items()])
        if self.truncated:
            return _half(body)
        return [] if head_only or not body else [body]


@dataclass(frozen=True, kw_only=True)
class Reply(Answer):
    """An answer of the API, by ``rule``; ``decided`` tells whether it stays the answer to its idempotency key."""

    rule: Rule
    request_id: str
    decided: bool = False


def _half(body: bytes) -> Iterator[bytes]:
    yield body[: len(body) // 2]
    raise ConnectionLost("the answer ends here because a fault says so")


def reveal(value: object) -> str:
    """Return a secret of an answer as its text, for JSON; raises TypeError for anything else."""
    if isinstance(value, Secret):
        return value.reveal()
    raise TypeError(f"{type(value).__name__} in an answer")


def _raw_path(environ: WSGIEnvironment) -> str:
    # where a server keeps the path as it was sent; %2F is lost in PATH_INFO
    sent = str(environ.get("REQUEST_URI", "")).partition("?")[0].partition("#")[0]
    if sent.startswith("/"):
        return sent
    return quote(str(environ.get("PATH_INFO", "")).encode("latin-1", "replace"), safe="/%:@!$&'()*+,;=~")


class SandboxTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Hands requests to the sandbox's application, whatever host they name; for httpx' clients of both kinds.

    A reset connection is an ``httpx.ReadError``, a truncated body an ``httpx.RemoteProtocolError``, an answer that does
    not come an ``httpx.ReadTimeout``, as on a network.
    """

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self._app = app

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        return self._answer(request, request.read())

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request, on a thread of its own: an answer may be delayed."""
        return await anyio.to_thread.run_sync(self._answer, request, await request.aread())

    def _answer(self, request: httpx.Request, body: bytes) -> httpx.Response:
        began: list[Any] = []
        try:
            environ = _environ(request, body)
            chunks = self._app(environ, lambda status, headers: began.extend((status, headers)))
        except ConnectionLost as lost:
            raise httpx.ReadError(str(lost), request=request) from lost
        except AnswerTimeout as late:
            raise httpx.ReadTimeout(str(late), request=request) from late
        try:
            answer = b"".join(chunks)
        except ConnectionLost as lost:
            raise httpx.RemoteProtocolError(str(lost), request=request) from lost
        status, extensions = int(began[0].split()[0]), {BY_FAULT: True} if environ.get(BY_FAULT) else {}
        return httpx.Response(status, headers=began[1], stream=httpx.ByteStream(answer), extensions=extensions)


def _environ(request: httpx.Request, body: bytes) -> dict[str, Any]:
    """Return what of a WSGI environment the sandbox looks at."""
    raw_path, _, query = request.url.raw_path.partition(b"?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "REQUEST_URI": raw_path.decode("ascii"),
        "PATH_INFO": request.url.path,  # for who puts a WSGI application of his own in between
        "QUERY_STRING": query.decode("ascii"),
        "SERVER_NAME": request.url.host,
        "SERVER_PORT": str(request.url.port or {"http": 80}.get(request.url.scheme, 443)),
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.url_scheme": request.url.scheme,
        "wsgi.input": io.BytesIO(body),
    }
    for name, value in request.headers.raw:
        if b"_" not in name:  # as the server over HTTP does: X_API_Key is not X-API-Key
            key = name.decode("ascii").upper().replace("-", "_")
            environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value.decode("latin-1")
    return environ | {"CONTENT_LENGTH": str(len(body))}
