"""schemathesis holds the served sandbox to Adyen's own specification, where that is at hand."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from pytest_adyen_creds.sandbox.routing import served

pytestmark = pytest.mark.slow("schemathesis, for a minute")

EXAMPLES = int(os.environ.get("SANDBOX_EXAMPLES", "5"))
"""How many examples schemathesis makes for each operation; the full measure is 100."""
SEED = os.environ.get("SANDBOX_SEED", "1")
CONFIGURATION = Path(__file__).with_name("schemathesis.toml")


@pytest.mark.parametrize("sandbox", ["published"], indirect=True)
@pytest.mark.parametrize("version", ["v1", "v3"])
def test_schemathesis_finds_no_failure(published, sandbox, tmp_path, version):
    """A short run of every phase and check; the full one is in the configuration's head."""
    with sandbox.serve() as server:
        base = f"{server.url}/{version}"
        key = f"X-API-Key: {sandbox.provisioning.api_key.reveal()}"
        headers = {"X-API-Key": sandbox.provisioning.api_key.reveal()}
        body = {"allowedOrigins": ["https://a.example"]}
        httpx.post(f"{base}/merchants/TestMerchant/apiCredentials", headers=headers, json=body)
        program = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIGURATION), "run"]
        document = str(published / f"management-{version}.openapi.json")
        options = ["--phases", "examples,coverage,fuzzing,stateful", "--checks", "all", "--max-examples", str(EXAMPLES)]
        options += ["--url", base, "-H", key, "--seed", SEED, "--workers", "4", "--continue-on-failure"]
        ran = subprocess.run(
            [*program, document, *options], cwd=tmp_path, capture_output=True, text=True, timeout=900, check=False
        )
    assert ran.returncode == 0, ran.stdout[-6000:] + ran.stderr[-2000:]
    assert "Tested: 26" in ran.stdout
    # what it reached is what it could find fault with; the full run reaches nearly every operation
    reached = {exchange.operation for exchange in sandbox.app.journal if exchange.status < 300}
    missed = set(served()) - reached
    assert len(missed) <= (6 if EXAMPLES < 100 else 1), missed
