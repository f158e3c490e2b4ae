"""The operations of a contract: read from its OpenAPI document, found again by method and path."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import unquote

from pytest_adyen_creds.contract.documents import SUFFIX
from pytest_adyen_creds.contract.trees import ABSENT, at
from pytest_adyen_creds.errors import ContractError
from pytest_adyen_creds.formats import read_document

METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_ABOUT_PATHS: Final = frozenset({"$ref", "summary", "description", "servers", "parameters"})
"""What an object of ``paths`` has beside its methods (OpenAPI 3.1, Path Item Object), and names that begin with x-."""
DATA: Final = "x-adyen-data"
"""The annotation by which a contract says what a value must be for a request to be acceptable.

It names a kind of data of the contract suite, or is an object: ``{"values": [...]}`` or ``{"pattern": "..."}``.
"""
PARAMETER: Final = re.compile(r"\{([^{}/]+)\}")
"""A parameter in a path."""
WEBHOOK: Final = "WEBHOOK"
"""How the label of a webhook begins: ``WEBHOOK NAME``; Adyen sends it, and the user's server answers."""
ROLES: Final = "x-adyen-roles"
"""In an operation: ``{"all": […]}``, ``{"one": […]}``, or ``{"any": "Management API"}``: how a role's name begins."""
EXTENDS: Final = "x-extends"
"""In a document: the document that this one is a JSON merge patch (RFC 7396) on, as a relative path."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of an operation; ``schema`` is JSON Schema."""

    name: str
    location: str
    required: bool
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Header:
    """One documented header of a response; ``schema`` is JSON Schema of the value that its text stands for."""

    name: str
    required: bool
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation, or one webhook.

    ``label`` is the method and the path template, ``POST /me/allowedOrigins``; of a webhook ``WEBHOOK`` and its name,
    which is its ``path`` too. ``request`` names the structure of the JSON request body, or is None; ``responses`` gives
    for each documented status the structure of its JSON body, or None where the body is empty; ``headers`` gives for a
    status the headers that are documented for it. ``roles`` are what the caller must hold, as ``x-adyen-roles`` has it.
    """

    label: str
    method: str
    path: str
    id: str
    parameters: tuple[Parameter, ...]
    request: str | None
    responses: Responses
    headers: Mapping[int, tuple[Header, ...]] = field(default_factory=dict)
    roles: Mapping[str, Any] = field(default_factory=dict)


class Responses(dict[int, str | None]):
    """The structure of each documented status; what a range (``4XX``) or ``default`` covers is found, not listed."""

    def __init__(self, documented: Mapping[int | str, str | None] | None = None) -> None:
        self._documented = documented or {}
        super().__init__((status, name) for status, name in self._documented.items() if isinstance(status, int))

    def __missing__(self, status: int) -> str | None:
        for known in (f"{str(status)[:1]}XX", "default"):
            if known in self._documented:
                return self._documented[known]
        raise KeyError(status)

    def __contains__(self, status: object) -> bool:
        return self.get(status, ...) is not ...

    def get(self, status: Any, default: Any = None) -> Any:
        """Return the structure of ``status``, ``default`` where it is not documented."""
        try:
            return self[status]
        except KeyError:
            return default


def read_openapi(path: Path, seen: tuple[Path, ...] = ()) -> tuple[dict[str, Any], tuple[Path, ...]]:
    """Return the OpenAPI document at ``path``, ``x-extends`` carried out, and the documents read, nearest first.

    ``seen`` are the documents that led to this one; to extend one of them again is refused.
    """
    document = read_document(path)
    if not isinstance(document, dict):
        raise ContractError(f"{path}: is not an OpenAPI document; it must be an object")
    base = document.pop(EXTENDS, None)
    if base is None:
        return document, (path,)
    here = Path(os.path.realpath(path))
    try:
        base_path = Path(os.path.realpath(path.parent / str(base)))
    except ValueError:
        raise ContractError(f"{path}#/{EXTENDS}: {str(base)!r} is no path; name a document") from None
    if base_path in seen or base_path == here:
        raise ContractError(f"{path}#/{EXTENDS}: {base} extends this document in turn; break the circle")
    extended, paths = read_openapi(base_path, (*seen, here))
    return merge_patch(extended, document), (path, *paths)


def merge_patch(target: Any, patch: Any) -> Any:
    """Return ``target`` with ``patch`` applied, as RFC 7396 has it: null removes, objects merge, all else replaces."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value)
    return result


