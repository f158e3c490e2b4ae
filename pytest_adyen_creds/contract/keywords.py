"""Keywords of JSON Structure: which types take them, what their values must be, and what those say of a value.

Source: JSON Structure core v0 and its import, validation and conditional-composition add-ins.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
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

JSON_TYPES: Final = {str: "string", bool: "boolean", int: "integer", float: "number", dict: "object", list: "array"}
"""Type of a JSON value in Python -> its type in JSON Schema; that of None, ``null``, is left out."""

_ADD_INS: Final = tuple(
    f"JSONStructure{name}"
    for name in ("Import", "AlternateNames", "Units", "ConditionalComposition", "Validation", "Relations")
)
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_COUNTS: Final = ("Length", "Items", "Properties", "Entries", "Contains")
_SHAPES: Final[dict[str, tuple[str, ...]]] = {
    "an object": (
        *("properties", "patternProperties", "patternKeys", "choices", "definitions"),
        *("not", "if", "then", "else"),
    ),
    "an object of texts": ("altnames", "descriptions"),
    "an object of objects": ("altenums",),
    "an object of lists of texts": ("dependentRequired",),
    "a list": ("examples",),
    "a list that is not empty": ("allOf", "anyOf", "oneOf", "enum"),
    "a whole number, 0 or more": tuple(f"{bound}{noun}" for bound in ("min", "max") for noun in _COUNTS),
    "a text": (
        *("pattern", "format", "contentEncoding", "contentMediaType", "contentCompression", "selector"),
        *("name", "description", "title"),
    ),
    "true or false": ("uniqueItems", "abstract", "deprecated", "readOnly", "writeOnly"),
    "a list of texts, or of lists of texts": ("required",),
    "a list of texts": ("tuple",),
    "an absolute URI": ("$schema", "$id"),
    "a JSON Pointer": ("$root",),
    f"a list of {', '.join(_ADD_INS)}": ("$uses",),
    "a reference or a list of references": ("$extends",),
}
_EXPECTED: Final = {keyword: expected for expected, keywords in _SHAPES.items() for keyword in keywords}


def are_texts(value: Any) -> bool:
    """Return whether a JSON value is a list of texts."""
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_object_of(test: Callable[[Any], bool], value: Any) -> bool:
    return isinstance(value, dict) and all(map(test, value.values()))


_TESTS: Final[dict[str, Callable[[Any], object]]] = {
    "an object": lambda value: isinstance(value, dict),
    "an object of texts": lambda value: _is_object_of(lambda item: isinstance(item, str), value),
    "an object of objects": lambda value: _is_object_of(lambda item: isinstance(item, dict), value),
    "an object of lists of texts": lambda value: _is_object_of(are_texts, value),
    "a list": lambda value: isinstance(value, list),
    "a list that is not empty": lambda value: isinstance(value, list) and bool(value),
    "a whole number, 0 or more": lambda value: type(value) is int and value >= 0,
    "a text": lambda value: isinstance(value, str),
    "true or false": lambda value: isinstance(value, bool),
    "a list of texts, or of lists of texts": lambda value: (
        isinstance(value, list) and all(isinstance(item, str) or are_texts(item) for item in value)
    ),
    "a list of texts": are_texts,
    "an absolute URI": lambda value: isinstance(value, str) and re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*:\S+", value),
    "a JSON Pointer": lambda value: isinstance(value, str),
    f"a list of {', '.join(_ADD_INS)}": lambda value: are_texts(value) and set(value) <= {*_ADD_INS},
    "a reference or a list of references": lambda value: isinstance(value, str) or are_texts(value),
}


def misshapen(keyword: str, value: Any) -> str | None:
    """Return what the value of ``keyword`` must be, where ``value`` is not that."""
    expected = _EXPECTED.get(keyword)
    return expected if expected is not None and not _TESTS[expected](value) else None


def misused(node: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the keywords of ``node``, whose keywords are well-shaped each, that are wrong all the same, and why."""
    for noun in ("imum", *_COUNTS):
        least, most = as_number(node.get(f"min{noun}")), as_number(node.get(f"max{noun}"))
        if least is not None and most is not None and least > most:
            yield f"min{noun}", f"is more than max{noun}, so that no value is right; correct one of them"
    step = as_number(node.get("multipleOf"))
    if step is not None and step <= 0:
        yield "multipleOf", "must be more than 0; correct it"
    if "enum" in node and len({json.dumps(value, sort_keys=True) for value in node["enum"]}) < len(node["enum"]):
        yield "enum", "lists a value twice; remove one"
    if node.get("type") == "set" and node.get("uniqueItems") is False:
        yield "uniqueItems", "the items of a set are unique; remove it, or make this an array"
    for keyword in ("minContains", "maxContains"):
        if keyword in node and "contains" not in node:
            yield keyword, "counts what contains says, which is missing; add it or remove this"
    for keyword in ("pattern", "patternProperties", "patternKeys"):
        found = node.get(keyword, ())
        for pattern in [found] if isinstance(found, str) else found:
            if not _is_pattern(pattern):
                yield keyword, f"{pattern!r} is no regular expression, or one too large to compile; correct it"


def as_number(value: Any) -> Any:
    """Return a bound as a number, or None: of 64 bits and more it is a text in JSON Structure."""
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,40}", value):
        return int(value)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def composed(node: Mapping[str, Any], build: Callable[[Any, str], Any], where: str) -> dict[str, Any]:
    """Return the keywords of composition that ``node``, at ``where``, has, with what ``build`` makes of each schema."""
    return {
        keyword: [build(each, f"{where}/{keyword}/{index}") for index, each in enumerate(node[keyword])]
        if isinstance(node[keyword], list)
        else build(node[keyword], f"{where}/{keyword}")
        for keyword in COMPOSITION
        if keyword in node
    }


def whole(value: Any) -> Any:
    """Return a number without a fraction as an integer, and anything else as it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def is_of(kind: str, value: Any) -> bool:
    """Return whether a JSON value is of a type of JSON Schema."""
    found = JSON_TYPES.get(type(whole(value)), "null")
    return found == kind or (kind == "number" and found == "integer")


def _is_pattern(pattern: str) -> bool:
    """Return whether ``pattern`` is a regular expression that can be compiled in reasonable space."""
    import jsonschema_rs

    try:
        _compiled(pattern)
    except (jsonschema_rs.ValidationError, ValueError):  # ValueError: half of a surrogate pair, which is no text
        return False
    return True


def matches(pattern: str, text: str) -> bool:
    """Return whether ``pattern``, a regular expression of ECMA 262, is found in ``text``, in bounded time.

    Python's own engine reads other expressions, and takes exponential time over some of those that both read.
    """
    return bool(_compiled(pattern).is_valid(_SURROGATE.sub("\ufffd", text)))


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> Any:
    import jsonschema_rs

    return jsonschema_rs.Draft202012Validator({"pattern": pattern})
