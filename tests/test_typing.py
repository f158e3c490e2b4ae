"""Types: what README and the documentation show passes strict checking, and the public fixtures' types are public."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest
from docs_pages import PAGES, blocks

import pytest_adyen_creds
from pytest_adyen_creds import Contract, Credential, Secret, fixtures, load_contract

pytestmark = pytest.mark.slow("mypy, for a quarter of a minute")

INTERNAL = {"adyen_run", "adyen_suite", "adyen_backend", "adyen_throwaways", "adyen_traffic"}
"""Fixtures that other fixtures stand on."""

PROBE = """
from pytest_adyen_creds import Contract, Credential, HandmadeCredential, Leases, Rotation, Secret, load_contract


def test_types(
    adyen_credential: Credential, adyen_credentials: Leases, adyen_lem_credential: HandmadeCredential
) -> None:
    leased: Credential = adyen_credentials.lease()
    rotated: Rotation = leased.rotate_api_key()
    keys: list[Secret] = [leased.api_key, leased.client_key, rotated.credential.api_key, adyen_lem_credential.api_key]
    contract: Contract = load_contract("v3")
    secret: str = adyen_credential.api_key  # error: a secret is not its text
"""


def mypy(*paths: Path) -> list[str]:
    """Return the errors that ``mypy --strict`` finds in files of a user's."""
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--no-error-summary", *map(str, paths)]
    done = subprocess.run(command, cwd=paths[0].parent, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return [line for line in done.stdout.splitlines() if ": error: " in line]


def shown(folder: Path) -> list[Path]:
    """Write each block of Python of the documentation to a file of its own; a page's blocks import one another."""
    paths = []
    for number, page in enumerate(PAGES):
        codes = [block for block in blocks(page) if block.language == "python"]
        stems = [re.escape(Path(block.file).stem) for block in codes if block.file]
        for block in codes:
            text = re.sub(rf"^(from|import) ({'|'.join(stems)})\b", rf"\1 page{number}_\2", block.text, flags=re.M)
            name = Path(block.file).stem if block.file else f"line{block.line}"
            path = folder / f"page{number}_{name}.py"
            if path.exists():  # mended further down
                path = path.with_stem(f"{path.stem}_line{block.line}")
            path.write_text(f"# {page.name}:{block.line}\n{text if stems else block.text}", encoding="utf-8")
            paths.append(path)
    return paths


def test_what_the_documentation_shows_and_what_fixtures_give_is_typed(tmp_path: Path) -> None:
    paths = shown(tmp_path)
    assert len(paths) >= 20
    probe = tmp_path / "test_probe.py"
    probe.write_text(PROBE)

    errors = mypy(*paths, probe)

    wrong = next(number for number, line in enumerate(PROBE.splitlines(), 1) if "# error" in line)
    assert [error.partition(" error: ")[0] for error in errors] == [f"test_probe.py:{wrong}:"], errors


def test_the_types_of_the_public_fixtures_are_public() -> None:
    tree = ast.parse(inspect.getsource(fixtures))
    names = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name in set(fixtures.__all__) - INTERNAL:
            assert node.returns is not None
            names |= {each.id for each in ast.walk(node.returns) if isinstance(each, ast.Name)}
    outside = {"Any", "Iterator", "dict", "httpx", "str"}
    # CheckingContract is the class behind the public name Contract
    assert names - outside - {"CheckingContract"} <= set(pytest_adyen_creds.__all__)
    assert Contract.__name__ == "CheckingContract"


@pytest.mark.parametrize("name", pytest_adyen_creds.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(pytest_adyen_creds, name) is not None


def test_a_name_that_is_not_there_is_said() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        _ = pytest_adyen_creds.Nothing


def test_the_contract_that_is_loaded_is_of_the_public_type() -> None:
    assert isinstance(load_contract("v1"), Contract)
    assert {Credential.__module__, Secret.__module__} == {
        "pytest_adyen_creds.credentials.credential",
        "pytest_adyen_creds.secrets.registry",
    }
