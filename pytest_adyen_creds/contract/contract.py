"""The contract: operations and structures of one API version, compiled once, ready to judge."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches
from functools import cached_property, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from pytest_adyen_creds.contract.compiler import Compiler
from pytest_adyen_creds.contract.documents import Document, load_documents, without_document
from pytest_adyen_creds.contract.operations import (
    DATA,
    Operation,
    Router,
    dereference,
    document_of,
    read_openapi,
    read_operations,
)
from pytest_adyen_creds.contract.trees import (
    COMPONENTS,
    DEFINITIONS,
    Schema,
    closure,
    reachable,
    references,
    renamed,
    repointed,
    secret_properties,
    without_wording,
)
from pytest_adyen_creds.contract.validation import Validator, Violation
from pytest_adyen_creds.errors import ContractError

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from pytest_adyen_creds.contract.baseline import Baseline
    from pytest_adyen_creds.contract.history import Change
    from pytest_adyen_creds.contract.mutations import Mutation

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
MANAGEMENT: Final = "management"
"""The API whose contract is bundled, and that a version without an API's name is of."""
OPENAPI: Final = ("openapi.yaml", "openapi.json")
"""The file in a contract's folder that has its operations: by hand, or imported."""
PUBLISHED: Final = "x-published"
"""In a contract's OpenAPI document: where the document that it follows is published."""
WHOLE: Final = "x-whole"
"""In a contract's OpenAPI document: that it has all operations of the document that it follows."""

_DEVIATIONS: Final = "known-deviations.toml"

_OF_CONTRACT: Final = frozenset({"jsonSchemaDialect", PUBLISHED, WHOLE, "x-import"})
"""What a contract's OpenAPI document says of itself as a contract."""


def bundled(kind: str) -> Path:
    """Return the folder of the bundled ``contracts`` or ``cassettes``: in the wheel, or beside a checkout's package."""
    package = Path(__file__).resolve().parents[1]
    inside = package / kind / "management"
    return inside if inside.is_dir() else package.parent / kind / "management"


def contracts_in(folder: Path) -> list[str]:
    """Return the names of the contracts below ``folder``: ``v3``, ``legal-entity/v4``."""
    found = {
        path.parent.relative_to(folder)
        for file in OPENAPI
        for depth in ("*", "*/*")
        for path in folder.glob(f"{depth}/{file}")
    }
    return sorted(each.as_posix() for each in found)


VERSIONS: Final = tuple(sorted(contracts_in(bundled("contracts")), reverse=True))
"""The API versions that the bundled contract knows, the newest first."""


