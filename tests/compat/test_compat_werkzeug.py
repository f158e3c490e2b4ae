"""werkzeug's undocumented parts, each as compat/werkzeug.py has it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from pytest_adyen_creds.compat import werkzeug as compat

DISTRIBUTION = "Werkzeug"

OK = b"HTTP/1.1 200"


def hello(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    start_response("200 OK", [("Content-Length", "5")])
    return [b"hello"]


@contextmanager
def serving(app: Any, timeout: float = 30.0) -> Iterator[Callable[[bytes], bytes]]:
    """Serve ``app``, and give what sends a request and returns the whole answer."""
    handler = type("Handler", (compat.QuietHandler,), {"timeout": timeout})
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        server = compat.QuietServer("127.0.0.1", port, app, handler, fd=listener.fileno())
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()

    def ask(request: bytes) -> bytes:
        with closing(socket.create_connection(("127.0.0.1", port), timeout=10)) as connection:
            connection.sendall(request)
            return b"".join(iter(lambda: connection.recv(4096), b""))

    yield ask
    server.shutdown()
    thread.join(10)


def test_server_on_a_socket() -> None:
    """`ThreadedWSGIServer` takes a socket that listens already, by its number, and a handler's class."""
    with serving(hello) as ask:
        assert ask(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").startswith(OK)


def test_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    """`log`, `log_request` and `handle_error` are all that a server says by itself."""

    def broken(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        raise ConnectionAbortedError

    for app in (hello, broken):
        with serving(app) as ask:
            ask(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert capfd.readouterr() == ("", "")


def test_target_that_cannot_be_taken_apart() -> None:
    """`run_wsgi` answers a request, and raises ValueError for a target that it cannot take apart."""
    with serving(hello) as ask:
        assert b"400" in ask(b"GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n").partition(b"\r\n")[0]


def test_head() -> None:
    """`parse_request` reads a head from `rfile`, line by line, and `raw_requestline` is its first."""
    heads: list[list[bytes]] = []

    def telling(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        heads.append(compat.head_of(environ))
        return hello(environ, start_response)

    with serving(telling) as ask:
        assert ask(b"GET / HTTP/1.1\r\nHost: x\r\na:  b\x0bc\n\r\n").startswith(OK)
    assert heads == [[b"GET / HTTP/1.1\r\n", b"Host: x\r\n", b"a:  b\x0bc\n"]]


def test_timeout() -> None:
    """A handler's `timeout` ends a connection that says nothing."""
    with serving(hello, timeout=0.05) as ask:
        assert OK not in ask(b"GET / HTTP/1.1\r\n")


def test_reset() -> None:
    """`environ["werkzeug.socket"]` is the connection, and `shutdown_request` is what ends it."""

    def resetting(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        connection = compat.socket_of(environ)
        assert isinstance(connection, socket.socket)
        compat.reset(connection)
        raise ConnectionAbortedError

    with serving(resetting) as ask, pytest.raises(ConnectionResetError):
        ask(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
