"""What of a rehearsal is run, counts, or fails a test: options, marks, the baseline, ``--lf`` and ``-x``."""

from __future__ import annotations

import json
import re
import shlex
import sys

import pytest
from rehearsal_runs import verdicts_of, words_of

TESTS = """
from their_client import me, strict

def test_strict(adyen_credential):
    assert strict(adyen_credential)

def test_tolerant(adyen_credential):
    assert me(adyen_credential)

def test_without(): ...
"""


@pytest.fixture
def tests(theirs: pytest.Pytester) -> pytest.Pytester:
    theirs.makepyfile(test_all=TESTS)
    return theirs


@pytest.mark.parametrize(
    "more",
    [
        pytest.param((), id="report"),
        pytest.param(
            ("--adyen-rehearse-fail=must-survive",), id="fail", marks=pytest.mark.slow("several runs of pytest")
        ),
    ],
)
def test_lf_runs_what_broke_and_no_more(tests: pytest.Pytester, more: tuple[str, ...]) -> None:
    options = ("--adyen-rehearse=additions,history", "--adyen-report=report.json", *more)
    first = tests.runpytest_inprocess(*options, "-x")
    assert first.ret == (pytest.ExitCode.TESTS_FAILED if more else pytest.ExitCode.OK)
    first.assert_outcomes(**({"failed": 1} if more else {"passed": 3}))
    if more:
        first.stdout.fnmatch_lines(
            ["the test passes as it is, and not under a rehearsal *", "FAILED test_all.py::test_strict*"]
        )
    broken = [each["id"] for each in verdicts_of(tests.path) if each["verdict"] == "broke"]
    assert len(broken) < len([each for each in verdicts_of(tests.path) if each["test"].endswith("test_strict")])
    assert len(broken) == 2
    again = tests.runpytest_inprocess(*options, "--lf")
    again.assert_outcomes(**{"failed" if more else "passed": 1})
    assert [each["id"] for each in verdicts_of(tests.path)] == broken
    tests.makepyfile(their_client=(tests.path / "their_client.py").read_text().replace("if unknown", "if 0"))
    tests.runpytest_inprocess(*options, "--lf").assert_outcomes(passed=1)
    assert {each["verdict"] for each in verdicts_of(tests.path)} == {"survived"}
    tests.runpytest_inprocess(*options, "--lf").assert_outcomes(passed=3)


def test_the_budget_is_kept_and_what_is_left_out_is_said(tests: pytest.Pytester) -> None:
    options = ("--adyen-rehearse=removals", "--adyen-report=report.json", "-k", "not strict")
    result = tests.runpytest_inprocess(*options, "-o", "adyen_rehearse_max=1/1", "-v")
    result.assert_outcomes(passed=2, deselected=1)
    result.stdout.fnmatch_lines(["*[1-9] variations not run: adyen_rehearse_max allows no more runs", "*in 1 run: *"])
    one = verdicts_of(tests.path)
    tests.runpytest_inprocess(*options, "-o", "adyen_rehearse_max=1/1", "-p", "no:cacheprovider")
    assert verdicts_of(tests.path) == one, "the same ones each time"


def test_what_is_named_is_shown_as_any_failure(tests: pytest.Pytester) -> None:
    said = tests.runpytest_inprocess("--adyen-rehearse=history").stdout.str()
    [command] = re.findall(r"see: pytest (.*)", said)
    shown = tests.runpytest_inprocess(*shlex.split(command), "--junitxml=junit.xml")
    shown.assert_outcomes(failed=1)
    shown.stdout.fnmatch_lines(
        [">*raise ValueError(*", "their_client.py:*: ValueError", "FAILED *ValueError: unknown: 1"]
    )
    assert 'failures="1"' in (tests.path / "junit.xml").read_text()
    passing = tests.runpytest_inprocess("--adyen-rehearse-only=GET /me 200 became-null@/id", "-k", "tolerant")
    passing.assert_outcomes(passed=1, deselected=2)
    passing.stdout.fnmatch_lines(["*test_tolerant passes with 'GET /me 200 became-null@/id': nothing noticed it"])
    unknown = tests.runpytest_inprocess("--adyen-rehearse-only=GET /me 200 property-added@/link", "-k", "tolerant")
    unknown.assert_outcomes(failed=1, deselected=2)
    unknown.stdout.fnmatch_lines(
        ["--adyen-rehearse-only: nothing * did you mean 'GET /me 200 property-added@/_links'*"]
    )


