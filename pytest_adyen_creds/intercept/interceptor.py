"""The interceptor: while it is open, one transport answers what any HTTP library of this process asks Adyen.

In a live run that is the route to the run's server, through the guards, and nowhere else.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any, Final
from unittest.mock import patch

import httpx

from pytest_adyen_creds.client import GuardedTransport, Ownership
from pytest_adyen_creds.client.framing import check_message
from pytest_adyen_creds.client.parsing import parse, secrets_in
from pytest_adyen_creds.client.transports import GUARDED, marked, read
from pytest_adyen_creds.compat import vcrpy
from pytest_adyen_creds.endpoints import check_endpoint, check_parsed, is_loopback
from pytest_adyen_creds.errors import EndpointRefused
from pytest_adyen_creds.intercept.hosts import Hosts
from pytest_adyen_creds.intercept.libraries import Taker, entrances
from pytest_adyen_creds.message import as_sent
from pytest_adyen_creds.secrets import SECRETS

Observer = Callable[[httpx.Request, httpx.Response, str], None]
"""Called with each request, the response, whose stream may be read and is not, and who answered, in words."""

OTHER_TOOL: Final = "recordings of another tool"
"""Who answered, in words, where a cassette of another tool did."""

_MOCKING: Final = ("pytest_httpx", "responses", "requests_mock")
"""Tools that put methods of their own in the place of the libraries': where one is started within the test, it has a
request before the interceptor. respx stands below it."""

_READABLE: Final = frozenset({"gzip", "deflate", "identity"})

_open: list[Interceptor] = []


def current() -> Interceptor | None:
    """Return the interceptor that takes requests now; None where none is open."""
    return _open[-1] if _open else None


class Interceptor:
    """Hands requests to ``hosts`` to the transport ``route``, whatever library makes them; other hosts are left alone.

    Another host of Adyen is refused, unless the route ``answers_all`` of them, or ``answers`` the URL. What another
    tool's cassette would send is answered by the transport ``behind``, and recorded by it; without one it is refused.
    A request that the route does not ``know`` is refused, too, unless a mock of another tool is there for it.
    """

    def __init__(
        self,
        route: httpx.BaseTransport,
        hosts: Hosts,
        origin: str,
        *,
        answers_all: bool = False,
        answers: Callable[[str], bool] = lambda url: False,
        behind: httpx.BaseTransport | None = None,
        knows: Callable[[httpx.Request], bool] = lambda request: True,
    ) -> None:
        self.hosts = hosts
        self.origin = origin
        """Who answers, in words."""
        self.observers: list[Observer] = []
        self._route = route
        self._wrap: Callable[[httpx.BaseTransport], httpx.BaseTransport] | None = None
        self._answers = (lambda url: True) if answers_all else answers
        self._behind = behind
        self._knows = knows

    def lead_through(self, wrap: Callable[[httpx.BaseTransport], httpx.BaseTransport]) -> None:
        """Lead to what ``wrap`` returns for the route; what a cassette of another tool holds goes through it, too."""
        inner, self._route = self._wrap, wrap(self._route)
        self._behind = self._behind and wrap(self._behind)
        self._wrap = wrap if inner is None else lambda route: wrap(inner(route))

    @contextmanager
    def led_through(self, wrap: Callable[[httpx.BaseTransport], httpx.BaseTransport]) -> Iterator[None]:
        """Lead to what ``wrap`` returns for the route in a ``with`` block; see :meth:`lead_through`."""
        before = self._route, self._behind, self._wrap
        self.lead_through(wrap)
        try:
            yield
        finally:
            self._route, self._behind, self._wrap = before

    @contextmanager
    def opened(self) -> Iterator[Interceptor]:
        """Take requests in a ``with`` block; one that is opened within it takes them first."""
        wants = self.hosts.is_ours
        taker = Taker(wants, self.is_mocked, self.answer)
        behind = {each.place: each.replacement for each in entrances(replace(taker, answer=self.let_out))}
        with ExitStack() as stack:
            stack.enter_context(vcrpy.stubbed(wants, self.answer))
            stack.enter_context(vcrpy.foreign_cassettes(wants, self.let_out, self._played, behind))
            for entrance in entrances(taker):
                if _is_mock(getattr(entrance.owner, entrance.method)):
                    continue
                stack.enter_context(patch.object(entrance.owner, entrance.method, entrance.replacement))
            _open.append(self)
            stack.callback(_open.remove, self)
            yield self

    def is_mocked(self, request: httpx.Request) -> bool:
        """Return whether a mock below the interceptor is there for a request of httpx that it would take."""
        respx = sys.modules.get("respx.mocks")
        if respx is None:
            return False
        routers = [router for mocker in respx.Mocker.registry.values() for router in mocker.routers]
        if not routers or not self._knows(request):
            return bool(routers)
        routes = [route for router in routers for route in router.routes]
        return any(route.pattern is not None and route.pattern.match(request) for route in routes)

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Return the route's answer, or raise what keeps it from being given."""
        return self._answered(request, self._route)

    def _answered(self, request: httpx.Request, route: httpx.BaseTransport) -> httpx.Response:
        check_message(request)
        url = str(request.url)
        if not self.hosts.is_served(url) and not self._answers(url):
            check_endpoint(url)
            raise EndpointRefused(
                f"{request.method} {SECRETS.mask(url)}: {self.origin} has the Management API only, and no contract of "
                "yours has this; nothing was sent: import one (adyen-creds contract import, ini adyen_contracts), mock "
                "it in the test, or run with --adyen-live"
            )
        if not self._knows(request):
            raise EndpointRefused(
                f"{request.method} {SECRETS.mask(request.url.path)} is no operation that {self.origin} knows: it has "
                "those of API credentials (adyen-creds contract list) and of the contracts in adyen_contracts; nothing "
                "was sent: mock it in the test, with respx or responses, say, or run with --adyen-live"
            )
        response = route.handle_request(request)
        self._tell(request, response, self.origin)
        return response

    def let_out(self, request: httpx.Request) -> httpx.Response:
        """Return the answer to what a cassette of another tool would send, or refuse it."""
        if self._behind is not None:
            return self._answered(request, self._behind)
        url = str(request.url)
        if not self.hosts.is_served(url):
            check_endpoint(url)
        raise EndpointRefused(
            f"{request.method} {SECRETS.mask(url)}: another tool's cassette holds no answer, and {self.origin} answers "
            "for Adyen here; nothing was sent: to record it with that tool, run this test with --adyen-live; to have "
            "it answered and recorded by this plugin, ask outside of that cassette and take its mark off"
        )

    def _played(self, request: httpx.Request, response: httpx.Response) -> httpx.Response:
        """Return the answer to a request for which a cassette of another tool holds ``response``."""
        if self._wrap is not None:
            response = self._wrap(httpx.MockTransport(lambda _: response)).handle_request(request)
        self._tell(request, response, OTHER_TOOL)
        return response

    def _tell(self, request: httpx.Request, response: httpx.Response, origin: str) -> None:
        if self.observers:
            response.stream = httpx.ByteStream(b"".join(response.stream))  # type: ignore[arg-type]
        for observer in tuple(self.observers):
            observer(request, response, origin)


