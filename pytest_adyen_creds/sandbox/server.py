"""The sandbox over HTTP or HTTPS: a threaded server, on loopback unless it is told otherwise."""

from __future__ import annotations

import errno
import os
import signal
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from pytest_adyen_creds.compat.werkzeug import QuietHandler, QuietServer, reset, socket_of, wait_for_end
from pytest_adyen_creds.errors import SandboxError
from pytest_adyen_creds.sandbox.faults import LONGEST_DELAY
from pytest_adyen_creds.sandbox.guard import Guard, is_loopback
from pytest_adyen_creds.sandbox.wire import AnswerTimeout, ConnectionLost

REQUEST_TIMEOUT: Final = 30.0
"""How long the server waits for the rest of a request, in seconds."""

LOOPBACK: Final = "127.0.0.1"
"""Where the server listens unless it is told otherwise."""

ANYWHERE: Final = {"0.0.0.0": LOOPBACK, "::": "::1"}  # noqa: S104
"""The addresses that stand for all of a machine's, and by which of them the machine itself reaches them."""
_POLL: Final = 0.05


class Server:
    """A running server; ``with`` starts and stops it. ``url`` is its address, without a slash at the end.

    ``host`` is the address or name to listen at, without brackets. ``allowed_hosts`` are names that requests may ask
    for besides (see :class:`~pytest_adyen_creds.sandbox.guard.Guard`, which stands before ``app``). ``tls`` makes it
    https. ``request_timeout`` is how long a connection may be silent, in seconds.

    Raises :class:`SandboxError` where the port or the address cannot be had.
    """

    def __init__(
        self,
        app: WSGIApplication,
        port: int = 0,
        *,
        host: str = LOOPBACK,
        allowed_hosts: Iterable[str] = (),
        tls: ssl.SSLContext | None = None,
        request_timeout: float = REQUEST_TIMEOUT,
    ) -> None:
        if not 0 <= port < 65536:
            raise SandboxError(f"{port} is no port; give one from 1 to 65535, or 0 for any free one")
        # every address is allowed as it is, and one of IPv6 is no name
        names = [*allowed_hosts] if ":" in host else [host, *allowed_hosts]
        self._app = Guard(app, names, takes_plain_names=not is_loopback(host))
        self._host = ANYWHERE.get(host, host)
        self._scheme = "http" if tls is None else "https"
        handler = type("Handler", (QuietHandler,), {"timeout": request_timeout})
        # bound here: werkzeug ends the process when a port is taken
        with _listener(host, port) as listener:
            address, self.port = listener.getsockname()[:2]
            self._server = QuietServer(address, self.port, self._serve, handler, fd=listener.fileno())
        if tls is not None:
            self._server.use_tls(tls)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL,), name="adyen-sandbox", daemon=True
        )

    @property
    def url(self) -> str:
        """The server's address as this machine reaches it, for example ``http://127.0.0.1:8080``."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{self._scheme}://{host}:{self.port}"

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


def serve_until_told(server: Server, announce: Callable[[str], None]) -> None:
    """Run ``server`` until SIGTERM or SIGINT; ``announce`` is called with the address once requests are taken.

    To be called from the main thread.
    """
    told: list[int] = []
    before = {n: signal.signal(n, lambda number, _: told.append(number)) for n in (signal.SIGTERM, signal.SIGINT)}
    try:
        with server:
            announce(server.url)
            # a signal that comes just before this thread waits, or to another one, wakes no lock and no event
            while not told:
                time.sleep(_POLL)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _listener(host: str, port: int) -> socket.socket:
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        both = host == "::" and socket.has_dualstack_ipv6()
        return socket.create_server(address[:2], family=family, backlog=128, dualstack_ipv6=both)
    except (socket.gaierror, UnicodeError):
        raise SandboxError(f"{host!r} is no address of this machine; give one like 127.0.0.1, ::1 or 0.0.0.0") from None
    except OSError as error:
        why = os.strerror(error.errno or 0)
        if error.errno == errno.EADDRNOTAVAIL:
            raise SandboxError(f"{host} cannot be listened at ({why}); give an address of this machine") from None
        raise SandboxError(f"port {port} cannot be had ({why}); give another, or 0 for any") from None


def _wait_for_end(connection: socket.socket | None) -> None:
    if connection is not None:
        wait_for_end(connection, LONGEST_DELAY)
        reset(connection)
