"""Contracts that people write themselves: exact about what they say, and refused with one line where they are not."""

from __future__ import annotations

import copy
import json
import time
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from json_structure import InstanceValidator

from pytest_adyen_creds.cli import main
from pytest_adyen_creds.contract import Contract, bundled, load_contract
from pytest_adyen_creds.errors import AdyenCredsError, ContractError

TEXT = {"type": "string"}
OPENAPI = {
    "openapi": "3.1.0",
    "paths": {
        "/it": {
            "get": {
                "responses": {
                    "200": {
                        "description": "d",
                        "content": {"application/json": {"schema": {"$ref": "structures/It.struct.json"}}},
                    }
                }
            }
        }
    },
}


def document(schema: dict[str, Any]) -> dict[str, Any]:
    head = {"$schema": "https://json-structure.org/meta/extended/v0/#", "$id": "test://own/It", "name": "It"}
    return {**head, "$uses": ["JSONStructureValidation", "JSONStructureConditionalComposition"], **schema}


def written(folder: Path, schema: dict[str, Any] = TEXT, openapi: Any = OPENAPI) -> Path:
    (folder / "v3" / "structures").mkdir(parents=True, exist_ok=True)
    (folder / "v3" / "structures" / "It.struct.json").write_text(json.dumps(document(schema)))
    (folder / "v3" / "openapi.yaml").write_text(json.dumps(openapi))
    return folder


def own(folder: Path, schema: dict[str, Any]) -> Contract:
    return load_contract("v3", written(folder, schema))


SHORT = {"type": "object", "properties": {"a": {"type": "string", "maxLength": 5}}}
LONG = {"type": "object", "properties": {"a": {"type": "string", "minLength": 3}}}
COMPOSED = {
    "a map's patterns and allOf": (
        {
            "type": "map",
            "values": TEXT,
            "patternKeys": {"^a": {"type": "string", "maxLength": 3}},
            "allOf": [{"type": "object", "properties": {"q": TEXT}, "required": ["q"]}],
        },
        [{"q": "x"}, {"abc": "abc", "q": "x"}],
        [{"abc": "abcd", "q": "x"}, {"b": 1, "q": "x"}, {"abc": "abc"}],
    ),
    "allOf within and beside a type": (
        {"type": "object", "properties": {"p": {"type": {**SHORT, "allOf": [LONG]}, "allOf": [SHORT]}}},
        [{"p": {"a": "xxxx"}}],
        [{"p": {"a": "x"}}, {"p": {"a": "xxxxxx"}}, {"p": {"a": 1}}],
    ),
    "one condition within another": (
        {
            "type": "object",
            "properties": {
                "p": {
                    "type": {**LONG, "if": LONG, "then": SHORT},
                    "anyOf": [{"type": "object", "properties": {"b": TEXT}, "required": ["b"]}, SHORT],
                }
            },
        },
        [{"p": {"a": "xxxx"}}],
        [{"p": {"a": "xxxxxx", "b": "x"}}, {"p": {"a": "x"}}],
    ),
}


@pytest.mark.parametrize("kind", COMPOSED)
def test_no_constraint_of_a_composition_is_lost(kind: str, tmp_path: Path) -> None:
    schema, right, wrong = COMPOSED[kind]
    contract = own(tmp_path, schema)
    assert [body for body in right if not contract.is_valid("It", body)] == []
    assert [body for body in wrong if contract.is_valid("It", body)] == []
    if schema["type"] == "map":  # the official validator takes no type within a type
        official = InstanceValidator(copy.deepcopy(document(schema)), extended=True)
        assert [body for body in right if official.validate(body)] == []
        assert [body for body in wrong if not official.validate(body)] == []


BASE = {"type": "object", "properties": {"a": TEXT}}
BASES = {
    "anyOf": ({**BASE, "anyOf": [BASE]}, "anyOf of #/definitions/B would not be inherited"),
    "not": ({**BASE, "not": SHORT, "abstract": True}, "not of #/definitions/B would not be inherited"),
    "unknown keyword": ({**BASE, "minPropertys": 2, "abstract": True}, "#/definitions/B/minPropertys: "),
    "map": ({"type": "map", "values": TEXT}, "#/definitions/B is map; only an object or a tuple can be extended"),
}


