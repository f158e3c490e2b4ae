"""A server on loopback that counts what reaches it, byte by byte, and answers what it is told."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Server:
    """``answers`` are sent in order, the last one again and again; None closes the connection without an answer."""

    port: int
    answers: list[bytes | None]
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v3"

    @property
    def received(self) -> int:
        return sum(map(len, self.requests))

    @property
    def lines(self) -> list[str]:
        """The request lines that arrived."""
        return [request.partition(b"\r\n")[0].decode() for request in self.requests]


def answer(status: int, body: bytes | str = b"{}", *headers: str, kind: str = "application/json") -> bytes:
    """Return a whole HTTP answer that closes the connection."""
    data = body.encode() if isinstance(body, str) else body
    head = [
        f"HTTP/1.1 {status} X",
        f"Content-Type: {kind}",
        f"Content-Length: {len(data)}",
        "Connection: close",
        *headers,
    ]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + data


def _read(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = connection.recv(65_536)
        if not chunk:
            return data
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    while len(body) < length:
        chunk = connection.recv(65_536)
        if not chunk:
            break
        data += chunk
        body += chunk
    return data


@contextmanager
def serve(*answers: bytes | Callable[[bytes], bytes | None] | None) -> Iterator[Server]:
    """Serve until the block ends; an answer may be a function of the request."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Server(listener.getsockname()[1], list(answers) or [answer(200)])  # type: ignore[arg-type]
        lock = threading.Lock()

        def talk(connection: socket.socket) -> None:
            with connection:
                connection.settimeout(10)
                request = _read(connection)
                with lock:
                    server.requests.append(request)
                    turn = min(len(server.requests), len(server.answers)) - 1
                    reply = server.answers[turn]
                reply = reply(request) if callable(reply) else reply
                if reply is not None:
                    connection.sendall(reply)

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                server.connections += 1
                thread = threading.Thread(target=talk, args=(connection,), daemon=True)
                thread.start()
                threads.append(thread)

        threads: list[threading.Thread] = []
        acceptor = threading.Thread(target=accept, daemon=True)
        acceptor.start()
        try:
            yield server
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
            acceptor.join(5)
            for thread in threads:
                thread.join(5)
