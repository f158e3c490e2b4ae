"""The changes that Adyen's documents went through, each once and none invented."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pytest_adyen_creds import load_contract
from pytest_adyen_creds.contract.finding import group
from pytest_adyen_creds.drift.specification import compare

ERRORS = (400, 401, 403, 422, 500)


@pytest.fixture(scope="module")
def state(published: Path) -> Any:
    def read(name: str) -> dict[str, Any]:
        today = published / f"management-{name}.openapi.json"
        (path,) = [today] if len(name) == 2 else published.glob(f"history/{name}-*.json")
        document: dict[str, Any] = json.loads(path.read_text())
        return document

    return read


def counted(old: dict[str, Any], new: dict[str, Any]) -> Counter[tuple[str, str, str]]:
    findings = compare(old, new)
    assert len({(f.id, f.operation, f.status, f.location) for f in findings}) == len(findings)
    return Counter((f.id, f.level, f.location) for f in findings)


def test_2022_06_gave_credentials_a_description(state: Any) -> None:
    assert counted(state("v1-2022-02-15"), state("v1-2022-06-02")) == {
        ("response-optional-property-added", "info", "/description"): 7,
        ("response-optional-property-added", "info", "/data/*/description"): 2,
        ("new-optional-request-property", "info", "/description"): 4,
    }


def test_2022_08_renamed_a_required_property_of_every_error(state: Any) -> None:
    old, new = state("v1-2022-06-02"), state("v1-2022-08-10")
    assert counted(old, new) == {
        ("response-required-property-removed", "breaking", "/errorType"): 125,
        ("response-required-property-added", "info", "/type"): 125,
    }
    removed, added = group(compare(old, new))
    assert (removed.count, len(removed.operations), removed.statuses) == (125, 25, ERRORS)
    assert "strict parser" in added.message


def test_2023_04_changed_what_one_operation_answers(state: Any) -> None:
    findings = compare(state("v1-2022-08-10"), state("v1-2023-04-04"))
    assert {(f.operation, f.status) for f in findings} == {("POST /me/allowedOrigins", 200)}
    assert {(f.id, f.location) for f in findings} == {
        ("response-optional-property-removed", "/data"),
        ("response-required-property-added", "/domain"),
        ("response-optional-property-added", "/id"),
        ("response-optional-property-added", "/_links"),
    }


def test_2023_05_wrapped_the_items_of_two_lists_in_every_error(state: Any) -> None:
    assert counted(state("v1-2023-04-04"), state("v1-2023-05-15")) == {
        ("response-property-wrapped", "breaking", "/invalidFields/*"): 125,
        ("response-property-wrapped", "breaking", "/response/paths/*"): 125,
    }


def test_from_2023_05_to_today(state: Any) -> None:
    found = counted(state("v1-2023-05-15"), state("v1"))
    closed = {key: count for key, count in found.items() if key[0].endswith("additional-properties-closed")}
    for key in closed:
        del found[key]
    assert found == {
        ("endpoint-added", "info", ""): 1,
        ("response-optional-property-removed", "warning", "/response/paths"): 125,
        ("response-optional-property-removed", "warning", "/response/rootPath"): 125,
        ("response-optional-property-removed", "warning", "/associatedMerchantAccounts"): 1,
        ("response-optional-property-removed", "warning", "/data"): 2,
        ("response-required-property-added", "info", "/domain"): 2,
        ("response-optional-property-added", "info", "/id"): 2,
        ("response-optional-property-added", "info", "/_links"): 2,
        ("response-optional-property-added", "info", "/subjectDN"): 7,
        ("response-optional-property-added", "info", "/data/*/subjectDN"): 2,
        ("new-optional-request-property", "info", "/subjectDN"): 2,
    }
    # every object was closed: of the errors the envelope and the invalid field in it, and all of the other bodies
    sides = Counter({key[0].partition("-")[0]: 0 for key in closed})
    for key, count in closed.items():
        sides[key[0].partition("-")[0]] += count
        assert key[1] == ("breaking" if key[0].startswith("request") else "info")
    assert closed["response-body-additional-properties-closed", "info", ""] == 125 + 22
    assert closed["response-property-additional-properties-closed", "info", "/invalidFields/*/InvalidField"] == 125
    assert sides == {"request": 13, "response": 393}


def test_2025_02_took_merchant_accounts_from_me(state: Any) -> None:
    (finding,) = compare(state("v3-2024-03-18"), state("v3-2025-02-28"))
    assert (finding.id, finding.operation) == ("response-optional-property-removed", "GET /me")
    assert (finding.status, finding.location) == (200, "/associatedMerchantAccounts")


def test_2026_05_gave_credentials_a_subject(state: Any) -> None:
    assert counted(state("v3-2025-02-28"), state("v3")) == {
        ("response-optional-property-added", "info", "/subjectDN"): 7,
        ("response-optional-property-added", "info", "/data/*/subjectDN"): 2,
        ("new-optional-request-property", "info", "/subjectDN"): 2,
    }


def test_v3_unwrapped_the_invalid_fields_and_moved(state: Any) -> None:
    assert counted(state("v1"), state("v3")) == {
        ("response-property-unwrapped", "breaking", "/invalidFields/*"): 130,
        ("api-server-added", "info", ""): 1,
        ("api-server-removed", "info", ""): 1,
    }


@pytest.mark.parametrize("version", ["v1", "v3"])
def test_the_contract_says_what_is_published(state: Any, version: str) -> None:
    assert compare(load_contract(version).to_openapi(), state(version)) == []
    assert compare(state(version), load_contract(version).to_openapi()) == []
