"""werkzeug: its undocumented parts that this package uses: a threaded server whose connections can be reset.

With TLS each connection shakes hands on its own thread: one that never does holds up no other.
"""

from __future__ import annotations

import io
import socket
import ssl
import struct
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

_HEAD: Final = "pytest_adyen_creds.head"
_RESET: Final = struct.pack("ii", 1, 0)
_NOT_TLS: Final = b"This port speaks TLS; write https:// for http://.\n"


def socket_of(environ: Mapping[str, Any]) -> socket.socket | None:
    """Return the connection that a request came by; None where no server of werkzeug took it."""
    return environ.get("werkzeug.socket")


def reset(connection: socket.socket | None) -> None:
    """Have ``connection`` end with a reset, not in order."""
    if connection is not None:
        # linger for zero seconds
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)


def wait_for_end(connection: socket.socket, seconds: float) -> None:
    """Wait until the peer of ``connection`` says more, or gives up; raises ``TimeoutError`` after ``seconds``."""
    connection.settimeout(seconds)
    socket.socket.recv(connection, 1, socket.MSG_PEEK)  # below TLS, whose own method cannot look ahead


def head_of(environ: Mapping[str, Any]) -> list[bytes]:
    """Return the lines of a request's head as they came, line ends too, without the empty one that ends it."""
    lines: list[bytes] = environ[_HEAD]
    return lines


class QuietServer(ThreadedWSGIServer):
    """A server with a thread for each connection, that says nothing of connections that clients break off."""

    request_queue_size = 128
    daemon_threads = True
    block_on_close = False

    def use_tls(self, context: ssl.SSLContext) -> None:
        """Answer by TLS. To be called before the first connection."""
        self.ssl_context = context  # werkzeug only looks whether there is one: it would shake hands while it accepts

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer a connection, on its own thread; where there is TLS, after shaking hands."""
        if self.ssl_context is not None:
            try:
                request = self._shake_hands(request, self.ssl_context)
            except (OSError, ValueError):  # the client's mistake, or its absence
                self.close_request(request)
                return
        super().process_request_thread(request, client_address)

    def _shake_hands(self, connection: socket.socket, context: ssl.SSLContext) -> ssl.SSLSocket:
        connection.settimeout(getattr(self.RequestHandlerClass, "timeout", None))
        if connection.recv(1, socket.MSG_PEEK).isalpha():  # a method of HTTP; TLS begins otherwise
            connection.recv(65536)  # what is left unread would take the answer away
            head = f"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: {len(_NOT_TLS)}\r\n"
            connection.sendall(f"{head}Connection: close\r\n\r\n".encode() + _NOT_TLS)
            connection.shutdown(socket.SHUT_WR)
            raise ConnectionAbortedError
        secured = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        try:
            secured.do_handshake()
        except BaseException:
            secured.close()
            raise
        return secured

    def shutdown_request(self, request: Any) -> None:
        """Close a connection; one that is to be reset without the orderly goodbye."""
        if _is_to_be_reset(request):
            self.close_request(request)
            return
        if isinstance(request, ssl.SSLSocket):
            with suppress(OSError, ValueError):
                request.settimeout(0)  # says goodbye, and does not wait for the peer's
                request.unwrap()
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of connections that clients break off; show anything else."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError | ssl.SSLError):
            super().handle_error(request, client_address)


class QuietHandler(WSGIRequestHandler):
    """Takes requests for a :class:`QuietServer`, and logs none. ``timeout``: how long it waits for one, in seconds."""

    def log(self, type: str, message: str, *args: Any) -> None:
        """Keep quiet: requests are not logged."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Keep quiet; werkzeug's own would take the target apart first, which not every target allows."""

    def connection_dropped(self, error: BaseException, environ: dict[str, Any] | None = None) -> None:
        """Wait for no further request on a connection that is gone."""
        self.close_connection = True

    def parse_request(self) -> bool:
        """Take a request's head apart, and keep its lines: what is made of them is not all that they say."""
        reading = self.rfile
        self.rfile = lines = _Lines(reading)
        try:
            return super().parse_request()
        finally:
            self.rfile = reading
            self._head = [self.raw_requestline, *lines.seen]

    def make_environ(self) -> dict[str, Any]:
        """Return the environment of a request, with the lines of its head."""
        return super().make_environ() | {_HEAD: self._head}

    def run_wsgi(self) -> None:
        """Answer a request; one whose target cannot be taken apart gets 400."""
        try:
            super().run_wsgi()
        except ValueError:
            self.send_error(400)


class _Lines(io.BufferedIOBase):
    """Hands out the lines of a file, and notes those that are not empty."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.seen: list[bytes] = []

    def readline(self, size: int | None = -1, /) -> bytes:
        line: bytes = self._file.readline(size)
        if line.strip(b"\r\n"):
            self.seen.append(line)
        return line


def _is_to_be_reset(connection: socket.socket) -> bool:
    try:
        return connection.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, len(_RESET)) == _RESET
    except OSError:
        return False