class Contract:
    """The contract of one version of one API; immutable. Made by :func:`load_contract`."""

    def __init__(
        self, version: str, openapi: Mapping[str, Any], documents: Mapping[str, Document], source: Path
    ) -> None:
        api, _, number = version.rpartition("/")
        self.api: Final = api or MANAGEMENT
        """The API's name, ``management``."""
        self.version: Final = number
        """The API's version, ``v3``."""
        self.source: Final = source
        self._openapi = openapi
        self._documents = documents.values()
        self._schemas, self._roots = _compile(self._documents)
        self.operations: Final[Mapping[str, Operation]] = MappingProxyType(
            {each.label: each for each in read_operations(openapi, source, "paths", self._root)}
        )
        self.webhooks: Final[Mapping[str, Operation]] = MappingProxyType(
            {each.path: each for each in read_operations(openapi, source, "webhooks", self._root)}
        )
        """The webhooks that Adyen sends, by name."""
        listed = openapi.get("servers")
        servers = listed if isinstance(listed, list) else []
        self.servers: Final = tuple(str(each["url"]) for each in servers if isinstance(each, dict) and "url" in each)
        """The URLs of the API, base path included."""
        published = openapi.get(PUBLISHED)
        self.published: Final = published if isinstance(published, str) else None
        """Where the document that the contract follows is published, if that is known."""
        self.is_whole: Final = bool(openapi.get(WHOLE))
        """Whether the contract has all that the document has."""
        paths = {urlsplit(url).path.rstrip("/") for url in self.servers}
        self.base_paths: Final = frozenset(paths | ({f"/{number}"} if self.api == MANAGEMENT or not paths else set()))
        """The paths of the servers, ``/v3``, ``/lem/v4``."""
        self._router = Router(self.operations, self.base_paths)
        self._validators: dict[str, Validator] = {}

    def __repr__(self) -> str:
        webhooks = f", {len(self.webhooks)} webhooks" if self.webhooks else ""
        number = len(self.operations)
        return f"<Contract {self.name}: {number} operations{webhooks}, {len(self._schemas)} structures>"

    @property
    def name(self) -> str:
        """API and version, ``management/v3``."""
        return f"{self.api}/{self.version}"

    @property
    def short_name(self) -> str:
        """The version alone where the API is the Management API, else the name."""
        return self.version if self.api == MANAGEMENT else self.name

    @cached_property
    def structures(self) -> Mapping[str, Schema]:
        """Each type that is not abstract as a JSON Structure document of its own, imports carried out, by name."""
        found: dict[str, Schema] = {}
        for document in (*self._documents, *_with_imports(self._documents)):
            for name, pointer, schema in document.types.values():
                if name not in found and not schema.get("abstract"):
                    found[name] = _standalone(document, name, pointer)
        return MappingProxyType(dict(sorted(found.items())))

    @cached_property
    def has_links(self) -> bool:
        """Whether answers say which operations come after them (OpenAPI's links)."""
        return '"links":' in json.dumps(self._openapi.get("paths", {}))

    @cached_property
    def says_data(self) -> bool:
        """Whether the contract says anywhere which values are acceptable (``x-adyen-data``)."""
        return f'"{DATA}":' in json.dumps([self._openapi, self._schemas])

    @cached_property
    def secret_properties(self) -> frozenset[str]:
        """The names of the properties that the structures mark as secret."""
        return frozenset(secret_properties(self._schemas))

    @cached_property
    def digest(self) -> str:
        """``sha256:…`` over all that decides about a request or a response; wording does not count."""
        decisive = json.dumps(without_wording(self.to_openapi()), sort_keys=True, separators=(",", ":"))
        return "sha256:" + hashlib.sha256(decisive.encode()).hexdigest()

    def is_valid(self, name: str, body: Any) -> bool:
        """Return whether ``body``, a parsed JSON value, is what the structure ``name`` describes."""
        return bool(self.validator(name).is_valid(body))

    def validate(self, name: str, body: Any) -> list[Violation]:
        """Return each place where ``body``, a parsed JSON value, departs from the structure ``name``."""
        return self.validator(name).validate(body)

    def validator(self, name: str) -> Validator:
        """Return what judges bodies by the structure ``name``."""
        if name not in self._validators:
            if name not in self._schemas:
                known = ", ".join(sorted(self._schemas))
                raise ContractError(f"no structure {name!r} in {self.version}; there are {known}")
            schema = self._schemas[name]
            parts = {other: self._schemas[other] for other in sorted(closure(schema, self._schemas))}
            whole = {"$schema": DIALECT, "title": name, **repointed(schema, _as_part)}
            whole |= {"$defs": repointed(parts, _as_part, names=True)} if parts else {}
            self._validators[name] = Validator(whole, self.secret_properties)
        return self._validators[name]

    def check_structures(self) -> None:
        """Raise :class:`ContractError` where a structure is no schema that bodies can be judged by."""
        definitions = repointed(self._schemas, _as_part, names=True)
        each = [{"$ref": f"#/$defs/{name}"} for name in self._schemas]
        try:
            _ = Validator({"$schema": DIALECT, "anyOf": each or [True], "$defs": definitions}).is_valid
        except ContractError:
            for name in self._schemas:  # to say which
                _ = self.validator(name).is_valid
            raise

    def match(self, method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
        """Return the operation of a request and its decoded path parameters, or None; see :meth:`Router.match`."""
        return self._router.match(method, path)

    @cached_property
    def known_deviations(self) -> Baseline:
        """What the platform is known to answer otherwise than the contract says, each with its evidence.

        Read from ``known-deviations.toml`` beside the versions' folders. A contract of the user's own that brings none
        has the bundled ones, for the operations that the bundled contract has. Raises :class:`FileRefused`.
        """
        from pytest_adyen_creds.contract.baseline import Baseline, read_deviations

        own = self.source.parent.parent / _DEVIATIONS
        if own.is_file():
            return read_deviations(own, self.version)
        folder = bundled("contracts")
        if self.api != MANAGEMENT or openapi_of(folder, self.version) is None:
            return Baseline()
        return load_contract(self.version).own_deviations

    @cached_property
    def own_deviations(self) -> Baseline:
        """The :attr:`known_deviations`, those of any operation as of any of this contract's: for beside others."""
        labels, found = tuple(self.operations), self.known_deviations
        bound = (replace(each, operations=labels) if each.operations is None else each for each in found.entries)
        return replace(found, entries=tuple(bound))

    @cached_property
    def history(self) -> tuple[Change, ...]:
        """What Adyen did to the structures, by day, as far as it is known."""
        from pytest_adyen_creds.contract.history import history_of

        ours = f"ManagementService-{self.version}.json" if self.api == MANAGEMENT else ""
        return history_of(self.published or ours)

    def strategy(self, name: str) -> SearchStrategy[Any]:
        """Return a Hypothesis strategy for bodies of the structure or the webhook ``name``."""
        from pytest_adyen_creds.contract.examples import strategy_for

        structure = self.body_of(name)
        return strategy_for(self.to_json_schema(structure)).filter(self.validator(structure).is_valid)

    def mutations(self, name: str, body: Any) -> Iterator[tuple[Mutation, Any]]:
        """Yield mutations of ``body``, each with the body as it is then: what may come tomorrow, and what must not.

        ``body`` is a JSON value that the structure or the webhook ``name`` describes; see :mod:`.mutations`. For tests
        of a parser: one that must survive has to be taken, one that must be noticed refused. Raises
        :class:`ContractError` for a body that does not keep to the structure.
        """
        from pytest_adyen_creds.contract.mutations import mutations

        structure = self.body_of(name)
        if violations := self.validate(structure, body):
            raise ContractError(f"the body is none of {structure}: {violations[0].message}; give one that keeps to it")
        return mutations(self.schema(structure), body, self.history)

    def schema(self, name: str) -> Schema:
        """Return the structure ``name`` as a validator takes it, self-contained; not to be changed.

        A format that nobody enforces is an annotation there, ``x-format``.
        """
        return self.validator(name).schema

    def body_of(self, name: str) -> str:
        """Return the structure of the body of the webhook ``name``, and ``name`` itself where there is no such one."""
        return (self.webhook(name).request if self.has_webhook(name) else None) or name

    def example(self, label: str, status: int) -> Any:
        """Return a body that the operation ``label`` answers ``status`` with, the same each time; None for no body.

        It is the first of the document's own examples that keeps to the contract, else made up.
        Raises :class:`ContractError` where there is no such answer, or no body could be made.
        """
        operation = self.operations.get(label)
        if operation is None or status not in operation.responses:
            raise ContractError(f"{self.name} has no {label} that answers {status}; see adyen-creds contract list")
        response = self._openapi["paths"][operation.path][operation.method.lower()]["responses"].get(str(status), {})
        return self._example_of(operation.responses[status], response)

    def example_webhook(self, name: str) -> Any:
        """Return a body of the webhook ``name`` that keeps to the contract, the same each time; see :meth:`example`."""
        webhook = self.webhook(name)
        item = dereference(self._openapi, self._openapi["webhooks"][webhook.path], str(self.source))
        return self._example_of(webhook.request, item[webhook.method.lower()].get("requestBody", {}))

    def has_webhook(self, name: str) -> bool:
        """Return whether :meth:`webhook` has one of this name."""
        return name in self.webhooks or f"/{name}" in self.webhooks

    def webhook(self, name: str) -> Operation:
        """Return the webhook ``name``, with or without the slash that some names begin with.

        Raises :class:`ContractError` where there is none.
        """
        if not self.has_webhook(name):
            alike = get_close_matches(name, self.webhooks, 1)
            meant = f"did you mean {alike[0]}? " if alike else ""
            known = ", ".join(self.webhooks) or (
                "none: adyen-creds contract import makes a contract of the webhook's document, and the ini option "
                "adyen_contracts names its folder"
            )
            raise ContractError(f"no webhook {name!r} in {self.name}; {meant}there are {known}")
        return self.webhooks[name if name in self.webhooks else f"/{name}"]

    def _example_of(self, structure: str | None, holder: Any) -> Any:
        if structure is None:
            return None
        from pytest_adyen_creds.contract.examples import candidates

        node = dereference(self._openapi, holder, str(self.source))
        media = node.get("content", {}).get("application/json", {})
        stated = [dereference(self._openapi, each, str(self.source)) for each in (media.get("examples") or {}).values()]
        given = [each["value"] for each in stated if isinstance(each, dict) and "value" in each]
        for body in (
            *given,
            *([media["example"]] if "example" in media else ()),
            *candidates(self.schema(structure)),
        ):
            if self.is_valid(structure, body):
                return copy.deepcopy(body)
        raise ContractError(
            f"{self.name}: no body of {structure} could be made; add an example to its OpenAPI document"
        )

    def to_json_schema(self, name: str) -> Schema:
        """Return the structure ``name`` as one self-contained JSON Schema 2020-12."""
        schema: Schema = renamed(self.schema(name), "x-format", "format")
        return schema

    def to_openapi(self) -> dict[str, Any]:
        """Return the contract as one plain OpenAPI 3.1 document with JSON Schema 2020-12 bodies."""
        result: dict[str, Any] = json.loads(self._exported)
        return result

    @cached_property
    def _exported(self) -> str:
        document = self._with_schemas({key: value for key, value in self._openapi.items() if key not in _OF_CONTRACT})
        components = document.setdefault("components", {})
        components["schemas"] = {
            name: renamed(self._schemas[name], "x-format", "format") for name in sorted(self._schemas)
        }
        return json.dumps(document)

    def _with_schemas(self, node: Any, where: str = "#") -> Any:
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str) and not node["$ref"].startswith("#"):
                return {**node, "$ref": COMPONENTS + self._root(document_of(node, where))}
            return {key: self._with_schemas(value, f"{where}/{key}") for key, value in node.items()}
        if isinstance(node, list):
            return [self._with_schemas(item, f"{where}/{index}") for index, item in enumerate(node)]
        return node

    def _root(self, document: str) -> str:
        if document not in self._roots:
            known = ", ".join(sorted(self._roots))
            raise ContractError(f"{self.source}: no document structures/{document}.struct.json; there are {known}")
        return self._roots[document]


