"""The results of one run: what it saw, and how that is judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pytest_adyen_creds import clock
from pytest_adyen_creds.checks.failure import CheckFailure
from pytest_adyen_creds.checks.verdicts import Rehearsal
from pytest_adyen_creds.contract import Contract
from pytest_adyen_creds.contract.apis import Apis, Match, apis_in
from pytest_adyen_creds.contract.baseline import Acceptance, Baseline, Judgement, read_baseline, together
from pytest_adyen_creds.contract.finding import Finding
from pytest_adyen_creds.drift.collector import Collector
from pytest_adyen_creds.errors import ContractError
from pytest_adyen_creds.intercept.hosts import Hosts
from pytest_adyen_creds.roles.observed import RolesSeen
from pytest_adyen_creds.settings import Settings

if TYPE_CHECKING:
    import httpx

_COUNTERS: Final = ("origins", "answered", "kept", "compared")


class Results:
    """What one process of a run saw; an xdist worker hands its own to the controller with :meth:`to_json`.

    ``root`` is the folder of the run. ``coverage`` counts the judged exchanges by operation label and status;
    ``origins`` counts them by where they came from (``sandbox``, ``a recording of the sandbox``, …).
    """

    def __init__(self, settings: Settings, root: Path) -> None:
        self.settings = settings
        self.root = root
        self.today = clock.today()
        """The day, where this run is, by which entries of the baseline expire."""
        self.collector = Collector(self.contract_of, self.apis.match)
        """What the answers of this run, whoever gave them, show of drift."""
        self.coverage: Counter[tuple[str, int]] = Counter()
        self.origins: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        """How many tests a ``cassette``, the ``sandbox`` or a ``live`` server answered."""
        self.kept: Counter[str] = Counter()
        """How many recordings of tests were ``written``, and how many were not because the test ``failed``."""
        self.failures: list[CheckFailure] = []
        """The broken rules, each departure once with how often it was met; what is a finding is in the collector."""
        self.failed: set[tuple[str, ...]] = set()
        """The departures, by key, that an item of the suite has failed for."""
        self.owed: dict[tuple[str, ...], CheckFailure] = {}
        """The departures that other items met, and that the item of their own operation has yet to fail for."""
        self.unrecorded: set[Path] = set()
        """Where the cassettes would lie of tests that the sandbox answered for want of one."""
        self.recordings: set[Path] = set()
        """The cassettes that answered."""
        self.collects_traffic = False
        """Whether the traffic of users' own code is collected, too: ``--adyen-drift`` was given."""
        self.written: list[Path] = []
        """The reports that were written."""
        self.problems: list[str] = []
        """What kept a part of the results from being known, one line each."""
        self.compared: Counter[str] = Counter()
        """Of a live run's ``answers``, how many the sandbox would have given ``otherwise``; what was ``uncompared``."""
        self.rehearsal = Rehearsal()
        """What became of the tests that were rehearsed."""
        self.roles = RolesSeen()
        """Which operations the tests called, by which credentials, and what these ask for."""
        self.proof: dict[str, Any] | None = None
        """What came of proving which roles are needed, where that was asked for."""
        self.broken: dict[str, list[str]] = {}
        """The names of what broke each rehearsed test; none for one that survived all of it."""
        self.asked: dict[str, list[str]] = {}
        """What failed tests asked the sandbox, by test: lines of its journal, as their reports have them."""
        self._acceptances: dict[frozenset[str], Acceptance] = {}

    @cached_property
    def contract(self) -> Contract:
        """The contract that this run is held to."""
        return self.apis.management(self.settings.api_version)

    @cached_property
    def apis(self) -> Apis:
        """The contracts of this run."""
        return apis_in(self.settings.contracts)

    def contract_of(self, version: str | None) -> Contract | None:
        """Return the contract of an API version (``None``: the run's own), or ``None`` where there is none."""
        if version in (None, self.settings.api_version):
            return self.contract
        try:
            return self.apis.management(version)
        except ContractError:
            return None

    def operation_of(self, request: httpx.Request) -> Match | None:
        """Return the operation that ``request`` is of, and its contract; None where no contract has it."""
        url, path = str(request.url), request.url.raw_path.decode("ascii", "replace").partition("?")[0]
        if self._hosts.is_served(url):
            contract = self.contract_of(path.split("/")[1] if path.count("/") > 1 else None)
            found = contract.match(request.method, path) if contract else None
            if contract and found:
                return Match(contract, *found)
        return self.apis.match(request.method, url, any_version=True)

    def is_ours(self, url: str) -> bool:
        """Return whether ``url`` lies on a host of Adyen's, or below the run's base URL."""
        return self._hosts.is_ours(url)

    @cached_property
    def _hosts(self) -> Hosts:
        return Hosts([self.settings.base_url])

    def _named(self, name: str) -> Contract | None:
        if "/" not in name:
            return self.contract_of(name)
        return next((each for each in self.apis.all_own if each.name == name), None)

    @cached_property
    def baseline(self) -> Baseline:
        """What a person has accepted, of drift and of verdicts; raises :class:`FileRefused` for a file that is none."""
        path = self.settings.drift_baseline
        return read_baseline(path) if path else Baseline()

    @property
    def acceptance(self) -> Acceptance:
        """What does not count in this run: known deviations, unless it is strict, and the baseline.

        Known deviations are those of the run's version, and of the others that have answered so far.
        """
        versions = frozenset(self.collector.versions - {self.contract.version})
        if versions not in self._acceptances:
            contracts = [self.contract, *filter(None, map(self._named, sorted(versions)))]
            known = Baseline() if self.settings.strict else together(each.own_deviations for each in contracts)
            self._acceptances[versions] = Acceptance(known, self.baseline, self.today)
        return self._acceptances[versions]

    @property
    def has_results(self) -> bool:
        """Whether there is anything to say at the end; known deviations alone are news in a live run only."""
        return bool(self.rehearsal.has_news or self.settings.roles) or self.has_drift

    @property
    def has_drift(self) -> bool:
        """Whether there is anything to say of coverage and drift."""
        if self.coverage or self.collects_traffic or self.problems or self.collector.problems or self.settings.reports:
            return True
        found = self.collector.found.findings
        return bool(found) and (self.settings.backend == "live" or len(self.judgement.known) < len(found))

    @property
    def judgement(self) -> Judgement:
        """The drift found so far, divided into what counts today, known deviations, and what the baseline accepts."""
        return self.acceptance.divide(self.collector.found.findings, self.collector.answered)

    @property
    def failing(self) -> tuple[Finding, ...]:
        """The findings that this run is to fail for, by ``--adyen-drift``."""
        levels = {"report": (), "fail-breaking": ("breaking",), "fail": ("breaking", "warning", "info")}
        fails = levels[self.settings.drift]
        return tuple(finding for finding in self.judgement.findings if finding.level in fails) if fails else ()

    @property
    def unclaimed(self) -> list[CheckFailure]:
        """The departures that the suite met and that no item has failed for: their own items never ran."""
        return [failure for key, failure in self.owed.items() if key not in self.failed]

    @property
    def fails(self) -> bool:
        """Whether ``--adyen-drift`` fails this run: for its findings, or for an answer that could not be judged."""
        return bool(self.failing) or (self.settings.drift != "report" and bool(self.collector.problems))

    def saw(self, operation: str, status: int, origin: str, failures: Iterable[CheckFailure] = ()) -> None:
        """Note one judged exchange."""
        self.coverage[operation, status] += 1
        self.origins[origin] += 1
        self.note(failures)

    def note(self, failures: Iterable[CheckFailure]) -> None:
        """Note failed checks; those of one departure are one, counted. Findings are the collector's."""
        known = {failure.key: number for number, failure in enumerate(self.failures)}
        for failure in failures:
            if failure.finding is not None:
                continue
            number = known.setdefault(failure.key, len(self.failures))
            if number == len(self.failures):
                self.failures.append(failure)
            else:
                same = self.failures[number]
                tests = tuple(sorted({*same.tests, *failure.tests}))
                self.failures[number] = replace(same, count=same.count + failure.count, tests=tests)

    def to_json(self) -> dict[str, Any]:
        """Return what was seen as a JSON object, for another process."""
        return {
            "coverage": [[label, status, count] for (label, status), count in self.coverage.items()],
            **{name: dict(getattr(self, name)) for name in _COUNTERS},
            "failures": [failure.to_json() for failure in self.failures],
            "failed": sorted(self.failed),
            "owed": [failure.to_json() for failure in self.owed.values()],
            "unrecorded": sorted(map(str, self.unrecorded)),
            "recordings": sorted(map(str, self.recordings)),
            "problems": self.problems,
            "rehearsal": self.rehearsal.to_json(),
            "broken": self.broken,
            "roles": self.roles.to_json(),
            "drift": self.collector.to_json(),
        }

    def merge(self, value: dict[str, Any]) -> None:
        """Add what another process saw, as :meth:`to_json` gave it."""
        self.coverage.update({(label, status): count for label, status, count in value["coverage"]})
        for name in _COUNTERS:
            getattr(self, name).update(value[name])
        self.note(CheckFailure(**failure) for failure in value["failures"])
        self.failed.update(map(tuple, value["failed"]))
        self.owed |= {owed.key: owed for owed in (CheckFailure(**failure) for failure in value["owed"])}
        self.unrecorded.update(map(Path, value["unrecorded"]))
        self.recordings.update(map(Path, value["recordings"]))
        self.problems += value["problems"]
        self.rehearsal.merge(value["rehearsal"])
        self.broken |= value["broken"]
        self.roles.merge(value["roles"])
        self.collector.merge(value["drift"])
