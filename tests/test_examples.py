"""The projects in docs/examples: copied out, their tests pass; their cassettes and their contract are in order."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

from pytest_adyen_creds.cli import main

EXAMPLES = Path(__file__).resolve().parents[1] / "docs" / "examples"
NEEDED = {
    "key-rotation": ("Adyen", "requests"),
    "shop-django": ("django", "pytest_django"),
    "vcrpy-adopted": ("requests", "pytest_recording"),
    "webhooks-fastapi": ("fastapi",),
}
"""What each example imports that this project's own tests may not have."""


def test_each_example_is_named_here() -> None:
    assert sorted(path.parent.name for path in EXAMPLES.glob("*/pyproject.toml")) == sorted(NEEDED)


@pytest.mark.slow("runs of pytest in a copy of each example")
@pytest.mark.parametrize("name", NEEDED)
def test_its_tests_pass(name: str, tmp_path: Path) -> None:
    missing = [module for module in NEEDED[name] if find_spec(module) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} is not installed; 'nox -s examples' installs it and runs this example")
    copy = shutil.copytree(EXAMPLES / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", ".*_cache"))
    done = subprocess.run([sys.executable, "-m", "pytest", "-q"], check=False, cwd=copy, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
    assert not {"failed", "skipped", "error"} & set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("name", NEEDED)
def test_its_dependencies_are_capped(name: str) -> None:
    project = tomllib.loads((EXAMPLES / name / "pyproject.toml").read_text())["project"]
    named = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    assert [each for each in named if "<" not in each] == ["pytest-adyen-creds"]


def test_the_cassettes_hold_no_secret_and_are_of_this_contract(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cassettes", "check", str(EXAMPLES)]) == 0, capsys.readouterr().out


def test_each_cassette_says_that_the_sandbox_made_it() -> None:
    cassettes = list(EXAMPLES.glob("*/tests/cassettes/**/*.yaml"))
    assert len(cassettes) >= 5
    assert {path.read_text()[:36] for path in cassettes} == {"# Recorded from the embedded sandbox"}


def test_the_contract_is_what_the_import_makes_of_the_document(tmp_path: Path) -> None:
    example = EXAMPLES / "webhooks-fastapi"
    assert main(["contract", "import", str(example / "notifications.yaml"), "--into", str(tmp_path)]) == 0
    made, kept = (
        {path.relative_to(folder): path.read_text() for path in folder.rglob("*.json")}
        for folder in (tmp_path, example / "contracts")
    )
    assert made == kept
