"""Compiled schemas as trees: what in them is a schema, what refers to what, and how they are shown outside."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pytest_adyen_creds.contract.compiler import REFS
from pytest_adyen_creds.contract.documents import Schema

_SECRET: Final = "x-secret"
"""The annotation by which a structure marks a property whose value is a secret."""

_NAMING: Final = frozenset({"properties", "schemas", "patternProperties", "$defs"})
"""Keywords under which keys are names."""

_VALUES: Final = frozenset({"default", "examples", "example", "enum", "const"})
"""Keywords that hold values: what looks like a keyword in one is none."""

_WORDING: Final = frozenset({"description", "summary", "examples", "example", "title", "tags", "links"})
"""Keywords that decide nothing about a request or a response."""


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


def closure(schema: Schema, schemas: Mapping[str, Schema]) -> set[str]:
    """Return the names of all of ``schemas`` that ``schema`` refers to, directly or through others."""
    found: set[str] = set()
    pending = [schema]
    while pending:
        for reference in references(pending.pop()):
            name = reference.removeprefix(REFS)
            if name not in found and name in schemas:  # else it is a part of an example or a constant
                found.add(name)
                pending.append(schemas[name])
    return found


def pointing_to_definitions(schemas: Any, *, names: bool = False) -> Any:
    """Return compiled schemas with their references, those of discriminators too, pointing to ``$defs``."""
    copied = copy.deepcopy(schemas)
    for schema in schemas_in(copied, names=names):
        if isinstance(schema.get("$ref"), str):
            schema["$ref"] = f"#/$defs/{schema['$ref'].removeprefix(REFS)}"
        mapping = schema.get("mapping")
        if isinstance(mapping, dict) and "propertyName" in schema:
            schema["mapping"] = {name: f"#/$defs/{str(to).removeprefix(REFS)}" for name, to in mapping.items()}
    return copied


def with_formats(schemas: Any) -> Any:
    """Return compiled schemas for others to read: a format that is not enforced here is a ``format`` again."""
    copied = copy.deepcopy(schemas)
    for schema in schemas_in(copied):
        if "x-format" in schema:
            schema["format"] = schema.pop("x-format")
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
