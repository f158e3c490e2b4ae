"""A schema's meaning: what it allows, whichever of OpenAPI 3.0's and 3.1's ways it is written in.

:func:`shape_of` reads the keywords of one schema; :func:`merge` makes one shape out of several that must all hold, as
``allOf`` has them, and a reference with keywords beside it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import Any, Final

from pytest_adyen_creds.contract.keywords import JSON_TYPES, whole

Schema = Mapping[str, Any] | bool
"""A schema as it stands in a document."""

ANY: Final[frozenset[str]] = frozenset()
"""The types of a schema that allows every type."""

NEVER: Final = frozenset({"never"})
"""The types of a schema that allows nothing."""

INTEGER_RANGES: Final[Mapping[str, tuple[int, int]]] = {
    "int32": (-(2**31), 2**31 - 1),
    "int64": (-(2**63), 2**63 - 1),
}

LIMITS: Final[Mapping[str, str]] = {
    "maximum": "number",
    "minimum": "number",
    "maxLength": "string",
    "minLength": "string",
    "maxItems": "array",
    "minItems": "array",
    "maxProperties": "object",
    "minProperties": "object",
}
"""Keyword of a bound -> the type that it concerns."""

WORDING: Final = frozenset(
    {"$comment", "$schema", "$id", "$anchor", "$defs", "definitions", "title", "description", "example", "examples"}
    | {"externalDocs", "xml"}
)
"""Keywords that say nothing about what a schema allows."""

_OF_EITHER: Final = ("const", "unique", "one_of", "any_of", "read_only", "write_only", "deprecated")
"""What a shape has where one of the two that it is merged of has it."""

_READ: Final = frozenset(
    {"$ref", "allOf", "type", "nullable", "format", "enum", "const", "exclusiveMaximum", "exclusiveMinimum"}
    | {"properties", "required", "additionalProperties", "items", "oneOf", "anyOf", "default", "readOnly"}
    | {"writeOnly", "deprecated", "pattern", "uniqueItems", "multipleOf", *LIMITS}
)
_NO_REST: Final = _READ | WORDING | {"unevaluatedProperties"}
"""Keywords that are not compared as they stand."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A bound of a range; ``exclusive``: the value itself is outside."""

    value: float
    exclusive: bool = False

    def __str__(self) -> str:
        return f"{self.value} (exclusive)" if self.exclusive else str(self.value)

    def position(self, *, upper: bool) -> tuple[float, int]:
        """Return what bounds are compared by: an exclusive one lies a little inside its value."""
        return self.value, self.exclusive * (-1 if upper else 1)


@dataclass(frozen=True, slots=True)
class Shape:
    """What one schema allows. Schemas below it (``properties``, ``items``, ...) stay as the document has them.

    ``types`` leaves out ``null``, which is ``nullable``; ``enum`` and ``default`` hold canonical JSON. ``const`` says
    that the one value of ``enum`` was written so, ``unevaluated`` that ``additional`` was written as
    ``unevaluatedProperties``: what a change is called depends on it, not whether there is one. ``rest`` holds the
    keywords that are compared as they stand.
    """

    types: frozenset[str] = ANY
    nullable: bool = True
    format: str | None = None
    enum: frozenset[str] | None = None
    const: bool = False
    limits: Mapping[str, Limit] = field(default_factory=dict)
    pattern: str | None = None
    unique: bool = False
    multiple: float | None = None
    properties: Mapping[str, Schema] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    additional: Schema = True
    unevaluated: bool = False
    items: Schema = True
    one_of: tuple[Schema, ...] = ()
    any_of: tuple[Schema, ...] = ()
    default: str | None = None
    read_only: bool = False
    write_only: bool = False
    deprecated: bool = False
    rest: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_record(self) -> bool:
        """Return whether this is a plain object with properties of its own."""
        return self.types == {"object"} and bool(self.properties) and not self.one_of and not self.any_of

    @property
    def is_leaf(self) -> bool:
        """Return whether it holds no schemas."""
        below = self.properties or self.one_of or self.any_of or self.rest
        return not below and isinstance(self.items, bool) and isinstance(self.additional, bool)

    def allows_type(self, name: str) -> bool:
        """Return whether a value of the JSON type ``name`` may occur."""
        return _allow(self.types, name)


