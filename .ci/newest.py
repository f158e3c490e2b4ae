"""Say of each capped dependency whether a release beyond its cap is out, and whether tests/compat pass with it.

To be run by a Python that has the project and its ``test`` extra installed. It changes nothing there: a newer release
goes into an environment of its own, which sees everything else in this one. What others release is news and no failure:
it always ends with 0.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import tempfile
import tomllib
import venv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
ASKING, INSTALLING, TESTING = 30, 120, 180  # seconds at most


def capped() -> list[Requirement]:
    """Return what the project needs, and its tests, where a version is capped."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    return [each for each in map(Requirement, named) if "<" in str(each.specifier)]


def run(command: list[str], seconds: int, **environment: str) -> tuple[int, str]:
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=os.environ | environment,
            timeout=seconds,
            capture_output=True,
            text=True,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return 1, f"not done after {seconds} seconds"
    return done.returncode, done.stdout + done.stderr


def newest(wanted: Requirement) -> str | None:
    """Return the newest release that pip knows of."""
    status, printed = run([sys.executable, "-m", "pip", "index", "versions", wanted.name], ASKING)
    found = re.search(rf"^{re.escape(wanted.name)} \((\S+)\)$", printed, re.MULTILINE | re.IGNORECASE)
    return found[1] if found and not status else None


def tried(wanted: Requirement, release: str) -> str:
    """Return what tests/compat say of a release."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=False, symlinks=True)
        at = {"base": folder, "platbase": folder}
        packages = Path(sysconfig.get_path("purelib", "venv", at))
        (packages / "everything-else.pth").write_text(f"{sysconfig.get_path('purelib')}\n{ROOT}\n")
        python = str(Path(sysconfig.get_path("scripts", "venv", at)) / "python")
        status, printed = run([python, "-m", "pip", "install", "-q", f"{wanted.name}=={release}"], INSTALLING)
        if status:
            return f"cannot be installed: {printed.strip().rpartition(chr(10))[2]}"
        tests = [python, "-m", "pytest", "-q", "--tb=line", "-p", "no:cacheprovider", "tests/compat"]
        status, printed = run(tests, TESTING, CI="true")
    failures = [f"\n  {line}" for line in printed.splitlines() if line.startswith(("FAILED", "ERROR", "E  "))]
    return "pass" if not status else f"fail: {printed.strip().rpartition(chr(10))[2]}{''.join(failures)}"


def main() -> None:
    wanted = capped()
    with ThreadPoolExecutor(4) as pool:
        releases = list(pool.map(newest, wanted))
    for each, release in zip(wanted, releases, strict=True):
        cap = next(str(bound) for bound in each.specifier if bound.operator == "<")
        if release is None:
            said = "pip does not say"
        elif each.specifier.contains(release):
            said = f"{release} is within the cap ({cap})"
        else:
            said = f"{release} is beyond the cap ({cap}): tests/compat {tried(each, release)}"
        print(f"newest: {each.name} {said}")


main()
