"""aiohttp's undocumented parts, each as compat/aiohttp.py has it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import httpx
import pytest

from pytest_adyen_creds.compat import aiohttp as compat

DISTRIBUTION = "aiohttp"

URL = "https://ours.example/a"


def ask(asked: list[httpx.Request], monkeypatch: pytest.MonkeyPatch, **options: Any) -> Any:
    async def answer(request: httpx.Request, via: dict[str, Any]) -> httpx.Response:
        asked.append(request)
        asked[-1].extensions["via"] = via
        if request.url.path == "/a":
            return httpx.Response(307, headers={"location": "/b", "set-cookie": "a=1"})
        return httpx.Response(200, json={"sent": request.content.decode()}, headers={"x-a": "1"})

    entrance = compat.entrance(lambda url: "ours.example" in url, answer)
    assert entrance is not None
    monkeypatch.setattr(*entrance)

    async def run() -> Any:
        async with aiohttp.ClientSession() as session, session.post(URL, json={"b": 2}, **options) as response:
            assert response.headers["x-a"] == "1"
            assert [each.status for each in response.history] == [307]
            return response.status, await response.json()

    return asyncio.run(run())


def test_middleware(monkeypatch: pytest.MonkeyPatch) -> None:
    """`ClientSession._request` takes `middlewares`, and calls them for each hop before it connects."""
    asked: list[httpx.Request] = []
    status, body = ask(asked, monkeypatch)
    assert (status, json.loads(body["sent"])) == (200, {"b": 2})
    assert [str(each.url) for each in asked] == [URL, "https://ours.example/b"]
    assert asked[1].headers["cookie"] == "a=1"


def test_proxy_and_authorities(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request has its `proxy` and its `ssl`, as they were handed over."""
    asked: list[httpx.Request] = []
    ask(asked, monkeypatch, proxy="http://proxy.example:3128", ssl=False)
    assert [each.extensions["via"] for each in asked] == [{"proxy": "http://proxy.example:3128", "verify": False}] * 2
