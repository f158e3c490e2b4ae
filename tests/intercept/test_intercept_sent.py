"""What is judged is what is sent: a request that a server may read as another one, or as two, is refused everywhere."""

from __future__ import annotations

import asyncio
import gzip
import http.client
import socket
import threading
import urllib.request
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import httpx
import pytest
import requests
import urllib3
from multidict import CIMultiDict

from pytest_adyen_creds.cassettes.model import Cassette
from pytest_adyen_creds.cassettes.modes import live_interceptor
from pytest_adyen_creds.cassettes.playback import Playback
from pytest_adyen_creds.cassettes.replay import ReplayTransport
from pytest_adyen_creds.client import Clock, ManagementClient, Ownership, tag
from pytest_adyen_creds.credentials.backend import Backend
from pytest_adyen_creds.drift.traffic import to_the_network
from pytest_adyen_creds.errors import AdyenCredsError, OwnershipRefused
from pytest_adyen_creds.intercept.gateway import Gateway
from pytest_adyen_creds.intercept.hosts import Hosts
from pytest_adyen_creds.intercept.interceptor import Interceptor
from pytest_adyen_creds.sandbox import Sandbox
from pytest_adyen_creds.secrets import Secret

ACCOUNT = "/v3/companies/TestCompany/apiCredentials"
SECOND = f'PATCH {ACCOUNT}/S2-9 HTTP/1.1\r\nHost: x\r\nContent-Length: 17\r\n\r\n{{"active": false}}'.encode()
TAG = tag.make("abcdefgh", datetime.now(UTC) + timedelta(hours=1))

Fields = list[tuple[str, str]]


@dataclass
class KeepAlive:
    """A server that carries out one request after another on each connection, and notes which."""

    url: str
    reads_chunks: bool = True
    carried_out: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    def talk(self, connection: socket.socket) -> None:
        with suppress(OSError), connection, connection.makefile("rb") as file:
            while line := file.readline().strip():
                self.carried_out.append(line.decode("latin-1").rpartition(" ")[0])
                length, chunked = 0, False
                while head := file.readline().strip():
                    name, _, value = head.lower().partition(b":")
                    length = int(value) if name == b"content-length" else length
                    chunked = chunked or (name == b"transfer-encoding" and self.reads_chunks)
                body = file.read(length)
                while chunked and (size := int(file.readline(), 16)):
                    body += file.read(size)
                    file.readline()
                if chunked:
                    file.readline()
                self.bodies.append(body)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")


@pytest.fixture
def server() -> Iterator[KeepAlive]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        served = KeepAlive(f"http://127.0.0.1:{listener.getsockname()[1]}")
        threads: list[threading.Thread] = []

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                connection.settimeout(5)
                threads.append(threading.Thread(target=served.talk, args=(connection,), daemon=True))
                threads[-1].start()

        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        yield served
        listener.shutdown(socket.SHUT_RDWR)
        accepting.join(5)


def owning(budget: int = 0) -> Ownership:
    """The ownership of a run that holds a lease on S2-1 alone."""
    ownership = Ownership(budget)
    ownership.lease("S2-1", TAG)
    return ownership


def live(url: str, *entrances: str) -> Interceptor:
    backend = Backend(f"{url}/v3", "TestCompany", None, Secret("a key"), Clock())
    return live_interceptor(backend, owning(), entrances=entrances)


def replay(url: str) -> Interceptor:
    transport = ReplayTransport(Playback(Cassette(()).interactions), "empty.yaml", base_urls=(url,))
    return Interceptor(transport, Hosts([url]), "a recording", answers_all=True)


MODES: dict[str, Callable[[str], Interceptor]] = {
    "live": live,
    "sandbox": lambda url: Interceptor(Sandbox().transport(), Hosts([url]), "the embedded sandbox"),
    "replay": replay,
    "watched": to_the_network,
}


def by_httpx(method: str, url: str, fields: Fields, body: bytes) -> Any:
    with httpx.Client(verify=False) as client:
        return client.send(httpx.Request(method, url, headers=fields, content=body or None)).status_code


