"""Recording: exchanges are kept in memory until it is known that they are wanted."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import httpx

from pytest_adyen_creds import clock
from pytest_adyen_creds.cassettes.log import interaction_of
from pytest_adyen_creds.cassettes.model import Cassette, Interaction, Provenance
from pytest_adyen_creds.cassettes.redact.scrubber import Scrubber
from pytest_adyen_creds.client import ASKED_AT
from pytest_adyen_creds.errors import CassetteError
from pytest_adyen_creds.intercept.interceptor import read
from pytest_adyen_creds.secrets import SECRETS


class Recording:
    """A recording in the making; whoever knows that its test passed writes it."""

    def __init__(self, scrubber: Scrubber) -> None:
        self.context: dict[str, Any] = {}
        """JSON values that are scrubbed and stored beside the interactions (:attr:`Cassette.context`)."""
        self._scrubber = scrubber
        self._noted: list[tuple[float, Interaction]] = []

    @property
    def noted(self) -> list[Interaction]:
        """The exchanges as they happened, by when they were asked: secrets included, so never print or store them."""
        return [interaction for _, interaction in sorted(self._noted, key=lambda pair: pair[0])]

    def note(self, asked_at: float, interaction: Interaction) -> None:
        """Add an exchange as it happened, asked at these monotonic seconds; its secrets are registered for masking."""
        with suppress(CassetteError):  # a body that cannot be read: writing the recording says so
            for secret in self._scrubber.secrets_in(interaction):
                SECRETS.add(secret)
        self._noted.append((asked_at, interaction))

    def scrubbed(self, provenance: Provenance) -> Cassette:
        """Return the recording as it is to be written; raises :class:`CassetteError` where a secret would be left."""
        interactions, context = self._scrubber.recording(self.noted, self.context)
        return Cassette(interactions=tuple(interactions), provenance=provenance, context=context)


class RecordingTransport(httpx.BaseTransport):
    """Notes each exchange of ``inner`` in ``recording``."""

    def __init__(self, recording: Recording, inner: httpx.BaseTransport) -> None:
        self._recording = recording
        self._inner = inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the answer of ``inner``, and note it."""
        # in the order of asking, not of answering, so that two recordings of concurrent requests are alike
        asked_at: float = request.extensions.get(ASKED_AT) or clock.monotonic()
        response = self._inner.handle_request(request)
        self._recording.note(asked_at, interaction_of(request, read(response)))
        return response

    def close(self) -> None:
        """Close the inner transport."""
        self._inner.close()
