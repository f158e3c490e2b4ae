"""The first night: live runs against a server that answers as Adyen's test platform was seen to."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from checks_platform import platform

pytestmark = pytest.mark.slow("runs the whole suite, again and again")

README = (Path(__file__).resolve().parents[2] / "README.md").read_text()
FIRST_TEST = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)[0]


@pytest.fixture
def live(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what runs pytest live against a server, with a state folder of this test's own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(pytester.path / "state"))
    monkeypatch.setenv("ADYEN_COMPANY_ACCOUNT", "TestCompany")
    monkeypatch.setenv("ADYEN_MERCHANT_ACCOUNT", "TestMerchant")

    def run(sandbox: Any, url: str, *options: str, version: str = "v3") -> pytest.RunResult:
        monkeypatch.setenv("ADYEN_MANAGEMENT_API_KEY", sandbox.provisioning.api_key.reveal())
        base = f"--adyen-base-url={url}/{version}"
        return pytester.runpytest_inprocess("--adyen-live", base, "-p", "no:cacheprovider", *options)

    return run


def assert_known_are_counted(result: pytest.RunResult) -> None:
    known = re.search(r"^known: (\d+) kinds in (\d+) answers$", str(result.stdout), re.MULTILINE)
    assert known is not None
    # 401, 422, an invalid field without value, merchants on /me, and lists with credentials without a client key
    assert int(known[1]) >= 5
    assert int(known[2]) > 100


@pytest.mark.parametrize("version", ["v3", "v1"])
def test_the_suite_is_green(live, version: str) -> None:
    with platform() as (sandbox, url):
        result = live(sandbox, url, "--adyen-contracts", "--adyen-max-created=5", version=version)
        outcomes = result.parseoutcomes()
        assert outcomes.get("failed", 0) == outcomes.get("errors", 0) == 0
        assert result.ret == 0
        assert outcomes["passed"] >= 40
        assert_known_are_counted(result)
        assert not any(
            each.active for each in sandbox.customer_area.credentials() if "exp 20" in (each.description or "")
        )


def test_the_readme_s_first_test_passes(live, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_shop=FIRST_TEST)
    with platform() as (sandbox, url):
        live(sandbox, url, "test_shop.py").assert_outcomes(passed=1)


NIGHTLY = ["--adyen-contracts", "--adyen-max-created=1", "--adyen-drift=fail"]
"""The options of the nightly job, but for its ways out of the repository."""


def test_three_nights_running(live) -> None:
    with platform() as (sandbox, url):
        for _ in range(3):
            result = live(sandbox, url, *NIGHTLY, "-rs")
            assert result.ret == 0
            assert result.parseoutcomes()["passed"] >= 20
            assert_known_are_counted(result)
            result.stdout.fnmatch_lines(["SKIPPED *--adyen-max-created ? would reach it*"])


def test_an_unknown_departure_is_one_red_item(live) -> None:
    def more(method: str, path: str, status: int, document: Any) -> None:
        if path.endswith("/me") and status == 200:
            document["loyaltyTier"] = "gold"

    with platform(more) as (sandbox, url):
        result = live(sandbox, url, "--adyen-contracts", "--adyen-max-created=5")
        outcomes = result.parseoutcomes()
        assert outcomes["failed"] == 1
        assert "errors" not in outcomes
        result.stdout.fnmatch_lines(
            [
                "*/loyaltyTier is not in the contract*",
                "came back:",
                '*"loyaltyTier": "gold"*',
                "FAILED *test_operation[[]GET /me] - *",
            ]
        )
