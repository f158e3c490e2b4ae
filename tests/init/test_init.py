"""``adyen-creds init``: it shows what it writes, leaves what is there, and what it writes is green at once."""

from __future__ import annotations

import io
import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from pytest_adyen_creds.cli import main
from pytest_adyen_creds.project import REPOSITORY, __version__
from pytest_adyen_creds.settings import ini_options

ROOT = Path(__file__).resolve().parents[2]
ALL = [".github/workflows/adyen.yml", ".pre-commit-config.yaml", "pytest.ini", "tests/test_adyen_credential.py"]
WANTED = {"adyen_drift": "fail-breaking", "adyen_cassette_max_age": "180"}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    return tmp_path


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def test_an_empty_project_is_green_at_once(pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "--write"]) == 0
    assert sorted(files(pytester.path)) == ALL
    pytester.runpytest().assert_outcomes(passed=2)
    assert ini_options(pytester.path)[0] == WANTED
    capsys.readouterr()
    before = files(pytester.path)
    assert main(["init", "--write"]) == 0
    assert capsys.readouterr().out == "nothing to do: it is all there\n"
    assert files(pytester.path) == before


def test_it_is_shown_and_not_written(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init"]) == 0
    said = capsys.readouterr().out
    assert files(project) == {}
    for name in ALL:
        assert f"--- /dev/null\n+++ {name}\n" in said
    assert "+adyen_drift = fail-breaking\n" in said
    assert said.endswith("nothing was written; --write does\n")


@pytest.mark.parametrize(("answer", "written"), [("y\n", True), ("n\n", False), ("\n", False)])
def test_at_a_terminal_it_asks(project: Path, monkeypatch: pytest.MonkeyPatch, answer: str, written: bool) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    assert main(["init"]) == 0
    assert bool(files(project)) == written


CONFIGURATIONS = {
    "pytest.ini": "# mine\n[pytest]  # here\naddopts = -q\n",
    ".pytest.ini": "",
    "tox.ini": "[tox]\nenvlist = py\n\n[pytest]\naddopts =\n    -q\n",
    "setup.cfg": "[metadata]\nname = shop\n[tool:pytest]",
    "pyproject.toml": '[tool.pytest.ini_options]\naddopts = "-q"  # quiet\n\n[tool.ruff]\nline-length = 99\n',
    "pytest.toml": '[pytest]\naddopts = ["-q"]\n',
}


@pytest.mark.parametrize("name", CONFIGURATIONS)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_options_go_where_pytest_reads_them(project: Path, name: str, end: str) -> None:
    text = CONFIGURATIONS[name].replace("\n", end)
    (project / name).write_bytes(text.encode())
    assert main(["init", "--write", "--ci=none", "--no-hook"]) == 0
    assert set(files(project)) == {name, "tests/test_adyen_credential.py"}
    assert ini_options(project)[0] == WANTED
    after = (project / name).read_bytes().decode()
    left = "".join(line for line in after.splitlines(keepends=True) if not line.startswith("adyen_"))
    assert left.rstrip() == (text or "[pytest]").rstrip(), "comments, order and line ends are as they were"
    assert "\n" not in after.replace("\r\n", "") or end == "\n" or not text


def test_a_project_without_options_gets_a_table_of_its_own(project: Path) -> None:
    text = '# the shop\n[project]\nname = "shop"\nversion = "1"'
    (project / "pyproject.toml").write_text(text)
    (project / "tox.ini").write_text("[tox]\n")
    (project / "requirements.txt").touch()
    assert main(["init", "--write"]) == 0
    after = (project / "pyproject.toml").read_text()
    assert after.startswith(f"{text}\n\n[tool.pytest.ini_options]\n")
    assert tomllib.loads(after)["tool"]["pytest"]["ini_options"] == WANTED
    assert "pip install pytest-adyen-creds -e . -r requirements.txt\n" in (project / ALL[0]).read_text()


def test_what_is_set_stays(project: Path) -> None:
    (project / "pytest.ini").write_text("[pytest]\nadyen_drift = report\n")
    assert main(["init", "--write", "--ci=none", "--no-hook"]) == 0
    assert ini_options(project)[0] == {**WANTED, "adyen_drift": "report"}


def test_files_of_the_same_name_stay(project: Path) -> None:
    for name in ALL:
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("# adyen-cassettes-check is here\n" if name.endswith("config.yaml") else "")
    (project / "pytest.ini").write_text("[pytest]\nadyen_drift = report\nadyen_cassette_max_age = 1\n")
    before = files(project)
    assert main(["init", "--write"]) == 0
    assert files(project) == before


def test_the_first_test_lies_where_tests_are(project: Path) -> None:
    (project / "checks").mkdir()
    (project / "pyproject.toml").write_text('[tool.pytest.ini_options]\ntestpaths = ["gone", "checks"]\n')
    assert main(["init", "--write", "--ci=none", "--no-hook"]) == 0
    assert (project / "checks" / "test_adyen_credential.py").is_file()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pyproject.toml", 'tool.pytest.ini_options = {addopts = "-q"}\n'),
        ("pyproject.toml", '[tool]\npytest.ini_options.addopts = "-q"\n'),
        ("pyproject.toml", 'text = """\n[tool.pytest.ini_options]\n"""\ntool.pytest.ini_options.addopts = "-q"\n'),
        ("pyproject.toml", "[tool"),
        ("pytest.ini", "addopts = -q\n"),
        ("pytest.ini", "[pytest]\nadd\n"),
    ],
)
def test_what_cannot_be_added_to_is_said_and_left(
    project: Path, capsys: pytest.CaptureFixture[str], name: str, text: str
) -> None:
    (project / name).write_text(text)
    assert main(["init", "--write"]) == 2
    assert files(project) == {name: text.encode()}
    error = capsys.readouterr().err
    assert error.startswith(f"adyen-creds: {name}: ")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    "text",
    [
        "# ours\nrepos:\n  - repo: https://a.example/a  # first\n    rev: v1\n    hooks: [{id: a}]\n",
        "default_stages: [pre-commit]\nrepos:\n- repo: local\n  hooks:\n  - id: a\n",
    ],
)
def test_the_hook_is_added_to_the_others(project: Path, text: str) -> None:
    path = project / ".pre-commit-config.yaml"
    path.write_text(text)
    assert main(["init", "--write", "--ci=none"]) == 0
    after = path.read_text()
    first, *others = yaml.safe_load(after)["repos"]
    assert first == {"repo": REPOSITORY, "rev": f"v{__version__}", "hooks": [{"id": "adyen-cassettes-check"}]}
    assert others == yaml.safe_load(text)["repos"]
    kept = iter(after.splitlines())
    assert all(line in kept for line in text.splitlines()), "each line is there still, in order"


