"""Masking what pytest reports, what plugins read by themselves, and what Python prints of errors that nobody catches.

Plugins read exceptions, captured output, parameters, keywords and log records.
"""

from __future__ import annotations

import copy
import logging
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import pytest

from pytest_adyen_creds.compat.pytest import change_junit, change_subtest, interruptions, is_part_of_report
from pytest_adyen_creds.secrets.registry import SECRETS

_DEEPEST: Final = 12
_LONGEST_CHAIN: Final = 100
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
        names = "\f".join(keywords)  # a dozen, and seldom one with a secret: one look for all of them
        change = SECRETS.mask if SECRETS.mask(names) != names else str
        report.keywords = {change(name): plain(value) for name, value in keywords.items()}
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
    warning_message.message = _shown(warning_message.message, str)


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


def mask_call(call: pytest.CallInfo[Any]) -> None:
    """Mask the exception that ended a phase of a test, and those that led to it."""
    if call.excinfo is None:
        return
    error = call.excinfo.value
    masked = mask_error(error)
    if masked is not error:
        call.excinfo = pytest.ExceptionInfo.from_exception(masked)


def mask_error(error: BaseException, seen: dict[int, BaseException] | None = None) -> BaseException:
    """Return ``error`` with its texts masked, in place as far as they are plain data.

    Where it still shows a secret, the answer is another object of a class of the same name and with ``error``'s class
    as its base. Causes, contexts and the members of groups are masked, too; ``seen`` has those that are, by id.
    """
    seen = {} if seen is None else seen
    if id(error) in seen or len(seen) > _LONGEST_CHAIN:
        return seen.get(id(error), error)
    seen[id(error)] = error
    said = _texts(error)
    error.args = tuple(map(plain, error.args))
    for name, value in _held(error):
        if (masked := plain(value)) is not value:
            with suppress(AttributeError):  # what a class computes
                setattr(error, name, masked)
    for name in ("__cause__", "__context__"):
        linked = getattr(error, name)
        if linked is not None and (masked := mask_error(linked, seen)) is not linked:
            suppressed = error.__suppress_context__
            setattr(error, name, masked)
            error.__suppress_context__ = suppressed
    if isinstance(error, BaseExceptionGroup):
        members = [mask_error(member, seen) for member in error.exceptions]
        message = SECRETS.mask(error.message)
        if message != error.message or any(new is not old for new, old in zip(members, error.exceptions, strict=True)):
            made: BaseException = BaseExceptionGroup.__new__(_named(type(error), said), message, members)  # type: ignore[type-var]
            return _as(error, seen, made)
    texts = _texts(error)
    if texts is None or any(SECRETS.mask(text) != text for text in texts):
        builtin = next(base for base in type(error).__mro__ if base.__module__ == "builtins")  # safe to be made of
        return _as(error, seen, builtin.__new__(_named(type(error), said), *error.args))
    return error


def _held(error: BaseException) -> list[tuple[str, Any]]:
    """Return the attributes that ``error`` holds: its own, and those of built-in errors."""
    slots = {name for kind in type(error).__mro__ for name in getattr(kind, "__slots__", ())}
    builtin = ("filename", "filename2", "strerror", "text", "msg", "reason", "name")  # of OSError, SyntaxError, ...
    names = {*vars(error), *slots, *builtin}
    return [(name, getattr(error, name)) for name in sorted(names) if getattr(error, name, None) is not None]


def _as(error: BaseException, seen: dict[int, BaseException], masked: BaseException) -> BaseException:
    for name, value in _held(error):
        with suppress(AttributeError):
            setattr(masked, name, value)
    masked.args = error.args
    masked.__cause__, masked.__context__ = error.__cause__, error.__context__
    masked.__suppress_context__ = error.__suppress_context__
    masked.__traceback__ = error.__traceback__
    seen[id(error)] = masked
    return masked


def _texts(error: BaseException) -> tuple[str, str] | None:
    """Return what ``error`` says of itself, in two ways; None where it cannot."""
    with suppress(Exception):  # it is the test's own
        return str(error), repr(error)
    return None


def _named(kind: type[BaseException], said: tuple[str, str] | None) -> type[BaseException]:
    """Return a class like ``kind`` whose instances show themselves masked.

    What they cannot say any more, because an object that it tells of is masked, is what they ``said`` before.
    """

    def masked(show: Callable[[Any], str], before: str | None) -> Callable[[Any], str]:
        def shown(error: Any) -> str:
            try:
                return SECRETS.mask(show(error))
            except Exception:
                if before is None:
                    raise
                return SECRETS.mask(before)

        return shown

    text, representation = said or (None, None)
    same = {"__module__": kind.__module__, "__qualname__": kind.__qualname__}
    shown = {"__str__": masked(kind.__str__, text), "__repr__": masked(kind.__repr__, representation)}
    return type(kind.__name__, (kind,), {**same, **shown})


@contextmanager
def masked_records(config: pytest.Config) -> Iterator[None]:
    """Have the handlers that plugins have added to the root logger see masked records, in a ``with`` block.

    The handlers of the test's own code, and those of pytest, whose fixture ``caplog`` the test asks, see them whole.
    """
    handlers = [each for each in logging.getLogger().handlers if _package(each) not in ("logging", "_pytest")]
    if handlers:
        packages = {_package(plugin) for plugin in config.pluginmanager.get_plugins()} - {"conftest"}
        handlers = [handler for handler in handlers if _package(handler) in packages]
    for handler in handlers:
        emit = handler.emit
        handler.emit = lambda record, emit=emit: emit(_masked_record(record))  # type: ignore[method-assign, misc]
    try:
        yield
    finally:
        for handler in handlers:
            del handler.emit


def _package(thing: Any) -> str:
    module = type(thing).__module__
    if module == "builtins":  # a module is its own plugin
        module = str(getattr(thing, "__name__", ""))
    return module.partition(".")[0]


def _masked_record(record: logging.LogRecord) -> logging.LogRecord:
    text = record.getMessage()
    masked = copy.copy(record)
    masked.__dict__.update({name: plain(value) for name, value in vars(record).items()})
    masked.msg, masked.args = SECRETS.mask(text), None
    if record.exc_info:
        masked.exc_text = SECRETS.mask(logging.Formatter().formatException(record.exc_info))
        masked.exc_info = None
    return masked


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