@pytest.mark.parametrize("kind", BASES)
def test_what_would_not_be_inherited_is_refused(kind: str, tmp_path: Path) -> None:
    base, says = BASES[kind]
    schema = {"type": "object", "$extends": "#/definitions/B", "properties": {"c": TEXT}, "definitions": {"B": base}}
    with pytest.raises(ContractError) as refusal:
        own(tmp_path, schema)
    assert says in str(refusal.value)


def test_a_name_that_a_pattern_takes_is_no_violation(tmp_path: Path) -> None:
    schema = {**BASE, "patternProperties": {"^x-": {"type": "string"}}, "additionalProperties": False}
    contract = own(tmp_path, schema)
    assert contract.validate("It", {"a": "", "x-ok": ""}) == []
    violations = contract.validate("It", {"x-ok": "", "x-number": 1, "other": ""})
    assert sorted(violation.pointer for violation in violations) == ["/other", "/x-number"]


def test_patterns_are_read_and_explained_as_they_are_decided(tmp_path: Path) -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "string", "pattern": r"^\p{Lu}$"}, "b": {"type": "string", "pattern": r"^\d$"}},
        "patternProperties": {r"^\p{Ll}{2}$": {"type": "int8"}},
        "additionalProperties": False,
    }
    contract = own(tmp_path, schema)
    assert contract.validate("It", {"a": "É", "b": "1", "éé": 1}) == []
    found = contract.validate("It", {"a": "é", "b": "\u0661", "éé": "", "é": 1})
    assert sorted((each.pointer, each.keyword) for each in found) == [
        ("/a", "pattern"),
        ("/b", "pattern"),
        ("/é", "additionalProperties"),
        ("/éé", "type"),
    ]
    [half] = contract.validate("It", {"a": "\ud800"})
    assert half.pointer == "/a"


@pytest.mark.parametrize("pattern", ["^(a+)+$", "^(a|a)+$", r"^(a+)+\1$", "^(?=(a+)+$)"])
def test_no_pattern_takes_long(pattern: str, tmp_path: Path) -> None:
    contract = own(tmp_path, {"type": "string", "pattern": pattern})
    before = time.process_time()
    [violation] = contract.validate("It", "a" * 28 + "!")
    assert time.process_time() - before < 1
    assert violation.keyword == "pattern"


def test_a_body_that_is_nested_too_deeply_to_be_explained_is_judged(tmp_path: Path) -> None:
    node = {"type": "object", "properties": {"next": {"type": {"$ref": "#/definitions/N"}}}}
    contract = own(tmp_path, {**node, "definitions": {"N": node}})
    good, bad = {}, 1
    for _ in range(1000):
        good, bad = {"next": good}, {"next": bad}
    assert contract.validate("It", good) == []
    [violation] = contract.validate("It", bad)
    assert "nested less deeply" in violation.message


def of(**operation: Any) -> dict[str, Any]:
    return {"openapi": "3.1.0", "paths": {"/it": {"get": {"responses": {}, **operation}}}}


