"""Live runs against a served sandbox: from the first test to what is left at the end."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from credentials_helpers import killing

from pytest_adyen_creds.credentials.ledger import Ledger
from pytest_adyen_creds.credentials.live_run import LiveSession
from pytest_adyen_creds.credentials.shutdown import SignalHandlers
from pytest_adyen_creds.errors import CredentialError
from pytest_adyen_creds.sandbox import Sandbox

pytestmark = pytest.mark.slow("processes that are killed, or compete")

LEASES = int(os.environ.get("ADYEN_CREDS_LEASES", "24"))
"""Leases under xdist; the full measurement takes 500."""

WORKERS = os.environ.get("ADYEN_CREDS_WORKERS", "2")

MANY = f"""
import pytest

@pytest.mark.parametrize("number", range({LEASES}))
def test_lease(adyen_credential, adyen_client, number):
    assert adyen_client.get("/me").json()["id"] == adyen_credential.id
"""


def test_the_ten_lines_pass_unchanged(account, ten_lines):
    before = killing.furnish(account.sandbox)
    result = account.run()
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        [f"adyen: live at {account.url}, company TestCompany as ws@Company.TestCompany, at most 5 credentials created"]
    )
    result.stdout.fnmatch_lines(["adyen: 1 created, 0 recycled, 1 switched off at the end"])
    (used,) = account.throwaways()
    assert not used["active"]
    assert account.ledgers == []
    # and the next run makes no other
    result = account.run()
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["adyen: 0 created, 1 recycled, 1 switched off at the end"])
    assert [body["id"] for body in account.throwaways()] == [used["id"]]
    assert killing.state_of(account.sandbox) == before


def test_nothing_is_made_for_tests_that_need_nothing(account, pytester):
    pytester.makepyfile(
        """
        import pytest

        def test_other(): pass

        @pytest.mark.skip
        def test_skipped(adyen_credential): pass

        @pytest.mark.skipif(True, reason="not here")
        def test_skipped_here(adyen_credential): pass

        @pytest.mark.skipif("sys.version_info[0] == 3", reason="not with this Python")
        def test_skipped_by_a_text(adyen_credential): pass
        """
    )
    result = account.run()
    result.assert_outcomes(passed=1, skipped=3)
    result.stdout.fnmatch_lines(["adyen: 0 created, 0 recycled, 0 switched off at the end"])
    assert account.throwaways() == []


@pytest.mark.parametrize("option", ["--collect-only", "--fixtures", "--fixtures-per-test", "--setup-plan"])
def test_nothing_is_made_or_asked_where_no_test_runs(account, ten_lines, option):
    asked = []
    account.meet(lambda method, path, body: asked.append(f"{method} {path}"))
    result = account.run(option)
    assert (result.ret, asked) == (pytest.ExitCode.OK, [])
    assert account.ledgers == []


def test_nothing_is_made_where_what_cannot_be_collected_ends_the_run(account, ten_lines, pytester):
    pytester.makepyfile(test_broken="import nothing_of_this_name")
    assert account.run().ret == pytest.ExitCode.INTERRUPTED
    assert account.throwaways() == []
    account.run("--continue-on-collection-errors").assert_outcomes(passed=1, errors=1)


def test_what_is_deselected_needs_nothing(account, pytester):
    pytester.makeconftest(
        """
        def pytest_collection_modifyitems(config, items):
            gone = [item for item in items if item.name == "test_two"]
            items[:] = [item for item in items if item not in gone]
            config.hook.pytest_deselected(items=gone)
        """
    )
    pytester.makepyfile(
        "def test_other(): pass\ndef test_one(adyen_credential): pass\ndef test_two(adyen_credential): pass"
    )
    account.run("-k", "other").assert_outcomes(passed=1, deselected=2)
    account.run("--deselect", "test_what_is_deselected_needs_nothing.py::test_one").assert_outcomes(
        passed=1, deselected=2
    )
    assert account.throwaways() == []


def test_what_a_test_creates_itself_is_tagged_counted_and_switched_off(account, pytester):
    pytester.makepyfile(
        """
        import pytest
        from pytest_adyen_creds.errors import BudgetSpent, OwnershipRefused

        def test_create(adyen_management, adyen_credentials):
            company = adyen_management.company("TestCompany")
            with pytest.raises(OwnershipRefused):
                company.create({"description": "mine"})
            for _ in range(2):
                company.create({"description": adyen_credentials.description()})
            with pytest.raises(BudgetSpent):
                company.create({"description": adyen_credentials.description()})
        """
    )
    account.run("--adyen-max-created=2").assert_outcomes(passed=1)
    assert len(account.throwaways()) == 2
    assert account.active() == []
    assert account.ledgers == []


CREATING = """
def test_create(adyen_credential, adyen_credentials, adyen_management):
    with adyen_management as management:
        management.company("TestCompany").create({"description": adyen_credentials.description()})
