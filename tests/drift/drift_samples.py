"""A sample at least of each id that a finding can have: pairs of documents, and answers to one contract."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

from drift_changes import BASE, CHANGES, OPERATION_CHANGES
from drift_documents import document_of, operations

from pytest_adyen_creds import load_contract
from pytest_adyen_creds.contract import Contract
from pytest_adyen_creds.contract.finding import Finding
from pytest_adyen_creds.drift.listing import entries

Document = dict[str, Any]

LISTED = {(entry.id, level) for entry in entries() for level in entry.levels}
IDS = {id_ for id_, _ in LISTED}
OPEN = sorted((id_ for id_ in IDS if "{keyword}" in id_), key=len, reverse=True)


def as_listed(findings: Iterable[Finding]) -> set[tuple[str, str]]:
    """Return id and level of each finding, the id as the table has it where any keyword can stand in it."""
    return {(_listed(finding.id), finding.level) for finding in findings}


def _listed(id_: str) -> str:
    if id_ in IDS:
        return id_
    ends = (each.split("{keyword}") for each in OPEN)
    return next(("{keyword}".join(end) for end in ends if id_.startswith(end[0]) and id_.endswith(end[1])), id_)


def pairs() -> Iterator[tuple[Document, Document]]:
    """Yield two documents each that differ in one thing; each way round is a sample."""
    schemas = [(change.before, change.after) for change in CHANGES]
    schemas.append(({"default": "x"}, {"default": "y"}))
    yield from ((_holding(before), _holding(after)) for before, after in [*schemas, *_of_a_property()])
    for before, change, *_ in OPERATION_CHANGES.values():
        yield _changed(before, change)
    yield from _of_the_document()
    yield from _of_webhooks()


def _holding(schema: Any) -> Document:
    """Return a document that has ``schema`` wherever it can have one, and there in a property, too."""

    def operation(schema: Any) -> Document:
        content = {"application/json": {"schema": schema}}
        return {
            "parameters": [{"in": place, "name": "p", "schema": schema} for place in ("query", "header")],
            "requestBody": {"content": content},
            "responses": {"200": {"headers": {"X-It": {"schema": schema}}, "content": content}},
        }

    inside = {"type": "object", "properties": {"it": schema}}
    paths = {"/it": {"post": operation(schema)}, "/inside": {"post": operation(inside)}}
    webhooks = {name: {"post": operation(each)} for name, each in (("it", schema), ("inside", inside))}
    return {"openapi": "3.1.0", "paths": paths, "webhooks": webhooks}


def _of_a_property() -> Iterator[tuple[Any, Any]]:
    """Yield schemas whose only difference is a property: whether it is there, required, and who sends it."""
    kinds: list[Document] = [{}, {"readOnly": True}, {"writeOnly": True}]
    kinds += [{**kind, "default": "x"} for kind in kinds]

    def having(kind: Document, *, required: bool) -> Document:
        whole = copy.deepcopy(BASE)
        whole["properties"]["b"] = {"type": "string", **kind}
        return {**whole, "required": ["b"]} if required else whole

    for kind, required, closed in product(kinds, (False, True), ({}, {"additionalProperties": False})):
        yield {**BASE, **closed}, {**having(kind, required=required), **closed}
        yield having({}, required=required), having(kind, required=required)
        yield having(kind, required=False), having(kind, required=True)
    before, after = ({"type": "object", "properties": {name: {}}, "required": [name]} for name in "ab")
    yield before, after


def _changed(before: Callable[[Document], Any] | None, change: Callable[[Document], Any]) -> tuple[Document, Document]:
    """Return a document before and after a change of its first operation."""
    old = document_of(1, 1)
    if before:
        before(next(operations(old))[2])
    new = copy.deepcopy(old)
    change(next(operations(new))[2])
    return old, new


def _of_the_document() -> Iterator[tuple[Document, Document]]:
    """Yield documents that differ in their operations, their sign-in or their servers."""
    for deprecated in (False, True):
        whole = document_of(1, 2)
        _, (_, path, method), operation = next(operations(whole))
        whole["paths"][path] = {method: operation, "delete": {**operation, "deprecated": deprecated}}
        without_operation, without_path = copy.deepcopy(whole), copy.deepcopy(whole)
        del without_operation["paths"][path]["delete"], without_path["paths"][path]
        yield whole, without_operation
        yield whole, without_path
    yield _changed(lambda operation: operation.pop("operationId"), lambda operation: operation.update(operationId="x"))
    yield _changed(None, lambda operation: operation["parameters"].pop(0))
    for change in (
        lambda document: document["components"]["securitySchemes"]["key"].update(name="X-Other"),
        lambda document: document["servers"].append({"url": "https://two.example"}),
    ):
        other = copy.deepcopy(whole)
        change(other)
        yield whole, other


def _of_webhooks() -> Iterator[tuple[Document, Document]]:
    """Yield documents that differ in their webhooks."""
    media = {"application/json": {"schema": {"type": "object", "properties": {"a": {}}}}}
    webhook = {"requestBody": {"content": media}, "responses": {"200": {"content": media}}}

    def document(**webhooks: Document) -> Document:
        return {"openapi": "3.1.0", "paths": {}, "webhooks": {name: {"post": each} for name, each in webhooks.items()}}

    whole = document(one=webhook)
    yield whole, document()
    yield document(one={**webhook, "deprecated": True}), document()
    yield whole, document(other=webhook)
    other_media = {"application/xml": media["application/json"], **media}
    for name, value in (
        ("deprecated", True),
        ("requestBody", {"content": media, "required": True}),
        ("requestBody", {"content": other_media}),
        ("requestBody", None),
        ("responses", {"200": {"content": other_media}}),
        ("responses", {**webhook["responses"], "202": {}}),
    ):
        yield whole, document(one={**webhook, name: value})


def _closed(**properties: Any) -> Document:
    return {"type": "object", "properties": properties, "additionalProperties": False}


VALUES: dict[str, tuple[dict[str, Any], Any, str]] = {
    "type": ({"type": "string"}, 7, "type-changed"),
    "null": ({"type": "string"}, None, "became-nullable"),
    "enum": ({"type": "string", "enum": ["x"]}, "y", "enum-value-added"),
    "const": ({"type": "string", "const": "x"}, "y", "const-changed"),
    "maxLength": ({"type": "string", "maxLength": 1}, "xx", "max-length-increased"),
    "minLength": ({"type": "string", "minLength": 1}, "", "min-length-decreased"),
    "pattern": ({"type": "string", "pattern": "^a"}, "b", "pattern-changed"),
    "maximum": ({"type": "number", "maximum": 1}, 2, "max-increased"),
    "minimum": ({"type": "number", "minimum": 1}, 0, "min-decreased"),
    "exclusiveMaximum": ({"type": "number", "exclusiveMaximum": 1}, 1, "exclusive-max-increased"),
    "exclusiveMinimum": ({"type": "number", "exclusiveMinimum": 1}, 1, "exclusive-min-decreased"),
    "multipleOf": ({"type": "number", "multipleOf": 2}, 3, "multiple-of-changed"),
    "maxItems": ({"type": "array", "items": {"type": "any"}, "maxItems": 1}, [1, 2], "max-items-increased"),
    "minItems": ({"type": "array", "items": {"type": "any"}, "minItems": 1}, [], "min-items-decreased"),
    "uniqueItems": ({"type": "array", "items": {"type": "any"}, "uniqueItems": True}, [1, 1], "unique-items-unset"),
    "maxProperties": (
        {"type": "map", "values": {"type": "any"}, "maxEntries": 1},
        {"x": 1, "y": 2},
        "max-properties-increased",
    ),
    "minProperties": ({"type": "map", "values": {"type": "any"}, "minEntries": 1}, {}, "min-properties-decreased"),
    "propertyNames": (
        {"type": "map", "values": {"type": "any"}, "keyNames": {"type": "string", "maxLength": 1}},
        {"xx": 1},
        "max-length-increased",
    ),
    "not": ({"type": "string", "not": {"type": "string", "const": "x"}}, "x", "not-changed"),
    "wrapped": (_closed(x={"type": "string"}), {"y": {"x": ""}}, "wrapped"),
    "unwrapped": (_closed(y=_closed(x={"type": "string"})), {"x": ""}, "unwrapped"),
}
"""The schema of a body's property, a value that departs from it, and what follows ``response-property-`` in the id."""


