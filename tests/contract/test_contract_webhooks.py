"""Webhooks: judged as a handler gets them, and made to test one with."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from shop import DOCUMENT, EXAMPLE, json_body

from pytest_adyen_creds import Contract, ContractBroken, load_contract
from pytest_adyen_creds.contract.apis import Apis
from pytest_adyen_creds.contract.importing import import_openapi, write_contract
from pytest_adyen_creds.errors import ContractError


@pytest.fixture
def contract(tmp_path: Path) -> Any:
    """Return the contract that a run's fixture gives, where the run's folder has one of another API."""
    write_contract(import_openapi(DOCUMENT, "shop.json"), tmp_path)
    return Contract.of(load_contract("v3"), None, Apis(tmp_path))


@pytest.mark.parametrize("form", [lambda body: body, json.dumps, lambda body: json.dumps(body).encode()])
def test_a_handler_may_hand_over_what_it_got(contract: Any, form: Any) -> None:
    contract.check_webhook("order.paid", form(EXAMPLE))
    with pytest.raises(ContractBroken, match="/amount is required and missing") as error:
        contract.check_webhook("order.paid", form({"reference": "R", "card.bin": ""}))
    assert str(error.value).startswith("WEBHOOK order.paid (shop/v2): Order")


@pytest.mark.parametrize("body", [b"{", b"\xff", "[" * 500, "{}, {}"])
def test_what_is_no_json_is_broken(contract: Any, body: Any) -> None:
    with pytest.raises(ContractBroken, match=r"WEBHOOK order\.paid: "):
        contract.check_webhook("order.paid", body)


def test_a_webhook_that_no_contract_has(contract: Any) -> None:
    with pytest.raises(ContractError, match=r"did you mean order\.paid"):
        contract.check_webhook("order.payed", {})
    with pytest.raises(ContractError, match="import the document"):
        contract.example_webhook("something else")


def test_one_that_several_have_is_named_with_its_api(contract: Any, tmp_path: Path) -> None:
    write_contract(import_openapi(DOCUMENT, "-", name="shop/v3"), tmp_path)
    several = Contract.of(load_contract("v3"), None, Apis(tmp_path))
    with pytest.raises(ContractError, match="shop/v2, shop/v3; name one with api"):
        several.check_webhook("order.paid", EXAMPLE)
    several.check_webhook("order.paid", EXAMPLE, api="shop/v3")


def test_names_may_begin_with_a_slash(tmp_path: Path) -> None:
    document = copy.deepcopy(DOCUMENT)
    document["webhooks"] = {"/AUTHORISATION": document["webhooks"]["order.paid"]}
    write_contract(import_openapi(document, "shop.json"), tmp_path)
    own = load_contract("shop/v2", tmp_path)
    for name in ("AUTHORISATION", "/AUTHORISATION"):
        own.check_webhook(name, own.example_webhook(name))


def test_examples_are_the_documents_own_where_they_keep_to_it(contract: Any, tmp_path: Path) -> None:
    own = load_contract("shop/v2", tmp_path)
    assert own.example("POST /orders", 201) == EXAMPLE
    made = contract.example_webhook("order.paid")
    assert made == contract.example_webhook("order.paid")
    made["reference"] = "changed"
    assert contract.example_webhook("order.paid")["reference"] != "changed"
    document = copy.deepcopy(DOCUMENT)
    bad = {"bad": {"$ref": "#/components/examples/bad"}}
    document["webhooks"]["order.paid"]["post"]["requestBody"] = json_body(
        {"$ref": "#/components/schemas/Order"}, examples=bad
    )
    write_contract(import_openapi(document, "-", name="shop/v4"), tmp_path)
    other = load_contract("shop/v4", tmp_path)
    assert other.is_valid("Order", other.example_webhook("order.paid"))


@pytest.mark.parametrize(("label", "status"), [("GET /nothing", 200), ("POST /orders", 500)])
def test_an_answer_that_there_is_not_has_no_example(contract: Any, tmp_path: Path, label: str, status: int) -> None:
    with pytest.raises(ContractError, match="see adyen-creds contract list"):
        load_contract("shop/v2", tmp_path).example(label, status)


def test_a_strategy_makes_them(contract: Any) -> None:
    seen = []

    @hypothesis.settings(max_examples=20, database=None, deadline=None)
    @hypothesis.given(contract.strategy("order.paid"), contract.strategy("CompanyApiCredential"))
    def check(paid: Any, credential: Any) -> None:
        contract.check_webhook("order.paid", paid)
        assert contract.is_valid("CompanyApiCredential", credential)
        seen.append("created" in paid)

    check()
    assert any(seen), "what is read-only is a part of what comes, too"
