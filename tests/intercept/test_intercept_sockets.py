"""The floor under sockets made by hand: whatever says where they go, no host of Adyen is reached."""

from __future__ import annotations

import _socket
import asyncio
import os
import socket
import ssl
import sys
import types
import warnings
from collections import namedtuple
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from pytest_adyen_creds.client.transports import GUARDED, marked
from pytest_adyen_creds.errors import EndpointRefused
from pytest_adyen_creds.intercept.floor import Floor

pytestmark = pytest.mark.usefixtures("each_module_once")

LIVE = "management-live.adyen.com"


class Text(str):
    """Says that it is another host, to whoever asks it."""

    __slots__ = ()

    def __str__(self) -> str:
        return "shop.example"

    __format__ = __repr__ = lower = casefold = encode = __str__  # type: ignore[assignment]


class Bytes(bytes):
    def decode(self, *arguments: Any) -> str:  # type: ignore[override]
        return "shop.example"


class Address(tuple[Any, ...]):
    __slots__ = ()

    def __getitem__(self, at: Any) -> Any:
        return ("shop.example", 80)[at]

    def __len__(self) -> int:
        return 0


class Port(int):
    def __eq__(self, other: object) -> bool:
        return False

    def __ne__(self, other: object) -> bool:
        return True

    __hash__ = int.__hash__


class Changing(str):
    """Is one host to whoever reads it, and another to the socket, which has it encoded."""

    __slots__ = ()

    def encode(self, *arguments: Any) -> bytes:
        return LIVE.encode()


Named = namedtuple("Named", ["host", "port"])


class Quiet(socket.socket):
    """A socket that connects in its own way."""

    def connect(self, address: Any) -> None:
        super().connect(address)


def connecting(address: Any, family: int = socket.AF_INET, kind: type[socket.socket] = socket.socket) -> None:
    with kind(family, socket.SOCK_STREAM) as made:
        made.settimeout(2)
        made.connect(address)


def sending(address: Any, name: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        if name == "sendmsg":
            made.sendmsg([b"x"], [], 0, address)
        else:
            made.sendto(b"x", *((0,) if name == "flags" else ()), address)


def by_tls(host: str, port: int) -> None:
    context = ssl.create_default_context()
    with context.wrap_socket(socket.socket(), server_hostname=host) as made:
        made.connect((host, port))


def by_loop(host: str, port: int, name: str) -> None:
    async def ask() -> None:
        loop = asyncio.get_running_loop()
        if name == "sock_connect":
            with socket.socket() as made:
                made.setblocking(False)
                await loop.sock_connect(made, (host, port))
        elif name == "datagrams":
            await loop.create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=(host, port))
        elif name == "streams":
            await asyncio.open_connection(host, port)
        else:
            await loop.create_connection(asyncio.Protocol, host, port)

    asyncio.run(ask())


def by_a_child(host: str, port: int) -> None:
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking with threads
        child = os.fork()
    if child == 0:
        said = b"through"
        try:
            connecting((host, port))
        except Exception as error:  # noqa: BLE001 - what it was is told
            said = f"{type(error).__name__}: {error}".encode()
        os.write(writing, said)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        said = file.read()
    os.waitpid(child, 0)
    if said.startswith(b"EndpointRefused"):
        raise EndpointRefused(said.decode().partition(": ")[2])
    raise AssertionError(said)


def connected_with_a_code(host: str, port: int) -> None:
    with socket.socket() as made:
        made.connect_ex((host, port))