@pytest.mark.slow("processes of their own")
def test_the_debugger_stops_at_what_is_named_only(tests: pytest.Pytester) -> None:
    pytest_ = (sys.executable, "-m", "pytest", "--pdb", "-p", "no:cacheprovider")
    name = "GET /me 200 2026-05-01 property-added@/subjectDN"
    stopped = tests.run(*pytest_, f"--adyen-rehearse-only={name}", "-k", "strict", stdin=b"p unknown\nc\n")
    stopped.assert_outcomes(failed=1, deselected=2)
    stopped.stdout.fnmatch_lines(["*(Pdb) {'subjectDN'}"])
    assert "(Pdb)" not in tests.run(*pytest_, "--adyen-rehearse", stdin=b"").stdout.str()


MARKS = """
import pytest
from their_client import me, strict

pytestmark = pytest.mark.adyen_rehearse(skip=["headers-added"])

@pytest.mark.adyen_rehearse(expect={"GET /me 200 property-added": "broke"})
def test_meant(adyen_credential):
    assert strict(adyen_credential)

@pytest.mark.adyen_rehearse(expect={"GET /me 200 property-added": "survived"}, skip=["history"])
class TestIt:
    def test_not_met(self, adyen_credential):
        assert strict(adyen_credential)

    @pytest.mark.adyen_rehearse(skip=["additions"])
    def test_nothing_is_left(self, adyen_credential):
        assert strict(adyen_credential)

@pytest.mark.parametrize("number", [
    pytest.param(number, marks=mark) for number, mark in enumerate([
        pytest.mark.adyen_rehearse("broke"),
        pytest.mark.adyen_rehearse(skips=["history"]),
        pytest.mark.adyen_rehearse(expect={"history": "dies"}),
        pytest.mark.adyen_rehearse(expect={"history": ["broke"]}),
        pytest.mark.adyen_rehearse(expect={1: "broke"}),
        pytest.mark.adyen_rehearse(expect=["history"]),
        pytest.mark.adyen_rehearse(skip="history"),
        pytest.mark.adyen_rehearse(skip=None),
        pytest.mark.adyen_rehearse(skip=[1]),
    ])
])
def test_wrong(adyen_credential, number):
    assert strict(adyen_credential)
"""


def test_marks_say_what_is_meant(theirs: pytest.Pytester) -> None:
    theirs.makepyfile(test_marks=MARKS)
    result = theirs.runpytest_inprocess("--adyen-rehearse", "--adyen-report=report.json", "--adyen-rehearse-fail=all")
    result.assert_outcomes(passed=10, failed=2)
    words = words_of(theirs.path)
    assert words == {"test_meant": {"broke"}, "TestIt::test_not_met": {"broke"}}
    found = [each for each in verdicts_of(theirs.path) if each["finding"]]
    assert [(each["test"].rpartition("::")[2], each["kind"], each["finding"]) for each in found] == [
        ("test_not_met", "additions", "rehearsal-unexpected"),
        ("test_meant", "history", "rehearsal-broke"),
    ]
    assert not any(each["change"] == "headers-added" for each in verdicts_of(theirs.path))
    said = result.stdout.str()
    for number in (0, 1):
        assert f"test_wrong[{number}]: write @pytest.mark.adyen_rehearse(expect={{NAME: VERDICT}}, skip=[NAME])" in said
    for number in (2, 3, 4, 5):
        assert f"test_wrong[{number}]: expect of @pytest.mark.adyen_rehearse maps names to broke, silent" in said
    for number in (6, 7, 8):
        assert f"test_wrong[{number}]: skip of @pytest.mark.adyen_rehearse is a list of names" in said


@pytest.mark.parametrize("ini", ["addopts = --adyen-rehearse", "adyen_rehearse = true"])
def test_a_default_of_the_ini_file(tests: pytest.Pytester, ini: str) -> None:
    (tests.path / "tox.ini").write_text(f"[pytest]\nadyen_rehearse_max = 1\n{ini}\n")
    result = tests.runpytest_inprocess("-k", "tolerant", "test_all.py")
    result.stdout.fnmatch_lines(["1 test rehearsed (additions, history) in 1 run: *"])


