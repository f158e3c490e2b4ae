"""Single changes of a schema, and of an operation: before and after, and what the finding is called each way."""

from __future__ import annotations

import copy
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


def _of_bound(keyword: str, noun: str, schema: dict[str, Any]) -> list[Change]:
    few, more = {**schema, keyword: 3}, {**schema, keyword: 4}
    effect: Effect = "widens" if "max" in keyword.lower() else "narrows"
    return [
        Change(keyword, schema, few, f"{noun}-set", f"{noun}-unset", "narrows"),
        Change(f"higher {keyword}", few, more, f"{noun}-increased", f"{noun}-decreased", effect),
    ]


def _of_choice(keyword: str, noun: str) -> list[Change]:
    return [
        Change(
            f"branch of {keyword}",
            {keyword: [RECORD, OTHER]},
            {keyword: [RECORD, OTHER, _text()]},
            f"{noun}-added",
            f"{noun}-removed",
            "widens",
        ),
        Change(
            f"{keyword} beside a type",
            RECORD,
            _record(**{keyword: [{"minProperties": 2}, {"maxProperties": 0}]}),
            f"{noun}-added",
            f"{noun}-removed",
            "narrows",
        ),
        Change(
            f"{keyword} around it",
            RECORD,
            {keyword: [OTHER, RECORD]},
            f"wrapped-in-{noun}-original-preserved",
            f"unwrapped-from-{noun}-original-preserved",
            "widens",
        ),
        Change(
            f"{keyword} instead of it",
            RECORD,
            {keyword: [OTHER, _text()]},
            f"wrapped-in-{noun}",
            f"unwrapped-from-{noun}",
            "differs",
        ),
    ]


NUMBER = {"type": "number"}
ARRAY = {"type": "array"}
CONTAINS = {"type": "array", "contains": {"type": "string"}}

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
    Change("pattern", _text(), _text(pattern="^a"), "pattern-added", "pattern-removed", "narrows"),
    Change("other pattern", _text(pattern="^a"), _text(pattern="^b"), "pattern-changed", "pattern-changed", "unknown"),
    Change(
        "minimum in a format's range",
        {"type": "integer", "format": "int32"},
        {"type": "integer", "format": "int32", "minimum": 0},
        "min-set",
        "min-unset",
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
        "inside a branch",
        {"anyOf": [RECORD, OTHER]},
        {"anyOf": [RECORD, {**OTHER, "maxProperties": 3}]},
        "max-properties-set",
        "max-properties-unset",
        "narrows",
    ),
    Change(
        "wrapper",
        RECORD,
        {"type": "object", "properties": {"Record": RECORD}, "required": ["Record"]},
        "wrapped",
        "unwrapped",
        "differs",
    ),
    *_of_bound("maximum", "max", NUMBER),
    *_of_bound("minimum", "min", NUMBER),
    *_of_bound("exclusiveMaximum", "exclusive-max", NUMBER),
    *_of_bound("exclusiveMinimum", "exclusive-min", NUMBER),
    *_of_bound("maxLength", "max-length", _text()),
    *_of_bound("minLength", "min-length", _text()),
    *_of_bound("maxItems", "max-items", ARRAY),
    *_of_bound("minItems", "min-items", ARRAY),
    *_of_bound("maxProperties", "max-properties", RECORD),
    *_of_bound("minProperties", "min-properties", RECORD),
    *_of_bound("maxContains", "max-contains", CONTAINS),
    *_of_bound("minContains", "min-contains", CONTAINS),
    Change(
        "minContains of 1",
        CONTAINS,
        {**CONTAINS, "minContains": 1},
        "min-contains-set",
        "min-contains-unset",
        "none",
    ),
    Change(
        "minContains of 0",
        CONTAINS,
        {**CONTAINS, "minContains": 0},
        "min-contains-set",
        "min-contains-unset",
        "widens",
    ),
    *_of_choice("oneOf", "one-of"),
    *_of_choice("anyOf", "any-of"),
]


def _set(*path: Any) -> Any:
    *keys, value = path

    def change(operation: dict[str, Any]) -> None:
        node: Any = operation
        for key in keys[:-1]:
            node = node[key]
        node[keys[-1]] = copy.deepcopy(value)

    return change


def _append(key: str, value: Any) -> Any:
    return lambda operation: operation[key].append(copy.deepcopy(value))


BASE = {"type": "object", "properties": {"a": {"type": "string"}}}
JSON = {"application/json": {"schema": BASE}}
QUERY = {"name": "sort", "in": "query", "schema": {"type": "string"}}
BODY = {"content": JSON}

