"""The schemas of an OpenAPI 3.0 or 3.1 document as JSON Structure, so that compiling them gives the same meaning back.

What JSON Structure has no word for becomes an annotation that the compiler reads: ``x-wire`` (how a value travels where
that is not JSON Structure's way), ``x-format`` (a format that nobody enforces), ``x-json-schema`` (keywords as they
were). Names that are no identifiers get one, and keep their own as an alternate name. Nothing is dropped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pytest_adyen_creds.contract.keywords import (
    CARRIED,
    COMPOSITION,
    FOREIGN,
    JSON_TYPES,
    RENAMED,
    UNENFORCED,
    WIRE,
    are_texts,
    composed,
    is_of,
    misshapen,
    misused,
    whole,
)
from pytest_adyen_creds.contract.trees import COMPONENTS, DEFINITIONS, Schema, renamed, repointed
from pytest_adyen_creds.errors import ContractError

_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

_OF_TYPE: Final[Mapping[str, frozenset[str]]] = {
    "object": frozenset(
        {"properties", "required", "additionalProperties", "minProperties", "maxProperties", "patternProperties"}
        | {"propertyNames", "dependentRequired"}
    ),
    "array": frozenset({"items", "minItems", "maxItems", "uniqueItems", "contains", "minContains", "maxContains"}),
    "string": frozenset({"minLength", "maxLength", "pattern", "format"}),
    "integer": frozenset({"format", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}),
    "number": frozenset({"format", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}),
    "boolean": frozenset(),
    "null": frozenset(),
}
"""Type of JSON Schema -> the keywords that say something about its values."""

_SECRET_NAME: Final = re.compile(
    r"(?i)(?:api|client|hmac|secret|private|encryption)_?key|.*password|.*passphrase|.*secret|cvc|(?:access|bearer)?token"
)
_SECRET_MEANING: Final = re.compile(
    r"(?i)\s*(?:the|your|an?)?\s*(?:[\w-]+\s+){0,2}"
    r"(?:password|passphrase|api key|hmac key|client key|secret key|private key|shared secret)\b"
    r"(?!\s+(?:id|identifier|name|type|expir|that is associated|of))"
)


class Conversion:
    """Converts the component schemas of one document, and the schemas of its bodies."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._is_3_0 = str(document.get("openapi", "")).startswith("3.0")
        self._raw: Mapping[str, Any] = (document.get("components") or {}).get("schemas") or {}
        self.names: Final[Mapping[str, str]] = _identifiers(self._raw, of_files=True)
        """The name of each component schema -> what the structure is called."""
        self.notes: Final[list[str]] = []
        """What a person should know of the document."""

    def component(self, name: str) -> Schema:
        """Return the structure of the component schema ``name``."""
        return {"name": self.names[name], **self.schema(self._raw[name], f"{COMPONENTS}{name}")}

    def referred(self, raw: Any) -> str | None:
        """Return the component schema that ``raw`` is nothing but a reference to."""
        reference = raw.get("$ref") if isinstance(raw, Mapping) else None
        name = reference.removeprefix(COMPONENTS) if isinstance(reference, str) else None
        return name if name in self.names and (len(raw) == 1 or self._is_3_0) else None

    def references(self, name: str) -> set[str]:
        """Return the component schemas that the component schema ``name`` refers to, in a discriminator too."""
        referred = {each.removeprefix(COMPONENTS) for each in texts_in(self._raw[name]) if each.startswith(COMPONENTS)}
        return referred & self.names.keys()

    def schema(self, raw: Any, where: str) -> Schema:
        """Return ``raw``, a schema, as JSON Structure; ``where`` is what an error calls it."""
        if isinstance(raw, bool):
            return {"type": "any"} if raw else {"not": {"type": "any"}}
        if not isinstance(raw, Mapping):
            raise ContractError(f"{where}: a schema must be an object; correct the document")
        raw = self.of_3_1(raw)
        if not are_texts(raw.get("required", [])):
            self.notes.append(f"{where}: its required is no list of names, and left out")
            del raw["required"]
        result, rest = self._typed(raw, where)
        result |= composed(rest, self.schema, where)
        rest = {key: value for key, value in rest.items() if key not in COMPOSITION}
        if not result.keys() & {"type", *COMPOSITION}:
            result = {"type": "any", **result}
        for wording in ("description", "title"):
            if wording in rest and not isinstance(rest[wording], str):
                rest[wording] = str(rest[wording])
        carried = {key for key in rest if key in CARRIED | FOREIGN or key.startswith("x-")}
        if not isinstance(rest.get("examples", []), list):
            carried.discard("examples")
        annotations = {key: rest.pop(key) for key in list(rest) if key in carried}
        if "example" in rest:
            annotations["examples"] = [rest.pop("example"), *annotations.get("examples", ())]
        result |= self._repointed(annotations)
        if kept := {**result.get("x-json-schema", {}), **self._repointed(rest)}:
            result["x-json-schema"] = renamed(kept, "format", "x-format")  # nobody enforces it
        return result

    def _typed(self, raw: Schema, where: str) -> tuple[Schema, Schema]:
        """Return what ``raw`` says of types, and the keywords that are left."""
        rest = dict(raw)
        reference = rest.pop("$ref", None)
        if reference is not None:
            name = str(reference).removeprefix(COMPONENTS)
            if name not in self.names:
                raise ContractError(f"{where}: {reference} is no schema of the document; correct the reference")
            return {"type": {"$ref": DEFINITIONS + self.names[name]}}, rest
        declared = rest.pop("type", None)
        if isinstance(declared, list) and len(declared) == 1:
            declared = declared[0]
        if isinstance(declared, list):
            return self._union(declared, rest, where)
        if declared is None:
            return self._untyped(rest, where)
        if declared not in _OF_TYPE:
            raise ContractError(f"{where}/type: {declared!r} is no type of JSON Schema; correct the document")
        return self._of_type(declared, rest, where)

    def _union(self, types: list[str], rest: Schema, where: str) -> tuple[Schema, Schema]:
        bound = rest.keys() & {key for kind in types for key in ("enum", "const", *_OF_TYPE.get(kind, ()))}
        if bound and len(set(types) - {"null"}) > 1:
            # which of them a bound concerns, JSON Schema tells by the value
            kept = self._repointed({key: rest.pop(key) for key in sorted(bound)})
            return {"type": "any", "x-json-schema": {"type": types, **kept}}, rest
        branches = []
        left = {key: value for key, value in rest.items() if not any(key in _OF_TYPE.get(kind, ()) for kind in types)}
        values = {key: left.pop(key) for key in ("enum", "const") if key in left}
        for kind in types:
            own = {key: value for key, value in rest.items() if key in _OF_TYPE.get(kind, ())}
            if "enum" in values:
                own["enum"] = [each for each in values["enum"] if is_of(kind, each)]
            if "const" in values and is_of(kind, values["const"]):
                own["const"] = values["const"]
            if own.get("enum") != [] and not ("const" in values and "const" not in own):
                branches.append(self.schema({"type": kind, **own}, where) if kind != "null" else {"type": "null"})
        if all(branch.keys() == {"type"} and isinstance(branch["type"], str) for branch in branches):
            return {"type": [branch["type"] for branch in branches]}, left
        return {"anyOf": branches}, left

    def _untyped(self, rest: Schema, where: str) -> tuple[Schema, Schema]:
        listed = [rest["const"]] if "const" in rest else rest.get("enum")
        kinds = {JSON_TYPES.get(type(each), "null") for each in listed} if isinstance(listed, list) else set()
        if len(kinds) == 1 and kinds <= {"string", "boolean", "integer", "number"}:
            return self._of_type(kinds.pop(), rest, where)
        for kind, signs in (("object", {"properties", "required", "additionalProperties"}), ("array", {"items"})):
            if rest.keys() & signs and not rest.keys() & {*COMPOSITION}:
                result, rest = self._of_type(kind, rest, where)
                return {**result, "x-wire": "untyped"}, rest
        return {}, rest

    def _of_type(self, kind: str, rest: Schema, where: str) -> tuple[Schema, Schema]:
        # what JSON Structure refuses for its value stays JSON Schema's
        unsound = {key for key, _ in misused({key: value for key, value in rest.items() if not misshapen(key, value)})}
        own = {key: rest.pop(key) for key in list(rest) if key in _OF_TYPE[kind] and key not in unsound}
        values = self._values(kind, rest)
        build = {"object": self._object, "array": self._array, "string": self._string}
        if kind in ("integer", "number"):
            result = self._number(kind, own)
        elif kind in build:
            result = build[kind](own, where)
        else:
            result = {"type": kind}
        if kind in ("object", "array") and values:
            result["x-json-schema"] = {**result.get("x-json-schema", {}), **values}
        else:
            result |= values
        bare = result.keys() <= {"type", "values", "x-json-schema"} and result.get("values") == {"type": "any"}
        if bare and rest.keys() & {*COMPOSITION}:  # whose parts say which properties there are
            return {"x-json-schema": {"type": "object", **result.get("x-json-schema", {})}}, rest
        return result, rest

    @staticmethod
    def _values(kind: str, rest: Schema) -> Schema:
        """Take ``enum`` and ``const`` out of ``rest`` as far as a structure can say them, and return them."""
        values: Schema = {}
        if isinstance(rest.get("enum"), list):
            fitting = [whole(each) for each in rest["enum"] if is_of(kind, each)]
            distinct = [each for index, each in enumerate(fitting) if each not in fitting[:index]]
            if distinct:
                del rest["enum"]
                values["enum"] = distinct
        if "const" in rest and is_of(kind, rest["const"]):
            values["const"] = rest.pop("const")
        return values

    def _object(self, own: Schema, where: str) -> Schema:
        properties, extra = own.pop("properties", {}), own.pop("additionalProperties", True)
        required = own.pop("required", [])
        patterns = own.pop("patternProperties", {})
        if "propertyNames" in own:
            own["propertyNames"] = self.schema(own["propertyNames"], f"{where}/propertyNames")
        if not properties:
            result: Schema = {"type": "map", "values": {"type": "any"}}
            if isinstance(extra, Mapping) and extra:
                result["values"] = self.schema(extra, f"{where}/additionalProperties")
            of_maps = {schemas: ours for ours, schemas in RENAMED.items()}
            result |= {of_maps[key]: own.pop(key) for key in list(own) if key in of_maps}
            kept = own | ({"required": required} if required else {})
            if patterns:
                kept |= self._repointed({"patternProperties": patterns})
            if extra is False:
                kept["additionalProperties"] = False
            return result | ({"x-json-schema": kept} if kept else {})
        if patterns:
            at = f"{where}/patternProperties"
            own["patternProperties"] = {name: self.schema(each, f"{at}/{name}") for name, each in patterns.items()}
        names = _identifiers(properties)
        result = {"type": "object", "properties": {}}
        for name, schema in properties.items():
            converted = self.schema(schema, f"{where}/properties/{name}")
            if names[name] != name:
                converted["altnames"] = {"json": name}
            if _is_secret(name, schema) and "x-secret" not in converted:
                converted["x-secret"] = True
            result["properties"][names[name]] = converted
        if declared := [names[name] for name in required if name in names]:
            result["required"] = declared
        if extra is not True and extra != {}:
            result["additionalProperties"] = (
                extra if extra is False else self.schema(extra, f"{where}/additionalProperties")
            )
        undeclared = [name for name in required if name not in names]
        return result | own | ({"x-json-schema": {"required": undeclared}} if undeclared else {})

    def _array(self, own: Schema, where: str) -> Schema:
        result = {"type": "array", "items": self.schema(own.pop("items", True), f"{where}/items")}
        if "contains" in own:
            own["contains"] = self.schema(own["contains"], f"{where}/contains")
        return result | own

    def _string(self, own: Schema, _where: str) -> Schema:
        form, pattern = own.pop("format", None), own.get("pattern")
        kept = {}
        if pattern is not None and not _compiles(pattern):
            kept = {"x-json-schema": {"pattern": own.pop("pattern")}}
        for kind, formats in UNENFORCED.items():
            if form == formats and not own:
                return {"type": kind, "x-wire": "text", **kept}
        return {"type": "string", **own, **({} if form is None else {"x-format": form}), **kept}

    def _number(self, kind: str, own: Schema) -> Schema:
        form = own.pop("format", None)
        for (name, wire), schema in WIRE.items():
            if schema == {"type": kind, **({} if form is None else {"format": form})}:
                return {"type": name, **({"x-wire": wire} if wire else {}), **_bounds(name, own)}
        name, wire = ("int64", "integer") if kind == "integer" else ("number", "")
        return {"type": name, **({"x-wire": wire} if wire else {}), **_bounds(name, own), "x-format": form}

    def of_3_1(self, raw: Mapping[str, Any]) -> Schema:
        """Return a schema as OpenAPI 3.1 has it, a copy of its own."""
        if not self._is_3_0:
            return dict(raw)
        if "$ref" in raw:
            return {"$ref": raw["$ref"]}
        result = dict(raw)
        for bound in ("minimum", "maximum"):
            keyword = "exclusive" + bound.capitalize()
            if isinstance(result.get(keyword), bool) and result.pop(keyword) and bound in result:
                result[keyword] = result.pop(bound)
        if result.pop("nullable", False):
            if isinstance(result.get("type"), str):
                result["type"] = [result["type"], "null"]
                if isinstance(result.get("enum"), list) and None not in result["enum"]:
                    result["enum"] = [*result["enum"], None]
            else:
                wording = {key: result.pop(key) for key in list(result) if key in CARRIED | FOREIGN or key[:2] == "x-"}
                result = {"anyOf": [result, {"type": "null"}], **wording}
        return result

    def _repointed(self, keywords: Schema) -> Schema:
        """Return keywords of JSON Schema with their references to component schemas pointing to the structures."""
        result: Schema = repointed(keywords, self._as_definition)
        return result

    def _as_definition(self, reference: str) -> str:
        name = reference.removeprefix(COMPONENTS)
        return reference if name == reference else DEFINITIONS + self.names.get(name, name)


