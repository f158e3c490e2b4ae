"""Many runs that claim the same few throwaways, in simulated time: each step happens at a moment of its own.

The register is a real credential of the embedded sandbox, read and written through the real client; only the moments
are simulated, so nothing sleeps and every interleaving that a seed draws can be drawn again.
"""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from pytest_adyen_creds.client import ManagementClient, Ownership, tag
from pytest_adyen_creds.credentials.claims import ObservedState, Timing, claim_steps
from pytest_adyen_creds.sandbox import Clock, Sandbox

CARELESS: Any = SimpleNamespace(latest_write=math.inf, slowest_write=math.inf, wait=2.0)
"""What no :class:`Timing` can be: nobody looks at how long anything took, and the wait is shorter than a write."""


@dataclass
class Contention:
    """``runs`` runs over ``shared`` throwaways until ``claims`` claims wrote their tag.

    A read or a write takes up to half of ``slowest`` seconds, drawn at random. ``timing`` is what the algorithm is
    told. ``failures`` is the share of writes whose answer is lost, ``late`` that of reads whose answer comes up to a
    minute after the server read.
    """

    seed: int
    slowest: float
    timing: Timing
    runs: int = 20
    shared: int = 10
    claims: int = 1000
    failures: float = 0.0
    late: float = 0.0
    won: int = 0
    tried: int = 0
    held_twice: list[str] = field(default_factory=list)
    overwritten: list[str] = field(default_factory=list)
    """Throwaways whose holder's tag a claim wrote over."""

    def go(self) -> Contention:
        """Simulate, and return what happened."""
        self._draw = random.Random(self.seed)
        self._clock = Clock(flowing=False)
        sandbox = Sandbox(seed=self.seed, clock=self._clock)
        self._holders: dict[str, str] = {}
        self._order = itertools.count()
        self._agenda: list[tuple[float, int, Generator[float, None, None]]] = []
        self._now = 0.0
        with ManagementClient(
            "https://management-test.adyen.com/v3",
            api_key=sandbox.provisioning.api_key,
            transport=sandbox.transport(),
            ownership=Ownership.sandbox(),
        ) as client:
            self._account = client.company(sandbox.company)
            ids = [self._free_one() for _ in range(self.shared)]
            for _ in range(self.runs):
                self._plan(self._draw.uniform(0, self.slowest), self._run(tag.new_run(), ids))
            while self._agenda:
                moment, _, process = heapq.heappop(self._agenda)
                self._clock.advance(seconds=moment - self._now)
                self._now = moment
                try:
                    self._plan(moment + next(process), process)
                except StopIteration:
                    continue
        return self

    def _plan(self, moment: float, process: Generator[float, None, None]) -> None:
        heapq.heappush(self._agenda, (moment, next(self._order), process))

    def _free_one(self) -> str:
        body = self._account.create({"description": self._expired("00000000")})
        self._account.update(body["id"], {"active": False})
        return body["id"]

    def _expired(self, run: str) -> str:
        return tag.make(run, self._clock.now().replace(second=0, microsecond=0))

    def _run(self, run: str, ids: list[str]) -> Generator[float, None, None]:
        while self.tried < self.claims:
            target = self._draw.choice(ids)
            if (yield from self._claim(run, target)):
                yield from self._hold(run, target)
            else:
                yield self._draw.uniform(0, 6 * self.slowest)

    def _claim(self, run: str, target: str) -> Generator[float, None, bool]:
        now = self._clock.now()
        own = tag.make(run, now + timedelta(minutes=10))
        steps = claim_steps(own, now, self.timing)
        started, answer = self._now, None
        while True:
            try:
                step, seconds = steps.send(answer)
            except StopIteration as end:
                return bool(end.value)
            answer = yield from self._take_time(step, seconds, target, own, started)

    def _take_time(
        self, step: str, seconds: float, target: str, own: str, started: float
    ) -> Generator[float, None, Any]:
        if step == "wait":
            yield seconds
            return None
        # it takes effect at some moment of the time it takes, and the answer comes at the end
        there, back = sorted(self._draw.uniform(0, self.slowest / 2) for _ in range(2))
        if step == "write" and self._now - started > seconds:
            return None  # as the client does, which does not send it
        yield there
        if step == "read":
            observed = ObservedState.of(self._account.get(target))
            yield back - there + (self._draw.uniform(0, 60) if self._draw.random() < self.late else 0)
            return observed, self._now - started
        self.tried += 1
        if target in self._holders:
            self.overwritten.append(target)
        self._account.update(target, {"description": own})
        yield back - there
        return None if self._draw.random() < self.failures else self._now - started

    def _hold(self, run: str, target: str) -> Generator[float, None, None]:
        if target in self._holders:
            self.held_twice.append(target)
        self._holders[target] = run
        self.won += 1
        yield self._draw.uniform(0, self.slowest)
        expires = self._clock.now() + timedelta(hours=2)
        self._account.update(target, {"active": True, "description": tag.make(run, expires)})
        yield self._draw.uniform(0, 2 * self.slowest)
        if self._holders.get(target) == run:
            del self._holders[target]
        self._account.update(target, {"active": False, "description": self._expired(run)})
