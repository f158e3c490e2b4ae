"""Contracts made of OpenAPI documents: nothing is lost, and what compiles out of them means the same."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from random import Random
from typing import Any

import hypothesis
import pytest
from bodies import broken
from json_structure import SchemaValidator
from jsonschema import Draft202012Validator
from shop import DOCUMENT, EXAMPLE, SCHEMAS, json_body

from pytest_adyen_creds import load_contract
from pytest_adyen_creds.cli import main
from pytest_adyen_creds.contract import Contract
from pytest_adyen_creds.contract.importing import import_openapi, write_contract
from pytest_adyen_creds.drift.specification import compare
from pytest_adyen_creds.errors import ContractError

NAME = "shop/v2"


def imported(folder: Path, document: dict[str, Any] = DOCUMENT, **chosen: Any) -> Contract:
    made = import_openapi(document, "shop.json", **chosen)
    write_contract(made, folder)
    return load_contract(made.name, folder)


@pytest.fixture
def contract(tmp_path: Path) -> Contract:
    return imported(tmp_path)


def with_schema(schema: Any) -> dict[str, Any]:
    document = copy.deepcopy(DOCUMENT)
    document["components"]["schemas"]["Extra"] = schema
    document["paths"]["/extra"] = {
        "get": {"responses": {"200": {"description": "", **json_body({"$ref": "#/components/schemas/Extra"})}}}
    }
    return document


def test_nothing_differs_from_the_document(contract: Contract) -> None:
    exported = contract.to_openapi()
    assert compare(DOCUMENT, exported) == compare(exported, DOCUMENT) == []
    assert (contract.api, contract.version, contract.name) == ("shop", "v2", NAME)
    assert contract.servers == ("https://shop-test.adyen.com/shop/v2",)
    assert contract.is_whole
    assert list(contract.webhooks) == ["order.paid"]
    assert contract.webhooks["order.paid"].label == "WEBHOOK order.paid"


def test_names_and_annotations_compile_back(contract: Contract) -> None:
    order = contract.to_openapi()["components"]["schemas"]["Order"]
    assert order["properties"]["card.bin"] == {"type": "string"}
    assert "card.bin" in order["required"]
    assert order["properties"]["created"] == {"type": "string", "format": "date-time", "readOnly": True}
    assert order["properties"]["old"]["deprecated"] is True
    assert order["properties"]["means"]["discriminator"]["mapping"] == {"card": "#/components/schemas/Card_Means"}
    assert order["description"] == "An order."
    assert contract.secret_properties == {"apiKey", "keyword"}


def test_what_nobody_enforces_is_not_enforced(contract: Contract) -> None:
    body = {**EXAMPLE, "created": "yesterday", "amount": {"value": 2**40, "currency": "EUR"}}
    assert contract.is_valid("Order", body)
    assert not contract.is_valid("Order", {**body, "amount": {"value": "1", "currency": "EUR"}})
    assert not contract.is_valid("Order", {**body, "note": "too long"})
    assert contract.is_valid("Order", {**body, "note": None})


def test_statuses_may_be_ranges(contract: Contract) -> None:
    responses = contract.operations["POST /orders"].responses
    assert responses[201] == "Order"
    assert responses[404] == responses.get(422) == "Fault"
    assert 500 not in responses
    assert responses.get(500, "none") == "none"


def test_roles_are_read_from_the_description(contract: Contract) -> None:
    assert contract.operations["POST /orders"].roles == {"one": ["A read", "B"]}
    assert contract.operations["GET /orders/{orderId}"].roles == {}


@pytest.mark.parametrize(
    ("description", "roles"),
    [
        ("your API credential must have the following [role](https://x):\n* Management API—A read \n\nMore.", ["all"]),
        ("Your API credential must have this [role](https://x):\n- Management API—A read\n- B", ["all"]),
        ("You can make this request with any of the Management API roles.", ["any"]),
        ("The credential needs a role that nobody names.", []),
    ],
)
def test_the_ways_in_which_roles_are_said(tmp_path: Path, description: str, roles: list[str]) -> None:
    document = copy.deepcopy(DOCUMENT)
    document["paths"]["/orders"]["post"]["description"] = description
    made = import_openapi(document, "shop.json")
    write_contract(made, tmp_path)
    assert list(load_contract(NAME, tmp_path).operations["POST /orders"].roles) == roles
    assert bool(made.notes) is not bool(roles)


def test_output_is_stable_and_valid_json_structure(tmp_path: Path) -> None:
    one, two = import_openapi(DOCUMENT, "shop.json"), import_openapi(copy.deepcopy(DOCUMENT), "shop.json")
    assert one == two
    imported(tmp_path)
    assert main(["contract", "lint", str(tmp_path)]) == 0
    openapi = json.loads((tmp_path / NAME / "openapi.json").read_text())
    assert openapi["jsonSchemaDialect"] == "https://json-structure.org/meta/extended/v0/#"
    shared = json.loads((tmp_path / NAME / "structures" / "common.struct.json").read_text())
    assert shared["definitions"].keys() >= {"Amount", "Order"}
    for name, structure in load_contract(NAME, tmp_path).structures.items():
        assert SchemaValidator(extended=True).validate(structure) == [], name


def test_an_operation_brings_what_it_reaches_and_nothing_else(tmp_path: Path) -> None:
    contract = imported(tmp_path, operations=["WEBHOOK order.paid"])
    assert (list(contract.operations), list(contract.webhooks)) == ([], ["order.paid"])
    assert contract.structures.keys() == {"Amount", "Card_Means", "Order", "Wallet"}
    assert not contract.is_whole


def test_an_operation_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="did you mean POST /orders"):
        import_openapi(DOCUMENT, "shop.json", operations=["POST /order"])


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("LegalEntityService-v4.json", "legal-entity/v4"),
        (
            "https://x.example/json/BalancePlatformConfigurationNotification-v2.json",
            "balance-platform-configuration-notification/v2",
        ),
        ("folder/shop.json", NAME),
        ("-", NAME),
    ],
)
def test_contracts_are_named_by_file_or_title(source: str, name: str) -> None:
    assert import_openapi(DOCUMENT, source).name == name


@pytest.mark.parametrize("name", ["shop", "../v2", "Shop/v2", "shop/2", "a/b/v2"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(ContractError, match="write it like legal-entity/v4"):
        import_openapi(DOCUMENT, "shop.json", name=name)


def test_a_new_import_says_what_it_would_lose(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "shop.json"
    source.write_text(json.dumps(DOCUMENT))
    into = ["--into", str(tmp_path)]
    assert main(["contract", "import", str(source), *into]) == 0
    assert main(["contract", "import", str(source), *into]) == 0  # nothing was edited
    path = tmp_path / NAME / "structures" / "common.struct.json"
    edited = json.loads(path.read_text())
    edited["definitions"]["Order"]["properties"]["reference"]["x-adyen-data"] = "reference"
    path.write_text(json.dumps(edited))
    capsys.readouterr()
    assert main(["contract", "import", str(source), *into]) == 2
    said = capsys.readouterr().err
    assert "structures/common.struct.json#/definitions/Order/properties/reference/x-adyen-data" in said
    assert "1 place would be lost" in said
    assert json.loads(path.read_text()) == edited
    assert main(["contract", "import", str(source), *into, "--overwrite"]) == 0
    assert "x-adyen-data" not in path.read_text()


def test_a_document_of_3_0(tmp_path: Path) -> None:
    document = copy.deepcopy(DOCUMENT)
    document["openapi"] = "3.0.3"
    document["components"]["schemas"]["Amount"]["properties"] |= {
        "part": {"type": "number", "minimum": 0, "exclusiveMinimum": True, "nullable": True},
        "kind": {"type": "string", "enum": ["a"], "nullable": True},
    }
    document["components"]["schemas"]["Order"]["properties"]["note"] = {"type": "string", "nullable": True}
    contract = imported(tmp_path, document)
    assert compare(document, contract.to_openapi()) == []
    amount = {"value": 1, "currency": "EUR"}
    assert contract.is_valid("Amount", {**amount, "part": None, "kind": None})
    assert not contract.is_valid("Amount", {**amount, "part": 0})
    assert not contract.is_valid("Amount", {**amount, "kind": "b"})


ODD: dict[str, tuple[Any, list[Any], list[Any]]] = {
    "anything": ({}, [1, None, {"a": []}], []),
    "nothing": (False, [], [1, None, {}]),
    "a closed object": ({"type": "object", "additionalProperties": False}, [{}], [{"a": 1}, 1]),
    "no type": ({"properties": {"a": {"type": "string"}}, "required": ["a"]}, [1, {"a": ""}], [{}, {"a": 1}]),
    "a list of types": ({"type": ["string", "integer"], "minLength": 2, "minimum": 5}, ["ab", 5], ["a", 4, 1.5]),
    "one type in a list": ({"type": ["string"]}, ["a"], [1]),
    "null in an enumeration": ({"type": ["string", "null"], "enum": ["a", None]}, ["a", None], ["b"]),
    "an enumeration that repeats itself": ({"type": "string", "enum": ["a", "a"]}, ["a"], ["b"]),
    "an enumeration of another type": ({"type": "string", "enum": [1]}, [], ["1", 1]),
    "a constant": ({"const": "a"}, ["a"], ["b", 1]),
    "bounds that exclude everything": ({"type": "string", "minLength": 3, "maxLength": 2}, [], ["a", "abc"]),
    "a pattern that Python does not read": ({"type": "string", "pattern": r"^\p{Lu}"}, ["Äb"], ["ä"]),
    "required, not described": ({"type": "object", "required": ["a"]}, [{"a": 1}], [{}]),
    "required beside others": (
        {"type": "object", "properties": {"b": {}}, "required": ["a", "b"]},
        [{"a": 1, "b": 1}],
        [{"b": 1}, {"a": 1}],
    ),
    "all of": (
        {"type": "object", "allOf": [{"$ref": "#/components/schemas/Wallet"}, {"required": ["x"]}]},
        [{"wallet": "w", "x": 1}],
        [{"wallet": "w"}, {"x": 1}, 1],
    ),
    "a reference with a bound": (
        {"$ref": "#/components/schemas/Wallet", "maxProperties": 1},
        [{"wallet": ""}],
        [{"wallet": "", "x": 1}],
    ),
    "not": ({"not": {"type": "string"}}, [1], ["a"]),
    "an object with an enumeration": ({"type": "object", "enum": [{"a": 1}]}, [{"a": 1}], [{}]),
    "patterns of properties": (
        {"type": "object", "patternProperties": {"^a": {"type": "string"}}},
        [{"ab": "", "b": 1}],
        [{"a": 1}],
    ),
    "a tuple": ({"type": "array", "prefixItems": [{"type": "string"}]}, [["a", 1]], [[1]]),
    "a map with a bound": (
        {"type": "object", "additionalProperties": {"type": "string"}, "maxLength": 3},
        [{"a": "abcd"}],
        [{"a": 1}],
    ),
    "a number of no known format": ({"type": "number", "format": "money", "minimum": 1}, [1.5], [0, "1"]),
    "a whole number of no known format": ({"type": "integer", "format": "big"}, [2**70], [1.5]),
    "null": ({"type": "null"}, [None], [0]),
    "a step": ({"type": "integer", "format": "int64", "multipleOf": 5, "maximum": 10}, [5, 10], [15, 3]),
}


@pytest.mark.parametrize("kind", ODD)
def test_what_json_structure_has_no_word_for_is_kept(kind: str, tmp_path: Path) -> None:
    schema, fits, not_fits = ODD[kind]
    document = with_schema(schema)
    contract = imported(tmp_path, document)
    assert compare(document, contract.to_openapi()) == []
    assert [body for body in fits if not contract.is_valid("Extra", body)] == []
    assert [body for body in not_fits if contract.is_valid("Extra", body)] == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"$ref": "#/components/schemas/Nowhere"}, "is no schema of the document"),
        ({"type": "text"}, "is no type of JSON Schema"),
        ([], "a schema must be an object"),
    ],
)
def test_documents_that_are_wrong_are_refused_with_the_place(change: Any, says: str) -> None:
    with pytest.raises(ContractError, match=says) as error:
        import_openapi(with_schema({"type": "object", "properties": {"a": change}}), "shop.json")
    assert "Extra/properties/a" in str(error.value)


def test_bodies_of_other_media_types_are_said(tmp_path: Path) -> None:
    document = copy.deepcopy(DOCUMENT)
    document["paths"]["/orders"]["post"]["responses"]["201"]["content"]["text/csv"] = {}
    (note,) = import_openapi(document, "shop.json").notes
    assert "text/csv" in note


def test_judged_alike(contract: Contract) -> None:
    definitions = json.loads(json.dumps(SCHEMAS).replace("#/components/schemas/", "#/$defs/"))
    rng = Random(7)
    for name in SCHEMAS:
        published = Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": definitions})
        ours = name.replace("-", "_")
        for body in made(contract, ours, hypothesis.settings.default.max_examples // 2):
            assert published.is_valid(body)
            for each in (body, broken(body, rng), broken(body, rng)):
                assert published.is_valid(each) is contract.is_valid(ours, each), each


def made(contract: Contract, name: str, number: int) -> list[Any]:
    bodies: list[Any] = []

    @hypothesis.settings(max_examples=number, database=None, derandomize=True, deadline=None)
    @hypothesis.given(contract.strategy(name))
    def collect(body: Any) -> None:
        bodies.append(body)

    collect()
    return bodies


@pytest.fixture(scope="session")
def published_apis(published: Path) -> list[Path]:
    folder = published / "apis"
    if not folder.is_dir():
        pytest.skip("Adyen's other documents are not beside the checkout")
    return sorted([*folder.glob("*.json"), *(folder / "history").glob("*.json")])


@pytest.mark.slow("each of Adyen's documents as a whole, and generated bodies of them")
def test_every_published_document(published_apis: list[Path], tmp_path: Path) -> None:
    rng = Random(1)
    for number, path in enumerate(published_apis):
        document = json.loads(path.read_text())
        contract = imported(tmp_path / str(number), document, name=f"it/v{number + 1}")
        exported = contract.to_openapi()
        assert compare(document, exported) == compare(exported, document) == [], path.name
        assert main(["contract", "lint", str(tmp_path / str(number))]) == 0, path.name
        for operation in contract.operations.values():
            for status, structure in operation.responses.items():
                body = contract.example(operation.label, status)
                assert structure is None or contract.is_valid(structure, body)
        for name in contract.webhooks:
            assert contract.is_valid(contract.body_of(name), contract.example_webhook(name))
        if path.parent.name != "history":  # whose schemas are those of today, but for a few
            assert_bodies_are_judged_alike(contract, document["components"]["schemas"], rng, path.name)


def assert_bodies_are_judged_alike(contract: Contract, schemas: dict[str, Any], rng: Random, document: str) -> None:
    definitions = json.loads(json.dumps(schemas).replace("#/components/schemas/", "#/$defs/"))
    for name in schemas:
        judge = Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": definitions})
        ours = name.replace("-", "_")
        for body in made(contract, ours, 1 + 100 // len(schemas)):
            for each in (body, broken(body, rng)):
                assert judge.is_valid(each) is contract.is_valid(ours, each), (document, name, each)


@pytest.mark.parametrize("version", ["v3", "v1"])
def test_the_bundled_contract_is_what_its_document_is_imported_as(
    published: Path, version: str, tmp_path: Path
) -> None:
    document = json.loads((published / f"management-{version}.openapi.json").read_text())
    contract = imported(tmp_path, document, name=f"management/{version}")
    bundled = load_contract(version).to_openapi()
    assert compare(contract.to_openapi(), bundled) == compare(bundled, contract.to_openapi()) == []
