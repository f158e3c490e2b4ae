"""The proof: with the derived roles a suite passes in the sandbox, and with each of them taken away it fails."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from roles_suites import API_CREDENTIALS, READ, STORES_URL, USERS, WRITE, Runs

from pytest_adyen_creds.contract.contract import load_contract
from pytest_adyen_creds.contract.importing import import_openapi, write_contract
from pytest_adyen_creds.credentials.roles import KNOWN
from pytest_adyen_creds.formats import read_json
from pytest_adyen_creds.roles.proof import Proof, ProofError, Ran, proof_json, prove, run_pytest

OPERATIONS = load_contract("v3").operations

SUITE = """
import httpx, pytest

PATHS = {paths!r}
ROLES = {roles!r}

@pytest.mark.adyen_credential(roles=ROLES)
@pytest.mark.parametrize(("method", "path"), PATHS)
def test_it(adyen_credential, adyen_settings, method, path):
    url = path if path.startswith("https:") else adyen_settings.base_url + path
    answer = httpx.request(method, url, headers={{"X-API-Key": adyen_credential.key().reveal()}})
    assert answer.status_code not in (401, 403), answer.text
"""

Runner = Callable[[Sequence[str]], Ran]


@pytest.fixture
def runner(pytester: pytest.Pytester) -> Runner:
    """Run pytest in this process."""

    def run(arguments: Sequence[str]) -> Ran:
        result = pytester.runpytest_inprocess(*arguments)
        failed = [line.split()[1] for line in result.stdout.lines if line.startswith(("FAILED ", "ERROR "))]
        return Ran(int(result.ret), tuple(failed))

    return run


def path_of(label: str) -> tuple[str, str]:
    names = {"companyId": "TestCompany", "merchantId": "TestMerchant", "apiCredentialId": "S2-X", "originId": "X"}
    method, path = label.split()
    return method, path.format_map(names)


def write_suite(runs: Runs, paths: Sequence[tuple[str, str]], roles: Sequence[str]) -> None:
    runs.pytester.makepyfile(test_it=SUITE.format(paths=list(paths), roles=list(roles)))


@pytest.mark.slow("several runs of pytest")
def test_a_suite_over_all_operations_is_proven(runs: Runs, runner: Runner) -> None:
    write_suite(runs, [path_of(label) for label in OPERATIONS], KNOWN)
    proof, need = prove([], runner)
    assert {each["operation"] for each in need.to_json()["calls"]} == set(OPERATIONS)
    assert need.roles == proof.roles == (API_CREDENTIALS,)
    assert (proof.exact, proof.without[API_CREDENTIALS].status) == (Ran(0, ()), 1)
    assert proof.holds


STORES_PATHS = [
    (method, f"{STORES_URL}/{path}") for method, path in (("GET", "stores"), ("GET", "users"), ("GET", "open"))
]


@pytest.mark.slow("several runs of pytest")
@pytest.mark.parametrize(
    ("paths", "smallest"),
    [
        (STORES_PATHS, (READ,)),
        ([*STORES_PATHS, ("POST", f"{STORES_URL}/stores")], None),
    ],
)
def test_a_suite_with_one_of_several_roles_is_proven_to_need_the_fewest(
    with_stores: Runs, runner: Runner, paths: list[tuple[str, str]], smallest: tuple[str, ...] | None
) -> None:
    write_suite(with_stores, paths, [READ, WRITE, USERS, API_CREDENTIALS])
    proof, _ = prove([], runner)
    assert proof.holds
    assert len(proof.roles) == (1 if smallest else 2)
    assert smallest is None or proof.roles == smallest
    if smallest is None:  # none of fewer passes
        for number in range(len(proof.roles)):
            for some in combinations((READ, WRITE, USERS, API_CREDENTIALS), number):
                given = "\n".join(some or ["-"])
                assert runner(["--adyen-backend=sandbox", "-o", f"adyen_roles_given={given}"]).status == 1


@pytest.mark.slow("several runs of pytest")
def test_a_suite_over_the_published_document_is_proven(runs: Runs, runner: Runner, published: Path) -> None:
    document = read_json(published / "apis" / "ManagementService-v3.json", largest=1 << 26)
    write_contract(import_openapi(document, "ManagementService-v3.json"), runs.pytester.path / "contracts")
    runs.pytester.makeini("[pytest]\nadyen_contracts = contracts\n")
    labels = [
        "GET /companies/{companyId}/webhooks",
        "POST /companies/{companyId}/webhooks",
        "GET /merchants/{merchantId}/stores",
        "GET /merchants/{merchantId}/terminalSettings",
        "GET /companies/{companyId}/users",
        "GET /me",
    ]
    write_suite(runs, [path_of(label) for label in labels], KNOWN)
    proof, _ = prove([], runner)
    assert proof.holds, list(proof.lines())
    assert len(proof.roles) > 2


def noted(pytester: pytest.Pytester, report: object, *, statuses: Sequence[int] = ()) -> tuple[Runner, list[list[str]]]:
    """Return what runs nothing: it writes ``report``, and ends with one of ``statuses`` after the other."""
    asked: list[list[str]] = []
    left = list(statuses)

    def run(arguments: Sequence[str]) -> Ran:
        asked.append(list(arguments))
        for each in arguments:
            if each.startswith("--adyen-report=") and report is not None:
                Path(each.partition("=")[2]).write_text(json.dumps({"roles": report}), "utf-8")
        status = left.pop(0) if left else 0
        return Ran(status, ("test_a",) if status == 1 else ())

    return run, asked


def call(
    test: str = "a", operation: str = "GET /s", *, credential: str = "c", refused: bool = False
) -> dict[str, object]:
    return {"test": test, "credential": credential, "operation": operation, "refused": refused, "count": 1}


REPORT: dict[str, Any] = {
    "calls": [call("test_a.py::a"), call("test_a.py::b", "GET /w")],
    "demands": {"GET /s": {"all": ["A"]}, "GET /w": {"all": ["B"]}},
    "granted": {"c": ["A", "B", "C"]},
    "unknown": [],
}


def given_in(arguments: Sequence[str]) -> str:
    return next(each for each in arguments if each.startswith("adyen_roles_given="))


def test_the_runs_are_the_suite_as_it_is_exactly_and_without_each(pytester: pytest.Pytester) -> None:
    run, asked = noted(pytester, REPORT, statuses=[0, 0, 1, 1])
    proof, _ = prove(["tests", "-k", "checkout"], run)
    assert proof.holds
    assert len(asked) == 4
    assert not any("adyen_roles_given" in each for each in asked[0])
    assert list(map(given_in, asked[1:])) == ["adyen_roles_given=" + roles for roles in ("A\nB", "B", "A")]
    for each in asked:
        assert "tests -k checkout" in " ".join(each)
        # whatever addopts or an ini file says: no run proves in turn, records, rehearses, or is live
        assert {"--adyen-backend=sandbox", "--adyen-roles=report", "--adyen-record=none"} <= set(each)
    assert list(proof.lines()) == [
        "proven   with exactly A, B the suite passes in the sandbox",
        "proven   without A: 1 failed (test_a)",
        "proven   without B: 1 failed (test_a)",
    ]
    assert proof_json(proof)["without"] == {role: {"status": 1, "failed": ["test_a"]} for role in ("A", "B")}


@pytest.mark.parametrize(
    "left_out",
    [
        ["--adyen-roles"],
        ["--adyen-roles=prove"],
        ["--adyen-live"],
        ["--adyen-backend", "live"],
        ["--adyen-backend=live"],
        ["--adyen-record=all"],
        ["--adyen-report", "here.html"],
        ["--adyen-report=here.html"],
        ["--junitxml", "here.xml"],
        ["--adyen-rehearse"],
        ["--adyen-rehearse=additions"],
        ["--adyen-rehearse-fail", "all"],
        ["--adyen-base-url", "http://127.0.0.1:1/v3"],
    ],
)
def test_what_reports_records_or_asks_a_server_is_left_out(pytester: pytest.Pytester, left_out: list[str]) -> None:
    run, asked = noted(pytester, REPORT, statuses=[0, 0, 1, 1])
    prove(["one", *left_out, "two"], run)
    run, plain = noted(pytester, REPORT, statuses=[0, 0, 1, 1])
    prove(["one", "two"], run)
    assert asked[1:] == plain[1:]


@pytest.mark.parametrize(
    ("statuses", "words"),
    [
        ([0, 1, 1, 1], "refuted  with exactly A, B the suite fails in the sandbox: 1 failed (test_a)"),
        ([0, 0, 0, 1], "refuted  without A the suite passes all the same"),
        ([0, 0, 1, 4], "refuted  without B the suite could not run (status 4)"),
        ([0, 0, 1, 5], "refuted  without B the suite could not run (status 5)"),
    ],
)
def test_what_is_not_proven_is_said(pytester: pytest.Pytester, statuses: list[int], words: str) -> None:
    proof, _ = prove([], noted(pytester, REPORT, statuses=statuses)[0])
    assert not proof.holds
    assert words in list(proof.lines())


@pytest.mark.parametrize("status", [1, 2, 4, 5])
def test_a_suite_that_does_not_pass_as_it_is_proves_nothing(pytester: pytest.Pytester, status: int) -> None:
    run, asked = noted(pytester, REPORT, statuses=[status])
    with pytest.raises(ProofError, match=rf"does not pass in the sandbox as it is \(status {status}\)"):
        prove([], run)
    assert len(asked) == 1


def test_a_suite_that_leases_nothing_proves_nothing(pytester: pytest.Pytester) -> None:
    report = {**REPORT, "granted": {}}
    with pytest.raises(ProofError, match="no test leases a credential that needs a role"):
        prove([], noted(pytester, report)[0])


def test_what_is_asked_with_another_key_is_no_part_of_the_proof(pytester: pytest.Pytester) -> None:
    calls = [call("a"), call("b", "GET /w", credential="the provisioning credential")]
    proof, need = prove([], noted(pytester, {**REPORT, "calls": calls}, statuses=[0, 0, 1])[0])
    assert (proof.roles, need.roles) == (("A",), ("A", "B"))


def test_a_test_that_passes_where_something_is_refused_is_left_out(pytester: pytest.Pytester) -> None:
    """With roles taken from others or added to it, it says nothing of what the others need."""
    calls = [*REPORT["calls"], call("test_a.py::r", "GET /s", refused=True), call("test_a.py::r", "GET /x")]
    demands = {**REPORT["demands"], "GET /x": {"all": ["C"]}}
    run, _ = noted(pytester, {**REPORT, "calls": calls, "demands": demands}, statuses=[0, 0, 1, 1])
    proof, need = prove([], run)
    assert (proof.roles, need.roles) == (("A", "B"), ("A", "B", "C"))
    assert proof.left_out == ("test_a.py::r",)
    assert proof.holds
    assert list(proof.lines())[-1].endswith(": test_a.py::r")


def test_many_roles_and_tests_are_counted() -> None:
    roles = tuple("ABCDE")
    lines = list(Proof(roles, Ran(1, tuple("tests")), {}).lines())
    assert lines == ["refuted  with exactly 5 roles the suite fails in the sandbox: 5 failed (t, e, s and 2 more)"]
    assert not Proof(roles, Ran(0, ()), {"A": Ran(0, ())}).holds


FAILING = """
import pytest

