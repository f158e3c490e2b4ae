"""JSON Structure to JSON Schema 2020-12, exactly or not at all.

Source: JSON Structure core v0 and its import, validation and conditional-composition add-ins.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, NoReturn

from pytest_adyen_creds.contract.documents import Document
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
    as_number,
    composed,
    is_of,
    misshapen,
    misused,
)
from pytest_adyen_creds.contract.primitives import ENCODINGS, PRIMITIVES, binary
from pytest_adyen_creds.contract.trees import COMPONENTS, DEFINITIONS, Schema, repointed
from pytest_adyen_creds.errors import ContractError

_READ: Final = frozenset({"x-wire", "x-json-schema"})
"""Annotations that the compiler carries out."""

_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")
"""What a schema among OpenAPI's components can be called."""

_VALUES: Final = ("enum", "const")
_NUMBERS: Final = ("integer", "number")
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
        if not self._document.types and not self._document.imports and "definitions" not in self._document.source:
            self._refuse("#", "the document describes nothing; give it a type, a $root or definitions")
        compiled: dict[str, Schema] = {}
        for name, pointer, schema in self._document.types.values():
            if not _NAME.fullmatch(name):
                self._refuse(pointer, f"{name!r} cannot name a type; write it with letters, digits and _ alone")
            made = self._schema(schema, pointer)
            if not schema.get("abstract"):
                compiled[name] = made
        return compiled

    def root(self) -> str | None:
        """Return the name of the type that the document as a whole describes."""
        if "#" in self._document.types:
            if "$root" in self._document.own:
                self._refuse("#/$root", "the document has a type of its own as well; remove one of them")
            return self._document.name
        if "$root" in self._document.own:
            return self._document.resolve(self._document.own["$root"], "/$root")[0]
        return None

    def _schema(self, node: Any, at: str) -> Schema:
        if not isinstance(node, dict):
            self._refuse(at, "a schema must be an object")
        self._check_shapes(node, at)
        parts = composed(node, self._schema, at)
        kind = node.get("type")
        if kind is None:
            if not parts:
                self._refuse(at, "a schema must say its type" + ("; write $ref inside type" if "$ref" in node else ""))
            self._check_keywords(node, frozenset(), at)
            result: Schema = {}
        elif isinstance(kind, dict) and "$ref" in kind:
            result = self._bound(kind, node, at, f"{at}/type")
            self._check_keywords(node, self._concerning(kind, f"{at}/type"), at)
        elif isinstance(kind, dict):
            result = self._schema(kind, f"{at}/type")
            self._check_keywords(node, frozenset(), at)
        elif isinstance(kind, list):
            if not kind:
                self._refuse(f"{at}/type", "a union must have at least one type")
            members = [(item, f"{at}/type/{index}") for index, item in enumerate(kind)]
            result = {"anyOf": [self._member(item, node, at, where) for item, where in members]}
            self._check_keywords(node, frozenset().union(*(self._concerning(*each) for each in members)), at)
        else:
            result = self._typed(kind, node, at)
        if result.keys().isdisjoint(COMPOSITION):
            result = result | parts
        elif parts:
            # what is there already and what is added bind both
            result = {"allOf": [result, parts]}
        return self._with_foreign(result, node, at) | self._annotations(node)

    def _with_foreign(self, result: Schema, node: Schema, at: str) -> Schema:
        """Return ``result`` with the keywords of JSON Schema that ``node`` brings as they are."""
        kept = node.get("x-json-schema", {})
        if not isinstance(kept, dict):
            self._refuse(f"{at}/x-json-schema", "must be an object of JSON Schema's keywords; correct it")
        required = [*result.get("required", ()), *kept.get("required", ())]
        result = result | repointed(kept, _as_component)
        return result | ({"required": required} if required else {})

    def _member(self, item: Any, node: Schema, at: str, where: str) -> Schema:
        """Return a member of the union ``node``, as the constraints beside the union bind it."""
        if isinstance(item, str):
            if item not in PRIMITIVES and item != "any":
                self._refuse(where, f"{item!r} cannot stand in a union; define it and refer to it")
            return self._typed(item, {"type": item, **_taken(node, *self._concerning(item, where))}, at)
        if isinstance(item, dict) and "$ref" in item:
            return self._bound(item, node, at, where)
        return self._schema(item, where)

    def _bound(self, reference: Schema, node: Schema, at: str, where: str) -> Schema:
        """Return a reference, and beside it what the constraints beside it in ``node`` say of the type referred to."""
        result = self._reference(reference["$ref"], f"{where}/$ref")
        own = _taken(node, *self._concerning(reference, where))
        if not own:
            return result
        target = self._target(reference["$ref"], f"{where}/$ref")
        return result | self._typed(target["type"], own | _taken(target, "type", "x-wire"), at)

    def _concerning(self, kind: Any, where: str) -> frozenset[str]:
        """Return the constraints that can stand beside a type in a union, or beside a reference to it."""
        if isinstance(kind, dict) and "$ref" in kind:
            kind = self._target(kind["$ref"], f"{where}/$ref").get("type")
        if kind in ("string", "binary"):
            return KEYWORDS[kind] - set(_VALUES)
        is_number = isinstance(kind, str) and (kind in _AS_TEXT or PRIMITIVES.get(kind, {}).get("type") in _NUMBERS)
        return frozenset(NUMERIC) if is_number else frozenset()

    def _reference(self, pointer: Any, at: str) -> Schema:
        self._target(pointer, at)
        name, _, target = self._document.resolve(pointer, at.removeprefix("#"))
        if target.get("abstract"):
            self._refuse(at, f"{name} is abstract; extend it, or refer to a type that extends it")
        return {"$ref": COMPONENTS + name}

    def _target(self, pointer: Any, at: str) -> Schema:
        """Return the type that a reference comes to in the end: one that is no reference itself."""
        passed: list[str] = []
        while True:
            if not isinstance(pointer, str):
                self._refuse(at, "a reference must be a JSON Pointer in this document")
            name, pointer, target = self._document.resolve(pointer, at.removeprefix("#"))
            if name in passed:
                self._refuse(at, f"{name} comes back to itself and to no type; break the circle")
            passed.append(name)
            kind = target.get("type")
            if not (isinstance(kind, dict) and "$ref" in kind):
                return target
            pointer = kind["$ref"]

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
            return self._valued({"type": "string", "x-format": UNENFORCED[kind]}, node, at)
        if wire and (kind, wire) not in WIRE:
            self._refuse(f"{at}/x-wire", f"{wire!r} is no way for {kind} to travel; correct or remove it")
        result = dict(WIRE[kind, wire] if wire else PRIMITIVES[kind])
        if wire and kind == "int64":
            node = node | {key: as_number(node[key]) for key in NUMERIC if key in node}
        for keyword in NUMERIC:
            if keyword not in node:
                continue
            if result["type"] not in _NUMBERS:
                why = "its values are text" if kind in _AS_TEXT else "it is not a number"
                self._refuse(f"{at}/{keyword}", f"cannot be expressed for {kind}: {why}; remove it")
            if isinstance(node[keyword], bool) or not isinstance(node[keyword], int | float):
                self._refuse(f"{at}/{keyword}", "must be a number; correct it")
            tighter = {"minimum": max, "maximum": min}.get(keyword)
            result[keyword] = tighter(node[keyword], result.get(keyword, node[keyword])) if tighter else node[keyword]
        return self._valued(result, node, at)

    def _string(self, node: Schema, at: str) -> Schema:
        keywords = ("minLength", "maxLength", "pattern", "format", "contentEncoding")
        return self._valued({"type": "string"} | _taken(node, *keywords), node, at)

    def _binary(self, node: Schema, at: str) -> Schema:
        encoding = node.get("contentEncoding", "base64")
        if encoding not in ENCODINGS:
            self._refuse(f"{at}/contentEncoding", f"{encoding!r} is not one of {', '.join(ENCODINGS)}")
        return self._valued(binary(encoding), node, at)

    def _valued(self, result: Schema, node: Schema, at: str) -> Schema:
        """Return ``result``, the schema of a primitive type, with the values that ``node`` lists, as JSON has them."""
        symbols = node.get("altenums", {}).get("json", {})
        for keyword in _VALUES:
            if keyword in node:
                listed = node[keyword] if keyword == "enum" else [node[keyword]]
                values = [symbols.get(value, value) if isinstance(value, str) else value for value in listed]
                for value in values:
                    if not is_of(result["type"], value):
                        self._refuse(f"{at}/{keyword}", f"{value!r} is no value of {node['type']}; correct it")
                result[keyword] = values if keyword == "enum" else values[0]
        return result

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
        if "dependentRequired" in node:
            result["dependentRequired"] = {
                names.get(name, name): [names.get(each, each) for each in others]
                for name, others in node["dependentRequired"].items()
            }
        return result | self._entries(node, at)

    def _entries(self, node: Schema, at: str) -> Schema:
        result: Schema = {}
        for keyword in ("minProperties", "maxProperties", "minEntries", "maxEntries"):
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
                if result["propertyNames"].get("type", "string") != "string":
                    self._refuse(f"{at}/{keyword}", "names are texts; make it a schema of a string")
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
            properties = {
                _name_on_the_wire(name, schema): self._schema(schema, f"{at}/choices/{name}")
                for name, schema in choices.items()
            }
            if len(properties) < len(choices):
                self._refuse(f"{at}/choices", "two choices have one name in JSON; give each its own in altnames")
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
        inherited = KEYWORDS["object"] - {"properties", "required", "additionalProperties", "$extends"}
        for pointer in [bases] if isinstance(bases, str) else bases:
            name, target, base = self._document.resolve(pointer, f"{at.removeprefix('#')}/$extends")
            if target in seen:
                self._refuse(f"{at}/$extends", f"{name} extends itself; break the circle")
            self._check_base(base, target, at)
            base = self._flatten(base, target, (*seen, target))
            properties = base.get("properties", {}) | properties
            required += base.get("required", [])
            for keyword in sorted(inherited & base.keys()):
                if merged.setdefault(keyword, base[keyword]) != base[keyword]:
                    self._refuse(f"{at}/$extends", f"its bases differ in {keyword}; keep one")
        for keyword in sorted(merged.keys() & node.keys()):
            self._refuse(f"{at}/{keyword}", f"{keyword!r}: inherited, so not to be defined again")
        again = properties.keys() & node.get("properties", {}).keys()
        if again:
            self._refuse(f"{at}/properties", f"{', '.join(sorted(again))}: inherited, so not to be defined again")
        merged |= {key: value for key, value in node.items() if key != "$extends"}
        merged["properties"] = properties | node.get("properties", {})
        merged["required"] = list(
            dict.fromkeys(
                each if isinstance(each, str) else tuple(each) for each in required + node.get("required", [])
            )
        )
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

    def _check_shapes(self, node: Schema, at: str) -> None:
        for keyword, value in node.items():
            if expected := misshapen(keyword, value):
                self._refuse(f"{at}/{keyword}", f"must be {expected}; correct it")
        for keyword, why in misused(node):
            self._refuse(f"{at}/{keyword}", why)

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
        result |= repointed({key: node[key] for key in node if key in foreign}, _as_component)
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


def _as_component(reference: str) -> str:
    """Return a reference to a definition as one to where compiled schemas are."""
    name = reference.removeprefix(DEFINITIONS)
    return reference if name == reference else COMPONENTS + name.replace("/", ".")


def _kind(node: Schema) -> str:
    kind = node.get("type")
    if isinstance(kind, str):
        return kind
    return "a union" if isinstance(kind, list) else "a reference" if kind else "a schema without a type"
