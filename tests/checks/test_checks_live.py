"""Live runs of the suite: planned, within the budget, on leases only; and failures that can be acted on."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import counts
import httpx
import pytest
from checks_breakages import Answer, Broken

from pytest_adyen_creds import load_contract
from pytest_adyen_creds.checks.live_target import LiveTarget
from pytest_adyen_creds.client import Budget, Retries, tag
from pytest_adyen_creds.credentials.backend import open_backend
from pytest_adyen_creds.credentials.leases import LeaseClient
from pytest_adyen_creds.credentials.pool import Pool
from pytest_adyen_creds.credentials.provisioning import Provisioner
from pytest_adyen_creds.credentials.shutdown import Deadline
from pytest_adyen_creds.errors import AdyenCredsError
from pytest_adyen_creds.sandbox import Sandbox
from pytest_adyen_creds.secrets import SECRETS
from pytest_adyen_creds.settings import Settings

pytestmark = pytest.mark.slow("runs the whole suite over HTTP")

RUNS = int(os.environ.get("ADYEN_CHECKS_RUNS", "4"))
"""How often the walks are made; 20 in a full run."""

CREATES = re.compile(r"/v3/(companies|merchants)/[^/]+/apiCredentials")


@dataclass
class Served:
    """A sandbox on loopback, with other people's credentials in it."""

    sandbox: Sandbox
    url: str
    foreign: dict[str, Any] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)

    @property
    def base(self) -> str:
        return f"{self.url}/v3"

    @property
    def key(self) -> str:
        return self.sandbox.provisioning.api_key.reveal()

    def ask(self, path: str, **arguments: Any) -> httpx.Response:
        return httpx.request(
            arguments.pop("method", "GET"), self.base + path, headers={"X-API-Key": self.key}, **arguments
        )

    def all(self) -> dict[str, Any]:
        listed, number = {}, 1
        while True:
            page = self.ask(f"/companies/TestCompany/apiCredentials?pageSize=100&pageNumber={number}").json()
            listed |= {item["id"]: item for item in page["data"]}
            if "next" not in page["_links"]:
                return listed
            number += 1

    def new(self) -> dict[str, Any]:
        """What is there now and was not there before."""
        return {id: item for id, item in self.all().items() if id not in self.foreign}

    def unharmed(self) -> bool:
        """Whether nothing of other people's was changed, and their keys still work."""
        now = self.all()
        same = all(now.get(id) == item for id, item in self.foreign.items())
        return same and all(
            httpx.get(f"{self.base}/me", headers={"X-API-Key": key}).status_code != 401 for key in self.keys
        )


@contextmanager
def served(foreign: int = 0, change: Any = None) -> Iterator[Served]:
    sandbox = Sandbox()
    if change is not None:
        sandbox.app = Broken(sandbox.app, change)  # type: ignore[assignment]
    with sandbox.serve() as server:
        there = Served(sandbox, server.url)
        for number in range(foreign):
            level = "companies/TestCompany" if number % 3 else "merchants/TestMerchant"
            body = {"description": f"shop {number}", "allowedOrigins": [f"https://shop{number}.example.com"]}
            made = there.ask(f"/{level}/apiCredentials", method="POST", json=body).json()
            there.keys.append(made["apiKey"])
        there.foreign = there.all()
        yield there


@pytest.fixture
def live(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch):
    """Return what runs the suite live against a served sandbox; ``apart``: in a process of its own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(pytester.path / "state"))

    def run(there: Served, *options: str, apart: bool = False) -> pytest.RunResult:
        monkeypatch.setenv("ADYEN_MANAGEMENT_API_KEY", there.key)
        monkeypatch.setenv("ADYEN_COMPANY_ACCOUNT", "TestCompany")
        monkeypatch.setenv("ADYEN_MERCHANT_ACCOUNT", "TestMerchant")
        return (pytester.runpytest_subprocess if apart else pytester.runpytest_inprocess)(
            "--adyen-contracts", "--adyen-live", f"--adyen-base-url={there.base}", "-p", "no:cacheprovider", *options
        )

    return run


def test_a_healthy_server_passes_and_nothing_is_left(live) -> None:
    with served(foreign=30) as there:
        result = live(there)
        result.assert_outcomes(passed=40, skipped=2)
        result.stdout.fnmatch_lines(
            [
                "adyen: plan of the contract suite: at most * requests; at most 5 credentials created*",
                "*answers from the server at http://127.0.0.1:*",
            ]
        )
        planned = int(re.search(r"at most (\d+) requests", str(result.stdout))[1])
        judged = int(re.search(r"(\d+) exchanges judged", str(result.stdout))[1])
        assert 300 < judged <= planned
        made = there.new()
        assert 2 <= len(made) <= 5
        assert not any(item["active"] for item in made.values())
        assert there.unharmed()


def test_walks_leave_each_creating_operation_a_creation(live, pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import pytest

        @pytest.hookimpl(trylast=True)
        def pytest_collection_modifyitems(items):
            items.sort(key=lambda item: item.name != "test_stateful")
        """
    )
    with served() as there:
        # of five creations two are leased throwaways, and the walks would use the other three
        result = live(there, "-k", "stateful or test_operation and POST", "-p", "no:randomly", "-v")
        result.stdout.re_match_lines_random([r".*POST /companies/\{companyId\}/apiCredentials\] PASSED.*"])
        result.stdout.re_match_lines_random([r".*POST /merchants/\{merchantId\}/apiCredentials\] PASSED.*"])
        assert len(there.new()) == 5


