"""An OpenAPI document as the comparison reads it: references followed, defaults filled in, wording left out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby, zip_longest
from typing import Any
from urllib.parse import unquote

from pytest_adyen_creds.contract.operations import METHODS, WEBHOOK, bare
from pytest_adyen_creds.contract.trees import ABSENT, at
from pytest_adyen_creds.drift.shape import ANY, ANYTHING, NOTHING, Schema, Shape, merge, schema_or_true, shape_of
from pytest_adyen_creds.errors import FileRefused
from pytest_adyen_creds.text import escape_pointer

SignIn = Mapping[str, frozenset[str]]
"""One way to sign in: security scheme -> scopes, all of them together."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of an operation, or a header of a response.

    ``place`` is ``path``, ``query``, ``header`` or ``cookie``.
    """

    place: str
    name: str
    required: bool
    schema: Schema
    deprecated: bool = False
    serialization: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Body:
    """A request body: media type -> schema."""

    required: bool
    content: Mapping[str, Schema]


@dataclass(frozen=True, slots=True)
class Response:
    """One documented answer: lower-case header name -> header, media type -> schema."""

    headers: Mapping[str, Parameter]
    content: Mapping[str, Schema]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation, or one webhook. ``security`` holds the alternatives; an empty one is no signing in."""

    key: tuple[str, str]
    label: str
    id: str | None
    deprecated: bool
    path_names: tuple[str, ...]
    parameters: Mapping[tuple[str, str], Parameter]
    body: Body | None
    responses: Mapping[str, Response]
    security: tuple[SignIn, ...]

    @property
    def is_webhook(self) -> bool:
        """Whether Adyen sends it."""
        return self.key[0] == WEBHOOK