def dereference(document: Mapping[str, Any], node: Any, where: str) -> Any:
    """Return ``node``, or what it refers to where it is a reference into ``document``."""
    for _ in range(20):
        if not (isinstance(node, dict) and isinstance(node.get("$ref"), str) and node["$ref"].startswith("#/")):
            return node
        target = at(document, unquote(node["$ref"][1:]))
        if target is ABSENT:
            raise ContractError(f"{where}: {node['$ref']} is not in the document; correct the reference")
        node = target
    raise ContractError(f"{where}: the references go in a circle; break it")


def document_of(schema: Any, where: str) -> str:
    """Return the JSON Structure document that a body's schema refers to (``structures/NAME.struct.json``)."""
    reference = schema.get("$ref") if isinstance(schema, dict) else None
    if not isinstance(reference, str) or not reference.endswith(SUFFIX):
        raise ContractError(f"{where}: a body's schema must be a $ref to structures/NAME{SUFFIX}")
    return reference.rpartition("/")[2].removesuffix(SUFFIX)


def read_operations(
    document: Mapping[str, Any], source: Path, kind: Literal["paths", "webhooks"], root: Callable[[str], str]
) -> Iterator[Operation]:
    """Yield the operations or the webhooks of an OpenAPI ``document``.

    ``source`` is what errors call it; ``root`` returns the structure that a JSON Structure document describes.
    """
    _object(document.get("components", {}), f"{source}#/components")
    for path, item in _object(document.get(kind, {}), f"{source}#/{kind}").items():
        names = PARAMETER.findall(path)
        if len(set(names)) < len(names):
            raise ContractError(f"{source}#/{kind}/{path}: names a parameter twice; give each its own name")
        item = _object(dereference(document, item, f"{source}#/{kind}/{path}"), f"{source}#/{kind}/{path}")
        for name in item:
            if name not in METHODS and name not in _ABOUT_PATHS and not str(name).startswith("x-"):
                where = f"{source}#/{kind}/{path}/{name}"
                raise ContractError(f"{where}: is no method; write one of {', '.join(METHODS)}, or x-{name}")
        for method in METHODS:
            if method not in item:
                continue
            where = f"{source}#/{kind}/{path}/{method}"
            node = _object(item[method], where)
            responses: dict[int | str, str | None] = {}
            headers: dict[int, tuple[Header, ...]] = {}
            for status, response in _object(node.get("responses", {}), f"{where}/responses").items():
                if str(status).startswith("x-"):
                    continue
                if not (re.fullmatch("[1-5](?:[0-9][0-9]|XX)", str(status)) or status == "default"):
                    raise ContractError(f"{where}/responses/{status}: name each status, like 200, 4XX or default")
                response = dereference(document, response, where)
                is_range = not str(status).isdecimal()
                responses[status if is_range else int(status)] = _body(response, f"{where}/responses/{status}", root)
                if not is_range and (documented := tuple(_headers(document, response, f"{where}/responses/{status}"))):
                    headers[int(status)] = documented
            request = dereference(document, node.get("requestBody", {}), where)
            yield Operation(
                label=f"{method.upper()} {path}" if kind == "paths" else f"{WEBHOOK} {path}",
                method=method.upper(),
                path=path,
                id=node.get("operationId", f"{method}{path}"),
                parameters=tuple(
                    _parameters(document, [*_list(item, "parameters", where), *_list(node, "parameters", where)], where)
                ),
                request=_body(request, f"{where}/requestBody", root),
                responses=Responses(responses),
                headers=headers,
                roles=_object(node.get(ROLES, {}), f"{where}/{ROLES}"),
            )


