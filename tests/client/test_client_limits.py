"""What one answer, and one list, may cost: bytes once they are unpacked, seconds, pages."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import itertools
import socket
import threading
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from functools import cache

import httpx
import pytest

from pytest_adyen_creds.client import GuardedTransport, ManagementClient, Ownership, Retries
from pytest_adyen_creds.client.transports import Network
from pytest_adyen_creds.errors import ApiError

BASE = "https://management-test.adyen.com/v3"
MOST = 1_000_000


@cache
def zeros(wbits: int, size: int = 40_000_000, last: bytes = b"") -> bytes:
    """``size`` zeros, packed, and ``last``."""
    packer = zlib.compressobj(9, wbits=wbits)
    packed = b"".join(packer.compress(bytes(1_000_000)) for _ in range(size // 1_000_000))
    return packed + packer.flush() + last


BOMBS = {
    "gzip": ("gzip", lambda: zeros(31)),
    "in capitals": ("GZIP", lambda: zeros(31)),
    "deflate": ("deflate", lambda: zeros(15)),
    "deflate without its header": ("deflate", lambda: zeros(-15)),
    "gzip that ends in something else": ("gzip", lambda: zeros(31, last=b"not gzip")),
    "gzip that breaks off": ("gzip", lambda: zeros(31)[:-100]),
    "twice": ("gzip, gzip", lambda: gzip.compress(zeros(31))),
    "twice, in two ways": ("deflate, gzip", lambda: gzip.compress(zeros(15))),
    "twice, one of them nothing": ("gzip, identity", lambda: zeros(31)),
}


def packed(coding: str, body: bytes, chunk: int) -> httpx.MockTransport:
    def handler(_: httpx.Request) -> httpx.Response:
        parts = (body[start : start + chunk] for start in range(0, len(body), chunk))
        return httpx.Response(200, headers={"content-encoding": coding}, content=parts)

    return httpx.MockTransport(handler)


@pytest.mark.parametrize("chunk", [997, 65_536, 10_000_000])
@pytest.mark.parametrize("name", BOMBS)
def test_what_unpacks_to_more_than_the_limit_costs_no_more_than_it(name, chunk, monkeypatch):
    monkeypatch.setattr("pytest_adyen_creds.client.transports.LARGEST_ANSWER", MOST)
    client = ManagementClient(
        BASE,
        transport=packed(BOMBS[name][0], BOMBS[name][1](), chunk),
        ownership=Ownership.sandbox(),
        retries=Retries(tries=1),
    )
    tracemalloc.start()
    try:
        with pytest.raises(ApiError, match=r"once it is unpacked|packed more than once"):
            client.send("GET", "/me")
        assert tracemalloc.get_traced_memory()[1] < 20 * MOST
    finally:
        tracemalloc.stop()


def test_the_limit_holds_where_answers_are_read_for_somebody_else(monkeypatch):
    from pytest_adyen_creds.client.transports import read

    monkeypatch.setattr("pytest_adyen_creds.client.transports.LARGEST_ANSWER", MOST)
    for coding, make in BOMBS.values():
        body = make()
        response = packed(coding, body, 65_536).handle_request(httpx.Request("GET", BASE))
        with pytest.raises(httpx.ReadError):
            read(response)


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_what_is_within_the_limit_is_read(coding, monkeypatch):
    monkeypatch.setattr("pytest_adyen_creds.client.transports.LARGEST_ANSWER", MOST)
    body = b'{"id": "' + b"x" * (MOST - 10) + b'"}'
    raw = gzip.compress(body) if coding == "gzip" else zlib.compress(body)
    with ManagementClient(BASE, transport=packed(coding, raw, 500), ownership=Ownership.sandbox()) as client:
        assert client.send("GET", "/me").content == body


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
TRICKLES: dict[str, tuple[bytes, bytes]] = {
    "the first line": (b"", b"H"),
    "a header": (HEAD + b"X-Long: ", b"x"),
    "many headers": (HEAD, b"X: y\r\n"),
    "answers before the answer": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a body": (HEAD + b"Content-Length: 1000000\r\n\r\n", b" "),
    "a body in chunks": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "the extension of a chunk": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;", b"x"),
    "a body that ends with the connection": (HEAD + b"\r\n", b" "),
    "the end of a body in chunks": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X: y\r\n"),
    "nothing": (HEAD, b""),
}


@contextlib.contextmanager
def trickling(start: bytes, again: bytes, whole_first: int = 0) -> Iterator[str]:
    """Serve ``start`` and then ``again`` over and over, after ``whole_first`` whole answers, without an end."""
    over = threading.Event()
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

    def talk(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):  # whoever asked has broken it off
            for _ in range(whole_first):
                connection.recv(65_536)
                connection.sendall(whole)
            connection.recv(65_536)
            connection.sendall(start)
            while not over.wait(0.01) and (again or connection.recv(1)):
                connection.sendall(again)

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=talk, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/v3"
        finally:
            over.set()
            listener.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("name", TRICKLES)
def test_an_answer_that_trickles_ends_at_its_time(name):
    with trickling(*TRICKLES[name]) as url:
        client = ManagementClient(
            url, transport=Network(answer_takes=0.1), ownership=Ownership.sandbox(), retries=Retries(tries=1)
        )
        with client, pytest.raises(ApiError, match=r"not whole after 0\.1 s"):
            client.send("GET", "/me")


@pytest.mark.parametrize("name", TRICKLES)
def test_so_does_one_that_is_asked_for_asynchronously(name):
    async def ask(url: str) -> None:
        transport = GuardedTransport(Network(answer_takes=0.1), Ownership.sandbox())
        async with httpx.AsyncClient(transport=transport, timeout=30) as client:
            await client.get(f"{url}/me")

    with trickling(*TRICKLES[name]) as url, pytest.raises(httpx.ReadTimeout, match=r"not whole after 0\.1 s"):
        asyncio.run(ask(url))


def test_it_ends_though_its_time_was_over_before_it_was_connected():
    with trickling(*TRICKLES["a body"]) as url, pytest.raises(httpx.ReadTimeout, match=r"not whole after 0 s"):
        Network(answer_takes=0).handle_request(httpx.Request("GET", f"{url}/me"))


@pytest.mark.parametrize("name", ["a header", "a body"])
def test_a_connection_that_was_used_before_is_broken_off_too(name):
    with trickling(*TRICKLES[name], whole_first=3) as url:
        client = ManagementClient(
            url, transport=Network(answer_takes=0.2), ownership=Ownership.sandbox(), retries=Retries(tries=1)
        )
        with client:
            for _ in range(3):
                assert client.send("GET", "/me").status_code == 200
            with pytest.raises(ApiError, match="not whole"):
                client.send("GET", "/me")
            assert client.send("GET", "/me").status_code == 200


def test_a_transport_of_ones_own_has_the_time_for_a_body(monkeypatch):
    moments = itertools.count(0, 20)
    monkeypatch.setattr("pytest_adyen_creds.client.transports.clock.monotonic", lambda: float(next(moments)))
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=itertools.repeat(b" ")))
    client = ManagementClient(BASE, transport=transport, ownership=Ownership.sandbox(), retries=Retries(tries=1))
    with pytest.raises(ApiError, match="not whole in time"):
        client.send("GET", "/me")


def listing(page: Callable[[int], dict[str, object]], clock: object) -> tuple[ManagementClient, list[int]]:
    asked: list[int] = []

    def handler(request: httpx.Request) -> httpx.Response:
        number = int(request.url.params["pageNumber"])
        asked.append(number)
        clock.sleep(0.001)  # type: ignore[attr-defined]
        return httpx.Response(200, json=page(number))

    transport = httpx.MockTransport(handler)
    return ManagementClient(BASE, transport=transport, ownership=Ownership.sandbox(), clock=clock), asked  # type: ignore[arg-type]


def following(number: int, data: list[dict[str, object]]) -> dict[str, object]:
    href = f"{BASE}/companies/C/apiCredentials?pageNumber={number + 1}"
    return {"data": data, "_links": {"next": {"href": href}}}


ENDLESS: dict[str, tuple[Callable[[int], list[dict[str, object]]], int]] = {
    "new ones without end": (lambda number: [{"id": f"S2-{number}"}], 1000),
    "the same ones again": (lambda number: [{"id": "S2-1"}, {"id": "S2-2"}], 2),
    "two pages by turns": (lambda number: [{"id": f"S2-{number % 2}"}], 3),
    "nothing at all": (lambda number: [], 1),
    "what has no id": (lambda number: [{"username": f"ws_{number}"}], 2),
    "what is no credential": (lambda number: [None, number], 1),  # type: ignore[list-item]
    "large pages": (lambda number: [{"id": f"S2-{number}", "description": "x" * 1_000_000}], 3),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_a_list_without_end_is_given_up(name, clock, monkeypatch):
    monkeypatch.setattr("pytest_adyen_creds.client.client.LARGEST_LISTING", 2_500_000)
    data, most = ENDLESS[name]
    client, asked = listing(lambda number: following(number, data(number)), clock)
    with pytest.raises(ApiError, match="the list does not end"):
        list(client.company("C").iterate())
    assert asked == list(range(1, most + 1))


def test_a_list_that_takes_too_long_is_given_up(clock):
    def page(number: int) -> dict[str, object]:
        clock.sleep(100)
        return following(number, [{"id": f"S2-{number}"}])

    client, asked = listing(page, clock)
    with pytest.raises(ApiError, match=r"the list does not end \(6 pages with 6 credentials, \d+ bytes, 600 s\)"):
        list(client.company("C").iterate())
    assert len(asked) == 6
