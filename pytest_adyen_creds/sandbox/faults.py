"""Faults: what goes wrong on demand, by operation, count and probability."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from pytest_adyen_creds.errors import SandboxError
from pytest_adyen_creds.sandbox.evidence import assumed
from pytest_adyen_creds.sandbox.routing import OPERATIONS
from pytest_adyen_creds.sandbox.violations import VIOLATIONS

ASKED_FOR: Final = assumed(
    "faults",
    "asked-for",
    "Whoever drives the sandbox can ask for faults; answers made by a fault are not Adyen's behaviour.",
    "made for rehearsing what a client has to survive",
)

LONGEST_DELAY: Final = 300.0
"""The longest delay of an answer, in seconds."""


class FaultKind(StrEnum):
    """What goes wrong."""

    STATUS = "status"
    """Another status is answered, with an error document; the request is not carried out."""
    DELAY = "delay"
    """The request is carried out later."""
    RESET = "reset"
    """The connection is reset before the request is carried out."""
    LOST_ANSWER = "lost-answer"
    """The request is carried out, and the connection is reset before the answer."""
    TIMEOUT = "timeout"
    """The request is carried out, and no answer comes before the client's own timeout."""
    TRUNCATED = "truncated"
    """The request is carried out; the connection is reset in the middle of the answer's body."""
    CONTENT_TYPE = "content-type"
    """The request is carried out and its answer announced as something else."""
    VIOLATION = "violation"
    """The request is carried out and its answer breaks the contract in a named way."""
    DUPLICATE = "duplicate"
    """The request is delivered twice, and the second answer is the one that arrives."""


@dataclass(frozen=True)
class Fault:
    """One fault. ``operation`` is a label (``None``: any), ``times`` how often it strikes at most (``None``: always).

    ``probability`` (0 to 1) decides at each request; the draws depend only on the sandbox's seed. The other fields
    belong to kinds: ``status`` and ``retry_after`` (seconds), ``seconds``, ``content_type``, ``violation`` and the
    ``field`` that it breaks.
    """

    id: int
    kind: FaultKind
    operation: str | None = None
    times: int | None = 1
    probability: float = 1.0
    status: int = 500
    retry_after: int | None = None
    seconds: float = 0.0
    content_type: str = "text/html"
    violation: str = "drop-required-field"
    field: str | None = None


