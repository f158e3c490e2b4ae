"""The floor: a guard at the socket, under every library, for the case that nothing above it took a request.

While it holds, no host of Adyen is looked up or connected to, and no run's server connected to, but by a guarded
transport. What goes past the methods of ``socket.socket`` is seen by Python's audit events, for those who ask for them.
What has sockets of its own, in C or in another process, is not seen.
"""

from __future__ import annotations

import operator
import re
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache, partial, wraps
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from pytest_adyen_creds.client.transports import GUARDED
from pytest_adyen_creds.compat.sockets import LOOKING_UP, imported_early, look_up
from pytest_adyen_creds.endpoints import check_endpoint, is_loopback, is_this_machine
from pytest_adyen_creds.errors import EndpointRefused
from pytest_adyen_creds.intercept.hosts import is_host_of_adyen

_WAY_OUT: Final = (
    "let the test use adyen_client, adyen_sdk or adyen_traffic, and a library that is intercepted (httpx, requests, "
    "urllib3, urllib, http.client, aiohttp)"
)
_CONNECTING: Final = {"connect": 0, "connect_ex": 0, "sendto": -1, "sendmsg": 3, "send": None, "sendall": None}
"""The methods of a socket that say where it goes, and at which argument; and those that may tell a proxy."""

_TO_A_PROXY: Final = re.compile(
    rb"CONNECT ([^\s:/]+)|[A-Z]+ https?://(?:[^\s/@]*@)?([^\s:/?#]+)"  # HTTP
    rb"|\x05\x01\x00\x03.(.+)..\Z|\x04\x01.{6}[^\x00]*\x00([^\x00]+)\x00",  # SOCKS 5 and 4a
    re.IGNORECASE | re.DOTALL,
)
"""What begins with one of these has a proxy connect to the host."""

_SOCKET: Final = socket.socket
"""The class itself: pytest-socket puts another under its name."""

_AUDITED: Final = {
    "socket.connect": 1,
    "socket.sendto": 1,
    "socket.sendmsg": 1,
    "socket.getaddrinfo": 0,
    "socket.gethostbyname": 0,
    "socket.gethostbyaddr": 0,
}
"""Python's audit events that say where a socket goes or what is looked up, and at which argument."""


class Floor:
    """Refuses connections that no guarded transport makes; ``server`` is a live run's base URL, else None.

    ``audited`` has it listen to Python's audit events, too. They see what other code calls below ``socket.socket``, and
    no test can take them off; each of them costs a call, on a busy run some per cent.
    """

    def __init__(self, server: str | None = None, *, audited: bool = False) -> None:
        self._server = urlsplit(server) if server else None
        self._is_local = bool(server and is_loopback(server))
        self._addresses: set[str] = set()
        self._over: dict[Any, Any] = {}
        """What each function of ours stands over."""
        self._places: list[tuple[Any, str]] = [(_SOCKET, name) for name in _CONNECTING]
        self._places += [(socket, name) for name in LOOKING_UP]
        self._audited = audited
        self._is_laid = False

    @contextmanager
    def laid(self) -> Iterator[Floor]:
        """Hold in a ``with`` block."""
        try:
            self._is_laid = True
            if self._audited:
                sys.addaudithook(self._audit)  # none can be taken off again: it rests when the run has ended
            self.hold()
            for module, name in imported_early(list(sys.modules.values())):
                self._lay(module, name, self._looking_up)
                self._places.append((module, name))
            yield self
        finally:
            self._is_laid = False
            for owner, name in self._places:
                there = getattr(owner, name, None)
                while there in self._over:  # else another tool's stands there, and calls ours or nobody
                    there = self._over[there]
                    setattr(owner, name, there)

    def hold(self) -> None:
        """Stand under the socket again, where another tool has put something of its own in place."""
        for name, at in _CONNECTING.items():
            self._lay(_SOCKET, name, partial(self._connecting, at))
        for name in LOOKING_UP:
            self._lay(socket, name, self._looking_up)

    def _lay(self, owner: Any, name: str, over: Callable[[Any], Any]) -> None:
        theirs = getattr(owner, name, None)
        if theirs is None or theirs in self._over:  # there is no sendmsg on Windows
            return
        ours = over(theirs)
        setattr(owner, name, ours)
        self._over[ours] = theirs

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        at = _AUDITED.get(event)
        if at is None or not self._is_laid or GUARDED.get():
            return
        if at == 0:
            if is_host_of_adyen(name := _name_of(arguments[0])):
                self._refuse(name)
        else:
            self._check(_as_read(arguments[at]))

    def _connecting(self, at: int | None, theirs: Any) -> Any:
        has_data = at != 0

        @wraps(theirs)
        def connecting(sock: socket.socket, *arguments: Any) -> Any:
            if not arguments or GUARDED.get():
                return theirs(sock, *arguments)
            if at is not None and at < len(arguments):
                judged = list(arguments)
                judged[at] = _as_read(arguments[at])
                self._check(judged[at])
                arguments = tuple(judged)
            if has_data and (through := _proxied(arguments[0])) and is_host_of_adyen(name := _name_of(through)):
                self._refuse(name)
            return theirs(sock, *arguments)

        return connecting

    def _looking_up(self, theirs: Any) -> Any:
        @wraps(theirs)
        def looking_up(host: Any, *arguments: Any, **options: Any) -> Any:
            host = _plain(host)
            if not is_host_of_adyen(name := _name_of(host)):
                return theirs(host, *arguments, **options)
            if not GUARDED.get():
                self._refuse(name)
            found = theirs(host, *arguments, **options)
            self._addresses.update(_name(each[4][0]) for each in found if isinstance(each, tuple))
            return found

        return looking_up

    def _check(self, address: Any) -> None:
        # of the other families' addresses, some are tuples, and none has a name before a port
        if type(address) is not tuple or len(address) < 2:
            return
        host = _name_of(address[0])
        if is_host_of_adyen(host) or host in self._addresses:
            self._refuse(host)
        server, port = self._server, address[1]
        if server is not None and port == (server.port or 443) and self._is_local and _is_local(host):
            raise EndpointRefused(
                f"{host}:{port} is this run's server, which only guarded requests reach; nothing was sent: {_WAY_OUT}, "
                "or send requests to adyen_settings.base_url"
            )

    def _refuse(self, host: str) -> None:
        if _address(host) is None:
            check_endpoint(f"https://{host}")
        if self._server is None:
            raise EndpointRefused(
                f"{host} is a host of Adyen, and only a live run reaches one; nothing was sent: {_WAY_OUT}, which "
                "answers here, or run with --adyen-live"
            )
        raise EndpointRefused(
            f"{host} is a host of Adyen, which only guarded requests reach; nothing was sent: {_WAY_OUT}, or send "
            "requests to adyen_settings.base_url"
        )


