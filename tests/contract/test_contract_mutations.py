"""Mutations of bodies: each is what it says, at its place, the same each time, and leaves the body alone."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from shop import DOCUMENT, EXAMPLE

from pytest_adyen_creds import Contract, load_contract
from pytest_adyen_creds.contract.apis import Apis
from pytest_adyen_creds.contract.importing import import_openapi, write_contract
from pytest_adyen_creds.contract.mutations import NEW_PROPERTY, NEW_VALUE, Mutation
from pytest_adyen_creds.errors import ContractError

ME: dict[str, Any] = {
    "id": "S2-1",
    "username": "ws@Company.X",
    "clientKey": "test_1",
    "allowedIpAddresses": [],
    "roles": ["A", "B"],
    "active": True,
    "companyName": "X",
    "_links": {"self": {"href": "https://x.example/v3/me/S2-1"}},
    "allowedOrigins": [{"domain": "https://a.example", "id": "S2-2"}, {"domain": "https://b.example", "id": "S2-3"}],
}


def mutated(contract: Contract, name: str, body: Any) -> dict[str, tuple[Mutation, Any]]:
    found = list(contract.mutations(name, body))
    assert len({mutation.id for mutation, _ in found}) == len(found), "equal ones come once"
    return {mutation.id: (mutation, changed) for mutation, changed in found}


@pytest.fixture(scope="module")
def of_me() -> dict[str, tuple[Mutation, Any]]:
    return mutated(load_contract("v3"), "MeApiCredential", ME)


@pytest.mark.parametrize(
    ("id_", "must", "change"),
    [
        ("property-added@", "must-survive", lambda me: me.update({NEW_PROPERTY: "new"})),
        ("property-added@/_links/self", "must-survive", lambda me: me["_links"]["self"].update({NEW_PROPERTY: "new"})),
        (
            "property-added@/allowedOrigins/*",
            "must-survive",
            lambda me: [each.update({NEW_PROPERTY: "new"}) for each in me["allowedOrigins"]],
        ),
        ("items-reordered@/allowedOrigins", "must-survive", lambda me: me["allowedOrigins"].reverse()),
        ("list-emptied@/roles", "must-survive", lambda me: me["roles"].clear()),
        ("optional-property-removed@/allowedOrigins", "must-survive", lambda me: me.pop("allowedOrigins")),
        (
            "optional-property-removed@/allowedOrigins/*/id",
            "must-survive",
            lambda me: [each.pop("id") for each in me["allowedOrigins"]],
        ),
        ("required-property-removed@/roles", "must-notice", lambda me: me.pop("roles")),
        ("type-changed@/active", "must-notice", lambda me: me.update(active="true")),
        ("became-null@/username", "must-notice", lambda me: me.update(username=None)),
    ],
)
def test_a_mutation_is_what_it_says(of_me: Any, id_: str, must: str, change: Any) -> None:
    mutation, changed = of_me[id_]
    expected = copy.deepcopy(ME)
    change(expected)
    assert changed == expected
    assert mutation.must == must
    assert mutation.to_json()["id"] == id_


def test_a_role_comes_that_nobody_knew(of_me: Any) -> None:
    roles = of_me["role-added@/roles"][1]["roles"]
    assert roles[:2] == ME["roles"]
    assert len(roles) == 3


def test_the_order_of_properties_is_another(of_me: Any) -> None:
    changed = of_me["properties-reordered@"][1]
    assert changed == ME
    assert all(mine != other for mine, other in zip(changed, ME, strict=True))


def test_an_id_is_another_wherever_it_stands(of_me: Any) -> None:
    changed = of_me["id-form-changed@/id"][1]
    assert changed["id"] != ME["id"]
    assert changed["_links"]["self"]["href"].endswith(changed["id"])
    assert [each["id"] for each in changed["allowedOrigins"]] == ["S2-2", "S2-3"]


def test_they_are_the_same_each_time_and_leave_the_body_alone() -> None:
    contract, body = load_contract("v3"), copy.deepcopy(ME)
    first, second = (list(contract.mutations("MeApiCredential", body)) for _ in range(2))
    assert first == second
    assert body == ME


def test_what_must_be_noticed_breaks_the_contract_and_what_must_be_survived_only_adds(of_me: Any) -> None:
    contract = load_contract("v3")
    for mutation, changed in of_me.values():
        violations = contract.validate("MeApiCredential", changed)
        if mutation.must == "must-notice":
            assert violations, mutation
        else:
            assert {each.keyword for each in violations} <= {"additionalProperties"}, mutation


def test_enumerations_and_names_of_another_api(tmp_path: Path) -> None:
    write_contract(import_openapi(DOCUMENT, "shop.json"), tmp_path)
    contract = Contract.of(load_contract("v3"), None, Apis(tmp_path))
    found = mutated(contract, "order.paid", {**EXAMPLE, "note": None})
    assert found["enum-value-added@/state"][1]["state"] == NEW_VALUE
    assert "card.bin" not in found["required-property-removed@/card.bin"][1]
    assert "became-null@/note" not in found
    assert json.loads(json.dumps([mutation.to_json() for mutation, _ in found.values()]))


def test_a_body_that_does_not_keep_to_it_is_refused() -> None:
    with pytest.raises(ContractError, match="give one that keeps to it"):
        load_contract("v3").mutations("MeApiCredential", {})


def test_a_long_list_is_changed_as_one() -> None:
    contract = load_contract("v3")
    page = {"itemsTotal": 500, "pagesTotal": 1, "data": [copy.deepcopy(ME) for _ in range(100)]}
    for each in page["data"]:
        each["associatedMerchantAccounts"] = []
        del each["companyName"]
    few = {**page, "data": page["data"][:2]}
    name = "ListCompanyApiCredentialsResponse"
    assert mutated(contract, name, few).keys() == mutated(contract, name, page).keys()