MALFORMED: dict[str, tuple[dict[str, Any], Any, str]] = {
    "properties": ({"type": "object", "properties": []}, OPENAPI, "#/properties: must be an object"),
    "definitions": ({**TEXT, "definitions": []}, OPENAPI, "#/definitions: must be an object"),
    "$uses": ({**TEXT, "$uses": 1}, OPENAPI, "#/$uses: must be a list"),
    "$import": ({**TEXT, "$import": ["x"]}, OPENAPI, "no document has the $id ['x']"),
    "$extends": ({**BASE, "$extends": 3}, OPENAPI, "#/$extends: must be a reference or a list of references"),
    "enum": ({**TEXT, "enum": "abc"}, OPENAPI, "#/enum: must be a list that is not empty"),
    "anyOf": ({"anyOf": TEXT, "definitions": {}, "type": "any"}, OPENAPI, "#/anyOf: must be a list"),
    "required": ({**BASE, "required": [1]}, OPENAPI, "#/required: must be a list of texts"),
    "required text": ({**BASE, "required": "a"}, OPENAPI, "#/required: must be a list of texts"),
    "enum twice": ({**TEXT, "enum": ["a", "b", "a"]}, OPENAPI, "#/enum: lists a value twice"),
    "description": ({**TEXT, "description": 1}, OPENAPI, "#/description: must be a text"),
    "$id": ({**TEXT, "$id": "It"}, OPENAPI, "#/$id: must be an absolute URI"),
    "name": ({**TEXT, "name": "I t"}, OPENAPI, "#/name: must be a name of letters, digits and _"),
    "$root": ({"$root": []}, OPENAPI, "#/$root: must be a JSON Pointer"),
    "add-in": ({**TEXT, "$uses": ["Validation"]}, OPENAPI, "#/$uses: must be a list of JSONStructureImport, "),
    "multipleOf": ({"type": "int32", "multipleOf": 0}, OPENAPI, "#/multipleOf: must be more than 0"),
    "dependentRequired": (
        {**BASE, "dependentRequired": {"a": "b"}},
        OPENAPI,
        "#/dependentRequired: must be an object of lists of texts",
    ),
    "altenums": ({**TEXT, "altenums": {"json": 1}}, OPENAPI, "#/altenums: must be an object of objects"),
    "text": ({**TEXT, "default": "\ud800"}, OPENAPI, "structure It: "),
    "patternKeys": (
        {"type": "map", "values": TEXT, "patternKeys": {"(": TEXT}},
        OPENAPI,
        "#/patternKeys: '(' is no regular expression",
    ),
    "minimum": ({"type": "int32", "minimum": "1"}, OPENAPI, "#/minimum: must be a number"),
    "maxLength": ({**TEXT, "maxLength": -1}, OPENAPI, "#/maxLength: must be a whole number, 0 or more"),
    "altnames": ({**TEXT, "altnames": 1}, OPENAPI, "#/altnames: must be an object"),
    "pattern": ({**TEXT, "pattern": "["}, OPENAPI, "#/pattern: '[' is no regular expression"),
    "paths": (TEXT, {"paths": ["a"]}, "#/paths: must be an object"),
    "components": (TEXT, {"paths": {}, "components": []}, "#/components: must be an object"),
    "path item": (TEXT, {"paths": {"/it": "get"}}, "#/paths//it: must be an object"),
    "operation": (TEXT, {"paths": {"/it": {"get": ["a"]}}}, "#/paths//it/get: must be an object"),
    "parameters": (TEXT, of(parameters={}), "/parameters: must be a list"),
    "parameter": (TEXT, of(parameters=[{"in": "query"}]), "/parameters: a parameter needs a name and an in"),
    "responses": (TEXT, of(responses=["a"]), "/get/responses: must be an object"),
    "response": (TEXT, of(responses={"200": "a"}), "/get/responses/200: must be an object"),
    "content": (TEXT, of(responses={"200": {"content": ["a"]}}), "/responses/200/content: must be an object"),
    "media": (TEXT, of(requestBody={"content": {"application/json": 1}}), "/requestBody/content: must be an object"),
    "twice": (TEXT, {"paths": {"/{a}/{a}": {}}}, "/{a}/{a}: names a parameter twice"),
}


