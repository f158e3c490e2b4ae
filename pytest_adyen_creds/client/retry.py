"""Pacing: the clock that waits, retries that end, and the rate limit."""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import httpx

from pytest_adyen_creds import clock
from pytest_adyen_creds.client.parsing import idempotency_key, parse

_REPEATABLE: Final = frozenset({"GET", "HEAD", "OPTIONS", "DELETE", "PATCH"})

Result = httpx.Response | httpx.TransportError
"""What an attempt came to."""


class Clock:
    """The machine's clock; the sandbox's, or that of a test, has the same methods."""

    def now(self) -> datetime:
        """Return the current time in UTC."""
        return clock.now()

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return clock.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


@dataclass(frozen=True)
class Retries:
    """When a request is sent again: bounded in number and in time.

    A PATCH counts as repeatable, since this API's updates set values; a POST only with an ``Idempotency-Key``.
    """

    tries: int = 5
    """Attempts in all; 1 means no retry."""
    first_wait: float = 0.5
    """Seconds before the second attempt; doubled for each further one, less up to half of it at random."""
    longest_wait: float = 30.0
    """Seconds; the most that one backoff waits. A ``Retry-After`` may ask for more."""
    total_wait: float = 120.0
    """Seconds; the most that one request waits in all. What would take longer is not waited for."""
    only_rate_limit: bool = False
    """Retry 429 only: for generated traffic, where a 500 is a finding."""
    jitter: Callable[[], float] = random.SystemRandom().random
    """Numbers from 0 up to 1."""

    def repeatable(self, request: httpx.Request) -> bool:
        """Return whether sending ``request`` twice does what sending it once does."""
        return request.method in _REPEATABLE or (request.method == "POST" and idempotency_key(request) is not None)

    def wait(self, request: httpx.Request, result: Result, tried: int, waited: float, now: datetime) -> float | None:
        """Return the seconds to wait before the next attempt, or None: this result is the last.

        ``tried`` attempts were made and ``waited`` seconds spent between them.
        """
        if tried >= self.tries or not self.repeatable(request) or not self._is_passing(result):
            return None
        seconds = min(self.first_wait * 2.0 ** (tried - 1), self.longest_wait) * (1 - self.jitter() / 2)
        if isinstance(result, httpx.Response):
            seconds = max(seconds, _retry_after(result.headers.get("retry-after", ""), now))
        return seconds if waited + seconds <= self.total_wait else None

    def _is_passing(self, result: Result) -> bool:
        if isinstance(result, httpx.Response) and result.status_code == 429:
            return True
        if self.only_rate_limit:
            return False
        if isinstance(result, httpx.TransportError):
            # what httpx itself would not send will not be sent better the next time
            return not isinstance(result, httpx.LocalProtocolError | httpx.UnsupportedProtocol)
        return (
            result.status_code >= 500
            or result.headers.get("transient-error", "").strip().lower() == "true"
            or in_progress(result.status_code, parse(result.content))
        )


ONCE: Final = Retries(tries=1)
"""No retry."""


def in_progress(status: int, body: object) -> bool:
    """Return whether an answer says that the first request with this idempotency key is not finished (704)."""
    return status in (409, 422) and isinstance(body, dict) and str(body.get("errorCode")) == "704"


def _retry_after(value: str, now: datetime) -> float:
    value = value.strip()
    if re.fullmatch(r"[0-9]{1,9}", value):
        return float(value)
    moment = http_date(value)
    return max(0.0, (moment - now).total_seconds()) if moment else 0.0


def http_date(value: str) -> datetime | None:
    """Return the moment, aware, that a header such as ``Date`` names; None where it names none."""
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class RateLimit:
    """A token bucket: ``requests`` requests in a minute on average, ``burst`` at once; thread-safe."""

    def __init__(self, requests: float, *, burst: int = 10, clock: Clock | None = None) -> None:
        if requests <= 0 or burst < 1:
            raise ValueError("a rate limit needs a positive rate and a burst of at least 1")
        self._rate = requests / 60
        self._burst = float(burst)
        self._clock = clock or Clock()
        self._tokens = self._burst
        self._filled = self._clock.monotonic()
        self._lock = threading.Lock()

    def acquire(self) -> float:
        """Wait for a turn; return the seconds waited."""
        with self._lock:
            now = self._clock.monotonic()
            self._tokens = min(self._burst, self._tokens + max(0.0, now - self._filled) * self._rate)
            self._filled = max(now, self._filled)
            # below zero it is a queue: each waiter has taken its token and knows when it will be there
            self._tokens -= 1
            wait = max(0.0, -self._tokens / self._rate)
        if wait:
            self._clock.sleep(wait)
        return wait
