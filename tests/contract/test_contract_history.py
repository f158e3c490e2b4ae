"""The history: each change is carried out once, on what is as it was before; and the published documents agree."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from pytest_adyen_creds import load_contract
from pytest_adyen_creds.contract import history

ENTRIES: list[dict[str, Any]] = tomllib.loads(Path(history.__file__).with_suffix(".toml").read_text())["change"]
CREDENTIALS = "adyen-openapi/main/json/ManagementService"


def of_day(day: str, version: str = "v3") -> list[history.Change]:
    return [each for each in history.history_of(f"{CREDENTIALS}-{version}.json") if each.date == day]


def test_a_property_that_came_comes_once() -> None:
    (change,) = of_day("2026-05-01")
    body: dict[str, Any] = {"id": "S2-1"}
    assert change.can_be_carried_out(body)
    change.carry_out(body)
    assert body == {"id": "S2-1", "subjectDN": change.value}
    assert not change.can_be_carried_out(body)
    change.carry_out(body)
    assert body == {"id": "S2-1", "subjectDN": change.value}


def test_a_property_that_went_goes_where_it_is() -> None:
    (change,) = of_day("2025-02-28")
    body: dict[str, Any] = {"id": "S2-1", "associatedMerchantAccounts": []}
    change.carry_out(body)
    assert body == {"id": "S2-1"}
    assert not change.can_be_carried_out(body)


def test_a_value_that_joined_an_enumeration() -> None:
    changes = history.history_of("x/BalancePlatformTransferNotification-v4.json")
    assert {each.value for each in changes if each.name == "status"} >= {"adviceAuthorised", "adviceRefused"}
    body = {"status": "received"}
    next(each for each in changes if each.name == "status").carry_out(body)
    assert body["status"] != "received"


def test_it_is_of_the_services_versions_and_of_no_others() -> None:
    assert of_day("2022-08-10", "v1")
    assert not of_day("2022-08-10", "v3")
    assert history.history_of("x/CheckoutService-v71.json") == ()
    assert history.history_of("") == ()


def test_the_bundled_contracts_have_it() -> None:
    for version in ("v1", "v3"):
        assert {"2025-02-28", "2026-05-01"} <= {each.date for each in load_contract(version).history}


def test_the_days_are_in_order_and_the_texts_are_whole() -> None:
    days = [each.date for each in load_contract("v1").history]
    assert days == sorted(days)
    for entry in ENTRIES:
        assert entry.keys() >= {"date", "service", "versions", "change", "structures", "property", "text"}
        assert entry["change"] in ("property-added", "property-removed", "enum-value-added")
        assert "value" in entry or "values" in entry


@pytest.mark.parametrize(
    "entry",
    ENTRIES,
    ids=lambda entry: f"{entry['date']}-{entry['service']}-{entry['structures'][0]}-{entry['property']}",
)
def test_the_newest_document_is_as_it_says(published: Path, entry: dict[str, Any]) -> None:
    if entry["date"].isoformat() < "2023":
        pytest.skip("a later change of the same property may have followed")
    for version in entry["versions"]:
        path = published / "apis" / f"{entry['service']}-{version}.json"
        if not path.is_file():
            pytest.skip("the published document is not beside this checkout")
        schemas = json.loads(path.read_text())["components"]["schemas"]
        for name in entry["structures"]:
            properties = schemas.get(name, {}).get("properties", {})
            if entry["change"] == "enum-value-added":
                values = entry.get("values", [entry.get("value")])
                assert set(values) <= set(properties[entry["property"]]["enum"])
            else:
                assert (entry["property"] in properties) == (entry["change"] == "property-added")
