"""What drift does to a run: exit statuses, the baseline, what people read at the end, and what tools read."""

from __future__ import annotations

import itertools
import json
import re
import shlex
import tomllib
from pathlib import Path
from xml.etree import ElementTree

import counts
import pytest
from plugins import ALONE

from pytest_adyen_creds.cli import main

pytestmark = pytest.mark.slow("processes of their own, and their workers")

TEST_FILE = """
import json, pytest

@pytest.fixture
def departing(adyen_client, _adyen_run):
    def answer(*dropped, **added):
        body = {**adyen_client.get("/me").json(), **added}
        text = json.dumps({name: value for name, value in body.items() if name not in dropped})
        headers = {"content-type": "application/json"}
        _adyen_run.results.collector.answer("GET", "/v3/me", 200, headers, text.encode(), "the embedded sandbox")
    return answer

def test_breaking(departing):
    departing("username")

def test_warning(departing):
    departing(undocumentedProperty=1)
    departing(undocumentedProperty=1)

def test_clean(adyen_client):
    assert adyen_client.get("/me").status_code == 200
"""

BREAKING = "response-required-property-missing"
WARNING = "response-undocumented-property"


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", ALONE)
    for name in ("ADYEN_MANAGEMENT_API_KEY", "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)


def entry(id_: str, more: str = "") -> str:
    return f'[[accepted]]\nid = "{id_}"\nreason = "known"\n{more}\n'


@pytest.mark.parametrize(
    ("mode", "which", "status"),
    [
        ("report", "test_breaking or test_warning", 0),
        ("fail-breaking", "test_warning", 0),
        ("fail-breaking", "test_breaking", 1),
        ("fail", "test_warning", 1),
        ("fail", "test_clean", 0),
    ],
)
def test_drift_decides_the_exit_status(pytester: pytest.Pytester, mode: str, which: str, status: int) -> None:
    pytester.makepyfile(TEST_FILE)
    result = pytester.runpytest(f"--adyen-drift={mode}", "-k", which)
    assert result.ret == status
    assert "failed" not in result.parseoutcomes(), "drift never fails a test by itself"
    said = any(line.startswith(f"drift fails this run (--adyen-drift={mode})") for line in result.outlines)
    assert said == bool(status)


def test_a_run_that_fails_shows_the_entries_that_accept_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TEST_FILE)
    result = pytester.runpytest("--adyen-drift=fail")
    assert result.ret == 1
    (at,) = (number for number, line in enumerate(result.outlines) if line.startswith("to accept it, add to "))
    assert "adyen-drift.toml" in result.outlines[at]
    entries = list(itertools.takewhile(lambda line: line.startswith("  "), result.outlines[at + 1 :]))
    assert len(tomllib.loads("\n".join(entries))["accepted"]) == 2
    (pytester.path / "adyen-drift.toml").write_text("\n".join(entries))
    accepted = pytester.runpytest("--adyen-drift=fail", "--adyen-drift-baseline=adyen-drift.toml")
    assert accepted.ret == 0
    accepted.stdout.fnmatch_lines(["warning: the reason of 2 entries of the baseline is still to be written*"])
    accepted.stdout.no_fnmatch_line("to accept *")


def test_a_replay_that_fails_names_the_command_that_accepts_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_shop="def test_it(adyen_client):\n    adyen_client.get('/me')\n")
    assert pytester.runpytest("--adyen-backend=sandbox", "--adyen-record=all").ret == 0
    (cassette,) = pytester.path.glob("cassettes/**/*.yaml")
    cassette.write_text(cassette.read_text().replace('"active"', '"loyaltyTier": "gold", "active"', 1))
    result = pytester.runpytest("--adyen-drift=fail")
    assert result.ret == 1, cassette.read_text()
    (line,) = (line for line in result.outlines if line.startswith("to accept what is recorded: "))
    command = shlex.split(line.partition(": ")[2].partition(";")[0])
    assert command[0] == "adyen-creds"
    assert main(command[1:]) == 0
    options = shlex.split(line.partition("run pytest with ")[2])
    assert pytester.runpytest("--adyen-drift=fail", *options).ret == 0


