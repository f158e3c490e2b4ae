"""Errors of ours in a test report: their own words, and the user's own line that led to them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

_PACKAGE: Final = Path(__file__).resolve().parents[1]
_TOO_WIDE: Final = re.compile(r"ScopeMismatch: .* function scoped fixture (adyen_\w+) ")


def in_own_words(excinfo: pytest.ExceptionInfo[BaseException], node: pytest.Item | pytest.Collector) -> str | None:
    """Return ``FILE:LINE: `` and what the error says, FILE and LINE being the user's innermost line that led to it.

    Without FILE and LINE where no line of the user's did; None where the user asked for pytest's full traceback.
    """
    if node.config.option.fulltrace or node.config.option.tbstyle == "long":
        return None
    here = node.config.invocation_params.dir
    for entry in reversed(excinfo.traceback):
        path = Path(entry.path)
        is_installed = path.is_relative_to(_PACKAGE) or "site-packages" in path.parts
        if not is_installed and (path == node.path or path.is_relative_to(node.config.rootpath)):
            shown = path.relative_to(here) if path.is_relative_to(here) else path
            return f"{shown}:{entry.lineno + 1}: {excinfo.value}"
    return str(excinfo.value)


def advice(failure: str) -> str | None:
    """Return what pytest says and what to do where a fixture outlives one of ours that it asks for; else None."""
    match = _TOO_WIDE.match(failure)
    if match is None:
        return None
    return (
        f"{failure}\n{match[1]} lasts for one test: let the fixture that asks for it have the scope 'function', too; "
        "the same credential is reset and lent again, so a lease for each test costs little"
    )
