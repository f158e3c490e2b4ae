"""Recording what a sequence did as a cassette, and reading a cassette back as the same sequence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pytest_adyen_creds.checks.act import Act
from pytest_adyen_creds.errors import CassetteError

if TYPE_CHECKING:
    from pytest_adyen_creds.contract import Contract


def record(
    path: Path,
    contract: Contract,
    acts: Sequence[Act],
    backend: Literal["sandbox", "live"],
    now: datetime,
    *,
    keep: Sequence[str] = (),
) -> None:
    """Write ``acts``, scrubbed, as a cassette; ``keep`` are account names that are no secret."""
    from pytest_adyen_creds.cassettes.recording import Recording, interaction_of, provenance_of
    from pytest_adyen_creds.cassettes.redact.scrubber import Scrubber

    recording = Recording(Scrubber(contract, keep=keep))
    for act in acts:
        found = contract.match(act.request.method, act.request.url.raw_path.decode("ascii", "replace"))
        meta = act.meta() | ({"operation": found[0].label} if found else {})
        recording.note(interaction_of(act.request, act.response, meta))
    tools = ("schemathesis", "hypothesis")
    recording.save(path, provenance_of(contract, backend, now, tools))


def replayed(path: Path) -> Iterator[Act]:
    """Yield what a cassette holds; raises :class:`CassetteError` where it is missing, empty or cannot be read."""
    import httpx

    from pytest_adyen_creds.cassettes.model import origin_of
    from pytest_adyen_creds.cassettes.serializer import read

    if not path.is_file():
        raise CassetteError(
            f"{path}: no such cassette; record it with --adyen-backend=sandbox --adyen-record=missing, "
            "or run with --adyen-backend=sandbox"
        )
    cassette = read(path)
    if not cassette.interactions:
        raise CassetteError(
            f"{path}: holds no exchange, so there is nothing to judge; record it again with "
            "--adyen-backend=sandbox --adyen-record=all, or delete it and record with --adyen-record=missing"
        )
    origin = origin_of(cassette.provenance)
    for number, each in enumerate(cassette.interactions, 1):
        request = httpx.Request(each.method, each.uri, headers=each.request_headers, content=each.request_body)
        headers = [(name, value) for name, value in each.response_headers if name.lower() != "content-encoding"]
        response = httpx.Response(each.status, headers=headers, content=each.response_body, request=request)
        known = Act.from_meta(each.meta)
        source = f"{path.name}, interaction {number}, {known['generated_by']}"
        yield Act(request, response, source=source, origin=origin, **known)
