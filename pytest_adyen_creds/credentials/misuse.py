"""Marks that change nothing: a misspelt one, and one on a test that asks for no credential."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from difflib import get_close_matches

import pytest

from pytest_adyen_creds.compat.pytest import fixture_names
from pytest_adyen_creds.credentials.spec import MARKER
from pytest_adyen_creds.errors import AdyenMarkerWarning


def warn_of_misuse(marked: Iterable[tuple[pytest.Item, pytest.Mark]]) -> None:
    """Warn of each mark that changes nothing, once a run; where a filter makes the warning an error, its test fails."""
    wrong: dict[pytest.Item, str] = {}
    for item, mark in marked:
        if problem := _problem(mark.name, item):
            warning = AdyenMarkerWarning(f"{item.nodeid}: @pytest.mark.{mark.name} {problem}")
            is_first = getattr(item.config, "workerinput", {}).get("workerid", "gw0") == "gw0"
            with nullcontext() if is_first else warnings.catch_warnings(record=True):
                try:
                    item.warn(warning)
                except AdyenMarkerWarning:
                    wrong[item] = f"@pytest.mark.{mark.name} {problem}"
    if wrong:
        next(iter(wrong)).config.pluginmanager.register(_Misused(wrong))


class _Misused:
    """Strictly private: fails the tests in ``wrong`` at their set-up, each with its words."""

    def __init__(self, wrong: Mapping[pytest.Item, str]) -> None:
        self._wrong = wrong

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        if item in self._wrong:
            pytest.fail(self._wrong[item], pytrace=False)


def _problem(name: str, item: pytest.Item) -> str | None:
    if name != MARKER:
        alike = get_close_matches(name, [MARKER], cutoff=0.8)
        return f"is not the mark of a credential and changes nothing; write @pytest.mark.{MARKER}" if alike else None
    if not isinstance(item, pytest.Function) or MARKER in fixture_names(item):
        return None
    if "request" in inspect.signature(item.function).parameters:  # it may ask for the credential when it runs
        return None
    return f"changes nothing, because this test asks for no credential; give it the fixture {MARKER}"
