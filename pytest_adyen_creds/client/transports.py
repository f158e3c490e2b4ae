"""Transports: the network, the one that guards it, and the route, by which requests go elsewhere while a test runs.

The guarding one asks before each request, and learns from each answer.
"""

from __future__ import annotations

import math
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timedelta
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any, Final

import anyio.to_thread
import httpx

from pytest_adyen_creds import clock
from pytest_adyen_creds.client.framing import check_message
from pytest_adyen_creds.client.ownership import Outcome, Ownership
from pytest_adyen_creds.client.parsing import live_key_in, parse, repeated_key, secrets_in
from pytest_adyen_creds.client.retry import RateLimit, in_progress
from pytest_adyen_creds.endpoints import check_parsed, is_loopback
from pytest_adyen_creds.errors import CassetteError, EndpointRefused
from pytest_adyen_creds.secrets import SECRETS

ASKED_AT: Final = "pytest_adyen_creds.asked_at"
"""In a request's extensions: when it was asked, in monotonic seconds, where it is answered on another thread."""

VIA: Final = "pytest_adyen_creds.via"
"""In a request's extensions: how its library would have it sent; see :class:`Network`."""

TIMEOUT: Final = 30.0
"""Seconds for each step of a request whose client or library hands no time-out over."""

_SEND: Final = httpx.HTTPTransport.handle_request
"""As it was before anything stood in its place: what is sent from here has passed what stands there."""

ANSWER_TAKES: Final = 60.0
"""Seconds until an answer must be whole, headers and body, counted from when its request is sent."""

LARGEST_ANSWER: Final = 32 * 1024 * 1024
"""The largest answer that is read, in bytes as sent, and in bytes unpacked."""

_PIECES: Final = {"gzip": 4096, "x-gzip": 4096, "deflate": 4096}
"""How many bytes are unpacked at once, so that what comes out of them is bounded: about a thousand times as many."""

_SMALL_PIECE: Final = 16
"""The same for other codings, of which a few bytes can stand for megabytes."""


Observer = Callable[[httpx.Response], None]
"""Called with an answer that has been read; it has its ``request``, which has been read too, and ``elapsed``."""

GUARDED: Final = ContextVar("guarded", default=False)
"""Whether what is being sent now comes from a guarded transport, whose observers are told of it."""

PLUGINS_OWN: Final = ContextVar("plugins_own", default=False)
"""Whether what is being sent now is the plugin's own, though it goes the way of a test's requests."""


@contextmanager
def marked(mark: ContextVar[bool]) -> Iterator[None]:
    """Let ``mark``, one of the two above, be set for what is sent in a ``with`` block."""
    token = mark.set(True)
    try:
        yield
    finally:
        mark.reset(token)


