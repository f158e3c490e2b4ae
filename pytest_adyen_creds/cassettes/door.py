"""The door through which HTTP libraries are answered: vcrpy's interception, with what answers left to subclasses."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import vcr
from vcr.cassette import Cassette as VcrCassette
from vcr.request import Request

from pytest_adyen_creds.cassettes.asked import Asked, ask
from pytest_adyen_creds.cassettes.connections import (
    guarded_connections,
    guarded_hops,
    guarded_look_ups,
    patches_that_stay,
    whole_requests,
)
from pytest_adyen_creds.cassettes.model import CANONICAL_ORIGIN, Headers, Interaction
from pytest_adyen_creds.cassettes.others import asked_first, mocks_left_alone
from pytest_adyen_creds.endpoints import check_endpoint, is_this_machine
from pytest_adyen_creds.errors import CassetteError, EndpointRefused
from pytest_adyen_creds.secrets import SECRETS

_AUTHORITY: Final = re.compile(r"[A-Za-z+]+://[^/?#]*")
_ADYEN: Final = re.compile(r"(?:.+\.)?adyen(?:payments)?\.com\.?", re.IGNORECASE)

_DoorT = TypeVar("_DoorT", bound="Door")

_OPEN: Final[list[Door]] = []

OBSERVERS: Final[list[Callable[[Request, dict[str, Any], str], None]]] = []
"""Called with each request that is answered through a door, the response, and who answered in words."""


def is_open() -> bool:
    """Tell whether a door stands open, which another one opened now would stand in front of."""
    return bool(_OPEN)


class Hosts:
    """Which requests are ours: those to the Management API's test host, to ``base_urls``, and to any host of Adyen."""

    def __init__(self, base_urls: Iterable[str] = ()) -> None:
        self._origins = frozenset(_origin(url) for url in (CANONICAL_ORIGIN, *base_urls))
        self._kind = lru_cache(maxsize=1024)(self._judge)

    def is_served(self, uri: str) -> bool:
        """Tell whether ``uri`` lies on the Management API's test host or one of the base URLs."""
        return self._kind(authority_of(uri)) == "served"

    def is_ours(self, uri: str) -> bool:
        """Tell whether ``uri`` lies there or on any other host of Adyen, live ones included."""
        return self._kind(authority_of(uri)) != ""

    def canonical(self, uri: str) -> str:
        """Return ``uri`` on the canonical host, where it is served."""
        return CANONICAL_ORIGIN + uri[len(authority_of(uri)) :] if self.is_served(uri) else uri

    def _judge(self, authority: str) -> str:
        if _origin(authority) in self._origins:
            return "served"
        try:
            host = urlsplit(authority).hostname or ""
        except ValueError:
            return ""
        return "adyen" if _ADYEN.fullmatch(host) else ""