class Faults:
    """The faults that are set. Of those that match a request, the one set first strikes; one a request."""

    def __init__(self, draw: Callable[[str, int], float]) -> None:
        self._draw = draw
        self._ids = itertools.count(1)
        self._set: dict[int, Fault] = {}
        self._struck: dict[int, int] = {}
        self._drawn: dict[int, int] = {}
        self._lock = threading.Lock()

    def status(
        self,
        status: int,
        operation: str | None = None,
        *,
        times: int | None = 1,
        probability: float = 1.0,
        retry_after: int | None = None,
    ) -> Fault:
        """Answer ``status`` (200 to 599) with an error document; ``retry_after`` seconds become a header."""
        if not 200 <= status <= 599:
            raise SandboxError(f"{status} is no final HTTP status; give one from 200 to 599")
        if retry_after is not None and retry_after < 0:
            raise SandboxError("retry_after is below 0; give it in seconds")
        return self.add(
            FaultKind.STATUS, operation, times=times, probability=probability, status=status, retry_after=retry_after
        )

    def delay(
        self, seconds: float, operation: str | None = None, *, times: int | None = 1, probability: float = 1.0
    ) -> Fault:
        """Wait ``seconds`` (real ones, at most 300) before the request is carried out.

        In-process nothing measures the wait, so that no timeout of a client strikes: :meth:`time_out` has it strike.
        """
        if not 0 <= seconds <= LONGEST_DELAY:
            raise SandboxError(f"a delay has 0 to {LONGEST_DELAY:.0f} seconds; give one of these")
        return self.add(FaultKind.DELAY, operation, times=times, probability=probability, seconds=seconds)

    def reset(self, operation: str | None = None, *, times: int | None = 1, probability: float = 1.0) -> Fault:
        """Reset the connection before the request is carried out."""
        return self.add(FaultKind.RESET, operation, times=times, probability=probability)

    def lose_answer(self, operation: str | None = None, *, times: int | None = 1, probability: float = 1.0) -> Fault:
        """Carry the request out, then reset the connection before the answer."""
        return self.add(FaultKind.LOST_ANSWER, operation, times=times, probability=probability)

    def time_out(self, operation: str | None = None, *, times: int | None = 1, probability: float = 1.0) -> Fault:
        """Carry the request out, and have the client's own timeout strike: at once in-process, over HTTP in its time.

        Over HTTP the server is silent until the client gives up, for at most 300 seconds.
        """
        return self.add(FaultKind.TIMEOUT, operation, times=times, probability=probability)

    def truncate(self, operation: str | None = None, *, times: int | None = 1, probability: float = 1.0) -> Fault:
        """Carry the request out, then reset the connection in the middle of the body."""
        return self.add(FaultKind.TRUNCATED, operation, times=times, probability=probability)

    def content_type(
        self, content_type: str, operation: str | None = None, *, times: int | None = 1, probability: float = 1.0
    ) -> Fault:
        """Carry the request out, and announce its answer as ``content_type``."""
        if not content_type.isascii() or not content_type.isprintable():
            raise SandboxError("a content type is printable ASCII; give one like text/html")
        return self.add(
            FaultKind.CONTENT_TYPE, operation, times=times, probability=probability, content_type=content_type
        )

    def violate(
        self,
        violation: str,
        operation: str | None = None,
        *,
        field: str | None = None,
        times: int | None = 1,
        probability: float = 1.0,
    ) -> Fault:
        """Carry the request out, and break its answer in the way named ``violation`` (see ``VIOLATIONS``).

        ``field`` is the property to break, where the way has a choice. An answer that has nothing to break in this
        way is left as it is, and does not count.
        """
        if violation not in VIOLATIONS:
            raise SandboxError(f"no violation is named {violation!r}; give one of: {', '.join(VIOLATIONS)}")
        return self.add(
            FaultKind.VIOLATION, operation, times=times, probability=probability, violation=violation, field=field
        )

    def duplicate(self, operation: str | None = None, *, times: int | None = 1, probability: float = 1.0) -> Fault:
        """Deliver the request twice; the second answer arrives."""
        return self.add(FaultKind.DUPLICATE, operation, times=times, probability=probability)

    def add(
        self,
        kind: FaultKind,
        operation: str | None = None,
        *,
        times: int | None = 1,
        probability: float = 1.0,
        **details: Any,
    ) -> Fault:
        """Set a fault of ``kind`` and return it; the methods named after kinds check the details."""
        if operation is not None and operation not in OPERATIONS:
            raise SandboxError(f"no operation is labelled {operation!r}; give a label like 'GET /me', or none for any")
        if times is not None and times < 1:
            raise SandboxError(f"a fault cannot strike {times} times; give 1 or more, or None for always")
        if not 0 <= probability <= 1:
            raise SandboxError(f"{probability} is no probability; give a number from 0 to 1")
        with self._lock:
            fault = Fault(next(self._ids), kind, operation, times, probability, **details)
            self._set[fault.id] = fault
            self._struck[fault.id] = self._drawn[fault.id] = 0
            return fault

    def clear(self) -> None:
        """Take all faults away."""
        with self._lock:
            self._set.clear()

    def remove(self, id: int) -> None:
        """Take the fault with ``id`` away; raises :class:`SandboxError` for an unknown one."""
        with self._lock:
            if id not in self._set or self._is_spent(self._set.pop(id)):
                raise SandboxError(f"no fault has the id {id}; list the faults to see which there are")

    def struck(self, id: int) -> int:
        """Return how often the fault with ``id`` has struck."""
        return self._struck.get(id, 0)

    def all(self) -> list[Fault]:
        """Return the faults that can still strike."""
        with self._lock:
            return [fault for fault in self._set.values() if not self._is_spent(fault)]

    def take(self, operation: str) -> Fault | None:
        """Return the fault that strikes a request of ``operation``, counted as struck; ``None`` for none."""
        with self._lock:
            for fault in self._set.values():
                if fault.operation not in (None, operation) or self._is_spent(fault):
                    continue
                self._drawn[fault.id] += 1
                if self._draw(f"fault-{fault.id}", self._drawn[fault.id]) >= fault.probability:
                    continue
                self._struck[fault.id] += 1
                return fault
        return None

    def give_back(self, fault: Fault) -> None:
        """Undo :meth:`take`: the fault found nothing to do, and keeps its place unless it was taken away meanwhile."""
        with self._lock:
            self._struck[fault.id] -= 1

    def _is_spent(self, fault: Fault) -> bool:
        return self._struck[fault.id] == fault.times