def test_a_test_that_fails_decides_for_itself(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(adyen_client):\n    adyen_client.get('/me')\n    assert False")
    assert pytester.runpytest("--adyen-drift=report").ret == 1
    pytester.makepyfile("")
    assert pytester.runpytest("--adyen-drift=fail").ret == pytest.ExitCode.NO_TESTS_COLLECTED


@pytest.mark.parametrize(
    ("baseline", "status", "says"),
    [
        (entry(WARNING), 0, "1 finding (1 warning) accepted by the baseline"),
        (entry(WARNING, "expires = 2999-12-31"), 0, "1 finding (1 warning) accepted by the baseline"),
        (entry(WARNING, "expires = 2001-01-01"), 1, f"the baseline's {WARNING} expired on 2001-01-01: fix the drift*"),
        (entry(WARNING, 'operations = ["GET /me/allowedOrigins"]'), 1, "*was not met in this run; remove the entry*"),
        (entry(BREAKING), 1, f"the baseline's {BREAKING} was not met in this run; *"),
    ],
)
def test_a_baseline_accepts(pytester: pytest.Pytester, baseline: str, status: int, says: str) -> None:
    pytester.makepyfile(TEST_FILE)
    pytester.path.joinpath("accepted.toml").write_text(baseline)
    result = pytester.runpytest("--adyen-drift=fail", "--adyen-drift-baseline=accepted.toml", "-k", "test_warning")
    assert result.ret == status
    result.stdout.fnmatch_lines([says])


@pytest.mark.parametrize(
    ("argument", "says"),
    [
        ("--adyen-drift-baseline=missing.toml", "*missing.toml: does not exist; name an existing file"),
        ("--adyen-drift-baseline=bad.toml", "*bad.toml: is not TOML*"),
        ("--adyen-report=bad.toml/x.html", "*x.html: cannot be written*"),
        ("--adyen-report=folder.json", "*folder.json: is a directory; name a file in it"),
        ("--adyen-report=findings.txt", "*write a file name that ends in .html or .json or .sarif"),
        ("--adyen-drift=never", "*invalid choice: 'never'*"),
    ],
)
def test_what_cannot_be_read_or_written_is_one_line_before_the_run(
    pytester: pytest.Pytester, argument: str, says: str
) -> None:
    pytester.makepyfile("def test_it(): raise SystemExit(9)")
    pytester.path.joinpath("bad.toml").write_text("[[accepted")
    pytester.mkdir("folder.json")
    result = pytester.runpytest(argument)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "Traceback" not in result.stderr.str()
    result.stderr.fnmatch_lines([says])


def test_a_report_that_cannot_be_written_in_the_end_is_one_line(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        "import pathlib\ndef test_it(adyen_client):\n"
        "    adyen_client.get('/me')\n    pathlib.Path('gone').write_text('a file where a folder should be')"
    )
    result = pytester.runpytest("--adyen-report=gone/findings.json")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert len([line for line in result.outlines if "findings.json: cannot be written (" in line]) == 1
    result.stdout.no_fnmatch_line("report: *")
    result.stdout.no_fnmatch_line("*Traceback*")


def test_the_summary_has_the_most_serious_first_and_examples_on_request(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TEST_FILE)
    result = pytester.runpytest("--adyen-drift=report")
    result.stdout.fnmatch_lines(
        [
            "*Adyen drift*",
            f"breaking  1x  {BREAKING}: the required * `username` is missing  [[]GET /me; 200; /username]",
            f"warning   2x  {WARNING}: *strict parser breaks on it  [[]GET /me; 200; /undocumentedProperty]",
            "2 findings (1 breaking, 1 warning) in * answers (* from the embedded sandbox)",
        ],
        consecutive=True,
    )
    result.stdout.no_fnmatch_line("example*")
    result = pytester.runpytest("--adyen-drift=report", "-v")
    result.stdout.fnmatch_lines([f"example   {BREAKING}: /username is required and missing (the embedded sandbox)"])


def test_a_run_that_asks_for_nothing_and_finds_nothing_says_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TEST_FILE)
    result = pytester.runpytest("-k", "test_clean")
    result.stdout.no_fnmatch_line("*Adyen*")
    result = pytester.runpytest("-k", "test_warning")
    assert result.ret == 0
    result.stdout.fnmatch_lines([f"warning   2x  {WARNING}: *"])


def test_ini_options_do_the_same(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TEST_FILE)
    pytester.makeini("[pytest]\nadyen_drift = fail\nadyen_report = out/report.html\n    out/findings.json")
    assert pytester.runpytest().ret == 1
    assert {path.name for path in (pytester.path / "out").iterdir()} == {"report.html", "findings.json"}