def openapi_of(folder: Path, name: str) -> Path | None:
    """Return the OpenAPI document of the contract ``name`` (``v3``, ``legal-entity/v4``) below ``folder``."""
    if not re.fullmatch(r"(?:[A-Za-z0-9_-]+/)?[A-Za-z0-9_.-]+", name) or name in (".", ".."):
        return None
    # os: Path's own raises for a name that is too long
    return next((folder / name / file for file in OPENAPI if os.path.isfile(folder / name / file)), None)  # noqa: PTH113


@lru_cache(maxsize=32)
def load_contract(version: str = "v3", directory: Path | None = None) -> Contract:
    """Return the contract of ``version``: the bundled one, or the one in ``directory`` (``VERSION/openapi.yaml``).

    ``version`` may name another API that ``directory`` has a contract of: ``legal-entity/v4``.

    Raises :class:`ContractError` for documents that cannot be compiled and :class:`FileRefused` for unreadable ones.
    """
    folder = directory or bundled("contracts")
    path = openapi_of(folder, version)
    if path is None:
        if not os.path.isdir(folder):  # noqa: PTH112
            raise ContractError(f"{folder}: is no folder; name one that has contracts (API/VERSION/openapi.json)")
        known = ", ".join(contracts_in(folder))
        import_them = (
            "adyen-creds contract import makes them below it (API/VERSION), or name the folder that has the APIs"
        )
        raise ContractError(
            f"{folder}: no contract {version!r} (contracts there: {known or 'none'}); "
            f"{'correct name or folder' if known else import_them}"
        )
    openapi, paths = read_openapi(path)
    folders = [source.parent / "structures" for source in paths]
    contract = Contract(version, openapi, load_documents(folders), path)
    if directory is not None:
        contract.check_structures()
    return contract


