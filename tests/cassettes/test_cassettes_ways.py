"""Ways round what the HTTP libraries are asked: redirects, other spellings of the server, connections by hand."""

from __future__ import annotations

import asyncio
import http.client
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import aiohttp
import httpx
import pytest
import requests
import vcr
from cassettes_modes import intercepting
from cassettes_modes import live as opened_live

from pytest_adyen_creds.client import Ownership, tag
from pytest_adyen_creds.errors import EndpointRefused, OwnershipRefused
from pytest_adyen_creds.intercept.floor import Floor
from pytest_adyen_creds.sandbox import Sandbox

ACCOUNT = "/v3/companies/TestCompany/apiCredentials"


class _Server(BaseHTTPRequestHandler):
    """Notes what it is asked, and redirects to the URL in the query, if there is one."""

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path, _, to = self.path.partition("?")
        self.server.asked.append(f"{self.command} {path}")  # type: ignore[attr-defined]
        self.send_response(307 if to else 200)
        if to:
            self.send_header("Location", to)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_PATCH = do_GET

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def serving() -> Iterator[tuple[str, list[str]]]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Server) as httpd:
        httpd.asked = []  # type: ignore[attr-defined]
        thread = Thread(target=httpd.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{httpd.server_address[1]}", httpd.asked  # type: ignore[attr-defined]
        finally:
            httpd.shutdown()
            thread.join()


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    with serving() as served:
        yield served


def live(url: str) -> Any:
    """Return a door to ``url`` whose run holds a lease on S2-1 alone."""
    ownership = Ownership(0)
    ownership.lease("S2-1", tag.make("abcdefgh", datetime.now(UTC) + timedelta(hours=1)))
    return opened_live(f"{url}/v3", ownership)


def follow(method: str, url: str, **options: Any) -> int:
    async def ask() -> int:
        async with (
            aiohttp.ClientSession(headers={"X-API-Key": "a key"}) as session,
            session.request(method, url, json={"active": False}, **options) as response,
        ):
            return response.status

    return asyncio.run(ask())


@pytest.mark.parametrize("recorded", [False, True], ids=["", "recorded by another tool"])
def test_aiohttp_follows_no_redirect_past_the_guards(
    recorded: bool, server: tuple[str, list[str]], tmp_path: Path
) -> None:
    url, asked = server
    lent, foreign = f"{url}{ACCOUNT}/S2-1", f"{url}{ACCOUNT}/S2-9"
    theirs = vcr.use_cassette(str(tmp_path / "theirs.yaml"), record_mode="all" if recorded else "none")
    with live(url), serving() as (elsewhere, asked_elsewhere):
        if recorded:
            theirs.__enter__()
        try:
            with pytest.raises(OwnershipRefused, match="S2-9"):
                follow("PATCH", f"{lent}?{foreign}")
            with pytest.raises(EndpointRefused, match="pal-live"):
                follow("GET", f"{url}/v3/me?http://pal-live.adyen.com/x", proxy=elsewhere)
            with pytest.raises(OwnershipRefused, match="S2-9"):
                follow("PATCH", f"{elsewhere}/out?{foreign}")
            assert follow("PATCH", f"{lent}?{lent}") == 200
            assert follow("PATCH", f"{lent}?{foreign}", allow_redirects=False) == 307
            assert follow("GET", f"{elsewhere}/out?{elsewhere}/end") == 200
        finally:
            if recorded:
                theirs.__exit__(None, None, None)
    changed = f"PATCH {ACCOUNT}/S2-1"
    assert asked == [changed, *[changed] * 2, changed]
    assert [line.rpartition("/")[2] for line in asked_elsewhere] == ["me", "out", "out", "end"]


def test_aiohttp_follows_no_redirect_past_the_sandbox(server: tuple[str, list[str]]) -> None:
    url, asked = server
    with intercepting(Sandbox().app):
        assert follow("GET", f"{url}/out?https://management-test.adyen.com/v3/me", proxy=None) == 401
    assert asked == ["GET /out"]


def by_hand(url: str, target: str, kind: Any = None) -> int:
    connection = (kind or http.client.HTTPConnection)(url.removeprefix("http://"))
    try:
        connection.request("PATCH", target, body=b'{"active": false}', headers={"X-API-Key": "a key"})
        return int(connection.getresponse().status)
    finally:
        connection.close()


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST", "127.0.0.2", "127.1", "0.0.0.0", "[::ffff:127.0.0.1]", "[::1]"]
)
@pytest.mark.parametrize("patch", [httpx.patch, requests.patch])
def test_the_runs_server_is_known_under_each_of_its_names(patch: Any, host: str, server: tuple[str, list[str]]) -> None:
    url, asked = server
    with live(url), pytest.raises((OwnershipRefused, EndpointRefused)):
        patch(f"{url.replace('127.0.0.1', host)}{ACCOUNT}/S2-9", json={"active": False})
    assert asked == []


@pytest.mark.parametrize("target", ["S2-9/../S2-1", "S2-1#/../S2-9", "S2-1/", "./S2-1", "S2%2D1"])
def test_a_path_is_judged_as_it_is_sent(target: str, server: tuple[str, list[str]]) -> None:
    url, asked = server
    with live(url), pytest.raises(OwnershipRefused, match="canonical spelling"):
        by_hand(url, f"{ACCOUNT}/{target}")
    assert asked == []


def test_what_is_put_on_a_connection_by_hand_passes_the_guards(server: tuple[str, list[str]]) -> None:
    url, asked = server
    with Floor(f"{url}/v3").laid(), live(url), serving() as (elsewhere, asked_elsewhere):
        with pytest.raises(EndpointRefused, match="only guarded requests reach"):
            by_hand(url, f"http://shop.example{ACCOUNT}/S2-9")
        with pytest.raises(EndpointRefused, match="only guarded requests reach"):
            by_hand(url, f"{ACCOUNT}/S2-9", HTTPConnection)
        for target in (f"{url}{ACCOUNT}/S2-9", f"{ACCOUNT}/S2-9".lstrip("/")):
            with pytest.raises((OwnershipRefused, EndpointRefused)):
                by_hand(url, target)
        assert by_hand(url, f"{ACCOUNT}/S2-1") == 200
        assert by_hand(elsewhere, "/anything", HTTPConnection) == 200
        assert by_hand(elsewhere, "http://shop.example/through-a-proxy") == 200
    assert asked == [f"PATCH {ACCOUNT}/S2-1"]
    assert asked_elsewhere == ["PATCH /anything", "PATCH http://shop.example/through-a-proxy"]


def test_what_libraries_hand_over_counts_in_a_live_run(server: tuple[str, list[str]]) -> None:
    url, asked = server
    with live(url), serving() as (proxy, through_proxy):
        assert requests.get(f"{url}/v3/me", proxies={"http": proxy}, timeout=5).status_code == 200
        assert follow("GET", f"{url}/v3/me", proxy=proxy) == 200
        with pytest.raises(FileNotFoundError):
            requests.get(f"{url}/v3/me", verify="/no-such-file", timeout=5)
    assert (asked, through_proxy) == ([], [f"GET {url}/v3/me"] * 2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with live(url):
            with pytest.raises(httpx.ReadTimeout):
                httpx.get(f"{url}/v3/me", timeout=0.1)
            with pytest.raises(requests.ReadTimeout):
                requests.get(f"{url}/v3/me", timeout=0.1)
            with pytest.raises(TimeoutError):
                follow("GET", f"{url}/v3/me", timeout=aiohttp.ClientTimeout(total=0.1))
