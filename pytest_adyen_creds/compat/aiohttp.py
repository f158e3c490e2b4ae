"""aiohttp: each request of its sessions, redirects included, passes a middleware of ours.

What is used of its inside: ``ClientSession._request``, to add the middleware, and vcrpy's way to make a response.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from ssl import SSLContext
from typing import Any

import httpx
from vcr.request import Request

from pytest_adyen_creds.compat.vcrpy import as_vcr
from pytest_adyen_creds.message import as_sent

Answer = Callable[[httpx.Request, dict[str, Any]], Awaitable[httpx.Response]]
"""Answers a request; the second argument holds what is to be ``httpx.HTTPTransport``'s for it."""


def entrance(wants: Callable[[str], bool], answer: Answer) -> tuple[Any, str, Any] | None:
    """Return a class, the name of its method, and a method in its place that has ``answer`` called.

    It is called with each request to a URL that ``wants`` tells of, redirects included. A session's middlewares come
    first, those of a request in their place. None where there is no aiohttp, or one older than 3.12.
    """
    aiohttp = sys.modules.get("aiohttp")
    if aiohttp is None or not hasattr(aiohttp, "ClientMiddlewareType"):
        return None

    async def middleware(request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        url = str(request.url)
        if not wants(url):
            return await handler(request)
        sent = await _as_httpx(request, url)
        try:
            response = await answer(sent, _via(request))
        except httpx.TimeoutException as error:
            raise aiohttp.ServerTimeoutError(str(error)) from error
        except httpx.TransportError as error:
            raise aiohttp.ClientOSError(str(error)) from error
        return await _as_aiohttp(response, sent)

    send = aiohttp.ClientSession._request

    async def _request(session: Any, method: str, url: Any, **options: Any) -> Any:
        given = options.pop("middlewares", None)
        middlewares = session._middlewares if given is None else given
        return await send(session, method, url, **options, middlewares=(*middlewares, middleware))

    return aiohttp.ClientSession, "_request", _request


async def _as_httpx(request: Any, url: str) -> httpx.Request:
    body = request.body
    content = body if isinstance(body, bytes) else await body.as_bytes()
    target = request.url.raw_path_qs.encode("utf-8", "surrogatepass")
    return as_sent(request.method, url, request.headers.items(), content, target=target)


def _via(request: Any) -> dict[str, Any]:
    via = {"proxy": str(request.proxy)} if request.proxy is not None else {}
    return via | ({"verify": request.ssl} if isinstance(request.ssl, bool | SSLContext) else {})


async def _as_aiohttp(response: httpx.Response, sent: httpx.Request) -> Any:
    from vcr.stubs.aiohttp_stubs import build_response

    await response.aread()
    made = as_vcr(response, response.content)
    for name in ("content-encoding", "transfer-encoding"):  # it has been decoded
        made["headers"].pop(name, None)
    built = build_response(Request(sent.method, str(sent.url), None, dict(sent.headers)), made, [])
    built._raw_cookie_headers = tuple(response.headers.get_list("set-cookie"))
    return built
