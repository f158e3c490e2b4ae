"""Claims: which of several runs gets a free throwaway of an earlier run, by an optimistic claim.

It is Fischer's timed mutual exclusion. All that the runs share is the throwaway's description. A run reads that the
throwaway is free, writes its own tag, waits longer than the slowest write takes, and reads again: the throwaway is its
own only if the tag stands.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from pytest_adyen_creds.client import tag
from pytest_adyen_creds.errors import CredentialError

CLAIM_LASTS: Final = timedelta(minutes=10)
"""How long a claim that was given up keeps a throwaway from being claimed again."""

MOST_CLAIMS: Final = 3
"""Claims that are tried before a new throwaway is created instead."""

Step = Literal["read", "write", "wait"]
Answer = tuple["ObservedState", float] | float | None


@dataclass(frozen=True)
class ObservedState:
    """What one read of a throwaway showed of what the runs share: its description, and whether it is active."""

    description: str | None
    active: bool

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> ObservedState:
        """Return what an answer of the API shows."""
        description = body.get("description")
        return cls(description if isinstance(description, str) else None, body.get("active") is not False)


@dataclass(frozen=True)
class Timing:
    """The bound of the algorithm, in seconds.

    ``slowest_write``: the most that may pass from the start of the first read to the answer of the write. A run that
    measures more gives the claim up, so that a slow network costs a claim and never lets two runs hold one throwaway;
    and one that has spent half of it by the time it would write does not write, so that a late answer to its read
    does not make it write over the tag of whoever has claimed the throwaway meanwhile.
    ``wait``: how long the tag must have stood before the second read; it must be longer, or a write that started while
    the throwaway still read as free could land after another run's second read, and both would hold it.

    Raises :class:`CredentialError` for a wait that is not longer.
    """

    slowest_write: float
    wait: float

    def __post_init__(self) -> None:
        if not 0 < self.slowest_write < self.wait:
            raise CredentialError(
                f"a claim's wait of {self.wait} s is not longer than its slowest write of {self.slowest_write} s; "
                "two runs could then hold one throwaway: make the wait longer"
            )

    @property
    def latest_write(self) -> float:
        """Seconds after the start of the first read until which the write may be sent."""
        return self.slowest_write / 2


OVER_NETWORK: Final = Timing(slowest_write=10.0, wait=12.0)
ON_LOOPBACK: Final = Timing(slowest_write=1.0, wait=1.25)
"""A server on this machine answers sooner; the bound is kept the same way."""


def is_free(observed: ObservedState, now: datetime) -> bool:
    """Return whether a throwaway is free to be claimed: not active, and its tag expired.

    A tag that has not expired, on one that is not active, is another run's claim under way.
    """
    parsed = tag.parse(observed.description)
    return parsed is not None and not observed.active and parsed.is_expired(now)


def claim_steps(own: str, now: datetime, timing: Timing) -> Generator[tuple[Step, float], Answer, bool]:
    """Yield the steps of one claim; return whether the throwaway is now this run's.

    ``("read", 0)`` is to be answered with an :class:`ObservedState` and the seconds since the first read started;
    ``("write", seconds)``, the write of ``own`` into the description alone, sent once and not at all later than so
    many seconds after the start of the first read, with the seconds since then, or None where no answer came;
    ``("wait", seconds)`` with None. ``own`` must differ from every other run's tag. Pure: no clock, no network.
    """
    first = yield "read", 0.0
    if not isinstance(first, tuple) or first[1] > timing.latest_write or not is_free(first[0], now):
        return False
    elapsed = yield "write", timing.latest_write
    if not isinstance(elapsed, int | float) or elapsed > timing.slowest_write:
        return False
    yield "wait", timing.wait
    second = yield "read", 0.0
    return isinstance(second, tuple) and second[0] == ObservedState(own, active=False)
