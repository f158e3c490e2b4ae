"""``adyen-creds sweep`` and ``adyen-creds doctor``."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from credentials_helpers import killing

from pytest_adyen_creds.cli import main
from pytest_adyen_creds.client import Clock, tag
from pytest_adyen_creds.credentials.ledger import Ledger

COMPANY, MERCHANT = "TestCompany", "TestMerchant"


@pytest.fixture
def url(account, monkeypatch):
    monkeypatch.setenv("ADYEN_BASE_URL", account.url)
    monkeypatch.chdir(account._pytester.path)
    return account.url


def leave(account, run: str, hours: float, *, active: bool = True) -> str:
    """Put a throwaway there that expires in ``hours``."""
    with killing.management(account.sandbox) as client:
        company = client.company(COMPANY)
        made = company.create({"description": tag.make(run, datetime.now(UTC) + timedelta(hours=hours))})
        if not active:
            company.update(made["id"], {"active": False})
        return made["id"]


def test_sweep_switches_off_what_expired_and_nothing_else(account, url, capsys):
    foreign = killing.furnish(account.sandbox)
    old, running = leave(account, "aaaaaaaa", -1), leave(account, "bbbbbbbb", 1)
    leave(account, "cccccccc", -1, active=False)

    assert main(["sweep", "--dry-run", "--format", "json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert [item["id"] for item in document["swept"]] == [old]
    assert set(document["swept"][0]) == {"id", "username", "level", "account", "description", "reason", "problem"}
    assert set(account.active()) == {old, running}

    assert main(["sweep"]) == 0
    assert f"switched off    {old}" in capsys.readouterr().out
    assert account.active() == [running]
    assert main(["sweep"]) == 0
    assert "1 active throwaway at TestCompany" in capsys.readouterr().out
    assert killing.state_of(account.sandbox) == foreign


def test_sweep_takes_what_a_killed_run_of_this_machine_left_before_it_expires(account, url, capsys):
    folder = account.state / "pytest-adyen-creds"
    dead, alive = Ledger(folder, "deadrun0", url, COMPANY), Ledger(folder, "aliverun", url, COMPANY)
    dead.close(is_clean=False)
    left, used = leave(account, "deadrun0", 2), leave(account, "aliverun", 2)
    assert main(["sweep"]) == 0
    assert f"{left} (" in capsys.readouterr().out
    assert account.active() == [used]
    assert account.ledgers == [alive.path]
    alive.close(is_clean=True)


def test_a_creation_that_may_still_arrive_keeps_its_ledger(account, url):
    ledger = Ledger(account.state / "pytest-adyen-creds", "deadrun0", url, COMPANY)
    ledger.intent("POST one")
    ledger.close(is_clean=False)
    assert main(["sweep"]) == 0
    assert account.ledgers == [ledger.path]
    late = leave(account, "deadrun0", 2)
    assert main(["sweep"]) == 0
    assert account.active() == []
    assert account.ledgers == []
    assert late


def test_sweep_says_what_it_could_not_switch_off(account, url, capsys):
    old = leave(account, "aaaaaaaa", -1)
    account.sandbox.faults.status(403, "PATCH /companies/{companyId}/apiCredentials/{apiCredentialId}", times=None)
    assert main(["sweep"]) == 1
    out = capsys.readouterr().out
    assert out.startswith(f"still active    {old}")
    assert "run adyen-creds sweep" in out


def test_sweep_waits_for_what_passes(account, url):
    leave(account, "aaaaaaaa", -1)
    account.sandbox.faults.status(500, "PATCH /companies/{companyId}/apiCredentials/{apiCredentialId}", times=1)
    assert main(["sweep"]) == 0
    assert account.active() == []


def test_sweep_without_a_key_could_not_run(account, url, monkeypatch, capsys):
    monkeypatch.delenv("ADYEN_MANAGEMENT_API_KEY")
    assert main(["sweep"]) == 2
    assert "set ADYEN_MANAGEMENT_API_KEY" in capsys.readouterr().err


def test_the_doctor_finds_nothing_wrong(account, url, capsys):
    killing.furnish(account.sandbox)
    leave(account, "cccccccc", -1, active=False)
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert "signs in as ws@Company.TestCompany of TestCompany" in out
    assert "32 credentials, 1 of them throwaways, 1 to recycle" in out
    assert "WRONG" not in out
    assert account.ledgers == []


def test_the_doctor_reads_the_projects_ini_options(account, url, monkeypatch, capsys):
    monkeypatch.delenv("ADYEN_COMPANY_ACCOUNT")
    monkeypatch.delenv("ADYEN_MERCHANT_ACCOUNT")
    assert main(["doctor"]) == 1
    assert "set ADYEN_COMPANY_ACCOUNT, or adyen_company_account in the ini file" in capsys.readouterr().out
    for name, text in (
        ("pyproject.toml", '[tool.pytest.ini_options]\nadyen_company_account = "TestCompany"\n'),
        ("pytest.ini", "[pytest]\nadyen_company_account = TestCompany\nadyen_live = true\n"),
        ("pytest.toml", '[pytest]\nadyen_company_account = "TestCompany"\n'),
    ):
        (account._pytester.path / name).write_text(text)
        assert main(["doctor"]) == 0
        assert "no merchant account is named" in capsys.readouterr().out
    for wrong in ("[pytest", "pytest = 7"):
        (account._pytester.path / "pytest.toml").write_text(wrong)
        assert main(["doctor"]) == 2


@pytest.mark.parametrize(
    ("environ", "status", "message"),
    [
        ({"ADYEN_MANAGEMENT_API_KEY": ""}, 1, "set ADYEN_MANAGEMENT_API_KEY"),
        ({"ADYEN_MANAGEMENT_API_KEY": "AQEwrongwrongwrong"}, 1, "does not accept the key"),
        ({"ADYEN_MANAGEMENT_API_KEY": "live_ABCDEFGHIJKL"}, 2, "use a key of the test environment"),
        ({"ADYEN_BASE_URL": "https://management-live.adyen.com/v3"}, 2, "is refused"),
        ({"ADYEN_BASE_URL": "http://127.0.0.1:1/v3"}, 1, "no answer from"),
        ({"ADYEN_COMPANY_ACCOUNT": "Other"}, 1, "set ADYEN_COMPANY_ACCOUNT to TestCompany"),
        ({"ADYEN_MERCHANT_ACCOUNT": "Other"}, 1, "set ADYEN_MERCHANT_ACCOUNT to a merchant account of TestCompany"),
        ({"ADYEN_MANAGEMENT_API_KEY": ""}, 1, "adyen-creds sandbox serve --port 8080 --api-key-file key"),
        ({"XDG_STATE_HOME": "/dev/null"}, 1, "set XDG_STATE_HOME to a folder that is"),
    ],
)
def test_the_doctor_says_what_is_wrong_and_how_to_mend_it(account, url, environ, status, message, monkeypatch, capsys):
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(Clock, "sleep", lambda clock, seconds: None)  # before it asks again
    assert main(["doctor"]) == status
    said = capsys.readouterr()
    assert message in said.out + said.err
    assert "Traceback" not in said.out + said.err
    assert "live_ABCDEFGHIJKL" not in said.out + said.err


def test_a_directory_that_is_gone_is_named(account, url, tmp_path, monkeypatch, capsys):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert main(["sweep"]) == 2
    assert "the current directory cannot be read" in capsys.readouterr().err


def test_the_variable_that_gave_the_key_is_named(account, url, tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("ADYEN_MANAGEMENT_API_KEY")
    (tmp_path / "key").write_text("AQEwrongwrongwrong\n")
    monkeypatch.setenv("ADYEN_MANAGEMENT_API_KEY_FILE", str(tmp_path / "key"))
    assert main(["doctor"]) == 1
    assert "does not accept the key in ADYEN_MANAGEMENT_API_KEY_FILE (401)" in capsys.readouterr().out


def test_a_live_run_with_another_companys_merchant_account_does_not_start(account, ten_lines, monkeypatch, capsys):
    monkeypatch.setenv("ADYEN_MERCHANT_ACCOUNT", "Nope")
    assert account.run().ret == pytest.ExitCode.USAGE_ERROR
    said = "".join(capsys.readouterr())
    assert said.count("set ADYEN_MERCHANT_ACCOUNT to a merchant account of TestCompany") == 1
    assert "give the credential the role" not in said


def test_the_doctor_names_a_key_without_the_role(account, url, monkeypatch, capsys):
    with killing.management(account.sandbox) as client:
        weak = client.company(COMPANY).create({"roles": ["Management API - Stores read"], "description": "weak"})
    monkeypatch.setenv("ADYEN_MANAGEMENT_API_KEY", weak["apiKey"].reveal())
    assert main(["doctor"]) == 1
    assert "lacks the role 'Management API - API credentials read and write'" in capsys.readouterr().out


def test_the_doctor_remembers_why_the_last_run_got_no_throwaway(account, url, ten_lines, capsys):
    account.run("--adyen-max-created=0").assert_outcomes(errors=1)
    capsys.readouterr()
    assert main(["doctor"]) == 0
    assert "note   last run: " in (said := capsys.readouterr().out)
    assert "got no throwaway (BudgetSpent)" in said
    account.run().assert_outcomes(passed=1)
    capsys.readouterr()
    assert main(["doctor"]) == 0
    assert "last run" not in capsys.readouterr().out


def test_the_doctor_tells_of_what_was_left_behind(account, url, capsys):
    leave(account, "aaaaaaaa", -1)
    assert main(["doctor"]) == 1
    assert "1 throwaways are active without a run; run adyen-creds sweep" in capsys.readouterr().out
    assert len(account.active()) == 1