WAYS: dict[str, Callable[[str, int], Any]] = {
    "connect": lambda host, port: connecting((host, port)),
    "connect_ex": connected_with_a_code,
    "a subclass": lambda host, port: connecting((host, port), kind=Quiet),
    "create_connection": lambda host, port: socket.create_connection((host, port), timeout=2),
    "IPv6": lambda host, port: connecting((host, port, 0, 0), socket.AF_INET6),
    "sendto": lambda host, port: sending((host, port), "sendto"),
    "sendto with flags": lambda host, port: sending((host, port), "flags"),
    "sendmsg": lambda host, port: sending((host, port), "sendmsg"),
    "TLS": by_tls,
    "bytes": lambda host, port: connecting((host.encode(), port)),
    "bytearray": lambda host, port: connecting((bytearray(host.encode()), port)),
    "its own str": lambda host, port: connecting((Text(host), port)),
    "its own bytes": lambda host, port: connecting((Bytes(host.encode()), port)),
    "its own tuple": lambda host, port: connecting(Address((host, port))),
    "its own int": lambda host, port: connecting((host, Port(port))),
    "a named tuple": lambda host, port: connecting(Named(host, port)),
    "a child": by_a_child,
    **{
        f"asyncio's {name}": lambda host, port, name=name: by_loop(host, port, name)
        for name in ("streams", "sock_connect", "create_connection", "datagrams")
    },
}
RUNS = {
    "replay or sandbox": None,
    "live": "https://management-test.adyen.com/v3",
    "on loopback": "http://127.0.0.1:9/v3",
}


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("way", WAYS)
def test_no_way_of_a_socket_reaches_a_host_of_adyen(way: str, run: str) -> None:
    with Floor(RUNS[run]).laid(), pytest.raises(EndpointRefused, match="nothing was sent"):
        WAYS[way](LIVE, 80)


OF_THE_SERVER = [name for name in WAYS if name not in ("TLS", "IPv6")]


@pytest.mark.parametrize("way", OF_THE_SERVER)
def test_no_way_of_a_socket_reaches_the_runs_server(way: str) -> None:
    with listening() as (port, taken), Floor(f"http://127.0.0.1:{port}/v3").laid():
        with pytest.raises(EndpointRefused, match="only guarded requests reach"):
            WAYS[way]("127.0.0.1", port)
        assert taken() == 0


def own_address() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        try:
            made.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            return "127.0.0.1"
        return str(made.getsockname()[0])


@pytest.mark.parametrize("host", ["", "0.0.0.0", "127.1", "::ffff:127.0.0.1", "localhost", "an address", "a name"])
def test_the_runs_server_has_other_addresses_of_this_machine(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))]
    if host == "a name":
        monkeypatch.setattr("pytest_adyen_creds.intercept.floor.look_up", lambda *_: found)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    given = {"an address": own_address(), "a name": "my-machine.example"}.get(host, host)
    with listening("0.0.0.0") as (port, taken), Floor(f"http://127.0.0.1:{port}/v3").laid():
        with pytest.raises(EndpointRefused, match="only guarded requests reach"):
            connecting((given, port, 0, 0) if ":" in host else (given, port), family)
        assert taken() == 0


SPELLED = [
    f"{LIVE}.",
    "MANAGEMENT-Live.Adyen.COM",
    "management-live\u3002adyen\uff0ecom",
    "\uff4danagement-live.adyen.com",
    "management-live.ad\u00adyen.com",
    "checkout-te\u017ft.adyen.com",
    "management\u2011live.\u24d0dyen.com",
    "x.y-live.adyenpayments.com",
    "adyen.com",
]


@pytest.mark.parametrize("host", SPELLED)
def test_no_spelling_of_a_host_is_connected_to_or_looked_up(host: str) -> None:
    with Floor().laid():
        for ask in (
            lambda: connecting((host, 80)),
            lambda: socket.getaddrinfo(host, 80),
            lambda: socket.getaddrinfo(host=Text(host), port=80),
            lambda: socket.gethostbyname(host),
            lambda: socket.gethostbyname_ex(host),
            lambda: socket.gethostbyaddr(host),
            lambda: socket.getfqdn(host),
        ):
            with pytest.raises(EndpointRefused, match="nothing was sent"):
                ask()


def test_what_is_judged_is_what_the_socket_reads() -> None:
    with listening() as (port, taken), Floor().laid():
        connecting((Changing("127.0.0.1"), port))
        assert taken() == 1
        assert socket.getaddrinfo(Changing("127.0.0.1"), port)
        assert socket.gethostbyname(Changing("127.0.0.1")) == "127.0.0.1"


LOOK_UPS = ("gethostbyname", "gethostbyname_ex", "gethostbyaddr", "getaddrinfo")


