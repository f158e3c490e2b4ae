"""Last words: what Python itself prints of errors that come when pytest reports no more."""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any

from pytest_adyen_creds.secrets import SECRETS


def mask_last_words() -> None:
    """Have Python mask what it prints of errors that nobody catches, for the rest of this process.

    That is of errors that end it, end a thread, or come where none can be raised: when an object is deleted, or at
    exit. What holds no secret goes to the hook that was there before. Asked again, it changes nothing.
    """
    for module, name, said in (
        (sys, "excepthook", _ending),
        (threading, "excepthook", _in_thread),
        (sys, "unraisablehook", _unraisable),
    ):
        before = getattr(module, name)
        if getattr(before, "__module__", None) != __name__:
            setattr(module, name, _masking(before, said))


def _masking(before: Callable[..., object], said: Callable[..., str]) -> Callable[..., None]:
    def hook(*given: Any) -> None:
        text = said(*given)
        masked = SECRETS.mask(text)
        if masked == text:
            before(*given)
        elif sys.stderr is not None:
            sys.stderr.write(masked)

    return hook


def _ending(*error: Any) -> str:
    return "".join(traceback.format_exception(*error))


def _in_thread(args: threading.ExceptHookArgs) -> str:
    name = args.thread.name if args.thread else "unknown"
    return f"Exception in thread {name}:\n{_ending(args.exc_type, args.exc_value, args.exc_traceback)}"


def _unraisable(args: Any) -> str:
    where = f"{args.err_msg or 'Exception ignored in'}: {args.object!r}"
    return f"{where}\n{_ending(args.exc_type, args.exc_value, args.exc_traceback)}"
