"""Keywords of JSON Structure: which types take them, and what their values must be.

Source: JSON Structure core v0 and its import, validation and conditional-composition add-ins.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

DOCUMENT: Final = frozenset({"$schema", "$id", "$uses", "$root", "definitions"})
CARRIED: Final = frozenset({"description", "examples", "default"})
ANNOTATIONS: Final = frozenset(
    {"name", "abstract", "precision", "scale", "unit", "ucumUnit", "currency", "symbols", "descriptions", "altenums"}
    | {"identity", "relations", "contentCompression", "contentMediaType", "$comment"}
)
"""Keywords that decide nothing about a value; those with a meaning for readers are carried as ``x-…``."""

FOREIGN: Final = frozenset({"title", "deprecated", "readOnly", "writeOnly", "nullable", "discriminator"}) | {
    "externalDocs",
    "xml",
}
"""Annotations of OpenAPI and JSON Schema, which are carried as they are."""

UNENFORCED: Final = {
    "datetime": "date-time",
    "date": "date",
    "time": "time",
    "duration": "duration",
    "uuid": "uuid",
    "uri": "uri",
    "binary": "byte",
}
"""Type -> the format of JSON Schema that says as much and that no validator enforces: with ``"x-wire": "text"``."""

WIRE: Final[dict[tuple[str, str], dict[str, str]]] = {
    ("int32", "number"): {"type": "integer", "format": "int32"},
    ("int64", "number"): {"type": "integer", "format": "int64"},
    ("int64", "integer"): {"type": "integer"},
    ("float", "number"): {"type": "number", "format": "float"},
    ("double", ""): {"type": "number", "format": "double"},
    ("number", ""): {"type": "number"},
}
"""Type and its ``x-wire`` -> JSON Schema, where a number travels as OpenAPI has it: as JSON's, in no range."""

COMPOSITION: Final = ("allOf", "anyOf", "oneOf", "not", "if", "then", "else")
NUMERIC: Final = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
ARRAY: Final = ("minItems", "maxItems", "uniqueItems", "contains", "minContains", "maxContains")

KEYWORDS: Final[dict[str, frozenset[str]]] = {
    "object": frozenset({"properties", "required", "additionalProperties", "$extends"})
    | {"minProperties", "maxProperties", "dependentRequired", "patternProperties", "propertyNames", "has"},
    "map": frozenset({"values", "minEntries", "maxEntries", "patternKeys", "keyNames", "has"}),
    "array": frozenset({"items", *ARRAY}),
    "set": frozenset({"items", *ARRAY}),
    "tuple": frozenset({"properties", "tuple", "$extends", "required", "additionalProperties"}),
    "choice": frozenset({"choices", "selector", "$extends"}),
    "any": frozenset(),
    "string": frozenset({"enum", "const", "minLength", "maxLength", "pattern", "format", "contentEncoding"}),
    "binary": frozenset({"enum", "const", "contentEncoding"}),
}
RENAMED: Final = {
    "minEntries": "minProperties",
    "maxEntries": "maxProperties",
    "patternKeys": "patternProperties",
    "keyNames": "propertyNames",
}
"""What JSON Schema calls a keyword of the same meaning."""

_COUNTS: Final = ("Length", "Items", "Properties", "Entries", "Contains")
_SHAPES: Final[dict[str, tuple[str, ...]]] = {
    "an object": ("properties", "patternProperties", "patternKeys", "choices", "dependentRequired", "altnames"),
    "a list that is not empty": ("allOf", "anyOf", "oneOf", "enum"),
    "a whole number, 0 or more": tuple(f"{bound}{noun}" for bound in ("min", "max") for noun in _COUNTS),
    "a text": ("pattern", "format", "contentEncoding", "selector"),
    "true or false": ("uniqueItems", "abstract"),
    "a list of texts, or of lists of texts": ("required",),
    "a list of texts": ("tuple",),
    "a reference or a list of references": ("$extends",),
}
_EXPECTED: Final = {keyword: expected for expected, keywords in _SHAPES.items() for keyword in keywords}


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


_TESTS: Final[dict[str, Callable[[Any], bool]]] = {
    "an object": lambda value: isinstance(value, dict),
    "a list that is not empty": lambda value: isinstance(value, list) and bool(value),
    "a whole number, 0 or more": lambda value: type(value) is int and value >= 0,
    "a text": lambda value: isinstance(value, str),
    "true or false": lambda value: isinstance(value, bool),
    "a list of texts, or of lists of texts": lambda value: (
        isinstance(value, list) and all(isinstance(item, str) or _are_texts(item) for item in value)
    ),
    "a list of texts": _are_texts,
    "a reference or a list of references": lambda value: isinstance(value, str) or _are_texts(value),
}


def misshapen(keyword: str, value: Any) -> str | None:
    """Return what the value of ``keyword`` must be, where ``value`` is not that."""
    expected = _EXPECTED.get(keyword)
    return expected if expected is not None and not _TESTS[expected](value) else None
