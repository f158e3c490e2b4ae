"""The HTTP libraries that code under test uses, each behind the same two calls."""

from __future__ import annotations

import asyncio
import base64
import json
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import httpx
import requests
import urllib3

ORIGIN = "https://management-test.adyen.com"

Auth = str | tuple[str, str] | None
"""An API key, a username and password, or nothing."""


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


Call = Callable[[str, str, Auth, Any], Answer]


def _headers(auth: Auth) -> dict[str, str]:
    if isinstance(auth, tuple):
        return {"Authorization": "Basic " + base64.b64encode(":".join(auth).encode()).decode()}
    return {"X-API-Key": auth} if auth else {}


def with_httpx(method: str, url: str, auth: Auth, body: Any) -> Answer:
    response = httpx.request(method, url, headers=_headers(auth), json=body, verify=False)
    return Answer(response.status_code, response.content)


def with_async_httpx(method: str, url: str, auth: Auth, body: Any) -> Answer:
    async def call() -> Answer:
        async with httpx.AsyncClient(verify=False) as client:
            response = await client.request(method, url, headers=_headers(auth), json=body)
            return Answer(response.status_code, response.content)

    return asyncio.run(call())


def with_httpx2(method: str, url: str, auth: Auth, body: Any) -> Answer:
    import httpx2

    response = httpx2.request(method, url, headers=_headers(auth), json=body, verify=False)
    return Answer(response.status_code, response.content)


def with_requests(method: str, url: str, auth: Auth, body: Any) -> Answer:
    response = requests.request(method, url, headers=_headers(auth), json=body, timeout=10)
    return Answer(response.status_code, response.content)


def with_urllib3(method: str, url: str, auth: Auth, body: Any) -> Answer:
    with urllib3.PoolManager(retries=False) as pool:
        response = pool.request(method, url, headers=_headers(auth), json=body)
        return Answer(response.status, response.data)


def with_urllib(method: str, url: str, auth: Auth, body: Any) -> Answer:
    data = None if body is None else json.dumps(body).encode()
    headers = _headers(auth) | ({"Content-Type": "application/json"} if data else {})
    request = urllib.request.Request(url, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return Answer(response.status, response.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.read())


def with_aiohttp(method: str, url: str, auth: Auth, body: Any) -> Answer:
    async def call() -> Answer:
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, url, headers=_headers(auth), json=body) as response,
        ):
            return Answer(response.status, await response.read())

    return asyncio.run(call())


LIBRARIES: dict[str, Call] = {
    "httpx": with_httpx,
    "async httpx": with_async_httpx,
    "requests": with_requests,
    "urllib3": with_urllib3,
    "urllib": with_urllib,
    "aiohttp": with_aiohttp,
}
try:
    import httpx2  # noqa: F401
except ImportError:
    pass
else:
    LIBRARIES["httpx2"] = with_httpx2
