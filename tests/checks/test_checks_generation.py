"""What is generated: acceptable where it should be, by annotations that any contract may carry; the same each time."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from pytest_adyen_creds import load_contract
from pytest_adyen_creds.checks.cases import Amounts
from pytest_adyen_creds.checks.runner import sandbox_target
from pytest_adyen_creds.checks.sample_data import DATA, SampleData, constrained
from pytest_adyen_creds.contract import bundled
from pytest_adyen_creds.errors import ContractError

CREATE = "POST /companies/{companyId}/apiCredentials"
SAMPLE = SampleData("C", ("M1", "M2"), {"company": "S2-1"}, {"company": "S2-2"}, ("A role", "B role"))


@pytest.mark.parametrize(
    "label",
    [
        "POST /companies/{companyId}/apiCredentials",
        "PATCH /merchants/{merchantId}/apiCredentials/{apiCredentialId}",
        "POST /me/allowedOrigins",
    ],
)
def test_positive_cases_are_accepted_and_many(label: str) -> None:
    contract = load_contract("v3")
    operation = contract.operations[label]
    with sandbox_target(contract) as target:
        target.amounts = Amounts(30, 0, 30)
        for case in target.cases(operation, seed=7):
            if case.expects == "2xx":
                target.send(case)
        statuses = [each.status for each in target.exchanges]
    assert len(statuses) > 10
    assert set(statuses) == {200}


def test_negative_cases_break_the_contract() -> None:
    contract = load_contract("v3")
    operation = contract.operations[CREATE]
    with sandbox_target(contract) as target:
        target.amounts = Amounts(0, 30, 10)
        made = target.cases(operation)
    negative = [each for each in made if each.generated_by.endswith("coverage, negative")]
    broken = [each for each in negative if not contract.is_valid("CreateCompanyApiCredentialRequest", each.json)]
    assert len(broken) >= 20


def test_no_case_is_spent_on_what_is_not_varied() -> None:
    contract = load_contract("v3")
    with sandbox_target(contract) as target:
        target.amounts = Amounts(0, 12, 0)
        made = target.cases(contract.operations["GET /companies/{companyId}/apiCredentials"])
    assert len({str(each.query) for each in made if each.generated_by.endswith("coverage, negative")}) == 12


def test_the_same_seed_gives_the_same_and_another_does_not() -> None:
    contract = load_contract("v3")
    operation = contract.operations[CREATE]

    def made(seed: int) -> list[object]:
        with sandbox_target(contract) as target:
            return list(target.cases(operation, seed))

    assert made(1) == made(1)
    assert made(1) != made(2)


@pytest.mark.slow("hundreds of generated requests")
def test_what_the_project_s_modules_hold_is_not_sent(import_words: Callable[[list[str]], None]) -> None:
    """Hypothesis would draw words from them: a password, and other cases where another module is imported."""

    def sent() -> list[object]:
        with sandbox_target(load_contract("v3")) as target:
            target.amounts, target.runs = Amounts(0, 0, 60), 4
            cases = target.cases(target.contract.operations[CREATE])
            target.run_stateful(seed=1)
            return [*cases, *(each.request.content for each in target.exchanges)]

    before = sent()
    import_words([f"written down {number}" for number in range(500)])
    after = sent()
    assert "written down" not in str(after)
    assert after == before


def test_walks_follow_the_links_at_every_level() -> None:
    with sandbox_target(load_contract("v3")) as target:
        target.run_stateful(seed=3)
        good = {each.operation.label for each in target.exchanges if each.good}
    followed = [label for label in good if "{apiCredentialId}" in label]
    assert {label.split("/")[1] for label in good} == {"companies", "merchants", "me"}
    assert len(followed) >= 6


def own_contract(folder: Path, change: object) -> Path:
    """Copy the bundled contract, its OpenAPI document changed."""
    shutil.copytree(bundled("contracts"), folder / "management")
    path = folder / "management" / "v3" / "openapi.yaml"
    document = yaml.safe_load(path.read_text())
    change(document)  # type: ignore[operator]
    path.write_text(yaml.safe_dump(document))
    return folder / "management"


def page_size(kind: object):
    def change(document) -> None:
        document["components"]["parameters"]["pageSize"]["schema"][DATA] = kind

    return change


def test_a_contract_of_ones_own_says_its_own_values(tmp_path: Path) -> None:
    contract = load_contract("v3", own_contract(tmp_path, page_size({"values": [7]})))
    with sandbox_target(contract) as target:
        target.amounts = Amounts(5, 0, 5)
        made = target.cases(contract.operations["GET /companies/{companyId}/apiCredentials"])
    sizes = {str(each.query["pageSize"]) for each in made if each.expects == "2xx" and "pageSize" in each.query}
    assert sizes == {"7"}


@pytest.mark.parametrize("kind", ["colour", {"values": []}, {"colour": 1}, 7])
def test_a_wrong_annotation_says_what_to_write(tmp_path: Path, kind: object) -> None:
    contract = load_contract("v3", own_contract(tmp_path, page_size(kind)))
    with pytest.raises(ContractError, match=DATA):
        constrained(contract, SAMPLE)


def test_annotations_hold_values_to_what_there_is() -> None:
    schemas = constrained(load_contract("v3"), SAMPLE)["components"]["schemas"]
    body = schemas["CreateCompanyApiCredentialRequest"]["properties"]
    assert set(body["roles"]["items"]["enum"]) == {"A role", "B role"}
    assert body["roles"]["minItems"] == 1
    assert body["associatedMerchantAccounts"]["items"]["enum"] == ["M1", "M2"]
    assert set(schemas["AllowedOrigin"]["properties"]) == {"domain"}
