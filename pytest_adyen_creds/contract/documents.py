"""JSON Structure documents: found in a contract's folders, their imports carried out."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pytest_adyen_creds.errors import ContractError
from pytest_adyen_creds.formats import read_json

SUFFIX: Final = ".struct.json"
"""How the file names of JSON Structure documents end."""

Schema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Document:
    """One JSON Structure document.

    ``source`` is what the file holds; ``expanded`` is the same with ``$import`` and ``$importdefs`` carried out, so
    that every reference in it resolves in it.
    """

    path: Path
    id: str
    source: Schema
    expanded: Schema

    @property
    def name(self) -> str:
        """The name of the message that the document describes."""
        return str(self.source.get("name") or self.path.name.removesuffix(SUFFIX))

    def types(self) -> Iterator[tuple[str, str, Schema]]:
        """Yield each type as (name, pointer, schema): the root type, then the definitions, namespaces dotted."""
        if "type" in self.expanded:
            yield self.name, "#", self.expanded
        yield from _definitions(self.expanded.get("definitions", {}), "#/definitions", "")

    def resolve(self, pointer: str, where: str) -> tuple[str, str, Schema]:
        """Return the type at ``pointer`` as (name, pointer, schema); ``where`` says in an error what refers to it."""
        for name, at, schema in self.types():
            if pointer in (at, f"#/definitions/{name}"):
                return name, at, schema
        raise ContractError(f"{self.path}#{where}: {pointer} names no type of this document; correct the reference")


def load_documents(folders: Iterable[Path]) -> dict[str, Document]:
    """Return the documents of ``folders`` by name; a document of an earlier folder replaces its namesake of a later.

    Imports are resolved by ``$id`` among all of them, replaced ones included. Raises :class:`ContractError`, and
    :class:`FileRefused` for files that are not JSON.
    """
    sources: dict[Path, Schema] = {}
    by_id: dict[str, Schema] = {}
    for folder in folders:
        for path in sorted(folder.glob(f"*{SUFFIX}")):
            source = read_json(path)
            if not isinstance(source, dict) or not isinstance(source.get("$id"), str):
                raise ContractError(f"{path}: is not a JSON Structure document; give it a $id")
            for keyword, kind, expected in (("definitions", dict, "an object"), ("$uses", list, "a list")):
                if not isinstance(source.get(keyword, kind()), kind):
                    raise ContractError(f"{path}#/{keyword}: must be {expected}; correct it")
            if source["$id"] in by_id:
                raise ContractError(f"{path}#/$id: another document has the $id {source['$id']}; give each its own")
            sources[path] = by_id[source["$id"]] = source
    documents: dict[str, Document] = {}
    for path, source in sources.items():
        document = Document(path, source["$id"], source, _expand(source, "#", by_id, path, (source["$id"],)))
        documents.setdefault(document.name, document)
    return documents


def _definitions(namespace: Mapping[str, Any], pointer: str, prefix: str) -> Iterator[tuple[str, str, Schema]]:
    for key, value in namespace.items():
        if isinstance(value, dict) and ("type" in value or _composes(value)):
            yield prefix + key, f"{pointer}/{key}", value
        elif isinstance(value, dict):
            yield from _definitions(value, f"{pointer}/{key}", f"{prefix}{key}.")


def _composes(schema: Schema) -> bool:
    return any(keyword in schema for keyword in ("allOf", "anyOf", "oneOf", "not", "if"))


def _expand(node: Schema, pointer: str, by_id: Mapping[str, Schema], path: Path, stack: tuple[str, ...]) -> Schema:
    """Return ``node``, a document or a namespace of one, with its imports and its namespaces' imports carried out."""
    result = {key: value for key, value in node.items() if key not in ("$import", "$importdefs")}
    at_root = pointer == "#"
    target = "#/definitions" if at_root else pointer
    own = dict(result.get("definitions", {})) if at_root else result
    for key, value in list(own.items()):
        if isinstance(value, dict) and "type" not in value and not _composes(value):
            own[key] = _expand(value, f"{target}/{key}", by_id, path, stack)
    for keyword in ("$import", "$importdefs"):
        uri = node.get(keyword)
        if uri is None:
            continue
        if not isinstance(uri, str) or uri not in by_id:
            raise ContractError(f"{path}{pointer}/{keyword}: no document has the $id {uri!r}; add it or correct this")
        if uri in stack:
            raise ContractError(f"{path}{pointer}/{keyword}: {uri} imports itself; break the circle")
        imported = _expand(by_id[uri], "#", by_id, path, (*stack, uri))
        types = dict(imported.get("definitions", {}))
        if keyword == "$import" and "type" in imported:
            root = {k: v for k, v in imported.items() if k != "definitions" and k not in _DOCUMENT_KEYWORDS}
            types[str(imported.get("name"))] = root
        for name, schema in types.items():
            own.setdefault(name, _retarget(copy.deepcopy(schema), target))
    if at_root and own:
        result["definitions"] = own
    return result


_DOCUMENT_KEYWORDS: Final = frozenset({"$schema", "$id", "$uses", "$root"})


def _retarget(schema: Any, target: str) -> Any:
    """Point the references of an imported schema to where its definitions are now."""
    if target == "#/definitions":
        return schema
    if isinstance(schema, list):
        return [_retarget(item, target) for item in schema]
    if isinstance(schema, dict):
        return {
            key: _repoint(value, target) if key in ("$ref", "$extends") else _retarget(value, target)
            for key, value in schema.items()
        }
    return schema


def _repoint(value: Any, target: str) -> Any:
    if isinstance(value, list):
        return [_repoint(item, target) for item in value]
    return value.replace("#/definitions", target, 1) if isinstance(value, str) else value
