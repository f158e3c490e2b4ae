"""Cassettes of other tools: opened within a door they stand in front of it, and what they let out is asked for here."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final
from unittest.mock import patch

from vcr.cassette import Cassette as VcrCassette
from vcr.request import Request

_PLAYED: Final = "_adyen_creds_played"
_LET_OUT: Final = "_adyen_creds_let_out"


@contextmanager
def asked_first(let_out: Callable[[Request], None], took: Callable[[Request, dict[str, Any]], None]) -> Iterator[None]:
    """Ask ``let_out`` about each request that another tool's cassette is about to send, in a ``with`` block.

    What that cassette can play, it plays. ``let_out`` raises where the request may not leave; ``took`` is called with
    the request and the answer that came from the network.
    """
    can_play, append, init = VcrCassette.can_play_response_for, VcrCassette.append, VcrCassette.__init__

    def can_play_response_for(cassette: VcrCassette, request: Request) -> bool:
        if can_play(cassette, request):
            request.__dict__[_PLAYED] = True
        elif _PLAYED not in request.__dict__:  # urllib3's connections ask about the previous request, too
            if not (cassette.write_protected and cassette.filter_request(request)):  # which the cassette refuses itself
                let_out(request)
                request.__dict__[_LET_OUT] = True
            return False
        return True

    def append_asked(cassette: VcrCassette, request: Request, response: dict[str, Any]) -> Any:
        if _LET_OUT in request.__dict__:  # and was not read from a file
            took(request, response)
        return append(cassette, request, response)

    def leave_mocks_alone(cassette: VcrCassette, *args: Any, **kwargs: Any) -> None:
        init(cassette, *args, **kwargs)
        cassette.custom_patches = (*cassette.custom_patches, *mocks_left_alone())

    with (
        patch.object(VcrCassette, "can_play_response_for", can_play_response_for),
        patch.object(VcrCassette, "append", append_asked),
        patch.object(VcrCassette, "__init__", leave_mocks_alone),
    ):
        yield


def mocks_left_alone() -> Iterator[tuple[type, str, Any]]:
    """Return what to give vcrpy as custom patches, so that mock transports stay the test's own.

    vcrpy takes them for the network, but what a test hands to its own client is what it wants to talk to.
    """
    for module in filter(None, map(sys.modules.get, ("httpx", "httpx2"))):
        for method in ("handle_request", "handle_async_request"):
            yield module.MockTransport, method, getattr(module.MockTransport, method)
