"""The contract suite: each operation's exchanges, recorded or made now, and the checks on them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pytest_adyen_creds.checks.judging import CheckFailure, judge
from pytest_adyen_creds.contract import bundled
from pytest_adyen_creds.errors import CassetteError

if TYPE_CHECKING:
    import httpx

    from pytest_adyen_creds.cassettes.interaction import Interaction
    from pytest_adyen_creds.checks.live import LiveReading
    from pytest_adyen_creds.contract import Operation
    from pytest_adyen_creds.run import Run

GENERATED: Final = 5
"""How many positive and how many negative cases schemathesis makes for each operation."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One exchange of an operation; ``origin`` says who answered, ``source`` which case or recording it is."""

    request: httpx.Request
    response: httpx.Response
    origin: str
    source: str


class Suite:
    """The contract suite of one run. The backend decides where an operation's exchanges come from."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._reading: LiveReading | None = None

    def check(self, operation: Operation) -> list[CheckFailure] | None:
        """Judge every exchange of ``operation``, note them in the run, and return the checks that failed.

        None: this backend has no exchange of it to judge.
        """
        failures: list[CheckFailure] | None = None
        for exchange in self.exchanges(operation):
            found = judge(self._run.contract, operation, exchange.request, exchange.response, exchange.source)
            self._run.saw(operation.label, exchange.response.status_code, exchange.origin, found)
            failures = [*(failures or ()), *found]
        return failures

    def exchanges(self, operation: Operation) -> Iterator[Exchange]:
        """Yield the exchanges of ``operation``: its cassette's, or those made now and recorded where asked for.

        Raises :class:`CassetteError` where a cassette is missing or cannot be read.
        """
        settings = self._run.settings
        path = self.cassette(operation)
        recording = settings.record == "all" or (settings.record == "missing" and not path.is_file())
        if settings.backend == "sandbox" or recording:
            yield from self._rehearsed(operation, path if recording else None)
        elif settings.backend == "live":
            yield from self._live(operation)
        else:
            yield from _replayed(path)

    def cassette(self, operation: Operation) -> Path:
        """Return where the cassette of ``operation`` lies: in the run's own folder of cassettes, or the bundled one."""
        settings = self._run.settings
        own = self._run.root / "cassettes" / "management"
        default = own if own.is_dir() or settings.record != "none" else bundled("cassettes")
        folder = settings.cassettes or default
        return folder / self._run.contract.version / f"{operation.id}.yaml"

    def _rehearsed(self, operation: Operation, record_to: Path | None) -> Iterator[Exchange]:
        from pytest_adyen_creds.checks.rehearsal import Rehearsal

        with Rehearsal(self._run.contract) as rehearsal:
            exchanges = list(rehearsal.exchanges(operation, each=GENERATED))
            if record_to is not None:
                rehearsal.record(record_to, exchanges, datetime.now(UTC))
        for number, (exercise, exchange) in enumerate(exchanges, 1):
            source = f"{exercise.generated_by}, number {number}"
            yield Exchange(exchange.request, exchange.response, "the embedded sandbox", source)

    def _live(self, operation: Operation) -> Iterator[Exchange]:
        if self._reading is None:
            from pytest_adyen_creds.checks.live import LiveReading

            self._reading = LiveReading(self._run.settings)
            self._run.opened.callback(self._reading.close)
        for number, (exercise, exchange) in enumerate(self._reading.exchanges(operation), 1):
            origin = f"the server at {self._run.settings.base_url}"
            yield Exchange(exchange.request, exchange.response, origin, f"{exercise.generated_by}, number {number}")


def _replayed(path: Path) -> Iterator[Exchange]:
    from pytest_adyen_creds.cassettes.document import read

    if not path.is_file():
        raise CassetteError(
            f"{path}: no such cassette; record it with --adyen-backend=sandbox --adyen-record=missing, "
            "or run with --adyen-backend=sandbox"
        )
    cassette = read(path)
    origin = f"recordings of {_WHO[cassette.provenance.backend] if cassette.provenance else 'unknown origin'}"
    for number, interaction in enumerate(cassette.interactions, 1):
        how = f", {interaction.meta['generated_by']}" if "generated_by" in interaction.meta else ""
        request, response = _as_httpx(interaction)
        yield Exchange(request, response, origin, f"{path.name}, interaction {number}{how}")


_WHO: Final = {"sandbox": "the embedded sandbox, not of Adyen", "live": "Adyen's test endpoint"}


def _as_httpx(interaction: Interaction) -> tuple[httpx.Request, httpx.Response]:
    import httpx

    request = httpx.Request(
        interaction.method, interaction.uri, headers=interaction.request_headers, content=interaction.request_body
    )
    headers = [(name, value) for name, value in interaction.response_headers if name.lower() != "content-encoding"]
    response = httpx.Response(interaction.status, headers=headers, content=interaction.response_body, request=request)
    return request, response
