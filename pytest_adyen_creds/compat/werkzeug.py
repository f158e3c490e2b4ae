"""werkzeug: its undocumented parts that this package uses: a threaded server whose connections can be reset."""

from __future__ import annotations

import io
import socket
import struct
import sys
from collections.abc import Mapping
from typing import Any, Final

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

_HEAD: Final = "pytest_adyen_creds.head"
_RESET: Final = struct.pack("ii", 1, 0)


def socket_of(environ: Mapping[str, Any]) -> socket.socket | None:
    """Return the connection that a request came by; None where no server of werkzeug took it."""
    return environ.get("werkzeug.socket")


def reset(connection: socket.socket | None) -> None:
    """Have ``connection`` end with a reset, not in order."""
    if connection is not None:
        # linger for zero seconds
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)


def head_of(environ: Mapping[str, Any]) -> list[bytes]:
    """Return the lines of a request's head as they came, line ends too, without the empty one that ends it."""
    lines: list[bytes] = environ[_HEAD]
    return lines


class QuietServer(ThreadedWSGIServer):
    """A server with a thread for each connection, that says nothing of connections that clients break off."""

    request_queue_size = 128
    daemon_threads = True
    block_on_close = False

    def shutdown_request(self, request: Any) -> None:
        """Close a connection; one that is to be reset without the orderly goodbye."""
        if _is_to_be_reset(request):
            self.close_request(request)
        else:
            super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of connections that clients break off; show anything else."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
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
