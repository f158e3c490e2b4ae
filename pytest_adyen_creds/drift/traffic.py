"""The traffic of users' own code: what any HTTP library is answered for the Management API is told to the collector."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

import httpx
import pytest

from pytest_adyen_creds.cassettes.body import unpacked_if_known
from pytest_adyen_creds.client.transports import Network
from pytest_adyen_creds.drift.collector import Collector
from pytest_adyen_creds.intercept.hosts import Hosts
from pytest_adyen_creds.intercept.interceptor import Interceptor, current
from pytest_adyen_creds.sandbox.wire import BY_FAULT

NETWORK: Final = "the network"
"""Who answers, in words, where no cassette, sandbox or guarded transport does."""


def to_the_network(base_url: str) -> Interceptor:
    """Return an interceptor through which requests to ``base_url`` go to the network, to collect its answers."""
    network = Network()
    return Interceptor(network, Hosts([base_url]), NETWORK, behind=network)


@contextmanager
def collecting_traffic(collector: Collector, otherwise: Callable[[], Interceptor]) -> Iterator[None]:
    """Tell ``collector``, in a ``with`` block, what any HTTP library is answered for the Management API.

    Answers of this package's recordings and sandbox, of a live run's server and of vcrpy's cassettes (those of
    pytest-recording, too) are looked at; answers of mocks are not. The interceptor that is open tells of them, or,
    where none is, that which ``otherwise`` returns. Inside another such block of the same collector it does nothing.
    """
    with ExitStack() as stack:
        interceptor = current() or stack.enter_context(otherwise().opened())
        with observing(collector, interceptor):
            yield


@contextmanager
def observing(collector: Collector, interceptor: Interceptor | None) -> Iterator[None]:
    """Let ``interceptor`` tell ``collector`` of its answers in a ``with`` block; once, where nested."""
    assert interceptor is not None
    if any(isinstance(each, _Observer) and each.collector is collector for each in interceptor.observers):
        yield
        return
    observer = _Observer(collector, interceptor.hosts)
    interceptor.observers.append(observer)
    try:
        yield
    finally:
        interceptor.observers.remove(observer)


@dataclass(frozen=True, eq=False)
class _Observer:
    """Tells ``collector`` of what ``hosts`` answered."""

    collector: Collector
    hosts: Hosts

    def __call__(self, request: httpx.Request, response: httpx.Response, origin: str) -> None:
        url = str(request.url)
        if not self.hosts.is_ours(url):
            return
        with self.collector.guarded(f"an answer to {request.method}"):
            headers = tuple(response.headers.multi_items())
            body = unpacked_if_known(b"".join(response.stream), headers)  # type: ignore[arg-type]
            if body is not None:
                path = request.url.raw_path.decode("ascii") if self.hosts.is_served(url) else url
                by_fault = BY_FAULT in response.extensions
                status = response.status_code
                self.collector.answer(request.method, path, status, dict(headers), body, origin, by_fault=by_fault)


class CollectorPlugin:
    """A pytest plugin: collects each test's traffic, set-up and teardown included, for ``--adyen-drift``."""

    def __init__(self, collector: Collector, otherwise: Callable[[], Interceptor]) -> None:
        self._collector = collector
        self._otherwise = otherwise

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Collect the traffic of one test."""
        with collecting_traffic(self._collector, self._otherwise):
            return (yield)
