"""``adyen_contract.check(response)`` in people's own tests."""

from __future__ import annotations

import json

import httpx
import pytest
import requests

from pytest_adyen_creds import load_contract
from pytest_adyen_creds.checks.responses import CheckingContract, ContractBroken
from pytest_adyen_creds.sandbox import Sandbox

CANARY = "AQEcanaryCanaryCanary0123456789canary"


@pytest.fixture(scope="module")
def contract() -> CheckingContract:
    return CheckingContract.of(load_contract("v3"))


def test_is_the_contract_too(contract: CheckingContract) -> None:
    assert contract.structures.keys() == load_contract("v3").structures.keys()
    assert contract.digest == load_contract("v3").digest
    assert not contract.is_valid("MeApiCredential", {})


@pytest.mark.parametrize("library", [httpx, requests])
def test_takes_responses_of_both_libraries(contract: CheckingContract, library) -> None:
    sandbox = Sandbox()
    headers = {"X-API-Key": sandbox.provisioning.api_key.reveal()}
    with sandbox.serve() as server:
        contract.check(library.get(f"{server.url}/v3/me", headers=headers))
        contract.check(library.get(f"{server.url}/v3/me", headers={"X-API-Key": "nobody's"}))
        made = library.post(f"{server.url}/v3/companies/TestCompany/apiCredentials", headers=headers, json={})
        contract.check(made)
        sandbox.faults.violate("extra-field", "GET /me")
        with pytest.raises(ContractBroken, match="/undocumentedProperty is not in the contract"):
            contract.check(library.get(f"{server.url}/v3/me", headers=headers))


def answer(body: object, status: int = 200, path: str = "/me") -> httpx.Response:
    request = httpx.Request("GET", f"https://management-test.adyen.com/v3{path}", headers={"X-API-Key": CANARY})
    return httpx.Response(status, json=body, request=request)


ME = {
    "id": "S2-1",
    "username": "ws_123456@Company.Test",
    "clientKey": "test_ABCDEFGHIJKLMNOPQRSTUVWXYZ012345",
    "allowedIpAddresses": [],
    "roles": ["Checkout webservice role"],
    "active": True,
}


def test_a_captured_form_passes(contract: CheckingContract) -> None:
    links = {
        name: {"href": f"https://management-test.adyen.com/v1/me{path}"}
        for name, path in {"self": "", "allowedOrigins": "/allowedOrigins"}.items()
    }
    contract.check(answer(ME | {"_links": links}))


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (ME | {"roles": []}, "adyen_roles_at_least_one"),
        (ME | {"clientKey": "prod_ABCDEFGHIJ"}, "adyen_client_key_environment"),
        (ME | {"username": "somebody"}, "adyen_username_form"),
        (ME | {"_links": {"self": {"href": "https://example.org/v3/me"}}}, "adyen_links_stay"),
        ({**ME, "active": "yes"}, "/active must be a boolean"),
        ("text", "response-body-type-changed"),
    ],
)
def test_says_what_is_wrong(contract: CheckingContract, body: object, says: str) -> None:
    with pytest.raises(ContractBroken) as raised:
        contract.check(answer(body))
    text = str(raised.value)
    assert says in text
    assert "rule: " in text
    assert "next: " in text


def test_another_api_is_not_judged(contract: CheckingContract) -> None:
    with pytest.raises(ContractBroken, match="no operation of the contract"):
        contract.check(answer({}, path="/stores"))


def test_what_it_says_holds_no_secret(contract: CheckingContract) -> None:
    error = {"type": "t", "errorCode": "x", "title": "t", "detail": f"bad key {CANARY}", "status": 500}
    with pytest.raises(ContractBroken) as raised:
        contract.check(answer(error, 401))
    text = str(raised.value)
    assert "adyen_no_secret_in_errors" in text
    assert "adyen_error_status" in text
    assert CANARY not in text


def test_in_a_run(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        def test_right(adyen_client, adyen_contract):
            adyen_contract.check(adyen_client.get("/me"))

        def test_wrong(adyen_client, adyen_contract, adyen_sandbox):
            adyen_sandbox.faults.violate("drop-required-field", "GET /me", field="roles")
            adyen_contract.check(adyen_client.get("/me"))
        """
    )
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*ContractBroken: GET /me -> 200*", "*/roles is required and missing*"])


def test_bodies_that_are_no_json_are_said_so(contract: CheckingContract) -> None:
    request = httpx.Request("GET", "https://management-test.adyen.com/v3/me")
    with pytest.raises(ContractBroken, match="came as text/plain where the contract has application/json"):
        contract.check(httpx.Response(200, text="<html>", request=request))
    content = json.dumps(ME).encode()[:-3]
    headers = {"content-type": "application/json"}
    with pytest.raises(ContractBroken, match="the response body is not JSON"):
        contract.check(httpx.Response(200, content=content, headers=headers, request=request))


def test_bodies_alone_are_judged_as_answers_are(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        def test_it(adyen_client, adyen_sandbox, adyen_credentials, adyen_contract):
            adyen_credentials.lease()
            response = adyen_client.get(f"/companies/{adyen_sandbox.company}/apiCredentials")
            body = response.json()
            body["data"] = [dict(each) for each in body["data"] * 3]
            for each in body["data"]:
                each.pop("clientKey", None)
            assert len(body["data"]) > 2
            name = "ListCompanyApiCredentialsResponse"
            assert adyen_contract.validate(name, body) == []
            assert adyen_contract.is_valid(name, body)
            del body["data"][1]["username"]
            [violation] = adyen_contract.validate(name, body)
            assert violation.pointer == "/data/1/username"
            circular = {}
            circular["data"] = [circular]
            assert adyen_contract.validate(name, circular)
        """
    )
    pytester.runpytest_inprocess().assert_outcomes(passed=1)
