"""A contract made of an OpenAPI document: operations, webhooks, and a JSON Structure document for each message."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import chain
from pathlib import Path
from typing import Any, Final

from pytest_adyen_creds.contract.contract import OPENAPI, PUBLISHED, WHOLE
from pytest_adyen_creds.contract.conversion import Conversion, texts_in
from pytest_adyen_creds.contract.documents import SUFFIX
from pytest_adyen_creds.contract.operations import METHODS, ROLES, WEBHOOK, dereference
from pytest_adyen_creds.contract.trees import DEFINITIONS, Schema, reachable
from pytest_adyen_creds.errors import ContractError
from pytest_adyen_creds.files import write_text
from pytest_adyen_creds.formats import read_json
from pytest_adyen_creds.text import counted, escape_pointer

_FILE: Final = OPENAPI[1]
"""JSON: it is read twenty times faster than YAML."""

JSON_STRUCTURE: Final = "https://json-structure.org/meta/extended/v0/#"
"""The dialect of the documents of bodies, by which JSON Structure's draft OpenAPI binding tells them."""

_KINDS: Final = ("paths", "webhooks")
_IMPORT: Final = "x-import"
_COMMON: Final = "common"
_USES: Final = ("JSONStructureValidation", "JSONStructureConditionalComposition", "JSONStructureAlternateNames")
_JSON: Final = "application/json"
_ADYENS_FOLDER: Final = "https://raw.githubusercontent.com/Adyen/adyen-openapi/main/json/"
_ADYENS_FILE: Final = re.compile(r"([A-Z][A-Za-z0-9]*)-(v[0-9]+)\.json")
_WORD: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NAME: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*/v[0-9]+")
_LISTED: Final = re.compile(
    r"must have (?P<one>one of )?(?:the following|these|this)\s+(?:\[roles?\]\([^)]*\)|roles?)[^\n:]*:?\s*\n*"
    r"(?P<roles>(?:[ \t]*[*-][ \t]+[^\n]+\n?)+)",
    re.IGNORECASE,
)
_ANY: Final = re.compile(r"any of the (?P<start>[A-Z][A-Za-z ]+?) roles", re.IGNORECASE)
_ASKS: Final = re.compile(
    r"\broles?\]?\(?.{0,120}(?:must|need|require)|(?:must|need|require).{0,160}\brole", re.IGNORECASE | re.DOTALL
)


@dataclass(frozen=True)
class Imported:
    """A contract as files: ``files`` by their path in the contract's folder, and what a person should know of it."""

    name: str
    """API and version, ``legal-entity/v4``."""
    files: Mapping[str, Any]
    operations: int
    webhooks: int
    notes: tuple[str, ...] = ()


def name_of_api(source: str, document: Mapping[str, Any]) -> str:
    """Return the name of the API in a document from ``source``: ``LegalEntityService-v4.json`` is legal-entity/v4."""
    file = re.split(r"[/\\]", source)[-1]
    if found := _ADYENS_FILE.fullmatch(file):
        return f"{_WORD.sub('-', found[1].removesuffix('Service')).lower()}/{found[2]}"
    stated = document.get("info")
    info = stated if isinstance(stated, Mapping) else {}
    words = [
        word for word in re.findall(r"[a-z0-9]+", str(info.get("title", "")).lower()) if word not in ("adyen", "api")
    ]
    version = re.match(r"v?([0-9]+)", str(info.get("version", "")))
    if not words or version is None:
        raise ContractError(f"{source}: its info has no title and version to name the contract by; give --name API/vN")
    return f"{'-'.join(words)}/v{version[1]}"


def import_openapi(
    document: Mapping[str, Any], source: str, *, name: str | None = None, operations: Collection[str] = ()
) -> Imported:
    """Return the contract that ``document``, an OpenAPI 3.0 or 3.1 document, describes.

    ``source`` is where it is from, ``name`` what to call the contract (``API/vN``), ``operations`` the labels
    (``GET /me``, ``WEBHOOK name``) to take, with all that they reach; none: all. Raises :class:`ContractError` for what
    is no document, or cannot be said.
    """
    name = name or name_of_api(source, document)
    if not _NAME.fullmatch(name):
        raise ContractError(f"{name!r} is no name of a contract; write it like legal-entity/v4")
    plain = json.loads(json.dumps(document, default=str))  # a date that YAML read is a text here
    return _Import(plain, source, name, operations).result()


