"""Bodies made from a contract: a Hypothesis strategy for any structure, and one example that is always the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

_LEFT_OUT: Final = {"readOnly": bool, "writeOnly": bool, "discriminator": dict}
"""What is generated is whole, whoever sends it, and no discriminator decides on it: each with its value's type."""


def strategy_for(schema: Mapping[str, Any]) -> SearchStrategy[Any]:
    """Return a strategy for JSON values that ``schema``, a self-contained JSON Schema 2020-12, allows."""
    import schemathesis

    whole = _whole(schema)
    definitions = {name: _as_component(each) for name, each in whole.pop("$defs", {}).items()}
    body = {"required": True, "content": {"application/json": {"schema": _as_component(whole)}}}
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


def _as_component(node: Any) -> Any:
    text = json.dumps(
        {key: value for key, value in node.items() if key != "$schema"} if isinstance(node, dict) else node
    )
    return json.loads(text.replace('"#/$defs/', '"#/components/schemas/'))
