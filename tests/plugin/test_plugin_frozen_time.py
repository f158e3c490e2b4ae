"""Tests that freeze or move time: they pass in every mode and order, and nothing of it is left to the next test."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pytest_adyen_creds.client import tag
from pytest_adyen_creds.sandbox import Sandbox

pytestmark = pytest.mark.slow("several runs of pytest: time is frozen in them")

TESTS = '''
from datetime import UTC, date, datetime, timedelta

import freezegun
import httpx
import pytest
import time_machine as machine

from pytest_adyen_creds.client import tag

BEGUN = datetime.now(UTC)
PAST, FUTURE, MINUTE = "2001-02-03T04:05:06+00:00", "2099-02-03T04:05:06+00:00", timedelta(minutes=1)
ADVANCE = timedelta(hours=25)  # by this much adyen_sandbox.clock moves the sandbox's time, and nothing else does


@pytest.fixture
def use(adyen_settings, adyen_credential, adyen_credentials):
    """Stands for your code, signed in with keys that were leased and replaced in whatever time it is."""

    def answers(key):
        return httpx.get(f"{adyen_settings.base_url}/me", headers={"X-API-Key": key.reveal()}).status_code

    def call(level="company"):
        rotated = adyen_credential.rotate_api_key()
        assert (rotated.old_key_expires - timedelta(hours=24) - BEGUN) % ADVANCE < MINUTE
        assert answers(rotated.credential.api_key) == 200
        further = adyen_credentials.lease(level=level)
        assert answers(further.api_key) == 200
        if adyen_settings.backend != "replay":  # a recording holds no tags
            expires = tag.parse(further.description).expires
            assert timedelta(hours=1) < (expires - BEGUN) % ADVANCE < tag.TIME_TO_LIVE + 2 * MINUTE

    return call


def drive(sandbox, move):
    key = sandbox.provisioning.api_key.reveal()
    ask = lambda: httpx.get("https://management-test.adyen.com/v3/me", headers={"X-API-Key": key}).status_code
    before = sandbox.clock.now()
    assert (before - BEGUN) % ADVANCE < MINUTE
    move()
    assert timedelta() <= sandbox.clock.now() - before < MINUTE
    sandbox.clock.advance(hours=25)
    assert ADVANCE <= sandbox.clock.now() - before < ADVANCE + MINUTE
    sandbox.faults.status(429, "GET /me", times=1)
    assert (ask(), ask()) == (429, 200)


@pytest.mark.freeze_time(PAST)
def test_pytest_freezer_marker(use):
    use()


def test_ordinary(use):
    import yaml

    use()
    assert yaml.safe_dump([date(2001, 2, 3), datetime(2001, 2, 3)]) == "- 2001-02-03\\n- 2001-02-03 00:00:00\\n"


def test_freezegun_context(use):
    for when in (PAST, FUTURE):
        with freezegun.freeze_time(when):
            use()
    with freezegun.freeze_time(FUTURE, auto_tick_seconds=3600):
        use(level="merchant")


@freezegun.freeze_time(PAST)
def test_freezegun_decorator(use):
    use()


@freezegun.freeze_time(FUTURE, as_kwarg="frozen")
def test_freezegun_and_the_sandbox(adyen_sandbox, frozen=None):
    drive(adyen_sandbox, lambda: frozen.tick(timedelta(days=400)))


def test_pytest_freezer_before(freezer, use):
    freezer.move_to(FUTURE)
    use()


def test_pytest_freezer_after(use, freezer):
    freezer.move_to(PAST)
    use()


@pytest.mark.freeze_time(FUTURE)
def test_pytest_freezer_and_the_sandbox(adyen_sandbox, freezer):
    drive(adyen_sandbox, lambda: freezer.move_to(PAST))


@machine.travel(PAST, tick=False)
def test_time_machine_decorator(use):
    use()


def test_time_machine_fixture(time_machine, use):
    time_machine.move_to(FUTURE)
    use()


@pytest.mark.time_machine(FUTURE)
def test_time_machine_and_the_sandbox(adyen_sandbox, time_machine):
    drive(adyen_sandbox, lambda: time_machine.move_to(PAST))


def test_ordinary_sandbox(adyen_sandbox):
    drive(adyen_sandbox, lambda: None)
'''
OF_SANDBOX = 4
"""How many of the tests drive the sandbox."""
ALL = TESTS.count("\ndef test_")

REVERSED = "def pytest_collection_modifyitems(items): items.reverse()"


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    plugins = ("-p", "no:randomly", "-p", "freezer", "-p", "time_machine")
    return pytester.runpytest_inprocess(*plugins, *arguments)


@pytest.fixture
def shop(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makepyfile(test_shop=TESTS)
    return pytester


@pytest.mark.parametrize("conftest", ["", REVERSED])
def test_in_the_sandbox_in_either_order(shop: pytest.Pytester, conftest: str) -> None:
    shop.makeconftest(conftest)
    run(shop).assert_outcomes(passed=ALL)


def test_recorded_and_replayed(shop: pytest.Pytester) -> None:
    began = datetime.now(UTC).replace(microsecond=0)
    run(shop, "--adyen-backend=sandbox", "--adyen-record=all").assert_outcomes(passed=ALL)
    cassettes = [path.read_text() for path in Path(shop.path).glob("cassettes/test_shop/*.yaml")]
    recorded = [datetime.fromisoformat(re.findall(r"recorded_at: \"(.+)\"", text)[0]) for text in cassettes]
    assert len(recorded) == ALL - OF_SANDBOX
    assert all(began <= moment <= datetime.now(UTC) for moment in recorded)
    run(shop, "--adyen-backend=replay").assert_outcomes(passed=ALL)


def test_live_over_loopback(shop: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox = Sandbox()
    monkeypatch.setenv("ADYEN_MANAGEMENT_API_KEY", sandbox.provisioning.api_key.reveal())
    monkeypatch.setenv("ADYEN_COMPANY_ACCOUNT", "TestCompany")
    monkeypatch.setenv("ADYEN_MERCHANT_ACCOUNT", "TestMerchant")
    monkeypatch.setenv("XDG_STATE_HOME", str(shop.path / "state"))
    began = datetime.now(UTC) - timedelta(minutes=1)
    with sandbox.serve() as server:
        result = run(shop, "--adyen-live", f"--adyen-base-url={server.url}/v3")
    result.assert_outcomes(passed=ALL - OF_SANDBOX, skipped=OF_SANDBOX)
    tags = [tag.parse(each.description) for each in sandbox.customer_area.credentials()]
    expired = [each.expires for each in tags if each is not None]
    assert expired
    assert all(began <= moment <= datetime.now(UTC) for moment in expired)