class _Import:
    def __init__(self, document: Mapping[str, Any], source: str, name: str, operations: Collection[str]) -> None:
        self._document = document
        self._source = source
        self._name = name
        self._conversion = Conversion(document)
        self._wanted = self._chosen(operations)
        self._messages: dict[str, None] = {}
        """Component schemas that are a body."""
        self._inline: dict[str, Schema] = {}
        """Structures of bodies that no component schema describes, by name."""
        self._examples: dict[str, Any] = {}
        self._notes: list[str] = []
        self._unclear = 0

    def result(self) -> Imported:
        found = {kind: self._items(kind) for kind in _KINDS}
        if self._unclear:
            self._notes.append(
                f"the roles of {counted(self._unclear, 'operation')} stand in prose that was not understood"
            )
        files = {f"structures/{name}{SUFFIX}": body for name, body in sorted(self._structures().items())}
        self._notes += dict.fromkeys(self._conversion.notes)
        kept = {key: self._document[key] for key in ("info", "servers", "tags", "security") if key in self._document}
        components = self._document.get("components") or {}
        openapi = {
            "openapi": "3.1.0",
            "jsonSchemaDialect": JSON_STRUCTURE,
            **kept,
            **self._published(),
            **({WHOLE: True} if self._wanted is None else {}),
            **{key: value for key, value in found.items() if value or key == "paths"},
            "components": {
                key: value
                for key, value in (
                    ("examples", dict(sorted(self._examples.items()))),
                    ("securitySchemes", components.get("securitySchemes")),
                )
                if value
            },
        }
        digests = {path: _digest(content) for path, content in files.items()}
        openapi[_IMPORT] = {"files": digests | {_FILE: _digest(openapi)}}
        count = {key: sum(len(set(item) & set(METHODS)) for item in value.values()) for key, value in found.items()}
        return Imported(self._name, {_FILE: openapi, **files}, count["paths"], count["webhooks"], tuple(self._notes))

    def _published(self) -> dict[str, str]:
        file = re.split(r"[/\\]", self._source)[-1]
        if self._source.startswith("https://"):
            return {PUBLISHED: self._source}
        return {PUBLISHED: _ADYENS_FOLDER + file} if _ADYENS_FILE.fullmatch(file) else {}

    def _chosen(self, operations: Collection[str]) -> set[str] | None:
        if not operations:
            return None
        listed = (each for kind in _KINDS for each in _operations(self._document, self._source, kind))
        known = dict.fromkeys(label for label, *_ in listed)
        for label in operations:
            if label not in known:
                alike = get_close_matches(label, known, 1)
                meant = f"did you mean {alike[0]}? " if alike else ""
                raise ContractError(f"no operation {label!r} in {self._source}; {meant}it has {', '.join(known)}")
        return set(operations)

    def _items(self, kind: str) -> dict[str, Any]:
        items: dict[str, Any] = {}
        for label, path, method, item, raw in _operations(self._document, self._source, kind):
            if self._wanted is None or label in self._wanted:
                for left_out in ("servers", "$ref"):
                    if left_out in item:
                        self._notes.append(f"{self._source}#/{kind}/{path}: {left_out} is left out")
                items.setdefault(path, {})[method] = self._operation(label, item, raw, f"#/{kind}/{path}/{method}")
        return items

    def _operation(self, label: str, item: Mapping[str, Any], raw: Mapping[str, Any], where: str) -> dict[str, Any]:
        where = f"{self._source}{where}"
        result = {key: value for key, value in raw.items() if key not in ("parameters", "requestBody", "responses")}
        if ROLES not in result and (roles := _roles_in(raw.get("description"))) is not None:
            if roles:
                result[ROLES] = roles
            else:
                self._unclear += 1
        parameters = [*_listed(item.get("parameters")), *_listed(raw.get("parameters"))]
        if parameters:
            result["parameters"] = [self._parameter(each, where) for each in parameters]
        if raw.get("requestBody"):
            body = dereference(self._document, raw["requestBody"], where)
            result["requestBody"] = self._with_content(body, f"{_pascal(raw, label)}Request", where)
        responses = {}
        for status, response in (raw.get("responses") or {}).items():
            response = dereference(self._document, response, where)
            status = re.sub("xx$", "XX", str(status))
            if isinstance(response, Mapping) and not status.startswith("x-"):
                responses[status] = self._with_content(response, f"{_pascal(raw, label)}Response{status}", where)
        result["responses"] = responses
        return result

    def _parameter(self, raw: Any, where: str) -> Any:
        node = dict(dereference(self._document, raw, where))
        if "schema" in node:
            schema = self._plain(node["schema"], where)
            node["schema"] = schema if isinstance(schema, dict) else {}
        for media, each in (node.get("content") or {}).items():
            if isinstance(each, Mapping) and "schema" in each:
                node["content"] = {**node["content"], media: {**each, "schema": self._plain(each["schema"], where)}}
        return node

    def _plain(self, schema: Any, where: str, depth: int = 0) -> Any:
        """Return the schema of a parameter with its references carried out: it is no body."""
        if depth > 20:
            raise ContractError(f"{where}: a parameter's schema is made of itself; correct the document")
        if isinstance(schema, Mapping):
            if isinstance(schema.get("$ref"), str):
                beside = {key: value for key, value in schema.items() if key != "$ref"}
                target = dereference(self._document, {"$ref": schema["$ref"]}, where)
                return {**self._plain(target, where, depth + 1), **beside}
            schema = self._conversion.of_3_1(schema)
            return {key: self._plain(value, where, depth) for key, value in schema.items()}
        return [self._plain(each, where, depth) for each in schema] if isinstance(schema, list) else schema

    def _with_content(self, node: Mapping[str, Any], name: str, where: str) -> dict[str, Any]:
        """Return a body or a response, its schema a structure of ours, its headers and examples in place."""
        result = {key: value for key, value in node.items() if key not in ("content", "headers", "links")}
        if node.get("headers"):
            result["headers"] = {
                header: self._parameter(each, f"{where}/headers/{header}") for header, each in node["headers"].items()
            }
        content = {}
        for media, each in (node.get("content") or {}).items():
            if media.partition(";")[0].strip().lower() != _JSON:
                self._notes.append(f"{where}: the body as {media} is left out: only JSON is judged")
                continue
            each = each or {}
            kept = {key: value for key, value in each.items() if key not in ("schema", "encoding")}
            for example in (kept.get("examples") or {}).values():
                self._take_example(example)
            structure = self._message(each.get("schema", True), name, where)
            content[_JSON] = {"schema": {"$ref": f"structures/{structure}{SUFFIX}"}, **kept}
        return result | ({"content": content} if content else {})

    def _take_example(self, example: Any) -> None:
        reference = example.get("$ref") if isinstance(example, Mapping) else None
        if isinstance(reference, str) and reference.startswith("#/components/examples/"):
            name = reference.rpartition("/")[2]
            self._examples[name] = dereference(self._document, example, f"{self._source}: example {name}")

    def _message(self, schema: Any, name: str, where: str) -> str:
        """Return the name of the document that describes a body, and have it made."""
        referred = self._conversion.referred(schema)
        if referred is not None:
            self._messages[referred] = None
            return self._conversion.names[referred]
        name = "AnyBody" if schema in (True, {}) else name
        structure = self._conversion.schema(schema, where)
        taken = {each.casefold() for each in self._conversion.names.values()}
        while name.casefold() in taken or any(
            each.casefold() == name.casefold() and known != {"name": each, **structure}
            for each, known in self._inline.items()
        ):
            name += "_"
        self._inline[name] = {"name": name, **structure}
        return name

    def _structures(self) -> dict[str, Schema]:
        """Return the JSON Structure documents by name: one for each message, one for the types of several."""
        names, references = self._conversion.names, self._conversion.references
        own_names = {DEFINITIONS + own: raw for raw, own in names.items()}
        first = {names[message]: {message} for message in self._messages}
        for name, schema in self._inline.items():
            first[name] = {own_names[each] for each in texts_in(schema) if each in own_names}
        reached = {name: set(reachable(types, references)) for name, types in first.items()}
        users = Counter(chain.from_iterable(reached.values()))
        parts = {part for each in users for part in references(each)}
        # a message that is a part of another is a shared type, too
        shared = {each for each, number in users.items() if number > 1 or (each in self._messages and each in parts)}
        if self._wanted is None:
            shared |= names.keys() - users.keys()  # that no body has
        shared = set(reachable(shared, references))
        documents: dict[str, Schema] = {}
        common = _COMMON
        while common.casefold() in {each.casefold() for each in (*names.values(), *self._inline)}:
            common += "_"
        if shared:
            content = {"name": common, "$root": DEFINITIONS + names[min(shared)]}
            documents[common] = self._document_of(common, content, shared)
        contents = {
            names[message]: {"name": names[message], "$root": DEFINITIONS + names[message]}
            if message in shared
            else self._conversion.component(message)
            for message in self._messages
        }
        for name, content in (contents | self._inline).items():
            own = reached[name] - shared - self._messages.keys()
            documents[name] = self._document_of(name, content, own, common if reached[name] & shared else "")
        return documents

    def _document_of(self, name: str, content: Schema, types: Collection[str], common: str = "") -> Schema:
        """Return the document ``name`` with the definitions of ``types``; it imports ``common``, if that is given."""
        prefix = f"adyen-creds://{self._name}/"
        uses = [*(["JSONStructureImport"] if common else []), *_USES]
        head: Schema = {"$schema": JSON_STRUCTURE, "$id": f"{prefix}{name}", "$uses": uses}
        if common:
            head["$import"] = f"{prefix}{common}"
        definitions = {self._conversion.names[each]: self._conversion.component(each) for each in sorted(types)}
        return head | content | ({"definitions": definitions} if definitions else {})