def by_async_httpx(method: str, url: str, fields: Fields, body: bytes) -> Any:
    async def ask() -> int:
        async with httpx.AsyncClient(verify=False) as client:
            return (await client.send(httpx.Request(method, url, headers=fields, content=body or None))).status_code

    return asyncio.run(ask())


def by_httpx2(method: str, url: str, fields: Fields, body: bytes) -> Any:
    httpx2 = pytest.importorskip("httpx2")
    with httpx2.Client(verify=False) as client:
        return client.send(httpx2.Request(method, url, headers=fields, content=body or None)).status_code


def by_requests(method: str, url: str, fields: Fields, body: bytes) -> Any:
    prepared = requests.Request("GET", url, data=body).prepare()
    prepared.method = method
    prepared.headers.update(fields)
    with requests.Session() as session:
        return session.send(prepared, timeout=5).status_code


def by_urllib3(method: str, url: str, fields: Fields, body: bytes) -> Any:
    with urllib3.PoolManager(retries=False) as pool:
        return pool.urlopen(method, url, headers=urllib3.HTTPHeaderDict(fields), body=body or None).status


def by_urllib(method: str, url: str, fields: Fields, body: bytes) -> Any:
    request = urllib.request.Request(url, body or None, dict(fields), method=method)
    with urllib.request.urlopen(request, timeout=5) as response:
        return response.status


def connected(url: str) -> tuple[Any, str]:
    parts = urlsplit(url)
    kind = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}[parts.scheme]
    path = url.partition("://")[2].partition("/")[2]
    return kind(parts.netloc.rpartition("@")[2], timeout=5), f"/{path}"


def by_http_client(method: str, url: str, fields: Fields, body: bytes) -> Any:
    connection, target = connected(url)
    connection.request(method, target, body or None, dict(fields))
    return connection.getresponse().status


def by_hand(method: str, url: str, fields: Fields, body: bytes) -> Any:
    connection, target = connected(url)
    connection.putrequest(method, target, skip_host="Host" in dict(fields))
    for each in fields:
        connection.putheader(*each)
    connection.endheaders(body or None)
    return connection.getresponse().status


def by_hand_in_pieces(method: str, url: str, fields: Fields, body: bytes) -> Any:
    connection, target = connected(url)
    connection.request(method, target, headers=dict(fields))
    connection.send(body)
    return connection.getresponse().status


def by_aiohttp(method: str, url: str, fields: Fields, body: bytes) -> Any:
    async def ask() -> int:
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, url, headers=CIMultiDict(fields), data=body or None) as response,
        ):
            return response.status

    return asyncio.run(ask())


WAYS = {
    way.__name__: way
    for way in (by_httpx, by_async_httpx, by_httpx2, by_requests, by_urllib3, by_urllib, by_http_client, by_hand)
} | {"by_aiohttp": by_aiohttp}

N = str(len(SECOND))
CHUNKED = b"%x\r\n%b\r\n0\r\n\r\n" % (len(SECOND), SECOND)

