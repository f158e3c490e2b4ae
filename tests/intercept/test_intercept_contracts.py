"""A user's suite that calls other APIs of Adyen, whose contracts are there: answered, recorded, replayed and judged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from shop import DOCUMENT, EXAMPLE

from pytest_adyen_creds.cli import main
from pytest_adyen_creds.contract.importing import import_openapi, write_contract

SUITE = f"""
import httpx, pytest, requests

ORDER = {EXAMPLE!r}
URL = "https://shop-test.adyen.com/shop/v2/orders"
ROLES = ["Management API - API credentials read and write", "B"]

@pytest.fixture(scope="session")
def adyen_sandbox_config():
    return {{"roles": ROLES}}

def headers(credential):
    return {{"X-API-Key": credential.api_key.reveal()}}

@pytest.mark.adyen_credential(roles=ROLES)
def test_orders(adyen_credential, adyen_contract):
    made = httpx.post(URL, json=ORDER, headers=headers(adyen_credential))
    assert (made.status_code, made.json()) == (201, ORDER)
    adyen_contract.check(made)
    found = requests.get(URL + "/1", headers=headers(adyen_credential))
    assert found.status_code == 200
    adyen_contract.check(found)

def test_role(adyen_credential):
    assert httpx.post(URL, json=ORDER, headers=headers(adyen_credential)).status_code == 403
"""

OTHER_HOST = """
import httpx, pytest

def test_other(adyen_credential):
    httpx.get("https://checkout-test.adyen.com/v71/sessions/1")
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    write_contract(import_openapi(DOCUMENT, "shop.json"), pytester.path / "contracts")
    pytester.makeini("[pytest]\nadyen_contracts = contracts\n")
    pytester.makepyfile(test_shop=SUITE)
    return pytester


def drift_of(pytester: pytest.Pytester, *arguments: str) -> tuple[pytest.RunResult, dict]:
    result = pytester.runpytest("--adyen-drift=fail", "--adyen-report=results.json", *arguments)
    return result, json.loads((pytester.path / "results.json").read_text())


def test_it_is_answered_recorded_and_replayed(project: pytest.Pytester) -> None:
    result, drift = drift_of(project)
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["adyen: auto, Management API v3; stateless answers from your contracts shop/v2"])
    assert drift["findings"] == []
    result, _ = drift_of(project, "--adyen-backend=sandbox", "--adyen-record=all")
    result.assert_outcomes(passed=2)
    recorded = (project.path / "cassettes" / "test_shop" / "test_orders.yaml").read_text()
    assert "https://shop-test.adyen.com/shop/v2/orders" in recorded
    assert "made from the contract shop/v2" in recorded
    result, drift = drift_of(project, "--adyen-backend=replay")
    result.assert_outcomes(passed=2)
    assert drift["findings"] == []


def test_its_recordings_are_checked_and_judged(
    project: pytest.Pytester, own_secrets: None, capsys: pytest.CaptureFixture[str]
) -> None:
    drift_of(project, "--adyen-backend=sandbox", "--adyen-record=all")
    capsys.readouterr()
    with_contracts = ["cassettes", "--contracts", "contracts"]
    assert main(["cassettes", "check", *with_contracts]) == 0
    assert main(["drift", "cassettes", *with_contracts]) == 0
    said = capsys.readouterr().out
    assert "no findings in 3 answers in 2 cassettes" in said
    path = project.path / "cassettes" / "test_shop" / "test_orders.yaml"
    path.write_text(path.read_text().replace('"state": "paid"', '"state": "lost"'))
    assert main(["drift", "cassettes", *with_contracts]) == 1
    assert "response-property-enum-value-added" in capsys.readouterr().out


def test_an_answer_that_departs_is_a_finding(project: pytest.Pytester) -> None:
    drift_of(project, "--adyen-backend=sandbox", "--adyen-record=all")
    path = project.path / "cassettes" / "test_shop" / "test_orders.yaml"
    text = path.read_text()
    assert '"state": "paid"' in text
    head, _, answers = text.rpartition('"state": "paid"')
    path.write_text(f'{head}"state": "lost"{answers}')
    result, drift = drift_of(project, "--adyen-backend=replay", "-k", "test_orders")
    (finding,) = drift["findings"]
    assert (finding["id"], finding["operation"], finding["location"]) == (
        "response-property-enum-value-added",
        "GET /orders/{orderId}",
        "/order/state",
    )
    assert result.ret == 1


