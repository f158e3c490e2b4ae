"""The HTTP libraries that are intercepted at a place of their own: httpx, httpx2, requests and aiohttp."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import anyio.to_thread
import httpx

from pytest_adyen_creds import clock
from pytest_adyen_creds.client.transports import ASKED_AT, VIA
from pytest_adyen_creds.compat import aiohttp, vcrpy
from pytest_adyen_creds.message import TARGET, as_sent


@dataclass(frozen=True)
class Taker:
    """What takes requests: which URLs it ``wants``, what is left to a mock below, and who answers, in any thread."""

    wants: Callable[[str], bool]
    is_mocked: Callable[[httpx.Request], bool]
    answer: Callable[[httpx.Request], httpx.Response]


@dataclass(frozen=True)
class Entrance:
    """A method of a class, by which a library sends, and what is to stand in its place."""

    owner: Any
    method: str
    replacement: Any

    @property
    def place(self) -> str:
        """The class, such as ``httpx.HTTPTransport``."""
        return f"{self.owner.__module__.partition('.')[0]}.{self.owner.__name__}"


def entrances(taker: Taker) -> Iterator[Entrance]:
    """Yield the places at which ``taker`` is to have the requests that it wants; all others go on there."""
    for module in filter(None, map(sys.modules.get, ("httpx", "httpx2"))):
        yield Entrance(module.HTTPTransport, "handle_request", _handle_request(taker, module))
        yield Entrance(module.AsyncHTTPTransport, "handle_async_request", _handle_async_request(taker, module))
    if (requests := sys.modules.get("requests")) is not None:
        yield Entrance(requests.adapters.HTTPAdapter, "send", _send(taker, requests))
    if (of_aiohttp := aiohttp.entrance(taker.wants, partial(_on_thread, taker.answer))) is not None:
        yield Entrance(*of_aiohttp)


async def _on_thread(answer: Callable[[Any], Any], request: Any, via: dict[str, Any] | None = None) -> Any:
    """Return the answer, given on a thread; ``via`` is how the library would have the request sent."""
    request.extensions |= {ASKED_AT: clock.monotonic(), VIA: via or {}}
    return await anyio.to_thread.run_sync(answer, request, abandon_on_cancel=True)


def _handle_request(taker: Taker, module: Any) -> Any:
    send, answer = module.HTTPTransport.handle_request, _answering(taker, module)

    def handle_request(transport: Any, request: Any) -> Any:
        if not taker.wants(str(request.url)) or taker.is_mocked(request):
            return send(transport, request)
        request.read()
        return answer(request)

    return handle_request


def _handle_async_request(taker: Taker, module: Any) -> Any:
    send, answer = module.AsyncHTTPTransport.handle_async_request, _answering(taker, module)

    async def handle_async_request(transport: Any, request: Any) -> Any:
        if not taker.wants(str(request.url)) or taker.is_mocked(request):
            return await send(transport, request)
        await request.aread()
        return await _on_thread(answer, request)

    return handle_async_request


def _answering(taker: Taker, module: Any) -> Callable[[Any], Any]:
    """Return what answers a request, which has been read, of ``module``: httpx or httpx2."""

    def of_httpx(request: httpx.Request) -> httpx.Response:
        request.extensions.setdefault(TARGET, request.url.raw_path)
        return taker.answer(request)

    def of_httpx2(request: Any) -> Any:
        target = request.url.raw_path
        made = as_sent(request.method, str(request.url), request.headers.raw, request.content, target=target)
        made.extensions |= request.extensions
        try:
            response = taker.answer(made)
        except httpx.TransportError as error:
            raise getattr(module, type(error).__name__)(str(error), request=request) from error
        return module.Response(
            response.status_code,
            headers=response.headers.raw,
            stream=module.ByteStream(b"".join(response.stream)),  # type: ignore[arg-type]
            extensions=response.extensions,
        )

    return of_httpx if module is httpx else of_httpx2


def _send(taker: Taker, requests: Any) -> Any:
    import urllib3

    send = requests.adapters.HTTPAdapter.send

    def answered(
        adapter: Any,
        request: Any,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> Any:
        if not taker.wants(request.url) or vcrpy.stands_in_front():
            return send(adapter, request, stream=stream, timeout=timeout, verify=verify, cert=cert, proxies=proxies)
        made = as_sent(
            request.method,
            request.url,
            request.headers.items(),
            _body(request),
            target=request.path_url.encode("utf-8", "surrogatepass"),
        )
        connect, read = timeout if isinstance(timeout, tuple) else (timeout, timeout)
        made.extensions["timeout"] = {"connect": connect, "read": read, "write": read, "pool": connect}
        made.extensions[VIA] = _via(requests, request.url, verify, cert, proxies)
        try:
            response = taker.answer(made)
        except httpx.ConnectTimeout as error:
            raise requests.ConnectTimeout(str(error), request=request) from error
        except httpx.TimeoutException as error:
            raise requests.ReadTimeout(str(error), request=request) from error
        except httpx.TransportError as error:
            raise requests.ConnectionError(str(error), request=request) from error
        raw = urllib3.HTTPResponse(
            body=io.BytesIO(b"".join(response.stream)),  # type: ignore[arg-type]
            headers=urllib3.HTTPHeaderDict(response.headers.multi_items()),
            status=response.status_code,
            reason=response.reason_phrase,
            preload_content=False,
            decode_content=False,
            request_method=request.method,
        )
        return adapter.build_response(request, raw)

    return answered


def _body(request: Any) -> bytes:
    body = request.body
    if body is None or isinstance(body, bytes | str):
        return body.encode() if isinstance(body, str) else body or b""
    parts = [body.read()] if hasattr(body, "read") else body
    return b"".join(part.encode() if isinstance(part, str) else part for part in parts)


def _via(requests: Any, url: str, verify: Any, cert: Any, proxies: Any) -> dict[str, Any]:
    via: dict[str, Any] = {} if verify is True else {"verify": verify}
    if cert:
        via["cert"] = cert
    if proxy := requests.utils.select_proxy(url, proxies):
        via["proxy"] = proxy
    return via
