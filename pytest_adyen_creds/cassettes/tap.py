"""The tap: where the plugin's own clients meet a test's recording, which they share with every other HTTP library."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Protocol

import httpx

from pytest_adyen_creds.cassettes.log import interaction_of
from pytest_adyen_creds.cassettes.record import Recording
from pytest_adyen_creds.client import Exchange, Observer
from pytest_adyen_creds.errors import CassetteError


class Watch(Protocol):
    """What is told of exchanges."""

    def client(self, origin: str) -> Observer:
        """Return an observer of a client that ``origin`` answers."""


class Transport(Protocol):
    """A transport of httpx, sync and async."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""


class Recorded:
    """A way of requests on which they are noted: to ``transport``, or to whoever answers anyway."""

    def __init__(self, recording: Recording, transport: Transport | None = None) -> None:
        self._recording = recording
        self._transport = transport

    def send(self, request: httpx.Request, inner: httpx.BaseTransport) -> httpx.Response:
        """Let ``request`` be answered, and note the exchange when its answer has been read."""
        order = self._recording.next_order()
        response = (self._transport or inner).handle_request(request)
        assert isinstance(response.stream, httpx.SyncByteStream)
        response.stream = _Noting(self._recording, order, request, response, response.stream)
        return response

    async def send_async(self, request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
        """Let ``request`` be answered, and note the exchange when its answer has been read."""
        order = self._recording.next_order()
        response = await (self._transport or inner).handle_async_request(request)
        assert isinstance(response.stream, httpx.AsyncByteStream)
        response.stream = _AsyncNoting(self._recording, order, request, response, response.stream)
        return response


class Answered:
    """A way of requests that ends at ``transport``: a recording, or a test's own sandbox."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def send(self, request: httpx.Request, inner: httpx.BaseTransport) -> httpx.Response:
        """Return the transport's answer; that of a recording raises :class:`CassetteError` where it has none."""
        return self._transport.handle_request(request)

    async def send_async(self, request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
        """Return the transport's answer; that of a recording raises :class:`CassetteError` where it has none."""
        return await self._transport.handle_async_request(request)


class Tap:
    """Where the requests of a process's clients go while a test runs: one for all clients, whatever their scope.

    ``way`` is what the running test put there; without one, requests go where their client's transport leads, or
    nowhere where ``is_closed``: in replay no server answers.
    """

    def __init__(self, *, is_closed: bool = False) -> None:
        self.way: Recorded | Answered | None = None
        self.origin: str | None = None
        """Who answers in words, where that is not whom the client's transport leads to."""
        self._is_closed = is_closed

    def wrap(self, inner: httpx.BaseTransport) -> httpx.BaseTransport:
        """Return ``inner`` behind this tap."""
        return _Tapped(self, inner)

    def wrap_async(self, inner: httpx.AsyncBaseTransport) -> httpx.AsyncBaseTransport:
        """Return ``inner`` behind this tap."""
        return _AsyncTapped(self, inner)

    def observer(self, watch: Watch, origin: str) -> Observer:
        """Return an observer that tells ``watch`` who answered: whom :attr:`origin` names, else ``origin``."""

        def observe(exchange: Exchange) -> None:
            watch.client(self.origin or origin)(exchange)

        return observe

    def check(self, request: httpx.Request) -> None:
        """Raise :class:`CassetteError` where nothing answers: a request outside any test, in replay."""
        if self.way is None and self._is_closed:
            raise CassetteError(
                f"{request.method} {request.url.path}: was asked outside of a test that has a cassette, and in replay "
                "cassettes alone answer; ask within a test that uses the fixture adyen_traffic, or use "
                "--adyen-backend=auto"
            )


class _Tapped(httpx.BaseTransport):
    """Strictly private."""

    def __init__(self, tap: Tap, inner: httpx.BaseTransport) -> None:
        self._tap = tap
        self._inner = inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._tap.check(request)
        way = self._tap.way
        return self._inner.handle_request(request) if way is None else way.send(request, self._inner)

    def close(self) -> None:
        self._inner.close()


class _AsyncTapped(httpx.AsyncBaseTransport):
    """Strictly private."""

    def __init__(self, tap: Tap, inner: httpx.AsyncBaseTransport) -> None:
        self._tap = tap
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._tap.check(request)
        way = self._tap.way
        if way is None:
            return await self._inner.handle_async_request(request)
        return await way.send_async(request, self._inner)

    async def aclose(self) -> None:
        await self._inner.aclose()


class _Note:
    """Strictly private: hands an exchange to a recording once its answer was read to the end."""

    def __init__(self, recording: Recording, order: int, request: httpx.Request, response: httpx.Response) -> None:
        self._recording = recording
        self._order = order
        self._request = request
        self._response = response
        self._raw = bytearray()

    def _finish(self) -> None:
        response = self._response
        read = httpx.Response(
            response.status_code,
            headers=response.headers,
            stream=httpx.ByteStream(bytes(self._raw)),
            extensions=response.extensions,
        )
        try:
            read.read()
        except httpx.DecodingError:  # it says that it is compressed, and is not
            del read.headers["content-encoding"]
            read = httpx.Response(response.status_code, headers=read.headers, content=bytes(self._raw))
        self._recording.note(self._order, interaction_of(self._request, read))


class _Noting(_Note, httpx.SyncByteStream):
    """Strictly private."""

    def __init__(
        self,
        recording: Recording,
        order: int,
        request: httpx.Request,
        response: httpx.Response,
        stream: httpx.SyncByteStream,
    ) -> None:
        super().__init__(recording, order, request, response)
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._stream:
            self._raw += chunk
            yield chunk
        self._finish()

    def close(self) -> None:
        self._stream.close()


class _AsyncNoting(_Note, httpx.AsyncByteStream):
    """Strictly private."""

    def __init__(
        self,
        recording: Recording,
        order: int,
        request: httpx.Request,
        response: httpx.Response,
        stream: httpx.AsyncByteStream,
    ) -> None:
        super().__init__(recording, order, request, response)
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            self._raw += chunk
            yield chunk
        self._finish()

    async def aclose(self) -> None:
        await self._stream.aclose()
