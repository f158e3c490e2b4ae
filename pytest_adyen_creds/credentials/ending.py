"""The end of a run: how long it may take, how often it tries, and what it leaves."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import httpx

from pytest_adyen_creds import clock
from pytest_adyen_creds.client import Retries

GOODBYE: Final = 60.0
"""Seconds that a run which is done takes to switch its throwaways off, at most; a request under way is waited for."""

SWEEP: Final = "run adyen-creds sweep"
"""The next step wherever a throwaway may be left."""


class Deadline:
    """A moment ``seconds`` from now, by the machine's own clock."""

    def __init__(self, seconds: float = GOODBYE) -> None:
        self.seconds = seconds
        self._moment = clock.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds until then, at least 0."""
        return max(0.0, self._moment - clock.monotonic())

    @property
    def is_over(self) -> bool:
        """Whether it has passed."""
        return not self.left


@dataclass(frozen=True)
class Left:
    """What may still be active: a throwaway's ``id``, empty where nobody knows it, and ``why``, a line to be shown."""

    id: str
    why: str

    def __str__(self) -> str:
        return self.why


@dataclass(frozen=True)
class Patience(Retries):
    """Retries that do not ask a server over and over which nobody reaches.

    When a request has gone without an answer through all its tries, each later one has a single try, until one is
    answered. Whoever shares ``lost`` shares what is known of the server.
    """

    lost: threading.Event = field(default_factory=threading.Event)

    def wait(
        self,
        request: httpx.Request,
        outcome: httpx.Response | httpx.TransportError,
        tried: int,
        waited: float,
        now: datetime,
    ) -> float | None:
        """Return the seconds to wait before the next attempt, or None."""
        if isinstance(outcome, httpx.Response):
            self.lost.clear()
        elif self.lost.is_set():
            return None
        seconds = super().wait(request, outcome, tried, waited, now)
        if seconds is None and isinstance(outcome, httpx.TransportError):
            self.lost.set()
        return seconds
