"""Answers that the sandbox makes from contracts of other APIs: they keep to the contract, and say so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from shop import DOCUMENT, EXAMPLE

from pytest_adyen_creds.contract.importing import import_openapi, write_contract
from pytest_adyen_creds.errors import SandboxError
from pytest_adyen_creds.sandbox import Sandbox

BASE = "https://shop-test.adyen.com/shop/v2"
ROLES = ("Management API - API credentials read and write", "B")


def sandbox_with(folder: Path, *roles: str) -> Sandbox:
    write_contract(import_openapi(DOCUMENT, "shop.json"), folder)
    return Sandbox(contracts=folder, roles=roles)


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    return sandbox_with(tmp_path, *ROLES)


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[httpx.Client]:
    headers = {"X-API-Key": sandbox.provisioning.api_key.reveal()}
    with httpx.Client(transport=sandbox.transport(), base_url=BASE, headers=headers) as made:
        yield made


def test_an_answer_is_the_contracts_example_and_says_so(client: httpx.Client, sandbox: Sandbox) -> None:
    for _ in range(2):
        answer = client.post("/orders", json=EXAMPLE)
        assert (answer.status_code, answer.json()) == (201, EXAMPLE)
    assert answer.headers["Adyen-Creds-Answer"] == "made from the contract shop/v2; stateless"
    assert sandbox.app.journal[-1].rule == "contracts.answers"
    assert client.get("/orders/1").status_code == 200
    assert client.get(f"{BASE.replace('v2', 'v9')}/orders/1").status_code == 200  # of another version of the API


def test_over_http_the_base_path_tells(sandbox: Sandbox) -> None:
    key = sandbox.provisioning.api_key.reveal()
    with sandbox.serve() as server, httpx.Client(headers={"X-API-Key": key}) as client:
        assert client.get(f"{server.url}/shop/v2/orders/1").status_code == 200
        assert client.get(f"{server.url}/v3/me").json()["id"] == sandbox.provisioning.id


def test_the_callers_key_counts(client: httpx.Client) -> None:
    refused = client.post("/orders", json=EXAMPLE, headers={"X-API-Key": "another"})
    assert refused.status_code == 401


def test_roles_are_asked_for(tmp_path: Path) -> None:
    sandbox = sandbox_with(tmp_path, ROLES[0])
    headers = {"X-API-Key": sandbox.provisioning.api_key.reveal()}
    with httpx.Client(transport=sandbox.transport(), base_url=BASE, headers=headers) as client:
        refused = client.post("/orders", json=EXAMPLE)
        assert (refused.status_code, sandbox.app.journal[-1].rule) == (403, "contracts.roles")
        assert client.get("/orders/1").status_code == 200


def test_a_request_that_breaks_the_contract_is_refused_in_its_form(client: httpx.Client) -> None:
    refused = client.post("/orders", json={"reference": 7})
    assert refused.status_code == 422
    assert refused.json().keys() == {"detail"}


def test_a_path_or_a_method_that_no_contract_has(client: httpx.Client) -> None:
    assert client.get("/nothing").status_code == 404
    assert client.put("/orders", json={}).status_code == 404


def test_a_test_sets_answers(client: httpx.Client, sandbox: Sandbox) -> None:
    told = {**EXAMPLE, "state": "open"}
    sandbox.answer("POST /orders", told)
    assert client.post("/orders", json=EXAMPLE).json() == told
    sandbox.answer("POST /orders", {"detail": "no"}, status=404, api="shop")
    refused = client.post("/orders", json=EXAMPLE)
    assert (refused.status_code, refused.json()) == (404, {"detail": "no"})
    assert refused.headers["Adyen-Creds-Answer"] == "set by the test; shop/v2"
    sandbox.contract_answers.end()
    assert client.post("/orders", json=EXAMPLE).json() == EXAMPLE


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("POST /orders", {"reference": 1}), "does not keep to Order of shop/v2"),
        (("POST /order", {}), "did you mean POST /orders"),
        (("POST /nothing/like/it", {}), "no contract of another API has it"),
        (("GET /me", {}), "answered with state"),
        (("GET /orders/{orderId}", {}, 404), "does not answer 404"),
        (("GET /orders/{orderId}", {}, 204), "without a body"),
    ],
)
def test_answers_that_cannot_be_set(sandbox: Sandbox, arguments: tuple[Any, ...], says: str) -> None:
    label, body, *status = arguments
    with pytest.raises(SandboxError, match=says):
        sandbox.answer(label, body, status=status[0] if status else None)


def test_without_contracts_it_says_how_to_get_one() -> None:
    with pytest.raises(SandboxError, match="contract import"):
        Sandbox().answer("POST /orders", {})


def test_one_that_several_contracts_have_is_named_with_its_api(tmp_path: Path) -> None:
    write_contract(import_openapi(DOCUMENT, "-", name="shop/v3"), tmp_path)
    with pytest.raises(SandboxError, match="name one with api"):
        sandbox_with(tmp_path, *ROLES).answer("POST /orders", EXAMPLE)


def test_faults_strike_there_too(client: httpx.Client, sandbox: Sandbox) -> None:
    sandbox.faults.status(500, "POST /orders")
    assert client.post("/orders", json=EXAMPLE).status_code == 500
    sandbox.faults.reset("GET /orders/{orderId}")
    with pytest.raises(httpx.ReadError):
        client.get("/orders/1")
    with pytest.raises(SandboxError, match="a label like"):
        sandbox.faults.status(500, "POST /order")