def _operations(
    document: Mapping[str, Any], source: str, kind: str
) -> Iterator[tuple[str, str, str, Mapping[str, Any], Mapping[str, Any]]]:
    """Yield each operation as (label, path or name, method, the item it stands in, itself)."""
    for path, item in (document.get(kind) or {}).items():
        item = dereference(document, item, f"{source}#/{kind}/{path}")
        if str(path).startswith("x-") or not isinstance(item, Mapping):
            continue
        for method in METHODS:
            if isinstance(item.get(method), Mapping):
                label = f"{method.upper()} {path}" if kind == "paths" else f"{WEBHOOK} {path}"
                yield label, path, method, item, item[method]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _roles_in(description: Any) -> dict[str, Any] | None:
    """Return the roles that a description says an operation asks for, as :data:`ROLES` has them.

    An API key's scheme has no place for them. Empty where it speaks of roles that are needed and is not understood;
    None where it does not speak of them.
    """
    if not isinstance(description, str):
        return None
    if found := _LISTED.search(description):
        roles = [re.sub(r"[*_`]", "", line).strip(" \t-.") for line in found["roles"].splitlines()]
        roles = [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", role) for role in roles if role]
        return {"one" if found["one"] else "all": roles}
    if found := _ANY.search(description):
        return {"any": found["start"]}
    return {} if _ASKS.search(description) else None


def _pascal(operation: Mapping[str, Any], label: str) -> str:
    """Return what a body without a name of its own is named after."""
    words = re.findall(r"[A-Za-z0-9]+", str(operation.get("operationId") or label))
    name = "".join(word[0].upper() + word[1:] for word in words)
    return f"_{name}" if name[:1].isdigit() else name or "Unnamed"


def _text(content: Any) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def lost_edits(imported: Imported, folder: Path) -> list[str]:
    """Return a line for each edit in the contract at ``folder`` that writing ``imported`` over it would lose."""
    path = folder / imported.name / _FILE
    there = _files_in(path.parent)
    by_hand = [file for file in OPENAPI if file != _FILE and (path.parent / file).is_file()]
    if not path.is_file():
        return [f"{each} as a whole" for each in (*by_hand, *sorted(there))]
    old = read_json(path)
    digests = ((old.pop(_IMPORT, None) or {}).get("files") or {}) if isinstance(old, dict) else {}
    before, after = (
        {label: f"/{kind}/{escape_pointer(name)}" for kind in _KINDS for label, name, *_ in _operations(each, "", kind)}
        for each in (old if isinstance(old, dict) else {}, imported.files[_FILE])
    )
    left_out = {*before.values()} - {*after.values()}
    lines = [f"{each} as a whole" for each in by_hand]
    lines += [f"the operation {label}" for label in sorted(before.keys() - after.keys())]
    for each in sorted({*there, _FILE}):
        content = old if each == _FILE else read_json(path.parent / each)
        if _digest(content) == digests.get(each):
            continue
        if each in imported.files:
            new = {key: value for key, value in imported.files[each].items() if key != _IMPORT}
            lines += [f"{each}#{place}" for place in _edits(content, new) if place not in left_out]
        else:
            lines.append(f"{each} as a whole")
    return lines


def _files_in(folder: Path) -> list[str]:
    return [f"structures/{path.name}" for path in (folder / "structures").glob(f"*{SUFFIX}")]


def _edits(mine: Any, new: Any, where: str = "") -> Iterator[str]:
    """Yield where ``mine`` has what ``new`` has not, has otherwise, or has not where ``new`` does."""
    if isinstance(mine, Mapping) and isinstance(new, Mapping):
        for key in (*mine, *(key for key in new if key not in mine)):
            at = f"{where}/{escape_pointer(str(key))}"
            if key not in mine:
                yield f"{at} (taken out)"
            elif key not in new:
                yield at
            else:
                yield from _edits(mine[key], new[key], at)
    elif mine != new:
        yield where


def write_contract(imported: Imported, folder: Path) -> Path:
    """Write ``imported`` below ``folder`` and return its own folder; documents of an earlier import go."""
    target = folder / imported.name
    for each in {*_files_in(target), *OPENAPI} - imported.files.keys():
        (target / each).unlink(missing_ok=True)
    for path, content in imported.files.items():
        if path != _FILE:
            write_text(target / path, _text(content))
    write_text(target / _FILE, _text(imported.files[_FILE]))  # last: with it, the contract is there
    return target
