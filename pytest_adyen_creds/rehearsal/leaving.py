"""Code that catches every exception, and asks for ever, is left; what it has left open is closed."""

from __future__ import annotations

import gc
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from inspect import currentframe
from types import FrameType
from typing import Any
from unittest.mock import patch


class Leaving:
    """Raises ``error`` in each of the calling functions that ``is_meant`` tells of, also where they catch it.

    It is raised wherever one of them goes on, in a handler of its own say, until the outermost has ended. What traced
    or profiled the thread before does so again then.
    """

    def __init__(self, error: BaseException, is_meant: Callable[[FrameType], bool]) -> None:
        self._error = error
        self._before = sys.gettrace(), sys.getprofile()
        self._frames: list[FrameType] = []
        frame = currentframe()
        frame = frame.f_back if frame is not None else None
        while frame is not None:
            if is_meant(frame):
                frame.f_trace = self._trace
                self._frames.append(frame)
            frame = frame.f_back
        if self._frames:
            sys.setprofile(self._profile)
            sys.settrace(self._trace)

    def _trace(self, frame: FrameType, event: str, arg: Any) -> Any:
        if frame not in self._frames:
            return None
        if event == "line":
            raise self._error  # Python stops tracing with it
        return self._trace

    def _profile(self, frame: FrameType, event: str, arg: Any) -> None:
        if event != "return" or frame not in self._frames:
            return
        if frame is self._frames[-1]:
            self._frames.clear()
            sys.settrace(self._before[0])
            sys.setprofile(self._before[1])
        else:
            self._frames.remove(frame)
            sys.settrace(self._trace)


@contextmanager
def kept_young() -> Iterator[None]:
    """Have what a ``with`` block makes stay where :func:`drop_garbage` finds it in no time."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def drop_garbage() -> None:
    """Let go of what a run that failed has left open, and say nothing of it: a later test would be told.

    It looks at what has been made since the last collection; to look at everything takes longer than most runs.
    """
    with warnings.catch_warnings(), patch.object(sys, "unraisablehook", lambda unraisable: None):
        warnings.simplefilter("ignore")
        for name in ("last_exc", "last_type", "last_value", "last_traceback"):
            vars(sys).pop(name, None)
        gc.collect(1)
