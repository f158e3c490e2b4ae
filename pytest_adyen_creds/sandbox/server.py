"""The sandbox over HTTP: a threaded server that listens on loopback only."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from pytest_adyen_creds.compat.werkzeug import QuietHandler, QuietServer, reset, socket_of
from pytest_adyen_creds.errors import SandboxError
from pytest_adyen_creds.sandbox.app import ManagementApp
from pytest_adyen_creds.sandbox.faults import LONGEST_DELAY
from pytest_adyen_creds.sandbox.wire import AnswerTimeout, ConnectionLost

REQUEST_TIMEOUT: Final = 30.0
"""How long the server waits for the rest of a request, in seconds."""

_HOST: Final = "127.0.0.1"
_POLL: Final = 0.05


class Server:
    """A running server; ``with`` starts and stops it. ``url`` is its address, without a slash at the end."""

    def __init__(self, app: WSGIApplication, port: int = 0, *, request_timeout: float = REQUEST_TIMEOUT) -> None:
        if not 0 <= port < 65536:
            raise SandboxError(f"{port} is no port; give one from 1 to 65535, or 0 for any free one")
        self._app = app
        handler = type("Handler", (QuietHandler,), {"timeout": request_timeout})
        # bound here: werkzeug ends the process when a port is taken
        try:
            listener = socket.create_server((_HOST, port), backlog=128)
        except OSError as error:
            why = os.strerror(error.errno or 0)
            raise SandboxError(f"port {port} cannot be had ({why}); give another, or 0 for any") from None
        with listener:
            self.port: int = listener.getsockname()[1]
            self._server = QuietServer(_HOST, self.port, self._serve, handler, fd=listener.fileno())
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL,), name="adyen-sandbox", daemon=True
        )

    @property
    def url(self) -> str:
        """The server's address, for example ``http://127.0.0.1:8080``."""
        return f"http://{_HOST}:{self.port}"

    def __enter__(self) -> Server:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening; requests that are being answered are not waited for."""
        with suppress(OSError):  # not on every system; there the server notices at its next poll
            self._server.socket.shutdown(socket.SHUT_RDWR)  # wakes it
        self._server.shutdown()
        self._thread.join()

    def _serve(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            body = self._app(environ, start_response)
            # all of it here, so that a body that ends half-way resets the connection below
            yield from body
        except ConnectionLost:
            reset(socket_of(environ))
            raise
        except AnswerTimeout:
            _wait_for_end(socket_of(environ))
            raise


def serve_until_told(app: ManagementApp, port: int, announce: Callable[[str], None]) -> None:
    """Serve ``app`` until SIGTERM or SIGINT; ``announce`` is called with the address once requests are taken.

    To be called from the main thread. Raises :class:`SandboxError` where the port cannot be had.
    """
    told = threading.Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    for number in before:
        signal.signal(number, lambda *_: told.set())
    try:
        with Server(app, port) as server:
            announce(server.url)
            told.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _wait_for_end(connection: socket.socket | None) -> None:
    if connection is not None:
        connection.settimeout(LONGEST_DELAY)
        connection.recv(1, socket.MSG_PEEK)
        reset(connection)