ANYTHING: Final = Shape()
"""The shape of ``true``, and of a schema that holds nothing but wording."""

NOTHING: Final = Shape(types=NEVER, nullable=False)
"""The shape of ``false``."""


def canonical(value: Any) -> str:
    """Return ``value`` as JSON text that is equal exactly for equal values."""
    return json.dumps(whole(value), sort_keys=True, ensure_ascii=False, default=str)


def shape_of(raw: Mapping[str, Any]) -> Shape:
    """Return the shape that the keywords of ``raw`` itself describe: references and ``allOf`` are the document's."""
    if raw.get("not") in ({}, True):
        return NOTHING
    types, nullable = _types_of(raw)
    enum = None
    if "const" in raw or isinstance(raw.get("enum"), list):
        enum = frozenset(map(canonical, _enum_values(raw)))
        if types == ANY:
            types = _simplest({JSON_TYPES.get(type(value), "null") for value in _enum_values(raw)} - {"null"})
            nullable = "null" in enum or raw.get("nullable") is True
        nullable = nullable and ("null" in enum or raw.get("nullable") is True)
        enum -= {"null"}
    limits, format_ = _limits_of(raw, types), _text(raw.get("format"))
    if types == {"integer"}:
        limits, format_ = _without_implied_range(limits, format_)
    # what concerns another type than the schema allows says nothing
    is_object, is_array, is_string = (_allow(types, name) for name in ("object", "array", "string"))
    required = raw.get("required")
    unevaluated = raw.get("unevaluatedProperties", True)
    return Shape(
        types=types,
        nullable=nullable,
        format=format_,
        enum=enum,
        const="const" in raw,
        limits=limits,
        pattern=_text(raw.get("pattern")) if is_string else None,
        unique=raw.get("uniqueItems") is True and is_array,
        multiple=number(raw.get("multipleOf")) if _allow(types, "integer") else None,
        properties=dict(_mapping(raw.get("properties"))) if is_object else {},
        required=frozenset(map(str, required)) if isinstance(required, list) and is_object else frozenset(),
        additional=schema_or_true(raw.get("additionalProperties", unevaluated)) if is_object else True,
        unevaluated=is_object and "unevaluatedProperties" in raw and "additionalProperties" not in raw,
        items=schema_or_true(raw.get("items", True)) if is_array else True,
        one_of=_schemas(raw.get("oneOf")),
        any_of=_schemas(raw.get("anyOf")),
        default=canonical(raw["default"]) if "default" in raw else None,
        read_only=raw.get("readOnly") is True,
        write_only=raw.get("writeOnly") is True,
        deprecated=raw.get("deprecated") is True,
        rest={name: value for name, value in raw.items() if name not in _NO_REST and not name.startswith("x-")},
    )


def _allow(types: frozenset[str], name: str) -> bool:
    return types == ANY or name in types or (name == "integer" and "number" in types)


