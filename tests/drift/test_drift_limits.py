"""Documents of many parts: no comparison takes the square of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pytest_adyen_creds.drift import document, members
from pytest_adyen_creds.drift.specification import compare
from pytest_adyen_creds.errors import FileRefused

MANY = 600


def answering(schema: dict[str, Any]) -> dict[str, Any]:
    answer = {"content": {"application/json": {"schema": schema}}}
    return {"openapi": "3.1.0", "paths": {"/me": {"get": {"responses": {"200": answer}}}}}


def one_of(name: str, numbers: range) -> dict[str, Any]:
    return {"oneOf": [{"type": "object", "properties": {f"{name}{number}": {}}} for number in numbers]}


@pytest.fixture
def copied(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return, once it is full, how many properties each merging of two shapes has gone through."""
    sizes: list[int] = []
    merge = document.merge

    def counting(one: Any, other: Any) -> Any:
        sizes.append(len(one.properties) + len(other.properties))
        return merge(one, other)

    monkeypatch.setattr(document, "merge", counting)
    return sizes


PARTS: dict[str, Callable[[int], dict[str, Any]]] = {
    "properties": lambda number: {"type": "object", "properties": {f"p{number}": {}}},
    "required ones": lambda number: {"properties": {f"p{number}": {}}, "required": [f"p{number}"]},
    "those of one name": lambda number: {"properties": {"p": {"maxLength": MANY - number}}},
    "extensions": lambda number: {"properties": {f"p{number}": {}}, "x-a": number},
}


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
@pytest.mark.parametrize("first", [{}, {"$ref": "#/components/schemas/A"}, {"additionalProperties": True}])
def test_many_parts_of_one_schema(
    part: Callable[[int], dict[str, Any]], first: dict[str, Any], copied: list[int]
) -> None:
    new = answering({"allOf": [first, *map(part, range(MANY))]})
    new["components"] = {"schemas": {"A": {"type": "object"}}}
    assert compare(answering({"type": "object"}), new)
    assert sum(copied) < 20 * MANY


@pytest.mark.parametrize(
    "parts",
    [
        [
            {"properties": {"a": {}}, "additionalProperties": False},
            {"properties": {"b": {}}},
            {"properties": {"c": {}}},
        ],
        [
            {"properties": {"b": {}}},
            {"properties": {"c": {}}},
            {"properties": {"a": {}}, "additionalProperties": False},
        ],
        [{"pattern": "a"}, {"type": "string"}, {"pattern": "b"}],
        [{"type": "string"}, {"maxLength": 3}, {"type": "integer"}],
        [{"oneOf": [{"type": "string"}]}, {"maxLength": 3}, {"oneOf": [{"type": "integer"}, {"type": "string"}]}],
    ],
)
def test_parts_that_no_one_schema_can_say_stay_parts(parts: list[dict[str, Any]]) -> None:
    schema = {"allOf": parts}
    assert compare(answering(schema), answering({"allOf": [*reversed(parts)]})) == []
    assert compare(answering(schema), answering({"allOf": parts[:-1]})) != []


def test_a_choice_in_another_order_is_the_same() -> None:
    forth, back = range(MANY), range(MANY - 1, -1, -1)
    assert compare(answering(one_of("p", forth)), answering(one_of("p", back))) == []


def test_a_choice_of_which_one_branch_changed_is_told_of_that() -> None:
    new = one_of("p", range(MANY))
    new["oneOf"][7] = {"type": "object", "properties": {"p7": {"type": "string"}}}
    [finding] = compare(answering(one_of("p", range(MANY))), answering(new))
    assert finding.location == "/p7"


def test_choices_of_many_other_branches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "MOST_PAIRS", 50)
    findings = compare(answering(one_of("p", range(40))), answering(one_of("q", range(40))))
    assert sum(finding.count for finding in findings) == 80


def test_too_many_branches_that_are_alike_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "MOST_PAIRS", 50)
    old = {"oneOf": [{"type": "string", "maxLength": number + 1} for number in range(40)]}
    new = {"oneOf": [{"type": "string", "minLength": number + 1} for number in range(40)]}
    with pytest.raises(FileRefused, match="too many branches that are alike"):
        compare(answering(old), answering(new))
