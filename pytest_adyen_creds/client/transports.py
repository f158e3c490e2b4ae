"""Transports: the network, and the one that guards it: it asks before each request, and learns from each answer."""

from __future__ import annotations

import ssl
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Any, Final

import anyio.to_thread
import httpx

from pytest_adyen_creds import clock
from pytest_adyen_creds.client.framing import check_message
from pytest_adyen_creds.client.ownership import Outcome, Ownership
from pytest_adyen_creds.client.parsing import live_key_in, parse, secrets_in
from pytest_adyen_creds.client.retry import RateLimit, in_progress
from pytest_adyen_creds.endpoints import check_parsed, is_loopback
from pytest_adyen_creds.errors import EndpointRefused
from pytest_adyen_creds.secrets import SECRETS

ASKED_AT: Final = "pytest_adyen_creds.asked_at"
"""In a request's extensions: when it was asked, in monotonic seconds, where it is answered on another thread."""

VIA: Final = "pytest_adyen_creds.via"
"""In a request's extensions: how its library would have it sent; see :class:`Network`."""

TIMEOUT: Final = 30.0
"""Seconds for each step of a request whose client or library hands no time-out over."""

_SEND: Final = httpx.HTTPTransport.handle_request
"""As it was before anything stood in its place: what is sent from here has passed what stands there."""

LARGEST_ANSWER: Final = 32 * 1024 * 1024
"""The largest answer that is read, in bytes as sent."""


@dataclass(frozen=True)
class Exchange:
    """One request and its answer, both read; ``response`` has its ``content``, ``request`` and ``elapsed``."""

    request: httpx.Request
    response: httpx.Response


Observer = Callable[[Exchange], None]

_GUARDED: ContextVar[bool] = ContextVar("guarded", default=False)


def is_guarded() -> bool:
    """Return whether what is being sent now comes from a guarded transport, whose observers are told of it."""
    return _GUARDED.get()


@contextmanager
def guarded() -> Iterator[None]:
    """Let what is sent in a ``with`` block count as sent by a guarded transport."""
    token = _GUARDED.set(True)
    try:
        yield
    finally:
        _GUARDED.reset(token)


class Network(httpx.BaseTransport):
    """The network, by the certificate authorities, the client certificate and the proxy that a request brings along.

    They are ``verify``, ``cert`` and ``proxy``, as requests has them, in the request's extension :data:`VIA`, where an
    HTTP library of the code under test handed them over. ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` count where it did not.
    """

    def __init__(self) -> None:
        self._transports: dict[Any, httpx.HTTPTransport] = {}
        self._lock = threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request."""
        via: Mapping[str, Any] = request.extensions.get(VIA) or {}
        request.extensions.setdefault("timeout", dict.fromkeys(("connect", "read", "write", "pool"), TIMEOUT))
        return _SEND(self._transport(request.url.scheme, via), request)

    def close(self) -> None:
        """Close every connection."""
        for transport in self._transports.values():
            transport.close()

    def _transport(self, scheme: str, via: Mapping[str, Any]) -> httpx.HTTPTransport:
        key = scheme, *sorted((name, repr(value)) for name, value in via.items())
        with self._lock:
            if key not in self._transports:
                context = _context(scheme, via.get("verify", True), via.get("cert"))
                self._transports[key] = httpx.HTTPTransport(verify=context, proxy=via.get("proxy"))
            return self._transports[key]


class GuardedTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A transport that asks both guards about each request, redirects included, before ``inner`` may send it.

    What is refused raises :class:`EndpointRefused` or :class:`OwnershipRefused`, and not a byte of it is sent. Answers
    are read whole: their secrets are registered before anyone else sees them, and ``observers`` are called with each
    finished exchange, in order. With the sandbox's ownership, a transport of httpx's own reaches loopback only. Each
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
        self._check(request)
        request.read()
        check_message(request)
        intent = self._ownership.admit(request)
        started = clock.monotonic()
        try:
            if self._rate_limit is not None:
                started += self._rate_limit.acquire()
            with guarded():
                response = self._inner.handle_request(request)
                seen = read(response, most=LARGEST_ANSWER)
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

    def _check(self, request: httpx.Request) -> None:
        """Refuse what does not go where its canonical URL says; before the body is read."""
        check_parsed(request.url)
        is_to_network = isinstance(self._inner, httpx.HTTPTransport | Network)
        if is_to_network and self._ownership.is_sandbox and not is_loopback(str(request.url)):
            raise EndpointRefused(
                f"the sandbox's rights are not for {request.url.host} over the network; nothing was sent: "
                "hand over the sandbox's transport, or an Ownership with a budget"
            )

    def _learn(self, request: httpx.Request, intent: str | None, seen: httpx.Response) -> None:
        """Take in an answer that has been read, then show it to the observers."""
        body = parse(seen.content)
        for secret in secrets_in(seen.content, body):
            SECRETS.add(secret)
        if intent is not None:
            self._ownership.settle(intent, outcome_of(seen.status_code, body))
        self._ownership.learn(request, seen.status_code, body)
        if live_key_in(seen.content, body):
            self._ownership.halt(
                f"{request.url.host} answered with a client key of the live environment; check where it runs"
            )
            raise EndpointRefused(f"{self._ownership.halted}; the run stops here")
        for observer in tuple(self.observers):
            observer(Exchange(request, seen))


def _context(scheme: str, verify: ssl.SSLContext | str | bool, cert: Any) -> ssl.SSLContext | bool:
    if scheme == "http" and verify is True:
        # never used without TLS, and a context that trusts nobody costs nothing; loading authorities takes 50 ms
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if isinstance(verify, str):
        folder = Path(verify).is_dir()
        verify = ssl.create_default_context(capath=verify if folder else None, cafile=None if folder else verify)
    if not cert:
        return verify
    context = verify if isinstance(verify, ssl.SSLContext) else httpx.create_ssl_context(verify=verify)
    context.load_cert_chain(*([cert] if isinstance(cert, str) else cert))
    return context


def no_cookies() -> CookieJar:
    """Return a cookie jar that keeps nothing: the platform sets a session, and no answer is to depend on an earlier."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=()))


def read(response: httpx.Response, *, most: int = sys.maxsize) -> httpx.Response:
    """Return a copy of ``response`` that has been read; one whose body is not packed as it says, as it came.

    The stream of ``response`` itself can be read afterwards as often as is wanted. Raises :class:`httpx.ReadError`
    where it has more than ``most`` bytes, as sent.
    """
    stream = response.stream
    assert isinstance(stream, httpx.SyncByteStream)
    raw = bytearray()
    try:
        for chunk in stream:
            raw += chunk
            if len(raw) > most:
                raise httpx.ReadError(f"the answer is larger than {most // 1024 // 1024} MiB")
    finally:
        stream.close()
    response.stream = httpx.ByteStream(bytes(raw))
    copy = httpx.Response(
        response.status_code, headers=response.headers, stream=response.stream, extensions=response.extensions
    )
    try:
        copy.read()
    except httpx.DecodingError:
        headers = httpx.Headers(response.headers)
        del headers["content-encoding"]
        copy = httpx.Response(response.status_code, headers=headers, content=bytes(raw), extensions=copy.extensions)
    return copy


def outcome_of(status: int, body: object) -> Outcome:
    """Return what an answer to a creating request, its body parsed, says about what became of it."""
    if 200 <= status < 300:
        return "created"
    # 408: the server gave up on the request, and does not say what it did; 704: the first attempt is still at work
    if 400 <= status < 500 and status != 408 and not in_progress(status, body):
        return "refused"
    return "unknown"
