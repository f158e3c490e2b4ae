"""From before to after, with cassettes that hold the secrets of a sandbox: what README shows, step by step."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from make_before import COMPANY, record

HERE = Path(__file__).resolve().parents[1]


def run(*command: str) -> str:
    """Run a module in this folder; return what it prints."""
    done = subprocess.run([sys.executable, "-m", *command], check=False, cwd=HERE, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def secrets_in(folder: Path) -> set[str]:
    """Return what cassettes hold of API keys, client keys and passwords."""
    found: set[str] = set()
    for path in folder.rglob("*.yaml"):
        text = re.sub(r"\\?\n +", "", path.read_text())  # long lines are wrapped
        found |= set(re.findall(r"AQE[\w+/=-]{50,}|test_[A-Z0-9]{20,}", text))
        found |= set(re.findall(r'"password": ?"([^"]+)"', text))
    return found


def test_a_suite_is_adopted(tmp_path: Path) -> None:
    before = tmp_path / "before"
    record(before)
    old = secrets_in(before)
    assert len(old) >= 5
    run("pytest_adyen_creds.cli", "cassettes", "scrub", str(before), "--write")
    cassettes = "".join(re.sub(r"\\?\s", "", path.read_text()) for path in before.rglob("*.yaml"))
    assert not [secret for secret in old if secret in cassettes]
    assert COMPANY not in cassettes
    replayed = run(
        "pytest", "-q", "-p", "no:adyen_creds", "-c", "pyproject.toml", "--rootdir", str(before), str(before)
    )
    assert "3 passed" in replayed