@dataclass(eq=False)
class _Connection:
    """A transport that has one request at a time, and the socket that it has opened for it."""

    transport: httpx.HTTPTransport
    is_cut: bool = False
    _streams: list[Any] = field(default_factory=list)

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Take note of the socket, which httpcore tells of where it opens one, and where TLS begins on it."""
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            self._streams[:] = [info["return_value"]]
            if self.is_cut:  # its time was over before there was a socket
                self.cut()

    def cut(self) -> None:
        """Break the connection off, whatever waits for it on another thread."""
        self.is_cut = True
        for stream in self._streams:
            with suppress(OSError, AttributeError):
                # not the method of a TLS socket, which takes away what another thread reads from
                socket.socket.shutdown(stream.get_extra_info("socket"), socket.SHUT_RDWR)


class Network(httpx.BaseTransport):
    """The network, by the certificate authorities, the client certificate and the proxy that a request brings along.

    They are ``verify``, ``cert`` and ``proxy``, as requests has them, in the request's extension :data:`VIA`, where an
    HTTP library of the code under test handed them over. ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` count where it did not.
    An answer that is not whole after ``answer_takes`` seconds raises :class:`httpx.ReadTimeout`, however it trickles.
    """

    def __init__(self, answer_takes: float = ANSWER_TAKES) -> None:
        self._answer_takes = answer_takes
        self._contexts: dict[Any, ssl.SSLContext] = {}
        self._idle: dict[Any, list[_Connection]] = {}
        self._lock = threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request, and wait until its answer is whole."""
        via: Mapping[str, Any] = request.extensions.get(VIA) or {}
        request.extensions.setdefault("timeout", dict.fromkeys(("connect", "read", "write", "pool"), TIMEOUT))
        key = request.url.scheme, *sorted((name, repr(value)) for name, value in via.items())
        connection = self._connection(key, request.url.scheme, via)
        # another request, so that one that is sent again does not tell of two connections
        extensions = {**request.extensions, "trace": connection.trace}
        method, url, headers, stream = request.method, request.url, request.headers, request.stream
        sent = httpx.Request(method, url, headers=headers, stream=stream, extensions=extensions)
        timer = threading.Timer(self._answer_takes, connection.cut)
        timer.daemon = True
        timer.start()
        try:
            response = _SEND(connection.transport, sent)
            assert isinstance(response.stream, httpx.SyncByteStream)
            with closing(response.stream):
                response.stream = httpx.ByteStream(b"".join(_pieces(response.stream, bytearray())))
        except httpx.TransportError:
            if not connection.is_cut:
                raise
        finally:
            timer.cancel()
            if connection.is_cut:
                connection.transport.close()
            else:
                with self._lock:
                    self._idle.setdefault(key, []).append(connection)
        if connection.is_cut:  # which may look like the end of the answer
            raise httpx.ReadTimeout(f"the answer was not whole after {self._answer_takes:g} s")
        return response

    def close(self) -> None:
        """Close every connection that no request uses."""
        with self._lock:
            idle, self._idle = self._idle, {}
        for connection in (item for items in idle.values() for item in items):
            connection.transport.close()

    def _connection(self, key: Any, scheme: str, via: Mapping[str, Any]) -> _Connection:
        with self._lock:
            while self._idle.get(key):
                if not (connection := self._idle[key].pop()).is_cut:
                    return connection
            if key not in self._contexts:
                self._contexts[key] = _context(scheme, via.get("verify", True), via.get("cert"))
        return _Connection(httpx.HTTPTransport(verify=self._contexts[key], proxy=via.get("proxy")))


class GuardedTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A transport that asks both guards about each request, redirects included, before ``inner`` may send it.

    What is refused raises :class:`EndpointRefused` or :class:`OwnershipRefused`, and not a byte of it is sent. Answers
    are read whole: their secrets are registered before anyone else sees them, and ``observers`` are called with each
    of them, in order. With the sandbox's ownership, a transport of httpx's own reaches loopback only. Each
    request waits for its turn of ``rate_limit``. It is for httpx's clients of both kinds: an asynchronous request is
    answered on a thread of its own.
    """

    def __init__(
        self,
        inner: httpx.BaseTransport,
        ownership: Ownership,
        *,
        observers: list[Observer] | None = None,
        rate_limit: RateLimit | None = None,
    ) -> None:
        self.observers: list[Observer] = [] if observers is None else observers
        self._inner = inner
        self._ownership = ownership
        self._rate_limit = rate_limit

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request, or refuse it."""
        # what does not go where its canonical URL says is refused before its body is read
        check_parsed(request.url)
        is_to_network = isinstance(self._inner, httpx.HTTPTransport | Network)
        if is_to_network and self._ownership.is_sandbox and not is_loopback(str(request.url)):
            raise EndpointRefused(
                f"the sandbox's rights are not for {request.url.host} over the network; nothing was sent: "
                "hand over the sandbox's transport, or an Ownership with a budget"
            )
        request.read()
        check_message(request)
        intent = self._ownership.admit(request)
        started = clock.monotonic()
        try:
            if self._rate_limit is not None:
                started += self._rate_limit.acquire()
            with marked(GUARDED):
                response = self._inner.handle_request(request)
                seen = read(response, until=started + ANSWER_TAKES)
        except BaseException as error:
            if intent is not None:
                unsent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
                self._ownership.settle(intent, "refused" if unsent else "unknown")
            raise
        seen.request, seen.elapsed = request, timedelta(seconds=clock.monotonic() - started)
        self._learn(request, intent, seen)
        return response

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request, or refuse it. Where its task is cancelled, the thread goes on to take in the answer."""
        await request.aread()
        request.extensions.setdefault(ASKED_AT, clock.monotonic())
        return await anyio.to_thread.run_sync(self.handle_request, request, abandon_on_cancel=True)

    def close(self) -> None:
        """Close the inner transport."""
        self._inner.close()

    async def aclose(self) -> None:
        """Close the inner transport."""
        self.close()

    def _learn(self, request: httpx.Request, intent: str | None, seen: httpx.Response) -> None:
        """Take in an answer that has been read, then show it to the observers."""
        body = parse(seen.content)
        for secret in secrets_in(seen.content, body):
            SECRETS.add(secret)
        if intent is not None:
            self._ownership.settle(intent, outcome_of(seen.status_code, body))
        is_clear = self._ownership.is_sandbox or repeated_key(seen.content) is None
        self._ownership.learn(request, seen.status_code, body if is_clear else None)
        if live_key_in(seen.content, body):
            self._ownership.halt(
                f"{request.url.host} answered with a client key of the live environment; check where it runs"
            )
            raise EndpointRefused(f"{self._ownership.halted}; the run stops here")
        for observer in tuple(self.observers):
            observer(seen)


class Route:
    """One for all clients of a process: to :attr:`mode` where the running test has set one, else where a client leads.

    With ``is_closed`` requests lead nowhere without a mode: in replay no server answers.
    """

    def __init__(self, *, is_closed: bool = False) -> None:
        self.mode: httpx.BaseTransport | None = None
        self.origin: str | None = None
        """Who answers in words, where that is not whom the client leads to."""
        self.is_closed = is_closed


class RoutedTransport(httpx.BaseTransport):
    """The transport of a client that leads to ``default`` where ``route`` leads nowhere else."""

    def __init__(self, route: Route, default: httpx.BaseTransport) -> None:
        self._route = route
        self._default = default

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; raises :class:`CassetteError` for one outside any test, in replay."""
        if self._route.mode is None and self._route.is_closed:
            raise CassetteError(
                f"{request.method} {request.url.path}: was asked outside of a test that has a cassette, and in replay "
                "cassettes alone answer; ask within a test that uses the fixture adyen_traffic, or use "
                "--adyen-backend=auto"
            )
        return (self._route.mode or self._default).handle_request(request)

    def close(self) -> None:
        """Close what the client leads to."""
        self._default.close()


def _context(scheme: str, verify: ssl.SSLContext | str | bool, cert: Any) -> ssl.SSLContext:
    if scheme == "http" and verify is True:
        # never used without TLS, and a context that trusts nobody costs nothing; loading authorities takes 50 ms
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if isinstance(verify, str):
        folder = Path(verify).is_dir()
        verify = ssl.create_default_context(capath=verify if folder else None, cafile=None if folder else verify)
    context = verify if isinstance(verify, ssl.SSLContext) else httpx.create_ssl_context(verify=verify)
    if cert:
        context.load_cert_chain(*([cert] if isinstance(cert, str) else cert))
    return context


class NoCookies(CookieJar):
    """A cookie jar that keeps nothing: the platform sets a session, and no answer is to depend on an earlier."""

    def extract_cookies(self, response: object, request: object) -> None:
        """Look at no answer."""


def read(response: httpx.Response, *, until: float = math.inf) -> httpx.Response:
    """Return a copy of ``response`` that has been read; one whose body is not packed as it says, as it came.

    The stream of ``response`` itself can be read afterwards as often as is wanted. Raises :class:`httpx.ReadError`
    where it has more than :data:`LARGEST_ANSWER` bytes, as sent or unpacked, or is packed twice, and
    :class:`httpx.ReadTimeout` where it is not whole by ``until``, in monotonic seconds.
    """
    stream, headers = response.stream, response.headers
    assert isinstance(stream, httpx.SyncByteStream)
    codings = [item for name in headers.get("content-encoding", "").split(",") if (item := name.strip().lower())]
    if len(codings) > 1:
        stream.close()
        raise httpx.ReadError("the answer is packed more than once")
    raw = bytearray()
    pieces = _pieces(stream, raw, until, _PIECES.get(codings[0], _SMALL_PIECE) if codings else None)
    unpacked = 0
    try:
        plain = httpx.Response(200, headers=headers, content=pieces).iter_bytes() if codings else pieces
        for part in plain:
            unpacked += len(part)
            if unpacked > LARGEST_ANSWER:
                raise httpx.ReadError(
                    f"the answer is larger than {LARGEST_ANSWER // 1024 // 1024} MiB once it is unpacked"
                )
    except httpx.DecodingError:
        headers = httpx.Headers(headers)
        del headers["content-encoding"]
        for _ in pieces:  # which go on where the decoder has given up
            pass
    finally:
        stream.close()
    response.stream = httpx.ByteStream(bytes(raw))
    copy = httpx.Response(response.status_code, headers=headers, stream=response.stream, extensions=response.extensions)
    copy.read()
    return copy


def _pieces(
    stream: httpx.SyncByteStream, raw: bytearray, until: float = math.inf, size: int | None = None
) -> Iterator[bytes]:
    """Yield what arrives, in pieces of ``size`` bytes at most, and note it in ``raw``."""
    for chunk in stream:
        if clock.monotonic() > until:
            raise httpx.ReadTimeout("the answer was not whole in time")
        raw += chunk
        if len(raw) > LARGEST_ANSWER:
            raise httpx.ReadError(f"the answer is larger than {LARGEST_ANSWER // 1024 // 1024} MiB")
        for start in range(0, len(chunk), size or len(chunk) or 1):
            yield chunk[start : start + (size or len(chunk))]


def outcome_of(status: int, body: object) -> Outcome:
    """Return what an answer to a creating request, its body parsed, says about what became of it."""
    if 200 <= status < 300:
        return "created"
    # 408: the server gave up on the request, and does not say what it did; 704: the first attempt is still at work
    if 400 <= status < 500 and status != 408 and not in_progress(status, body):
        return "refused"
    return "unknown"
