"""Single changes of a schema: what stands there before and after, and what the finding is called each way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Effect = Literal["narrows", "widens", "differs", "unknown", "none"]
OPPOSITE: dict[str, Effect] = {"narrows": "widens", "widens": "narrows"}


@dataclass(frozen=True)
class Change:
    """``forward`` and ``back`` are what follows the subject in the id; ``at`` is where below the planted schema."""

    name: str
    before: Any
    after: Any
    forward: str
    back: str
    effect: Effect
    at: str = ""


RECORD = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "boolean"}}}
OTHER = {"type": "object", "properties": {"c": {"type": "integer"}}, "required": ["c"]}


def _record(**more: Any) -> dict[str, Any]:
    return {**RECORD, **more}


def _property(before: dict[str, Any], after: dict[str, Any]) -> tuple[Any, Any]:
    return ({"type": "object", "properties": {"a": before}}, {"type": "object", "properties": {"a": after}})


def _text(**more: Any) -> dict[str, Any]:
    return {"type": "string", **more}


CHANGES = [
    Change("type", {"type": "string"}, {"type": "integer"}, "type-changed", "type-changed", "differs"),
    Change("type to object", {"type": "string"}, RECORD, "type-changed", "type-changed", "differs"),
    Change("array to object", {"type": "array", "items": {}}, OTHER, "type-changed", "type-changed", "differs"),
    Change(
        "integer to number", {"type": "integer"}, {"type": "number"}, "type-generalized", "type-specialized", "widens"
    ),
    Change(
        "one more type",
        _text(),
        {"type": ["string", "boolean"]},
        "list-of-types-widened",
        "list-of-types-narrowed",
        "widens",
    ),
    Change("const", _text(), _text(const="x"), "const-added", "const-removed", "narrows"),
    Change("other const", _text(const="x"), _text(const="y"), "const-changed", "const-changed", "differs"),
    Change(
        "pattern property",
        RECORD,
        _record(patternProperties={"^x-": {"type": "string"}}),
        "pattern-property-added",
        "pattern-property-removed",
        "unknown",
    ),
    Change(
        "dependent schema",
        RECORD,
        _record(dependentSchemas={"a": {"required": ["b"]}}),
        "dependent-schema-added",
        "dependent-schema-removed",
        "unknown",
    ),
    Change(
        "minContains",
        {"type": "array", "contains": {"type": "string"}},
        {"type": "array", "contains": {"type": "string"}, "minContains": 2},
        "min-contains-set",
        "min-contains-unset",
        "narrows",
    ),
    Change(
        "other maxContains",
        {"type": "array", "contains": {"type": "string"}, "maxContains": 2},
        {"type": "array", "contains": {"type": "string"}, "maxContains": 3},
        "max-contains-increased",
        "max-contains-decreased",
        "widens",
    ),
    Change(
        "discriminator's property",
        {"oneOf": [RECORD, OTHER], "discriminator": {"propertyName": "a"}},
        {"oneOf": [RECORD, OTHER], "discriminator": {"propertyName": "b"}},
        "discriminator-property-name-changed",
        "discriminator-property-name-changed",
        "unknown",
    ),
    Change(
        "discriminator's mapping",
        {"oneOf": [RECORD, OTHER], "discriminator": {"propertyName": "a", "mapping": {"x": "X"}}},
        {"oneOf": [RECORD, OTHER], "discriminator": {"propertyName": "a", "mapping": {"x": "X", "y": "Y"}}},
        "discriminator-mapping-added",
        "discriminator-mapping-deleted",
        "unknown",
    ),
    Change(
        "closed to what nothing evaluates",
        RECORD,
        _record(unevaluatedProperties=False),
        "unevaluated-properties-added",
        "unevaluated-properties-removed",
        "narrows",
    ),
    Change("any type", RECORD, {}, "type-generalized", "type-specialized", "widens"),
    Change("format set", _text(), _text(format="uuid"), "type-specialized", "type-generalized", "narrows"),
    Change("format", _text(format="date"), _text(format="uuid"), "type-changed", "type-changed", "differs"),
    Change(
        "wider integer",
        {"type": "integer", "format": "int32"},
        {"type": "integer", "format": "int64"},
        "type-generalized",
        "type-specialized",
        "widens",
    ),
    Change("null", _text(), {"type": ["string", "null"]}, "became-nullable", "became-not-nullable", "widens"),
    Change("enum", _text(), _text(enum=["x", "y"]), "became-enum", "became-not-enum", "narrows"),
    Change("enum value", _text(enum=["x"]), _text(enum=["x", "y"]), "enum-value-added", "enum-value-removed", "widens"),
    Change("maxLength", _text(), _text(maxLength=9), "max-length-set", "max-length-unset", "narrows"),
    Change("longer", _text(maxLength=9), _text(maxLength=10), "max-length-increased", "max-length-decreased", "widens"),
    Change("minLength", _text(), _text(minLength=1), "min-length-set", "min-length-unset", "narrows"),
    Change(
        "shortest", _text(minLength=1), _text(minLength=2), "min-length-increased", "min-length-decreased", "narrows"
    ),
    Change("pattern", _text(), _text(pattern="^a"), "pattern-added", "pattern-removed", "narrows"),
    Change("other pattern", _text(pattern="^a"), _text(pattern="^b"), "pattern-changed", "pattern-changed", "unknown"),
    Change("maximum", {"type": "number"}, {"type": "number", "maximum": 9}, "max-set", "max-unset", "narrows"),
    Change(
        "higher maximum",
        {"type": "number", "maximum": 9},
        {"type": "number", "maximum": 9.5},
        "max-increased",
        "max-decreased",
        "widens",
    ),
    Change("minimum", {"type": "integer"}, {"type": "integer", "minimum": 0}, "min-set", "min-unset", "narrows"),
    Change(
        "minimum in a format's range",
        {"type": "integer", "format": "int32"},
        {"type": "integer", "format": "int32", "minimum": 0},
        "min-set",
        "min-unset",
        "narrows",
    ),
    Change(
        "lower minimum",
        {"type": "integer", "minimum": 1},
        {"type": "integer", "minimum": 0},
        "min-decreased",
        "min-increased",
        "widens",
    ),
    Change(
        "exclusive maximum",
        {"type": "number"},
        {"type": "number", "exclusiveMaximum": 9},
        "exclusive-max-set",
        "exclusive-max-unset",
        "narrows",
    ),
    Change(
        "exclusive minimum",
        {"type": "number", "exclusiveMinimum": 1},
        {"type": "number", "exclusiveMinimum": 2},
        "exclusive-min-increased",
        "exclusive-min-decreased",
        "narrows",
    ),
    Change(
        "multipleOf",
        {"type": "number"},
        {"type": "number", "multipleOf": 2},
        "multiple-of-set",
        "multiple-of-unset",
        "narrows",
    ),
    Change(
        "other multipleOf",
        {"type": "number", "multipleOf": 2},
        {"type": "number", "multipleOf": 4},
        "multiple-of-specialized",
        "multiple-of-generalized",
        "narrows",
    ),
    Change(
        "unrelated multipleOf",
        {"type": "number", "multipleOf": 2},
        {"type": "number", "multipleOf": 3},
        "multiple-of-changed",
        "multiple-of-changed",
        "differs",
    ),
    Change(
        "maxItems", {"type": "array"}, {"type": "array", "maxItems": 3}, "max-items-set", "max-items-unset", "narrows"
    ),
    Change(
        "minItems",
        {"type": "array", "minItems": 1},
        {"type": "array", "minItems": 2},
        "min-items-increased",
        "min-items-decreased",
        "narrows",
    ),
    Change(
        "uniqueItems",
        {"type": "array"},
        {"type": "array", "uniqueItems": True},
        "unique-items-set",
        "unique-items-unset",
        "narrows",
    ),
    Change(
        "items",
        {"type": "array"},
        {"type": "array", "items": _text()},
        "type-specialized",
        "type-generalized",
        "narrows",
        "/*",
    ),
    Change("maxProperties", RECORD, _record(maxProperties=1), "max-properties-set", "max-properties-unset", "narrows"),
    Change("minProperties", RECORD, _record(minProperties=1), "min-properties-set", "min-properties-unset", "narrows"),
    Change(
        "closed",
        RECORD,
        _record(additionalProperties=False),
        "additional-properties-closed",
        "additional-properties-opened",
        "narrows",
    ),
    Change(
        "other properties",
        RECORD,
        _record(additionalProperties=_text()),
        "type-specialized",
        "type-generalized",
        "narrows",
        "/*",
    ),
    Change("required", RECORD, _record(required=["a"]), "became-required", "became-optional", "narrows", "/a"),
    Change("default", _text(), _text(default="x"), "default-value-added", "default-value-removed", "none"),
    Change("deprecated", _text(), _text(deprecated=True), "deprecated", "reactivated", "none"),
    Change("not", _text(), _text(**{"not": {"enum": ["x"]}}), "not-added", "not-removed", "unknown"),
    Change(
        "other not",
        _text(**{"not": {"type": "string", "maxLength": 2}}),
        _text(**{"not": {"type": "string", "maxLength": 3}}),
        "not-changed",
        "not-changed",
        "unknown",
    ),
    Change(
        "branch",
        {"oneOf": [RECORD, OTHER]},
        {"oneOf": [RECORD, OTHER, _text()]},
        "one-of-added",
        "one-of-removed",
        "widens",
    ),
    Change(
        "inside a branch",
        {"anyOf": [RECORD, OTHER]},
        {"anyOf": [RECORD, {**OTHER, "maxProperties": 3}]},
        "max-properties-set",
        "max-properties-unset",
        "narrows",
    ),
    Change(
        "choice",
        RECORD,
        {"oneOf": [OTHER, RECORD]},
        "wrapped-in-one-of-original-preserved",
        "unwrapped-from-one-of-original-preserved",
        "widens",
    ),
    Change(
        "other choice",
        RECORD,
        {"anyOf": [OTHER, _text()]},
        "wrapped-in-any-of",
        "unwrapped-from-any-of",
        "differs",
    ),
    Change(
        "wrapper",
        RECORD,
        {"type": "object", "properties": {"Record": RECORD}, "required": ["Record"]},
        "wrapped",
        "unwrapped",
        "differs",
    ),
]
