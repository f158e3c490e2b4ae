"""Adyen's Node and Python SDKs over TLS: each in a process that is told of the authority by its own variable only."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from npm import installed
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
def node_modules(request: pytest.FixtureRequest) -> Path:
    """Return the folder where Node finds Adyen's SDK."""
    return installed(request.config, NODE_SDK, "@adyen/api-library")


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
