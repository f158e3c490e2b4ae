"""The shutdown of a live run, which has throwaways to switch off: signals, sleeps, how long it may take, leaks."""

from __future__ import annotations

import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import httpx
import pytest

from pytest_adyen_creds import clock
from pytest_adyen_creds.client import Clock, Credentials, Retries
from pytest_adyen_creds.client.models import CredentialChanges
from pytest_adyen_creds.client.retry import Result
from pytest_adyen_creds.errors import CredentialError, in_words

SHUTDOWN_TAKES: Final = 60.0
"""Seconds that a run which is done takes to switch its throwaways off, at most; a request under way is waited for."""

SWEEP: Final = "run adyen-creds sweep"
"""The next step wherever a throwaway may be left."""

UNTAGGED: Final = (
    "it does not carry this run's tag, so it is not touched; switch it off in the Customer Area if it is the run's"
)
"""Why a credential is left alone of which only an answer says that a run created it."""

_TERMINATING: Final = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
"""A terminal that is closed sends SIGHUP, on the systems that have it; under nohup it is ignored, and stays so."""

_OURS_TO_TAKE: Final = (signal.SIG_DFL, signal.default_int_handler)


class Deadline:
    """A moment ``seconds`` from now, by the machine's own clock."""

    def __init__(self, seconds: float = SHUTDOWN_TAKES) -> None:
        self.seconds = seconds
        self._moment = clock.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds until then, at least 0."""
        return max(0.0, self._moment - clock.monotonic())

    def check(self) -> None:
        """Raise :class:`CredentialError` once it has passed."""
        if not self.left:
            raise CredentialError(f"the {self.seconds:.0f} s that the end of a run may take were over")


def switch_off_each(
    ids: Iterable[str], switch_off: Callable[[str], None], deadline: Deadline, what: str
) -> dict[str, str]:
    """Call ``switch_off`` with each id by ``deadline``; return the ids that it failed for, and why.

    ``what`` says what could not be switched off, with ``{}`` for the id. Whatever fails, the others are switched off.
    """
    leaked = {}
    for credential_id in ids:
        try:
            deadline.check()
            switch_off(credential_id)
        except Exception as error:  # noqa: BLE001 - whatever it is, the others are to be switched off all the same
            leaked[credential_id] = (
                f"{what.format(credential_id)} could not be switched off: {in_words(error)}; {SWEEP}"
            )
    return leaked


def deactivate(
    resource: Credentials, credential_id: str, changes: CredentialChanges, *, retries: Retries | None = None
) -> None:
    """Send ``changes`` and ``active: false``, and read the credential again.

    Raises :class:`CredentialError` where it is still active, whatever was answered to the change.
    """
    resource.update(credential_id, {**changes, "active": False}, retries=retries)
    if resource.get(credential_id, retries=retries).get("active") is not False:
        raise CredentialError(
            f"PATCH was answered as if it were switched off, and a read of it at {resource.account} shows it active; "
            "switch it off in the Customer Area, and check what serves it"
        )


class StoppableClock(Clock):
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


class ShutdownLatch:
    """What changes a throwaway passes here, until the run ends and it is shut; then what is inside is waited for.

    Without it, a request that is still on its way when a run ends would switch on again what the run switched off.
    ``lock`` is that of whoever has the throwaways; it is notified whenever something leaves. Thread-safe.
    """

    def __init__(self, lock: threading.Condition) -> None:
        self.is_shut = threading.Event()
        self._lock = lock
        self._inside: Counter[str] = Counter()

    def shut(self) -> None:
        """Let nothing in any more."""
        with self._lock:
            self.is_shut.set()
            self._lock.notify_all()

    def check(self) -> None:
        """Raise :class:`CredentialError` where it is shut."""
        if self.is_shut.is_set():
            raise CredentialError("the run is ending, so no throwaway is leased out any more; run again")

    @contextmanager
    def passing(self, what: str) -> Iterator[bool]:
        """Yield whether ``what`` may still be changed; where it may, the end of the run waits until it has been."""
        with self._lock:
            may = not self.is_shut.is_set()
            self._inside[what] += may
        try:
            yield may
        finally:
            with self._lock:
                self._inside[what] -= may
                self._lock.notify_all()

    def is_inside(self, what: str) -> bool:
        """Return whether ``what`` is being changed now."""
        with self._lock:
            return self._inside[what] > 0

    def wait(self, deadline: Deadline) -> bool:
        """Wait until nothing is inside, at most until ``deadline``; return whether nothing is."""
        with self._lock:
            return self._lock.wait_for(lambda: not self._inside.total(), deadline.left)


@dataclass(frozen=True)
class CircuitBreaker(Retries):
    """Retries that do not ask a server over and over which nobody reaches.

    When a request has gone without an answer through all its tries, each later one has a single try, until one is
    answered. Whoever shares ``tripped`` shares what is known of the server.
    """

    tripped: threading.Event = field(default_factory=threading.Event)
    deadline: Deadline | None = None
    """When nothing is sent again any more."""

    def wait(self, request: httpx.Request, result: Result, tried: int, waited: float, now: datetime) -> float | None:
        """Return the seconds to wait before the next attempt, or None."""
        if isinstance(result, httpx.Response):
            self.tripped.clear()
        elif self.tripped.is_set():
            return None
        if self.deadline is not None and not self.deadline.left:
            return None
        seconds = super().wait(request, result, tried, waited, now)
        if seconds is None and isinstance(result, httpx.TransportError):
            self.tripped.set()
        return seconds


class SignalHandlers:
    """The handlers of one process; a signal that somebody else handles is left to them.

    What is done outside the main thread has no effect: whoever has that thread decides.
    """

    def __init__(self) -> None:
        self._previous: dict[int, Any] = {}
        self._is_held = False

    def catch(self) -> None:
        """Let SIGTERM and SIGHUP end the run in order, as Ctrl-C does."""
        for number in _TERMINATING:
            self._handle(number, _terminate)

    def hold(self) -> None:
        """Hold the next of these signals back, and interrupt at the one after it.

        CI sends both within seconds when a job is cancelled, and people press Ctrl-C twice.
        """
        self._is_held = False
        for number in (signal.SIGINT, *_TERMINATING):
            self._handle(number, self._hold)

    def restore(self) -> None:
        """Let others handle signals as they did before."""
        for number, previous in self._previous.items():
            with suppress(ValueError):
                signal.signal(number, previous)
        self._previous.clear()

    def _handle(self, number: int, handler: Any) -> None:
        with suppress(ValueError):
            current = signal.getsignal(number)
            if number in self._previous or current in _OURS_TO_TAKE:
                signal.signal(number, handler)
                self._previous.setdefault(number, current)

    def _hold(self, number: int, frame: object) -> None:
        if self._is_held:
            raise KeyboardInterrupt
        self._is_held = True


def _terminate(number: int, frame: object) -> None:
    pytest.exit(f"terminated ({signal.Signals(number).name})", returncode=128 + number)
