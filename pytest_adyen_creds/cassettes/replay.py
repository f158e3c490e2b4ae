"""Replay: a recording answers, through any HTTP library, and what it does not hold is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import httpx
from vcr.request import Request

from pytest_adyen_creds.cassettes.asked import Asked, ask
from pytest_adyen_creds.cassettes.door import Door, Hosts, asked_of, response_of
from pytest_adyen_creds.cassettes.index import Index
from pytest_adyen_creds.cassettes.miss import describe_miss
from pytest_adyen_creds.cassettes.model import Interaction, origin_of
from pytest_adyen_creds.errors import CassetteError

_KEY = "_adyen_creds_asked"


class IndexedCassette(Door):
    """A recording behind the door: httpx, requests, urllib3, aiohttp and Adyen's SDK are answered from its index.

    A request to a host of Adyen (or a base URL) that it does not hold raises :class:`CassetteError`, whatever the
    library; requests to other hosts pass.
    """

    def __init__(
        self, *, index: Index, origin: str = origin_of(None), on_miss: Callable[[str], str] = str, **parts: Any
    ) -> None:
        super().__init__(**parts)
        self.index = index
        self.origin = origin
        self._on_miss = on_miss

    def can_play_response_for(self, request: Request) -> bool:
        """Tell whether the recording answers ``request``."""
        # no miss is raised here: urllib3's connections ask about the previous request, too
        return self.hosts.is_ours(request.uri) and self.index.has(self._asked(request))

    def filter_request(self, request: Request) -> None:
        """Let a request that was not answered pass, or raise :class:`CassetteError` where it is ours."""
        if self.hosts.is_ours(request.uri):
            raise self._miss(self._asked(request))

    def play_response(self, request: Request) -> dict[str, Any]:
        """Return the recorded answer to ``request`` and use it up."""
        asked = self._asked(request)
        interaction = self.index.take(asked)
        if interaction is None:  # another thread had the last answer since can_play_response_for
            raise self._miss(asked)
        return self.observed(request, response_of(interaction))

    def __len__(self) -> int:
        return len(self.index.interactions)

    def _miss(self, asked: Asked) -> CassetteError:
        return CassetteError(self._on_miss(describe_miss(self.index, asked, str(self._path))))

    def _asked(self, request: Request) -> Asked:
        # libraries ask twice, and urllib3 changes the request in between until it is complete
        body = request.body_bytes
        known = request.__dict__.get(_KEY)
        if known is None or known[0] is not body:
            known = body, asked_of(request, self.hosts)
            request.__dict__[_KEY] = known
        asked: Asked = known[1]
        return asked


class ReplayTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """An httpx transport, sync and async, that answers from a recording and knows nothing else.

    Every request that the recording does not hold raises :class:`CassetteError`. ``interactions`` may be an
    :class:`Index` that others use, too. ``on_miss`` is told what a miss is about, and returns what to say.
    """

    def __init__(
        self,
        interactions: Iterable[Interaction] | Index,
        name: str | Path,
        *,
        base_urls: Iterable[str] = (),
        on_miss: Callable[[str], str] = str,
    ) -> None:
        self.index = interactions if isinstance(interactions, Index) else Index(interactions)
        self._name = str(name)
        self._hosts = Hosts(base_urls)
        self._on_miss = on_miss

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the recorded answer to ``request``."""
        return self._answer(request, request.read())

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the recorded answer to ``request``."""
        return self._answer(request, await request.aread())

    def _answer(self, request: httpx.Request, body: bytes) -> httpx.Response:
        headers = request.headers
        asked = ask(
            request.method,
            self._hosts.canonical(str(request.url)),
            headers.get("x-api-key"),
            headers.get("authorization"),
            headers.get("content-type"),
            body,
        )
        interaction = self.index.take(asked)
        if interaction is None:
            raise CassetteError(self._on_miss(describe_miss(self.index, asked, self._name)))
        return httpx.Response(
            interaction.status,
            headers=list(interaction.response_headers),
            stream=httpx.ByteStream(interaction.response_body),
            extensions={"reason_phrase": interaction.reason.encode("ascii", "replace")},
        )
