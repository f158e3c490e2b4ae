"""Signals: what SIGINT, SIGTERM and SIGHUP do to a live run, which has throwaways to switch off before it ends."""

from __future__ import annotations

import signal
from contextlib import suppress
from typing import Any, Final

import pytest

_TERMINATING: Final = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
"""A terminal that is closed sends SIGHUP, on the systems that have it; under nohup it is ignored, and stays so."""

_OURS_TO_TAKE: Final = (signal.SIG_DFL, signal.default_int_handler)


class Signals:
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
