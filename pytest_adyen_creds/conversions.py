"""Conversions: what an option's text stands for, or an error that says what to write instead."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from pytest_adyen_creds.endpoints import MANAGEMENT_HOST, check_endpoint
from pytest_adyen_creds.errors import EndpointRefused, SettingsError
from pytest_adyen_creds.options import BARE, Kind, Option, is_true
from pytest_adyen_creds.secrets import SECRETS


def convert(option: Option, source: str, raw: Any, root: Path) -> Any:
    """Return the value that ``raw`` stands for, or raise an error that says what to write."""
    try:
        if option.kind in ("path", "paths"):
            return _paths(option, raw, root)
        return _CONVERTERS[option.kind](option, str(raw).strip())
    except EndpointRefused as error:
        raise EndpointRefused(f"{source}: {error}") from None
    except _Expected as expected:
        raise SettingsError(f"{source}: {SECRETS.mask(repr(raw))[:200]} is wrong; write {expected}") from None


class _Expected(Exception):
    """What should have been written."""


def _flag(_: Option, text: str) -> bool:
    if not is_true(text) and text.lower() not in ("false", "0", "no", "off"):
        raise _Expected("true or false")
    return is_true(text)


def _choice(option: Option, text: str) -> str:
    if text not in option.choices:
        raise _Expected("one of " + ", ".join(option.choices))
    return text


def _kinds(option: Option, text: str) -> tuple[str, ...]:
    if text.lower() in ("false", "0", "no", "off"):
        return ()
    text = BARE[option.flag or ""] if is_true(text) else text
    given = [each for item in text.split(",") if (each := item.strip())]
    if not given or not set(given) <= set(option.choices):
        raise _Expected(
            f"one or more of {', '.join(option.choices)}, with commas between them: {option.flag}="
            f"{','.join(option.choices[:2])} (a path stands before a bare {option.flag})"
        )
    return tuple(each for each in option.choices if each in given)


def _text(_: Option, text: str) -> str:
    return text


def _lines(_: Option, text: str) -> tuple[str, ...]:
    return tuple(each for line in text.splitlines() if (each := line.strip()) and each != "-")


def _budget(_: Option, text: str) -> tuple[int, int]:
    found = re.fullmatch(r"([1-9][0-9]{0,5})(?:/([1-9][0-9]{0,6}))?", text)
    if not found:
        raise _Expected("how often one test may run again, or that and the same for all tests together: 24/2400")
    return int(found[1]), int(found[2] or 2400)


def _account(_: Option, text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-](?:[A-Za-z0-9._-]*[A-Za-z0-9_-])?", text):
        raise _Expected("the account's name: letters, digits, and . _ - within")
    return text


def _integer(_: Option, text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,6}", text):
        raise _Expected("a whole number, 0 or more")
    return int(text)


def _duration(_: Option, text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?", text) or float(text) == 0:
        raise _Expected("a number over 0, such as 30")
    return float(text)


def _url(_: Option, text: str) -> str:
    check_endpoint(text)
    if "?" in text or urlsplit(text).path not in ("/v1", "/v3"):
        raise _Expected(f"a URL that ends in /v1 or /v3 right after the host, such as https://{MANAGEMENT_HOST}/v3")
    return text


def _paths(option: Option, raw: Any, root: Path) -> Path | tuple[Path, ...]:
    items = raw if isinstance(raw, list | tuple) else str(raw).splitlines()
    texts = [text for item in items if (text := str(item).strip())]
    if not texts or any("\0" in text for text in texts) or (option.kind == "path" and len(texts) > 1):
        raise _Expected("one path" if option.kind == "path" else "a path, or several on lines of their own")
    try:
        paths = tuple(root / Path(text).expanduser() for text in texts)
    except RuntimeError:
        raise _Expected("a path that starts with the ~ of somebody whom this machine knows, or with none") from None
    for problem in filter(None, map(_unusable, paths)):
        raise _Expected(f"a path that this machine can follow ({problem})")
    return paths if option.kind == "paths" else paths[0]


def _unusable(path: Path) -> str:
    """Return why nothing can be at ``path``, or be made there; empty where that cannot be told."""
    try:
        os.stat(path)  # noqa: PTH116 - Path's own refuses in other words what no name may have
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except (OSError, ValueError) as error:
        return getattr(error, "strerror", None) or type(error).__name__
    return ""


_CONVERTERS: Final[Mapping[Kind, Callable[[Option, str], Any]]] = {
    "flag": _flag,
    "choice": _choice,
    "account": _account,
    "integer": _integer,
    "duration": _duration,
    "url": _url,
    "kinds": _kinds,
    "text": _text,
    "budget": _budget,
    "lines": _lines,
}
