"""Replay: a recording answers, and what it does not hold is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import httpx

from pytest_adyen_creds.cassettes.canonical import canonical_request
from pytest_adyen_creds.cassettes.model import Interaction
from pytest_adyen_creds.cassettes.playback import Playback
from pytest_adyen_creds.cassettes.unmatched import describe_unmatched
from pytest_adyen_creds.errors import CassetteError
from pytest_adyen_creds.intercept.hosts import Hosts


class ReplayTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """An httpx transport, sync and async, that answers from a recording and knows nothing else.

    Every request that the recording does not hold raises :class:`CassetteError`. ``interactions`` may be an
    :class:`Playback` that others use, too. ``on_miss`` is told what a miss is about, and returns what to say.
    """

    def __init__(
        self,
        interactions: Iterable[Interaction] | Playback,
        name: str | Path,
        *,
        base_urls: Iterable[str] = (),
        on_miss: Callable[[str], str] = str,
    ) -> None:
        self.index = interactions if isinstance(interactions, Playback) else Playback(interactions)
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
        headers = {name.lower(): value.decode("latin-1") for name, value in request.headers.raw}
        asked = canonical_request(
            request.method,
            self._hosts.canonical(str(request.url)),
            headers.get(b"x-api-key"),
            headers.get(b"authorization"),
            headers.get(b"content-type"),
            body,
        )
        interaction = self.index.take(asked)
        if interaction is None:
            raise CassetteError(self._on_miss(describe_unmatched(self.index, asked, self._name)))
        return httpx.Response(
            interaction.status,
            headers=list(interaction.response_headers),
            stream=httpx.ByteStream(interaction.response_body),
            extensions={"reason_phrase": interaction.reason.encode("ascii", "replace")},
        )