def test_a_hook_that_cannot_be_added_is_said(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / ".pre-commit-config.yaml").write_text("repos: []\n")
    assert main(["init", "--write"]) == 2
    assert "--no-hook" in capsys.readouterr().err
    assert list(files(project)) == [".pre-commit-config.yaml"]


def test_gitlab(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / ".gitlab-ci.yml").write_text("stages: [test]  # ours\n")
    assert main(["init", "--write", "--no-hook"]) == 0
    text = (project / ".gitlab-ci.yml").read_text()
    assert text.startswith("stages: [test]  # ours\n")
    (include,) = yaml.safe_load(text)["include"]
    assert include["remote"].endswith(f"/v{__version__}/templates/gitlab-ci.yml")
    assert not (project / ".github").exists()
    before = files(project)
    assert main(["init", "--write", "--no-hook"]) == 0
    assert files(project) == before
    (project / ".gitlab-ci.yml").write_text("include: [{local: a.yml}]\n")
    assert main(["init", "--write"]) == 2
    assert "--ci none" in capsys.readouterr().err


def test_the_workflow_looks_at_cassettes_whatever_they_are_called(project: Path) -> None:
    assert main(["init", "--write", "--no-hook"]) == 0
    steps = yaml.safe_load((project / ALL[0]).read_text())["jobs"]["offline"]["steps"]
    (step,) = (each for each in steps if "cassettes check" in each.get("run", ""))
    assert "if" not in step
    words = shlex.split(step["run"])[1:]
    assert main(words) == 0
    recorded = {"version": 1, "interactions": [{"request": {"headers": {"x-api-key": ["AQE" + "hY7/k+3" * 17]}}}]}
    (project / "listing.json").write_text(json.dumps(recorded))
    assert main(words) == 1


