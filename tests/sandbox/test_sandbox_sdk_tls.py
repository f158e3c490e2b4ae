"""Adyen's Node and Python SDKs over TLS: each in a process that is told of the authority by its own variable only."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from serving import Serving

pytestmark = pytest.mark.slow("processes of their own: Adyen's SDKs over TLS, that of Node installed by npm")

pytest.importorskip("Adyen")
pytest.importorskip("trustme")

HERE = Path(__file__).parent
NODE_SDK = "@adyen/api-library@>=30 <33"


@pytest.fixture(scope="module")
def served() -> Iterator[Serving]:
    with Serving("--tls") as served:
        yield served


@pytest.fixture(scope="session")
def node_modules(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder where Node finds Adyen's SDK, installed once; skip where it cannot be had."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not on this machine; .ci/run installs it where it can")
    cache = getattr(request.config, "cache", None)
    folder = cache.mkdir("adyen-node-sdk") if cache else tmp_path_factory.mktemp("adyen-node-sdk")
    if not (folder / "node_modules" / "@adyen" / "api-library" / "package.json").is_file():
        command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-save", NODE_SDK]
        (folder / "package.json").write_text("{}")
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240, check=False)
        except subprocess.TimeoutExpired:
            pytest.skip("npm does not end")
        if done.returncode:
            pytest.skip(f"npm cannot install {NODE_SDK}: {done.stderr.strip()[-200:]}")
    return folder / "node_modules"


def ran(command: list[str | Path], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a life with this environment and nothing else in it, but where programs are."""
    bare = {"PATH": "/usr/local/bin:/usr/bin:/bin", **environment}
    return subprocess.run(command, env=bare, capture_output=True, text=True, timeout=120, check=False)


def lives(served: Serving, command: list[str | Path], environment: dict[str, str]) -> None:
    arguments: list[str | Path] = [served.url, served.key_file]
    done = ran([*command, *arguments], environment)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
    untold = {name: value for name, value in environment.items() if name == "NODE_PATH"}
    assert ran([*command, *arguments], untold).returncode != 0, "it is trusted by whoever asks"


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_pythons_sdk(served, variable):
    lives(served, [sys.executable, HERE / "life.py"], {variable: served.environment[variable]})


def test_nodes_sdk(served, node_modules):
    told = {"NODE_EXTRA_CA_CERTS": served.environment["NODE_EXTRA_CA_CERTS"], "NODE_PATH": str(node_modules)}
    lives(served, ["node", HERE / "life.js"], told)
