"""Recording: exchanges are kept in memory until it is known that they are wanted; scrubbed before a byte is written."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, Literal

import httpx

from pytest_adyen_creds import clock
from pytest_adyen_creds.cassettes.model import Cassette, Headers, Interaction, Provenance
from pytest_adyen_creds.cassettes.redact.scrubber import Scrubber
from pytest_adyen_creds.client.transports import ASKED_AT, read
from pytest_adyen_creds.contract import Contract
from pytest_adyen_creds.errors import CassetteError
from pytest_adyen_creds.secrets import SECRETS


class Recording:
    """The buffer of a recording in the making, for any thread; whoever knows that it is wanted writes it."""

    def __init__(self, scrubber: Scrubber) -> None:
        self.context: dict[str, Any] = {}
        """JSON values that are scrubbed and stored beside the interactions (:attr:`Cassette.context`)."""
        self._scrubber = scrubber
        self._noted: list[tuple[float, Interaction]] = []

    @property
    def noted(self) -> list[Interaction]:
        """The exchanges as they happened, by when they were asked: secrets included, so never print or store them."""
        return [interaction for _, interaction in sorted(self._noted, key=lambda pair: pair[0])]

    def note(self, interaction: Interaction, asked_at: float | None = None) -> None:
        """Add an exchange as it happened, asked at these monotonic seconds; its secrets are registered for masking."""
        with suppress(CassetteError):  # a body that cannot be read: writing the recording says so
            for secret in self._scrubber.secrets_in(interaction):
                SECRETS.add(secret)
        self._noted.append((clock.monotonic() if asked_at is None else asked_at, interaction))

    def scrubbed(self, provenance: Provenance) -> Cassette:
        """Return the recording as it is to be written; raises :class:`CassetteError` where a secret would be left."""
        interactions, context = self._scrubber.recording(self.noted, self.context)
        return Cassette(interactions=tuple(interactions), provenance=provenance, context=context)


@dataclass(frozen=True)
class RecordingTransport(httpx.BaseTransport):
    """Notes each exchange of ``inner`` in ``recording``."""

    recording: Recording
    inner: httpx.BaseTransport

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the answer of ``inner``, and note it."""
        # in the order of asking, not of answering, so that two recordings of concurrent requests are alike
        asked_at: float = request.extensions.get(ASKED_AT) or clock.monotonic()
        response = self.inner.handle_request(request)
        self.recording.note(interaction_of(request, read(response)), asked_at)
        return response


def provenance_of(
    contract: Contract, backend: Literal["sandbox", "live"], now: datetime, tools: Iterable[str] = ("vcrpy",)
) -> Provenance:
    """Return the provenance of a recording made at ``now`` (aware) by this package with ``tools`` (distributions)."""
    return Provenance(
        backend=backend,
        recorded_at=now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        contract=contract.version,
        contract_digest=contract.digest,
        generator=f"pytest-adyen-creds {version('pytest-adyen-creds')}",
        versions={
            "python": f"{sys.version_info.major}.{sys.version_info.minor}",
            **{name: version(name) for name in tools},
        },
    )


def interaction_of(
    request: httpx.Request, response: httpx.Response, meta: Mapping[str, str] | None = None
) -> Interaction:
    """Return an exchange of httpx as an interaction, its response's body decompressed."""
    return Interaction(
        method=request.method,
        uri=str(request.url),
        request_headers=_fields(request.headers.raw),
        request_body=request.read(),
        status=response.status_code,
        reason=response.reason_phrase,
        response_headers=_fields(response.headers.raw),
        response_body=response.read(),
        meta=dict(meta or {}),
    )


def _fields(raw: Iterable[tuple[bytes, bytes]]) -> Headers:
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in raw)
