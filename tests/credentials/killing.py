"""Kill live runs at random moments, then look at what is left.

    python tests/credentials/killing.py --runs 200                # the ledger survives; a new run cleans up
    python tests/credentials/killing.py --runs 200 --forget       # the ledger is lost too; the tags are enough

A sandbox is served on loopback, and real pytest runs use it. The server itself kills a run: before it carries a request
out, when it has and before it answers, or right after the answer; which request and which moment is drawn at random.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_adyen_creds.client import ManagementClient, Ownership, tag
from pytest_adyen_creds.sandbox import Sandbox
from pytest_adyen_creds.sandbox.server import Server

MOMENTS = ("before", "in", "after")
LAST_REQUEST = 30
"""Kills are drawn from the requests up to this one; a whole run of VICTIM sends about as many."""

VICTIM = """
import pytest

def test_plain(adyen_credential, adyen_client):
    assert adyen_client.get("/me").json()["id"] == adyen_credential.id

@pytest.mark.adyen_credential(roles=["Management API - Stores read"], origins=["https://shop.example"])
def test_changed(adyen_credential, adyen_client):
    assert adyen_client.get("/me").json()["roles"] == ["Management API - Stores read"]

@pytest.mark.adyen_credential(level="merchant")
def test_merchant(adyen_credential, adyen_client):
    assert adyen_client.get("/me").status_code == 200

def test_rotated(adyen_credential):
    assert adyen_credential.rotate_api_key().credential.id == adyen_credential.id
"""


@dataclass
class Account:
    """A served sandbox that kills whoever calls it, when it is told to."""

    sandbox: Sandbox
    victim: int | None = None
    left: int = 0
    moment: str = "before"
    killed: bool = False
    created: dict[str, set[str]] = field(default_factory=dict)
    """The ids that were created, by idempotency key."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        strikes = self._strikes()
        if strikes and self.moment == "before":
            self._kill()
            raise ConnectionResetError
        chunks = list(self.sandbox.app(environ, start_response))
        self._note(environ, b"".join(chunks))
        if strikes and self.moment == "in":
            self._kill()
            raise ConnectionResetError
        return self._send(chunks, kill=strikes)

    def _send(self, chunks: list[bytes], *, kill: bool) -> Iterator[bytes]:
        yield from chunks
        if kill:
            self._kill()

    def _strikes(self) -> bool:
        with self.lock:
            self.left -= 1
            return self.victim is not None and self.left == 0

    def _kill(self) -> None:
        self.killed = True
        if self.victim is not None:
            os.kill(self.victim, signal.SIGKILL)

    def _note(self, environ: dict[str, Any], body: bytes) -> None:
        if environ["REQUEST_METHOD"] == "POST" and environ["PATH_INFO"].endswith("/apiCredentials"):
            answer = json.loads(body or b"{}")
            if "id" in answer:
                with self.lock:
                    self.created.setdefault(environ["HTTP_IDEMPOTENCY_KEY"], set()).add(answer["id"])


@dataclass
class Outcome:
    """What came of it."""

    kills: int = 0
    whole_runs: int = 0
    intents: int = 0
    created: int = 0
    most_per_intent: int = 0
    active_before: int = 0
    active_after: int = 0
    foreign_changed: int = 0

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(
            self.kills + other.kills,
            self.whole_runs + other.whole_runs,
            self.intents + other.intents,
            self.created + other.created,
            max(self.most_per_intent, other.most_per_intent),
            self.active_before + other.active_before,
            self.active_after + other.active_after,
            self.foreign_changed + other.foreign_changed,
        )


def near_tags() -> list[str]:
    """Return 30 descriptions of credentials that are somebody else's; some look nearly like a tag."""
    past = "2026-01-01T00:00Z"
    near = [
        f"Pytest-adyen-creds 0a1b2c3d exp {past}",
        f"PYTEST-ADYEN-CREDS 0a1b2c3d exp {past}",
        f"pytest-adyen-creds 0A1B2C3D exp {past}",
        f"pytest-adyen-cred 0a1b2c3d exp {past}",
        f"pytest-adyen-creds  0a1b2c3d exp {past}"[:50],
        f" pytest-adyen-creds 0a1b2c3d exp {past}",
        f"pytest-adyen-creds 0a1b2c3d exp {past}.",
        f"pytest-adyen-creds 0a1b2c3d exp {past}\n",
        "pytest-adyen-creds 0a1b2c3d exp 2026-02-30T00:00Z",
        "pytest-adyen-creds 0a1b2c3d exp 2026-01-01T24:00Z",
        "pytest-adyen-creds 0a1b2c3d exp 2026-13-01T00:00Z",
        "pytest-adyen-creds 0a1b2c3d exp 2026-01-01T00:00z",
        "pytest-adyen-creds 0a1b2c3 exp 2026-01-01T00:00Z",
        "pytest-adyen-creds 0a1b2c3d4 exp 2026-01-01T00:00Z",
        "pytest-adyen-creds 0a1b2c3d expires 2026-01-01",
        "pytest_adyen_creds 0a1b2c3d exp 2026-01-01T00:00Z",
        "xpytest-adyen-creds 0a1b2c3d exp 2026-01-01T00:00Z",
        "pytest-adyen-creds",
    ]
    return (near + [f"Production integration {number}" for number in range(30)])[:30]


def furnish(sandbox: Sandbox) -> dict[str, Any]:
    """Put 30 foreign credentials there, every third switched off; return each as the server has it."""
    with management(sandbox) as client:
        account = client.company(sandbox.company)
        for number, description in enumerate(near_tags()):
            assert tag.parse(description) is None
            made = account.create({"description": description, "allowedOrigins": ["https://real.example"]})
            if number % 3 == 0:
                account.update(made["id"], {"active": False})
    return state_of(sandbox)


