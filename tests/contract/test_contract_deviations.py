"""Known deviations: shipped with their evidence, part of every judgement, never of the export."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pytest_adyen_creds import load_contract
from pytest_adyen_creds.cli import main
from pytest_adyen_creds.contract import Contract, bundled
from pytest_adyen_creds.contract.baseline import Acceptance, Baseline, Entry, read_baseline, to_toml
from pytest_adyen_creds.contract.finding import Finding
from pytest_adyen_creds.contract.judge import judge
from pytest_adyen_creds.errors import FileRefused

TODAY = date(2026, 11, 24)
UNAUTHORIZED = {"type": "https://docs.adyen.com/errors/unauthorized", "title": "Unauthorized", "status": 401}
UNAUTHORIZED |= {"errorCode": "00_401"}
INVALID: dict[str, Any] = {"type": "t", "title": "t", "status": 422, "errorCode": "31_004", "requestId": "r"}
FIELD = {"name": "origin", "message": "m"}
ME: dict[str, Any] = {
    "id": "CRED42ABC12345678M0123456789AB",
    "username": "ws_123456@Company.Test",
    "allowedIpAddresses": [],
    "roles": ["Checkout webservice role"],
    "active": True,
}
DEVIATING: dict[str, tuple[str, int, Any]] = {
    "a 401 without detail": ("GET /companies/{companyId}/apiCredentials", 401, UNAUTHORIZED),
    "a 422 without detail": ("POST /me/allowedOrigins", 422, INVALID),
    "an invalid field without value": ("POST /me/allowedOrigins", 422, INVALID | {"invalidFields": [FIELD]}),
    "merchants on /me": ("GET /me", 200, ME | {"clientKey": "test_ABC", "associatedMerchantAccounts": ["M"]}),
    "no client key": ("GET /me", 200, ME),
}


def answered(contract: Contract, label: str, status: int, body: Any) -> list[Finding]:
    if contract.version == "v1" and isinstance(body, dict) and "invalidFields" in body:
        body = body | {"invalidFields": [{"InvalidField": field} for field in body["invalidFields"]]}
    data = json.dumps(body).encode()
    return [each.finding for each in judge(contract, contract.operations[label], status, "application/json", data)]


@pytest.mark.parametrize("version", ["v3", "v1"])
@pytest.mark.parametrize("what", DEVIATING)
def test_what_the_platform_was_seen_to_do_does_not_count(version: str, what: str) -> None:
    contract = load_contract(version)
    findings = answered(contract, *DEVIATING[what])
    assert findings
    judgement = Acceptance(contract.known_deviations, Baseline(), TODAY).divide(findings)
    assert judgement.findings == ()
    assert set(judgement.known) == set(findings)
    strict = Acceptance(Baseline(), Baseline(), TODAY).divide(findings)
    assert set(strict.findings) == set(findings)


def test_what_is_unknown_counts_beside_it() -> None:
    contract = load_contract("v3")
    findings = answered(contract, "GET /me", 401, UNAUTHORIZED | {"hint": "x"})
    judgement = Acceptance(contract.known_deviations, Baseline(), TODAY).divide(findings)
    assert [finding.location for finding in judgement.findings] == ["/hint"]
    assert [finding.location for finding in judgement.known] == ["/detail"]


@pytest.mark.parametrize("version", ["v3", "v1"])
def test_each_has_its_evidence(version: str) -> None:
    entries = load_contract(version).known_deviations.entries
    assert entries
    for entry in entries:
        assert entry.evidence, entry
        assert entry.location
        assert entry.statuses


def test_one_that_is_not_met_any_more_is_said() -> None:
    contract = load_contract("v3")
    acceptance = Acceptance(contract.known_deviations, Baseline(), TODAY)
    judgement = acceptance.divide([], [("GET /me", 401), ("GET /me", 200)])
    assert [(entry.location, entry.statuses) for entry in judgement.unmet] == [
        ("/detail", (401,)),
        ("/associatedMerchantAccounts", (200,)),
    ]
    assert any("was not met, though answers" in line for line in judgement.notes())
    assert acceptance.divide([]).unmet == ()
    met = answered(contract, "GET /me", 401, UNAUTHORIZED)
    assert acceptance.divide(met, [("GET /me", 401)]).unmet == ()


def test_the_command_prints_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["contract", "deviations"]) == 0
    out = capsys.readouterr().out
    assert "response-required-property-missing  /detail  [401; any operation]" in out
    assert "    seen: vendo-dev/spree_adyen" in out
    assert main(["contract", "deviations", "--format", "json", "--api-version", "v1"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert {"id", "location", "reason", "evidence", "operations", "statuses"} <= listed[0].keys()
    assert all(set(each) == {"source", "date", "version"} for entry in listed for each in entry["evidence"])
    assert any(entry["location"] == "/invalidFields/*/InvalidField/value" for entry in listed)


def own(folder: Path, deviations: str | None) -> Contract:
    shutil.copytree(bundled("contracts") / "v3", folder / "v3")
    if deviations is not None:
        (folder / "known-deviations.toml").write_text(deviations)
    return load_contract("v3", folder)


def test_a_contract_of_ones_own_may_bring_its_own(tmp_path: Path) -> None:
    text = """
