"""Recorded answers against the contract, from the cassettes that people have."""

from __future__ import annotations

import base64
import copy
import gzip
import json
import zlib
from datetime import date
from pathlib import Path
from typing import Any

import counts
import pytest
import yaml

from pytest_adyen_creds import load_contract
from pytest_adyen_creds.contract.baseline import Acceptance, Baseline, together
from pytest_adyen_creds.drift.recordings import Survey, survey
from pytest_adyen_creds.errors import AdyenCredsError, CassetteError

MOST = 1_000_000
ERROR = {"type": "t", "errorCode": "00_403", "title": "t", "detail": "d", "status": 403}
DRIFTED = json.dumps({**ERROR, "newField": 1}).encode()
MEMBERS = gzip.compress(DRIFTED[:9]) + gzip.compress(DRIFTED[9:])
RAW_DEFLATE = zlib.compress(DRIFTED)[2:-4]


def interaction(body: Any, *, host: str = "management-test.adyen.com", path: str = "/v3/me", **headers: str) -> Any:
    listed = {name.replace("_", "-"): [value] for name, value in headers.items()} or {
        "Content-Type": ["application/json"]
    }
    return {
        "request": {"method": "GET", "uri": f"https://{host}{path}", "headers": {}, "body": None},
        "response": {"status": {"code": 403, "message": "Forbidden"}, "headers": listed, "body": body},
    }


def surveyed(folder: Path, *interactions: Any, name: str = "a.yaml") -> Survey:
    # copied, because vcrpy writes no alias for what occurs twice
    document = {"version": 1, "interactions": [copy.deepcopy(each) for each in interactions]}
    text = json.dumps(document) if name.endswith(".json") else yaml.safe_dump(document)
    (folder / name).write_text(text)
    return look(folder)


def look(folder: Path) -> Survey:
    return survey(folder, lambda version: load_contract(version or "v3") if version in (None, "v1", "v3") else None)


def test_the_bundled_recordings_keep_to_the_contract() -> None:
    folder = Path(__file__).resolve().parents[2] / "cassettes"
    found = look(folder)
    assert found.versions == {"v3", "v1"}
    known = together(load_contract(version).known_deviations for version in ("v3", "v1"))
    judgement = Acceptance(known, Baseline(), date(2026, 11, 24)).divide(found.found.findings)
    assert judgement.findings == ()
    assert {entry.id for entry in judgement.known.values()} >= {"response-undocumented-property"}
    assert found.found.answers >= counts.operations()


@pytest.mark.parametrize(
    "recorded",
    [
        interaction({"string": DRIFTED.decode()}),
        interaction({"string": DRIFTED}),
        interaction({"string": gzip.compress(DRIFTED)}, content_encoding="gzip", content_type="application/json"),
        interaction({"string": zlib.compress(DRIFTED)}, content_encoding="deflate", content_type="application/json"),
        interaction({"string": DRIFTED}, content_encoding="gzip", Content_Type="application/json"),
        interaction({"string": RAW_DEFLATE}, content_encoding="deflate", content_type="application/json"),
        interaction({"string": MEMBERS}, content_encoding="gzip", content_type="application/json"),
        interaction({"string": DRIFTED}, content_encoding="br", Content_Type="application/json"),
        interaction({"base64_string": base64.b64encode(DRIFTED).decode()}),
    ],
)
def test_the_body_is_found_however_it_was_recorded(tmp_path: Path, recorded: Any) -> None:
    (finding,) = surveyed(tmp_path, recorded, recorded).found.findings
    assert (finding.id, finding.location, finding.count) == ("response-undocumented-property", "/newField", 2)


def test_an_older_layout_is_read(tmp_path: Path) -> None:
    recorded = interaction(None)
    recorded["response"] = {"status_code": 403, "http_version": "HTTP/1.1", "headers": {}, "content": DRIFTED.decode()}
    assert len(surveyed(tmp_path, recorded).found.findings) == 1


def test_json_cassettes_are_read_and_other_json_is_passed_by(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"name": "x"}')
    found = surveyed(tmp_path, interaction({"string": DRIFTED.decode()}), name="b.json")
    assert (found.cassettes, len(found.found.findings)) == (1, 1)


