"""Shrinking: the smallest request that still fails the same check."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from pytest_adyen_creds.checks.failure import CheckFailure

if TYPE_CHECKING:
    from pytest_adyen_creds.checks.exercises import Exercise
    from pytest_adyen_creds.checks.stage import Performed

TRIES: Final = 24
"""How many smaller requests are tried at most."""


def shrunk(
    failures: list[CheckFailure], performed: Sequence[Performed], alone: Callable[[Any], list[CheckFailure]]
) -> list[CheckFailure]:
    """Return ``failures`` with the first exchange's replaced by those of the smallest request that fails the same.

    ``alone`` carries out one exercise by itself and returns what it fails. A failure that needs what came before it
    stays as it is.
    """
    first = failures[0]
    number = next((n for n, each in enumerate(performed, 1) if first.source.endswith(f", number {n}")), 0)
    if not number or not performed[number - 1].exercise.generated_by.startswith("schemathesis"):
        return failures
    wanted = first.check
    exercise = performed[number - 1].exercise
    best = [found for found in alone(exercise) if found.check == wanted]
    if not best:
        return failures
    tries = 0
    smaller = True
    while smaller and tries < TRIES:
        smaller = False
        for candidate in _smaller(exercise):
            tries += 1
            found = [each for each in alone(candidate) if each.check == wanted]
            if found:
                exercise, best, smaller = candidate, found, True
                break
            if tries >= TRIES:
                break
    same = [failure for failure in failures if failure.source == first.source and failure.check == wanted]
    rest = [failure for failure in failures if failure not in same]
    return [replace(found, source=f"{first.source}, shrunk") for found in best] + rest


def _smaller(exercise: Exercise) -> Iterator[Exercise]:
    for name in exercise.query:
        yield replace(exercise, query={key: value for key, value in exercise.query.items() if key != name})
    try:
        body = json.loads(exercise.content or b"")
    except ValueError:
        return
    for smaller in _less(body):
        yield replace(exercise, content=json.dumps(smaller).encode())


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
