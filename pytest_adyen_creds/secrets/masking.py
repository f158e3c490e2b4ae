"""Masking what pytest reports, and what Python prints of errors that nobody catches, before anybody sees it."""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any, Final

import pytest

from pytest_adyen_creds.compat.pytest import change_junit, change_subtest, interruptions, is_part_of_report
from pytest_adyen_creds.secrets.registry import SECRETS

_DEEPEST: Final = 12
_PYTESTS_OWN: Final = frozenset(
    {
        *("nodeid", "location", "keywords", "outcome", "when", "duration", "start", "stop", "result", "call"),
        *("longrepr", "sections", "context", "user_properties"),
    }
)
"""What a report has besides what plugins and hooks gave it; what of it can hold a secret is masked by itself."""


def mask_report(report: Any) -> None:
    """Mask the texts of a test or collection report in place: traceback, locals, captured output, properties.

    A subtest's report has a context, too: its message, and its parameters by name. What other plugins and hooks gave
    the report is masked as far as it is plain data.
    """
    report.longrepr = _masked(report.longrepr, 0)
    if hasattr(report.longrepr, "toterminal"):  # of a plugin's own kind, or whole only where it is put together
        report.longrepr = _shown(report.longrepr, lambda _: str(report.longreprtext))
    report.sections = _masked(report.sections, 0)
    if keywords := getattr(report, "keywords", None):
        report.keywords = {SECRETS.mask(name): plain(value) for name, value in keywords.items()}
    change_subtest(report, _shown)
    if properties := getattr(report, "user_properties", None):
        report.user_properties = [tuple(_shown(plain(part), str) for part in each) for each in properties]
    for name, held in list(vars(report).items()):
        if name not in _PYTESTS_OWN:
            setattr(report, name, plain(held))


def mask_exception(excrepr: Any) -> None:
    """Mask in place what pytest made of an exception that ends the run."""
    _masked(excrepr, 0)


def mask_session_finish(config: pytest.Config) -> None:
    """Mask in place what pytest keeps until a run ends: why it was broken off, and what JUnit's XML has of no report.

    That is what the fixtures ``record_testsuite_property`` and ``record_xml_attribute`` were given.
    """
    for interruption in interruptions(config):
        mask_exception(interruption)
    change_junit(config, SECRETS.mask)


def mask_warning(warning_message: Any) -> None:
    """Mask the text of a recorded warning in place; it keeps its category and its place."""
    text = str(warning_message.message)
    if SECRETS.mask(text) != text:
        warning_message.message = SECRETS.mask(text)


def _shown(value: Any, show: Callable[[Any], str] = repr) -> Any:
    """Return ``value`` itself where showing it shows no secret, else what it looks like, masked."""
    text = value if isinstance(value, str) else show(value)
    masked = SECRETS.mask(text)
    return value if masked == text else masked


def plain(value: Any, depth: int = 0) -> Any:
    """Return plain data masked, anew where it holds a secret: it is the test's own; any other object as it is."""
    if isinstance(value, str):
        return SECRETS.mask(value)
    held: Any = None
    if depth <= _DEEPEST and type(value) is dict:
        held = {plain(name, depth + 1): plain(item, depth + 1) for name, item in value.items()}
    elif depth <= _DEEPEST and type(value) in (list, tuple):
        held = type(value)(plain(item, depth + 1) for item in value)
    elif isinstance(value, bytes | bytearray | dict | list | tuple | set | frozenset):
        return _shown(value)
    return value if held is None or held == value else held


def _masked(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return SECRETS.mask(value)
    if depth > _DEEPEST or value is None or isinstance(value, int | float | bytes):
        return value
    if isinstance(value, list):
        # one text over several lines: a secret may be broken over them
        if all(isinstance(item, str) for item in value):
            return _masked_lines(value)
        value[:] = [_masked(item, depth + 1) for item in value]
        return value
    if isinstance(value, tuple):
        return tuple(_masked(item, depth + 1) for item in value)
    if is_part_of_report(value):
        for name, held in list(vars(value).items()):
            masked = _masked(held, depth + 1)
            if masked is not held:
                object.__setattr__(value, name, masked)
    return value


def _masked_lines(lines: list[str]) -> list[str]:
    keep_ends = any(line.endswith("\n") for line in lines)  # those of Python's own traceback
    text = ("" if keep_ends else "\n").join(lines)
    masked = SECRETS.mask(text)
    if masked == text:
        return lines
    return masked.splitlines(keepends=True) if keep_ends else masked.split("\n")


def mask_excepthooks() -> None:
    """Have Python mask what it prints of errors that nobody catches, for the rest of this process.

    That is of errors that end it, end a thread, or come where none can be raised: when an object is deleted, or at
    exit. What holds no secret goes to the hook that was there before. Asked again, it changes nothing.
    """
    for module, name, said in (
        (sys, "excepthook", _formatted),
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


def _formatted(*error: Any) -> str:
    return "".join(traceback.format_exception(*error))


def _in_thread(args: threading.ExceptHookArgs) -> str:
    name = args.thread.name if args.thread else "unknown"
    return f"Exception in thread {name}:\n{_formatted(args.exc_type, args.exc_value, args.exc_traceback)}"


def _unraisable(args: Any) -> str:
    where = f"{args.err_msg or 'Exception ignored in'}: {args.object!r}"
    return f"{where}\n{_formatted(args.exc_type, args.exc_value, args.exc_traceback)}"