"""


def test_a_client_that_a_test_closed_and_a_disk_that_is_full_leave_nothing(account, pytester, monkeypatch):
    here, created = threading.current_thread(), Ledger.created

    def full(self, credential_id, *where):
        if threading.current_thread() is here:  # the pool has written its own from threads of its own
            raise CredentialError("the ledger cannot be written (No space left on device)")
        created(self, credential_id, *where)

    pytester.makepyfile(CREATING)
    monkeypatch.setattr(Ledger, "created", full)
    account.run().assert_outcomes(passed=1)
    assert len(account.throwaways()) == 2
    assert account.active() == []
    assert account.ledgers == []


ENDED_BY_A_HOOK = {
    "the session did not start": """
def pytest_sessionstart(session):
    raise RuntimeError("no test runs")
""",
    "another plugin's wrapper": """
import pytest

@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session):
    raise RuntimeError("before the others")
    return (yield)
""",
    "an interrupt while the end is masked": """
class Interrupting:
    @property
    def _keyboardinterrupt_memo(self):
        raise KeyboardInterrupt

def pytest_configure(config):
    config.pluginmanager.register(Interrupting())
""",
}


@pytest.mark.parametrize("how", ENDED_BY_A_HOOK)
def test_a_session_that_a_hook_ends_leaves_nothing(account, ten_lines, pytester, how):
    pytester.makeconftest(ENDED_BY_A_HOOK[how])
    with contextlib.suppress(RuntimeError, KeyboardInterrupt):  # passed on by pytest
        account.run()
    assert account.active() == []
    assert account.ledgers == []


FORKING = """
import os
import pytest
from pytest_adyen_creds.errors import CredentialError

def forked(act):
    child = os.fork()
    if child == 0:
        act()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1

def test_a_child_that_creates(adyen_client, adyen_credentials):
    tagged = {"description": adyen_credentials.description()}
    def create():
        try:
            adyen_client.post("/companies/TestCompany/apiCredentials", json=tagged)
        except CredentialError:
            os._exit(1)
        os._exit(0)
    forked(create)

def test_a_child_that_fails(adyen_client):
    def fail():
        raise AssertionError("in the child")
    forked(fail)
    assert adyen_client.get("/me").json()["active"]
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing is forked here")
def test_a_forked_process_is_not_the_run(account, pytester):
    pytester.makepyfile(FORKING)
    assert account.run(apart=True).ret == 0
    assert len(account.throwaways()) == 1
    assert account.active() == []
    assert account.ledgers == []


