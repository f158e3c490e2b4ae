"""Findings added up over answers, tests and processes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from pytest_adyen_creds.contract.finding import Finding
from pytest_adyen_creds.contract.judge import Observation
from pytest_adyen_creds.errors import FileRefused


class Aggregate:
    """The findings of a run: equal ones counted together, with the first example of each and who answered so.

    ``to_json`` and :meth:`merge` carry it between pytest-xdist's processes.
    """

    def __init__(self) -> None:
        self._found: dict[tuple[str, ...], Observation] = {}
        self._origins: dict[tuple[str, ...], Counter[str]] = {}
        self._patterns: Counter[tuple[tuple[str, ...], ...]] = Counter()
        """How many answers showed each set of findings."""
        self.answers = 0
        """How many answers were looked at."""
        self.origins: Counter[str] = Counter()
        """How many of them came from where."""

    def __len__(self) -> int:
        return len(self._found)

    def add(self, observations: Iterable[Observation], *, origin: str = "") -> None:
        """Add what was observed in one answer; ``origin`` says in words who gave it."""
        observations = list(observations)
        if observations:
            self._patterns[tuple(sorted(each.finding.key for each in observations))] += 1
        self._add(observations, 1, origin)

    def _add(self, observations: Iterable[Observation], answers: int, origin: str) -> None:
        self.answers += answers
        if origin:
            self.origins[origin] += answers
        for observation in observations:
            key = observation.finding.key
            if origin:
                self._origins.setdefault(key, Counter())[origin] += observation.finding.count
            known = self._found.get(key)
            if known is None:
                self._found[key] = observation
            else:
                count = known.finding.count + observation.finding.count
                self._found[key] = replace(known, finding=replace(known.finding, count=count))

    @property
    def findings(self) -> list[Finding]:
        """Return the findings, the most serious first; ``count`` is the number of answers that showed each."""
        return sorted((found.finding for found in self._found.values()), key=lambda finding: finding.rank)

    def answers_with(self, findings: Iterable[Finding]) -> int:
        """Return how many answers showed one or more of ``findings``."""
        keys = {finding.key for finding in findings}
        return sum(count for pattern, count in self._patterns.items() if not keys.isdisjoint(pattern))

    def example(self, finding: Finding) -> str:
        """Return the example that was kept of ``finding``, masked; empty where there is none."""
        found = self._found.get(finding.key)
        return found.example if found else ""

    def origins_of(self, finding: Finding) -> dict[str, int]:
        """Return who gave the answers that showed ``finding``, and how many of them; empty where nobody said."""
        return dict(sorted(self._origins.get(finding.key, {}).items()))

    def to_json(self) -> dict[str, Any]:
        """Return all of it as a JSON object."""
        return {
            "answers": self.answers,
            "origins": dict(sorted(self.origins.items())),
            "patterns": [[list(map(list, pattern)), count] for pattern, count in sorted(self._patterns.items())],
            "findings": [
                found.finding.to_json() | {"example": found.example, "origins": self.origins_of(found.finding)}
                for _, found in sorted(self._found.items(), key=lambda item: item[0])
            ],
        }

    def merge(self, value: Any) -> None:
        """Add what another process wrote with :meth:`to_json`; raises :class:`FileRefused` for anything else."""
        listed = value.get("findings") if isinstance(value, Mapping) else None
        if not isinstance(value, Mapping) or not isinstance(listed, list) or type(value.get("answers")) is not int:
            raise FileRefused("what a worker found is an object with 'answers' and 'findings'; this is not one")
        observations = [Observation(Finding.from_json(item), str(item.get("example", ""))) for item in listed]
        self._add(observations, value["answers"], "")
        self.origins.update(value.get("origins", {}))
        for pattern, count in value.get("patterns", ()):
            self._patterns[tuple(map(tuple, pattern))] += count
        for observation, item in zip(observations, listed, strict=True):
            if item.get("origins"):
                self._origins.setdefault(observation.finding.key, Counter()).update(item["origins"])
