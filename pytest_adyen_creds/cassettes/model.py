"""One recorded exchange, where a recording came from, and the two together: the cassette."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Headers = tuple[tuple[str, str], ...]
"""Header fields as pairs of name and value; a name may occur more than once."""

CANONICAL_ORIGIN: Final = "https://management-test.adyen.com"
"""Where every recorded request goes to, whatever server answered it."""


@dataclass(frozen=True, slots=True)
class Interaction:
    """One request and the response to it. Bodies are the bytes as sent, decompressed; empty where there is none."""

    method: str
    uri: str
    request_headers: Headers
    request_body: bytes
    status: int
    reason: str
    response_headers: Headers
    response_body: bytes
    meta: Mapping[str, str] = field(default_factory=dict)
    """What the recorder says about it, such as ``operation`` (the contract's label) and ``generated_by``."""


def find_header(headers: Headers, name: str) -> str | None:
    """Return the value of the first header ``name`` (any case) among ``headers``, or ``None``."""
    name = name.lower()
    return next((value for field_name, value in headers if field_name.lower() == name), None)


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a recording came from; the date is the only part that changes when nothing else did."""

    backend: Literal["sandbox", "live"]
    recorded_at: str
    """UTC, ISO 8601 to the second: ``2026-11-22T00:41:20Z``."""
    contract: str
    """The contract's version: ``v3`` or ``v1``."""
    contract_digest: str
    """:attr:`Contract.digest` at the time of the recording."""
    generator: str
    """What wrote it, such as ``pytest-adyen-creds 0.1.0``."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Versions of what took part, by name (``vcrpy``, ``schemathesis``)."""


SANDBOX: Final = "the embedded sandbox"
"""Who answered, in words, where it was the sandbox of this package."""


def is_adyens(origin: str) -> bool:
    """Return whether answers of ``origin``, in words, can say something about Adyen: the sandbox's cannot."""
    return SANDBOX not in origin


def origin_of(provenance: Provenance | None) -> str:
    """Say in words whose answers a recording holds; nothing that the sandbox answered is called Adyen's."""
    if provenance is None:
        return "recordings of unknown origin"
    whose = {"sandbox": f"{SANDBOX}, not of Adyen", "live": "Adyen's test endpoint"}
    return f"recordings of {whose[provenance.backend]}"


@dataclass(frozen=True, slots=True)
class Cassette:
    """A recording: its interactions in the order in which they were asked for."""

    interactions: tuple[Interaction, ...]
    provenance: Provenance | None = None
    """``None`` for a cassette that another tool wrote."""
    context: Mapping[str, Any] = field(default_factory=dict)
    """JSON values that replay needs besides the interactions, such as the credential that the test was lent."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """What a test had vcrpy keep beside the interactions (``Cassette.get_metadata``); empty in ours."""
