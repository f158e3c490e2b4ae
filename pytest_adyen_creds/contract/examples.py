"""Bodies made of a schema: a Hypothesis strategy, and one example that is the same each time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pytest_adyen_creds.contract.trees import COMPONENTS, Schema, repointed

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

_LEFT_OUT: Final = {"readOnly": bool, "writeOnly": bool, "discriminator": dict}
"""What is generated is whole, whoever sends it, and no discriminator decides on it: each with its value's type."""

_DEEPEST: Final = 8
_SECRET: Final = "Pseudonym-0000000000000000000000"
"""What stands for a secret: an ordinary word there would be masked wherever it occurs."""
_TEXTS: Final = {
    "date-time": "2026-01-15T10:00:00+01:00",
    "date": "2026-01-15",
    "time": "10:00:00Z",
    "duration": "P1D",
    "uuid": "5f2d3c4b-6a79-4e81-9b0d-1c2e3f4a5b6c",
    "uri": "https://example.com/",
    "uri-reference": "/",
    "email": "someone@example.com",
    "byte": "ZXhhbXBsZQ==",
    "ipv4": "192.0.2.1",
    "hostname": "example.com",
}
"""A text in each format."""


def strategy_for(schema: Mapping[str, Any]) -> SearchStrategy[Any]:
    """Return a strategy for JSON values that ``schema``, a self-contained JSON Schema 2020-12, allows."""
    import schemathesis

    whole = repointed(_whole(schema), lambda reference: reference.replace("#/$defs/", COMPONENTS, 1))
    definitions = whole.pop("$defs", {})
    del whole["$schema"]
    body = {"required": True, "content": {"application/json": {"schema": whole}}}
    document = {
        "openapi": "3.1.0",
        "info": {"title": "one body", "version": "1"},
        "paths": {"/": {"post": {"requestBody": body, "responses": {"default": {"description": "any"}}}}},
        "components": {"schemas": definitions},
    }
    operation = schemathesis.openapi.from_dict(document)["/"]["POST"]
    return operation.as_strategy().map(lambda case: case.body)


def _whole(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {key: _whole(value) for key, value in node.items() if not isinstance(value, _LEFT_OUT.get(key, ()))}
    return [_whole(each) for each in node] if isinstance(node, list) else node


def candidates(schema: Mapping[str, Any]) -> Iterator[Any]:
    """Yield bodies that ``schema``, a self-contained JSON Schema, may allow, the fullest first.

    A rule that no body is made by (a pattern, say) can keep each of them from fitting: who takes one checks it.
    """
    definitions = schema.get("$defs", {})
    for optional in (True, False):
        yield _Maker(definitions, optional).make(schema, ())


@dataclass(frozen=True, slots=True)
class _Maker:
    definitions: Mapping[str, Schema]
    optional: bool
    """Whether optional properties and items are made."""

    def make(self, schema: Any, within: tuple[str, ...]) -> Any:
        """Return a value of ``schema``; ``within`` are the definitions that it is a part of."""
        if not isinstance(schema, Mapping):
            return None
        if isinstance(schema.get("$ref"), str):
            name = schema["$ref"].rpartition("/")[2]
            return self.make(self.definitions.get(name, {}), (*within, name))
        known = [schema[each] for each in ("const", "default") if each in schema]
        known += [
            schema[each][0] for each in ("examples", "enum") if isinstance(schema.get(each), list) and schema[each]
        ]
        if known:
            return known[0]
        branches = schema.get("oneOf") or schema.get("anyOf")
        if isinstance(branches, list) and "properties" not in schema:
            real = [each for each in branches if each != {"type": "null"}]
            return self.make((real or branches)[0], within) if len(within) < _DEEPEST else None
        if isinstance(schema.get("allOf"), list):
            return self._all_of(schema, within)
        return self._of_type(schema, within)

    def _all_of(self, schema: Mapping[str, Any], within: tuple[str, ...]) -> dict[str, Any]:
        whole: dict[str, Any] = {}
        for part in (*schema["allOf"], {**schema, "allOf": None}):
            made = self.make(part, within)
            whole |= made if isinstance(made, dict) else {}
        return whole

    def _of_type(self, schema: Mapping[str, Any], within: tuple[str, ...]) -> Any:
        kind = schema.get("type")
        kind = next((each for each in kind if each != "null"), "null") if isinstance(kind, list) else kind
        build = {"array": self._array, "string": self._string}
        if kind in ("integer", "number"):
            return _number(schema)
        if kind in ("boolean", "null"):
            return True if kind == "boolean" else None
        return build.get(str(kind), self._object)(schema, within)

    def _object(self, schema: Mapping[str, Any], within: tuple[str, ...]) -> dict[str, Any]:
        required = schema.get("required", ())
        properties = schema.get("properties", {})
        return {
            name: self.make(each, within)
            for name, each in properties.items()
            if name in required or (self.optional and len(within) < _DEEPEST and not _recurs(each, within))
        }

    def _array(self, schema: Mapping[str, Any], within: tuple[str, ...]) -> list[Any]:
        least = schema.get("minItems", 0)
        items = schema.get("items", {})
        number = max(least, 1 if self.optional and len(within) < _DEEPEST and not _recurs(items, within) else 0)
        made = [self.make(items, within) for _ in range(min(number, schema.get("maxItems", number)))]
        return made if not schema.get("uniqueItems") else made[:1]

    def _string(self, schema: Mapping[str, Any], _within: tuple[str, ...]) -> str:
        form = schema.get("format") or schema.get("x-format")
        text = _SECRET if schema.get("x-secret") else _TEXTS.get(str(form), "string")
        text += "x" * (int(schema.get("minLength", 0)) - len(text))
        return text[: int(schema.get("maxLength", len(text)))]


def _number(schema: Mapping[str, Any]) -> int | float:
    least, most = schema.get("minimum", schema.get("exclusiveMinimum")), schema.get("maximum")
    value = 1 if least is None else least + ("exclusiveMinimum" in schema and "minimum" not in schema)
    value = value if most is None else min(value, most)
    step = schema.get("multipleOf")
    return value if not step else -(-value // step) * step


def _recurs(schema: Any, within: tuple[str, ...]) -> bool:
    """Return whether ``schema`` is one that it is itself a part of."""
    reference = schema.get("$ref") if isinstance(schema, Mapping) else None
    return isinstance(reference, str) and reference.rpartition("/")[2] in within
