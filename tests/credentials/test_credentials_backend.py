"""The backend: whatever client it hands out, a run keeps to one limit."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import anyio
import httpx
import pytest

from pytest_adyen_creds.client import Budget, Ownership, RateLimit
from pytest_adyen_creds.credentials.backend import Backend, open_backend
from pytest_adyen_creds.errors import OwnershipRefused
from pytest_adyen_creds.secrets import Secret
from pytest_adyen_creds.settings import Settings


class Answering(Backend):
    """A backend over the network, as far as its clients can tell."""

    def transport(self):
        return httpx.MockTransport(lambda request: httpx.Response(200, json={}))


class Turns:
    """A clock that stands still until somebody sleeps."""

    def __init__(self) -> None:
        self.slept = 0.0

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        return self.slept

    def sleep(self, seconds: float) -> None:
        self.slept += seconds


def live(base_url: str) -> Settings:
    return Settings(
        backend="live", base_url=base_url, api_key=Secret("AQE-provisioning-key"), company="C", merchant="M"
    )


def test_all_clients_of_a_run_keep_to_one_limit(monkeypatch):
    opened = open_backend(live("https://management-test.adyen.com/v3"))
    assert opened.rate_limit is not None
    clock = Turns()
    backend = Answering(**{**vars(opened), "rate_limit": RateLimit(60, burst=1, clock=clock)})
    key, ownership = Secret("AQE-throwaway-key"), Ownership(0)

    async def wait(seconds: float) -> None:
        clock.sleep(seconds)

    monkeypatch.setattr(anyio, "sleep", wait)

    async def ask() -> None:
        async with backend.async_client(key, ownership) as client:
            for _ in range(3):
                await client.get("/me")

    with backend.client(key, ownership) as client:
        for _ in range(3):
            client.get("/me")
    assert clock.slept == pytest.approx(2)
    for _ in range(2):
        with backend.management(ownership) as client:
            client.send("GET", "/me")
    assert clock.slept == pytest.approx(4)
    asyncio.run(ask())
    assert clock.slept == pytest.approx(7)
    # a copy, such as each part of a session makes, is the same run
    with replace(backend, username="ws@Company.C").management(ownership) as client:
        client.send("GET", "/me")
    assert clock.slept == pytest.approx(8)


def test_on_this_machine_nothing_is_held_up():
    assert open_backend(live("http://127.0.0.1:1/v3")).rate_limit is None


@pytest.mark.parametrize("base_url", ["https://management-test.adyen.com/v3", "http://127.0.0.1:1/v3"])
def test_a_run_creates_nothing_on_another_server(base_url):
    opened = open_backend(live(base_url))
    backend, budget = Answering(**{**vars(opened), "rate_limit": None}), Budget(5)
    with (
        backend.client(Secret("AQE-throwaway-key"), backend.ownership(budget)) as client,
        pytest.raises(OwnershipRefused, match="only; nothing"),
    ):
        client.post("http://127.0.0.1:2/v3/companies/C/apiCredentials", json={})
    assert budget.spent == 0


class WithSession(Answering):
    """A backend that sets a session in each answer, for all paths, and keeps the requests that it gets."""

    def transport(self):
        def answered(request: httpx.Request) -> httpx.Response:
            seen.append(request)
            return httpx.Response(200, json={}, headers={"set-cookie": "JSESSIONID=1; Path=/; Secure; HttpOnly"})

        seen = self.__dict__.setdefault("seen", [])
        return httpx.MockTransport(answered)


def test_no_client_of_a_run_keeps_or_sends_a_cookie():
    backend = WithSession(**vars(open_backend(live("https://management-test.adyen.com/v3"))))
    key, ownership = Secret("AQE-throwaway-key"), Ownership(0)

    async def ask_twice() -> None:
        async with backend.async_client(key, ownership) as client:
            for _ in range(2):
                await client.get("/me")
            assert not client.cookies

    asyncio.run(ask_twice())
    with backend.client(key, ownership) as client, backend.management(ownership) as management:
        for _ in range(2):
            client.get("/me")
            management.me.get()
        assert not client.cookies
    assert len(backend.seen) == 6
    assert not [request for request in backend.seen if "cookie" in request.headers]
