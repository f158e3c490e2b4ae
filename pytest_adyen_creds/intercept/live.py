"""The live mode of code under test: what it asks goes to the run's server through the guards, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import httpx

from pytest_adyen_creds.client import GuardedTransport, Ownership
from pytest_adyen_creds.client.parsing import parse, secrets_in
from pytest_adyen_creds.client.transports import GUARDED, marked, read
from pytest_adyen_creds.endpoints import check_parsed, is_loopback
from pytest_adyen_creds.errors import EndpointRefused
from pytest_adyen_creds.intercept.hosts import Hosts
from pytest_adyen_creds.message import as_sent
from pytest_adyen_creds.secrets import SECRETS

_READABLE: Final = frozenset({"gzip", "deflate", "identity"})


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