[[accepted]]
id = "response-undocumented-status"
statuses = [429]
reason = "over the limit"
[[accepted.evidence]]
source = "our own night"
date = 2026-11-01
version = "v3"
"""
    known = own(tmp_path, text).known_deviations
    assert [entry.id for entry in known.entries] == ["response-undocumented-status"]
    assert str(known.entries[0].evidence[0]) == "our own night (v3, 2026-11-01)"


def test_one_that_brings_none_has_the_bundled_ones_for_their_operations(tmp_path: Path) -> None:
    contract = own(tmp_path, None)
    acceptance = Acceptance(contract.known_deviations, Baseline(), TODAY)
    assert acceptance.divide(answered(contract, "GET /me", 401, UNAUTHORIZED)).findings == ()
    elsewhere = Finding("response-required-property-missing", "breaking", "GET /stores", 401, "/detail", "m")
    assert acceptance.divide([elsewhere]).findings == (elsewhere,)


ENTRY = '[[accepted]]\nid = "x"\nreason = "r"\n'
EVIDENCE = '[[accepted.evidence]]\nsource = "s"\ndate = "2025"\nversion = "v3"\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (ENTRY, "needs evidence: write"),
        (ENTRY + EVIDENCE.replace('source = "s"\n', ""), "a source, a date and a version"),
        (ENTRY + EVIDENCE + 'who = "me"\n', "a source, a date and a version, and nothing else"),
        (ENTRY + EVIDENCE.replace('"2025"', '"last year"'), "not one like 2025-08-14"),
        (ENTRY + 'sometimes = "yes"\n' + EVIDENCE, "is not true or false"),
        (ENTRY + "versions = [3]\n" + EVIDENCE, "versions are not a list of texts"),
        (ENTRY + "surprise = 1\n" + EVIDENCE, "unknown key 'surprise'"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "known-deviations.toml"
    path.write_text(text)
    with pytest.raises(FileRefused, match=says) as refused:
        read_baseline(path, evidence=True)
    assert "\n" not in str(refused.value)


def test_a_baseline_takes_no_evidence(tmp_path: Path) -> None:
    path = tmp_path / "drift.toml"
    path.write_text(ENTRY + EVIDENCE)
    with pytest.raises(FileRefused, match="unknown key 'evidence'"):
        read_baseline(path)


@pytest.mark.parametrize("version", ["v3", "v1"])
def test_what_is_written_is_read_again(tmp_path: Path, version: str) -> None:
    entries = load_contract(version).known_deviations.entries
    path = tmp_path / "known-deviations.toml"
    path.write_text("\n".join(map(to_toml, entries)))
    assert read_baseline(path, evidence=True) == Baseline(entries)


def test_the_export_stays_what_is_published(tmp_path: Path) -> None:
    exported = json.dumps(load_contract("v3").to_openapi())
    assert load_contract("v3").known_deviations.entries
    assert json.dumps(own(tmp_path, "").to_openapi()) == exported
    assert Entry("x", "r").evidence == ()


@pytest.mark.parametrize("where", ["response", "cassettes"])
def test_the_drift_commands_take_strict(where: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    body = tmp_path / "body.json"
    body.write_text(json.dumps(UNAUTHORIZED))
    cassette = tmp_path / "cassettes" / "test_x" / "one.yaml"
    cassette.parent.mkdir(parents=True)
    interaction = {
        "request": {"method": "GET", "uri": "https://management-test.adyen.com/v3/me", "headers": {}, "body": None},
        "response": {
            "status": {"code": 401, "message": "Unauthorized"},
            "headers": {"Content-Type": ["application/json"]},
            "body": {"string": body.read_text()},
        },
    }
    cassette.write_text(json.dumps({"version": 1, "interactions": [interaction]}))
    arguments = {
        "response": ["drift", "response", "--operation", "GET /me", "--status", "401", str(body)],
        "cassettes": ["drift", "cassettes", str(tmp_path / "cassettes")],
    }[where]
    assert main(arguments) == 0
    assert "no findings, 1 known deviation" in capsys.readouterr().out
    assert main([*arguments, "-v"]) == 0
    assert "seen in vendo-dev/spree_adyen" in capsys.readouterr().out
    assert main([*arguments, "--strict"]) == 1
    assert "`detail` is missing" in capsys.readouterr().out
    assert main([*arguments, "--strict", "--format", "json"]) == 1
    assert [each["location"] for each in json.loads(capsys.readouterr().out)] == ["/detail"]


HEADERS = {
    "/me": {
        "get": {
            "responses": {
                "200": {
                    "headers": {
                        "X-Count": {"required": True, "schema": {"type": "integer"}},
                        "X-Note": {"schema": {"type": "string", "maxLength": 3}},
                    }
                }
            }
        }
    }
}


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({"x-count": "3"}, []),
        ({"X-COUNT": "3", "x-note": "abc"}, []),
        ({}, [("response-required-header-missing", "/header/X-Count")]),
        ({"x-count": "three"}, [("response-header-type-changed", "/header/X-Count")]),
        ({"x-count": "3", "x-note": "abcd"}, [("response-header-type-changed", "/header/X-Note")]),
        (None, []),
    ],
)
def test_documented_headers_are_judged(
    tmp_path: Path, headers: dict[str, str] | None, found: list[tuple[str, str]]
) -> None:
    shutil.copytree(bundled("contracts"), tmp_path / "c", dirs_exist_ok=True)
    (tmp_path / "c" / "v2").mkdir()
    document = {"x-extends": "../v3/openapi.yaml", "paths": HEADERS}
    (tmp_path / "c" / "v2" / "openapi.yaml").write_text(json.dumps(document))
    contract = load_contract("v2", tmp_path / "c")
    body = json.dumps(ME | {"clientKey": "test_ABC"}).encode()
    observed = judge(contract, contract.operations["GET /me"], 200, "application/json", body, headers)
    assert [(each.finding.id, each.finding.location) for each in observed] == found


def test_one_that_expired_counts_and_is_said() -> None:
    entry = replace(load_contract("v3").known_deviations.entries[0], expires=date(2026, 1, 1))
    found = answered(load_contract("v3"), *DEVIATING["a 401 without detail"])
    judgement = Acceptance(Baseline((entry,)), Baseline(), TODAY).divide(found)
    assert set(judgement.findings) == set(found)
    assert [note.partition(" expired on ")[0] for note in judgement.notes()] == [f"the known deviation {entry}"]


def test_an_answer_is_judged_with_what_is_known_of_its_version(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    body = INVALID | {"invalidFields": [{"InvalidField": FIELD}]}
    interaction = {
        "request": {"method": "POST", "uri": "https://management-test.adyen.com/v1/me/allowedOrigins", "body": "{}"},
        "response": {
            "status": {"code": 422, "message": "Unprocessable Entity"},
            "headers": {"content-type": ["application/json"]},
            "body": {"string": json.dumps(body)},
        },
    }
    (tmp_path / "one.json").write_text(json.dumps({"version": 1, "interactions": [interaction]}))
    assert main(["drift", "cassettes", str(tmp_path)]) == 0, capsys.readouterr().out
    assert main(["drift", "cassettes", str(tmp_path), "--strict"]) == 1
