"""``adyen-creds roles``: reports merged, wrong files, exit statuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from roles_suites import API_CREDENTIALS, READ, USERS, WRITE, Runs, seen

from pytest_adyen_creds.cli import main
from pytest_adyen_creds.roles.observed import Need
from pytest_adyen_creds.secrets import Secret

DEMANDS = {"GET /stores": {"one": [READ, WRITE]}, "POST /stores": {"all": [WRITE]}, "GET /users": {"all": [USERS]}}

Write = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a report, and return its path."""

    def write(name: str, calls: list[tuple[str, str, str]], **more: Any) -> str:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"roles": Need(seen(calls, demands=DEMANDS, **more)).to_json()}), "utf-8")
        return str(path)

    return write


def test_two_runs_that_took_different_paths(write: Write, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    granted = {"c": [READ, WRITE, USERS]}
    monday = write("monday.json", [("t", "c", "GET /stores")], granted=granted)
    tuesday = write("tuesday.json", [("t", "c", "POST /stores"), ("u", "c", "GET /users")], granted=granted)
    assert main(["roles", "merge", monday]) == 1  # two of the roles are granted for nothing in that run
    assert f"unused   c: {WRITE}, {USERS}\n" in capsys.readouterr().out
    assert main(["roles", "merge", monday, tuesday, "-v"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        f"needed   {WRITE}  GET /stores, POST /stores; 1 test; shown by monday.json, tuesday.json",
        f"needed   {USERS.ljust(len(WRITE))}  GET /users; 1 test; shown by tuesday.json",
        f"unused   c: {READ}",
        f"test     t: {WRITE}",
        f"test     u: {USERS}",
        "2 roles needed by 2 tests, 1 granted for nothing, 0 refusals",
    ]
    assert main(["roles", "merge", "--format", "json", monday, tuesday]) == 1
    merged = tmp_path / "merged.json"
    merged.write_text(capsys.readouterr().out, "utf-8")
    found = json.loads(merged.read_text())
    assert found["needed"] == [WRITE, USERS]
    assert found["runs"] == {"monday.json": [WRITE], "tuesday.json": [WRITE, USERS]}
    # what was merged merges again, and the runs keep their names
    wednesday = write("wednesday.json", [("w", "c", "GET /stores")], granted=granted)
    assert main(["roles", "merge", "--format", "json", str(merged), wednesday]) == 1
    again = json.loads(capsys.readouterr().out)
    assert again["needed"] == found["needed"]
    assert again["runs"] == {**found["runs"], "wednesday.json": [WRITE]}


def test_files_of_one_name_are_called_by_their_paths(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [write(f"{day}/roles.json", [("t", "c", "GET /users")]) for day in ("one", "two")]
    assert main(["roles", "merge", *paths]) == 0
    assert f"shown by {paths[0]}, {paths[1]}" in capsys.readouterr().out


def test_a_set_without_a_role_for_nothing_is_status_0(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    path = write("one.json", [("t", "c", "GET /users")], granted={"c": [USERS]})
    assert main(["roles", "merge", path]) == 0
    assert capsys.readouterr().out.endswith("1 role needed by 1 test, 0 granted for nothing, 0 refusals\n")


CALL = {"test": "a", "credential": "c", "operation": "GET /me", "refused": False, "count": 1}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "file.json"),
        ("", "is empty"),
        ("{", "JSON"),
        ("[]", "says nothing of roles; write it with pytest --adyen-roles --adyen-report FILE.json"),
        ("{}", "says nothing of roles"),
        ('{"roles": null}', "says nothing of roles"),
        ('{"roles": {}}', "what a run saw of roles is an object with 'calls', 'demands', 'granted' and 'unknown'"),
        ('{"roles": {"calls": [{}], "demands": {}, "granted": {}, "unknown": []}}', "incomplete"),
        (json.dumps({"calls": [{**CALL, "test": 1}], "demands": {}, "granted": {}, "unknown": []}), "of another kind"),
        (json.dumps({"calls": [CALL], "demands": {"x": 1}, "granted": {}, "unknown": []}), "of another kind"),
    ],
)
def test_a_wrong_file_is_said_with_its_name(
    write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | None, words: str
) -> None:
    path = tmp_path / "file.json"
    if text is not None:
        path.write_text(text, "utf-8")
    right = write("right.json", [("t", "c", "GET /users")])
    assert main(["roles", "merge", right, str(path)]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert words in output.err
    assert output.err.count("file.json") == 1
    assert "Traceback" not in output.err


def test_no_file_is_wrong_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["roles", "merge"]) == 2
    assert "FILES" in capsys.readouterr().err


def test_hostile_texts_and_secrets_of_a_file(
    write: Write, capsys: pytest.CaptureFixture[str], own_secrets: None
) -> None:
    canary = "AQEcanaryOfRoles0043/InAReport"
    Secret(canary)
    path = write("x.json", [(f"t\x1b[31m {canary}", f"c\r{canary}", "GET /users")], granted={f"c\r{canary}": [USERS]})
    assert main(["roles", "merge", "-v", path]) == 0
    text = capsys.readouterr().out
    assert canary not in text
    assert not {"\x1b", "\r"} & set(text)
    assert main(["roles", "merge", "--format", "json", path]) == 0
    text = capsys.readouterr().out
    assert canary not in text
    assert json.loads(text)["needed"] == [USERS]


@pytest.mark.slow("several runs of pytest")
def test_a_report_of_a_run_is_merged(runs: Runs, capsys: pytest.CaptureFixture[str]) -> None:
    runs.pytester.makepyfile("def test_it(adyen_client): adyen_client.get('/companies/TestCompany/apiCredentials')")
    assert runs().ret == 0
    capsys.readouterr()
    path = str(runs.pytester.path / "roles.json")
    assert main(["roles", "merge", path, path]) == 0
    assert f"needed   {API_CREDENTIALS}  GET /companies/{{companyId}}/apiCredentials; 1 test" in capsys.readouterr().out


def test_a_proof_that_cannot_be_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from pytest_adyen_creds.roles import proof

    monkeypatch.setattr(proof, "run_pytest", lambda arguments: proof.Ran(1, ("test_a",)))
    assert main(["roles", "prove", "tests"]) == 2
    assert "does not pass in the sandbox as it is (status 1)" in capsys.readouterr().err
