"""Three independent judges of every body: the compiled schema under two validators, and JSON Structure's own."""

from __future__ import annotations

import copy
from random import Random
from typing import Any

import jsonschema
import jsonschema_rs
import pytest
from bodies import broken, fitting
from hypothesis import settings
from json_structure import InstanceValidator

from pytest_adyen_creds import Contract, load_contract

BODIES_A_TYPE = 6 * settings.default.max_examples  # 47 types: 7,000 bodies, and on CI twice as many
TYPES = [(version, name) for version in ("v3", "v1") for name in load_contract(version).structures]


def inlined(node: Any, definitions: dict[str, Any]) -> Any:
    """Return a structure with its references replaced by what they refer to.

    The SDK forgets the additionalProperties of a type behind a reference (pinned below); written out, it minds them.
    """
    if isinstance(node, list):
        return [inlined(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    kind = node.get("type")
    if isinstance(kind, dict) and "$ref" in kind:
        return inlined(definitions[kind["$ref"].rpartition("/")[2]], definitions)
    return {key: value if key == "definitions" else inlined(value, definitions) for key, value in node.items()}


def sdk(contract: Contract, name: str) -> InstanceValidator:
    document = copy.deepcopy(contract.structures[name])
    definitions = {
        key: inlined(value, document["definitions"]) for key, value in document.get("definitions", {}).items()
    }
    root = document.get("$root")
    written_out = inlined(definitions[root.rpartition("/")[2]] if root else document, definitions)
    head = {key: document[key] for key in ("$schema", "$id", "$uses") if key in document}
    return InstanceValidator({**head, "name": name, **written_out, "definitions": definitions}, extended=True)


def only_booleans_for_integers(errors: list[Any]) -> bool:
    """Return whether all that is wrong is what the SDK is known not to see: see the pin below."""
    return all(
        e.validator == "type" and e.validator_value == "integer" and isinstance(e.instance, bool) for e in errors
    )


@pytest.mark.parametrize(("version", "name"), TYPES)
def test_referees_agree(version: str, name: str) -> None:
    contract = load_contract(version)
    schema = contract.to_json_schema(name)
    fast, thorough, official = (
        jsonschema_rs.validator_for(schema),
        jsonschema.Draft202012Validator(schema),
        sdk(contract, name),
    )
    rng = Random(f"{version} {name}")
    verdicts = {True: 0, False: 0}
    for _ in range(BODIES_A_TYPE // 3):
        good = fitting(schema, schema.get("$defs", {}), rng)
        once = broken(good, rng)
        for body in (good, once, broken(once, rng)):
            verdict = fast.is_valid(body)
            assert thorough.is_valid(body) is verdict, body
            assert contract.is_valid(name, body) is verdict, body
            assert bool(contract.validate(name, body)) is not verdict, body
            found = official.validate(copy.deepcopy(body))
            assert (not found) is verdict or only_booleans_for_integers(list(thorough.iter_errors(body))), (body, found)
            verdicts[verdict] += 1
        assert fast.is_valid(good)
    assert verdicts[True] >= BODIES_A_TYPE // 3
    assert verdicts[False] > 0 or name == "JSONObject"


def structure(**body: Any) -> dict[str, Any]:
    return {"$schema": "https://json-structure.org/meta/extended/v0/#", "$id": "test://pin", "name": "Pin", **body}


def test_sdk_bug_boolean_passes_as_integer() -> None:
    """JSON Structure, int32: a number without quotes. The SDK asks isinstance(value, int), which True is."""
    schema = structure(type="object", properties={"status": {"type": "int32"}})
    assert InstanceValidator(schema).validate({"status": True}) == []
    assert not load_contract("v3").is_valid("RestServiceError", error(status=True))


def test_sdk_bug_additional_properties_forgotten_behind_a_reference() -> None:
    """The SDK merges properties and required of the type referred to, but not its additionalProperties."""
    closed = {"type": "object", "properties": {"href": {"type": "string"}}, "additionalProperties": False}
    schema = structure(
        type="object", properties={"self": {"type": {"$ref": "#/definitions/Link"}}}, definitions={"Link": closed}
    )
    assert InstanceValidator(schema).validate({"self": {"extra": 1}}) == []
    assert not load_contract("v3").is_valid("Links", {"self": {"extra": 1}})


def test_sdk_bug_base_of_a_base_forgotten() -> None:
    """Abstract types may extend abstract types; the SDK looks at the nearest base only. Hence our lists of bases."""
    far = {"type": "object", "abstract": True, "properties": {"a": {"type": "string"}}, "required": ["a"]}
    near = {
        "type": "object",
        "abstract": True,
        "$extends": "#/definitions/Far",
        "properties": {"b": {"type": "string"}},
    }
    schema = structure(type="object", **{"$extends": "#/definitions/Near"}, definitions={"Far": far, "Near": near})
    assert InstanceValidator(schema).validate({}) == []


def test_sdk_reserves_uses_in_an_instance() -> None:
    """Core gives $uses a meaning in instances: the SDK takes it out of the body. An HTTP body has no such key."""
    schema = structure(type="object", properties={"a": {"type": "string"}}, additionalProperties=False)
    body = {"$uses": []}
    assert InstanceValidator(schema).validate(body) == []
    assert body == {}
    assert not load_contract("v3").is_valid("Links", {"self": {}, "$uses": []})


def test_json_schema_takes_a_whole_float_for_an_integer() -> None:
    """2020-12 counts 1.0 as an integer, and Adyen's specification is JSON Schema; JSON Structure does not."""
    schema = structure(type="object", properties={"status": {"type": "int32"}})
    assert InstanceValidator(schema).validate({"status": 422.0}) != []
    assert load_contract("v3").is_valid("RestServiceError", error(status=422.0))


def error(**changes: Any) -> dict[str, Any]:
    return {"type": "t", "errorCode": "00_403", "title": "Forbidden", "detail": "d", "status": 403} | changes
