"""The ledger: on disk before the request, without secrets, and readable after a kill."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_adyen_creds.client import Ownership, tag
from pytest_adyen_creds.credentials import ledger as ledger_module
from pytest_adyen_creds.credentials.ledger import (
    Ledger,
    LedgerBudget,
    check_writable,
    crashed_runs,
    last_problem,
    state_folder,
)
from pytest_adyen_creds.errors import BudgetSpent, CredentialError

URL, COMPANY = "http://127.0.0.1:8080/v3", "TestCompany"

DIE = """
import os, sys
from pathlib import Path
from pytest_adyen_creds.credentials.ledger import Ledger
ledger = Ledger(Path(sys.argv[1]), "deadrun0", sys.argv[2], sys.argv[3])
ledger.intent("POST one")
ledger.intent("POST two")
ledger.created("S2-1")
ledger.claiming("S2-2")
ledger.intent("POST three")
ledger.refused("POST three")
os._exit(9)
"""


def die(folder: Path) -> None:
    done = subprocess.run([sys.executable, "-c", DIE, str(folder), URL, COMPANY], check=False, timeout=60)
    assert done.returncode == 9


def test_every_record_is_on_disk_when_its_method_returns(tmp_path):
    ledger = Ledger(tmp_path, "run00000", URL, COMPANY)
    for act, event in ((ledger.intent, "intent"), (ledger.created, "created"), (ledger.claiming, "claiming")):
        act("S2-1")
        assert json.loads(ledger.path.read_text().splitlines()[-1])["event"] == event
    assert ledger.path.stat().st_mode & 0o077 == 0
    ledger.close(is_clean=True)
    assert list(tmp_path.iterdir()) == []


def test_a_killed_runs_ledger_is_told_from_a_living_ones(tmp_path):
    alive = Ledger(tmp_path, "alive000", URL, COMPANY)
    die(tmp_path)
    with crashed_runs(tmp_path, URL, COMPANY) as dead:
        (run,) = dead
        assert (run.run, run.unsettled, set(run.known)) == ("deadrun0", 1, {"S2-1", "S2-2"})
        # while one recovers it, nobody else does
        with crashed_runs(tmp_path, URL, COMPANY) as meanwhile:
            assert meanwhile == []
    with crashed_runs(tmp_path, "http://127.0.0.1:1/v3", COMPANY) as dead:
        assert dead == []
    with crashed_runs(tmp_path, URL.replace("v3", "v1"), COMPANY) as dead:
        assert {run.run for run in dead} == {"deadrun0"}
    alive.close(is_clean=False)
    with crashed_runs(tmp_path, URL, COMPANY) as dead:
        assert {run.run for run in dead} == {"alive000", "deadrun0"}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing is forked here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_creates_nothing_and_does_not_keep_the_ledger(tmp_path):
    ledger = Ledger(tmp_path, "forked00", URL, COMPANY)
    budget = LedgerBudget(5, ledger)
    (told, tell), (waits, go_on) = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        try:
            budget.reserve("POST one")
        except CredentialError as error:
            os.write(tell, str(error).encode())
        os.close(tell)
        os.close(go_on)
        os.read(waits, 1)
        os._exit(0)
    os.close(tell)
    try:
        assert b"a process that a test has forked can neither lease nor create" in os.read(told, 1000)
        with crashed_runs(tmp_path, URL, COMPANY) as dead:
            assert dead == []
        budget.reserve("POST two")
        assert "POST one" not in ledger.path.read_text()
        # as when the run is killed: its child lives on, and has nothing of the ledger
        ledger.close(is_clean=False)
        with crashed_runs(tmp_path, URL, COMPANY) as (run,):
            assert (run.run, run.unsettled) == ("forked00", 1)
    finally:
        os.close(go_on)
        os.waitpid(child, 0)
        os.close(told)
        os.close(waits)


@given(cut=st.integers(0, 2000), junk=st.binary(max_size=20))
def test_a_ledger_that_is_cut_off_anywhere_is_read_as_far_as_it_goes(tmp_path_factory, cut, junk):
    folder = tmp_path_factory.mktemp("cut")
    ledger = Ledger(folder, "cutoff00", URL, COMPANY)
    for number in range(5):
        ledger.intent(f"POST {number}")
    ledger.close(is_clean=False)
    whole = ledger.path.read_bytes()
    ledger.path.write_bytes(whole[:cut] + junk)
    with crashed_runs(folder, URL, COMPANY) as dead:
        assert all(run.run == "cutoff00" and run.unsettled <= 5 for run in dead)
        assert dead or cut < len(whole)


def test_old_and_unreadable_files_go(tmp_path, monkeypatch):
    junk, new = tmp_path / "junk.jsonl", tmp_path / "new.jsonl"
    junk.write_text("not json\n")
    long_ago = (datetime.now(UTC) - timedelta(days=2)).timestamp()
    os.utime(junk, (long_ago, long_ago))
    new.write_text("")
    die(tmp_path)
    monkeypatch.setattr(ledger_module, "KEPT_FOR", timedelta(seconds=-1))
    with crashed_runs(tmp_path, URL, COMPANY, tidy=False) as dead:
        assert dead == []
    assert len(list(tmp_path.glob("*.jsonl"))) == 3
    with crashed_runs(tmp_path, URL, COMPANY) as dead:
        assert dead == []
    # a run may be about to write its first line
    assert list(tmp_path.glob("*.jsonl")) == [new]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_rights_is_named(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(CredentialError, match=r"Permission denied.*set XDG_STATE_HOME"):
        Ledger(tmp_path / "state", "run00000", URL, COMPANY)


def test_a_folder_that_cannot_be_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CredentialError, match=r"cannot be written .*nothing was sent.*set XDG_STATE_HOME"):
        Ledger(tmp_path / "file" / "state", "run00000", URL, COMPANY)


def test_a_creation_that_cannot_be_written_down_is_not_sent(tmp_path):
    ledger = Ledger(tmp_path, "run00000", URL, COMPANY)
    budget = LedgerBudget(1, ledger)
    ledger.close(is_clean=False)
    with pytest.raises(CredentialError, match="nothing was sent"):
        budget.reserve("POST one")
    assert budget.spent == 0


def test_the_budget_writes_an_intent_once_and_what_was_refused(tmp_path):
    ledger = Ledger(tmp_path, "run00000", URL, COMPANY)
    budget = LedgerBudget(1, ledger)
    budget.reserve("POST one")
    budget.reserve("POST one")
    with pytest.raises(BudgetSpent):
        budget.reserve("POST two")
    budget.free("POST one")
    assert not budget.is_settled
    budget.free("POST one")
    assert budget.is_settled
    events = [json.loads(line)["event"] for line in ledger.path.read_text().splitlines()]
    assert events == ["run", "intent", "refused"]
    ledger.close(is_clean=True)


def test_a_problem_is_kept_until_a_run_went_well(tmp_path):
    ledger = Ledger(tmp_path, "run00000", URL, COMPANY)
    ledger.problem("BudgetSpent", "no more")
    ledger.close(is_clean=True)
    assert last_problem(tmp_path)[:2] == ("BudgetSpent", "no more")
    check_writable(tmp_path)
    assert last_problem(tmp_path) is not None
    Ledger(tmp_path, "run00001", URL, COMPANY).close(is_clean=True)
    assert last_problem(tmp_path) is None


def test_a_write_that_was_cut_off_is_an_error_and_spoils_no_other_record(tmp_path):
    ledger = Ledger(tmp_path, "run00000", URL, COMPANY)
    size = ledger.path.stat().st_size
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 10, before[1]))
        with pytest.raises(CredentialError, match="nothing was sent"):
            ledger.intent("POST one")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    ledger.created("S2-1", "merchant", "TestMerchantEU")
    ledger.close(is_clean=False)
    with crashed_runs(tmp_path, URL, COMPANY) as (run,):
        assert (run.created, run.known) == ({"S2-1"}, {"S2-1": ("merchant", "TestMerchantEU")})


def test_an_intent_tells_where_and_nothing_that_a_request_carried(tmp_path):
    ledger = Ledger(tmp_path, "run00000", URL, COMPANY)
    ownership = Ownership(LedgerBudget(1, ledger))
    request = httpx.Request(
        "POST",
        f"{URL}/merchants/M/apiCredentials?apiKey=a-key-in-the-query",
        json={"description": tag.make("run00000", datetime.now(UTC) + timedelta(hours=1))},
        headers={"idempotency-key": "a-key-of-the-tests"},
    )
    ownership.settle(ownership.admit(request), "unknown")
    ledger.close(is_clean=False)
    written = ledger.path.read_text()
    assert "a-key" not in written
    with crashed_runs(tmp_path, URL, COMPANY) as (run,):
        assert (run.unsettled, run.accounts) == (1, {("merchant", "M")})


def test_an_attempt_without_an_answer_leaves_the_run_unsettled(tmp_path):
    # a server that does not honour the idempotency key has created two
    ledger = Ledger(tmp_path, "run00000", URL, COMPANY)
    budget = LedgerBudget(1, ledger)
    ownership = Ownership(budget)
    description = tag.make("run00000", datetime.now(UTC) + timedelta(hours=1))
    request = httpx.Request("POST", f"{URL}/companies/C/apiCredentials", json={"description": description})
    request.headers["idempotency-key"] = "one"
    ownership.settle(ownership.admit(request), "unknown")
    ownership.settle(ownership.admit(request), "created")
    ledger.created("S2-1")
    assert not budget.is_settled
    ledger.close(is_clean=True)


def test_the_folder_is_the_users_own():
    assert state_folder({"XDG_STATE_HOME": "/s", "HOME": "/h"}) == Path("/s/pytest-adyen-creds")
    assert state_folder({"XDG_STATE_HOME": "state", "HOME": "/h"}) == Path("/h/.local/state/pytest-adyen-creds")
    assert state_folder({"HOME": "/h"}) == Path("/h/.local/state/pytest-adyen-creds")


@pytest.mark.parametrize(
    ("answered", "doubted", "unsettled"),
    [
        (["S2-1", "S2-1"], [], 1),
        (["S2-1", "S2-2"], [], 0),
        (["S2-1", "S2-1", "S2-1"], [], 1),
        (["S2-1", "S2-2"], ["S2-2"], 1),
        (["S2-1", "S2-1"], ["S2-1"], 2),
        (["S2-1", "S2-2"], ["S2-3"], 0),
    ],
)
def test_a_creation_counts_once_for_each_id_however_often_it_is_recorded(tmp_path, answered, doubted, unsettled):
    ledger = Ledger(tmp_path, "run00000", URL, COMPANY)
    budget = LedgerBudget(5, ledger)
    for number in range(2):
        budget.reserve(f"POST {URL}/companies/C/apiCredentials {number}")
    for credential_id in answered:
        ledger.created(credential_id)
    for credential_id in doubted:
        ledger.doubted(credential_id)
    assert budget.is_settled == (unsettled == 0)
    ledger.close(is_clean=False)
    with crashed_runs(tmp_path, URL, COMPANY) as (run,):
        assert run.unsettled == unsettled
        assert run.known.keys() == {*answered, *doubted}
        assert run.created == set(answered) - set(doubted)
