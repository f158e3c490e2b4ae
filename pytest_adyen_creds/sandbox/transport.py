"""The sandbox in-process, as a transport for httpx: no socket, and connection faults as httpx' own errors."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from typing import Any

import anyio.to_thread
import httpx

from pytest_adyen_creds.sandbox.wire import BY_FAULT, AnswerTimeout, ConnectionLost


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
