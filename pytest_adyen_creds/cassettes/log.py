"""The interactions of one recording while it is made: in memory only, scrubbed before the first byte is written."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from pytest_adyen_creds.cassettes import serializer
from pytest_adyen_creds.cassettes.model import Cassette, Headers, Interaction, Provenance
from pytest_adyen_creds.cassettes.redact.scrubber import Scrubber

if TYPE_CHECKING:
    import httpx


class ContractFacts(Protocol):
    """What a recording says about the contract in use: its version and its digest."""

    @property
    def version(self) -> str:
        """``v3`` or ``v1``."""

    @property
    def digest(self) -> str:
        """``sha256:…`` over everything that decides."""


def provenance_of(
    contract: ContractFacts, backend: Literal["sandbox", "live"], now: datetime, tools: Iterable[str] = ("vcrpy",)
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


class InteractionLog:
    """Collects interactions, from any thread, and writes them as one cassette."""

    def __init__(self) -> None:
        self._interactions: list[Interaction] = []
        self._lock = threading.Lock()
        self.context: dict[str, Any] = {}
        """JSON values that are scrubbed and stored with the interactions (:attr:`Cassette.context`)."""

    def __len__(self) -> int:
        return len(self._interactions)

    @property
    def interactions(self) -> tuple[Interaction, ...]:
        """The interactions so far, as they happened: secrets included, so never print or store them."""
        with self._lock:
            return tuple(self._interactions)

    def note(self, interaction: Interaction) -> None:
        """Add ``interaction`` as it happened."""
        with self._lock:
            self._interactions.append(interaction)

    def add(self, request: httpx.Request, response: httpx.Response, meta: Mapping[str, str] | None = None) -> None:
        """Add an exchange of httpx; the bodies of both are read, so an async stream must have been read before."""
        self.note(interaction_of(request, response, meta))

    def save(self, path: Path, provenance: Provenance, scrubber: Scrubber) -> Cassette:
        """Scrub what was collected, write it to ``path`` whole or not at all, and return what was written.

        Raises :class:`CassetteError` where a body cannot be searched for secrets or the file cannot be written.
        """
        interactions, context = scrubber.recording(self.interactions, self.context)
        cassette = Cassette(interactions=tuple(interactions), provenance=provenance, context=context)
        serializer.write(path, cassette)
        return cassette


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
