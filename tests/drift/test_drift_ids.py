"""The table of ids: every id that is raised is in it, every one in it is raised, and people find them all."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
from drift_samples import ANSWERS, IDS, LISTED, VALUES, as_listed, contract_in, pairs

from pytest_adyen_creds import load_contract
from pytest_adyen_creds.cli import main
from pytest_adyen_creds.contract import Contract
from pytest_adyen_creds.contract.finding import Finding
from pytest_adyen_creds.contract.judge import judge
from pytest_adyen_creds.drift.specification import compare

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def contract(tmp_path: Path) -> Contract:
    return contract_in(tmp_path)


def answered(contract: Contract, status: int, media: str, body: bytes, headers: dict[str, str]) -> list[Finding]:
    operation = contract.operations["GET /it"]
    return [each.finding for each in judge(contract, operation, status, media, body, headers)]


@pytest.mark.parametrize("id_", ANSWERS)
def test_an_answer_that_departs_has_its_id(contract: Contract, id_: str) -> None:
    (finding,) = answered(contract, *ANSWERS[id_])
    assert finding.id == id_
    assert as_listed([finding]) <= LISTED


@pytest.mark.parametrize("name", VALUES)
def test_a_value_that_departs_has_the_id_of_the_change_that_would_allow_it(contract: Contract, name: str) -> None:
    _, value, end = VALUES[name]
    body = json.dumps({"there": 1, name: value}).encode()
    (finding,) = answered(contract, 200, "application/json", body, {"X-Count": "1"})
    assert finding.id == f"response-property-{end}"
    assert as_listed([finding]) <= LISTED


def test_every_id_is_raised_at_its_levels_and_no_other_is(contract: Contract) -> None:
    raised: set[tuple[str, str]] = set()
    for old, new in pairs():
        raised |= as_listed([*compare(old, new), *compare(new, old)])
    for answer in ANSWERS.values():
        raised |= as_listed(answered(contract, *answer))
    assert sorted(raised - LISTED) == [], "the tables of contract/ids.py do not have these"
    assert sorted(LISTED - raised) == [], "no sample of drift_samples.py raises these"


def test_findings_are_made_out_of_the_table_only() -> None:
    makers = {
        path.name
        for path in (ROOT / "pytest_adyen_creds").rglob("*.py")
        if "Finding(" in (text := path.read_text(encoding="utf-8"))
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Finding"
    }
    assert makers == {"ids.py"}


@pytest.mark.parametrize("version", ["v3", "v1"])
def test_known_deviations_name_ids_that_there_are(version: str) -> None:
    assert {entry.id for entry in load_contract(version).known_deviations.entries} <= IDS


def test_the_command_lists_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["drift", "ids"]) == 0
    *lines, total = capsys.readouterr().out.splitlines()
    assert lines == sorted(lines)
    assert "response-body-missing  breaking  the response has no body where the contract has one" in lines
    assert total == f"{len(lines)} ids"
    assert main(["drift", "ids", "--format", "json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [f"{each['id']}  {', '.join(each['levels'])}  {each['meaning']}" for each in listed] == lines
    assert not [each for each in listed if set(each["meaning"]) & set("{}|")]