BASELINE = """
[[accepted]]
id = "rehearsal-broke"
reason = "known"
operations = ["GET /me"]
message = "property-added"

[[accepted]]
id = "rehearsal-silent"
reason = "never met"
"""


@pytest.mark.slow("several runs of pytest")
def test_the_baseline_accepts_verdicts(tests: pytest.Pytester) -> None:
    (tests.path / "accepted.toml").write_text(BASELINE)
    options = ("--adyen-drift-baseline=accepted.toml", "--adyen-report=report.json")
    result = tests.runpytest_inprocess(*options, "--adyen-rehearse", "--adyen-rehearse-fail=all")
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["*, 2 accepted", "the baseline's rehearsal-silent was not met in this run; *"])
    assert {each["accepted"] for each in verdicts_of(tests.path) if each["verdict"] == "broke"} == {"known"}
    plain = tests.runpytest_inprocess(*options)
    plain.assert_outcomes(passed=3)
    assert "rehearsal" not in plain.stdout.str()


@pytest.mark.slow("several runs of pytest")
@pytest.mark.parametrize(
    ("given", "ini", "said"),
    [
        (["--adyen-rehearse", "test_all.py"], "", "rehearsed (additions, history)"),
        (["test_all.py", "--adyen-rehearse"], "", "rehearsed (additions, history)"),
        (["--adyen-rehearse", "--", "test_all.py"], "", "rehearsed (additions, history)"),
        (["test_all.py"], "addopts = --adyen-rehearse", "rehearsed (additions, history)"),
        (["test_all.py"], "adyen_rehearse = true", "rehearsed (additions, history)"),
        (["test_all.py"], "adyen_rehearse = history,rotation", "rehearsed (history, rotation)"),
        (["test_all.py"], "adyen_rehearse = nonsense", "ini adyen_rehearse: 'nonsense' is wrong; write one or more of"),
        (["--adyen-rehearse=off", "test_all.py"], "adyen_rehearse = true", "1 passed, 2 deselected"),
        (["--adyen-rehearse", "--adyen-live"], "", "option --adyen-rehearse and a live run disagree"),
        (["--adyen-rehearse", "--adyen-record=all"], "", "--adyen-rehearse and option --adyen-record=all disagree"),
        (["--adyen-record=all"], "adyen_rehearse = true", "1 passed, 2 deselected"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value.partition(" (")[0],
)
def test_wherever_it_is_asked_for(tests: pytest.Pytester, given: list[str], ini: str, said: str) -> None:
    (tests.path / "tox.ini").write_text(f"[pytest]\nadyen_rehearse_max = 1\n{ini}\n")
    result = tests.runpytest_inprocess("-k", "tolerant", *given)
    assert said in result.stdout.str() + result.stderr.str()
    assert ("rehearsed" in result.stdout.str()) == ("rehearsed" in said)


@pytest.mark.parametrize(
    "how",
    [
        "raise KeyboardInterrupt('enough')",
        pytest.param("pytest.exit('enough')", marks=pytest.mark.slow("several runs of pytest")),
    ],
)
def test_a_run_that_is_broken_off_shows_what_it_has(tests: pytest.Pytester, how: str) -> None:
    tests.makepyfile(
        test_off=f"""
        import pytest
        from their_client import me, strict

        def test_first(adyen_credential):
            assert strict(adyen_credential)

        def test_second(adyen_credential):
            try:
                assert strict(adyen_credential)
            except ValueError:
                {how}

        def test_third(adyen_credential): ...
        """
    )
    options = ("--adyen-rehearse=history", "--junitxml=junit.xml", "--adyen-report=report.json", "test_off.py", "-rA")
    result = tests.runpytest_inprocess(*options, no_reraise_ctrlc=True)
    result.assert_outcomes(passed=2)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*the run ended before it was rehearsed", "PASSED *test_second", "!* *enough* !*"])
    assert words_of(tests.path) == {"test_first": {"broke"}}
    assert (tests.path / "junit.xml").read_text().count("<testcase") == 2


def test_a_fault_of_the_rehearsal_costs_no_result(tests: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*given: object, **named: object) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr("pytest_adyen_creds.rehearsal.plugin.variations_of", fails)
    result = tests.runpytest_inprocess("--adyen-rehearse", "--adyen-report=report.json")
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["*it could not be rehearsed: RuntimeError: a fault of ours"])
    assert json.loads((tests.path / "report.json").read_text())["rehearsal"] == []