def management(sandbox: Sandbox) -> ManagementClient:
    return ManagementClient(
        "https://management-test.adyen.com/v3",
        api_key=sandbox.provisioning.api_key,
        transport=sandbox.transport(),
        ownership=Ownership.sandbox(),
    )


def state_of(sandbox: Sandbox) -> dict[str, Any]:
    """Return what the server answers about each credential that is not a throwaway: its bytes, and its secrets."""
    found = {}
    with management(sandbox) as client:
        for body in client.company(sandbox.company).iterate():
            if tag.parse(body.get("description")) is None:
                path = f"/companies/{sandbox.company}/apiCredentials/{body['id']}"
                found[body["id"]] = client.send("GET", path).content, sandbox.customer_area.credential(body["id"])
    return found


def active_throwaways(sandbox: Sandbox) -> list[str]:
    with management(sandbox) as client:
        bodies = list(client.company(sandbox.company).iterate())
    return [body["id"] for body in bodies if tag.parse(body.get("description")) and body["active"]]


def environment(sandbox: Sandbox, state: Path) -> dict[str, str]:
    """Return the environment of a live run against ``sandbox`` that keeps its ledger in ``state``."""
    kept = {
        name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "SYSTEMROOT", "PYTHONPATH") if name in os.environ
    }
    return kept | {
        "ADYEN_MANAGEMENT_API_KEY": sandbox.provisioning.api_key.reveal(),
        "ADYEN_COMPANY_ACCOUNT": sandbox.company,
        "ADYEN_MERCHANT_ACCOUNT": sandbox.merchants[0],
        "XDG_STATE_HOME": str(state),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def command(folder: Path, url: str) -> list[str]:
    plugins = ["-p", "pytest_adyen_creds.plugin", "-p", "no:cacheprovider"]
    return [sys.executable, "-m", "pytest", "-q", *plugins, "--adyen-live", f"--adyen-base-url={url}/v3", str(folder)]


def kill_runs(kills: int, seed: int, *, forget: bool, report: Callable[[str], None] = lambda text: None) -> Outcome:
    """Kill ``kills`` runs over one account, one after another, clean up, and return what came of it.

    With ``forget`` each run's ledger is deleted, and another machine runs ``adyen-creds sweep`` when the tags expired.
    """
    draw = random.Random(seed)
    account = Account(Sandbox(seed=seed))
    before = furnish(account.sandbox)
    outcome = Outcome()
    with tempfile.TemporaryDirectory(prefix="adyen-kill-") as scratch, Server(account) as server:  # type: ignore[arg-type]
        folder, state = Path(scratch) / "suite", Path(scratch) / "state"
        folder.mkdir()
        (folder / "test_victim.py").write_text(VICTIM)
        environ = environment(account.sandbox, state)
        while outcome.kills < kills:
            account.left, account.moment = draw.randint(1, LAST_REQUEST), draw.choice(MOMENTS)
            account.killed = False
            process = subprocess.Popen(
                command(folder, server.url), env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            account.victim = process.pid
            process.wait(timeout=120)
            account.victim = None
            outcome.kills += account.killed
            outcome.whole_runs += not account.killed
            if forget:
                shutil.rmtree(state, ignore_errors=True)
            if outcome.kills % 20 == 0:
                report(f"seed {seed}: {outcome.kills} kills, {outcome.whole_runs} whole runs")
        outcome.active_before = len(active_throwaways(account.sandbox))
        if forget:
            elsewhere = environment(account.sandbox, Path(scratch) / "elsewhere")
            said = sweep_later(elsewhere, server.url) + sweep_later(elsewhere, server.url)
            assert said.count("switched off") == outcome.active_before, said
            assert "nothing was left behind" in said
        else:
            done = subprocess.run(
                command(folder, server.url), env=environ, capture_output=True, text=True, timeout=120, check=False
            )
            assert done.returncode == 0, done.stdout
    outcome.active_after = len(active_throwaways(account.sandbox))
    after = state_of(account.sandbox)
    outcome.foreign_changed = sum(after.get(id) != what for id, what in before.items()) + abs(len(after) - len(before))
    outcome.intents = len(account.created)
    outcome.created = sum(map(len, account.created.values()))
    outcome.most_per_intent = max(map(len, account.created.values()), default=0)
    return outcome


LATER = """
import datetime, sys
from pytest_adyen_creds.cli import main
from pytest_adyen_creds.client import Clock

now = Clock.now
Clock.now = lambda clock: now(clock) + datetime.timedelta(hours=3)
sys.exit(main())
"""
"""``adyen-creds`` on a machine whose clock stands three hours on."""


def sweep_later(environ: dict[str, str], url: str) -> str:
    """Run ``adyen-creds sweep`` on a machine that has no ledger, when every tag has expired; return what it says."""
    done = subprocess.run(
        [sys.executable, "-c", LATER, "sweep", f"--base-url={url}/v3"],
        env=environ,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200, help="how many runs to kill (default 200)")
    parser.add_argument("--accounts", type=int, default=4, help="how many accounts to do it at, at the same time")
    parser.add_argument("--forget", action="store_true", help="delete the ledger after each kill")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    share = [given.runs // given.accounts + (lane < given.runs % given.accounts) for lane in range(given.accounts)]
    with ThreadPoolExecutor(given.accounts) as lanes:
        done = lanes.map(
            lambda lane: kill_runs(share[lane], given.seed * 1000 + lane, forget=given.forget, report=print),
            range(given.accounts),
        )
        total = sum(done, Outcome())
    print(total)  # noqa: T201
    return int(bool(total.active_after or total.foreign_changed or total.most_per_intent > 1))


if __name__ == "__main__":
    raise SystemExit(main())