class Document:
    """An OpenAPI 3.0 or 3.1 document. Reading it raises :class:`FileRefused` where it is not what it says."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._is_3_0 = str(root.get("openapi", "")).startswith("3.0")
        self._shapes: dict[int, Shape] = {}
        # keeps alive what ids stand for: schemas that merging made are in no document
        self._alive: list[Any] = []
        components = _object(root.get("components"), "/components")
        schemes = _object(components.get("securitySchemes"), "/components/securitySchemes")
        self.schemes: Mapping[str, Any] = {
            name: self.resolve(scheme, f"/components/securitySchemes/{name}") for name, scheme in schemes.items()
        }

    @property
    def servers(self) -> frozenset[str]:
        """Return the URLs of the servers; empty where the document names none."""
        servers = self._root.get("servers")
        listed = servers if isinstance(servers, list) else []
        return frozenset(str(server.get("url", "")).rstrip("/") for server in listed if isinstance(server, Mapping))

    def operations(self) -> dict[tuple[str, str], Operation]:
        """Return the operations by method and path, the names of the path's parameters left out, and the webhooks."""
        found: dict[tuple[str, str], Operation] = {}
        for kind in ("paths", "webhooks"):
            for path, raw_item in _object(self._root.get(kind), f"/{kind}").items():
                pointer = f"/{kind}/" + escape_pointer(str(path))
                item = self.resolve(raw_item, pointer)
                for method in METHODS:
                    if method in item:
                        pointed = f"{pointer}/{method}"
                        verb = method.upper() if kind == "paths" else WEBHOOK
                        operation = self._operation(verb, str(path), item, _object(item[method], pointed), pointed)
                        found[operation.key] = operation
        return found

    def target(self, raw: Schema) -> Schema:
        """Return the schema that ``raw`` stands for: itself, or what it does no more than refer to."""
        for _ in range(100):
            if not isinstance(raw, Mapping) or "$ref" not in raw:
                return raw
            if len(raw) > 1 and not self._is_3_0 and self._own(raw) != ANYTHING:
                return raw
            raw = self._referred(raw["$ref"])
        raise FileRefused("a chain of $ref does not end; mend the document")

    def shape(self, raw: Schema, depth: int = 0) -> Shape:
        """Return what ``raw`` allows, references followed and ``allOf`` merged where one shape can say it.

        ``depth`` is how many references and parts of ``allOf`` led to it.
        """
        if not isinstance(raw, Mapping):
            return ANYTHING if raw else NOTHING
        known = self._shapes.get(id(raw))
        if known is None:
            if depth > 50:
                raise FileRefused("a schema is made of itself through $ref or allOf; mend the document")
            known = self._shapes[id(raw)] = self._merged(raw, depth)
            self._alive.append(raw)
        return known

    def resolve(self, raw: Any, pointer: str) -> Mapping[str, Any]:
        """Return the object at ``pointer``, following its ``$ref``."""
        for _ in range(100):
            node = _object(raw, pointer)
            if not isinstance(node.get("$ref"), str):
                return node
            raw = self._referred(node["$ref"])
        raise FileRefused(f"{pointer}: a chain of $ref does not end; mend the document")

    def _own(self, raw: Mapping[str, Any]) -> Shape:
        own = {name: value for name, value in raw.items() if name not in ("$ref", "allOf")}
        return shape_of(own) if own else ANYTHING

    def _merged(self, raw: Mapping[str, Any], depth: int) -> Shape:
        own = self._own(raw) if "$ref" not in raw or not self._is_3_0 else ANYTHING
        parts: list[Schema] = []
        if "$ref" in raw:
            parts.append(self._referred(raw["$ref"]))
        if isinstance(raw.get("allOf"), list) and not ("$ref" in raw and self._is_3_0):
            parts.extend(part for part in raw["allOf"] if isinstance(part, Mapping | bool))
        whole: Shape | None = own
        for merged in _in_runs([self.shape(part, depth + 1) for part in parts]):
            whole = merge(whole, merged) if whole is not None and merged is not None else None
        if whole is None:
            return replace(own, rest={**own.rest, "allOf": parts})
        if parts and raw.get("nullable") is True and "type" not in raw:
            whole = replace(whole, nullable=True)  # 3.0's way to say "this reference, or null"
        return self._with_choice(whole, raw, depth)

    def _with_choice(self, shape: Shape, raw: Mapping[str, Any], depth: int) -> Shape:
        """Return ``shape`` with the branch ``null`` taken out of its choice, and with a choice of one taken in."""
        for name in ("one_of", "any_of"):
            branches = getattr(shape, name)
            real = tuple(branch for branch in branches if not _is_null(branch))
            nullable = len(real) < len(branches) or raw.get("nullable") is True
            single = self.shape(real[0], depth + 1) if len(real) == 1 else None
            merged = merge(_with_branches(shape, name, ()), single) if single else None
            if merged is not None:
                shape = replace(merged, nullable=nullable or merged.nullable)
            elif branches:
                nullable = nullable or (shape.types != ANY and shape.nullable)
                shape = replace(_with_branches(shape, name, real), nullable=nullable)
        return shape

    def _referred(self, reference: Any) -> Any:
        if not isinstance(reference, str) or not reference.startswith("#"):
            raise FileRefused(f"$ref {reference!r} leaves the document; bundle it into one file first")
        node = at(self._root, unquote(reference[1:]))
        if node is ABSENT:
            raise FileRefused(f"$ref {reference!r} points to nothing; mend the document")
        if not isinstance(node, Mapping | bool):
            raise FileRefused(f"$ref {reference!r} does not point to an object; mend the document")
        return node

    def _operation(
        self, method: str, path: str, item: Mapping[str, Any], raw: Mapping[str, Any], pointer: str
    ) -> Operation:
        names = tuple(re.findall(r"\{([^}]*)\}", path))
        security = raw.get("security", self._root.get("security"))
        responses = _object(raw.get("responses"), f"{pointer}/responses")
        return Operation(
            key=(method, bare(path) if method != WEBHOOK else path),
            label=f"{method} {path}",
            id=raw["operationId"] if isinstance(raw.get("operationId"), str) else None,
            deprecated=raw.get("deprecated") is True,
            path_names=names,
            parameters=self._parameters(item, raw, names, pointer),
            body=self._body(raw["requestBody"], f"{pointer}/requestBody") if raw.get("requestBody") else None,
            responses={
                str(status).upper(): self._response(answer, f"{pointer}/responses/{status}")
                for status, answer in responses.items()
                if not str(status).startswith("x-")
            },
            security=tuple(
                {
                    str(name): frozenset(map(str, scopes)) if isinstance(scopes, list) else frozenset()
                    for name, scopes in alternative.items()
                }
                for alternative in (security if isinstance(security, list) else [])
                if isinstance(alternative, Mapping)
            ),
        )

    def _parameters(
        self, item: Mapping[str, Any], raw: Mapping[str, Any], names: tuple[str, ...], pointer: str
    ) -> dict[tuple[str, str], Parameter]:
        found: dict[tuple[str, str], Parameter] = {}
        for source in (item.get("parameters"), raw.get("parameters")):
            for declared in source if isinstance(source, list) else []:
                node = self.resolve(declared, f"{pointer}/parameters")
                place, name = str(node.get("in", "")), str(node.get("name", ""))
                style = node.get("style") or ("form" if place in ("query", "cookie") else "simple")
                key = name.lower() if place == "header" else name
                if place == "path":
                    # by its position: a path parameter's name is nothing that a request shows
                    key = str(names.index(name)) if name in names else name
                found[place, key] = Parameter(
                    place,
                    name,
                    required=node.get("required") is True or place == "path",
                    deprecated=node.get("deprecated") is True,
                    schema=self._first_schema(node, f"{pointer}/parameters"),
                    serialization=(
                        style,
                        node.get("explode", style == "form"),
                        node.get("allowReserved", False),
                        tuple(self._content(node, pointer)) if "content" in node else None,
                    ),
                )
        return found

    def _first_schema(self, node: Mapping[str, Any], pointer: str) -> Schema:
        if "content" in node:
            return next(iter(self._content(node, pointer).values()), True)
        return schema_or_true(node.get("schema"))

    def _body(self, raw: Any, pointer: str) -> Body:
        node = self.resolve(raw, pointer)
        return Body(required=node.get("required") is True, content=self._content(node, pointer))

    def _content(self, node: Mapping[str, Any], pointer: str) -> dict[str, Schema]:
        content = _object(node.get("content"), f"{pointer}/content")
        return {
            media_type(str(name)): schema_or_true(_object(media, f"{pointer}/content").get("schema"))
            for name, media in content.items()
        }

    def _response(self, raw: Any, pointer: str) -> Response:
        node = self.resolve(raw, pointer)
        headers = {}
        for name, declared in _object(node.get("headers"), f"{pointer}/headers").items():
            # OpenAPI: a Content-Type header described here is to be ignored
            if str(name).lower() != "content-type":
                header = self.resolve(declared, f"{pointer}/headers/{name}")
                required, schema = header.get("required") is True, self._first_schema(header, pointer)
                headers[str(name).lower()] = Parameter("header", str(name), required, schema)
        return Response(headers=headers, content=self._content(node, pointer))


