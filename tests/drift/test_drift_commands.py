"""The drift commands: what they print, and the exit statuses 0, 1 and 2."""

from __future__ import annotations

import json
import shlex
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from pytest_adyen_creds import load_contract
from pytest_adyen_creds.cli import main
from pytest_adyen_creds.contract.finding import Finding

DAY = timedelta(days=1)


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    """The contract with one more property in an answer that nine operations give."""
    document = load_contract("v3").to_openapi()
    document["components"]["schemas"]["ApiCredentialLinks"]["properties"]["port"] = {"type": "integer"}
    path = tmp_path / "changed.json"
    path.write_text(json.dumps(document))
    return path


@pytest.fixture
def same(tmp_path: Path) -> Path:
    path = tmp_path / "same.json"
    path.write_text(json.dumps(load_contract("v3").to_openapi()))
    return path


def run(capsys: pytest.CaptureFixture[str], *arguments: Any) -> tuple[int, str, str]:
    status = main(["drift", *map(str, arguments)])
    out, err = capsys.readouterr()
    return status, out, err


def test_no_drift_is_status_0(same: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "spec", same) == (0, f"{same}: no findings\n", "")
    assert run(capsys, "spec", same, "--format", "json") == (0, "[]\n", "")


def test_equal_findings_are_one_line_and_json_keeps_each(changed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "spec", changed)
    *lines, total = out.splitlines()
    assert status == 1
    assert len(lines) == 1
    assert "`port` is new; a strict parser breaks on it" in lines[0]
    status, out, _ = run(capsys, "spec", changed, "--format", "json")
    findings = [Finding.from_json(item) for item in json.loads(out)]
    assert status == 1
    assert len(findings) == 9
    assert f"{len(findings)}x" in lines[0]
    assert f"{len(findings)} findings ({len(findings)} info)" in total
    _, out, _ = run(capsys, "spec", changed, "--verbose")
    assert "GET /me 200 /_links/port" in out
    assert len(out.splitlines()) == 1 + len(findings) + 1


def test_a_place_that_a_line_names_is_not_named_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "body.json").write_text('{"type": "t", "errorCode": "1", "title": "t", "status": 401}')
    _, out, _ = run(capsys, "response", "--operation", "GET /me", "--status", 401, tmp_path / "body.json", "-v")
    assert out.count("GET /me") == 1


def test_against_compares_two_documents(same: Path, changed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "spec", same, "--against", changed)
    assert status == 1
    assert "response-optional-property-removed" in out
    assert run(capsys, "spec", changed, "--against", changed)[0] == 0


def test_another_api_s_document_is_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "other.json").write_text('{"openapi": "3.1.0", "paths": {"/payments": {"post": {}}}}')
    status, out, err = run(capsys, "spec", tmp_path / "other.json")
    assert (status, out, len(err.splitlines())) == (2, "", 1)