@pytest.mark.parametrize("tag", ["tagged", "untagged"])
def test_a_run_that_leaves_something_active_says_so_and_fails(account, pytester, tag):
    is_broken = True

    def meet(method, path, body):
        if method == "POST" and path.endswith("/apiCredentials"):
            return b"{}" if tag == "untagged" else None
        return 403 if method == "PATCH" and is_broken else None

    account.meet(meet)
    pytester.makepyfile(
        """
        def test_create(adyen_credentials, adyen_management):
            body = {"description": adyen_credentials.description()}
            adyen_management.send("POST", "/companies/TestCompany/apiCredentials", json=body)
        """
    )
    result = account.run()
    result.assert_outcomes(passed=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    why = "PATCH *403*" if tag == "tagged" else "it does not carry this run's tag, so it is not touched; *"
    result.stdout.fnmatch_lines(
        [
            f"adyen: credential *, which a test created, could not be switched off: {why}; run adyen-creds sweep",
            "adyen: 1 of this run's throwaways may still be active, so the run fails; run adyen-creds sweep",
            "adyen: 1 created, 0 recycled, 0 switched off at the end",
        ]
    )
    assert len(account.ledgers) == 1
    if tag == "tagged":
        is_broken = False
        pytester.makepyfile("def test_later(): pass")
        account.run()
        assert account.active() == []
        assert account.ledgers == []


def test_what_can_be_switched_off_at_the_second_look_is_no_problem(account, pytester):
    refused = []

    def meet(method, path, body):
        if method == "PATCH" and not refused:
            refused.append(path)
            return 403
        return None

    account.meet(meet)
    pytester.makepyfile(CREATING.replace("adyen_credential, ", ""))
    result = account.run()
    result.assert_outcomes(passed=1)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["adyen: 1 created, 0 recycled, 1 switched off at the end"])
    assert refused
    assert len(account.throwaways()) == 1
    assert account.active() == []
    assert account.ledgers == []


def test_a_long_goodbye_says_what_it_does(account, ten_lines, monkeypatch):
    said = threading.Event()
    say = LiveSession._report

    def note(self, text, **markup):
        say(self, text, **markup)
        if "the run is ending" in text:
            said.set()

    monkeypatch.setattr(LiveSession, "_report", note)
    monkeypatch.setattr("pytest_adyen_creds.credentials.live_run.REPORTED_EVERY", 0.01)
    account.meet(lambda method, path, body: said.wait(30) and None if b'"active":false' in body else None)
    result = account.run()
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["adyen: the run is ending: 1 throwaway to switch off, for at most * s more"])
    assert account.active() == []


def test_a_test_can_change_its_own_throwaway_and_no_other_credential(account, pytester):
    before = killing.furnish(account.sandbox)
    pytester.makepyfile(
        """
        import pytest
        from pytest_adyen_creds.errors import OwnershipRefused

        def test_foreign(adyen_management, adyen_credential, adyen_client):
            company = adyen_management.company("TestCompany")
            mine = company.update(adyen_credential.id, {"roles": ["Management API - Stores read"]})
            assert mine["roles"] == ["Management API - Stores read"]
            assert adyen_client.post("/me/allowedOrigins", json={"domain": "https://a.example"}).status_code == 200
            others = [body["id"] for body in company.iterate() if body["id"] != adyen_credential.id]
            assert len(others) == 31
            for other in others:
                with pytest.raises(OwnershipRefused):
                    company.update(other, {"active": False})
            with pytest.raises(OwnershipRefused):
                adyen_management.me.origins.add("https://a.example")
        """
    )
    account.run().assert_outcomes(passed=1)
    assert account.active() == []
    assert killing.state_of(account.sandbox) == before


@pytest.mark.parametrize("dist", ["load", "loadscope", "loadfile", "loadgroup", "worksteal", "each", "no"])
def test_workers_share_the_pool_whatever_the_distribution(account, pytester, dist):
    if dist not in ("load", "each") and LEASES < 500:
        pytest.skip("with ADYEN_CREDS_LEASES=500 every distribution is tried")
    pytester.makepyfile(test_one=MANY, test_two=MANY)
    result = account.run("-n", WORKERS, "--dist", dist, "--adyen-max-created=3")
    assert result.ret == 0
    assert 1 <= len(account.throwaways()) <= 3
    assert account.active() == []
    assert account.ledgers == []