def contract_in(folder: Path) -> Contract:
    """Write a contract of one operation into ``folder``, whose answer has a property for each of ``VALUES``."""
    structure = {
        "$schema": "https://json-structure.org/meta/extended/v0/#",
        "$id": "test://own/It",
        "name": "It",
        "$uses": ["JSONStructureValidation", "JSONStructureConditionalComposition"],
        **_closed(there={"type": "any"}, **{name: schema for name, (schema, _, _) in VALUES.items()}),
        "required": ["there"],
    }
    content = {"application/json": {"schema": {"$ref": "structures/It.struct.json"}}}
    headers = {"X-Count": {"required": True, "schema": {"type": "integer"}}}
    responses = {"200": {"description": "", "headers": headers, "content": content}, "204": {"description": ""}}
    (folder / "v3" / "structures").mkdir(parents=True)
    (folder / "v3" / "structures" / "It.struct.json").write_text(json.dumps(structure))
    document = {"openapi": "3.1.0", "paths": {"/it": {"get": {"responses": responses}}}}
    (folder / "v3" / "openapi.yaml").write_text(json.dumps(document))
    return load_contract("v3", folder)


def _answer(
    status: int = 200, media: str = "application/json", body: bytes = b'{"there": 1}', count: str | None = "1"
) -> tuple[int, str, bytes, dict[str, str]]:
    return status, media, body, {} if count is None else {"X-Count": count}


ANSWERS = {
    "response-undocumented-status": _answer(status=418),
    "response-undocumented-media-type": _answer(media="text/html"),
    "response-undocumented-body": _answer(status=204),
    "response-undocumented-property": _answer(body=b'{"there": 1, "new": 1}'),
    "response-body-missing": _answer(body=b""),
    "response-body-not-json": _answer(body=b"{"),
    "response-body-type-changed": _answer(body=b"[]"),
    "response-required-property-missing": _answer(body=b"{}"),
    "response-required-header-missing": _answer(count=None),
    "response-header-type-changed": _answer(count="three"),
}
"""Id -> status, media type, body and headers of an answer that departs from the contract by it."""
