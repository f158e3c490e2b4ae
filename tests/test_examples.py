"""The projects in docs/examples: their cassettes and contract are in order. ``nox -s examples`` runs their tests."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from pytest_adyen_creds.cli import main

EXAMPLES = Path(__file__).resolve().parents[1] / "docs" / "examples"
NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/pyproject.toml"))


def test_there_are_examples() -> None:
    assert len(NAMES) >= 4


@pytest.mark.parametrize("name", NAMES)
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