def merge(one: Shape, other: Shape) -> Shape | None:
    """Return the shape of what both allow; ``None`` where one shape cannot say it."""
    if one == ANYTHING:
        return other
    types = _common_types(one, other)
    # what stands beside a part sees the part's properties as evaluated; a part does not see what stands beside it
    if types is None or _closes_out(one, other) or _closes_out(replace(other, unevaluated=False), one):
        return None
    if (one.one_of and other.one_of) or (one.any_of and other.any_of):
        return None
    values: dict[str, Any] = {
        "types": types,
        "nullable": one.nullable and other.nullable,
        "enum": one.enum if other.enum is None else other.enum if one.enum is None else one.enum & other.enum,
        "limits": {
            keyword: tighter(one.limits.get(keyword), other.limits.get(keyword), upper=is_upper(keyword))
            for keyword in {**one.limits, **other.limits}
        },
        "properties": {
            name: _both(one.properties.get(name, True), other.properties.get(name, True))
            for name in {**one.properties, **other.properties}
        },
        "required": one.required | other.required,
        "additional": _both(one.additional, other.additional),
        "unevaluated": one.unevaluated and other.additional is True,
        "items": _both(one.items, other.items),
        "default": one.default if one.default is not None else other.default,
        **{name: getattr(one, name) or getattr(other, name) for name in _OF_EITHER},
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


def _common_types(one: Shape, other: Shape) -> frozenset[str] | None:
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


def _both(one: Schema, other: Schema) -> Schema:
    if one is True or one == other:
        return other
    if other is True:
        return one
    return False if one is False or other is False else {"allOf": [one, other]}


def _types_of(raw: Mapping[str, Any]) -> tuple[frozenset[str], bool]:
    declared = raw.get("type")
    names = {declared} if isinstance(declared, str) else {str(name) for name in _list(declared)}
    nullable = "null" in names or raw.get("nullable") is True
    if names:
        return (_simplest(names - {"null"}) if names != {"null"} else frozenset({"null"})), nullable
    if any(keyword in raw for keyword in ("properties", "required", "additionalProperties")):
        return frozenset({"object"}), nullable
    if "items" in raw or "prefixItems" in raw:
        return frozenset({"array"}), nullable
    return ANY, True


def _simplest(names: Iterable[str]) -> frozenset[str]:
    names = frozenset(names)
    return names - {"integer"} if "number" in names else names


def _enum_values(raw: Mapping[str, Any]) -> list[Any]:
    return [raw["const"]] if "const" in raw else _list(raw.get("enum"))


def _limits_of(raw: Mapping[str, Any], types: frozenset[str]) -> dict[str, Limit]:
    limits: dict[str, Limit] = {}
    for keyword, concerns in LIMITS.items():
        if types != ANY and concerns not in types and not (concerns == "number" and "integer" in types):
            continue
        value = number(raw.get(keyword))
        if value is not None and not (value == 0 and keyword.startswith("min") and concerns != "number"):
            limits[keyword] = Limit(value)
        if concerns == "number":
            _add_exclusive(raw, keyword, limits)
    if types == {"integer"}:
        for keyword, step in (("maximum", -1), ("minimum", 1)):
            limit = limits.get(keyword)
            if limit and limit.exclusive and isinstance(limit.value, int):
                limits[keyword] = Limit(limit.value + step)
    return limits


def _add_exclusive(raw: Mapping[str, Any], keyword: str, limits: dict[str, Limit]) -> None:
    exclusive, limit = raw.get("exclusive" + keyword.capitalize()), limits.get(keyword)
    if exclusive is True and limit:
        limits[keyword] = Limit(limit.value, exclusive=True)
    elif (value := number(exclusive)) is not None:
        limits[keyword] = tighter(limit, Limit(value, exclusive=True), upper=is_upper(keyword))


def is_upper(keyword: str) -> bool:
    """Return whether the keyword of a bound is that of an upper one."""
    return keyword.startswith("max")


def tighter(one: Limit | None, other: Limit | None, *, upper: bool) -> Limit:
    """Return which of two bounds, one of them perhaps missing, allows less."""
    return (min if upper else max)(filter(None, (one, other)), key=lambda limit: limit.position(upper=upper))


def _without_implied_range(limits: dict[str, Limit], format_: str | None) -> tuple[dict[str, Limit], str | None]:
    span = (limits.get("minimum"), limits.get("maximum"))
    for name, (least, most) in INTEGER_RANGES.items():
        if format_ is None and span == (Limit(least), Limit(most)):
            format_ = name  # the range is the format's, spelled out
        if format_ == name:
            limits = {
                keyword: limit
                for keyword, limit in limits.items()
                if not (keyword == "minimum" and limit.value <= least)
                and not (keyword == "maximum" and limit.value >= most)
            }
    return limits, format_


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def number(value: Any) -> float | None:
    """Return ``value`` if it is a finite number, an integer where it is whole."""
    if isinstance(value, float):
        return whole(value) if isfinite(value) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: Any) -> Mapping[str, Any]:
    return {str(name): schema_or_true(schema) for name, schema in value.items()} if isinstance(value, Mapping) else {}


def schema_or_true(value: Any) -> Schema:
    """Return ``value`` if it is a schema; what is none, or is not there, allows everything."""
    return value if isinstance(value, bool | Mapping) else True


def _schemas(value: Any) -> tuple[Schema, ...]:
    return tuple(schema_or_true(item) for item in _list(value))