#: name: the state before, the change, (id, level) each way, status, location
OPERATION_CHANGES: dict[str, tuple[Any, Any, tuple[str, str], tuple[str, str], int | None, str]] = {
    "deprecated": (
        None,
        _set("deprecated", True),
        ("endpoint-deprecated", "info"),
        ("endpoint-reactivated", "info"),
        None,
        "",
    ),
    "operation id": (
        None,
        _set("operationId", "another"),
        ("api-operation-id-removed", "info"),
        ("api-operation-id-removed", "info"),
        None,
        "",
    ),
    "optional parameter": (
        None,
        _append("parameters", QUERY),
        ("new-optional-request-parameter", "info"),
        ("request-parameter-removed", "warning"),
        None,
        "/query/sort",
    ),
    "required parameter": (
        None,
        _append("parameters", {**QUERY, "required": True}),
        ("new-required-request-parameter", "breaking"),
        ("request-parameter-removed", "warning"),
        None,
        "/query/sort",
    ),
    "cookie parameter": (
        None,
        _append("parameters", {**QUERY, "in": "cookie"}),
        ("new-optional-request-parameter", "info"),
        ("request-parameter-removed", "warning"),
        None,
        "/cookie/sort",
    ),
    "parameter required": (
        _set("parameters", 2, "required", False),
        _set("parameters", 2, "required", True),
        ("request-parameter-became-required", "breaking"),
        ("request-parameter-became-optional", "info"),
        None,
        "/query/page",
    ),
    "parameter deprecated": (
        None,
        _set("parameters", 2, "deprecated", True),
        ("request-parameter-deprecated", "info"),
        ("request-parameter-reactivated", "info"),
        None,
        "/query/page",
    ),
    "parameter written otherwise": (
        None,
        _set("parameters", 2, "explode", False),
        ("request-parameter-serialization-changed", "breaking"),
        ("request-parameter-serialization-changed", "breaking"),
        None,
        "/query/page",
    ),
    "optional body": (
        lambda operation: operation.pop("requestBody", None),
        _set("requestBody", BODY),
        ("request-body-added-optional", "info"),
        ("request-body-removed", "breaking"),
        None,
        "",
    ),
    "required body": (
        lambda operation: operation.pop("requestBody", None),
        _set("requestBody", {**BODY, "required": True}),
        ("request-body-added-required", "breaking"),
        ("request-body-removed", "breaking"),
        None,
        "",
    ),
    "body required": (
        _set("requestBody", BODY),
        _set("requestBody", "required", True),
        ("request-body-became-required", "breaking"),
        ("request-body-became-optional", "info"),
        None,
        "",
    ),
    "request media type": (
        _set("requestBody", BODY),
        _set("requestBody", "content", "application/xml", {"schema": {}}),
        ("request-body-media-type-added", "info"),
        ("request-body-media-type-removed", "breaking"),
        None,
        "",
    ),
    "success status": (
        None,
        _set("responses", "201", {"description": "", "content": JSON}),
        ("response-success-status-added", "info"),
        ("response-success-status-removed", "breaking"),
        201,
        "",
    ),
    "error status": (
        None,
        _set("responses", "429", {"description": "", "content": JSON}),
        ("response-non-success-status-added", "info"),
        ("response-non-success-status-removed", "info"),
        429,
        "",
    ),
    "default answer": (
        None,
        _set("responses", "default", {"description": ""}),
        ("response-non-success-status-added", "info"),
        ("response-non-success-status-removed", "info"),
        None,
        "",
    ),
    "response media type": (
        None,
        _set("responses", "200", "content", "text/csv", {"schema": {}}),
        ("response-media-type-added", "info"),
        ("response-media-type-removed", "breaking"),
        200,
        "",
    ),
    "body in an empty answer": (
        None,
        _set("responses", "204", "content", JSON),
        ("response-media-type-added", "info"),
        ("response-media-type-removed", "breaking"),
        204,
        "",
    ),
    "optional header": (
        None,
        _set("responses", "422", "headers", {"X-New": {"schema": {}}}),
        ("response-header-added", "info"),
        ("optional-response-header-removed", "warning"),
        422,
        "/header/X-New",
    ),
    "required header": (
        None,
        _set("responses", "422", "headers", {"X-New": {"schema": {}, "required": True}}),
        ("response-header-added", "info"),
        ("required-response-header-removed", "breaking"),
        422,
        "/header/X-New",
    ),
    "header required": (
        _set("responses", "200", "headers", "X-Count", "required", False),
        _set("responses", "200", "headers", "X-Count", "required", True),
        ("response-header-became-required", "info"),
        ("response-header-became-optional", "breaking"),
        200,
        "/header/X-Count",
    ),
    "another sign-in": (
        None,
        _append("security", {"basic": []}),
        ("api-security-added", "info"),
        ("api-security-removed", "breaking"),
        None,
        "",
    ),
    "a sign-in at all": (
        _set("security", []),
        _append("security", {"basic": []}),
        ("api-security-added", "breaking"),
        ("api-security-removed", "info"),
        None,
        "",
    ),
    "no sign-in needed": (
        None,
        _append("security", {}),
        ("api-security-became-optional", "info"),
        ("api-security-became-required", "breaking"),
        None,
        "",
    ),
    "scope": (
        None,
        _set("security", 1, {"oauth": ["read", "w"]}),
        ("api-security-scope-added", "breaking"),
        ("api-security-scope-removed", "info"),
        None,
        "",
    ),
}