class Door(VcrCassette):  # type: ignore[misc]  # vcrpy is untyped
    """A vcrpy cassette without a file. Subclasses decide what answers; requests that are not ours pass.

    One door may be open at a time per process: it stands in the HTTP libraries themselves. Another tool's cassette may
    be opened in front of it; what that cannot play is sent only where :meth:`let_out` does not raise.
    """

    origin = "the network"
    """Who answers, in words."""

    def __init__(self, *, hosts: Hosts, **config: Any) -> None:
        super().__init__(**config)
        self.hosts = hosts
        self.rewound = True

    @classmethod
    @contextmanager
    def opened(cls: type[_DoorT], name: str, **parts: Any) -> Iterator[_DoorT]:
        """Keep the door made of ``parts`` open in a ``with`` block; ``name`` is what errors call it."""
        config = vcr.VCR(record_mode=cls.record_mode_name).get_merged_config(path=name)
        patches = (*mocks_left_alone(), *patches_that_stay(), *guarded_look_ups(_check_host), *guarded_hops(_check_hop))
        config["custom_patches"] = (*config["custom_patches"], *patches, *guarded_connections(_check_put))
        with cls.use(**config, **parts) as door, whole_requests(), asked_first(door.let_out, door.took):
            _OPEN.append(door)
            try:
                yield door
            finally:
                _OPEN.remove(door)

    record_mode_name = "none"

    def _load(self) -> None:
        """There is no file to load."""

    def _save(self, force: bool = False) -> None:
        """There is no file to save: a recording is written by who knows whether the test passed."""

    def append(self, request: Request, response: dict[str, Any]) -> None:
        """Take an answer that came from the network: not ours, so it is let go."""

    def filter_request(self, request: Request) -> Request | None:
        """Return ``request`` where it is ours, ``None`` where it may pass."""
        return request if self.hosts.is_ours(request.uri) else None

    def observed(self, request: Request, response: dict[str, Any], origin: str | None = None) -> dict[str, Any]:
        """Tell :data:`OBSERVERS` of an answer, and return it."""
        for observer in tuple(OBSERVERS):
            observer(request, response, origin or self.origin)
        return response

    def let_out(self, request: Request) -> None:
        """Raise :class:`EndpointRefused` where another tool's cassette may not send ``request``: where it is ours."""
        if self.hosts.is_ours(request.uri):
            self.refuse_live(request)
            raise EndpointRefused(
                f"{request.method} {SECRETS.mask(request.uri)}: another tool's cassette holds no answer, and "
                f"{self.origin} answers for Adyen here; nothing was sent: ask outside of that cassette, or mark the "
                "test with pytest.mark.vcr to record it with that tool"
            )

    def took(self, request: Request, response: dict[str, Any]) -> None:
        """Take in what the network answered to a request of another tool's cassette: here, nothing of it."""

    def find_requests_with_most_matches(self, request: Request) -> list[Any]:
        """Return nothing: :mod:`.miss` says what came nearest."""
        return []

    def refuse_live(self, request: Request) -> None:
        """Raise :class:`EndpointRefused` for a host of Adyen that is no test host: nothing reaches it from here."""
        if not self.hosts.is_served(request.uri):
            check_endpoint(request.uri)

    def check_host(self, host: str) -> None:
        """Raise :class:`EndpointRefused` where nothing goes to ``host``, not even what came past the libraries."""
        uri = f"https://{host.rstrip('.').lower()}"
        if self.hosts.is_ours(uri):
            check_endpoint(uri)
            self.refuse_past(uri)

    def check_hop(self, request: Request) -> None:
        """Raise where ``request``, to which a redirect may have led, does not go out."""
        if self.hosts.is_ours(request.uri):
            self.refuse_live(request)
            self.refuse_past(request.uri)

    def check_put(self, place: str, method: str, uri: str) -> None:
        """Raise where a request for ``uri`` may not be put on a connection to the origin ``place``: here, it may."""

    def refuse_past(self, uri: str) -> None:
        """Raise :class:`EndpointRefused` where ``uri`` lies on a host that this door alone answers for."""
        if self.hosts.is_served(uri):
            raise EndpointRefused(
                f"{uri} is answered by {self.origin} and not reached from here; nothing was sent: use a library that "
                "is intercepted, and make its connections after the test has begun"
            )


class PassingDoor(Door):
    """A door that answers nothing: requests go to the network, and observers are told what comes back.

    Nothing goes to a live host of Adyen and, where the door ``is_closed``, nothing to any host of Adyen.
    """

    record_mode_name = "new_episodes"

    def __init__(self, *, is_closed: bool = False, **parts: Any) -> None:
        super().__init__(**parts)
        self.is_closed = is_closed

    def can_play_response_for(self, request: Request) -> bool:
        """Let ``request`` pass, or raise :class:`EndpointRefused`."""
        self.let_out(request)
        return False

    def append(self, request: Request, response: dict[str, Any]) -> None:
        """Take an answer of the network."""
        self.observed(request, response)

    def let_out(self, request: Request) -> None:
        """Raise :class:`EndpointRefused` where ``request`` may not pass."""
        self.check_hop(request)

    def refuse_past(self, uri: str) -> None:
        """Raise :class:`EndpointRefused` where the door is closed."""
        if self.is_closed:
            raise EndpointRefused(
                f"{SECRETS.mask(uri)}: no cassette in use holds an answer, and in replay nothing is sent to Adyen; "
                "record it with the tool whose cassette it is, and --adyen-backend=auto"
            )


