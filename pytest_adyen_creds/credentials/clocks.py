"""Clocks: the machine's, whose sleeps end with the run, and the embedded sandbox's, which nothing waits for."""

from __future__ import annotations

import threading
from datetime import datetime
from typing import TYPE_CHECKING

from pytest_adyen_creds.client import SystemClock
from pytest_adyen_creds.errors import CredentialError

if TYPE_CHECKING:
    from pytest_adyen_creds.sandbox import Sandbox


class StoppableClock(SystemClock):
    """The machine's clock, whose sleeps end with an error when the run does."""

    def __init__(self) -> None:
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Break off every sleep, now and from now on."""
        self._stopped.set()

    def sleep(self, seconds: float) -> None:
        """Wait; raises :class:`CredentialError` where the run ends meanwhile, so that nothing goes on too early."""
        if self._stopped.wait(seconds):
            raise CredentialError("the run is ending, so no throwaway is provisioned any more; run again")


class SandboxClock:
    """The clock of the embedded sandbox: waiting moves it, so nothing sleeps."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._clock = sandbox.clock

    def now(self) -> datetime:
        """Return the sandbox's time."""
        return self._clock.now()

    def monotonic(self) -> float:
        """Return the sandbox's time in seconds; it only moves forward."""
        return self._clock.now().timestamp()

    def sleep(self, seconds: float) -> None:
        """Move the clock."""
        self._clock.advance(seconds=seconds)
