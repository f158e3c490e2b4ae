"""The rate limit: off unless asked for."""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from datetime import datetime, timedelta
from typing import Final

from pytest_adyen_creds.sandbox.decisions import Kind, Refused
from pytest_adyen_creds.sandbox.evidence import assumed

RATE: Final = assumed(
    "limits.rate",
    "With a rate limit set, a credential's requests over it are answered with 429 and Retry-After in seconds.",
    "429 is not in the specification of these operations; Adyen answers it for others, live terminals for example",
)

_WINDOW: Final = timedelta(minutes=1)


class RateLimit:
    """At most ``per_minute`` requests of a credential in any minute of the sandbox's clock; ``None``: no limit."""

    def __init__(self, per_minute: int | None) -> None:
        self.per_minute = per_minute
        self._seen: dict[str, deque[datetime]] = defaultdict(deque)
        self._lock = threading.Lock()

    def admit(self, caller: str, now: datetime) -> None:
        """Count a request of ``caller``; raises :class:`Refused` if it is over the limit."""
        if self.per_minute is None:
            return
        with self._lock:
            seen = self._seen[caller]
            while seen and seen[0] <= now - _WINDOW:
                seen.popleft()
            if len(seen) < self.per_minute:
                seen.append(now)
                return
            wait = (seen[0] + _WINDOW - now).total_seconds()
        headers = {"Retry-After": str(max(1, int(wait + 0.999))), "transient-error": "true"}
        raise Refused(RATE, Kind.TOO_MANY, "Too many requests; wait as long as Retry-After says.", headers=headers)
