"""``contract lint``: a contract that lost something is told from one that is whole, and each mistake is said once."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from pytest_adyen_creds.cli import main
from pytest_adyen_creds.contract import bundled


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the bundled contract, as ``own`` in the current directory."""
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(bundled("contracts"), "own"))


def linted(capsys: pytest.CaptureFixture[str], status: int) -> list[str]:
    assert main(["contract", "lint", "own"]) == status
    return capsys.readouterr().out.splitlines()


def test_a_contract_without_operations_is_found(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "v3" / "openapi.yaml").write_text("openapi: 3.1.0\n")
    said = linted(capsys, 1)
    assert said[-1] == "v1, v3: 2 problems"
    source = Path("own", "v3", "openapi.yaml")
    assert f"{source}#/paths: there is no operation and no webhook; describe what the API takes and answers" in said


def test_a_method_that_is_none_is_found(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = folder / "v3" / "openapi.yaml"
    document.write_text(document.read_text().replace("    get:\n", "    gett:\n", 1))
    said = linted(capsys, 1)
    assert "openapi.yaml#/paths//companies/{companyId}/apiCredentials/gett: is no method; write one of get" in said[0]


def test_what_else_a_path_has_is_no_mistake(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = folder / "v3" / "openapi.yaml"
    more = "    summary: s\n    description: d\n    servers: []\n    x-own: 1\n    get:\n"
    document.write_text(document.read_text().replace("    get:\n", more, 1))
    assert linted(capsys, 0) == ["v1, v3: no problems"]


def test_an_operation_of_ours_says_its_roles(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    document = folder / "v3" / "openapi.yaml"
    line = "      x-adyen-roles: {any: Management API}\n"
    assert document.read_text().count(line) > 1
    document.write_text(document.read_text().replace(line, "", 1))
    assert linted(capsys, 0) == ["v1, v3: no problems"]  # another's contract need not
    monkeypatch.setattr("pytest_adyen_creds.contract.commands.bundled", lambda _: folder)
    said = linted(capsys, 1)
    assert len(said) == 2
    assert said[0].startswith(f"{Path('own', 'v3', 'openapi.yaml')}: GET /me has no x-adyen-roles; name the roles")


def test_a_mistake_that_two_versions_have_is_said_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = folder / "v3" / "structures" / "AllowedOrigin.struct.json"
    source = json.loads(document.read_text())
    document.write_text(json.dumps(source | {"$root": "#/definitions/Nothing"}))
    said = linted(capsys, 1)
    assert len(set(said)) == len(said)
    assert all(line.startswith(str(document)) for line in said[:-1])
    assert said[-1] == f"v1, v3: {len(said) - 1} problem{'s' if len(said) > 2 else ''}"
