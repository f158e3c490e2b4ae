"""Connections: one request at a time over each, so that one that takes too long can be broken off."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx


@dataclass(eq=False)
class Connection:
    """A transport that has one request at a time, and the socket that it has opened for it."""

    transport: httpx.HTTPTransport
    is_cut: bool = False
    _streams: list[Any] = field(default_factory=list)

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Take note of the socket, which httpcore tells of where it opens one, and where TLS begins on it."""
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            self._streams[:] = [info["return_value"]]

    def cut(self) -> None:
        """Break the connection off, whatever waits for it on another thread."""
        self.is_cut = True
        for stream in self._streams:
            with suppress(OSError, AttributeError):
                # not the method of a TLS socket, which takes away what another thread reads from
                socket.socket.shutdown(stream.get_extra_info("socket"), socket.SHUT_RDWR)


class Arriving(httpx.SyncByteStream):
    """The body of an answer that must be whole in time.

    ``late`` is called when it ends, and raises where the connection was broken off; ``done`` when it is closed.
    """

    def __init__(self, stream: httpx.SyncByteStream, done: Callable[[], None], late: Callable[[], None]) -> None:
        self._stream, self._done, self._late = stream, done, late

    def __iter__(self) -> Iterator[bytes]:
        """Yield what arrives."""
        try:
            yield from self._stream
        except httpx.TransportError:
            self._late()
            raise
        self._late()

    def close(self) -> None:
        """Close it."""
        try:
            self._stream.close()
        finally:
            self._done()


def traced(request: httpx.Request, connection: Connection) -> httpx.Request:
    """Return ``request`` as one that tells ``connection`` of the socket it is sent over."""
    # another one, so that a request that is sent again does not tell of two connections
    extensions = {**request.extensions, "trace": connection.trace}
    return httpx.Request(
        request.method, request.url, headers=request.headers, stream=request.stream, extensions=extensions
    )