def test_what_a_module_imported_before_looks_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    early = types.ModuleType("early")
    functions = {name: getattr(socket, name) for name in LOOK_UPS}
    for name, function in functions.items():
        setattr(early, f"my_{name}", function)
    early.below = _socket.getaddrinfo  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "early", early)
    with Floor().laid():
        for name in LOOK_UPS:
            with pytest.raises(EndpointRefused, match="nothing was sent"):
                getattr(early, f"my_{name}")(LIVE, *([80] if name == "getaddrinfo" else []))
        for look_up in (early.below, _socket.getaddrinfo):
            with pytest.raises(EndpointRefused, match="nothing was sent"):
                look_up(LIVE, 80)
        assert early.my_gethostbyname("127.0.0.1") == "127.0.0.1"
    assert {name: getattr(early, f"my_{name}") for name in LOOK_UPS} == functions
    assert {name: getattr(socket, name) for name in LOOK_UPS} == functions


HOST = LIVE.encode()
TO_A_PROXY = [
    b"CONNECT %b:443 HTTP/1.1\r\nHost: x\r\n\r\n" % HOST,
    b"connect %b:443 HTTP/1.0\r\n\r\n" % HOST.upper(),
    b"CONNECT %b HTTP/1.1\r\n\r\n" % HOST,
    b"GET http://%b/v3/me HTTP/1.1\r\n\r\n" % HOST,
    b"PATCH HTTP://a:b@%b:80/v3/me HTTP/1.1\r\n\r\n" % HOST,
    b"\x05\x01\x00\x03%c%b\x01\xbb" % (len(HOST), HOST),
    b"\x05\x01\x00\x03%c%bAA" % (len(HOST), HOST),
    b"\x04\x01\x01\xbb\x00\x00\x00\x01me\x00%b\x00" % HOST,
]


@pytest.mark.parametrize("told", TO_A_PROXY)
def test_no_proxy_is_told_to_connect_to_a_host_of_adyen(told: bytes) -> None:
    with Floor().laid():
        one, other = socket.socketpair()
        with one, other:
            for send in (one.send, one.sendall, lambda data: one.sendmsg([data, b""])):
                for data in (told, bytearray(told), memoryview(told)):
                    with pytest.raises(EndpointRefused, match="nothing was sent"):
                        send(data)
            other.setblocking(False)
            with pytest.raises(BlockingIOError):
                other.recv(1)
            with marked(GUARDED):
                one.sendall(told)


def test_a_proxy_is_told_of_other_hosts() -> None:
    with Floor().laid():
        one, other = socket.socketpair()
        with one, other:
            for told in (
                b"CONNECT shop.example:443 HTTP/1.1\r\n\r\n",
                b"GET http://shop.example/?u=adyen.com HTTP/1.1",
            ):
                one.sendall(told)
                assert other.recv(100) == told
            one.sendall(b"\x05\x01\x00")
            one.sendmsg([b"x", b"y"])
            assert other.recv(100) == b"\x05\x01\x00xy"


@pytest.mark.parametrize(
    "kind", [tuple, Address, lambda pair: Named(*pair), lambda pair: Named(Bytes(b"127.1"), pair[1])]
)
def test_the_audit_events_see_a_socket_below_the_class(kind: Any) -> None:
    with listening() as (port, taken), Floor(f"http://127.0.0.1:{port}/v3", audited=True).laid():
        made = _socket.socket()
        with pytest.raises(EndpointRefused, match="nothing was sent"):
            made.connect(kind(("127.0.0.1", port)))
        made.close()
        assert taken() == 0
        for look_up in (_socket.gethostbyname, _socket.gethostbyaddr):
            with pytest.raises(EndpointRefused, match="nothing was sent"):
                look_up(LIVE)


@contextmanager
def listening(host: str = "127.0.0.1") -> Iterator[tuple[int, Callable[[], int]]]:
    """Listen, and give the port, and what says how many connections came."""
    with socket.create_server((host, 0)) as server:
        server.setblocking(False)

        def taken() -> int:
            try:
                server.accept()[0].close()
            except BlockingIOError:
                return 0
            return 1

        yield server.getsockname()[1], taken
