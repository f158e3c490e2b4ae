"""JSON Structure to JSON Schema 2020-12, exactly or not at all.

Source: JSON Structure core v0 and its import, validation and conditional-composition add-ins.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NoReturn

from pytest_adyen_creds.contract.documents import Document, Schema
from pytest_adyen_creds.contract.keywords import (
    ANNOTATIONS,
    ARRAY,
    CARRIED,
    COMPOSITION,
    DOCUMENT,
    FOREIGN,
    KEYWORDS,
    NUMERIC,
    RENAMED,
    UNENFORCED,
    WIRE,
    misshapen,
)
from pytest_adyen_creds.contract.primitives import ENCODINGS, PRIMITIVES, binary
from pytest_adyen_creds.errors import ContractError

REFS: Final = "#/components/schemas/"
"""Where the references of a compiled schema point."""

_READ: Final = frozenset({"x-wire", "x-json-schema"})
"""Annotations that the compiler carries out."""

_VALUES: Final = ("enum", "const")
_AS_TEXT: Final = frozenset({"int64", "uint64", "int128", "uint128", "decimal"})


class Compiler:
    """Compiles the types of one document; references become ``#/components/schemas/NAME``."""

    def __init__(self, document: Document) -> None:
        self._document = document

    def compile(self) -> dict[str, Schema]:
        """Return the JSON Schema of each type of the document that is not abstract, by name.

        Raises :class:`ContractError`, naming document and pointer, for what JSON Schema cannot express or what is not
        JSON Structure.
        """
        if "$offers" in self._document.source:
            self._refuse(
                "#/$offers", "add-ins that an instance switches on cannot be expressed in JSON Schema; use $extends"
            )
        return {
            name: self._schema(schema, pointer)
            for name, pointer, schema in self._document.types.values()
            if not schema.get("abstract")
        }

    def root(self) -> str | None:
        """Return the name of the type that the document as a whole describes."""
        if "#" in self._document.types:
            return self._document.name
        if "$root" in self._document.own:
            return self._document.resolve(self._document.own["$root"], "/$root")[0]
        return None

    def _schema(self, node: Any, at: str) -> Schema:
        if not isinstance(node, dict):
            self._refuse(at, "a schema must be an object")
        self._check_shapes(node, at)
        composed = self._composition(node, at)
        kind = node.get("type")
        if kind is None:
            if not composed:
                self._refuse(at, "a schema must say its type" + ("; write $ref inside type" if "$ref" in node else ""))
            self._check_keywords(node, frozenset(), at)
            result: Schema = {}
        elif isinstance(kind, dict) and "$ref" in kind:
            result = self._reference(kind["$ref"], f"{at}/type/$ref")
            self._check_keywords(node, frozenset(), at)
        elif isinstance(kind, dict):
            result = self._schema(kind, f"{at}/type")
            self._check_keywords(node, frozenset(), at)
        elif isinstance(kind, list):
            result = {"anyOf": [self._member(item, f"{at}/type/{index}") for index, item in enumerate(kind)]}
            self._check_keywords(node, frozenset(), at)
        else:
            result = self._typed(kind, node, at)
        if result.keys().isdisjoint(COMPOSITION):
            result = result | composed
        elif composed:
            # what is there already and what is added bind both
            result = {"allOf": [result, composed]}
        return self._with_foreign(result, node, at) | self._annotations(node)

    def _with_foreign(self, result: Schema, node: Schema, at: str) -> Schema:
        """Return ``result`` with the keywords of JSON Schema that ``node`` brings as they are."""
        kept = node.get("x-json-schema", {})
        if not isinstance(kept, dict):
            self._refuse(f"{at}/x-json-schema", "must be an object of JSON Schema's keywords; correct it")
        required = [*result.get("required", ()), *kept.get("required", ())]
        result = result | _as_components(kept)
        return result | ({"required": required} if required else {})

    def _member(self, item: Any, at: str) -> Schema:
        if isinstance(item, str):
            if item not in PRIMITIVES and item != "any":
                self._refuse(at, f"{item!r} cannot stand in a union; define it and refer to it")
            return dict(PRIMITIVES.get(item, {}))
        if isinstance(item, dict) and "$ref" in item:
            return self._reference(item["$ref"], f"{at}/$ref")
        return self._schema(item, at)

    def _reference(self, pointer: Any, at: str) -> Schema:
        if not isinstance(pointer, str):
            self._refuse(at, "a reference must be a JSON Pointer in this document")
        name, _, target = self._document.resolve(pointer, at.removeprefix("#"))
        if target.get("abstract"):
            self._refuse(at, f"{name} is abstract; extend it, or refer to a type that extends it")
        return {"$ref": REFS + name}

    def _typed(self, kind: Any, node: Schema, at: str) -> Schema:
        build: dict[str, Callable[[Schema, str], Schema]] = {
            "object": self._object,
            "map": self._map,
            "array": self._array,
            "set": self._array,
            "tuple": self._tuple,
            "choice": self._choice,
            "any": lambda _node, _at: {},
            "string": self._string,
            "binary": self._binary,
        }
        wire = node.get("x-wire")
        if kind in build and wire in (None, "untyped"):
            self._check_keywords(node, KEYWORDS[kind], at)
            result = build[kind](node, at)
            if wire:
                del result["type"]
            return result
        if kind not in PRIMITIVES:
            self._refuse(f"{at}/type", f"{kind!r} is not a type of JSON Structure core")
        self._check_keywords(node, frozenset({*_VALUES, *NUMERIC}), at)
        return self._primitive(kind, node, at)

    def _primitive(self, kind: str, node: Schema, at: str) -> Schema:
        wire = node.get("x-wire", "")
        if wire == "text" and kind in UNENFORCED:
            return {"type": "string", "x-format": UNENFORCED[kind]} | _taken(node, *_VALUES)
        if wire and (kind, wire) not in WIRE:
            self._refuse(f"{at}/x-wire", f"{wire!r} is no way for {kind} to travel; correct or remove it")
        result = dict(WIRE[kind, wire] if wire else PRIMITIVES[kind])
        if wire and kind == "int64":
            node = node | {key: _number(node[key]) for key in NUMERIC if key in node}
        for keyword in NUMERIC:
            if keyword not in node:
                continue
            if result["type"] not in ("integer", "number"):
                why = "its values are text" if kind in _AS_TEXT else "it is not a number"
                self._refuse(f"{at}/{keyword}", f"cannot be expressed for {kind}: {why}; remove it")
            if isinstance(node[keyword], bool) or not isinstance(node[keyword], int | float):
                self._refuse(f"{at}/{keyword}", "must be a number; correct it")
            tighter = {"minimum": max, "maximum": min}.get(keyword)
            result[keyword] = tighter(node[keyword], result.get(keyword, node[keyword])) if tighter else node[keyword]
        return result | _taken(node, *_VALUES)

    def _string(self, node: Schema, _at: str) -> Schema:
        keywords = ("minLength", "maxLength", "pattern", "format", "contentEncoding", *_VALUES)
        return {"type": "string"} | _taken(node, *keywords)

    def _binary(self, node: Schema, at: str) -> Schema:
        encoding = node.get("contentEncoding", "base64")
        if encoding not in ENCODINGS:
            self._refuse(f"{at}/contentEncoding", f"{encoding!r} is not one of {', '.join(ENCODINGS)}")
        return binary(encoding) | _taken(node, *_VALUES)

    def _object(self, node: Schema, at: str) -> Schema:
        node = self._flatten(node, at, ())
        declared = node.get("properties", {})
        names = {name: _name_on_the_wire(name, schema) for name, schema in declared.items()}
        if len(set(names.values())) < len(names):
            self._refuse(f"{at}/properties", "two properties have one name in JSON; give each its own in altnames")
        properties = {names[name]: self._schema(schema, f"{at}/properties/{name}") for name, schema in declared.items()}
        result: Schema = {"type": "object", "properties": properties}
        required = [
            names.get(each, each) if isinstance(each, str) else [names.get(name, name) for name in each]
            for each in node.get("required", [])
        ]
        always = [name for name in required if isinstance(name, str)]
        sets = [{"required": list(names)} for names in required if isinstance(names, list | tuple)]
        missing = {name for names in [always, *(s["required"] for s in sets)] for name in names} - properties.keys()
        if missing:
            self._refuse(f"{at}/required", f"{', '.join(sorted(missing))}: not among the properties")
        if always:
            result["required"] = always
        if sets:
            result["oneOf"] = sets
        if "additionalProperties" in node:
            extra = node["additionalProperties"]
            result["additionalProperties"] = (
                extra if isinstance(extra, bool) else self._schema(extra, f"{at}/additionalProperties")
            )
        return result | self._entries(node, at)

    def _entries(self, node: Schema, at: str) -> Schema:
        result: Schema = {}
        for keyword in ("minProperties", "maxProperties", "minEntries", "maxEntries", "dependentRequired"):
            if keyword in node:
                result[RENAMED.get(keyword, keyword)] = node[keyword]
        for keyword in ("patternProperties", "patternKeys"):
            if keyword in node:
                result["patternProperties"] = {
                    pattern: self._schema(schema, f"{at}/{keyword}/{pattern}")
                    for pattern, schema in node[keyword].items()
                }
        for keyword in ("propertyNames", "keyNames"):
            if keyword in node:
                result["propertyNames"] = self._schema(node[keyword], f"{at}/{keyword}")
        if "has" in node:
            # at least one value matches: not every value fails to
            result["not"] = {"additionalProperties": {"not": self._schema(node["has"], f"{at}/has")}}
        return result

    def _map(self, node: Schema, at: str) -> Schema:
        if "values" not in node:
            self._refuse(at, "a map must say its values")
        result: Schema = {"type": "object"} | self._entries(node, at)
        values = self._schema(node["values"], f"{at}/values")
        if values == {} and "patternProperties" not in result:
            return result
        if "patternProperties" not in result:
            return result | {"additionalProperties": values}
        # additionalProperties looks away from the names that a pattern takes; the values' schema binds them all
        return {"allOf": [result, {"type": "object", "additionalProperties": values}]}

    def _array(self, node: Schema, at: str) -> Schema:
        if "items" not in node:
            self._refuse(at, f"{node['type']} must say its items")
        result: Schema = {"type": "array", "items": self._schema(node["items"], f"{at}/items")}
        if node["type"] == "set":
            result["uniqueItems"] = True
        result |= _taken(node, *ARRAY)
        if "contains" in node:
            result["contains"] = self._schema(node["contains"], f"{at}/contains")
        return result

    def _tuple(self, node: Schema, at: str) -> Schema:
        node = self._flatten(node, at, ())
        order, properties = node.get("tuple"), node.get("properties", {})
        if not isinstance(order, list) or sorted(order) != sorted(properties):
            self._refuse(f"{at}/tuple", "must list each of the properties once")
        return {
            "type": "array",
            "prefixItems": [self._schema(properties[name], f"{at}/properties/{name}") for name in order],
            "minItems": len(order),
            "maxItems": len(order),
        }

    def _choice(self, node: Schema, at: str) -> Schema:
        choices = node.get("choices")
        if not isinstance(choices, dict) or not choices:
            self._refuse(f"{at}/choices", "must name at least one choice")
        if "$extends" not in node:
            properties = {name: self._schema(schema, f"{at}/choices/{name}") for name, schema in choices.items()}
            return {"type": "object", "properties": properties, "additionalProperties": False} | {
                "minProperties": 1,
                "maxProperties": 1,
            }
        selector = node.get("selector")
        if not isinstance(selector, str):
            self._refuse(f"{at}/selector", "an inline choice must name its selector property")
        return {"oneOf": [self._variant(node, selector, name, at) for name in choices]}

    def _variant(self, node: Schema, selector: str, name: str, at: str) -> Schema:
        at = f"{at}/choices/{name}"
        variant = node["choices"][name]
        kind = variant.get("type") if isinstance(variant, dict) else None
        if isinstance(kind, dict) and "$ref" in kind:
            _, at, variant = self._document.resolve(kind["$ref"], at.removeprefix("#"))
        if not isinstance(variant, dict) or variant.get("type") != "object":
            self._refuse(at, "a choice of an inline union must be an object that extends its base")
        schema = self._object(variant, at)
        schema["properties"] = schema["properties"] | {selector: {"const": name}}
        schema["required"] = sorted({*schema.get("required", []), selector})
        return schema

    def _flatten(self, node: Schema, at: str, seen: tuple[str, ...]) -> Schema:
        """Return ``node`` with the properties and constraints of what it extends merged in."""
        bases = node.get("$extends")
        if bases is None:
            return node
        merged: Schema = {}
        properties: Schema = {}
        required: list[Any] = []
        for pointer in [bases] if isinstance(bases, str) else bases:
            name, target, base = self._document.resolve(pointer, f"{at.removeprefix('#')}/$extends")
            if target in seen:
                self._refuse(f"{at}/$extends", f"{name} extends itself; break the circle")
            self._check_base(base, target, at)
            base = self._flatten(base, target, (*seen, target))
            properties = base.get("properties", {}) | properties
            required += base.get("required", [])
            inherited = KEYWORDS["object"] - {"properties", "required", "additionalProperties", "$extends"}
            merged |= {key: value for key, value in base.items() if key in inherited}
        again = properties.keys() & node.get("properties", {}).keys()
        if again:
            self._refuse(f"{at}/properties", f"{', '.join(sorted(again))}: inherited, so not to be defined again")
        merged |= {key: value for key, value in node.items() if key != "$extends"}
        merged["properties"] = properties | node.get("properties", {})
        merged["required"] = list(dict.fromkeys(_hashable(name) for name in required + node.get("required", [])))
        return merged

    def _check_base(self, base: Schema, target: str, at: str) -> None:
        self._check_shapes(base, target)
        kind = base.get("type")
        if kind not in ("object", "tuple"):
            self._refuse(f"{at}/$extends", f"{target} is {_kind(base)}; only an object or a tuple can be extended")
        self._check_keywords(base, KEYWORDS[kind], target)
        if composed := sorted(base.keys() & set(COMPOSITION)):
            self._refuse(
                f"{at}/$extends",
                f"{', '.join(composed)} of {target} would not be inherited; move them to the types that extend it",
            )

    def _composition(self, node: Schema, at: str) -> Schema:
        result: Schema = {}
        for keyword in COMPOSITION:
            if keyword not in node:
                continue
            value = node[keyword]
            result[keyword] = (
                [self._schema(item, f"{at}/{keyword}/{index}") for index, item in enumerate(value)]
                if keyword in ("allOf", "anyOf", "oneOf")
                else self._schema(value, f"{at}/{keyword}")
            )
        return result

    def _check_shapes(self, node: Schema, at: str) -> None:
        for keyword, value in node.items():
            if expected := misshapen(keyword, value):
                self._refuse(f"{at}/{keyword}", f"must be {expected}; correct it")

    def _check_keywords(self, node: Schema, known: frozenset[str], at: str) -> None:
        for keyword in node:
            if keyword in known or keyword in CARRIED | FOREIGN | ANNOTATIONS or keyword in COMPOSITION:
                continue
            if keyword in ("type", "altnames") or keyword.startswith("x-") or (at == "#" and keyword in DOCUMENT):
                continue
            self._refuse(f"{at}/{keyword}", f"{keyword!r} means nothing for {_kind(node)}; remove or correct it")

    def _annotations(self, node: Schema) -> Schema:
        result: Schema = {key: value for key, value in node.items() if key in CARRIED}
        foreign = {key for key in node if key in FOREIGN or (key.startswith("x-") and key not in _READ)}
        result |= _as_components({key: node[key] for key in node if key in foreign})
        carried = (ANNOTATIONS - {"name", "abstract", "$comment"}) & node.keys()
        return result | {f"x-{key}": node[key] for key in sorted(carried)}

    def _refuse(self, at: str, why: str) -> NoReturn:
        raise ContractError(f"{self._document.path}{at}: {why}")


