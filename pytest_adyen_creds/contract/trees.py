"""Schemas as trees: what in them is a schema, what refers to what, and where to."""

from __future__ import annotations

import copy
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from functools import reduce
from typing import Any, Final, TypeVar

from pytest_adyen_creds.text import pointer_parts

Schema = dict[str, Any]

COMPONENTS: Final = "#/components/schemas/"
"""Where the references of OpenAPI's schemas point, and those of compiled ones."""

DEFINITIONS: Final = "#/definitions/"
"""Where the references of a JSON Structure document point."""

ABSENT: Final = object()
"""What is at a place that there is not."""

_Node = TypeVar("_Node", bound=Hashable)

_SECRET: Final = "x-secret"
"""The annotation by which a structure marks a property whose value is a secret."""

_NAMING: Final = frozenset({"properties", "schemas", "patternProperties", "dependentSchemas", "$defs"})
"""Keywords under which keys are names."""

_VALUES: Final = frozenset({"default", "examples", "example", "enum", "const"})
"""Keywords that hold values: what looks like a keyword in one is none."""

_DEEPEST: Final = 50
"""How many references and parts lead to a part of a schema, at most."""

_WORDING: Final = frozenset({"description", "summary", "examples", "example", "title", "tags", "links"})
"""Keywords that decide nothing about a request or a response."""


def at(value: Any, pointer: str) -> Any:
    """Return what a JSON Pointer leads to in a JSON value, :data:`ABSENT` where that is nothing."""
    return reduce(member, pointer_parts(pointer), value)


def member(value: Any, part: str) -> Any:
    """Return the member of a JSON value that a part of a pointer names, :data:`ABSENT` where there is none."""
    if isinstance(value, list):
        return value[int(part)] if part.isdecimal() and int(part) < len(value) else ABSENT
    return value.get(part, ABSENT) if isinstance(value, dict) else ABSENT


def schemas_in(node: Any, *, names: bool = False) -> Iterator[Schema]:
    """Yield each object of a schema that can have keywords: not what holds names, nor a value such as an example."""
    if isinstance(node, list):
        for item in node:
            yield from schemas_in(item)
    elif isinstance(node, dict):
        if not names:
            yield node
        for key, value in node.items():
            if names or key not in _VALUES:
                yield from schemas_in(value, names=not names and key in _NAMING)


def references(node: Any) -> Iterator[str]:
    """Yield each reference of a schema to another, bases too, as it is written."""
    for schema in schemas_in(node):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"]
        bases = schema.get("$extends", [])
        yield from [bases] if isinstance(bases, str) else bases


def parts_of(schema: Any, definitions: Mapping[str, Schema], depth: int = 0) -> Iterator[Schema]:
    """Yield what must all hold: a schema, what its allOf has, what it refers to, and the one type beside null."""
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return
    yield schema
    further = list(schema.get("allOf", ()))
    if isinstance(schema.get("$ref"), str):
        further.append(definitions.get(schema["$ref"].rpartition("/")[2]))
    for keyword in ("anyOf", "oneOf"):
        real = [each for each in schema.get(keyword, ()) if each != {"type": "null"}]
        further += real if len(real) == 1 else []
    for each in further:
        yield from parts_of(each, definitions, depth + 1)


def reachable(first: Iterable[_Node], following: Callable[[_Node], Iterable[_Node]]) -> list[_Node]:
    """Return ``first`` and all that comes after them, each once; ``following`` returns what comes after one."""
    found: dict[_Node, None] = {}
    pending = [*first][::-1]
    while pending:
        node = pending.pop()
        if node not in found:
            found[node] = None
            pending += following(node)
    return list(found)


def closure(schema: Schema, schemas: Mapping[str, Schema]) -> set[str]:
    """Return the names of all of ``schemas`` that ``schema`` refers to, directly or through others."""

    def named(node: Schema) -> set[str]:
        # what is none of the names is a part of an example or a constant
        return {reference.removeprefix(COMPONENTS) for reference in references(node)} & schemas.keys()

    return set(reachable(named(schema), lambda name: named(schemas[name])))


def repointed(schemas: Any, to: Callable[[str], str], *, names: bool = False) -> Any:
    """Return a copy of ``schemas`` with each reference, those of bases and discriminators too, as ``to`` makes it."""
    copied = copy.deepcopy(schemas)
    for schema in schemas_in(copied, names=names):
        for keyword in ("$ref", "$extends"):
            value = schema.get(keyword)
            if isinstance(value, str):
                schema[keyword] = to(value)
            elif isinstance(value, list):
                schema[keyword] = [to(str(each)) for each in value]
        mapping = schema.get("mapping")
        if isinstance(mapping, dict) and "propertyName" in schema:
            schema["mapping"] = {name: to(str(each)) for name, each in mapping.items()}
    return copied


def renamed(schemas: Any, keyword: str, other: str) -> Any:
    """Return a copy of ``schemas`` in which ``keyword`` is called ``other``."""
    copied = copy.deepcopy(schemas)
    for schema in schemas_in(copied):
        if keyword in schema:
            schema[other] = schema.pop(keyword)
    return copied


def secret_properties(schemas: Mapping[str, Schema]) -> Iterator[str]:
    """Yield the name of each property whose value is a secret."""
    for schema in schemas_in(schemas, names=True):
        properties = schema.get("properties")
        for name, each in properties.items() if isinstance(properties, dict) else ():
            if isinstance(each, dict) and each.get(_SECRET):
                yield name


def without_wording(node: Any, *, names: bool = False) -> Any:
    """Drop wording; under ``properties`` and the like the keys are names, and stay."""
    if isinstance(node, list):
        return [without_wording(item) for item in node]
    if isinstance(node, dict):
        return {
            key: without_wording(value, names=not names and key in _NAMING)
            for key, value in node.items()
            if names or not (key in _WORDING or key.startswith("x-"))
        }
    return node