def test_workers_find_what_one_process_finds(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TEST_FILE + "\n" + TEST_FILE.replace("def test_", "def test_again_"))
    found = []
    for arguments in ([], ["-n", "2"]):
        result = pytester.runpytest("--adyen-drift=fail", "--adyen-report=found.json", *arguments)
        assert result.ret == 1
        value = json.loads(pytester.path.joinpath("found.json").read_text())
        found.append(value["findings"])
        assert len([line for line in result.outlines if line.startswith("report: ")]) == 1
    assert found[0] == found[1]
    assert [(each["id"], each["count"]) for each in found[0]] == [(BREAKING, 2), (WARNING, 4)]
    assert found[0][0]["origins"] == {"the embedded sandbox": 2}
    name = f"{pytester.path.name.rstrip('0123456789')}.py"
    assert [each["tests"] for each in found[0]] == [
        [f"{name}::test_again_breaking", f"{name}::test_breaking"],
        [f"{name}::test_again_warning", f"{name}::test_warning"],
    ]


def test_a_worker_that_crashes_is_said(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("import os\ndef test_it(adyen_client):\n    adyen_client.get('/me')\n    os._exit(1)")
    result = pytester.runpytest("--adyen-drift=report", "-n", "1", "--max-worker-restart=0")
    result.stdout.fnmatch_lines(["what gw0 saw is not in these results: it crashed"])


def test_the_suite_observes_what_it_judges_once(pytester: pytest.Pytester) -> None:
    arguments = (
        "--adyen-contracts",
        "--adyen-report=found.json",
        "-k",
        "test_operation and GET and not companies and not merchants",
    )
    for more in (("-n", "2"), ("--adyen-backend=sandbox",)):
        result = pytester.runpytest(*arguments, *more)
        assert result.ret == 0
        found = json.loads(pytester.path.joinpath("found.json").read_text())
        (line,) = (line for line in result.outlines if "exchanges judged" in line)
        assert found["drift"]["answers"] == int(line.split()[0]) > 20
        assert sum(row["answers"] for row in found["coverage"]) == found["drift"]["answers"]
        assert found["findings"] == []
        assert len(found["recordings"]) == (0 if more == ("--adyen-backend=sandbox",) else 3)
        assert all(each["backend"] == "sandbox" and each["same_contract"] for each in found["recordings"])


def test_tools_get_counts_annotations_and_a_summary(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(pytester.path / "summary.md"))
    pytester.path.joinpath("summary.md").write_text("what an earlier command wrote\n")
    pytester.makepyfile(TEST_FILE)
    result = pytester.runpytest("--adyen-drift=fail", "-n", "2", "--junitxml=junit.xml")
    commands = [line for line in result.outlines if re.match(r"\s*::", line)]
    assert [line.partition("::the")[0] for line in commands] == [
        f"::error title=Adyen drift%3A {BREAKING}",
        f"::warning title=Adyen drift%3A {WARNING}",
    ]
    summary = pytester.path.joinpath("summary.md").read_text()
    assert summary.startswith("what an earlier command wrote\n")
    assert summary.count("### Adyen v3: 2 findings (1 breaking, 1 warning) of drift") == 1
    assert f"| breaking | <code>{BREAKING}</code>" in summary
    tree = ElementTree.parse(pytester.path / "junit.xml")
    properties = {each.get("name"): each.get("value") for each in tree.iterfind("testsuite/properties/property")}
    assert properties["adyen.drift.findings"] == "2"
    assert properties["adyen.drift.breaking"] == "1"
    assert properties["adyen.drift.warning"] == "1"
    assert properties["adyen.coverage.documented"] == str(counts.pairs())


def test_a_summary_that_cannot_be_written_stops_nothing(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "no" / "summary.md"))
    pytester.makepyfile(TEST_FILE)
    result = pytester.runpytest("--adyen-drift=report", "-k", "clean")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["the step's summary could not be written to GITHUB_STEP_SUMMARY (FileNotFoundError)"])


def test_the_fixture_gives_a_test_its_own_findings(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        TEST_FILE
        + """
import pytest

def test_its_own(adyen_client, adyen_sandbox, adyen_drift):
    adyen_client.get("/me")
    assert adyen_drift.findings == []
    adyen_drift.assert_none()
    adyen_sandbox.faults.violate("wrong-type", "GET /me", field="active")
    adyen_client.get("/me")
    [finding] = adyen_drift.findings
    assert (finding.id, finding.location, finding.status) == ("response-property-type-changed", "/active", 200)
    with pytest.raises(AssertionError, match="`active` is a string where the contract has a boolean"):
        adyen_drift.assert_none()

def test_accepted(adyen_client, adyen_sandbox, adyen_drift):
    adyen_sandbox.faults.violate("extra-field", "GET /me")
    adyen_client.get("/me")
    assert len(adyen_drift.findings) == 1
    adyen_drift.assert_none()
"""
    )
    pytester.path.joinpath("accepted.toml").write_text(entry(WARNING))
    pytester.runpytest("--adyen-drift-baseline=accepted.toml").assert_outcomes(passed=5)