# of each class: what it is called, then method, headers and body
FRAMED: list[tuple[str, str, Fields, bytes]] = [
    ("no length", "GET", [("Content-Length", "0")], SECOND),
    ("no length of a change", "PATCH", [("Content-Length", "0")], SECOND),
    ("too short", "GET", [("Content-Length", "5")], SECOND),
    ("too long", "POST", [("Content-Length", "5000")], b"{}"),
    ("a length without a body", "GET", [("Content-Length", "7")], b""),
    ("signed", "POST", [("Content-Length", f"+{N}")], SECOND),
    ("with a zero before it", "POST", [("Content-Length", f"0{N}")], SECOND),
    ("a list", "POST", [("Content-Length", f"{N}, {N}")], SECOND),
    ("by another spelling", "POST", [("Content_Length", "0")], SECOND),
    ("a length and chunks", "GET", [("Content-Length", N), ("Transfer-Encoding", "chunked")], SECOND),
    ("chunks in a short length", "GET", [("Content-Length", "4"), ("Transfer-Encoding", "chunked")], SECOND),
    ("a short length and chunks", "POST", [("Content-Length", "4"), ("Transfer-Encoding", "chunked")], CHUNKED),
    ("chunks that are none", "POST", [("Transfer-Encoding", "xchunked")], SECOND),
    ("Chunks", "POST", [("Transfer-Encoding", "Chunked")], CHUNKED),
    ("chunks and more", "POST", [("Transfer-Encoding", "chunked, identity")], CHUNKED),
    ("chunks with options", "POST", [("Transfer-Encoding", "chunked;q=1")], CHUNKED),
    ("identity", "POST", [("Transfer-Encoding", "identity")], SECOND),
    ("chunks by another spelling", "POST", [("Transfer_Encoding", "chunked")], CHUNKED),
    ("a GET's body", "GET", [], SECOND),
    ("a HEAD's body", "HEAD", [], SECOND),
    ("an OPTIONS' body", "OPTIONS", [], b"\r\n" + SECOND),
    ("a GET's chunks", "GET", [("Transfer-Encoding", "chunked")], SECOND),
    ("another host", "GET", [("Host", "management-live.adyen.com")], b""),
    ("a host and a path", "GET", [("Host", "127.0.0.1/v3/me")], b""),
    ("no host", "GET", [("Host", "")], b""),
    ("a line more", "GET", [("X-Note", "a\r\nX-HTTP-Method-Override: PATCH")], b""),
    ("a line feed", "GET", [("X-Note", "a\nContent-Length: 5")], b""),
    ("a carriage return", "GET", [("X-Note", "a\rContent-Length: 5")], b""),
    ("a fold", "GET", [("X-Note", "a\r\n b")], b""),
    ("a NUL", "GET", [("X-Note", "a\x00b")], b""),
    ("a vertical tab", "GET", [("X-Note", "a\x0bb")], b""),
    ("a delete", "GET", [("X-Note", "a\x7fb")], b""),
    ("a name with a space", "POST", [("Content-Length ", "0")], SECOND),
    ("a name with a colon", "GET", [("X-Note: a\r\nX-Other", "b")], b""),
    ("a name with a NUL", "GET", [("X\x00Note", "b")], b""),
    ("a method with a line", "GET /v3/me HTTP/1.1\r\nX-Note:", [], b""),
    ("a method with a NUL", "GET\x00", [], b""),
    ("a method with a space", "PATCH /x GET", [], b""),
    ("X-HTTP-Method-Override", "GET", [("X-HTTP-Method-Override", "PATCH")], b""),
    ("x_http_method_override", "GET", [("x_http_method_override", "PATCH")], b""),
    ("X-Original-URL", "GET", [("X-Original-URL", f"{ACCOUNT}/S2-9")], b""),
    ("X-Forwarded-Host", "GET", [("X-Forwarded-Host", "management-live.adyen.com")], b""),
    ("X-Original-URI", "GET", [("X-Original-URI", "/v3/me")], b""),
    ("a header for the next hop", "GET", [("Connection", "close, X-API-Key")], b""),
    ("an upgrade", "GET", [("Connection", "Upgrade"), ("Upgrade", "h2c")], b""),
]

