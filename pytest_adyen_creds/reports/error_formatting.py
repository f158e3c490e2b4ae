"""Errors of ours in a test report: their own words, and the user's own line that led to them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from pytest_adyen_creds.compat.pytest import scope_mismatch
from pytest_adyen_creds.text import plain

_PACKAGE: Final = Path(__file__).resolve().parents[1]
_FOR_A_RUN: Final = frozenset({"adyen_settings", "adyen_contract", "adyen_management", "adyen_sandbox_config"})
_WITH_A_LEASE: Final = frozenset(
    {"adyen_credential", "adyen_credentials", "adyen_client", "adyen_async_client", "adyen_sdk"}
)


def format_error(excinfo: pytest.ExceptionInfo[BaseException], node: pytest.Item | pytest.Collector) -> str | None:
    """Return what the error says, then on a line of its own ``FILE:LINE``, the user's innermost line that led to it.

    The reason comes first, because the first line is what pytest's short summary has room for. Without FILE and LINE
    where no line of the user's did; None where the user asked for pytest's full traceback.
    """
    if node.config.option.fulltrace or node.config.option.tbstyle == "long":
        return None
    lines = str(excinfo.value).removeprefix(f"{node.nodeid}: ").split("\n")
    said, here = "\n".join(map(plain, lines)), node.config.invocation_params.dir
    for entry in reversed(excinfo.traceback):
        path = Path(entry.path)
        is_installed = path.is_relative_to(_PACKAGE) or "site-packages" in path.parts
        if not is_installed and (path == node.path or path.is_relative_to(node.config.rootpath)):
            shown = path.relative_to(here) if path.is_relative_to(here) else path
            return f"{said}\n{shown}:{entry.lineno + 1}: in {entry.name}"
    return said


def scope_advice(failure: str) -> str | None:
    """Return what pytest says and what to do where a fixture outlives one of ours that it asks for; else None."""
    scope, name = scope_mismatch(failure) or ("", "")
    if name in _FOR_A_RUN:
        return f'{failure}\n{name} lasts for the whole run: give the fixture that replaces it scope="session"'
    if scope != "function" or not name.startswith("adyen_"):
        return None
    words = f"{failure}\n{name} lasts for one test: let the fixture that asks for it have the scope 'function', too"
    if name in _WITH_A_LEASE:
        words += "; the same credential is reset and lent again, so a lease for each test costs little"
    return words
