"""The bundled contract against Adyen's published documents, where they are beside the checkout."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_adyen_creds import load_contract
from pytest_adyen_creds.drift.specification import compare


def document(published: Path, version: str) -> dict[str, Any]:
    return json.loads((published / f"management-{version}.openapi.json").read_text())


@pytest.mark.parametrize("version", ["v3", "v1"])
def test_no_difference_to_the_published_document(published: Path, version: str) -> None:
    theirs, ours = document(published, version), load_contract(version).to_openapi()
    assert [str(finding) for finding in compare(theirs, ours)] == []
    assert [str(finding) for finding in compare(ours, theirs)] == []


@pytest.mark.parametrize("version", ["v3", "v1"])
def test_names_are_the_published_ones(published: Path, version: str) -> None:
    theirs, contract = document(published, version), load_contract(version)
    assert set(theirs["components"]["schemas"]) == set(contract.structures)
    labels = {
        f"{m.upper()} {path}": node["operationId"] for path, item in theirs["paths"].items() for m, node in item.items()
    }
    assert labels == {operation.label: operation.id for operation in contract.operations.values()}
    assert contract.to_openapi()["servers"] == theirs["servers"]


def sabotage(openapi: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield copies of a document, each with one thing changed that a client would notice."""
    for name, schema in openapi["components"]["schemas"].items():
        for each in schema.get("properties", {}):
            changed = copy.deepcopy(openapi)
            del changed["components"]["schemas"][name]["properties"][each]
            changed["components"]["schemas"][name].pop("required", None)
            yield f"{name} without {each}", changed
    for path, item in openapi["paths"].items():
        for method in set(item) - {"parameters"}:
            for status in item[method]["responses"]:
                changed = copy.deepcopy(openapi)
                del changed["paths"][path][method]["responses"][status]
                yield f"{method} {path} without {status}", changed


@pytest.mark.slow("a comparison for each part of the document")
def test_any_one_difference_would_be_seen(published: Path) -> None:
    theirs = document(published, "v1")
    missed = [what for what, ours in sabotage(load_contract("v1").to_openapi()) if not compare(theirs, ours)]
    assert missed == []


def bodies(openapi: dict[str, Any], version: str) -> Iterator[tuple[str, str, Any]]:
    """Yield (name of the example, structure, body) for each published example body."""
    contract = load_contract(version)
    for path, item in openapi["paths"].items():
        for method, node in item.items():
            operation = contract.operations[f"{method.upper()} {path}"]
            media = [(node.get("requestBody", {}), operation.request)]
            media += [(answer, operation.responses[int(status)]) for status, answer in node["responses"].items()]
            for holder, structure in media:
                for each in holder.get("content", {}).get("application/json", {}).get("examples", {}).values():
                    name = each["$ref"].rpartition("/")[2]
                    assert structure is not None
                    yield name, structure, openapi["components"]["examples"][name]["value"]


@pytest.mark.parametrize("version", ["v3", "v1"])
def test_every_published_example_validates(published: Path, version: str) -> None:
    found = list(bodies(document(published, version), version))
    assert {name for name, _, _ in found} == set(document(published, version)["components"]["examples"])
    contract = load_contract(version)
    wrong = {name: contract.validate(structure, body) for name, structure, body in found}
    assert {name: violations for name, violations in wrong.items() if violations} == {}


def test_the_captured_response_validates(published: Path) -> None:
    body = json.loads((published / "observed" / "get-me.200.json").read_text())
    assert load_contract("v3").validate("MeApiCredential", body) == []