def test_creates_nothing_where_nothing_may_be_created(live) -> None:
    with served(foreign=3) as there:
        result = live(there, "--adyen-max-created=0", "-k", "test_operation")
        result.assert_outcomes(passed=10, skipped=16, deselected=16)
        assert there.new() == {}
        assert there.unharmed()


class Generous:
    """Accepts every creation, whatever its body, and loses each third answer to one."""

    def __init__(self) -> None:
        self.attempts = 0
        self.seen: set[str] = set()
        self.lock = threading.Lock()
        self.inner: Any = None
        self.serving = False

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        creates = environ["REQUEST_METHOD"] == "POST" and CREATES.fullmatch(environ["PATH_INFO"])
        if not (creates and self.serving):
            return self.inner(environ, start_response)
        with self.lock:
            # the API's idempotency keeps an attempt that is repeated from creating a second time
            self.attempts += 1
            intent = environ.get("HTTP_IDEMPOTENCY_KEY") or f"attempt {self.attempts}"
            lost = self.attempts % 3 == 0
        import io

        raw = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        try:
            sent = json.loads(raw)
            description = sent.get("description") if isinstance(sent, dict) else None
        except ValueError:
            description = None
        taken = description if isinstance(description, str) and len(description) <= 50 else None
        body = json.dumps({"description": taken} if taken else {}).encode()
        changed = {**environ, "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        changed["CONTENT_TYPE"] = "application/json"
        began: list[Any] = []
        answer = list(self.inner(changed, lambda *arguments: began.extend(arguments)))
        if began[0].startswith("200"):  # a key that nobody has creates nothing
            self.seen.add(intent)
        start_response(*began)
        if lost:
            raise ConnectionResetError("the answer is lost")
        return answer


@pytest.mark.parametrize("seed", [0])
def test_never_a_sixth_creation(live, seed: int) -> None:
    sandbox = Sandbox(seed=seed)
    generous = Generous()
    generous.inner, sandbox.app = sandbox.app, generous  # type: ignore[assignment]
    with sandbox.serve() as server:
        there = Served(sandbox, server.url)
        there.foreign = there.all()
        generous.serving = True
        live(there, "-k", "test_operation and POST or test_stateful or creation")
        generous.serving = False
        assert 0 < len(generous.seen) <= 5
        made = there.new()
        assert len(made) <= 5
        assert not any(item["active"] for item in made.values())


@contextmanager
def throwaways_of(there: Served, budget: int) -> Iterator[LeaseClient]:
    settings = Settings(
        backend="live",
        base_url=there.base,
        api_key=there.sandbox.provisioning.api_key,
        company="TestCompany",
        merchant="TestMerchant",
        max_created=budget,
    )
    backend = replace(open_backend(settings), username="ws@Company.TestCompany")
    run, spent = tag.new_run(), Budget(budget)
    client = backend.management(backend.ownership(spent))
    provisioner = Provisioner(client, backend, run)
    pool = Pool(provisioner, budget, background=False)
    throwaways = LeaseClient(backend, pool, spent, run)
    try:
        yield throwaways
    finally:
        problems = throwaways.switch_off(Deadline(), Retries()) | pool.close()
        throwaways.management.close()
        client.close()
        assert problems == {}


def test_many_runs_of_walks_leave_others_alone() -> None:
    contract = load_contract("v3")
    with served(foreign=30) as there:
        for seed in range(RUNS):
            before = set(there.new())
            with throwaways_of(there, 3) as throwaways:
                target = LiveTarget(contract, throwaways, "TestMerchant")
                target.run_stateful(seed)
                assert target.skipped or target.exchanges
            made = {id: item for id, item in there.new().items() if id not in before}
            assert len(made) <= 3
            assert not any(item["active"] for item in made.values())
        assert there.unharmed()


def broken_me(answer: Answer, memory: dict[str, Any]) -> Answer | None:
    """Show something that nobody documented, once the preflight is over."""
    memory["n"] = memory.get("n", 0) + (answer.kind == "allowedOrigins")
    if answer.kind != "allowedOrigins" or answer.method != "GET" or answer.status != 200:
        return None
    return replace(answer, document=answer.document | {"surprise": memory.setdefault("key", answer.key)})


def test_a_failure_can_be_acted_on(live, pytester: pytest.Pytester) -> None:
    with served(change=broken_me) as there:
        result = live(there, "-k", "test_operation[GET and /companies/ and /allowedOrigins]", "--junitxml=junit.xml")
        result.assert_outcomes(failed=1, deselected=counts.items() - 1)
        text = str(result.stdout)
        assert "/surprise is not in the contract" in text
        assert "structures/AllowedOriginsResponse.struct.json" in text
        everything = text + str(result.stderr) + (pytester.path / "junit.xml").read_text()
        shown = [secret for secret in SECRETS.values() if len(secret) >= 12 and secret in everything]
        assert shown == []
        environ = {**os.environ, "ADYEN_MANAGEMENT_API_KEY": there.key}
        for title in ("sent, as curl", "sent, as httpx code"):
            command = section(text, title)
            shell = ["sh", "-c", command] if command.startswith("curl") else [sys.executable, "-c", command]
            ran = subprocess.run(shell, env=environ, capture_output=True, text=True, check=False, timeout=60)
            # the credential was switched off at the end; for the provisioning key it is still there to be read
            assert "surprise" in ran.stdout, (title, command, ran.stderr)
        again, offline = section(text, "judge it again").splitlines()
        assert judged(pytester, again) == judged(pytester, offline)
        assert list((pytester.path / "cassettes").rglob("*.yaml"))


def section(text: str, title: str) -> str:
    """Return the indented lines below ``title``."""
    lines = text.split(f"{title}:\n", 1)[1].splitlines()
    taken = []
    for line in lines:
        if not line.startswith("  "):
            break
        taken.append(line[2:])
    return "\n".join(taken)


def judged(pytester: pytest.Pytester, command: str) -> set[str]:
    """Run a command that a failure named, and return the checks that fail then."""
    program, *options = shlex.split(command)
    assert program == "pytest"
    result = pytester.runpytest_inprocess(*options, "-p", "no:cacheprovider")
    result.assert_outcomes(failed=1, deselected=counts.items() - 1)
    return set(re.findall(r"^  (adyen_\w+|\w+_conformance): ", str(result.stdout), re.M))


def test_an_interrupted_run_leaves_nothing(pytester: pytest.Pytester, live, monkeypatch: pytest.MonkeyPatch) -> None:
    with served() as there:
        pytester.makepyfile(
            stopper="""
            import pytest

            @pytest.hookimpl(trylast=True)
            def pytest_runtest_teardown(item):
                if "generateApiKey" in item.name:
                    raise KeyboardInterrupt
            """
        )
        monkeypatch.setenv("PYTHONPATH", str(pytester.path), prepend=os.pathsep)
        result = live(there, "-p", "stopper", apart=True)
        assert result.ret == pytest.ExitCode.INTERRUPTED
        made = there.new()
        assert made
        assert not any(item["active"] for item in made.values())


def test_refused_requests_are_counted_as_skipped() -> None:
    contract = load_contract("v3")
    with served(foreign=2) as there, throwaways_of(there, 0) as throwaways:
        target = LiveTarget(contract, throwaways, "TestMerchant")
        operation = contract.operations["PATCH /companies/{companyId}/apiCredentials/{apiCredentialId}"]
        target.run_operation(operation, 0)
        sent = {each.operation.method for each in target.exchanges}
        assert sent <= {"GET"}
        assert target.skipped > 10
        with pytest.raises(AdyenCredsError, match="needs a throwaway"):
            target.run_scenario("rotation at company level")
        assert there.unharmed()
