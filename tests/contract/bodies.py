"""Bodies for a JSON Schema: made to fit, then broken at one place."""

from __future__ import annotations

import copy
from random import Random
from typing import Any

TEXTS = ["", "a", "ws@Company.TestCompany", "https://shop.example.com", "é✓", "x" * 49, "x" * 50, "x" * 51, "😀" * 50]
WRONG = [None, True, False, 0, 1, -1, 1.5, 2**31, -(2**31) - 1, 2**63, "", "text", [], [None], {}, {"a": 1}]


def fitting(schema: dict[str, Any], definitions: dict[str, Any], rng: Random, depth: int = 0) -> Any:
    """Return a body that fits ``schema``; optional properties come and go."""
    if "$ref" in schema:
        return fitting(definitions[schema["$ref"].rpartition("/")[2]], definitions, rng, depth)
    kind = schema.get("type")
    if kind == "object":
        required = schema.get("required", [])
        properties = schema.get("properties", {})
        body = {
            name: fitting(inner, definitions, rng, depth + 1)
            for name, inner in properties.items()
            if name in required or (depth < 4 and rng.random() < 0.6)
        }
        if schema.get("additionalProperties") is not False and rng.random() < 0.3:
            body["anything"] = rng.choice(WRONG)
        return body
    if kind == "array":
        return [fitting(schema["items"], definitions, rng, depth + 1) for _ in range(rng.randrange(3))]
    if kind == "integer":
        return rng.choice([0, 1, 10, schema["minimum"], schema["maximum"], rng.randrange(-1000, 1000)])
    if kind == "boolean":
        return rng.random() < 0.5
    if kind == "string":
        return rng.choice([text for text in TEXTS if len(text) <= schema.get("maxLength", 1000)])
    return rng.choice(WRONG)


def places(body: Any) -> list[tuple[Any, Any]]:
    """Return each (container, key) in ``body``."""
    if isinstance(body, dict):
        return [place for key in body for place in [(body, key), *places(body[key])]]
    if isinstance(body, list):
        return [place for index in range(len(body)) for place in [(body, index), *places(body[index])]]
    return []


def broken(body: Any, rng: Random) -> Any:
    """Return ``body`` changed at one place; the change may, by chance, leave it fitting."""
    body = copy.deepcopy(body)
    spots = places(body)
    if not spots or rng.random() < 0.05:
        return rng.choice(WRONG)
    container, key = rng.choice(spots)
    match rng.randrange(5):
        case 0 if isinstance(container, dict):
            del container[key]
        case 1 if isinstance(container, dict):
            container[rng.choice(["extra", "self", "id", "data"])] = rng.choice(WRONG)
        case 2:
            container[key] = rng.choice(TEXTS)
        case 3 if isinstance(container, list):
            container.append(rng.choice(WRONG))
        case _:
            container[key] = rng.choice(WRONG)
    return body