def test_a_worker_that_crashes_gives_its_lease_back(account, pytester):
    pytester.makepyfile(
        """
        import os
        import pytest

        @pytest.mark.parametrize("number", range(8))
        def test_lease(adyen_credential, adyen_client, number):
            if number == 1:
                os._exit(9)
            assert adyen_client.get("/me").status_code == 200
        """
    )
    result = account.run("-n", "2", "--adyen-max-created=1")
    result.assert_outcomes(passed=7, failed=1)
    assert len(account.throwaways()) == 1
    assert account.active() == []


def test_the_budget_holds_for_all_workers_whatever_goes_wrong(account, pytester):
    pytester.makepyfile(
        f"""
        import pytest

        @pytest.mark.adyen_credential(fresh=True)
        @pytest.mark.parametrize("number", range({max(12, LEASES // 10)}))
        def test_fresh(adyen_credential, adyen_client, number):
            pass
        """
    )
    create = "POST /companies/{companyId}/apiCredentials"
    faults = account.sandbox.faults
    faults.status(429, create, times=None, probability=0.2, retry_after=0)
    faults.status(500, create, times=None, probability=0.2)
    faults.reset(create, times=None, probability=0.2)
    faults.lose_answer(create, times=None, probability=0.3)
    account.run("-n", WORKERS)
    faults.clear()
    assert 1 <= len(account.throwaways()) <= 5
    if account.active():  # what was given up as lost may have been created; the next run finds it
        pytester.makepyfile(test_after="def test_after(): pass")
        account.run("-k", "after")
    assert account.active() == []


INTERRUPTS = {
    "a cancelled job": (2, [signal.SIGINT, signal.SIGTERM]),
    "terminated twice": (143, [signal.SIGTERM, signal.SIGTERM]),
    "one too many": (2, [signal.SIGINT, signal.SIGINT, signal.SIGTERM]),
}
"""How often a run is interrupted before it has switched off what it holds, and its exit status."""


@pytest.mark.parametrize("how", INTERRUPTS)
def test_a_signal_cleans_up(account, pytester, how):
    status, numbers = INTERRUPTS[how]
    pytester.makepyfile(
        """
        import sys, threading

        def test_waits(adyen_credential, adyen_credentials):
            adyen_credentials.lease()
            print("leased", file=sys.__stderr__, flush=True)
            while not threading.Event().wait(0.1): pass  # a pause could begin after the signal has come
        """
    )
    changes = []

    def meet(method, path, body):
        if method == "PATCH":
            changes.append(body)
            while numbers:
                process.send_signal(numbers.pop(0))

    process = subprocess.Popen(
        [*killing.command(pytester.path, account.url.removesuffix("/v3")), "-s"],
        env=killing.environment(account.sandbox, account.state),
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # whoever started this in the background has it ignore interruptions, and its children inherit that
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - takes no lock
    )
    try:
        assert process.stderr is not None
        while "leased" not in process.stderr.readline():
            assert process.poll() is None
        assert len(account.active()) == 2
        account.meet(meet)
        process.send_signal(numbers.pop(0))
        output, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == status
    assert "Traceback" not in output + errors
    assert not any(b'"active":true' in body for body in changes)
    if how == "one too many":
        assert "adyen: interrupted with 2 throwaways still to switch off; run adyen-creds sweep" in output
        assert len(account.ledgers) == 1
        pytester.makepyfile("def test_later(): pass")
        assert account.run("-k", "later").ret == pytest.ExitCode.OK
    else:
        assert "adyen: 2 created, 0 recycled, 2 switched off at the end" in output
    assert account.active() == []
    assert account.ledgers == []


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="no terminal says that it is closed")
@pytest.mark.skipif(threading.current_thread() is not threading.main_thread(), reason="signals go to the main thread")
@pytest.mark.parametrize("before", [signal.SIG_DFL, signal.SIG_IGN])
def test_a_closed_terminal_ends_the_run_in_order_and_under_nohup_not_at_all(before):
    was, ours = signal.signal(signal.SIGHUP, before), SignalHandlers()
    try:
        ours.catch()
        ended = (
            pytest.raises(pytest.exit.Exception, match="SIGHUP")
            if before == signal.SIG_DFL
            else contextlib.nullcontext()
        )
        with ended:
            signal.raise_signal(signal.SIGHUP)
        ours.hold()
        signal.raise_signal(signal.SIGHUP)
        ours.restore()
        assert signal.getsignal(signal.SIGHUP) == before
    finally:
        ours.restore()
        signal.signal(signal.SIGHUP, was)


