"""One shape out of several that must all hold: ``allOf``, and a reference with keywords beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from pytest_adyen_creds.drift.shape import ANY, LIMITS, Limit, Schema, Shape, tighter


def merge(one: Shape, other: Shape) -> Shape | None:
    """Return the shape of what both allow; ``None`` where one shape cannot say it."""
    if is_plain(one):
        return other
    types = _types(one, other)
    # what stands beside a part sees the part's properties as evaluated; a part does not see what stands beside it
    if types is None or _closes_out(one, other) or _closes_out(replace(other, unevaluated=False), one):
        return None
    if (one.one_of and other.one_of) or (one.any_of and other.any_of):
        return None
    values: dict[str, Any] = {
        "types": types,
        "nullable": one.nullable and other.nullable,
        "enum": one.enum if other.enum is None else other.enum if one.enum is None else one.enum & other.enum,
        "const": one.const or other.const,
        "limits": _limits(one.limits, other.limits),
        "unique": one.unique or other.unique,
        "properties": _properties(one.properties, other.properties),
        "required": one.required | other.required,
        "additional": _both(one.additional, other.additional),
        "unevaluated": one.unevaluated and other.additional is True,
        "items": _both(one.items, other.items),
        "one_of": one.one_of or other.one_of,
        "any_of": one.any_of or other.any_of,
        "default": one.default if one.default is not None else other.default,
        "read_only": one.read_only or other.read_only,
        "write_only": one.write_only or other.write_only,
        "deprecated": one.deprecated or other.deprecated,
    }
    for name in ("format", "pattern", "multiple"):
        mine, theirs = getattr(one, name), getattr(other, name)
        if mine is not None and theirs is not None and mine != theirs:
            return None
        values[name] = theirs if mine is None else mine
    if any(one.rest[name] != other.rest[name] for name in one.rest.keys() & other.rest.keys()):
        return None
    values["rest"] = {**one.rest, **other.rest}
    return Shape(**values)


def is_plain(shape: Shape) -> bool:
    """Return whether ``shape`` allows everything: a schema that holds nothing but wording."""
    return all(getattr(shape, field.name) == getattr(_PLAIN, field.name) for field in fields(Shape))


_PLAIN = Shape()


def _types(one: Shape, other: Shape) -> frozenset[str] | None:
    if ANY in (one.types, other.types):
        return one.types | other.types
    both = {name for name in one.types if other.allows_type(name)} | {
        name for name in other.types if one.allows_type(name)
    }
    return frozenset(both - {"number"} if "integer" in both else both) or None


def _closes_out(one: Shape, other: Shape) -> bool:
    """Return whether ``one`` says something about properties that only ``other`` names."""
    if one.unevaluated:
        return False
    return one.additional is not True and not other.properties.keys() <= one.properties.keys()


def _limits(one: Mapping[str, Limit], other: Mapping[str, Limit]) -> dict[str, Limit]:
    limits = dict(one)
    for keyword, limit in other.items():
        limits[keyword] = tighter(limits.get(keyword), limit, upper=LIMITS[keyword][1])
    return limits


def _properties(one: Mapping[str, Schema], other: Mapping[str, Schema]) -> dict[str, Schema]:
    properties = dict(one)
    for name, schema in other.items():
        properties[name] = _both(properties[name], schema) if name in properties else schema
    return properties


def _both(one: Schema, other: Schema) -> Schema:
    if one is True or one == other:
        return other
    if other is True:
        return one
    return False if one is False or other is False else {"allOf": [one, other]}
