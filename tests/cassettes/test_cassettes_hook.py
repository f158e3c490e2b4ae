"""The hook for pre-commit: its entry takes the files that pre-commit hands it, and pre-commit runs it."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pytest_adyen_creds.cli import main

ROOT = Path(__file__).resolve().parents[2]
(HOOK,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
SECRET = "AQEnopseudonymatallinthisrecording00"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "shop"
    shutil.copytree(ROOT / "cassettes" / "management" / "v1", folder / "tests" / "cassettes")
    (folder / "other.yaml").write_text(f"key: {SECRET}\n")
    (folder / "settings.json").write_text(f'{{"key": "{SECRET}"}}\n')
    (folder / "shop.py").write_text(f"KEY = '{SECRET}'\n")
    (folder / "LICENSE").write_text("MIT\n")
    monkeypatch.chdir(folder)
    return folder


def spoil(project: Path) -> Path:
    path = project / "tests" / "cassettes" / "get-me.yaml"
    path.write_text(re.sub("AQEPSEUDONYM0+1$", SECRET, path.read_text(), flags=re.MULTILINE))
    return path


def handed(project: Path) -> list[str]:
    names = sorted(path.relative_to(project).as_posix() for path in project.rglob("*") if path.is_file())
    return [name for name in names if re.search(HOOK["files"], name)]


@pytest.mark.slow("all recordings of a version")
@pytest.mark.usefixtures("own_secrets")
def test_the_entry_takes_the_files_that_change(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program, *words = shlex.split(HOOK["entry"])
    assert program == "adyen-creds"
    assert {"other.yaml", "settings.json", "LICENSE", "tests/cassettes/get-me.yaml"} < set(handed(project))
    assert "shop.py" not in handed(project)
    assert main([*words, *handed(project)]) == 0
    cassettes = len(list((project / "tests" / "cassettes").glob("*.yaml")))
    assert f"{cassettes} cassettes, 0 problems" in capsys.readouterr().out
    spoil(project)
    assert main([*words, *handed(project)]) == 1
    assert "get-me.yaml" in capsys.readouterr().out


@pytest.mark.usefixtures("own_secrets")
@pytest.mark.parametrize(
    "name",
    [
        *("tests/cassettes/test_me", "tests/cassettes/a.json", "fixtures/vcr_cassettes/a.yml", "fixtures/vcr/a.yaml"),
        *("tests/test_me", "tests/test_me.json", "tests/cassettes/test_me[1.5]", "a.yaml", "test_me"),
    ],
)
def test_the_entry_finds_a_recording_wherever_vcrpy_writes_it(
    project: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = project / name
    path.parent.mkdir(parents=True, exist_ok=True)
    headers, response = {"x-api-key": [SECRET]}, {"status": {"code": 200, "message": "OK"}, "body": {"string": ""}}
    request = {"method": "GET", "uri": "https://management-test.adyen.com/v3/me", "body": None, "headers": headers}
    recorded = {"version": 1, "interactions": [{"request": request, "response": response}]}
    path.write_text(json.dumps(recorded) if path.suffix == ".json" else yaml.safe_dump(recorded))
    assert name in handed(project)
    assert main([*shlex.split(HOOK["entry"])[1:], name]) == 1
    assert f"{name}, " in capsys.readouterr().out


def test_a_commit_without_recordings_passes(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = shlex.split(HOOK["entry"])[1:]
    assert main([*words, "other.yaml", "LICENSE"]) == 0
    assert capsys.readouterr().out == "0 cassettes, 0 problems\n"
    assert main([word for word in words if word != "--if-any"] + ["other.yaml"]) == 2
    assert "is not a cassette" in capsys.readouterr().err


@pytest.mark.slow("installs the package in an environment of its own")
def test_pre_commit_runs_it(project: Path, tmp_path: Path) -> None:
    pytest.importorskip("pre_commit")
    environment = {**os.environ, "PRE_COMMIT_HOME": str(tmp_path / "pre-commit")}
    environment |= {f"GIT_{who}_{what}": "a@a.example" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(words, check=False, env=environment, capture_output=True, text=True)

    source = tmp_path / "source"  # as it is in the working tree, committed or not
    listed = run("git", "-C", str(ROOT), "ls-files", "-coz", "--exclude-standard").stdout.split("\0")
    for name in filter(None, listed):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, source / name)
    for folder in (source, project):
        for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "all"]):
            assert run("git", "-C", str(folder), *words).returncode == 0
    try_it = [sys.executable, "-m", "pre_commit", "try-repo", str(source), HOOK["id"], "--all-files", "--verbose"]
    clean = run(*try_it)
    assert clean.returncode == 0, clean.stdout + clean.stderr
    assert re.search(r"\d+ cassettes, 0 problems", clean.stdout)
    spoil(project)
    found = run(*try_it)
    assert found.returncode == 1
    assert "get-me.yaml" in found.stdout
    assert SECRET not in found.stdout
