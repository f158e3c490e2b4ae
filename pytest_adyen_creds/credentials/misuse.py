"""Marks that change nothing: a misspelt one, and one on a test that asks for no credential."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from difflib import get_close_matches

import pytest

from pytest_adyen_creds.credentials.spec import MARKER
from pytest_adyen_creds.errors import AdyenMarkerWarning


def warn_of_misuse(marked: Iterable[tuple[pytest.Item, pytest.Mark]]) -> None:
    """Warn of each mark that changes nothing; raises :class:`AdyenMarkerWarning` where warnings are errors."""
    for item, mark in marked:
        if problem := _problem(mark.name, item):
            item.warn(AdyenMarkerWarning(f"{item.nodeid}: @pytest.mark.{mark.name} {problem}"))


def _problem(name: str, item: pytest.Item) -> str | None:
    if name != MARKER:
        alike = get_close_matches(name, [MARKER], cutoff=0.8)
        return f"is not the mark of a credential and changes nothing; write @pytest.mark.{MARKER}" if alike else None
    if not isinstance(item, pytest.Function) or MARKER in item.fixturenames:
        return None
    if "request" in inspect.signature(item.function).parameters:  # it may ask for the credential when it runs
        return None
    return f"changes nothing, because this test asks for no credential; give it the fixture {MARKER}"
