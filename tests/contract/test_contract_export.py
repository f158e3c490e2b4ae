"""The exported document in other people's tools."""

from __future__ import annotations

import json
import subprocess
import sysconfig
from pathlib import Path

import counts
import pytest

from pytest_adyen_creds import load_contract
from pytest_adyen_creds.sandbox import Sandbox

CONFIG = Path(__file__).resolve().parents[1] / "sandbox" / "schemathesis.toml"


@pytest.mark.slow("schemathesis over all operations")
@pytest.mark.parametrize("version", ["v3", "v1"])
def test_schemathesis_takes_the_export_and_finds_nothing_in_the_sandbox(version: str, tmp_path: Path) -> None:
    export = tmp_path / "export.json"
    export.write_text(json.dumps(load_contract(version).to_openapi()))
    sandbox = Sandbox(answers="published")
    with sandbox.serve() as server:
        ran = subprocess.run(
            [
                f"{sysconfig.get_path('scripts')}/schemathesis",
                f"--config-file={CONFIG}",
                "run",
                str(export),
                f"--url={server.url}/{version}",
                f"--header=X-API-Key: {sandbox.provisioning.api_key.reveal()}",
                "--phases=examples,coverage",
                "--checks=all",
                "--no-color",
                "--seed=1",
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
    assert ran.returncode == 0, ran.stdout[-4000:]
    assert f"Tested: {counts.operations()}" in ran.stdout


@pytest.mark.parametrize("name", ["CreateCompanyApiCredentialResponse", "LinksElement", "RestServiceError"])
@pytest.mark.parametrize("form", ["to_json_schema", "structures"])
def test_an_exported_structure_needs_no_other(form: str, name: str) -> None:
    contract = load_contract("v1")
    exported = contract.to_json_schema(name) if form == "to_json_schema" else contract.structures[name]
    text = json.dumps(exported)
    assert "$import" not in text
    assert "#/components" not in text
    for reference in {part.split('"')[0] for part in text.split('"$ref": "')[1:]}:
        node = exported
        for step in reference.removeprefix("#/").split("/"):
            node = node[step]
