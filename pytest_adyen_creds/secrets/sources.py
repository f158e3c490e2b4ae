"""Masking where plugins read by themselves: exceptions, captured output, parameters, keywords, log records."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import pytest

from pytest_adyen_creds.compat.pytest import change_parameters, change_sections
from pytest_adyen_creds.secrets.masking import plain
from pytest_adyen_creds.secrets.registry import SECRETS

_LONGEST_CHAIN: Final = 100


def mask_call(call: pytest.CallInfo[Any]) -> None:
    """Mask the exception that ended a phase of a test, and those that led to it."""
    if call.excinfo is None:
        return
    error = call.excinfo.value
    masked = mask_error(error)
    if masked is not error:
        call.excinfo = pytest.ExceptionInfo.from_exception(masked)


def mask_error(error: BaseException) -> BaseException:
    """Return ``error`` with its texts masked, in place as far as they are plain data.

    Where it still shows a secret, the answer is another object of a class of the same name and with ``error``'s class
    as its base. Causes, contexts and the members of groups are masked, too.
    """
    return _masked(error, {})


def _masked(error: BaseException, seen: dict[int, BaseException]) -> BaseException:
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
        if linked is not None and (masked := _masked(linked, seen)) is not linked:
            suppressed = error.__suppress_context__
            setattr(error, name, masked)
            error.__suppress_context__ = suppressed
    if isinstance(error, BaseExceptionGroup):
        members = [_masked(member, seen) for member in error.exceptions]
        message = SECRETS.mask(error.message)
        if message != error.message or any(new is not old for new, old in zip(members, error.exceptions, strict=True)):
            made: BaseException = BaseExceptionGroup.__new__(_named(type(error), said), message, members)  # type: ignore[type-var]
            return _as(error, seen, made)
    if _shows(error):
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


def _shows(error: BaseException) -> bool:
    texts = _texts(error)
    return texts is None or any(SECRETS.mask(text) != text for text in texts)


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


def mask_sections(item: pytest.Item) -> None:
    """Mask the output of a test that was captured up to now."""
    change_sections(item, SECRETS.mask)


def mask_parameters(item: pytest.Item) -> None:
    """Mask the parameters of a test, for who looks at them between its phases."""
    change_parameters(item, plain)


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
