"""What the tests of the client share: the loopback server, a clock that does not wait, tags."""

from __future__ import annotations

import importlib.util
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

_spec = importlib.util.spec_from_file_location("client_loopback", Path(__file__).with_name("loopback.py"))
assert _spec is not None
assert _spec.loader is not None
_module = importlib.util.module_from_spec(_spec)
sys.modules["client_loopback"] = _module
_spec.loader.exec_module(_module)


class StillClock:
    """Time passes by sleeping only; ``slept`` tells how long."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.start = datetime(2026, 7, 1, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.start + timedelta(seconds=sum(self.slept))

    def monotonic(self) -> float:
        return sum(self.slept)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


@pytest.fixture
def clock() -> StillClock:
    return StillClock()
