"""Masking what pytest reports: every text in a report, before anybody sees it."""

from __future__ import annotations

from typing import Any, Final

from pytest_adyen_creds.secrets import SECRETS

_DEEPEST: Final = 12


def mask_text(text: str) -> str:
    """Return ``text`` masked, also where a secret stands in it as a part of a JSON Pointer."""
    if "~" in text:
        unescaped = text.replace("~1", "/").replace("~0", "~")
        masked = SECRETS.mask(unescaped)
        if masked != unescaped:
            return masked
    return SECRETS.mask(text)


def mask_report(report: Any) -> None:
    """Mask the texts of a test or collection report in place: traceback, locals, captured output, properties."""
    report.longrepr = _masked(report.longrepr, 0)
    report.sections = _masked(report.sections, 0)
    for name in ("user_properties", "wasxfail"):
        if hasattr(report, name):
            setattr(report, name, _masked(getattr(report, name), 0))


def mask_warning(warning_message: Any) -> None:
    """Mask the text of a recorded warning in place; it keeps its category and its place."""
    text = str(warning_message.message)
    if SECRETS.mask(text) != text:
        warning_message.message = SECRETS.mask(text)


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
    if type(value).__module__.startswith("_pytest."):
        for name, held in list(vars(value).items()):
            masked = _masked(held, depth + 1)
            if masked is not held:
                object.__setattr__(value, name, masked)
    return value


def _masked_lines(lines: list[str]) -> list[str]:
    text = "\n".join(lines)
    masked = SECRETS.mask(text)
    return lines if masked == text else masked.split("\n")
