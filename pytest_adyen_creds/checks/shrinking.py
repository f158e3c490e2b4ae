"""Shrinking: the smallest request that still fails the same check."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from pytest_adyen_creds.checks.failure import CheckFailure

if TYPE_CHECKING:
    from pytest_adyen_creds.checks.cases import TestCase
    from pytest_adyen_creds.checks.exchange import Exchange

TRIES: Final = 24
"""How many smaller requests are tried at most."""


def shrunk(
    failures: list[CheckFailure], exchanges: Sequence[Exchange], alone: Callable[[TestCase], list[CheckFailure]]
) -> list[CheckFailure]:
    """Return ``failures`` with the first exchange's replaced by those of the smallest request that fails the same.

    ``alone`` sends one test case by itself and returns what it fails. A failure that needs what came before it stays as
    it is.
    """
    first = failures[0]
    case = next((each.case for each in exchanges if each.source == first.source), None)
    if case is None or not case.generated_by.startswith("schemathesis"):
        return failures
    best = [found for found in alone(case) if found.check == first.check]
    if not best:
        return failures
    smaller = _smaller(case)
    for _ in range(TRIES):
        candidate = next(smaller, None)
        if candidate is None:
            break
        found = [each for each in alone(candidate) if each.check == first.check]
        if found:
            best, smaller = found, _smaller(candidate)
    same = [failure for failure in failures if failure.source == first.source and failure.check == first.check]
    rest = [failure for failure in failures if failure not in same]
    return [replace(found, source=f"{first.source}, shrunk") for found in best] + rest


def _smaller(case: TestCase) -> Iterator[TestCase]:
    for name in case.query:
        yield replace(case, query={key: value for key, value in case.query.items() if key != name})
    for smaller in _less(case.json):
        yield replace(case, content=json.dumps(smaller).encode())


def _less(value: Any) -> Iterator[Any]:
    """Yield JSON values that are a little smaller: without a member, with a smaller member, with half of a text."""
    if isinstance(value, dict):
        for name in value:
            yield {key: item for key, item in value.items() if key != name}
        for name, item in value.items():
            for smaller in _less(item):
                yield {**value, name: smaller}
    elif isinstance(value, list):
        for index in range(len(value)):
            yield value[:index] + value[index + 1 :]
        for index, item in enumerate(value):
            for smaller in _less(item):
                yield [*value[:index], smaller, *value[index + 1 :]]
    elif isinstance(value, str) and len(value) > 1:
        yield value[: len(value) // 2]