@pytest.mark.parametrize("role", ["Management API - Stores read"], ids=str)
def test_role(role):
    assert not role, "a - b"

def test_plain():
    assert [1] == 2, "with - a dash [and] brackets"

@pytest.fixture
def broken():
    raise ValueError("x - y")

def test_error(broken): pass
"""


@pytest.mark.slow("processes of their own")
def test_the_failed_tests_of_a_process_are_named_whatever_they_are_called(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PY_COLORS", "1")
    pytester.makepyfile(test_it=FAILING)
    pytester.makeini("[pytest]\naddopts = --color=yes -q\n")
    ran = run_pytest(["-p", "no:randomly", "--color=no"])
    assert ran.status == 1
    assert sorted(ran.failed) == [
        "test_it.py::test_error",
        "test_it.py::test_plain",
        "test_it.py::test_role[Management API - Stores read]",
    ]


REAL = f"""
import pytest

@pytest.mark.adyen_credential(preset="full-access")
def test_it(adyen_client):
    assert adyen_client.get("/companies/TestCompany/apiCredentials").status_code == 200

@pytest.mark.adyen_credential(roles=[{READ!r}])
def test_refused(adyen_client):
    assert adyen_client.get("/companies/TestCompany/apiCredentials").status_code == 403
"""


@pytest.mark.slow("processes of their own")
@pytest.mark.parametrize("how", ["command", "option", "addopts", "ini"])
def test_it_is_proven_in_processes(pytester: pytest.Pytester, how: str) -> None:
    pytester.makepyfile(test_it=REAL)
    if how in ("addopts", "ini"):
        said = "addopts = --adyen-roles=prove --color=yes" if how == "addopts" else "adyen_roles = prove"
        pytester.makeini(f"[pytest]\n{said}\n")
    command = [sys.executable, "-m", "pytest", "-p", "no:randomly"]
    if how == "option":
        command += ["--adyen-roles=prove", "--adyen-report=roles.json", "test_it.py"]
    elif how == "command":
        command = [sys.executable, "-m", "pytest_adyen_creds.cli", "roles", "prove", "test_it.py", "-p", "no:randomly"]
    done = subprocess.run(command, cwd=pytester.path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for line in (
        f"proven   with exactly {API_CREDENTIALS} the suite passes in the sandbox",
        f"proven   without {API_CREDENTIALS}: 1 failed (test_it.py::test_it)",
    ):
        assert done.stdout.count(line) == 1
    if how == "option":
        report = json.loads((pytester.path / "roles.json").read_text())
        assert report["roles"]["proof"]["holds"]
        assert report["roles"]["needed"] == [API_CREDENTIALS]


@pytest.mark.slow("several runs of pytest")
def test_a_run_that_proves_nothing_does_not_pass(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it="def test_it(adyen_client): pass")
    result = pytester.runpytest_inprocess("--adyen-roles=prove", "-p", "no:randomly")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*no test leases a credential that needs a role, so there is nothing to prove*"])
