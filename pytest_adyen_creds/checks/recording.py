"""Recording what a sequence did as a cassette, and reading a cassette back as the same sequence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import httpx

from pytest_adyen_creds import clock
from pytest_adyen_creds.checks.exchange import Exchange
from pytest_adyen_creds.errors import CassetteError

if TYPE_CHECKING:
    from pytest_adyen_creds.contract import Contract


def record(
    path: Path, exchanges: Sequence[Exchange], backend: Literal["sandbox", "live"], *, keep: Sequence[str] = ()
) -> None:
    """Write ``exchanges``, one or more, scrubbed, as a cassette; ``keep`` are account names that are no secret."""
    from pytest_adyen_creds.cassettes.recording import Recording, interaction_of, provenance_of
    from pytest_adyen_creds.cassettes.redact.scrubber import Scrubber

    contract = exchanges[0].contract
    recording = Recording(Scrubber(contract, keep=keep))
    for each in exchanges:
        meta = {"generated_by": each.generated_by, "expects": each.expects, "at": f"{each.at:.0f}"}
        meta = {name: value for name, value in meta.items() if value not in ("", "0")}
        if each.is_known:
            meta["operation"] = each.operation.label
        recording.note(interaction_of(each.request, each.response, meta))
    tools = ("schemathesis", "hypothesis")
    recording.save(path, provenance_of(contract, backend, clock.now(), tools))


def replayed(path: Path, contract: Contract) -> Iterator[Exchange]:
    """Yield what a cassette holds; raises :class:`CassetteError` where it is missing, empty or cannot be read."""
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
        generated_by = each.meta.get("generated_by", "recorded by other means")
        at = each.meta.get("at", "0")
        yield Exchange.of(
            contract,
            request,
            response,
            generated_by=generated_by,
            expects=each.meta.get("expects", ""),
            at=float(at) if at.isascii() and at.isdigit() else 0.0,
            source=f"{path.name}, interaction {number}, {generated_by}",
            origin=origin,
        )