def media_type(name: str) -> str:
    """Return a media type in one spelling; a charset says nothing where the text is UTF-8."""
    essence, *parameters = (part.strip().lower() for part in name.split(";"))
    return ";".join([essence, *sorted(p for p in parameters if p and not p.startswith("charset="))])


def _object(raw: Any, pointer: str) -> Mapping[str, Any]:
    if raw is None:
        return {}
    if not isinstance(raw, Mapping):
        raise FileRefused(f"{pointer}: is {type(raw).__name__}, not an object; this is no OpenAPI document")
    return raw


def _in_runs(parts: list[Shape]) -> Iterator[Shape | None]:
    """Yield ``parts``, those in a row that are open to any property merged: two by two, which many take no longer."""
    for is_open, run in groupby(parts, lambda part: part.additional is True and not part.unevaluated):
        merged: list[Shape | None] = list(run)
        while is_open and len(merged) > 1:
            pairs = zip_longest(merged[::2], merged[1::2], fillvalue=ANYTHING)
            merged = [merge(one, other) if one is not None and other is not None else None for one, other in pairs]
        yield from merged


def _with_branches(shape: Shape, name: str, branches: tuple[Schema, ...]) -> Shape:
    return replace(shape, one_of=branches) if name == "one_of" else replace(shape, any_of=branches)


def _is_null(schema: Schema) -> bool:
    return isinstance(schema, Mapping) and schema.get("type") in ("null", ["null"])