def _headers(document: Mapping[str, Any], response: Any, where: str) -> Iterator[Header]:
    for name, node in _object(response.get("headers", {}), f"{where}/headers").items():
        # OpenAPI: a Content-Type header described here is to be ignored
        if str(name).lower() != "content-type":
            node = _object(dereference(document, node, where), f"{where}/headers/{name}")
            schema = _object(node.get("schema", {}), f"{where}/headers/{name}")
            yield Header(str(name), bool(node.get("required")), schema)


def _parameters(document: Mapping[str, Any], nodes: list[Any], where: str) -> Iterator[Parameter]:
    for node in nodes:
        node = _object(dereference(document, node, where), f"{where}/parameters")
        name, place = node.get("name"), node.get("in")
        if not isinstance(name, str) or not isinstance(place, str):
            raise ContractError(f"{where}/parameters: a parameter needs a name and an in, both texts; add them")
        yield Parameter(name, place, bool(node.get("required")), _object(node.get("schema", {}), f"{where}/parameters"))


def _object(node: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(node, Mapping):
        raise ContractError(f"{where}: must be an object; correct the document")
    return node


def _list(node: Mapping[str, Any], name: str, where: str) -> list[Any]:
    listed = node.get(name, [])
    if not isinstance(listed, list):
        raise ContractError(f"{where}/{name}: must be a list; correct the document")
    return listed


def _body(node: Any, where: str, root: Callable[[str], str]) -> str | None:
    media = _object(_object(node, where).get("content", {}), f"{where}/content")
    if not media:
        return None
    if list(media) != ["application/json"]:
        raise ContractError(f"{where}/content: only application/json is read; found {', '.join(media)}")
    schema = _object(media["application/json"], f"{where}/content").get("schema")
    return None if schema is None else root(document_of(schema, where))


class Router:
    """Finds the operation that a request is of."""

    def __init__(self, operations: Mapping[str, Operation], base_paths: Iterable[str] = ()) -> None:
        bases = sorted({each.strip("/") for each in base_paths if each.strip("/")}, key=len, reverse=True)
        self._base = re.compile("|".join(f"/{re.escape(each)}(?=/)" for each in bases)) if bases else None
        self._routes = [
            (operation, PARAMETER.findall(operation.path), _template(operation.path))
            # a path that is named before one that a parameter stands for: OpenAPI, Paths Object
            for operation in sorted(operations.values(), key=lambda each: _openness(each.path))
        ]

    def match(self, method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
        """Return the operation and its decoded path parameters; None where no operation has this method and path.

        ``path`` is percent-encoded, as it was sent; a base path of the API (``/v3``) at its start is passed over.
        """
        path = path.partition("?")[0]
        if self._base and (base := self._base.match(path)):
            path = path[base.end() :]
        for operation, names, template in self._routes:
            if operation.method == method.upper() and (found := template.fullmatch(path)):
                return operation, dict(zip(names, map(unquote, found.groups()), strict=True))
        return None


def _openness(path: str) -> list[bool]:
    """Return which segments of a path a parameter stands in: the fewer and the later, the sooner it is tried."""
    return [bool(PARAMETER.search(segment)) for segment in path.split("/")]


def _template(path: str) -> re.Pattern[str]:
    return re.compile("([^/]+)".join(map(re.escape, PARAMETER.sub("\0", path).split("\0"))))


def bare(path: str) -> str:
    """Return ``path`` with its parameters' names left out."""
    return re.sub(r"\{[^}]*\}", "{}", path)


def key_of(label: str) -> tuple[str, str]:
    """Return what makes two labels the same operation: the method, and the path without its parameters' names."""
    method, _, path = label.partition(" ")
    return method.upper(), bare(path)
