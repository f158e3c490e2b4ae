"""One departure is one finding, one red item and one card; accepted means green."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import counts
import pytest

from pytest_adyen_creds.checks.failure import CheckFailure
from pytest_adyen_creds.checks.results import Results
from pytest_adyen_creds.checks.suite import Departures
from pytest_adyen_creds.contract import bundled
from pytest_adyen_creds.contract.finding import Finding
from pytest_adyen_creds.sandbox import Sandbox
from pytest_adyen_creds.settings import Settings

pytestmark = pytest.mark.slow("runs the whole suite, again and again")

ACCEPTED = """
[[accepted]]
id = "response-undocumented-property"
operations = ["GET /me"]
location = "/companyName"
reason = "the company's name is there"
"""


@pytest.fixture
def narrower(pytester: pytest.Pytester) -> Path:
    """A copy of the contract without ``companyName`` of ``GET /me``, named in the ini file."""
    folder = pytester.path / "contracts"
    shutil.copytree(bundled("contracts"), folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    path = folder / "v3" / "structures" / "MeApiCredential.struct.json"
    document = json.loads(path.read_text())
    del document["properties"]["companyName"]
    path.write_text(json.dumps(document))
    pytester.makeini("[pytest]\nadyen_contracts = contracts\n")
    (pytester.path / "accepted.toml").write_text(ACCEPTED)
    return folder


OF_ME = "test_operation and me and not companies and not merchants"
WHO_MEETS_IT = ("-k", f"({OF_ME}) or test_life or test_stateful")
"""Every item that asks for ``GET /me``; the rest of the suite takes its time."""


def suite(pytester: pytest.Pytester, *options: str) -> pytest.RunResult:
    return pytester.runpytest_inprocess("--adyen-contracts", "-p", "no:cacheprovider", *options)


@pytest.mark.parametrize("backend", ["replay", "sandbox"])
def test_one_departure_is_one_red_item(pytester: pytest.Pytester, narrower: Path, backend: str) -> None:
    which = () if backend == "replay" else WHO_MEETS_IT
    result = suite(pytester, f"--adyen-backend={backend}", "--adyen-report=r.json", "--adyen-report=r.html", *which)
    outcomes = result.parseoutcomes()
    assert outcomes["failed"] == 1
    assert outcomes["passed"] == counts.items() - 1 - outcomes.get("deselected", 0)
    result.stdout.fnmatch_lines(["FAILED *::test_operation[[]GET /me] - *"])
    text = str(result.stdout)
    assert "/companyName is not in the contract" in text
    assert '"companyName": "TestCompany"' in section(text, "came back")
    report = json.loads((pytester.path / "r.json").read_text())
    [finding] = report["findings"]
    assert (finding["operation"], finding["location"]) == ("GET /me", "/companyName")
    assert finding["count"] > 40
    assert report["failures"] == []
    assert (pytester.path / "r.html").read_text().count("<details") == 1


@pytest.mark.parametrize("backend", ["replay", "sandbox"])
def test_what_is_accepted_fails_nothing(pytester: pytest.Pytester, narrower: Path, backend: str) -> None:
    which = () if backend == "replay" else WHO_MEETS_IT
    accepted = "--adyen-drift-baseline=accepted.toml"
    result = suite(pytester, f"--adyen-backend={backend}", "--adyen-drift=fail", accepted, *which)
    outcomes = result.parseoutcomes()
    assert outcomes["passed"] == counts.items() - outcomes.get("deselected", 0)
    assert outcomes["passed"] > 10
    assert result.ret == 0
    result.stdout.fnmatch_lines(["1 finding (1 warning) accepted by the baseline"])


def test_live_one_departure_is_one_red_item_and_accepted_none(
    pytester: pytest.Pytester, narrower: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = Sandbox()
    monkeypatch.setenv("XDG_STATE_HOME", str(pytester.path / "state"))
    monkeypatch.setenv("ADYEN_COMPANY_ACCOUNT", sandbox.company)
    monkeypatch.setenv("ADYEN_MANAGEMENT_API_KEY", sandbox.provisioning.api_key.reveal())
    with sandbox.serve() as server:
        live = ("--adyen-live", f"--adyen-base-url={server.url}/v3", "--adyen-max-created=5", "--adyen-drift=fail")
        live += WHO_MEETS_IT
        result = suite(pytester, *live)
        assert result.ret == 1
        assert result.parseoutcomes()["failed"] == 1
        result.stdout.fnmatch_lines(["FAILED *::test_operation[[]GET /me] - *"])
        result = suite(pytester, *live, "--adyen-drift-baseline=accepted.toml")
        assert "failed" not in result.parseoutcomes()
        assert result.ret == 0
        result.stdout.fnmatch_lines(["1 finding (1 warning) accepted by the baseline"])


def test_an_item_that_runs_alone_fails_for_what_it_meets(pytester: pytest.Pytester, narrower: Path) -> None:
    result = suite(pytester, "-k", "test_life and rotation")
    result.assert_outcomes(failed=1, passed=1, deselected=40)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_it_is_one_red_item_over_processes(pytester: pytest.Pytester, narrower: Path, workers: str) -> None:
    result = suite(pytester, "-n", workers)
    result.assert_outcomes(failed=1, passed=counts.items() - 1)


def test_what_no_item_fails_for_fails_the_run(pytester: pytest.Pytester, narrower: Path) -> None:
    """The item of ``GET /me`` is collected, and a plugin keeps it from running: what the others met is not lost."""
    pytester.makepyfile(
        left_out="""
        import pytest

        def pytest_runtest_setup(item):
            if item.name == "test_operation[GET /me]":
                pytest.skip("not today")
        """
    )
    pytester.syspathinsert()
    result = suite(pytester, "-p", "left_out")
    result.assert_outcomes(passed=counts.items() - 1, skipped=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["GET /me -> 200: response-undocumented-property was met by other items*"])


def test_an_item_that_is_run_again_fails_again(tmp_path: Path) -> None:
    departures = Departures(Results(Settings(), tmp_path), ["GET /me"])
    finding = Finding("response-undocumented-property", "warning", "PATCH /x", 200, "/motto", "new")
    met = [CheckFailure("PATCH /x", 200, finding.id, "/motto", "new", "look", finding=finding)]
    assert departures.of("life", met) == met
    assert departures.of("life", met) == met
    assert departures.of("walks", met) == []


def test_strict_judges_by_the_document_alone(pytester: pytest.Pytester) -> None:
    result = suite(pytester, "-k", OF_ME)
    result.assert_outcomes(passed=6, deselected=36)
    assert re.search(r"^known: \d kinds? in \d+ answers$", str(result.stdout), re.MULTILINE)
    result = suite(pytester, "-k", OF_ME, "--adyen-strict")
    result.assert_outcomes(failed=6, deselected=36)
    assert "known: " not in str(result.stdout)


def test_known_deviations_are_listed(pytester: pytest.Pytester) -> None:
    options = ("-k", OF_ME, "-v", "--adyen-report=r.json")
    result = suite(pytester, *options)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["known     *x  response-required-property-missing [[]/detail, 401]: *; seen in *"])
    report: dict[str, Any] = json.loads((pytester.path / "r.json").read_text())
    assert report["findings"] == []
    assert report["drift"]["known"]["kinds"] == len({each["reason"] + each["evidence"][0] for each in report["known"]})
    assert all(each["evidence"] and each["reason"] for each in report["known"])
    assert sum(each["count"] for each in report["known"]) >= report["drift"]["known"]["answers"] > 0


def section(text: str, title: str) -> str:
    """Return the indented lines below ``title``."""
    lines = text.split(f"{title}:\n", 1)[1].splitlines()
    return "\n".join(line[2:] for line in lines[: next(n for n, line in enumerate(lines) if line[:2] != "  ")])
