"""A rehearsal beside workers, other plugins, secrets, drift and the pool."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from rehearsal_runs import verdicts_of, words_of

TALKING = """
import pytest
from their_client import me, strict

LEASED = []

def test_key(adyen_credential):
    key = adyen_credential.api_key.reveal()
    with open("keys.txt", "a") as keys:
        keys.write(key + "\\n")
    try:
        assert strict(adyen_credential)
    except ValueError as error:
        print("printed", key)
        raise RuntimeError(f"with {key}") from error

def test_checked(adyen_client, adyen_contract):
    adyen_contract.check(adyen_client.get("/me"))

def test_drift(adyen_client, adyen_drift):
    adyen_client.get("/me")

def test_fault(adyen_client, adyen_sandbox):
    adyen_sandbox.faults.status(500)
    assert adyen_client.get("/me").status_code == 500
    assert adyen_client.get("/me").json()

def test_leases(adyen_credentials):
    one, another = adyen_credentials.lease(), adyen_credentials.lease()
    assert one.id != another.id
    assert me(one)
    adyen_credentials.give_back(one)

@pytest.mark.parametrize("number", range(2))
def test_leased_after(adyen_credential, number):
    LEASED.append(adyen_credential.id.partition("X9X9")[0])
    assert me(adyen_credential)
    assert len(set(LEASED)) == 1, "the pool has it back"
"""


@pytest.fixture
def talking(theirs: pytest.Pytester) -> pytest.Pytester:
    theirs.makepyfile(test_all=TALKING)
    return theirs


def without_rehearsal(path: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(path.read_text())
    for name in ("generated_at", "rehearsal", "rehearsed"):
        report.pop(name, None)
    return report


@pytest.mark.slow("several runs of pytest")
def test_drift_and_coverage_are_those_of_the_first_runs(talking: pytest.Pytester) -> None:
    kinds = "--adyen-rehearse=additions,history,rotation"
    options = ("--adyen-drift=fail", "-o", "adyen_rehearse_max=12")
    talking.runpytest_inprocess(*options, "--adyen-report=without.json").assert_outcomes(passed=7)
    result = talking.runpytest_inprocess(*options, "--adyen-report=with.json", kinds)
    result.assert_outcomes(passed=7)
    result.stdout.fnmatch_lines(["adyen: 7 tests answered by the sandbox", "7 tests rehearsed *"])
    assert without_rehearsal(talking.path / "with.json") == without_rehearsal(talking.path / "without.json")


def test_no_key_of_a_client_that_breaks_is_anywhere(talking: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(talking.path / "summary.md"))
    reports = (
        "--adyen-report=report.json",
        "--adyen-report=report.html",
        "--junitxml=junit.xml",
        "-o",
        "junit_logging=all",
    )
    kinds = "--adyen-rehearse=additions,history,rotation"
    result = talking.runpytest_inprocess(*reports, kinds, "--adyen-rehearse-fail=all", "-rA", "-vv", "-k", "test_key")
    result.assert_outcomes(failed=1, deselected=6)
    assert "RuntimeError: with [masked]" in {each["error"] for each in verdicts_of(talking.path)}
    keys = set((talking.path / "keys.txt").read_text().split())
    (talking.path / "keys.txt").unlink()
    written = [path for path in talking.path.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert {"report.json", "report.html", "junit.xml", "summary.md", "lastfailed"} <= {path.name for path in written}
    texts = {path.name: path.read_text() for path in written} | {"terminal": result.stdout.str() + result.stderr.str()}
    assert keys
    assert not [name for name, text in texts.items() if any(key in text for key in keys)]


@pytest.mark.slow("workers")
def test_workers_find_the_same(talking: pytest.Pytester) -> None:
    options = ("-p", "no:randomly", "--adyen-rehearse", "-o", "adyen_rehearse_max=9/100")
    reports = []
    for number, workers in enumerate([(), ("-n", "2")]):
        result = talking.runpytest_inprocess(*options, *workers, f"--adyen-report={number}.json", "-k", "not leased")
        result.assert_outcomes(passed=5)
        report = json.loads((talking.path / f"{number}.json").read_text())
        reports.append((report["rehearsal"], report["rehearsed"]))
    assert reports[0] == reports[1]
    assert any(each["verdict"] == "broke" for each in reports[1][0])
    last_failed = json.loads((talking.path / ".pytest_cache/v/cache/lastfailed").read_text())
    assert set(last_failed) == {each["test"] for each in reports[1][0] if each["finding"]}
    again = talking.runpytest_inprocess(*options, "-n", "2", "--lf", "--adyen-report=report.json")
    again.assert_outcomes(passed=len(last_failed))
    assert {each["verdict"] for each in verdicts_of(talking.path)} == {"broke"}
    shared = talking.runpytest_inprocess(
        "-p", "no:randomly", "-n", "2", "--adyen-rehearse=removals", "-o", "adyen_rehearse_max=9/4", "-v"
    )
    shared.stdout.fnmatch_lines(["*variations not run: adyen_rehearse_max allows no more runs"])


BESIDE = """
import time
from their_client import me, strict

