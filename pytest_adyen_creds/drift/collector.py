"""The collector of a run: every answer it gets, from whatever client or recording, held against the contract.

An :class:`Aggregate` adds up what answers show; a :class:`Collector` has that of a run, :class:`Drift` that of a test.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit
from weakref import WeakSet

from pytest_adyen_creds.cassettes.model import find_header, is_adyens
from pytest_adyen_creds.contract.apis import Match
from pytest_adyen_creds.contract.baseline import Acceptance, Judgement
from pytest_adyen_creds.contract.finding import Finding
from pytest_adyen_creds.contract.judge import Observation, judge
from pytest_adyen_creds.drift.text import lines
from pytest_adyen_creds.errors import in_words
from pytest_adyen_creds.secrets import SECRETS

if TYPE_CHECKING:
    import httpx

    from pytest_adyen_creds.contract import Contract

_VERSION: Final = re.compile(r"/(v\d+)/")


@dataclass
class _Found:
    """A finding with the first example of it, who gave the answers that showed it, and which tests met it."""

    observation: Observation
    origins: Counter[str] = field(default_factory=Counter)
    tests: set[str] = field(default_factory=set)


class Aggregate:
    """The findings of a run: equal ones counted together, with the first example of each, who answered and who asked.

    ``to_json`` and :meth:`merge` carry it between pytest-xdist's processes.
    """

    def __init__(self) -> None:
        self._found: dict[tuple[str, ...], _Found] = {}
        self._patterns: Counter[tuple[tuple[str, ...], ...]] = Counter()
        """How many answers showed each set of findings."""
        self.answers = 0
        """How many answers were looked at."""
        self.origins: Counter[str] = Counter()
        """How many of them came from where."""

    def add(self, observations: Iterable[Observation], *, origin: str = "", test: str = "") -> None:
        """Add what was observed in one answer; ``origin`` says in words who gave it, ``test`` names what asked."""
        observations = list(observations)
        self.answers += 1
        self.origins.update([origin] if origin else [])
        if observations:
            self._patterns[tuple(sorted(each.finding.key for each in observations))] += 1
        for each in observations:
            self._add(each, {origin: each.finding.count} if origin else {}, [test] if test else [])

    def _add(self, observation: Observation, origins: Mapping[str, int], tests: Iterable[str]) -> None:
        key, added = observation.finding.key, observation.finding.count
        if known := self._found.get(key):
            finding = known.observation.finding
            known.observation = replace(known.observation, finding=replace(finding, count=finding.count + added))
        else:
            known = self._found[key] = _Found(observation)
        known.origins.update(origins)
        known.tests.update(tests)

    @property
    def findings(self) -> list[Finding]:
        """Return the findings, the most serious first; ``count`` is the number of answers that showed each."""
        return sorted((found.observation.finding for found in self._found.values()), key=lambda finding: finding.rank)

    def answers_with(self, findings: Iterable[Finding]) -> int:
        """Return how many answers showed one or more of ``findings``."""
        keys = {finding.key for finding in findings}
        return sum(count for pattern, count in self._patterns.items() if not keys.isdisjoint(pattern))

    def example(self, finding: Finding) -> str:
        """Return the example that was kept of ``finding``, masked; empty where there is none."""
        found = self._found.get(finding.key)
        return found.observation.example if found else ""

    def details(self, finding: Finding) -> dict[str, Any]:
        """Return ``finding`` as a JSON object, with its ``example``, the ``tests`` that met it, and its ``origins``.

        Those are who gave the answers that showed it, and how many of them; empty where nobody said.
        """
        found = self._found.get(finding.key) or _Found(Observation(finding, ""))
        origins, tests = dict(sorted(found.origins.items())), sorted(found.tests)
        return finding.to_json() | {"example": found.observation.example, "origins": origins, "tests": tests}

    def to_json(self) -> dict[str, Any]:
        """Return all of it as a JSON object."""
        return {
            "answers": self.answers,
            "origins": dict(sorted(self.origins.items())),
            "patterns": [[list(map(list, pattern)), count] for pattern, count in sorted(self._patterns.items())],
            "findings": [self.details(found.observation.finding) for _, found in sorted(self._found.items())],
        }

    def merge(self, value: Mapping[str, Any]) -> None:
        """Add what another process wrote with :meth:`to_json`."""
        self.answers += value["answers"]
        self.origins.update(value["origins"])
        for pattern, count in value["patterns"]:
            self._patterns[tuple(map(tuple, pattern))] += count
        for item in value["findings"]:
            self._add(Observation(Finding.from_json(item), item["example"]), item["origins"], item["tests"])


class Collector:
    """What a run's answers show of drift. Thread-safe; nothing that it is told of raises.

    ``contract_of`` returns the contract of a version of the Management API (``None``: the run's own), or ``None`` where
    there is none; ``match`` the operation of another contract that a request to a URL is of.
    """

    def __init__(
        self,
        contract_of: Callable[[str | None], Contract | None],
        match: Callable[[str, str], Match | None] = lambda method, url: None,
    ) -> None:
        self._contract_of = contract_of
        self._match = match
        self._lock = threading.RLock()
        self._collecting: list[Aggregate] = []
        self._told: WeakSet[httpx.Request] = WeakSet()
        self.found = Aggregate()
        """The findings of the whole run."""
        self.traffic: Counter[tuple[str, int]] = Counter()
        """The answers by operation label and status, but for those that the contract suite judged."""
        self.answered: Counter[tuple[str, int]] = Counter()
        """The answers by operation label and status that can say something about Adyen: none of the sandbox's."""
        self.versions: set[str] = set()
        """The contracts that answers were judged by, each as :attr:`Contract.short_name`."""
        self.unjudged: Counter[str] = Counter()
        """How many answers no contract is there for, by host and the beginning of the path."""
        self.test = ""
        """The name of the test that runs; empty where none does."""
        self.problems: list[str] = []
        """What kept answers from being looked at, one line each."""
        self._is_paused = False

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Look at no answer in a ``with`` block: what is answered there is made otherwise on purpose."""
        self._is_paused = True
        try:
            yield
        finally:
            self._is_paused = False

    def answer(
        self,
        method: str,
        path: str,
        status: int,
        headers: Mapping[str, str],
        body: bytes,
        origin: str,
        *,
        by_fault: bool = False,
    ) -> list[Finding]:
        """Hold one answer against the contract that its path names, and return what it shows.

        ``path`` is the request's, percent-encoded, or its URL where another API than the Management API can be meant;
        ``headers`` are the answer's; ``body`` is decoded from any content encoding; ``origin`` says in words who
        answered. An answer of an operation that no contract covers is passed over, and counted where another API gave
        it. ``by_fault``: a test asked the sandbox to answer so, which the test may see, and which says nothing
        about Adyen to the run.
        """
        if self._is_paused:
            return []
        with self.guarded(f"an answer to {method}"):
            found = self._matched(method, path)
            if found is not None:
                contract, operation, _ = found
                media = find_header(tuple(headers.items()), "content-type") or ""
                observations = judge(contract, operation, status, media, body, headers)
                with self._lock:
                    self.versions.add(contract.short_name)
                    self.traffic.update([] if by_fault else [(operation.label, status)])
                self._add(operation.label, status, observations, origin, by_fault=by_fault)
                return [observation.finding for observation in observations]
            if "://" in path:
                url = urlsplit(path)
                with self._lock:
                    self.unjudged[f"{url.hostname}{'/'.join(url.path.split('/')[:2])}"] += 1
        return []

    def _matched(self, method: str, path: str) -> Match | None:
        """Return the operation that a path of the Management API, or a URL, is of."""
        if "://" not in path:
            version = _VERSION.match(path)
            contract = self._contract_of(version[1] if version else None)
            found = contract.match(method, path) if contract else None
            if contract and found:
                return Match(contract, *found)
        return self._match(method, path)

    def client(self, origin: str) -> Callable[[httpx.Response], None]:
        """Return an observer for a guarded client that ``origin`` answers."""

        from pytest_adyen_creds.sandbox.wire import BY_FAULT

        def observer(response: httpx.Response) -> None:
            request = response.request
            path = request.url.raw_path.decode("ascii", "replace")
            with self._lock:
                self._told.add(request)
            status, content, by_fault = response.status_code, response.content, BY_FAULT in response.extensions
            self.answer(request.method, path, status, response.headers, content, origin, by_fault=by_fault)

        return observer

    def judged(
        self,
        request: httpx.Request,
        version: str,
        answered: tuple[str, int],
        observations: list[Observation],
        origin: str,
        test: str,
    ) -> None:
        """Take in what the suite's ``test`` observed in the answer to ``request``, unless a client told of it.

        ``version`` is the API's, ``answered`` the operation's label and the status.
        """
        with self._lock:
            if request not in self._told:
                self.versions.add(version)
                self._add(*answered, observations, origin, test=test)
            elif self.traffic[answered] > 0:  # the suite counts for itself what it judges
                self.traffic[answered] -= 1

    @contextmanager
    def collecting(self) -> Iterator[Aggregate]:
        """Collect, in a ``with`` block, what answers show from now on besides."""
        found = Aggregate()
        with self._lock:
            self._collecting.append(found)
        try:
            yield found
        finally:
            with self._lock:
                self._collecting.remove(found)

    @contextmanager
    def guarded(self, what: str) -> Iterator[None]:
        """Note what goes wrong in a ``with`` block as a problem: no user's test is to fail because of the collector."""
        try:
            yield
        except Exception as error:  # noqa: BLE001
            text = SECRETS.mask(f"{what} could not be held against the contract ({in_words(error)})")
            with self._lock:
                if text not in self.problems:
                    self.problems.append(text)

    def to_json(self) -> dict[str, Any]:
        """Return all of it as a JSON object, for another process."""
        with self._lock:
            return {
                "found": self.found.to_json(),
                "traffic": [[label, status, count] for (label, status), count in sorted(self.traffic.items())],
                "answered": [[label, status, count] for (label, status), count in sorted(self.answered.items())],
                "versions": sorted(self.versions),
                "unjudged": dict(self.unjudged),
                "problems": list(self.problems),
            }

    def merge(self, value: Mapping[str, Any]) -> None:
        """Add what another process wrote with :meth:`to_json`."""
        self.found.merge(value["found"])
        self.traffic.update({(label, status): count for label, status, count in value["traffic"]})
        self.answered.update({(label, status): count for label, status, count in value["answered"]})
        self.versions.update(value["versions"])
        self.unjudged.update(value["unjudged"])
        self.problems += value["problems"]

    def _add(
        self,
        label: str,
        status: int,
        observations: list[Observation],
        origin: str,
        *,
        by_fault: bool = False,
        test: str = "",
    ) -> None:
        with self._lock:
            if is_adyens(origin) and not by_fault:
                self.answered[label, status] += 1
            for found in (*(() if by_fault else (self.found,)), *self._collecting):
                found.add(observations, origin=origin, test=test or self.test)


class Drift:
    """What the fixture ``adyen_drift`` gives a test: the findings that its traffic has led to so far."""

    def __init__(self, found: Aggregate, acceptance: Callable[[], Acceptance]) -> None:
        self._found = found
        self._acceptance = acceptance

    @property
    def answers(self) -> int:
        """How many answers were held against the contract."""
        return self._found.answers

    @property
    def findings(self) -> list[Finding]:
        """The findings, accepted ones included, the most serious first; ``count`` is the number of answers.

        Known deviations are none; ``judgement.known`` has them.
        """
        judgement = self.judgement
        return [finding for finding in self._found.findings if finding not in judgement.known]

    @property
    def judgement(self) -> Judgement:
        """The findings, divided into those that count, known deviations, and what the run's baseline accepts."""
        return self._acceptance().divide(self._found.findings)

    def assert_none(self) -> None:
        """Fail the test where it led to findings that count: no known deviations, and not accepted by the baseline."""
        __tracebackhide__ = True
        counting = self.judgement.findings
        if counting:
            examples = [f"example: {example}" for each in counting if (example := self._found.example(each))]
            raise AssertionError("\n".join(["answers depart from the contract:", *lines(counting), *examples[:3]]))