def _proxied(data: Any) -> bytes | None:
    """Return the host that a proxy is told to connect to by ``data``; None where it is told none."""
    if isinstance(data, list | tuple) and data:
        data = data[0]
    try:
        told = _TO_A_PROXY.match(data)
    except TypeError:  # no bytes in a row; the socket says so, or sends them
        return None
    return bytes(told[told.lastindex or 0]) if told else None


def _as_read(address: Any) -> Any:
    """Return an address of which the socket reads what it is judged by, whatever the classes in it make of it."""
    return tuple(map(_plain, tuple.__iter__(address))) if isinstance(address, tuple) else address


def _plain(item: Any) -> Any:
    if type(item) in (str, int, bytes):
        return item
    if isinstance(item, str):
        return str.__str__(item)
    if isinstance(item, bytes | bytearray):
        return bytes(memoryview(item))
    return int.__index__(operator.index(item)) if hasattr(type(item), "__index__") else item


def _name_of(host: Any) -> str:
    """Return ``host``, as a socket is given it, as a resolver would read it."""
    host = _plain(host)
    return _name(host.decode("latin-1") if isinstance(host, bytes) else str(host or ""))


@lru_cache(maxsize=1024)
def _name(text: str) -> str:
    """Return a host as a resolver would read it: an address, or a name in ASCII and small letters."""
    if (address := _address(text)) is not None:
        return str(getattr(address, "ipv4_mapped", None) or address)
    with suppress(UnicodeError):  # else no resolver takes it
        text = text.encode("idna").decode("ascii")
    return text.rstrip(".").lower()


@lru_cache(maxsize=1024)
def _is_local(host: str) -> bool:
    """Return whether a name or an address leads to this machine, by whichever of its own."""
    if host == "" or is_this_machine(host):
        return True
    try:
        found = [each[4][0] for each in look_up(host, None)]
    except (OSError, UnicodeError):
        return False
    return any(is_this_machine(str(address)) or _is_own(str(address)) for address in found)


def _is_own(address: str) -> bool:
    with _SOCKET(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as made:
        try:
            made.bind((address, 0))
        except OSError:
            return False
    return True


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(socket.inet_aton(host) if ":" not in host else host.partition("%")[0])
    except (OSError, ValueError):
        return None