TRIES = []

def test_strict(adyen_credential):
    assert strict(adyen_credential)

def test_flaky(adyen_credential):
    TRIES.append(1)
    assert me(adyen_credential)
    assert len(TRIES) != 1

def test_hangs(adyen_credential):
    found = me(adyen_credential)
    while "subjectDN" in found:
        time.sleep(0.01)
"""


@pytest.mark.slow("processes of their own: other plugins change what is imported")
def test_other_plugins_count_the_first_run_only(theirs: pytest.Pytester) -> None:
    """A test is run again by those that repeat it as without; their timers are those of one run."""
    known = {
        "pytest_timeout": ["--timeout=3", "--timeout-method=signal"],
        "pytest_rerunfailures": ["--reruns=1"],
        "pytest_jsonreport": ["--json-report", "--json-report-file=other.json"],
        "pytest_reportlog": ["--report-log=log.json"],
        "pytest_html": ["--html=other.html"],
    }
    there = {name: options for name, options in known.items() if importlib.util.find_spec(name)}
    options = [each for group in there.values() for each in group]
    theirs.makepyfile(test_all=BESIDE)
    chosen = [
        "strict",
        *(["flaky"] if "pytest_rerunfailures" in there else []),
        *(["hangs"] if "pytest_timeout" in there else []),
    ]
    command = (
        "--adyen-rehearse=history",
        "--adyen-report=report.json",
        "--junitxml=junit.xml",
        "-k",
        " or ".join(chosen),
    )
    result = theirs.runpytest_subprocess(*command, *options)
    assert result.parseoutcomes()["passed"] == len(chosen)
    assert result.parseoutcomes().get("rerun", 0) == ("flaky" in chosen)
    words = words_of(theirs.path)
    assert words.pop("test_strict") == {"broke"}
    assert words == ({"test_hangs": {"broke"}} if "hangs" in chosen else {}), (
        "a test that failed at first is left alone"
    )
    if "pytest_jsonreport" in there:
        assert len(json.loads((theirs.path / "other.json").read_text())["tests"]) == len(chosen)


@pytest.mark.slow("processes of their own: other plugins change what is imported")
def test_the_timer_of_a_run_ends_with_it(theirs: pytest.Pytester) -> None:
    """Together the runs take longer than one may; a timer that is a thread would end the process."""
    pytest.importorskip("pytest_timeout")
    theirs.makepyfile(
        test_all="""
        import threading
        from their_client import me

        def test_slowly(adyen_credential):
            threading.Event().wait(0.2)
            assert me(adyen_credential)
        """
    )
    result = theirs.runpytest_subprocess(
        "--timeout=2", "--timeout-method=thread", "--adyen-rehearse=removals", "-o", "adyen_rehearse_max=16"
    )
    result.assert_outcomes(passed=1)


@pytest.mark.slow("a process of its own: its memory is measured")
def test_memory_is_flat(theirs: pytest.Pytester) -> None:
    theirs.makeconftest(
        """
        import gc
        SEEN = []

        def pytest_runtest_logfinish():
            SEEN.append(1)
            if len(SEEN) in (100, 300):
                gc.collect()
                print(f"objects: {len(gc.get_objects())}")
        """
    )
    theirs.makepyfile(
        test_all="""
        import pytest
        from their_client import me

        @pytest.mark.parametrize("number", range(300))
        def test_it(adyen_credential, number):
            print("x" * 10000)
            assert me(adyen_credential)
        """
    )
    result = theirs.runpytest_subprocess("--adyen-rehearse", "-o", "adyen_rehearse_max=8", "-q", "-s", timeout=300)
    result.assert_outcomes(passed=300)
    early, late = (int(line.partition("objects: ")[2]) for line in result.outlines if "objects: " in line)
    assert late - early < 200 * 150, "verdicts and results of 200 tests, and nothing of their runs"


@pytest.mark.slow("processes of their own: what they import is watched")
def test_without_the_option_nothing_more_is_imported(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a run that uses the plugin, and of one that does not, which loads no asyncio, say, for it."""
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:cacheprovider")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(
        """
        import sys

        def test_idle():
            mine = {name for name in sys.modules if name.startswith("pytest_adyen_creds.")}
            assert "pytest_adyen_creds.plugin" in mine
            assert not {"unittest.mock", "asyncio", "httpx", "pytest_adyen_creds.checks"} & sys.modules.keys()

        def test_that_talks(adyen_client):
            assert adyen_client.get("/me")
            mine = {name for name in sys.modules if name.startswith("pytest_adyen_creds.")}
            assert not {name for name in mine if "rehears" in name or "hypothesis" in name}
        """
    )
    for name in ("idle", "talks"):
        result = pytester.run(sys.executable, "-m", "pytest", "-p", "pytest_adyen_creds.plugin", "-k", name)
        result.assert_outcomes(passed=1, deselected=1)