def _compile(documents: Collection[Document]) -> tuple[dict[str, Schema], dict[str, str]]:
    """Return the schema of each type by name, and the name of each document's root type by the document's name."""
    roots = {document.name: root for document in documents if (root := Compiler(document).root()) is not None}
    schemas: dict[str, Schema] = {}
    owners: dict[str, Path] = {}
    for document in _with_imports(documents):
        for name, schema in Compiler(document).compile().items():
            if schemas.setdefault(name, schema) != schema:
                raise ContractError(f"{document.path}: {name} differs from {name} in {owners[name]}; rename one")
            owners.setdefault(name, document.path)
    return schemas, roots


def _with_imports(documents: Collection[Document]) -> list[Document]:
    return reachable(documents, lambda document: [imported for _, imported in document.imports])


def _as_part(reference: str) -> str:
    """Return a reference to a compiled schema as one to where a self-contained schema has it."""
    return f"#/$defs/{reference.removeprefix(COMPONENTS)}"


def _standalone(document: Document, name: str, pointer: str) -> Schema:
    """Return the type at ``pointer`` as a document that needs no other."""

    def referred(at: str) -> list[str]:
        schema = document.resolve(at, "")[2]
        return [document.resolve(reference, at)[1] for reference in references(without_document(schema))]

    definitions: Schema = {}
    for at in reachable([pointer], referred):
        if at != "#":
            *namespaces, key = at.removeprefix(DEFINITIONS).split("/")
            node = definitions
            for namespace in namespaces:
                node = node.setdefault(namespace, {})
            node[key] = document.resolve(at, "")[2]
    source = document.source
    head = {"$schema": source.get("$schema"), "$id": f"{document.id.rpartition('/')[0]}/{name}"}
    uses = [used for used in source.get("$uses", []) if used != "JSONStructureImport"]
    if uses:
        head["$uses"] = uses
    head |= without_document(document.own) if pointer == "#" else {"name": name.replace(".", "_"), "$root": pointer}
    return head | ({"definitions": definitions} if definitions else {})