@pytest.mark.parametrize("forget", [False, True])
def test_killed_runs_leave_nothing(forget):
    kills = int(os.environ.get("ADYEN_CREDS_KILLS", "3"))
    accounts = min(3, kills)
    with ThreadPoolExecutor(accounts) as lanes:
        done = list(lanes.map(lambda lane: killing.kill_runs(kills // accounts, lane, forget=forget), range(accounts)))
    total = sum(done, killing.Outcome())
    assert total.kills >= kills // accounts * accounts
    assert total.active_after == 0
    assert total.foreign_changed == 0
    assert total.most_per_intent <= 1


def test_the_intent_is_on_disk_before_the_creation_is_sent(account, ten_lines, monkeypatch):
    seen = []
    app = account.sandbox.app.__class__.__call__

    def look(self, environ, start_response):
        if environ["REQUEST_METHOD"] == "POST" and environ["PATH_INFO"].endswith("/apiCredentials"):
            (path,) = account.ledgers
            records = [json.loads(line) for line in path.read_text().splitlines()]
            seen.append(environ["HTTP_IDEMPOTENCY_KEY"] in records[-1]["intent"])
            secret = account.sandbox.provisioning.api_key.reveal()
            assert secret not in path.read_text()
        return app(self, environ, start_response)

    monkeypatch.setattr(account.sandbox.app.__class__, "__call__", look)
    account.run().assert_outcomes(passed=1)
    assert seen == [True]


class TestSlowKeys:
    """A key that works three minutes after it was made."""

    @pytest.fixture
    def sandbox(self):
        return Sandbox(propagation_delay=timedelta(minutes=3))

    def test_no_test_sees_a_401_and_the_wait_is_one(self, account, pytester, monkeypatch):
        started = account.sandbox.clock.now()
        # the pool's clock is that of the server, so that its waiting moves the time at which keys begin to work
        monkeypatch.setattr(
            "pytest_adyen_creds.credentials.shutdown.StoppableClock.sleep",
            lambda self, seconds: account.sandbox.clock.advance(seconds=seconds),
        )
        pytester.makepyfile(
            """
            import pytest

            @pytest.mark.parametrize("number", range(10))
            def test_key_works(adyen_client, number):
                assert adyen_client.get("/me").status_code == 200
            """
        )
        account.run().assert_outcomes(passed=10)
        assert account.sandbox.clock.now() - started < timedelta(minutes=4)
        assert not any(
            exchange.operation == "GET /me" and exchange.status == 401
            for exchange in list(account.sandbox.app.journal)[-20:]
        )

    def test_a_wait_that_is_over_says_so_and_so_does_the_doctor(self, account, ten_lines, pytester):
        pytester.makeini("[pytest]\nadyen_ready_timeout = 1\n")
        result = account.run()
        result.assert_outcomes(errors=1)
        result.stdout.fnmatch_lines(["the new key of ws_* still answers 401 after * raise adyen_ready_timeout*"])
        result.stdout.fnmatch_lines(["adyen: waiting for the new key of ws_* s of 1 s)"])
        assert account.active() == []


def test_failures_are_one_line_with_the_next_step(account, ten_lines, monkeypatch, pytester):
    def says(*lines: str, ret: int = pytest.ExitCode.USAGE_ERROR, arguments: tuple[str, ...] = ()) -> None:
        result = account.run(*arguments)
        assert result.ret == ret
        text = result.stdout.str() + result.stderr.str()
        assert "Traceback" not in text
        pytester.path.joinpath("said").write_text(text)
        assert all(line in text for line in lines), text

    with monkeypatch.context() as patch:
        patch.delenv("ADYEN_MANAGEMENT_API_KEY")
        says("ERROR: the live backend needs the key of a test credential: set ADYEN_MANAGEMENT_API_KEY")
    with monkeypatch.context() as patch:
        patch.setenv("ADYEN_MANAGEMENT_API_KEY", "AQEwrongwrongwrongwrong")
        says("does not accept the key in ADYEN_MANAGEMENT_API_KEY (401); check that it is the key of an active")
    with monkeypatch.context() as patch:
        patch.setenv("ADYEN_MANAGEMENT_API_KEY", "live_ABCDEFGHIJKLMNOP")
        says("holds a key of the live environment", "use a key of the test environment")
    with monkeypatch.context() as patch:
        patch.setenv("ADYEN_COMPANY_ACCOUNT", "Other")
        says("of company TestCompany, but the run is about Other; set ADYEN_COMPANY_ACCOUNT to TestCompany")
    with monkeypatch.context() as patch:
        patch.delenv("ADYEN_COMPANY_ACCOUNT")
        says("set ADYEN_COMPANY_ACCOUNT")
    with monkeypatch.context() as patch:
        (pytester.path / "file").write_text("")
        patch.setenv("XDG_STATE_HOME", str(pytester.path / "file"))
        says("the ledger in", "cannot be written", "set XDG_STATE_HOME to a folder that is")
    says("is refused", "nothing was sent: use", arguments=("--adyen-base-url=https://management-live.adyen.com/v3",))
    says("no answer from http://127.0.0.1:1/v3", arguments=("--adyen-base-url=http://127.0.0.1:1/v3",))
    says(
        "would exceed the budget of 0; nothing was sent: raise --adyen-max-created",
        ret=pytest.ExitCode.TESTS_FAILED,
        arguments=("--adyen-max-created=0",),
    )
    with killing.management(account.sandbox) as client:
        company = client.company("TestCompany")
        weak = company.create({"description": "weak", "roles": ["Management API - Stores read"]})
        none = company.create({"description": "none", "roles": ["Checkout webservice role"]})
    with monkeypatch.context() as patch:
        patch.setenv("ADYEN_MANAGEMENT_API_KEY", weak["apiKey"].reveal())
        says("lacks the role 'Management API - API credentials read and write'", "add it to ws_")
        patch.setenv("ADYEN_MANAGEMENT_API_KEY", none["apiKey"].reveal())
        says("has no role of the Management API; give it 'Management API - API credentials read and write'")


def test_a_clock_that_is_off_stops_the_run(account, ten_lines, monkeypatch):
    monkeypatch.setattr("pytest_adyen_creds.credentials.doctor.SKEW", timedelta(seconds=-1))
    result = account.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*this machine's clock is 0 minutes away from that of 127.0.0.1*set the clock"])


def test_twenty_runs_at_once_share_what_there_is(account, pytester):
    runs = int(os.environ.get("ADYEN_CREDS_RUNS", "3"))
    killing.furnish(account.sandbox)
    suite = pytester.path / "suite"
    suite.mkdir()
    (suite / "test_victim.py").write_text(killing.VICTIM)
    environ = killing.environment(account.sandbox, account.state)

    def run(_: int) -> subprocess.CompletedProcess[str]:
        line = killing.command(suite, account.url.removesuffix("/v3"))
        return subprocess.run(line, env=environ, capture_output=True, text=True, timeout=300, check=False)

    for _ in range(2):
        with ThreadPoolExecutor(runs) as together:
            done = list(together.map(run, range(runs)))
        assert [result.returncode for result in done] == [0] * runs, [result.stdout for result in done]
    assert account.active() == []
    assert account.ledgers == []
