"""Random OpenAPI documents, and ways to write the same one differently."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

NAMES = ["id", "name", "value", "kind", "data", "links", "type", "title", "properties", "a/b", "c~d"]
ERROR = {"type": "object", "properties": {"code": {"type": "string"}}, "required": ["code"]}


SCALARS: list[dict[str, Any]] = [
    {"type": "string"},
    {"type": "string", "maxLength": 50},
    {"type": "string", "format": "date-time"},
    {"type": "string", "enum": ["a", "b", "c"]},
    {"type": "string", "pattern": "^[a-z]+$"},
    {"type": ["string", "null"]},
    {"type": "integer", "format": "int32"},
    {"type": "integer", "minimum": 1, "maximum": 100},
    {"type": "number", "exclusiveMinimum": 0},
    {"type": "number", "multipleOf": 0.5},
    {"type": "boolean"},
    {"type": "boolean", "default": True},
    {},
]


def scalar(rng: random.Random) -> dict[str, Any]:
    return copy.deepcopy(rng.choice(SCALARS))


def record(rng: random.Random, depth: int) -> dict[str, Any]:
    names = rng.sample(NAMES, rng.randint(1, 4))
    schema: dict[str, Any] = {"type": "object", "properties": {name: schema_of(rng, depth - 1) for name in names}}
    if needed := [name for name in names if rng.random() < 0.4]:
        schema["required"] = needed
    if rng.random() < 0.5:
        schema["additionalProperties"] = False
    return schema


def schema_of(rng: random.Random, depth: int = 3) -> dict[str, Any]:
    roll = rng.random()
    if depth == 0 or roll < 0.4:
        return scalar(rng)
    if roll < 0.75:
        return record(rng, depth)
    if roll < 0.9:
        return {"type": "array", "items": schema_of(rng, depth - 1)}
    return {"oneOf": [record(rng, depth), {"type": "integer"}]}


def documents() -> st.SearchStrategy[dict[str, Any]]:
    """Documents of one to three paths, every schema in its place, written in 3.1.

    Made out of a seed: drawing each choice from Hypothesis costs a hundred times what the comparison does.
    """
    return st.builds(document_of, st.integers(0, 2**32), st.integers(1, 3))


def document_of(seed: int, size: int) -> dict[str, Any]:
    rng = random.Random(seed)
    paths: dict[str, Any] = {}
    for number in range(size):
        item = paths.setdefault(f"/things{number}/{{thingId}}/parts/{{partId}}", {})
        for method in rng.sample(["get", "post", "patch"], rng.randint(1, 2)):
            operation: dict[str, Any] = {
                "operationId": f"{method}-things{number}-thingId-parts-partId",
                "parameters": [
                    {"name": "thingId", "in": "path", "required": True, "schema": {"type": "string"}},
                    {"name": "partId", "in": "path", "required": True, "schema": scalar(rng)},
                    {"name": "page", "in": "query", "required": rng.random() < 0.5, "schema": scalar(rng)},
                    {"name": "X-Trace", "in": "header", "schema": scalar(rng)},
                ],
                "security": [{"key": []}, {"oauth": ["read"]}],
                "responses": {
                    "200": {
                        "description": "fine",
                        "headers": {"X-Count": {"required": rng.random() < 0.5, "schema": scalar(rng)}},
                        "content": {"application/json": {"schema": schema_of(rng)}},
                    },
                    "422": {"description": "bad", "content": {"application/json": {"schema": copy.deepcopy(ERROR)}}},
                    "204": {"description": "nothing"},
                },
            }
            if method != "get":
                operation["requestBody"] = {
                    "required": rng.random() < 0.5,
                    "content": {"application/json": {"schema": schema_of(rng)}},
                }
            item[method] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "servers": [{"url": "https://one.example/v1"}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
                "basic": {"type": "http", "scheme": "basic"},
                "oauth": {
                    "type": "oauth2",
                    "flows": {
                        "clientCredentials": {"tokenUrl": "https://one.example/t", "scopes": {"read": "", "w": ""}}
                    },
                },
            }
        },
    }


@dataclass(frozen=True)
class Site:
    """A place of a schema in a document; ``kind`` and ``base`` are what a finding there is called and located by."""

    path: tuple[Any, ...]
    kind: str
    operation: str
    status: int | None
    base: str
    pointer: str

    @property
    def location(self) -> str:
        return self.base + self.pointer


def operations(document: dict[str, Any]) -> Iterator[tuple[str, tuple[str, ...], dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", ("paths", path, method), operation


def sites(document: dict[str, Any]) -> list[Site]:
    """Return every place where a schema stands, those inside a choice left out."""
    return [site for label, path, operation in operations(document) for site in _sites(label, path, operation)]


def _sites(label: str, path: tuple[Any, ...], operation: dict[str, Any]) -> Iterator[Site]:
    for index, parameter in enumerate(operation["parameters"]):
        base = f"/{parameter['in']}/{parameter['name']}"
        at = Site((*path, "parameters", index, "schema"), "request-parameter", label, None, base, "")
        yield from _below(at, parameter["schema"])
    for media, node in operation.get("requestBody", {}).get("content", {}).items():
        at = Site((*path, "requestBody", "content", media, "schema"), "request-body", label, None, "", "")
        yield from _below(at, node["schema"])
    for status, response in operation["responses"].items():
        for name, header in response.get("headers", {}).items():
            at = Site(
                (*path, "responses", status, "headers", name, "schema"),
                "response-header",
                label,
                int(status),
                f"/header/{name}",
                "",
            )
            yield from _below(at, header["schema"])
        for media, node in response.get("content", {}).items():
            at = Site(
                (*path, "responses", status, "content", media, "schema"), "response-body", label, int(status), "", ""
            )
            yield from _below(at, node["schema"])


def _below(site: Site, schema: dict[str, Any]) -> Iterator[Site]:
    yield site
    for name, inner in schema.get("properties", {}).items():
        segment = name.replace("~", "~0").replace("/", "~1")
        path = (*site.path, "properties", name)
        yield from _below(
            Site(path, site.kind, site.operation, site.status, site.base, f"{site.pointer}/{segment}"), inner
        )
    if "items" in schema:
        path = (*site.path, "items")
        inner = Site(path, site.kind, site.operation, site.status, site.base, f"{site.pointer}/*")
        yield from _below(inner, schema["items"])


def planted(document: dict[str, Any], site: Site, schema: Any) -> dict[str, Any]:
    """Return ``document`` with ``schema`` at ``site``."""
    result = copy.deepcopy(document)
    node: Any = result
    for key in site.path[:-1]:
        node = node[key]
    node[site.path[-1]] = copy.deepcopy(schema)
    return result