def test_a_baseline_is_written_reviewed_and_used(
    changed: Path, same: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    baseline = tmp_path / "drift.toml"
    status, out, _ = run(capsys, "spec", changed, "--baseline", baseline, "--update-baseline")
    assert (status, "say why" in baseline.read_text()) == (0, True)
    assert "new" in out
    status, out, err = run(capsys, "spec", changed, "--baseline", baseline)
    assert (status, "accepted by the baseline" in out) == (0, True)
    assert "is still to be written" in err
    baseline.write_text(baseline.read_text().replace("say why", "agreed"))
    assert run(capsys, "spec", changed, "--baseline", baseline)[2] == ""
    assert run(capsys, "spec", changed, "--baseline", baseline, "--format", "json")[:2] == (0, "[]\n")
    # fixed: the entries are reported, and do not fail
    status, _, err = run(capsys, "spec", same, "--baseline", baseline)
    assert (status, "not found any more" in err) == (0, True)
    # a finding beside the accepted ones fails
    text = baseline.read_text()
    baseline.write_text(text.replace('"/_links/port"', '"/elsewhere"'))
    assert run(capsys, "spec", changed, "--baseline", baseline)[0] == 1


def test_a_command_that_finds_something_says_how_to_accept_it(
    changed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    _, _, err = run(capsys, "spec", changed)
    (line,) = err.splitlines()
    command = shlex.split(line.removeprefix("to accept it: "), comments=True)
    assert command[0] == "adyen-creds"
    assert main(command[1:]) == 0
    capsys.readouterr()
    baseline = command[command.index("--baseline") + 1]
    assert run(capsys, "spec", changed, "--baseline", baseline)[0] == 0
    text = Path(baseline).read_text()
    Path(baseline).write_text(text[: text.rindex("[[accepted]]")])
    assert run(capsys, "spec", changed, "--baseline", baseline)[2].count("--baseline") == 1
    assert run(capsys, "spec", changed, "--format", "json")[2] == ""


def test_one_entry_is_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    body = load_contract().example("GET /me", 200) | {"loyaltyTier": "gold"}
    (tmp_path / "me.json").write_text(json.dumps(body))
    judged = ("response", "--operation", "GET /me", "--status", 200, tmp_path / "me.json")
    baseline = tmp_path / "drift.toml"
    assert ": 1 entry, 1 new, " in run(capsys, *judged, "--baseline", baseline, "--update-baseline")[1]
    _, _, err = run(capsys, *judged, "--baseline", baseline)
    assert err.startswith("warning: the reason of 1 entry of the baseline is still to be written")
    assert "/loyaltyTier" in err


@pytest.mark.parametrize(("day", "status"), [(date.today() + DAY, 0), (date.today() - DAY, 1)])
def test_an_expired_entry_fails(
    changed: Path, tmp_path: Path, day: date, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    baseline = tmp_path / "drift.toml"
    baseline.write_text(f'[[accepted]]\nid = "response-optional-property-added"\nreason = "r"\nexpires = {day}\n')
    found, _, err = run(capsys, "spec", changed, "--baseline", baseline)
    assert (found, "expired on" in err) == (status, status == 1)


def test_one_captured_body(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    body = {"type": "t", "errorCode": "1", "title": "t", "detail": "d", "status": 401}
    path = tmp_path / "body.json"
    path.write_text(json.dumps(body))
    response = ("response", "--operation", "get  /me", "--status", 401)
    assert run(capsys, *response, path)[0] == 0
    path.write_text(json.dumps({**body, "bad\x1b[31m": 1}))
    status, out, _ = run(capsys, *response, path, "-v")
    assert status == 1
    assert "response-undocumented-property" in out
    assert "\x1b" not in out
    path.write_bytes(b"<html>")
    status, out, _ = run(capsys, *response, path, "--format", "json")
    assert (status, json.loads(out)[0]["id"]) == (1, "response-undocumented-media-type")
    status, out, _ = run(capsys, *response, path, "--content-type", "application/json", "--format", "json")
    assert (status, json.loads(out)[0]["id"]) == (1, "response-body-not-json")


def test_an_empty_body_is_right_where_none_is_documented(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "none").write_bytes(b"")
    label = "DELETE /me/allowedOrigins/{originId}"
    assert run(capsys, "response", "--operation", label, "--status", 204, tmp_path / "none")[0] == 0
    me = ("response", "--operation", "GET /me", "--status", 200, tmp_path / "none")
    status, out, _ = run(capsys, *me, "--content-type", "", "--format", "json")
    assert (status, json.loads(out)[0]["id"]) == (1, "response-body-missing")


@pytest.mark.parametrize("content", [b"", b"{nope: [", b'{"a": "\xff\xfe"}', b"[" * 100_000])
def test_what_is_no_body_is_a_bad_file_until_its_media_type_is_told(
    tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "body").write_bytes(content)
    me = ("response", "--operation", "GET /me", "--status", 200, tmp_path / "body")
    status, out, err = run(capsys, *me)
    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert "--content-type" in err
    assert run(capsys, *me, "--content-type", "application/json")[0] == 1


def test_recordings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cassette = tmp_path / "a.yaml"
    cassette.write_text(
        "version: 1\ninteractions: [{request: {method: GET, uri: 'https://management-test.adyen.com/v3/me'},"
        " response: {status: {code: 418, message: ''}, headers: {}, body: {string: ''}}}]"
    )
    status, out, _ = run(capsys, "cassettes", tmp_path)
    assert status == 1
    assert "response-undocumented-status" in out
    assert "1 answer in 1 cassette" in out


@pytest.mark.parametrize(
    "arguments",
    [
        ["spec", "http://example.com/x.json"],
        ["spec", "-", "--against", "-"],
        ["spec", "{same}", "--update-baseline"],
        ["spec", "{same}", "--baseline", "missing.toml"],
        ["spec", "{same}", "--api-version", "v9"],
        ["response", "--operation", "GET /nothing", "--status", "200", "{same}"],
        ["response", "--operation", "GET /me", "--status", "9", "{same}"],
        ["response", "--status", "200", "{same}"],
        ["cassettes", "missing"],
    ],
)
def test_what_cannot_run_is_one_line_and_status_2(
    arguments: list[str], same: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = run(capsys, *(argument.replace("{same}", str(same)) for argument in arguments))
    assert (status, out, len(err.splitlines())) == (2, "", 1)


def test_a_name_in_a_document_cannot_steer_the_terminal(same: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(same.read_text())
    document["components"]["schemas"]["MeApiCredential"]["properties"]["\x1b[2J\u202e"] = {}
    same.write_text(json.dumps(document))
    status, out, _ = run(capsys, "spec", same, "-v")
    assert status == 1
    assert "\\x1b[2J\\u202e" in out
    assert not set(out) & {"\x1b", "\u202e"}
