"""SARIF: what code scanning reads of cassettes check, of drift, and of a report."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from pytest_adyen_creds.cli import main
from pytest_adyen_creds.project import DOCUMENTATION
from pytest_adyen_creds.sarif import SarifResult, to_sarif
from pytest_adyen_creds.secrets import Secret

pytestmark = pytest.mark.usefixtures("own_secrets")

KEY = "AQE" + "a1B2c3D4e5F6g7H8i9J0" * 2
ROOT = Path(__file__).resolve().parents[2]
SCHEMA = os.environ.get("SARIF_SCHEMA")
"""A file with OASIS' JSON Schema of SARIF 2.1.0, where one is at hand: npm's @microsoft/jest-sarif has it."""


def sound(text: str) -> dict[str, Any]:
    """Return the one run of a log; assert what the standard and GitHub ask for."""
    log = json.loads(text)
    if SCHEMA:
        import jsonschema

        jsonschema.validate(log, json.loads(Path(SCHEMA).read_text()))
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-2.1.0.json")
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == sorted({rule["id"] for rule in rules})
    for rule in rules:
        assert rule["shortDescription"]["text"]
        page = "docs/" + rule["helpUri"].removeprefix(DOCUMENTATION).partition("#")[0].replace(".html", ".md")
        assert page.endswith(".md")
    prints = [result["partialFingerprints"]["adyenCreds/v1"] for result in run["results"]]
    assert len(prints) == len(set(prints))
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note")
        assert result["message"]["text"]
        (location,) = result["locations"]
        artifact = location["physicalLocation"]["artifactLocation"]
        assert artifact["uri"]
        assert ("uriBaseId" in artifact) == ("://" not in artifact["uri"])
        assert not artifact["uri"].startswith(("/", ".."))
    return run


def uris(run: dict[str, Any]) -> set[str]:
    return {each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for each in run["results"]}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose project is in a folder of it, with a cassette that holds a key."""
    (tmp_path / ".git").mkdir()
    folder = tmp_path / "shop"
    cassette = folder / "tests" / "cassettes" / "test_shop" / "test me.yaml"
    cassette.parent.mkdir(parents=True)
    text = (ROOT / "cassettes" / "management" / "v3" / "get-me.yaml").read_text()
    cassette.write_text(text.replace("AQEPSEUDONYM" + text.split("AQEPSEUDONYM")[1].split("\n")[0], KEY, 1))
    (folder / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    monkeypatch.chdir(folder)
    return folder


def test_cassettes_check(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cassettes", "check", "tests", "--format=sarif"]) == 1
    text = capsys.readouterr().out
    assert KEY not in text
    run = sound(text)
    assert uris(run) == {"shop/tests/cassettes/test_shop/test%20me.yaml"}, "from the root of the repository on"
    assert {(each["ruleId"], each["level"]) for each in run["results"]} == {("cassette-secret", "error")}
    (line,) = (
        each["locations"][0]["physicalLocation"]["region"]["startLine"]
        for each in run["results"]
        if "region" in each["locations"][0]["physicalLocation"]
    )
    assert KEY in (project / "tests/cassettes/test_shop/test me.yaml").read_text().splitlines()[line - 1]


def test_fingerprints_outlive_other_lines(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def prints() -> list[str]:
        assert main(["cassettes", "check", "tests", "--format=sarif"]) == 1
        run = sound(capsys.readouterr().out)
        return [each["partialFingerprints"]["adyenCreds/v1"] for each in run["results"]]

    before = prints()
    (path,) = project.rglob("*.yaml")
    path.write_text("# a line more\n" + path.read_text())
    assert prints() == before


@pytest.mark.slow("all recordings of a version")
def test_cassettes_without_fault(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cassettes", "check", str(ROOT / "cassettes" / "management" / "v1"), "--format=sarif"]) == 0
    assert sound(capsys.readouterr().out)["results"] == []


def test_drift_in_an_answer(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "me.json").write_text(json.dumps({"id": "S2-1", "odd": KEY}))
    words = ["drift", "response", "--operation", "GET /me", "--status", "200", "--format=sarif"]
    assert main([*words, "me.json"]) == 1
    text = capsys.readouterr().out
    assert KEY not in text
    run = sound(text)
    assert uris(run) == {"shop/me.json"}
    levels = {each["ruleId"]: each["level"] for each in run["results"]}
    assert levels["response-required-property-missing"] == "error"
    assert "GET /me -> 200" in run["results"][0]["locations"][0]["logicalLocations"][0]["fullyQualifiedName"]


def test_drift_in_recordings_names_each_cassette(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (path,) = project.rglob("*.yaml")
    path.write_text(path.read_text().replace('"username"', '"userName"'))
    (path.parent / "other.yaml").write_text(path.read_text())
    assert main(["drift", "cassettes", "tests", "--format=sarif"]) == 1
    folder = "shop/tests/cassettes/test_shop"
    assert uris(sound(capsys.readouterr().out)) == {f"{folder}/test%20me.yaml", f"{folder}/other.yaml"}


def test_drift_in_a_specification(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["contract", "export"]) == 0
    document = json.loads(capsys.readouterr().out)
    (project / "old.json").write_text(json.dumps(document))
    del document["paths"]["/me"]
    (project / "new.json").write_text(json.dumps(document))
    assert main(["drift", "spec", "new.json", "--against", "old.json", "--format=sarif"]) == 1
    run = sound(capsys.readouterr().out)
    assert uris(run) == {"shop/new.json"}
    assert run["tool"]["driver"]["rules"][0]["shortDescription"]["text"]


def test_a_report(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_shop="""
        def test_drifts(adyen_client, adyen_sandbox):
            adyen_sandbox.faults.violate("extra-field", operation="GET /me", optional=True)
            adyen_client.get("/me")
        """
    )
    pytester.runpytest("--adyen-report=run.sarif", "--adyen-report=run.json").assert_outcomes(passed=1)
    run = sound((pytester.path / "run.sarif").read_text())
    assert len(run["results"]) == len(json.loads((pytester.path / "run.json").read_text())["findings"])


def test_a_run_from_a_folder_below_names_the_same_files(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makeini("[pytest]")
    tests = pytester.mkdir("tests")
    (tests / "test_shop.py").write_text(
        "def test_drifts(adyen_contract, adyen_client, adyen_drift):\n    adyen_client.get('/me')\n"
    )
    pytester.mkdir(".git")
    monkeypatch.chdir(tests)
    pytester.runpytest("--adyen-strict", "--adyen-report=run.sarif").assert_outcomes(passed=1)
    run = sound((tests / "run.sarif").read_text())
    assert run["results"]
    assert uris(run) == {"tests/test_shop.py"}


def test_the_parts_of_a_report(full_report: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pytest_adyen_creds.reports.sarif import sarif_of

    monkeypatch.chdir(tmp_path)
    (tmp_path / "test_shop.py").touch()
    verdict = {"test": "test_shop.py::test_me", "id": "GET /me 200 x", "mutation": "a role more", "where": ""}
    verdict |= {
        "verdict": "broke",
        "error": "ValueError",
        "finding": "rehearsal-broke",
        "accepted": "",
        "next_step": "",
    }
    recording = {"path": "test_shop.py", "stale": ["it was recorded 90 days ago"]}
    report = {**full_report, "rehearsal": [verdict, {**verdict, "where": "test_shop.py:17"}], "recordings": [recording]}
    run = sound(sarif_of(report))
    rules = {each["ruleId"] for each in run["results"]}
    assert {"a_check", "rehearsal-broke", "cassette-stale"} < rules
    lines = [
        each["locations"][0]["physicalLocation"].get("region", {}).get("startLine")
        for each in run["results"]
        if each["ruleId"] == "rehearsal-broke"
    ]
    assert lines == [None, 17]
    assert len(run["results"]) == len(report["findings"]) + len(report["failures"]) + 3


def test_secrets_are_masked_and_text_is_text() -> None:
    secret = Secret("kept-out-of-sarif-12345").reveal()
    text = to_sarif([SarifResult("a-rule", "note", f"{secret}\x1b[31m", f"is {secret}", place=secret)], Path.cwd())
    assert secret not in text
    assert "\\u001b" not in text
    sound(text)


def test_a_fingerprint_forgets_numbers_and_tells_twins_apart() -> None:
    twins = [SarifResult("a-rule", "note", f"{days} days old", path="a.yaml") for days in (1, 2)]
    first, second = sound(to_sarif(twins, Path.cwd()))["results"]
    again = sound(to_sarif(twins[1:], Path.cwd()))["results"][0]
    assert first["partialFingerprints"] == again["partialFingerprints"] != second["partialFingerprints"]


def test_what_has_no_file_stands_at_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "tox.ini").touch()
    assert uris(sound(to_sarif([SarifResult("a-rule", "note", "m")], tmp_path))) == {"tox.ini"}
    outside = to_sarif([SarifResult("a-rule", "note", "m", path="https://a.example/x y.json")], tmp_path)
    assert uris(sound(outside)) == {"https://a.example/x%20y.json"}
