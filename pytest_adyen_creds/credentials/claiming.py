"""Claiming: which of several runs gets a free throwaway, decided by Fischer's timed mutual exclusion.

All that the runs share is one register for each throwaway, its description. A run reads that it is free, writes its
own tag, waits longer than the slowest write takes, and reads again: the throwaway is its own only if the tag stands.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from pytest_adyen_creds.credentials import tag
from pytest_adyen_creds.errors import CredentialError

Step = Literal["read", "write", "wait"]


@dataclass(frozen=True)
class Reading:
    """What one read of a throwaway showed."""

    description: str | None
    active: bool


@dataclass(frozen=True)
class Timing:
    """The bound of the algorithm, in seconds.

    ``slowest_write``: the most that may pass from the start of the first read to the answer of the write. A run that
    measures more gives the claim up, so that a slow network costs a claim and never lets two runs hold one throwaway.
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


OVER_NETWORK: Final = Timing(slowest_write=10.0, wait=12.0)
ON_LOOPBACK: Final = Timing(slowest_write=1.0, wait=1.25)
"""A server on this machine answers sooner; the bound is kept the same way."""


def is_free(reading: Reading, now: datetime) -> bool:
    """Return whether a throwaway is free to be claimed: switched off, and its tag expired.

    A tag that has not expired, on one that is switched off, is another run's claim under way.
    """
    parsed = tag.parse(reading.description)
    return parsed is not None and not reading.active and parsed.is_expired(now)


def claim_steps(
    own: str, now: datetime, *, slowest_write: float, wait: float
) -> Generator[tuple[Step, float], Reading | float | None, bool]:
    """Yield the steps of one claim; return whether the throwaway is now this run's.

    ``("read", 0)`` is to be answered with a :class:`Reading`; ``("write", 0)``, the write of ``own`` into the
    description alone, with the seconds since the first read started, or None where no answer came;
    ``("wait", seconds)`` with None. ``own`` must differ from every other run's tag. Pure: no clock, no network.
    """
    first = yield "read", 0.0
    if not isinstance(first, Reading) or not is_free(first, now):
        return False
    elapsed = yield "write", 0.0
    if not isinstance(elapsed, int | float) or elapsed > slowest_write:
        return False
    yield "wait", wait
    second = yield "read", 0.0
    return isinstance(second, Reading) and second.description == own and not second.active
