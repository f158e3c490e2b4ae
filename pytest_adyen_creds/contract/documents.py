"""JSON Structure documents: found in a contract's folders, their imports carried out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from pytest_adyen_creds.contract.keywords import misshapen
from pytest_adyen_creds.contract.trees import DEFINITIONS, Schema, repointed
from pytest_adyen_creds.errors import ContractError
from pytest_adyen_creds.formats import read_json

SUFFIX: Final = ".struct.json"
"""How the file names of JSON Structure documents end."""

Type = tuple[str, str, Schema]
"""A type of a document: its name, namespaces dotted; its JSON Pointer; its schema."""


@dataclass(frozen=True, eq=False)
class Document:
    """One JSON Structure document.

    ``source`` is what the file holds, and ``own`` the same with what namespaces import carried out. ``imports`` are the
    documents that it imports as a whole: their types can be referred to as if they stood in this one's definitions.
    """

    path: Path
    id: str
    source: Schema
    own: Schema
    imports: tuple[tuple[str, Document], ...] = ()
    """Each with the keyword that imports it: ``$importdefs`` leaves the root type out."""

    @property
    def name(self) -> str:
        """The name of the message that the document describes."""
        return str(self.source.get("name") or self.path.name.removesuffix(SUFFIX))

    @cached_property
    def types(self) -> Mapping[str, Type]:
        """Each type that the document itself holds, by its pointer: the root type, then the definitions."""
        root = [(self.name, "#", self.own)] if "type" in self.own or _composes(self.own) else []
        found = (*root, *_definitions(self.own.get("definitions", {}), "#/definitions", ""))
        return {each[1]: each for each in found}

    @cached_property
    def _reachable(self) -> Mapping[str, Type]:
        """Each type that a reference in the document can name, by every pointer that names it; its own first."""
        imported = [
            each
            for keyword, document in reversed(self.imports)
            for each in _definitions(_definitions_of(document, with_root=keyword == "$import"), "#/definitions", "")
        ]
        found = (*imported, *self.types.values())
        return {pointer: each for each in found for pointer in (each[1], f"#/definitions/{each[0]}")}

    def resolve(self, pointer: str, where: str) -> Type:
        """Return the type at ``pointer``; ``where`` says in an error what refers to it."""
        if pointer not in self._reachable:
            raise ContractError(f"{self.path}#{where}: {pointer} names no type of this document; correct the reference")
        return self._reachable[pointer]


def load_documents(folders: Iterable[Path]) -> dict[str, Document]:
    """Return the documents of ``folders`` by name; a document of an earlier folder replaces its namesake of a later.

    Imports are resolved by ``$id`` among all of them, replaced ones included. Raises :class:`ContractError`, and
    :class:`FileRefused` for files that are not JSON.
    """
    sources: dict[str, tuple[Path, Schema]] = {}
    for folder in folders:
        for path in sorted(folder.glob(f"*{SUFFIX}")):
            source = read_json(path)
            if not isinstance(source, dict) or not isinstance(source.get("$id"), str):
                raise ContractError(f"{path}: is not a JSON Structure document; give it a $id")
            for keyword, value in source.items():
                if expected := misshapen(keyword, value):
                    raise ContractError(f"{path}#/{keyword}: must be {expected}; correct it")
            if not _IDENTIFIER.fullmatch(source.get("name", "_")):
                raise ContractError(f"{path}#/name: must be a name of letters, digits and _; correct it")
            if source["$id"] in sources:
                raise ContractError(f"{path}#/$id: another document has the $id {source['$id']}; give each its own")
            sources[source["$id"]] = path, source
    loader = _Loader(sources)
    documents: dict[str, Document] = {}
    for id_ in sources:
        document = loader.document(id_)
        documents.setdefault(document.name, document)
    return documents


class _Loader:
    """Makes documents of what files hold, each once."""

    def __init__(self, sources: Mapping[str, tuple[Path, Schema]]) -> None:
        self._sources = sources
        self._made: dict[str, Document] = {}

    def document(self, id_: str, stack: tuple[str, ...] = ()) -> Document:
        if id_ not in self._made:
            path, source = self._sources[id_]
            stack = (*stack, id_)
            imports = tuple(self._imports(source, "#", path, stack))
            own = {key: value for key, value in source.items() if key not in _IMPORTS}
            if "definitions" in own:
                own["definitions"] = self._namespace(own["definitions"], "#/definitions", path, stack)
            self._made[id_] = Document(path, id_, source, own, imports)
        return self._made[id_]

    def _namespace(self, node: Schema, pointer: str, path: Path, stack: tuple[str, ...]) -> Schema:
        """Return a namespace with its imports, and those of the namespaces in it, carried out."""
        result = {key: value for key, value in node.items() if key not in _IMPORTS}
        for key, value in result.items():
            if not isinstance(value, dict):
                raise ContractError(f"{path}{pointer}/{key}: must be a type or a namespace, an object; correct it")
            if "type" not in value and not _composes(value):
                result[key] = self._namespace(value, f"{pointer}/{key}", path, stack)
        for keyword, imported in self._imports(node, pointer, path, stack):
            for name, schema in _definitions_of(imported, with_root=keyword == "$import").items():
                # to where its definitions are now
                here = repointed(schema, lambda reference: reference.replace(DEFINITIONS, f"{pointer}/", 1))
                result.setdefault(name, here)
        return result

    def _imports(
        self, node: Schema, pointer: str, path: Path, stack: tuple[str, ...]
    ) -> Iterator[tuple[str, Document]]:
        """Yield the documents that a document or a namespace imports, each with the keyword that says so."""
        for keyword in _IMPORTS:
            if keyword in node:
                uri, where = node[keyword], f"{path}{pointer}/{keyword}"
                if not isinstance(uri, str) or uri not in self._sources:
                    raise ContractError(f"{where}: no document has the $id {uri!r}; add it or correct this")
                if uri in stack:
                    raise ContractError(f"{where}: {uri} imports itself; break the circle")
                yield keyword, self.document(uri, stack)


def _definitions(namespace: Mapping[str, Any], pointer: str, prefix: str) -> Iterator[Type]:
    for key, value in namespace.items():
        if isinstance(value, dict) and ("type" in value or _composes(value)):
            yield prefix + key, f"{pointer}/{key}", value
        elif isinstance(value, dict):
            yield from _definitions(value, f"{pointer}/{key}", f"{prefix}{key}.")


def _composes(schema: Schema) -> bool:
    return any(keyword in schema for keyword in ("allOf", "anyOf", "oneOf", "not", "if"))


def _definitions_of(document: Document, *, with_root: bool) -> Schema:
    """Return what a document gives to one that imports it: definitions, its own imports' among them."""
    found: Schema = {}
    for keyword, imported in reversed(document.imports):
        found |= _definitions_of(imported, with_root=keyword == "$import")
    found |= document.own.get("definitions", {})
    return found | {document.name: without_document(document.own)} if with_root and "#" in document.types else found


def without_document(schema: Schema) -> Schema:
    """Return a document's root type without what concerns the document."""
    return {key: value for key, value in schema.items() if key not in _DOCUMENT_KEYWORDS}


_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_IMPORTS: Final = ("$import", "$importdefs")
_DOCUMENT_KEYWORDS: Final = frozenset({"$schema", "$id", "$uses", "$root", "definitions"})
