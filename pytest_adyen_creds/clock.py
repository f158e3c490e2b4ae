"""The real time, which no test moves.

A test may freeze or move time: freezegun replaces the functions and classes of ``time`` and ``datetime`` that modules
hold, time-machine what stands under ``time.time``, ``datetime.now`` and the clock CLOCK_REALTIME. Neither touches the
counter below. So the time of day is taken once, when the plugin is imported and no test has begun, and counted on from
there; a machine's clock that is set right meanwhile is not followed.
"""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Final

# in a partial, since a module's own name for a function is replaced; CLOCK_BOOTTIME goes on while a machine sleeps
_COUNTER: Final = (
    partial(time.clock_gettime, getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
    if hasattr(time, "clock_gettime")  # Windows has none
    else partial(time.monotonic)
)
_BEGUN: Final = _COUNTER()
_BEGAN: Final = datetime.now(UTC)


def monotonic() -> float:
    """Return seconds that never go back, for differences only."""
    return _COUNTER()


def now() -> datetime:
    """Return the time of day, aware, in UTC."""
    return _BEGAN + timedelta(seconds=_COUNTER() - _BEGUN)


def today() -> date:
    """Return the day it is where this machine is."""
    return now().astimezone().date()
