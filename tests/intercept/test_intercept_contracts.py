"""A user's suite that calls other APIs of Adyen, whose contracts are there: answered, recorded, replayed and judged."""

from __future__ import annotations

import json

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
