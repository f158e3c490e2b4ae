"""The modes of a run, each opened for every HTTP library of this process."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import httpx

from pytest_adyen_creds.cassettes.model import Cassette, origin_of
from pytest_adyen_creds.cassettes.modes import live_interceptor
from pytest_adyen_creds.cassettes.playback import Playback
from pytest_adyen_creds.cassettes.recording import Recording
from pytest_adyen_creds.cassettes.replay import ReplayTransport
from pytest_adyen_creds.client import Clock, Ownership
from pytest_adyen_creds.credentials.backend import Backend
from pytest_adyen_creds.intercept.hosts import Hosts
from pytest_adyen_creds.intercept.interceptor import Interceptor
from pytest_adyen_creds.sandbox.wire import SandboxTransport
from pytest_adyen_creds.secrets import Secret

Opened = AbstractContextManager[Interceptor]


def opened(route: httpx.BaseTransport, base_urls: tuple[str, ...] = (), origin: str = "the embedded sandbox") -> Opened:
    return Interceptor(route, Hosts(base_urls), origin).opened()


def intercepting(app: Any, base_urls: tuple[str, ...] = ()) -> Opened:
    return opened(SandboxTransport(app), base_urls)


def replaying(cassette: Cassette, name: object, base_urls: tuple[str, ...] = ()) -> Opened:
    replay = ReplayTransport(Playback(cassette.interactions), str(name), base_urls=base_urls)
    return Interceptor(replay, Hosts(base_urls), origin_of(cassette.provenance), answers_all=True).opened()


def live(base_url: str, ownership: Ownership, recording: Recording | None = None) -> Opened:
    backend = Backend(base_url, "TestCompany", None, Secret("a key"), Clock())
    return live_interceptor(backend, ownership, recording).opened()
