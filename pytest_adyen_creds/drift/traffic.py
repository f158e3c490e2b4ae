"""The traffic of users' own code: what any HTTP library asks the Management API, watched without touching it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import Any, Final
from unittest.mock import patch
from urllib.parse import urlsplit

import pytest
from vcr.cassette import Cassette as VcrCassette
from vcr.request import Request

from pytest_adyen_creds.cassettes.body import unpacked_if_known
from pytest_adyen_creds.cassettes.door import OBSERVERS, Door, Hosts, PassingDoor, answer_of, is_open
from pytest_adyen_creds.client import is_guarded
from pytest_adyen_creds.drift.watch import Watch
from pytest_adyen_creds.sandbox.wire import BY_FAULT

NETWORK: Final = Door.origin

RECORDINGS: Final = "recordings of another tool"

_open: list[Watch] = []
_told: list[Watch] = []

_loading: ContextVar[bool] = ContextVar("loading", default=False)


class _Watching(PassingDoor):
    """Strictly private: a door in front of nothing; requests go where they went before."""

    def check_hop(self, request: Request) -> None:
        """Let every request pass."""

    def check_host(self, host: str) -> None:
        """Let every host be reached."""


@contextmanager
def watching(watch: Watch, base_url: str) -> Iterator[None]:
    """Watch, in a ``with`` block, what any HTTP library is answered by the Management API's test host or ``base_url``.

    Answers of the network, of this package's recordings and sandbox, and of vcrpy's cassettes (pytest-recording's, too)
    are looked at; answers of mocks are not. Requests go where they went before. Inside another such block of the same
    watch it does nothing.
    """
    if watch in _open:
        yield
        return
    hosts = Hosts([base_url])

    def take(request: Request, response: dict[str, Any], origin: str) -> None:
        _take(watch, hosts, request, response, origin)

    with ExitStack() as opened:
        _open.append(watch)
        opened.callback(_open.remove, watch)
        opened.enter_context(telling(watch, base_url))
        for name, told in (("play_response", _played), ("append", _appended), ("_load", _loaded)):
            opened.enter_context(patch.object(VcrCassette, name, told(getattr(VcrCassette, name), take)))
        if not is_open():  # the door that is open tells of its answers, and one in front of it would bypass it
            opened.enter_context(_Watching.opened("the watch for drift", hosts=hosts))
        yield


@contextmanager
def telling(watch: Watch, base_url: str) -> Iterator[None]:
    """Let open doors tell ``watch``, in a ``with`` block, what they answer for ``base_url``; once, where nested."""
    if watch in _told:
        yield
        return
    hosts = Hosts([base_url])

    def take(request: Request, response: dict[str, Any], origin: str) -> None:
        _take(watch, hosts, request, response, origin)

    _told.append(watch)
    OBSERVERS.append(take)
    try:
        yield
    finally:
        OBSERVERS.remove(take)
        _told.remove(watch)


def _take(watch: Watch, hosts: Hosts, request: Request, response: Any, origin: str) -> None:
    # the observers of a guarded client are told of its answers
    if not hosts.is_served(request.uri) or is_guarded():
        return
    parts = urlsplit(request.uri)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    with watch.guarded(f"an answer to {request.method}"):
        headers, raw = answer_of(response)
        body = unpacked_if_known(raw, headers)
        if body is not None:
            status, by_fault = response["status"]["code"], bool(response.get(BY_FAULT))
            watch.answer(request.method, path, status, dict(headers), body, origin, by_fault=by_fault)


def _played(play_response: Callable[..., Any], take: Callable[..., None]) -> Callable[..., Any]:
    def played(cassette: VcrCassette, request: Request) -> Any:
        response = play_response(cassette, request)
        take(request, response, RECORDINGS)
        return response

    return played


def _appended(append: Callable[..., Any], take: Callable[..., None]) -> Callable[..., Any]:
    def appended(cassette: VcrCassette, request: Request, response: Any) -> Any:
        if not _loading.get():
            take(request, response, NETWORK)
        return append(cassette, request, response)

    return appended


def _loaded(load: Callable[..., Any], take: Callable[..., None]) -> Callable[..., Any]:
    def loaded(cassette: VcrCassette) -> Any:
        # loading a file appends what it holds, which may never be asked for
        token = _loading.set(True)
        try:
            return load(cassette)
        finally:
            _loading.reset(token)

    return loaded


class Watching:
    """A pytest plugin: watches each test's traffic, set-up and teardown included, for ``--adyen-drift``."""

    def __init__(self, watch: Watch, base_url: str) -> None:
        self._watch = watch
        self._base_url = base_url

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Watch one test."""
        with watching(self._watch, self._base_url):
            return (yield)