def test_the_workflow_is_sound(project: Path) -> None:
    assert main(["init", "--write", "--no-hook"]) == 0
    text = (project / ALL[0]).read_text()
    jobs = yaml.safe_load(text)["jobs"]
    assert set(jobs) == {"offline", "nightly"}
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    (ours,) = (step for step in jobs["nightly"]["steps"] if REPOSITORY.endswith(step["uses"].partition("@")[0]))
    assert set(ours["with"]) <= set(action["inputs"])
    program = shutil.which("actionlint")
    if program is not None:
        shutil.copy(ROOT / "action.yml", project)
        (project / ALL[0]).write_text(re.sub(r"uses: pytest-adyen-creds/\S+", "uses: ./", text))
        subprocess.run(["git", "init", "-q", project], check=True)
        assert subprocess.run([program], cwd=project, check=False, capture_output=True, text=True).stdout == ""


def test_a_folder_can_be_named(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "shop").mkdir()
    assert main(["init", "shop", "--write"]) == 0
    assert sorted(files(project / "shop")) == ALL
    assert main(["init", "none"]) == 2
    assert "none" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "is_left_out"),
    [
        ("filterwarnings = error", True),
        ("filterwarnings =\n    error\n    ignore::DeprecationWarning", True),
        ("filterwarnings =\n    error::UserWarning", True),
        ("addopts = -q -W error", True),
        ("addopts = -Werror", True),
        ("filterwarnings =\n    error\n    default::pytest_adyen_creds.errors.StaleCassetteWarning", False),
        ("filterwarnings =\n    error::DeprecationWarning", False),
        ("filterwarnings =\n    error:old:UserWarning", False),
        ("filterwarnings = ignore", False),
    ],
)
def test_recordings_get_no_age_where_warnings_are_errors(
    project: Path, capsys: pytest.CaptureFixture[str], options: str, is_left_out: bool
) -> None:
    (project / "pytest.ini").write_text(f"[pytest]\n{options}\n")
    assert main(["init", "--write", "--ci=none", "--no-hook"]) == 0
    written = ini_options(project)[0]
    assert ("adyen_cassette_max_age" not in written) == is_left_out
    assert written["adyen_drift"] == WANTED["adyen_drift"]
    assert ("left out: adyen_cassette_max_age" in capsys.readouterr().out) == is_left_out


def test_a_list_of_filters_in_toml_is_read(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "pyproject.toml").write_text('[tool.pytest.ini_options]\nfilterwarnings = ["error"]\n')
    assert main(["init", "--write"]) == 0
    assert list(ini_options(project)[0]) == ["adyen_drift"]
    assert "since warnings are errors in pyproject.toml" in capsys.readouterr().out


def test_what_is_left_to_do_is_said(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "--write"]) == 0
    said = capsys.readouterr().out
    steps = said[said.index("next: run pytest\n") :]
    named = re.findall(r"ADYEN_\w+", steps)
    assert named == ["ADYEN_MANAGEMENT_API_KEY", "ADYEN_COMPANY_ACCOUNT", "ADYEN_MERCHANT_ACCOUNT"]
    workflow = (project / ALL[0]).read_text()
    assert f"secrets.{named[0]}" in workflow
    assert all(f"vars.{each}" in workflow for each in named[1:])


def test_without_a_workflow_there_is_less_to_do(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "--write", "--ci=none"]) == 0
    assert capsys.readouterr().out.endswith("next: run pytest\n")


@pytest.mark.parametrize(
    ("text", "installed"),
    [
        ('[project]\nname = "shop"\n', "-e ."),
        ('[project]\nname = "shop"\n[project.optional-dependencies]\ndev = []\ntest = []\n', "-e '.[test]'"),
        ('[project]\nname = "shop"\n[project.optional-dependencies]\ntests = []\n', "-e '.[tests]'"),
        ('[project]\nname = "shop"\n[project.optional-dependencies]\ndocs = []\n', "-e ."),
        ('[project]\nname = "shop"\n[dependency-groups]\ndev = []\n', "-e . --group dev"),
        ("[dependency-groups]\ntest = []\n", "--group test"),
        ("[tool.ruff]\n", ""),
    ],
)
def test_the_workflow_installs_what_the_tests_take(project: Path, text: str, installed: str) -> None:
    (project / "pyproject.toml").write_text(text)
    assert main(["init", "--write"]) == 0
    steps = yaml.safe_load((project / ALL[0]).read_text())["jobs"]["offline"]["steps"]
    (command,) = (step["run"] for step in steps if "pip install" in step.get("run", ""))
    assert command == f"python -m pip install pytest-adyen-creds {installed}".strip()