REPEATED: list[tuple[str, str, Fields, bytes]] = [
    ("two lengths", "POST", [("Content-Length", "0"), ("Content-Length", N)], SECOND),
    ("a length twice", "POST", [("Content-Length", N), ("Content-Length", N)], SECOND),
    ("two codings", "POST", [("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "identity")], CHUNKED),
    ("chunks twice", "POST", [("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "chunked")], CHUNKED),
    ("two hosts", "GET", [("Host", "127.0.0.1"), ("Host", "management-live.adyen.com")], b""),
]

REPEATING = {
    name: WAYS[name] for name in ("by_httpx", "by_async_httpx", "by_httpx2", "by_urllib3", "by_hand", "by_aiohttp")
}

OWN = (
    ValueError,
    TypeError,
    http.client.HTTPException,
    urllib3.exceptions.HTTPError,
    requests.RequestException,
    aiohttp.ClientError,
)
"""What the libraries raise where they refuse a request themselves."""


def refused(ask: Callable[[], Any]) -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the libraries' own are of many kinds
        ask()
    error = caught.value
    while isinstance(error, ExceptionGroup):  # of anyio
        error = error.exceptions[0]
    assert isinstance(error, (AdyenCredsError, *OWN)), repr(error)
    if isinstance(error, AdyenCredsError):
        assert "nothing was sent" in str(error)
        assert "\n" not in str(error)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("way", WAYS)
def test_a_request_that_can_be_read_as_another_is_refused(way: str, mode: str, server: KeepAlive) -> None:
    with MODES[mode](server.url).opened():
        for attack, method, fields, body in FRAMED:
            if (way, attack) == ("by_urllib", "a header for the next hop"):
                continue  # it says Connection: close, whatever it is told
            with check(attack):
                refused(lambda m=method, f=fields, b=body: WAYS[way](m, f"{server.url}/v3/me", f, b))
    assert server.carried_out == []


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("way", REPEATING)
def test_a_header_that_counts_and_comes_twice_is_refused(way: str, mode: str, server: KeepAlive) -> None:
    with MODES[mode](server.url).opened():
        for attack, method, fields, body in REPEATED:
            with check(attack):
                refused(lambda m=method, f=fields, b=body: WAYS[way](m, f"{server.url}/v3/me", f, b))
    assert server.carried_out == []


@contextmanager
def check(attack: str) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        error.add_note(f"the attack: {attack}")
        raise


def test_more_that_is_sent_after_a_request_is_refused(server: KeepAlive) -> None:
    for mode in MODES.values():
        with mode(server.url).opened():
            for body in (SECOND, b"\r\n", b"{}"):
                refused(lambda b=body: by_hand_in_pieces("GET", f"{server.url}/v3/me", [], b))
                refused(lambda b=body: by_hand_in_pieces("PATCH", f"{server.url}{ACCOUNT}/S2-1", [], b))
    assert server.carried_out == []


RESPELT = [
    "/v3/me/../companies/TestCompany/apiCredentials/S2-9",
    "/v3/./me",
    "/v3/me/..",
    "/v3//me",
    "/v3/me/..%2Fcompanies",
    "/v3/me/%2e%2e/companies",
    "/v3/me/.%2e/companies",
    "/v3/me%00",
    "/v3/me%0d%0aX-Note:%20a",
    "/v3/me%5c..%5cx",
    "/v3/me%252f..",
    "/v3/me\\..\\x",
    "/v3/me#/x",
    "{origin}/v3/me",
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_a_target_that_a_server_may_resolve_otherwise_is_refused(method: str, mode: str, server: KeepAlive) -> None:
    body = b"{}" if method == "PATCH" else None
    with MODES[mode](server.url).opened():
        for written in RESPELT:
            connection, _ = connected(server.url)
            target = written.format(origin=server.url.lower())
            with check(target):
                refused(lambda c=connection, t=target: (c.request(method, t, body), c.getresponse()))
    assert server.carried_out == []


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("mode", MODES)
def test_the_other_librarys_targets_are_judged_as_they_send_them(mode: str, way: str, server: KeepAlive) -> None:
    with MODES[mode](server.url).opened():
        for target in (
            "/v3/me/..%2Fcompanies",
            "/v3/me%5c..%5cx",
            "/v3/me%00",
            "/v3/me%252f..",
            "/v3/me?_method=PATCH",
        ):
            with check(target):
                refused(lambda t=target: WAYS[way]("GET", f"{server.url}{t}", [], b""))
        if way in ("by_urllib3", "by_http_client", "by_hand", "by_aiohttp"):
            return  # they send none: it is left out, or made a header
        with check("user info"):
            url = server.url.replace("://", "://management-test.adyen.com:x@")
            refused(lambda: WAYS[way]("GET", f"{url}/v3/me", [], b""))
    assert server.carried_out == []


@pytest.fixture
def gateway(server: KeepAlive) -> Iterator[Gateway]:
    def answer(request: httpx.Request) -> httpx.Response:
        return live(server.url, opened.url).answer(request)

    opened = Gateway(answer)
    yield opened
    opened.close()


def raw(url: str, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", urlsplit(url).port or 80), timeout=10) as connection:
        connection.sendall(request)
        with suppress(OSError):  # the gateway may have answered, and closed
            connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65_536), b""))


def head(gateway: Gateway, method: str, target: str, fields: Fields, body: bytes) -> bytes:
    if not any(name.lower() == "host" for name, _ in fields):
        fields = [("Host", urlsplit(gateway.url).netloc), *fields]
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields), "", ""]
    return "\r\n".join(lines).encode() + body


HARMLESS_AS_BYTES = {
    *("a name with a colon", "a method with a line"),  # as bytes, two good lines
    *("no length", "no length of a change", "too short", "a GET's body", "a HEAD's body", "an OPTIONS' body"),
}
"""What comes after a request on its connection is not looked at: that ends."""


def test_the_gateway_carries_out_nothing_that_can_be_read_as_another(gateway: Gateway, server: KeepAlive) -> None:
    for attack, method, fields, body in FRAMED + REPEATED:
        if attack in HARMLESS_AS_BYTES:
            continue
        with check(attack):
            answered = raw(gateway.url, head(gateway, method, "/v3/me", fields, body))
            assert answered.split(b" ", 2)[1] in (b"403", b"400", b"421"), answered
            assert server.carried_out == []


@pytest.mark.parametrize(
    "after",
    [
        ("GET", [("Content-Length", "0")], SECOND),
        ("GET", [], SECOND),
        ("GET", [("Connection", "keep-alive")], b"\r\n\r\n" + SECOND),
        ("HEAD", [], SECOND),
        ("OPTIONS", [("Content-Length", "0")], SECOND),
    ],
)
def test_the_gateway_carries_out_one_request_of_a_connection(
    after: tuple[str, Fields, bytes], gateway: Gateway, server: KeepAlive
) -> None:
    method, fields, body = after
    answered = raw(gateway.url, head(gateway, method, "/v3/me", fields, body))
    assert answered.count(b"HTTP/1.") == 1
    assert server.carried_out == [f"{method} /v3/me"]


@pytest.mark.parametrize(
    "line",
    [
        b"GET /v3/me",
        b"GET  /v3/me HTTP/1.1",
        b"GET\t/v3/me HTTP/1.1",
        b"GET /v3/me HTTP/1.1 HTTP/1.1",
        b"GET /v3/me\x0bHTTP/1.1",
        b"GET /v3/me HTTP/2.0",
        b"GET http://management-live.adyen.com/v3/me HTTP/1.1",
        b"GET //v3/me HTTP/1.1",
        b"GET /v3/../v3/me HTTP/1.1",
        b"GET /v3/%2e%2e/me HTTP/1.1",
        b"GET * HTTP/1.1",
        b"GET /v3/me#x HTTP/1.1",
        b"GET /v3/me\xff HTTP/1.1",
        b"PATCH " + ACCOUNT.encode() + b"/S2%2D1 HTTP/1.1",
    ],
)
@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_the_gateway_refuses_other_first_lines(line: bytes, end: bytes, gateway: Gateway, server: KeepAlive) -> None:
    host = b"Host: " + urlsplit(gateway.url).netloc.encode()
    raw(gateway.url, line + end + host + end + end)
    assert server.carried_out == []


@pytest.mark.parametrize(
    "lines",
    [
        b"no colon\r\nTransfer-Encoding: chunked\r\n",
        b"X-Note: a\r\n  Transfer-Encoding: chunked\r\n",
        b"X-Note: a\x0bTransfer-Encoding: chunked\r\n",
        b"X-Note: a\x85Transfer-Encoding: chunked\r\nContent-Length : 0\r\n",
        b"X-Note: a\rTransfer-Encoding: chunked\r\n",
        b"X-Note: a\nTransfer-Encoding: chunked\r\n",
        b": a\r\n",
        b"Transfer-Encoding\x00: chunked\r\n",
        b"Transfer-Encoding : chunked\r\n",
        b"Content-Length: 0\r\nContent-Length: 0\r\n",
        b"From x\r\nX-HTTP-Method-Override: PATCH\r\n",
    ],
)
def test_the_gateway_refuses_heads_that_parsers_read_differently(
    lines: bytes, gateway: Gateway, server: KeepAlive
) -> None:
    host = b"Host: " + urlsplit(gateway.url).netloc.encode() + b"\r\n"
    answered = raw(gateway.url, b"GET /v3/me HTTP/1.1\r\n" + host + lines + b"\r\n")
    assert answered.split(b" ", 2)[1] in (b"403", b"400", b"421"), answered
    assert server.carried_out == []


JSON = ("Content-Type", "application/json")
MINE = '{"description": "mine now", "active": true}'

UNREADABLE: list[tuple[str, Fields, bytes]] = [
    ("a name twice", [JSON], b'{"active": true, "active": false}'),
    ("a tag twice", [JSON], f'{{"description": "{TAG}", "description": "{TAG}"}}'.encode()),
    ("a name in capitals too", [JSON], b'{"active": true, "Active": false}'),
    ("a name twice, escaped", [JSON], b'{"active": true, "\\u0061ctive": false}'),
    ("a name up to a NUL", [JSON], b'{"active": true, "active\\u0000x": false}'),
    ("a name twice further in", [JSON], b'{"roles": [{"a": 1, "a": 2}]}'),
    ("UTF-16", [JSON], MINE.encode("utf-16")),
    ("UTF-16 without a mark", [JSON], b'{"active": true}'.decode().encode("utf-16-le")),
    ("UTF-32", [JSON], b'{"active": true}'.decode().encode("utf-32-be")),
    ("a mark", [JSON], b'\xef\xbb\xbf{"active": true}'),
    ("Latin-1", [JSON], '{"description": "é"}'.encode("latin-1")),
    ("UTF-7", [JSON], MINE.encode("utf-7").replace(b'"', b"+ACI-")),
    ("gzip", [JSON, ("Content-Encoding", "gzip")], gzip.compress(MINE.encode())),
    ("gzip that says nothing", [JSON], gzip.compress(MINE.encode())),
    ("deflate", [JSON, ("Content-Encoding", "deflate")], zlib.compress(MINE.encode())),
    ("packed by name only", [JSON, ("content-encoding", "gzip")], b'{"active": true}'),
    ("packed by another spelling", [JSON, ("Content_Encoding", "gzip")], gzip.compress(MINE.encode())),
    ("identity", [JSON, ("Content-Encoding", "identity")], b'{"active": true}'),
    ("a form", [("Content-Type", "application/x-www-form-urlencoded")], b"description=mine+now"),
    ("a form that says JSON", [JSON], b"description=mine+now"),
    ("JSON that says form", [("Content-Type", "application/x-www-form-urlencoded")], b'{"active": true}'),
    ("parts", [("Content-Type", "multipart/form-data; boundary=x")], b'--x\r\n\r\n{"active": true}\r\n--x--'),
    ("text", [("Content-Type", "text/plain")], b'{"active": true}'),
    ("charset UTF-16", [("Content-Type", "application/json; charset=utf-16")], b'{"active": true}'),
    ("charset IBM500", [("Content-Type", "application/json; charset=IBM500")], MINE.encode("cp500")),
    ("charset UTF-7", [("Content-Type", "application/json; charset=utf-7")], b'{"active": true}'),
    ("two charsets", [("Content-Type", "application/json; charset=utf-8; charset=utf-16")], b'{"active": true}'),
    ("two types", [("Content-Type", "application/json, text/plain")], b'{"active": true}'),
    ("a comment", [JSON], b'{"active": true /* , */}'),
    ("single quotes", [JSON], b"{'description': 'mine now'}"),
    ("names without quotes", [JSON], b'{description: "mine now"}'),
    ("a comma too many", [JSON], b'{"description": "mine now",}'),
    ("a second text", [JSON], b'{"active": true}{"active": false}'),
    ("no number", [JSON], b'{"active": NaN}'),
    ("torn", [JSON], b'{"description": "mine now"'),
]


@pytest.mark.parametrize("way", WAYS)
def test_a_body_that_a_server_may_read_otherwise_changes_nothing(way: str, server: KeepAlive) -> None:
    with live(server.url).opened():
        for attack, fields, body in UNREADABLE:
            with check(attack):
                refused(lambda f=fields, b=body: WAYS[way]("PATCH", f"{server.url}{ACCOUNT}/S2-1", f, b))
    assert server.carried_out == []


def test_nor_through_the_gateway_or_by_a_client_nor_creates_anything(gateway: Gateway, server: KeepAlive) -> None:
    ownership = owning(budget=5)
    with ManagementClient(f"{server.url}/v3", ownership=ownership) as client:
        for attack, fields, body in UNREADABLE:
            with check(attack):
                asked = [("Content-Length", str(len(body))), *fields]
                assert b" 403 " in raw(gateway.url, head(gateway, "PATCH", f"{ACCOUNT}/S2-1", asked, body))[:20]
                for method, path in (("PATCH", "/S2-1"), ("POST", "")):
                    with pytest.raises(OwnershipRefused, match="nothing was sent"):
                        client.send(method, ACCOUNT.removeprefix("/v3") + path, content=body, headers=dict(fields))
    assert (server.carried_out, ownership.budget.spent) == ([], 0)


READABLE: list[tuple[Fields, bytes]] = [
    ([JSON], b' {"active": true, "roles": [{"a": 1}, {"a": 2}]}\r\n'),
    ([("content-type", "application/json;charset=UTF-8")], b'{"active": true}'),
    ([("content-type", 'application/json; charset="utf-8"')], '{"roles": ["é", "\\ud83d\\ude00"]}'.encode()),
    ([JSON], b'{"description": 7}'),
    ([JSON], b""),
]


@pytest.mark.parametrize("way", WAYS)
def test_a_plain_body_goes_out_as_it_is(way: str, server: KeepAlive) -> None:
    with live(server.url).opened():
        for given, body in READABLE:
            fields = [*given, ("Content-Length", str(len(body)))] if way == "by_hand" else given
            assert WAYS[way]("PATCH", f"{server.url}{ACCOUNT}/S2-1", fields, body) == 200
        lengths = [("Content-Length", "16"), ("Host", server.url.removeprefix("http://")), JSON]
        assert WAYS[way]("PATCH", f"{server.url}{ACCOUNT}/S2-1", lengths, b'{"active": true}') == 200
    assert server.carried_out == [f"PATCH {ACCOUNT}/S2-1"] * (len(READABLE) + 1)
    assert server.bodies == [*(body for _, body in READABLE), b'{"active": true}']


def in_pieces() -> Iterator[bytes]:
    yield from (b'{"active"', b": true}")


async def in_pieces_later() -> AsyncIterator[bytes]:
    for piece in in_pieces():
        yield piece


def test_a_body_in_pieces_goes_out_as_it_is(server: KeepAlive) -> None:
    url, headers = f"{server.url}{ACCOUNT}/S2-1", dict([JSON])

    async def ask() -> None:
        async with httpx.AsyncClient(verify=False) as client:
            assert (await client.patch(url, headers=headers, content=in_pieces_later())).status_code == 200
        async with (
            aiohttp.ClientSession() as session,
            session.patch(url, headers=headers, data=in_pieces_later()) as response,
        ):
            assert response.status == 200

    with live(server.url).opened():
        assert httpx.patch(url, headers=headers, content=in_pieces(), verify=False).status_code == 200
        assert requests.patch(url, headers=headers, data=in_pieces(), timeout=5).status_code == 200
        with urllib3.PoolManager(retries=False) as pool:
            assert pool.request("PATCH", url, headers=headers, body=in_pieces()).status == 200
            assert pool.request("PATCH", url, headers=headers, body=in_pieces(), chunked=True).status == 200
        request = urllib.request.Request(url, in_pieces(), headers, method="PATCH")
        assert urllib.request.urlopen(request, timeout=5).status == 200
        assert by_http_client("PATCH", url, [JSON], in_pieces()) == 200  # type: ignore[arg-type]
        asyncio.run(ask())
    assert server.bodies == [b'{"active": true}'] * 8
