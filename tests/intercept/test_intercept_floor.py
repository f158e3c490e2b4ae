"""Runs without a server: no test of theirs looks up a host of Adyen, or connects to one, whatever it asks with."""

from __future__ import annotations

import _socket
import socket
from pathlib import Path
from typing import Any

import pytest

from pytest_adyen_creds.client.transports import GUARDED, marked
from pytest_adyen_creds.errors import EndpointRefused
from pytest_adyen_creds.intercept.floor import Floor

pytestmark = pytest.mark.slow("processes of their own: their sockets are watched")

NOTING = """
import _socket
import socket
import sys
from pathlib import Path

look_up, connect = socket.getaddrinfo, socket.socket.connect

def noted(host, *arguments, **options):
    with Path("asked").open("a") as file:
        print(host, file=file)
    return look_up(host, *arguments, **options)

def connected(sock, address):
    with Path("asked").open("a") as file:
        print(address, file=file)
    return connect(sock, address)

socket.getaddrinfo, socket.socket.connect = noted, connected
"""

WITHOUT_FIXTURES = """
import asyncio, socket, urllib.request
import aiohttp, httpcore, httpx, pytest, requests, urllib3

def by_async_httpx(url):
    async def ask():
        async with httpx.AsyncClient() as client:
            await client.get(url)
    asyncio.run(ask())

def by_aiohttp(url):
    async def ask():
        async with aiohttp.ClientSession() as session, session.get(url):
            pass
    asyncio.run(ask())

def by_a_socket(url):
    socket.create_connection((url.split("/")[2], 443))

def by_asyncio(url):
    asyncio.run(asyncio.open_connection(url.split("/")[2], 443))

WAYS = [httpx.get, by_async_httpx, requests.get, urllib3.PoolManager(retries=False).urlopen, urllib.request.urlopen]
WAYS += [by_aiohttp, by_a_socket, by_asyncio, lambda url: httpcore.request("GET", url)]

@pytest.mark.parametrize("way", WAYS, ids=range(len(WAYS)))
@pytest.mark.parametrize("host", ["management-test", "checkout-test", "management-live"])
def test_it(way, host):
    arguments = ["GET"] if getattr(way, "__name__", "") == "urlopen" and way is not urllib.request.urlopen else []
    with pytest.raises(BaseException) as refused:
        way(*arguments, f"https://{host}.adyen.com/v3/me")
    error = refused.value
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert type(error).__name__ == "EndpointRefused", repr(error)
    assert "nothing was sent" in str(error)
    assert host == "management-live" or "adyen_traffic" in str(error)
"""


@pytest.mark.parametrize("mode", ["--adyen-backend=replay", "--adyen-backend=sandbox", "with a test that uses it"])
def test_a_test_without_any_fixture_reaches_no_host_of_adyen(
    mode: str, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makeconftest(NOTING)
    source = WITHOUT_FIXTURES
    if not mode.startswith("-"):
        source += "\ndef test_of_ours(adyen_client):\n    assert adyen_client.get('/me').status_code == 200\n"
    pytester.makepyfile(source)
    result = pytester.runpytest_subprocess(*([mode] if mode.startswith("-") else []))
    result.assert_outcomes(passed=27 + (not mode.startswith("-")))
    asked = pytester.path / "asked"
    assert not asked.exists() or "adyen" not in asked.read_text().lower()


SPELLINGS: list[Any] = [
    "management-test.adyen.com",
    "Checkout-Test.Adyen.COM.",
    b"kyc-test.adyen.com",
    "\uff50al-test.adyen.com",
    "x-checkout-live.adyenpayments.com",
]


@pytest.mark.parametrize("host", SPELLINGS)
def test_each_spelling_of_a_host_is_known(host: Any) -> None:
    with Floor().laid(), socket.socket() as made:
        for connect in (made.connect, made.connect_ex):
            with pytest.raises(EndpointRefused, match="nothing was sent"):
                connect((host, 443))
        for send in (lambda: made.sendto(b"x", (host, 443)), lambda: made.sendmsg([b"x"], [], 0, (host, 443))):
            with pytest.raises(EndpointRefused, match="nothing was sent"):
                send()
        for look_up in (socket.gethostbyname, socket.gethostbyname_ex, lambda name: socket.getaddrinfo(name, 443)):
            with pytest.raises(EndpointRefused, match="nothing was sent"):
                look_up(host)


def test_an_address_that_a_guarded_look_up_found_is_known_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.7", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments, **options: found)
    with Floor("https://management-test.adyen.com/v3").laid(), socket.socket() as made:
        with marked(GUARDED):
            assert socket.getaddrinfo("management-test.adyen.com", 443) == found
        for address in ("192.0.2.7", "192.0.519"):
            with pytest.raises(EndpointRefused, match="only guarded requests reach"):
                made.connect((address, 443))


def test_everything_else_is_left_alone(tmp_path: Path) -> None:
    with Floor().laid(), socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        for host in ("127.0.0.1", "localhost"):
            socket.create_connection((host, port), timeout=5).close()
        with socket.socket(socket.AF_UNIX) as made, socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(tmp_path / "adyen.com"))
            listening.listen()
            made.connect(str(tmp_path / "adyen.com"))


def test_it_stands_under_what_another_tool_puts_in_place_and_goes_with_its_run() -> None:
    before = socket.socket.connect
    with Floor().laid() as floor:
        socket.socket.connect = before  # type: ignore[method-assign]  # as pytest-socket does after each test
        floor.hold()
        with socket.socket() as made, pytest.raises(EndpointRefused):
            made.connect(("management-test.adyen.com", 443))
    assert socket.socket.connect is before


def test_what_tests_patch_and_take_back_builds_no_tower(monkeypatch: pytest.MonkeyPatch) -> None:
    before = socket.getaddrinfo
    with Floor().laid() as floor:
        for _ in range(2_000):
            with monkeypatch.context() as patch:
                below = socket.getaddrinfo
                patch.setattr(socket, "getaddrinfo", lambda *arguments, below=below: below(*arguments))
                floor.hold()
            floor.hold()
        assert socket.getaddrinfo("127.0.0.1", 80)
        with pytest.raises(EndpointRefused):
            socket.getaddrinfo("management-test.adyen.com", 443)
    assert socket.getaddrinfo is before


BELOW = """
import _socket
import pytest

@pytest.mark.parametrize("look_up", [lambda host: _socket.getaddrinfo(host, 443), _socket.gethostbyname])
def test_below(adyen_client, look_up):
    with pytest.raises(Exception) as refused:
        look_up("checkout-test.adyen.com")
    assert type(refused.value).__name__ == "EndpointRefused"
"""


def test_the_audit_events_see_what_is_looked_up_below_the_module(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nadyen_audit = true\n")
    pytester.makepyfile(BELOW)
    pytester.runpytest_subprocess("--adyen-backend=sandbox").assert_outcomes(passed=2)


def test_the_audit_events_see_what_is_called_below_the_class_until_the_run_has_ended() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as made:
        address = server.getsockname()
        with Floor(f"http://127.0.0.1:{address[1]}/v3", audited=True).laid():
            with pytest.raises(EndpointRefused, match="only guarded requests reach"):
                _socket.socket.connect(made, address)
            with (
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending,
                pytest.raises(EndpointRefused, match="only guarded requests reach"),
            ):
                _socket.socket.sendto(sending, b"x", address)
            with marked(GUARDED), socket.socket() as ours:
                _socket.socket.connect(ours, address)
        _socket.socket.connect(made, address)
