"""The compiler on all of JSON Structure core: what each type lets through, and what it cannot say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import jsonschema_rs
import pytest

from pytest_adyen_creds import load_contract
from pytest_adyen_creds.errors import ContractError, FileRefused


def make(folder: Path, *documents: dict[str, Any]) -> Path:
    """Write a contract whose one operation answers the first document."""
    structures = folder / "v3" / "structures"
    structures.mkdir(parents=True, exist_ok=True)
    for document in documents:
        head = {"$schema": "https://json-structure.org/meta/extended/v0/#", "$id": f"test://{document['name']}"}
        (structures / f"{document['name']}.struct.json").write_text(json.dumps(head | document))
    (folder / "v3" / "openapi.yaml").write_text(
        "openapi: 3.1.0\ninfo: {title: t, version: '3'}\npaths:\n  /it:\n    get:\n      responses:\n        '200':\n"
        "          description: d\n          content:\n            application/json:\n"
        f"              schema: {{$ref: structures/{documents[0]['name']}.struct.json}}\n"
    )
    return folder


def schema_of(folder: Path, *documents: dict[str, Any]) -> dict[str, Any]:
    return load_contract("v3", make(folder, *documents)).to_json_schema(documents[0]["name"])


def holding(**schema: Any) -> dict[str, Any]:
    return {"name": "It", "type": "object", "properties": {"it": schema}, "required": ["it"]}


PRIMITIVES = {
    "string": (["", "a\n"], [1, None]),
    "number": ([1, 1.5, -2e30], ["1", True, None]),
    "boolean": ([True, False], [0, "true"]),
    "null": ([None], [0, ""]),
    "integer": ([2**31 - 1, -(2**31)], [2**31, 1.5, "1"]),
    "int8": ([127, -128], [128, -129, True]),
    "uint8": ([0, 255], [-1, 256]),
    "int16": ([32767, -32768], [32768, -32769]),
    "uint16": ([65535], [65536, -1]),
    "int32": ([2**31 - 1, -(2**31)], [2**31, -(2**31) - 1, "1"]),
    "uint32": ([2**32 - 1, 0], [2**32, -1]),
    "int64": (
        ["0", "-0", "9223372036854775807", "-9223372036854775808", "1000000000000000000"],
        ["9223372036854775808", "-9223372036854775809", "01", "+1", "1.0", "", "1\n", "\u0661", 1],
    ),
    "uint64": (["0", "18446744073709551615", "9"], ["18446744073709551616", "-1", "", 0]),
    "int128": ([str(2**127 - 1), str(-(2**127))], [str(2**127), str(-(2**127) - 1)]),
    "uint128": ([str(2**128 - 1), "10"], [str(2**128), "-1"]),
    "float8": ([1.5], ["1"]),
    "float": ([3.4e38, 0], [3.5e38, "1"]),
    "double": ([1.7e308], ["1", None]),
    "decimal": (["1", "-0.50", "123456789012345678901234567890.1"], ["1.", ".5", "1e3", "01", 1, "1\n"]),
    "date": (["2026-11-22"], ["2026-13-01", "2026-1-1", "22-11-2026", "2026-11-22\n"]),
    "datetime": (
        ["2026-11-22T10:00:00Z", "2026-11-22T10:00:00.5+01:00"],
        ["2026-11-22 10:00:00", "2026-11-22T10:00:00"],
    ),
    "time": (["10:00:00", "23:59:59.9Z"], ["24:00:00", "10:00"]),
    "duration": (["P1D", "PT1H30M", "P2W", "P1Y2M3DT4H5M6.5S"], ["P", "PT", "1D", "P1H"]),
    "uuid": (["123e4567-e89b-12d3-a456-426614174000"], ["123e4567e89b12d3a456426614174000", "x"]),
    "uri": (["https://a.example/b?c#d", "../x", ""], ["a b", "<x>", "%zz"]),
    "jsonpointer": (["", "/a/~0~1/b"], ["a", "/~2"]),
    "binary": (["", "aGk=", "aGkh"], ["a", "aGk", "aGk=\n", "a-b_"]),
    "any": ([None, 1, "x", [], {}], []),
}


@pytest.mark.parametrize("kind", PRIMITIVES)
def test_primitive(kind: str, tmp_path: Path) -> None:
    schema = schema_of(tmp_path, holding(type=kind))
    good, bad = PRIMITIVES[kind]
    for value in good:
        assert jsonschema_rs.validator_for(schema).is_valid({"it": value}), value
        assert jsonschema.Draft202012Validator(schema).is_valid({"it": value}), value
    for value in bad:
        assert not jsonschema_rs.validator_for(schema).is_valid({"it": value}), value
        assert not jsonschema.Draft202012Validator(schema).is_valid({"it": value}), value


TEXT = {"type": "string"}
COMPOUNDS: dict[str, tuple[dict[str, Any], list[Any], list[Any]]] = {
    "array": (
        {"type": "array", "items": TEXT, "minItems": 1, "maxItems": 2},
        [["a"], ["a", "a"]],
        [[], [1], ["a"] * 3],
    ),
    "contains": (
        {"type": "array", "items": {"type": "int8"}, "contains": {"type": "int8", "minimum": 5}, "maxContains": 1},
        [[5, 1]],
        [[1], [5, 6]],
    ),
    "set": ({"type": "set", "items": {"type": "int8"}}, [[], [1, 2]], [[1, 1], ["a"]]),
    "map": ({"type": "map", "values": {"type": "int8"}, "minEntries": 1}, [{"a": 1}], [{}, {"a": "b"}, []]),
    "free-form": ({"type": "map", "values": {"type": "any"}}, [{}, {"a": None}], [[], "a"]),
    "map of patterns": (
        {"type": "map", "values": {"type": "int8"}, "patternKeys": {"^x": {"type": "int8", "minimum": 5}}},
        [{"x": 5, "y": 1}],
        [{"x": 1}, {"x": "a"}, {"y": "a"}],
    ),
    "map of names": (
        {"type": "map", "values": TEXT, "keyNames": {"type": "string", "maxLength": 2}},
        [{"ab": ""}],
        [{"abc": ""}],
    ),
    "tuple": (
        {"type": "tuple", "properties": {"b": {"type": "int8"}, "a": TEXT}, "tuple": ["a", "b"]},
        [["x", 1]],
        [[1, "x"], ["x"], ["x", 1, 2]],
    ),
    "tagged choice": (
        {"type": "choice", "choices": {"text": TEXT, "number": {"type": "int8"}}},
        [{"text": "x"}, {"number": 1}],
        [{}, {"text": 1}, {"text": "x", "number": 1}, {"other": 1}],
    ),
    "union": ({"type": ["string", "null", "int8"]}, ["x", None, 1], [1.5, [], 128]),
    "constrained union": (
        {"type": ["string", "null", "int8"], "maxLength": 3, "pattern": "^a", "minimum": 5},
        ["a", "abc", None, 5, 127],
        ["abcd", "b", 4, 128, 5.5, True],
    ),
    "constraint beside text that is no string": (
        {"type": ["string", "uuid", "int64"], "maxLength": 3},
        ["abc", "123e4567-e89b-12d3-a456-426614174000", "12345"],
        ["abcd", 1],
    ),
    "enumeration": ({"type": "string", "enum": ["a", "b"]}, ["a"], ["c", 1]),
    "enumeration of text numbers": ({"type": "int64", "enum": ["1", "2"]}, ["1"], ["3", 1]),
    "enumeration of symbols": (
        {"type": "string", "enum": ["RED", "BLUE"], "altenums": {"json": {"RED": "#f00"}, "lang:de": {"RED": "rot"}}},
        ["#f00", "BLUE"],
        ["RED", "rot"],
    ),
    "constant": ({"type": "int8", "const": 3}, [3], [4, "3"]),
    "text limits": ({"type": "string", "minLength": 2, "maxLength": 3, "pattern": "^a"}, ["ab"], ["a", "abcd", "bb"]),
    "number limits": ({"type": "int8", "minimum": 2, "exclusiveMaximum": 6, "multipleOf": 2}, [2, 4], [0, 6, 3, 200]),
    "loose minimum": ({"type": "uint8", "minimum": -5}, [0], [-1]),
    "format": ({"type": "string", "format": "ipv4"}, ["10.0.0.1"], []),
    "unknown format": ({"type": "string", "format": "postcode"}, ["", "x"], [1]),
    "look-behind": ({"type": "string", "pattern": "(?<=pre)fix"}, ["prefix"], ["fix", "suffix"]),
    "nothing meets all": ({"type": "int8", "multipleOf": 7, "minimum": 8, "maximum": 13}, [], [7, 8, 14, "8"]),
    "base16": ({"type": "binary", "contentEncoding": "base16"}, ["00fF"], ["0", "zz"]),
    "closed object": (
        {"type": "object", "properties": {"a": TEXT}, "additionalProperties": False},
        [{}, {"a": ""}],
        [{"b": 1}],
    ),
    "typed extras": (
        {"type": "object", "properties": {"a": TEXT}, "additionalProperties": {"type": "int8"}},
        [{"a": "", "b": 1}],
        [{"b": ""}],
    ),
    "alternative sets": (
        {"type": "object", "properties": {"a": TEXT, "b": TEXT, "c": TEXT}, "required": [["a", "b"], ["a", "c"]]},
        [{"a": "", "b": ""}, {"a": "", "c": ""}],
        [{"a": ""}, {"a": "", "b": "", "c": ""}],
    ),
    "has": (
        {"type": "object", "properties": {"a": {"type": "any"}}, "has": {"type": "int8"}},
        [{"a": 1}, {"a": "", "b": 2}],
        [{}, {"a": ""}],
    ),
    "choice of alternate names": (
        {"type": "choice", "choices": {"a_b": {"type": "string", "altnames": {"json": "a.b"}}, "c": {"type": "int8"}}},
        [{"a.b": ""}, {"c": 1}],
        [{"a_b": ""}, {"a.b": 1}],
    ),
    "dependent": (
        {"type": "object", "properties": {"a": TEXT, "b": TEXT}, "dependentRequired": {"a": ["b"]}},
        [{}, {"a": "", "b": ""}],
        [{"a": ""}],
    ),
    "composition": (
        {"anyOf": [{"type": "int8"}, {"allOf": [TEXT, {"type": "string", "maxLength": 1}]}]},
        [1, "a"],
        ["ab"],
    ),
    "condition": (
        {"type": "any", "if": TEXT, "then": {"type": "string", "maxLength": 1}, "else": {"not": {"type": "null"}}},
        ["a", 5],
        ["ab", None],
    ),
}


@pytest.mark.parametrize("kind", COMPOUNDS)
def test_compound(kind: str, tmp_path: Path) -> None:
    node, good, bad = COMPOUNDS[kind]
    schema = schema_of(tmp_path, holding(**node))
    for value in good:
        assert jsonschema_rs.validator_for(schema).is_valid({"it": value}), value
        assert jsonschema.Draft202012Validator(schema).is_valid({"it": value}), value
    for value in bad:
        assert not jsonschema_rs.validator_for(schema).is_valid({"it": value}), value
        assert not jsonschema.Draft202012Validator(schema).is_valid({"it": value}), value


ALTERNATE = {
    "type": "object",
    "properties": {"a_b": {"type": "string", "altnames": {"json": "a.b", "lang:en": "A and B"}}, "c": TEXT},
    "required": ["a_b"],
    "dependentRequired": {"c": ["a_b"], "a_b": ["c"]},
    "additionalProperties": False,
}


def test_alternate_names_are_the_names_in_json(tmp_path: Path) -> None:
    schema = schema_of(tmp_path, {"name": "It", **ALTERNATE})
    assert schema["required"] == ["a.b"]
    assert schema["properties"].keys() == {"a.b", "c"}
    valid = jsonschema_rs.validator_for(schema).is_valid
    assert valid({"a.b": "", "c": ""})
    assert not valid({"a_b": "", "c": ""})
    assert not valid({"c": ""})
    assert not valid({"a.b": ""})


WIRES: dict[str, tuple[dict[str, Any], dict[str, Any], list[Any], list[Any]]] = {
    "int32 number": (
        {"type": "int32", "x-wire": "number"},
        {"type": "integer", "format": "int32"},
        [1, 2**31],
        ["1", 1.5],
    ),
    "int64 number": (
        {"type": "int64", "x-wire": "number", "minimum": "5", "enum": [6, 7]},
        {"type": "integer", "format": "int64", "minimum": 5, "enum": [6, 7]},
        [6],
        [4, 8, "6"],
    ),
    "datetime text": (
        {"type": "datetime", "x-wire": "text"},
        {"type": "string", "format": "date-time"},
        ["2026-11-22T10:00:00Z", "tomorrow"],
        [1],
    ),
    "untyped object": (
        {"type": "object", "x-wire": "untyped", "properties": {"a": TEXT}, "required": ["a"]},
        {"properties": {"a": {"type": "string"}}, "required": ["a"]},
        [{"a": ""}, 1, None],
        [{}, {"a": 1}],
    ),
    "format": ({"type": "string", "x-format": "ipv4"}, {"type": "string", "format": "ipv4"}, ["10.0.0.256"], [1]),
    "JSON Schema's keywords": (
        {"type": "map", "values": {"type": "any"}, "x-json-schema": {"required": ["a"], "minProperties": 2}},
        {"type": "object", "required": ["a"], "minProperties": 2},
        [{"a": 1, "b": 2}],
        [{"a": 1}, {"b": 1, "c": 2}, []],
    ),
}


@pytest.mark.parametrize("kind", WIRES)
def test_how_a_value_travels_is_published_and_judged(kind: str, tmp_path: Path) -> None:
    node, published, good, bad = WIRES[kind]
    contract = load_contract("v3", make(tmp_path, holding(**node)))
    assert contract.to_json_schema("It")["properties"]["it"] == published
    assert [value for value in good if not contract.is_valid("It", {"it": value})] == []
    assert [value for value in bad if contract.is_valid("It", {"it": value})] == []


def test_a_constraint_beside_a_reference_binds_what_is_referred_to(tmp_path: Path) -> None:
    definitions = {
        "Code": TEXT,
        "Alias": {"type": {"$ref": "#/definitions/Code"}},
        "Count": {"type": "int64", "x-wire": "number"},
    }
    properties = {
        "code": {"type": {"$ref": "#/definitions/Alias"}, "maxLength": 2},
        "count": {"type": ["null", {"$ref": "#/definitions/Count"}], "minimum": "3"},
    }
    schema = schema_of(tmp_path, {"name": "It", "type": "object", "properties": properties, "definitions": definitions})
    valid = jsonschema_rs.validator_for(schema).is_valid
    assert valid({"code": "ab", "count": 3})
    assert valid({"count": None})
    assert not valid({"code": "abc"})
    assert not valid({"count": 2})


def test_format_is_enforced(tmp_path: Path) -> None:
    contract = load_contract("v3", make(tmp_path, holding(type="string", format="ipv4")))
    assert contract.is_valid("It", {"it": "10.0.0.1"})
    [violation] = contract.validate("It", {"it": "10.0.0.256"})
    assert (violation.pointer, violation.keyword) == ("/it", "format")


def test_inheritance_over_two_levels_and_several_bases(tmp_path: Path) -> None:
    definitions = {
        "Far": {"type": "object", "abstract": True, "properties": {"a": TEXT}, "required": ["a"]},
        "Near": {"type": "object", "abstract": True, "$extends": "#/definitions/Far", "properties": {"b": TEXT}},
        "Other": {"type": "object", "abstract": True, "properties": {"c": {"type": "int8"}}, "required": ["c"]},
    }
    schema = schema_of(
        tmp_path,
        {
            "name": "It",
            "type": "object",
            "$extends": ["#/definitions/Near", "#/definitions/Other"],
            "additionalProperties": False,
            "definitions": definitions,
        },
    )
    valid = jsonschema_rs.validator_for(schema).is_valid
    assert valid({"a": "", "b": "", "c": 1})
    assert not valid({"c": 1})
    assert not valid({"a": "", "c": 1, "d": 1})


def test_inline_choice(tmp_path: Path) -> None:
    base = {"type": "object", "abstract": True, "properties": {"city": TEXT}, "required": ["city"]}
    street = {
        "type": "object",
        "$extends": "#/definitions/Base",
        "properties": {"street": TEXT},
        "required": ["street"],
    }
    box = {
        "type": "object",
        "$extends": "#/definitions/Base",
        "properties": {"box": TEXT},
        "additionalProperties": False,
    }
    schema = schema_of(
        tmp_path,
        {
            "name": "It",
            "type": "choice",
            "$extends": "#/definitions/Base",
            "selector": "kind",
            "choices": {
                "street": {"type": {"$ref": "#/definitions/Street"}},
                "box": {"type": {"$ref": "#/definitions/Box"}},
            },
            "definitions": {"Base": base, "Street": street, "Box": box},
        },
    )
    valid = jsonschema_rs.validator_for(schema).is_valid
    assert valid({"kind": "street", "city": "", "street": ""})
    assert valid({"kind": "box", "city": "", "box": ""})
    assert not valid({"kind": "box", "city": "", "street": ""})
    assert not valid({"kind": "street", "city": ""})
    assert not valid({"city": "", "street": ""})


def test_recursion(tmp_path: Path) -> None:
    node = {
        "type": "object",
        "properties": {"next": {"type": {"$ref": "#/definitions/Node"}}},
        "additionalProperties": False,
    }
    make(tmp_path, {"name": "It", "$root": "#/definitions/Node", "definitions": {"Node": node}})
    valid = jsonschema_rs.validator_for(load_contract("v3", tmp_path).to_json_schema("Node")).is_valid
    assert valid({"next": {"next": {}}})
    assert not valid({"next": {"other": {}}})


def test_import_into_a_namespace(tmp_path: Path) -> None:
    shared = {
        "name": "Shared",
        "type": "object",
        "properties": {"link": {"type": {"$ref": "#/definitions/Link"}}},
        "definitions": {"Link": {"type": "object", "properties": {"href": TEXT}, "required": ["href"]}},
    }
    it = {
        "name": "It",
        "type": "object",
        "properties": {"one": {"type": {"$ref": "#/definitions/their/Shared"}}},
        "definitions": {"their": {"$import": "test://Shared"}},
    }
    schema = schema_of(tmp_path, it, shared)
    valid = jsonschema_rs.validator_for(schema).is_valid
    assert valid({"one": {"link": {"href": ""}}})
    assert not valid({"one": {"link": {}}})


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "bare $ref": (holding(**{"$ref": "#/definitions/X"}), "#/properties/it: a schema must say its type"),
    "dangling": (holding(type={"$ref": "#/definitions/X"}), "/properties/it/type/$ref: #/definitions/X names no type"),
    "unknown type": (holding(type="text"), "#/properties/it/type: 'text' is not a type"),
    "unknown keyword": (holding(type="string", maxLenght=3), "#/properties/it/maxLenght: 'maxLenght' means nothing"),
    "misplaced keyword": (holding(type="string", minItems=3), "#/properties/it/minItems"),
    "limit on text": (holding(type="int64", minimum="3"), "#/properties/it/minimum: cannot be expressed for int64"),
    "bound of many digits": (
        holding(type="int64", minimum="9" * 5000, **{"x-wire": "number"}),
        "#/properties/it/minimum: must be a number",
    ),
    "unknown wire": (
        holding(type="uuid", **{"x-wire": "number"}),
        "#/properties/it/x-wire: 'number' is no way for uuid",
    ),
    "one name twice": (
        {"name": "It", "type": "object", "properties": {"a": TEXT, "b": {"type": "string", "altnames": {"json": "a"}}}},
        "#/properties: two properties have one name in JSON",
    ),
    "one choice twice": (
        holding(type="choice", choices={"a": TEXT, "b": {"type": "string", "altnames": {"json": "a"}}}),
        "#/properties/it/choices: two choices have one name in JSON",
    ),
    "constraint of no member": (
        holding(type=["string", "null"], minimum=3),
        "#/properties/it/minimum: 'minimum' means",
    ),
    "constraint of a text number": (
        holding(type=["int8", "decimal"], minimum=3),
        "#/properties/it/minimum: cannot be expressed for decimal",
    ),
    "enumeration beside a union": (holding(type=["string", "null"], enum=["a"]), "#/properties/it/enum: 'enum' means"),
    "empty union": (holding(type=[]), "#/properties/it/type: a union must have at least one type"),
    "value of another type": (holding(type="string", enum=["a", 1]), "#/properties/it/enum: 1 is no value of string"),
    "constant of another type": (holding(type="int8", const="1"), "#/properties/it/const: '1' is no value of int8"),
    "names that are no texts": (
        holding(type="map", values=TEXT, keyNames={"type": "int8"}),
        "#/properties/it/keyNames: names are texts",
    ),
    "set of what repeats": (holding(type="set", items=TEXT, uniqueItems=False), "#/properties/it/uniqueItems: "),
    "count of nothing": (holding(type="array", items=TEXT, minContains=1), "#/properties/it/minContains: counts"),
    "nothing": ({"name": "It"}, "#: the document describes nothing"),
    "two roots": (holding(type="string") | {"$root": "#/definitions/A", "definitions": {"A": TEXT}}, "#/$root: "),
    "name of a type": (
        holding(type="string") | {"definitions": {"a b": TEXT}},
        "#/definitions/a b: 'a b' cannot name a type",
    ),
    "no type and no namespace": (
        holding(type="string") | {"definitions": {"A": {"B": 1}}},
        "#/definitions/A/B: must be",
    ),
    "add-ins": (holding(type="string") | {"$offers": {"A": "#/definitions/A"}}, "#/$offers"),
    "abstract": (
        holding(type={"$ref": "#/definitions/A"})
        | {"definitions": {"A": {"type": "object", "abstract": True, "properties": {"a": TEXT}}}},
        "A is abstract",
    ),
    "abstract circle": (
        holding(type="string")
        | {
            "definitions": {
                each: {"type": "object", "abstract": True, "$extends": f"#/definitions/{base}", "properties": {}}
                for each, base in (("A", "B"), ("B", "A"))
            }
        },
        "#/definitions/A/$extends: B extends itself",
    ),
    "circle of references": (
        holding(type={"$ref": "#/definitions/A"})
        | {"definitions": {"A": {"type": {"$ref": "#/definitions/B"}}, "B": {"type": {"$ref": "#/definitions/A"}}}},
        "#/properties/it/type/$ref: A comes back to itself",
    ),
    "mistake in an abstract type": (
        holding(type="string")
        | {"definitions": {"A": {"type": "object", "abstract": True, "properties": {"a": {"type": "text"}}}}},
        "#/definitions/A/properties/a/type: 'text' is not a type",
    ),
    "constraint of the base": (
        {"name": "It", "type": "object", "$extends": "#/definitions/A", "minProperties": 1}
        | {"definitions": {"A": {"type": "object", "abstract": True, "minProperties": 2, "properties": {"a": TEXT}}}},
        "#/minProperties: 'minProperties': inherited, so not to be defined again",
    ),
    "constraints of two bases": (
        {"name": "It", "type": "object", "$extends": ["#/definitions/A1", "#/definitions/A2"]}
        | {
            "definitions": {
                f"A{number}": {"type": "object", "minProperties": number, "properties": {f"a{number}": TEXT}}
                for number in (1, 2)
            }
        },
        "#/$extends: its bases differ in minProperties",
    ),
    "circle": (
        {"name": "It", "$root": "#/definitions/A"}
        | {"definitions": {"A": {"type": "object", "$extends": "#/definitions/A", "properties": {"a": TEXT}}}},
        "extends itself",
    ),
    "redefined": (
        {"name": "It", "type": "object", "$extends": "#/definitions/A", "properties": {"a": TEXT}}
        | {"definitions": {"A": {"type": "object", "abstract": True, "properties": {"a": TEXT}}}},
        "inherited, so not to be defined again",
    ),
    "required unknown": (holding(type="string") | {"required": ["that"]}, "#/required: that: not among the properties"),
    "import": (holding(type="string") | {"$import": "test://nowhere"}, "no document has the $id 'test://nowhere'"),
    "own import": (holding(type="string") | {"$import": "test://It"}, "imports itself"),
    "tuple order": (holding(type="tuple", properties={"a": TEXT}, tuple=["b"]), "#/properties/it/tuple"),
    "no items": (holding(type="array"), "must say its items"),
    "encoding": (holding(type="binary", contentEncoding="rot13"), "#/properties/it/contentEncoding"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_refused_with_document_and_pointer(kind: str, tmp_path: Path) -> None:
    document, says = REFUSED[kind]
    with pytest.raises(ContractError) as error:
        load_contract("v3", make(tmp_path, document))
    assert "It.struct.json" in str(error.value)
    assert says in str(error.value)


BOUNDS = {
    "Length": {"type": "string"},
    "Items": {"type": "array", "items": TEXT},
    "Contains": {"type": "array", "items": TEXT, "contains": TEXT},
    "Properties": {"type": "object", "properties": {"a": TEXT}},
    "Entries": {"type": "map", "values": TEXT},
    "imum": {"type": "double"},
}


@pytest.mark.parametrize("noun", BOUNDS)
def test_a_minimum_above_its_maximum_is_refused(noun: str, tmp_path: Path) -> None:
    equal = BOUNDS[noun] | {f"min{noun}": 2, f"max{noun}": 2}
    assert load_contract("v3", make(tmp_path / "equal", holding(**equal))).structures
    says = rf"It\.struct\.json#/properties/it/min{noun}: is more than max{noun}"
    with pytest.raises(ContractError, match=says):
        load_contract("v3", make(tmp_path / "above", holding(**equal | {f"min{noun}": 3})))


def test_two_meanings_of_one_name_are_refused(tmp_path: Path) -> None:
    first = holding(type={"$ref": "#/definitions/X"}) | {"definitions": {"X": {"type": "map", "values": TEXT}}}
    second = first | {"name": "Other", "definitions": {"X": {"type": "map", "values": {"type": "int8"}}}}
    with pytest.raises(ContractError, match="X differs from X"):
        load_contract("v3", make(tmp_path, first, second))


def test_a_broken_document_is_named(tmp_path: Path) -> None:
    make(tmp_path, holding(type="string"))
    (tmp_path / "v3" / "structures" / "Bad.struct.json").write_text("{")
    with pytest.raises(FileRefused, match=r"Bad\.struct\.json: is not JSON"):
        load_contract("v3", tmp_path)