@pytest.mark.parametrize("kind", MALFORMED)
def test_a_malformed_contract_is_refused_with_one_line(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    schema, openapi, says = MALFORMED[kind]
    folder = str(written(tmp_path, schema, openapi))
    assert main(["contract", "list", "--contracts", folder]) == 2
    error = capsys.readouterr().err
    assert says in error
    assert len(error.splitlines()) == 1
    assert main(["contract", "lint", folder]) == 1
    assert says in capsys.readouterr().out


def test_a_parameter_s_name_is_any_text(tmp_path: Path) -> None:
    openapi = {"paths": {"/c/{2a}/o/{origin-id}": {"get": {"responses": {}}}}}
    matched = load_contract("v3", written(tmp_path, TEXT, openapi)).match("GET", "/v3/c/x%2Fy/o/z")
    assert matched is not None
    assert matched[1] == {"2a": "x/y", "origin-id": "z"}


def test_the_shell_completes_nothing_where_a_contract_cannot_be_read(tmp_path: Path) -> None:
    from click.shell_completion import ShellComplete

    from pytest_adyen_creds.cli import adyen_creds

    folder = written(tmp_path)
    (folder / "v3" / "structures" / "Bad.struct.json").write_text("{")
    arguments = ["contract", "validate", "--contracts", str(folder)]
    complete = ShellComplete(adyen_creds, {}, "adyen-creds", "_ADYEN_CREDS_COMPLETE")
    assert complete.get_completions(arguments, "I") == []


VALUES: list[Any] = [None, True, -1, 1.5, "", "x", "[", [], ["x"], [1], {}, {"a": 1}, TEXT, {"$ref": "#/x"}]


def changed_somewhere(document: Any, rng: Random) -> Any:
    """Return ``document`` with one value in it replaced."""
    document = copy.deepcopy(document)
    places = [(document, key) for key in document]
    for holder, key in places:
        if isinstance(holder[key], dict | list):
            inner = holder[key]
            places += [(inner, each) for each in (inner if isinstance(inner, dict) else range(len(inner)))]
    holder, key = rng.choice(places)
    holder[key] = rng.choice(VALUES)
    return document


def test_whatever_a_contract_holds_is_compiled_or_refused(tmp_path: Path) -> None:
    rng = Random(7)
    structures = bundled("contracts") / "v3" / "structures"
    whole = json.loads((structures / "MeApiCredential.struct.json").read_text())
    shared = json.loads((structures / "common.struct.json").read_text())
    whole["definitions"] = {**shared["definitions"], **whole.get("definitions", {})}
    whole = {key: value for key, value in whole.items() if not key.startswith("$import")}
    openapi = {
        "paths": dict(list(yaml.safe_load((structures.parent / "openapi.yaml").read_text())["paths"].items())[:2])
    }
    folder, compiled, refused = written(tmp_path), 0, 0
    for number in range(120):
        structure = changed_somewhere(whole, rng) if number % 3 else whole
        document = changed_somewhere(openapi, rng) if not number % 3 else OPENAPI
        (folder / "v3" / "structures" / "It.struct.json").write_text(json.dumps({**structure, "name": "It"}))
        (folder / "v3" / "openapi.yaml").write_text(json.dumps(document))
        load_contract.cache_clear()
        try:
            contract = load_contract("v3", folder)
            assert contract.structures
            assert contract.to_openapi()
            compiled += 1
        except AdyenCredsError:
            refused += 1
    assert min(compiled, refused) > 10


def test_a_value_that_looks_like_a_schema_is_left_as_it_is(tmp_path: Path) -> None:
    value = {"$ref": "#/x", "x-format": "date", "properties": {"a": {"$ref": "#/definitions/B"}}}
    schema = {
        "type": "object",
        "properties": {
            "default": {"type": "string", "x-format": "date"},
            "a": {"type": "any", "default": value, "examples": [value]},
            "b": {"type": "map", "values": {"type": "any"}, "x-json-schema": {"const": value}},
        },
    }
    contract = own(tmp_path, schema)
    compiled = contract.to_json_schema("It")["properties"]
    assert compiled["a"]["default"] == compiled["a"]["examples"][0] == compiled["b"]["const"] == value
    assert compiled["default"] == {"type": "string", "format": "date"}
    assert contract.structures["It"]["properties"]["a"]["default"] == value
    assert contract.is_valid("It", {"b": value})
    assert not contract.is_valid("It", {"b": {}})
