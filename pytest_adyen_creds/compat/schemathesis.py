"""schemathesis: its undocumented parts that this package uses."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import httpx
from schemathesis import Case, GenerationMode, Response
from schemathesis.core.failures import Failure, FailureGroup


class CheckFailed(Failure):
    """A failure of a check of ours; of one operation, each ``key`` is reported once."""

    __slots__ = ("key",)

    def __init__(self, operation: str, *, title: str, message: str, key: str) -> None:
        super().__init__(operation=operation, title=title, message=message)
        self.key = key

    @property
    def _unique_key(self) -> str:
        return self.key


def all_of(failures: Iterable[Failure]) -> BaseException:
    """Return the error that tells of several failures of one check."""
    return FailureGroup(list(failures))


def example_strategies(operation: Any) -> list[Any]:
    """Return a strategy for each of the examples that the document has of an operation's parameters and body."""
    strategies: list[Any] = operation.get_strategies_from_examples()
    return strategies


def coverage_cases(operation: Any, mode: GenerationMode) -> list[Case[Any]]:
    """Return the cases of the coverage phase for an operation, of one mode, in its order and without other methods."""
    from schemathesis.specs.openapi.coverage._operation import iter_coverage_cases

    cases = iter_coverage_cases(
        operation=operation,
        generation_modes=[mode],
        generate_duplicate_query_parameters=True,
        unexpected_methods=set(),
        generation_config=operation.schema.config.generation,
    )
    return [case for case in cases if case.meta and case.meta.generation.mode == mode]


def response_of(response: httpx.Response) -> Response:
    """Return an answer of httpx as schemathesis has answers; one that came from no network took no time."""
    try:
        _ = response.elapsed
    except RuntimeError:
        response.elapsed = timedelta(0)
    return Response.from_any(response)
