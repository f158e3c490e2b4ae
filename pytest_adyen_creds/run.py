"""One run: its settings, what it opened, what it saw."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_adyen_creds.checks.judging import CheckFailure
    from pytest_adyen_creds.contract import Contract
    from pytest_adyen_creds.credentials.session import LiveSession
    from pytest_adyen_creds.settings import Settings


class Run:
    """The state of one pytest run (of one process: an xdist worker hands its results to the controller).

    ``coverage`` counts the judged exchanges by operation label and status; ``origins`` counts them by where they came
    from (``sandbox``, ``a recording of the sandbox``, …).
    """

    def __init__(self, settings: Settings, root: Path) -> None:
        self.settings = settings
        self.root = root
        self.coverage: Counter[tuple[str, int]] = Counter()
        self.origins: Counter[str] = Counter()
        self.failures: list[CheckFailure] = []
        self.live: LiveSession | None = None
        """What a run against a live server has of throwaways; None for every other run."""
        self.opened = ExitStack()
        """What is to be put away when the run ends."""

    @cached_property
    def contract(self) -> Contract:
        """The contract that this run is held to."""
        from pytest_adyen_creds.contract import load_contract

        return load_contract(self.settings.api_version, self.settings.contracts)

    @property
    def has_results(self) -> bool:
        """Whether anything was judged."""
        return bool(self.coverage)

    def saw(self, operation: str, status: int, origin: str, failures: Iterable[CheckFailure] = ()) -> None:
        """Note one judged exchange."""
        self.coverage[operation, status] += 1
        self.origins[origin] += 1
        self.failures += failures

    def header(self) -> str:
        """Say in one line who answers this run."""
        if self.live is not None and (line := self.live.header()):
            return line
        settings = self.settings
        where = f" at {settings.base_url}" if settings.backend == "live" else ""
        return f"adyen: {settings.backend}{where}, Management API {settings.api_version}"

    def results(self) -> dict[str, Any]:
        """Return what was seen, as JSON."""
        return {
            "coverage": [[label, status, count] for (label, status), count in self.coverage.items()],
            "origins": dict(self.origins),
            "failures": [failure.to_json() for failure in self.failures],
        }

    def add_results(self, results: dict[str, Any]) -> None:
        """Add what another process saw, as :meth:`results` gave it."""
        from pytest_adyen_creds.checks.judging import CheckFailure

        self.coverage.update({(label, status): count for label, status, count in results["coverage"]})
        self.origins.update(results["origins"])
        self.failures += [CheckFailure(**failure) for failure in results["failures"]]

    def close(self) -> None:
        """Put away what the run opened."""
        self.opened.close()