def _check_host(host: str) -> None:
    for door in tuple(_OPEN):
        door.check_host(host)


def _check_hop(request: Request) -> None:
    for door in tuple(_OPEN):
        door.check_hop(request)


def _check_put(place: str, method: str, uri: str) -> None:
    for door in tuple(_OPEN):
        door.check_put(place, method, uri)


def asked_of(request: Request, hosts: Hosts) -> Asked:
    """Return a request of vcrpy's in canonical form."""
    headers = request.headers
    return ask(
        request.method,
        hosts.canonical(request.uri),
        headers.get("x-api-key"),
        headers.get("authorization"),
        headers.get("content-type"),
        body_of(request),
    )


def body_of(request: Request) -> bytes:
    """Return the body of a request of vcrpy's; a value that aiohttp was given as ``json`` comes as that value.

    Raises :class:`CassetteError` for a body that cannot be known before it is sent.
    """
    body = request.body_bytes
    if isinstance(body, bytes | bytearray | memoryview):
        return bytes(body)
    if body is None or isinstance(body, str):
        return (body or "").encode()
    if isinstance(body, dict | list | int | float):
        return json.dumps(body).encode()
    kind = type(body).__name__
    raise CassetteError(f"{request.method} {request.uri}: a body of type {kind} cannot be compared; send bytes or JSON")


def interaction_of_vcr(request: Request, response: dict[str, Any]) -> Interaction:
    """Return an exchange of vcrpy's as an interaction."""
    response_headers, response_body = answer_of(response)
    headers = tuple((str(name), _text(value)) for name, value in request.headers.items())
    if isinstance(request.body, dict | list) and request.headers.get("content-type") is None:
        headers = (*headers, ("content-type", "application/json"))
    return Interaction(
        method=request.method,
        uri=request.uri,
        request_headers=headers,
        request_body=body_of(request),
        status=response["status"]["code"],
        reason=response["status"]["message"] or "",
        response_headers=response_headers,
        response_body=response_body,
    )


def answer_of(response: dict[str, Any]) -> tuple[Headers, bytes]:
    """Return the headers and the body, as it was sent, of a response of vcrpy's."""
    raw = response["body"].get("string") or b""
    return _pairs(response["headers"]), raw.encode() if isinstance(raw, str) else bytes(raw)


def response_of(interaction: Interaction) -> dict[str, Any]:
    """Return the response of ``interaction`` as vcrpy hands it to the libraries."""
    headers: dict[str, list[str]] = {}
    for name, value in interaction.response_headers:
        headers.setdefault(name, []).append(value)
    return {
        "status": {"code": interaction.status, "message": interaction.reason},
        "headers": headers,
        "body": {"string": interaction.response_body},
    }


def _pairs(headers: dict[str, Any]) -> Headers:
    return tuple(
        (str(name), _text(value))
        for name, values in headers.items()
        for value in ([values] if isinstance(values, str | bytes) else values)
    )


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    # aiohttp keeps bytes that are no UTF-8 as half surrogate pairs, which no file can hold
    return str(value).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def authority_of(uri: str) -> str:
    """Return scheme and authority of ``uri`` as they are written."""
    match = _AUTHORITY.match(uri)
    return match[0] if match else uri


@lru_cache(maxsize=1024)
def _origin(url: str) -> tuple[str, str, int | None]:
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
        return (
            parts.scheme,
            "localhost" if is_this_machine(host) else host,
            parts.port or {"https": 443, "http": 80}.get(parts.scheme),
        )
    except ValueError:
        return "", url, None