def test_an_answer_that_nothing_asked_for_fails_its_test(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_shop="""
        def test_unmet(adyen_sandbox):
            adyen_sandbox.answer("GET /orders/{orderId}", None, status=204)
        """
    )
    result = project.runpytest()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*nothing asked for the answer that the test set for GET /orders/{orderId}*"])


def test_what_no_contract_has_is_refused_with_the_way_on(project: pytest.Pytester) -> None:
    project.makepyfile(test_shop=OTHER_HOST)
    result = project.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*no contract of yours has this*adyen-creds contract import*"])


def test_secret_properties_of_its_contract_are_scrubbed(project: pytest.Pytester) -> None:
    canary = "AQEcanary-of-another-api-5f2d3c4b6a79"
    project.makepyfile(
        test_shop=SUITE.replace("ORDER = {", f"ORDER = {{'keyword': {canary!r}, ", 1).replace(
            "made.json()) == (201, ORDER)", "made.json()['reference']) == (201, 'R-1')"
        )
    )
    result, _ = drift_of(project, "--adyen-backend=sandbox", "--adyen-record=all")
    result.assert_outcomes(passed=2)
    for path in (project.path / "cassettes").rglob("*.yaml"):
        assert canary not in path.read_text()
    result, _ = drift_of(project, "--adyen-backend=replay")
    result.assert_outcomes(passed=2)


WITH_ADYENS = """
import Adyen, httpx, pytest

ROLES = ["Management API - API credentials read and write", "Management API - Webhooks read and write"]
PAYMENT = {
    "merchantAccount": "TestMerchant",
    "amount": {"value": 100, "currency": "EUR"},
    "reference": "R-1",
    "returnUrl": "https://shop.example.com",
}

CARD = {"type": "scheme", "cvc": "737"}

@pytest.fixture
def headers(adyen_credential):
    return {"X-API-Key": adyen_credential.api_key.reveal()}

def test_httpx(headers, adyen_contract):
    for url, body in (
        ("https://checkout-test.adyen.com/v71/sessions", PAYMENT),
        ("https://checkout-test.adyen.com/v71/payments", {**PAYMENT, "paymentMethod": CARD}),
        ("https://kyc-test.adyen.com/lem/v4/legalEntities", {"type": "individual"}),
    ):
        answer = httpx.post(url, json=body, headers=headers)
        assert answer.is_success, answer.text
        adyen_contract.check(answer)

def test_sdk(adyen_credential):
    adyen = Adyen.Adyen()
    adyen.client.xapikey, adyen.client.platform = adyen_credential.api_key.reveal(), "test"
    assert adyen.checkout.payments_api.sessions(PAYMENT).status_code == 201
    assert adyen.checkout.payments_api.payments({**PAYMENT, "paymentMethod": {"type": "scheme"}}).status_code == 200
    assert adyen.legalEntityManagement.legal_entities_api.create_legal_entity({"type": "individual"}).status_code == 200

@pytest.mark.adyen_credential(roles=ROLES)
def test_webhooks(adyen_client, adyen_contract):
    answer = adyen_client.get("/companies/TestCompany/webhooks")
    assert answer.status_code == 200
    adyen_contract.check(answer)
"""


@pytest.mark.slow("several runs of pytest")
def test_adyens_own_apis_by_httpx_and_its_sdk(published: Path, pytester: pytest.Pytester) -> None:
    pytest.importorskip("Adyen", reason="Adyen's SDK is not installed")
    chosen: dict[str, list[str]] = {
        "CheckoutService-v71": ["POST /sessions", "POST /payments"],
        "LegalEntityService-v4": ["POST /legalEntities"],
        "ManagementService-v3": ["GET /companies/{companyId}/webhooks"],
    }
    for name, operations in chosen.items():
        path = published / "apis" / f"{name}.json"
        if not path.is_file():
            pytest.skip("Adyen's other documents are not beside the checkout")
        imported = import_openapi(json.loads(path.read_text()), path.name, operations=operations)
        write_contract(imported, pytester.path / "contracts")
    pytester.makeini("[pytest]\nadyen_contracts = contracts\n")
    pytester.makepyfile(test_apis=WITH_ADYENS)
    for arguments in (("--adyen-backend=sandbox", "--adyen-record=all"), ("--adyen-backend=replay",)):
        result, drift = drift_of(pytester, *arguments)
        result.assert_outcomes(passed=3)
        assert drift["findings"] == []
        assert drift["drift"]["answers"] >= 5
    recorded = "".join(path.read_text() for path in (pytester.path / "cassettes").rglob("*.yaml"))
    assert '"737"' not in recorded
