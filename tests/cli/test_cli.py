"""``adyen-creds``: exit statuses, and one line for every mistake."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import counts
import pytest

from pytest_adyen_creds.cli import main


def error(body: dict[str, object] | None = None) -> dict[str, object]:
    return {"type": "t", "errorCode": "00_403", "title": "t", "detail": "d", "status": 403} | (body or {})


@pytest.fixture
def body(tmp_path: Path) -> Path:
    path = tmp_path / "body.json"
    path.write_text(json.dumps(error()))
    return path


@pytest.mark.slow("a process of its own: runs the whole suite")
def test_check_passes_offline(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "pytest_adyen_creds.cli", "check"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert f"{counts.pairs()} of {counts.pairs()} documented (operation, status) pairs covered" in ran.stdout
    assert "recordings of the embedded sandbox, not of Adyen" in ran.stdout


def test_check_fails_without_cassettes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--cassettes", str(tmp_path)]) == 2
    assert "no such cassette; record it with" in capsys.readouterr().err


def test_contract_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["contract", "list"]) == 0
    assert capsys.readouterr().out.rstrip().endswith(f"\n{counts.operations()} operations")


def test_contract_lint_finds_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["contract", "lint"]) == 0
    assert capsys.readouterr().out == "v1, v3: no problems\n"


def test_contract_lint_finds_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "v3" / "structures"
    folder.mkdir(parents=True)
    (tmp_path / "v3" / "openapi.yaml").write_text("openapi: 3.1.0\npaths: {}\n")
    bad = {"$schema": "https://json-structure.org/meta/core/v0/#", "$id": "x://y/Bad", "name": "Bad", "type": "object"}
    (folder / "Bad.struct.json").write_text(json.dumps(bad | {"properties": {"a": {"$ref": "#/components/schemas/A"}}}))
    assert main(["contract", "lint", str(tmp_path)]) == 1
    out = capsys.readouterr().out
    assert "'$ref' is only permitted inside the 'type' attribute" in out
    assert "#/properties/a: a schema must say its type" in out


@pytest.mark.parametrize("form", ["openapi", "json-schema", "json-structure"])
def test_contract_export(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["contract", "export", "--format", form]) == 0
    exported = json.loads(capsys.readouterr().out)
    assert len(exported["components"]["schemas"] if form == "openapi" else exported) == counts.structures()


def test_contract_validate(body: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["contract", "validate", "RestServiceError", str(body)]) == 0
    body.write_text(json.dumps(error({"status": "403", "extra": 1})))
    assert main(["contract", "validate", "RestServiceError", str(body)]) == 1
    out = capsys.readouterr().out
    assert '/status must be an integer; found a string of 3 characters: "403"' in out
    assert "/extra is not in the contract; found 1" in out
    assert main(["contract", "validate", "--format", "json", "RestServiceError", str(body)]) == 1
    assert {each["pointer"] for each in json.loads(capsys.readouterr().out)} == {"/status", "/extra"}


def test_contract_validate_names_each_place(
    published: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    captured = published / "observed" / "get-me.200.json"
    assert main(["contract", "validate", "MeApiCredential", str(captured)]) == 0
    good = json.loads(captured.read_text())
    file = tmp_path / "me.json"
    for change, place in (
        ({**good, "apiKey": "AQEsomething"}, "/apiKey is not in the contract"),
        ({key: value for key, value in good.items() if key != "id"}, "/id is required and missing"),
        ({**good, "description": "d" * 51}, "/description must be at most 50 characters long"),
        ({**good, "active": "true"}, "/active must be a boolean"),
    ):
        file.write_text(json.dumps(change))
        capsys.readouterr()
        assert main(["contract", "validate", "MeApiCredential", str(file)]) == 1
        out = capsys.readouterr().out
        assert place in out
        assert "AQEsomething" not in out


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("x", 'a string of 1 character: "x"'),
        ("", 'a string of 0 characters: ""'),
        ([None], "an array of 1 item"),
        ({"a": 1}, "an object with 1 property"),
        ({}, "an object with 0 properties"),
    ],
)
def test_what_was_found_is_counted_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], value: object, found: str
) -> None:
    file = tmp_path / "error.json"
    file.write_text(json.dumps({"status": value}))
    assert main(["contract", "validate", "RestServiceError", str(file)]) == 1
    assert f"/status must be an integer; found {found}\n" in capsys.readouterr().out


def write_bad(folder: Path, kind: str) -> Path:
    path = folder / "bad"
    match kind:
        case "directory":
            path.mkdir()
        case "empty":
            path.write_bytes(b"")
        case "not JSON":
            path.write_bytes(b"{nope: [")
        case "50 MB":
            with path.open("wb") as file:
                file.truncate(50 * 1024 * 1024)
        case "invalid UTF-8":
            path.write_bytes(b'{"a": "\xff\xfe"}')
        case "deeply nested":
            path.write_bytes(b"[" * 100_000 + b"]" * 100_000)
        case "deep TOML":
            path.write_bytes(b"a = " + b"[" * 100_000 + b"]" * 100_000)
        case "deep YAML":
            path.write_bytes(b"a: " + b"[" * 100_000)
    return path


CASSETTES = Path(__file__).parents[2] / "cassettes"

READERS = {
    "contract validate": ["contract", "validate", "MeApiCredential", "{}"],
    "contract lint": ["contract", "lint", "{}"],
    "contract export": ["contract", "export", "--contracts", "{}"],
    "contract list": ["contract", "list", "--contracts", "{}"],
    "check --contracts": ["check", "--contracts", "{}"],
    "check --cassettes": ["check", "--cassettes", "{}"],
    "drift spec": ["drift", "spec", "{}"],
    "drift spec --against": ["drift", "spec", "--against", "{}", "{}"],
    "drift response": ["drift", "response", "--operation", "GET /me", "--status", "200", "{}"],
    "drift --baseline": ["drift", "cassettes", "--baseline", "{}", str(CASSETTES)],
    "check --baseline": ["check", "--baseline", "{}"],
    "sandbox serve --api-key-file": ["sandbox", "serve", "--api-key-file", "{}"],
    "drift cassettes": ["drift", "cassettes", "{}"],
    "cassettes check": ["cassettes", "check", "{}"],
    "cassettes scrub": ["cassettes", "scrub", "{}"],
}


TAKE_A_DIRECTORY = ("drift cassettes", "check --cassettes", "cassettes check", "cassettes scrub")


@pytest.mark.parametrize(
    "kind",
    ["missing", "empty", "not JSON", "50 MB", "directory", "invalid UTF-8", "deeply nested", "deep TOML", "deep YAML"],
)
@pytest.mark.parametrize("command", READERS)
def test_a_bad_file_is_one_line_and_status_2(
    command: str, kind: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    if kind == "directory" and command in TAKE_A_DIRECTORY:
        pytest.skip("a directory is what it takes")
    if kind == "missing" and command == "sandbox serve --api-key-file":
        pytest.skip("a missing key file is made")
    path = write_bad(tmp_path, kind)
    assert main([part.replace("{}", str(path)) for part in READERS[command]]) == 2
    out, err = capfd.readouterr()
    assert len(err.splitlines()) == 1, err
    assert err.startswith("adyen-creds: ")
    assert "Traceback" not in out + err


@pytest.mark.parametrize(
    "arguments",
    [
        ["frobnicate"],
        ["contract"],
        ["contract", "frobnicate"],
        ["contract", "validate"],
        ["contract", "validate", "NoSuchThing", "-"],
        ["contract", "export", "--name", "MeApiCredential"],
        ["contract", "export", "--format", "json-schema", "--name", "NoSuchThing"],
        ["contract", "export", "--format", "xml"],
        ["contract", "list", "--api-version", "v2"],
        ["--nonsense"],
    ],
)
def test_bad_usage_is_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["sandbox"], ["contract"]], ids=" ".join)
def test_a_group_alone_shows_its_help(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert main([*arguments, "--help"]) == 0
    assert (out, err) == ("", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["chek"], "No such command 'chek'. Did you mean 'check'? See 'adyen-creds --help'"),
        (["frobnicate"], "No such command 'frobnicate'; see 'adyen-creds --help'"),
        (["contract", "frobnicate"], "No such command 'frobnicate'; see 'adyen-creds contract --help'"),
    ],
)
def test_a_mistyped_command(arguments: list[str], line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err == f"adyen-creds: {line}\n"


def test_a_reader_that_is_gone_is_no_error() -> None:
    command = [sys.executable, "-m", "pytest_adyen_creds.cli", "--help"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout
        assert running.stderr
        running.stdout.close()
        assert running.stderr.read() == ""
        assert running.wait(timeout=60) == 141


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("adyen-creds ", {"check", "cassettes", "contract", "drift", "doctor", "init", "roles", "sandbox", "sweep"}),
        ("adyen-creds drift ", {"cassettes", "ids", "response", "spec"}),
        ("adyen-creds contract validate Me", {"MeApiCredential"}),
        ("adyen-creds contract export --format json-", {"json-schema", "json-structure"}),
    ],
)
def test_the_shell_completes_commands_and_structures(
    words: str, offered: set[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    *before, _ = words.split(" ")
    for name, value in {
        "_ADYEN_CREDS_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(before)),
    }.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 0
    assert {line.removeprefix("plain,") for line in capsys.readouterr().out.splitlines()} == offered


def test_the_help_says_how_to_complete(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert 'eval "$(_ADYEN_CREDS_COMPLETE=bash_source adyen-creds)"' in capsys.readouterr().out