def _taken(node: Schema, *keywords: str) -> Schema:
    """Return those of ``keywords`` that ``node`` has, as they are."""
    return {keyword: node[keyword] for keyword in keywords if keyword in node}


def _name_on_the_wire(name: str, schema: Any) -> str:
    names = schema.get("altnames") if isinstance(schema, dict) else None
    own = names.get("json") if isinstance(names, dict) else None
    return own if isinstance(own, str) else name


def _number(value: Any) -> Any:
    """Return the whole number that a bound of 64 bits is written as, as text in JSON Structure."""
    return int(value) if isinstance(value, str) and value.removeprefix("-").isdecimal() else value


def _as_components(node: Any) -> Any:
    """Return ``node`` with its references to definitions pointing to where compiled schemas are."""
    if isinstance(node, dict):
        return {key: _as_components(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_as_components(each) for each in node]
    if isinstance(node, str) and node.startswith("#/definitions/"):
        return REFS + node.removeprefix("#/definitions/").replace("/", ".")
    return node


def _hashable(required: Any) -> Any:
    return required if isinstance(required, str) else tuple(required)


def _kind(node: Schema) -> str:
    kind = node.get("type")
    if isinstance(kind, str):
        return kind
    return "a union" if isinstance(kind, list) else "a reference" if kind else "a schema without a type"
