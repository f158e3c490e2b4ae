"""The sandbox's clock: everything that expires reads it, and tests move it."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

from pytest_adyen_creds import clock
from pytest_adyen_creds.errors import SandboxError


class Clock:
    """A clock in UTC that can be moved forward.

    It starts at ``start`` (default: the real time) and goes on with real time, also in a test that freezes or moves
    time; with ``flowing=False`` it stands still between two calls of :meth:`advance`.
    """

    def __init__(self, start: datetime | None = None, *, flowing: bool = True) -> None:
        if start is not None and start.tzinfo is None:
            raise SandboxError("the clock's start has no time zone; give an aware datetime, for example in UTC")
        self._start = (start or clock.now()).astimezone(UTC)
        self._flowing = flowing
        self._origin = clock.monotonic()
        self._advanced = timedelta()
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Return the sandbox's current time, aware, in UTC."""
        with self._lock:
            flowed = clock.monotonic() - self._origin if self._flowing else 0.0
            return self._start + self._advanced + timedelta(seconds=flowed)

    def advance(self, *, hours: float = 0, minutes: float = 0, seconds: float = 0) -> datetime:
        """Move the clock forward and return the new time; raises :class:`SandboxError` for a step backwards."""
        try:
            step = timedelta(hours=hours, minutes=minutes, seconds=seconds)
            if step < timedelta():
                raise SandboxError("the clock only moves forward; advance it by zero or more")
            with self._lock:
                # refused here rather than at the next reading
                _ = self._start + self._advanced + step + timedelta(days=366)
                self._advanced += step
        except (OverflowError, ValueError):
            raise SandboxError("the clock cannot move that far; advance it by a smaller step") from None
        return self.now()