def _identifiers(names: Mapping[str, Any], *, of_files: bool = False) -> dict[str, str]:
    """Return an identifier for each name; its own where it is one.

    ``of_files``: names of files, which some systems tell apart by more than capitals and small letters only.
    """
    key = str.casefold if of_files else str
    found: dict[str, str] = {}
    taken: set[str] = set()
    for name in sorted(names, key=lambda name: not _IDENTIFIER.fullmatch(name)):
        plain = re.sub(r"[^A-Za-z0-9_]", "_", name)
        chosen = plain = plain if _IDENTIFIER.fullmatch(plain) else f"_{plain}"
        number = 2
        while key(chosen) in taken:
            chosen, number = f"{plain}_{number}", number + 1
        taken.add(key(chosen))
        found[name] = chosen
    return {name: found[name] for name in names}


def texts_in(node: Any) -> Iterator[str]:
    """Yield each text that stands as a value in ``node``, a reference and what a discriminator maps to among them."""
    if isinstance(node, Mapping):
        for value in node.values():
            yield from texts_in(value)
    elif isinstance(node, list):
        for each in node:
            yield from texts_in(each)
    elif isinstance(node, str):
        yield node


def _bounds(name: str, own: Schema) -> Schema:
    """Return the bounds of a number; a whole one's that are none themselves stay JSON Schema's."""
    bounds = {key: whole(value) for key, value in own.items()}
    kept = {key: value for key, value in bounds.items() if name.startswith("int") and isinstance(value, float)}
    # those of 64 bits JSON Structure writes as it writes the values
    said = {key: str(value) if name == "int64" else value for key, value in bounds.items() if key not in kept}
    return said | ({"x-json-schema": kept} if kept else {})


def _is_secret(name: str, schema: Any) -> bool:
    """Return whether a property holds a secret, by its name and by what is said of it."""
    if not isinstance(schema, Mapping) or schema.get("type") not in ("string", ["string", "null"]) or "enum" in schema:
        return False
    meaning = schema.get("description")
    return bool(
        schema.get("format") == "password"
        or _SECRET_NAME.fullmatch(name)
        or (isinstance(meaning, str) and _SECRET_MEANING.match(meaning))
    )


def _compiles(pattern: Any) -> bool:
    try:
        re.compile(pattern)
    except (re.error, TypeError):
        return False
    return True