def test_recordings_of_a_sandbox_on_this_machine_are_judged(tmp_path: Path) -> None:
    body = {"string": DRIFTED.decode()}
    found = surveyed(
        tmp_path,
        interaction(body, host="127.0.0.1:8091"),
        interaction(body, host="localhost", path="/orders/1"),
        name="test_me",
    )
    assert (found.passed_over, found.found.answers, len(found.found.findings)) == (1, 1, 1)


def test_other_hosts_and_operations_are_passed_over(tmp_path: Path) -> None:
    body = {"string": DRIFTED.decode()}
    found = surveyed(
        tmp_path,
        interaction(body, host="checkout-test.adyen.com"),
        interaction(body, host="management-test.adyen.com.evil.example"),
        interaction(body, path="/v3/companies"),
        interaction(body, path="/v2/me"),
        interaction({"string": b"\x8b\x0f"}, content_encoding="br"),
    )
    assert (found.passed_over, found.found.answers) == (5, 0)


def test_the_address_chooses_the_version(tmp_path: Path) -> None:
    wrapped = {**ERROR, "invalidFields": [{"InvalidField": {"name": "a", "value": "b", "message": "c"}}]}
    body = {"string": json.dumps(wrapped)}
    assert surveyed(tmp_path, interaction(body, path="/v1/me")).found.findings == []
    (finding,) = surveyed(tmp_path, interaction(body, path="/v3/me")).found.findings
    assert finding.id == "response-property-wrapped"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "interactions: 1",
        "interactions: [1]",
        "interactions: [{request: {}, response: {}}]",
        "interactions: [{request: {method: GET, uri: 'https://[x'}, response: {status: {code: 200}}}]",
        "interactions: [{request: {method: GET, uri: x}, response: {status: {code: '200'}}}]",
        "interactions: [{request: {method: GET, uri: x}, response: {status: {code: 200}, headers: [1]}}]",
        "interactions: [{request: {method: GET, uri: x}, response: {status: {code: 200}, body: {string: 1}}}]",
        "interactions: !!python/object:os.system {}",
    ],
)
def test_a_file_that_is_no_cassette_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "cassettes").mkdir()
    (tmp_path / "cassettes" / "a.yaml").write_text(text)
    with pytest.raises(AdyenCredsError) as refusal:
        look(tmp_path)
    assert "a.yaml" in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_each_file_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "cassettes").mkdir()
    for name, text in (("b", "interactions: 1"), ("c", "interactions: [{}]"), ("d", "interactions: [")):
        (tmp_path / "cassettes" / f"{name}.yaml").write_text(text)
    with pytest.raises(CassetteError, match=r"^\S+b\.yaml: .*; broken, too: \S+c\.yaml, \S+d\.yaml$"):
        surveyed(tmp_path, interaction({"string": gzip.compress(DRIFTED)}, content_encoding="gzip"))
    cut_short = interaction({"string": gzip.compress(DRIFTED)[:-9]}, content_encoding="gzip")
    with pytest.raises(CassetteError, match=r"a\.yaml: interaction 1: .*; broken, too: \S+b\.yaml, \S+c\.yaml, "):
        surveyed(tmp_path, cut_short)


@pytest.mark.parametrize(
    "packed", [gzip.compress(bytes(MOST + 1)), gzip.compress(DRIFTED)[:-9]], ids=["bomb", "cut short"]
)
def test_what_does_not_unpack_to_an_answer_is_no_finding(
    tmp_path: Path, packed: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_adyen_creds.cassettes.body.LARGEST", MOST)
    with pytest.raises(CassetteError, match=r"a\.yaml: interaction 1: .*cut short"):
        surveyed(tmp_path, interaction({"string": packed}, content_encoding="gzip"))


def test_other_yaml_is_passed_by(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("services: {}\n")
    (tmp_path / "broken.yml").write_text("a: &a [*a]\n")
    found = surveyed(tmp_path, interaction({"string": DRIFTED.decode()}))
    assert (found.cassettes, len(found.found.findings)) == (1, 1)


def test_a_folder_without_cassettes_is_refused(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(AdyenCredsError):
            look(folder)