def _is_mock(method: Any) -> bool:
    """Return whether what stands in the place of a library's method is a mock's, started before the interceptor."""
    return str(getattr(method, "__module__", "")).partition(".")[0] in _MOCKING


class LiveRoute(httpx.BaseTransport):
    """Carries requests of code under test to the server at ``base_url``, by ``network``, where both guards let them.

    Requests to ``entrances``, base URLs of this process's own, are for that server; so are those to the Management
    API's test host where the server is on this machine, and else these are refused: a run's keys are none of another
    server's. Other test hosts of Adyen are reached as asked, live ones never.
    """

    def __init__(
        self, base_url: str, ownership: Ownership, network: httpx.BaseTransport, *, entrances: Iterable[str] = ()
    ) -> None:
        self._base_url = httpx.URL(base_url)
        self._network = network
        self._guarded = GuardedTransport(network, ownership)
        self._managements = Hosts()
        self._hosts = Hosts([base_url])
        self._entrances = Hosts(entrances)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request, or refuse it."""
        _ask_for_what_can_be_read(request)
        url = str(request.url)
        if self._is_redirected(url):
            request = self._redirected(request)
        elif self._managements.is_served(url) and not self._managements.is_served(str(self._base_url)):
            raise EndpointRefused(
                f"{request.method} {SECRETS.mask(url)}: this run goes to {self._base_url}; give code under test "
                "adyen_settings.base_url"
            )
        elif not self._hosts.is_served(url):
            return self._elsewhere(request)
        return self._guarded.handle_request(request)

    def _is_redirected(self, url: str) -> bool:
        if not self._entrances.is_served(url):
            return False
        return not self._managements.is_served(url) or is_loopback(str(self._base_url))

    def _redirected(self, request: httpx.Request) -> httpx.Request:
        base = self._base_url
        made = as_sent(
            request.method,
            str(request.url.copy_with(scheme=base.scheme, host=base.host, port=base.port)),
            [(name, value) for name, value in request.headers.raw if name.lower() != b"host"],
            request.read(),
            target=request.url.raw_path,
        )
        made.extensions = request.extensions
        return made

    def _elsewhere(self, request: httpx.Request) -> httpx.Response:
        check_parsed(request.url)
        with marked(GUARDED):
            response = self._network.handle_request(request)
            seen = read(response)
        for secret in secrets_in(seen.content, parse(seen.content)):
            SECRETS.add(secret)
        return response


def _ask_for_what_can_be_read(request: httpx.Request) -> None:
    # an answer that cannot be read would not say which credential it created
    if "accept-encoding" in request.headers:
        codings = request.headers["accept-encoding"].split(",")
        readable = [coding.strip() for coding in codings if coding.partition(";")[0].strip() in _READABLE]
        request.headers["accept-encoding"] = ", ".join(readable) or "identity"
