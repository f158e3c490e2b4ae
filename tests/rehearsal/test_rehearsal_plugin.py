"""The results of a run are the same with a rehearsal as without, but for what the rehearsal adds."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

GROUP = re.compile(r"\+ Exception Group Traceback.*?\+-{30,}", re.DOTALL)


def without_frames(text: str) -> str:
    """Return ``text`` with no more of the errors of a teardown than what they say, and without times of throwaways."""
    text = re.sub(r"exp \d{4}-\d\d-\d\dT\d\d:\d\dZ", "exp", text)
    return GROUP.sub(lambda group: "\n".join(re.findall(r"\| (\w+: .*)", group[0])), text)


def said_of(junit: Path) -> list[tuple[str, list[str]]]:
    """Return the test cases of a JUnit file, each with what is in it; no times, and nothing that a rehearsal adds."""
    found = []
    for case in ET.parse(junit).iter("testcase"):  # written just now
        within = [
            f"{each.tag} {each.get('message', '')} {without_frames(each.text or '')}"
            for each in case
            if each.tag != "properties"
        ]
        own = [f"{each.get('name')}={each.get('value')}" for each in case.iter("property")]
        within += [each for each in own if not each.startswith("adyen.rehearsal")]
        found.append((f"{case.get('classname')}.{case.get('name')}", within))
    return found


def text_of(result: pytest.RunResult) -> str:
    """Return what a run printed, without times and without what a rehearsal adds."""
    kept, is_kept = [], True
    for line in result.outlines:
        if re.match(r"-+ Adyen rehearsal -+$", line) or line.startswith("adyen: rehearsed "):
            is_kept = line.startswith("adyen: rehearsed ")
            continue
        is_kept = is_kept or line.startswith("==")
        if is_kept and line.strip() and not line.startswith("adyen: auto"):
            kept.append(re.sub(r"\d+\.\d\ds|0x[0-9a-f]+|junit\d?\.xml|generated xml.*|exp \S+Z", "*", line))
    return without_frames("\n".join(kept))


ORDINARY = """
import logging, sys, warnings
import pytest
from their_client import me, strict

@pytest.fixture
def noisy():
    print("set up")
    yield
    print("torn down")
    logging.getLogger("shop").warning("logged in teardown")

def test_all_of_it(adyen_credential, noisy, record_property, record_testsuite_property, record_xml_attribute, caplog,
                   capsys, tmp_path, monkeypatch):
    record_property("own", "1")
    record_testsuite_property("suite's", "1")
    print("printed")
    assert capsys.readouterr().out == "printed\\n"
    logging.getLogger("shop").warning("logged")
    assert [each.message for each in caplog.records] == ["logged"]
    (tmp_path / "new").mkdir()
    monkeypatch.setenv("SHOP", "open")
    warnings.warn("of the test")
    print("kept")
    assert strict(adyen_credential)

def test_tolerant(adyen_credential):
    assert me(adyen_credential)["id"]

def test_fails(adyen_credential):
    print("before it fails")
    if me(adyen_credential):
        raise LookupError("of the test")

@pytest.fixture
def broken_at_its_end():
    yield
    raise OSError("at its end")

def test_breaks_at_its_end(adyen_credential, broken_at_its_end):
    assert me(adyen_credential)

def test_cannot_be_set_up(adyen_credential, absent): ...

@pytest.mark.xfail(reason="known")
def test_xfails(adyen_credential):
    assert "id" not in me(adyen_credential)

@pytest.mark.xfail(reason="not any more")
def test_xpasses(adyen_credential):
    assert me(adyen_credential)

@pytest.mark.xfail(strict=True)
def test_xpasses_strictly(adyen_credential):
    assert me(adyen_credential)

def test_skips(adyen_credential):
    me(adyen_credential)
    pytest.importorskip("a_module_that_is_not_there")

@pytest.mark.skip
def test_is_skipped(adyen_credential): ...

RUNS = []

def test_without():
    RUNS.append(1)
    assert len(RUNS) == 1
"""


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(("-v", "-rA"), id="-v -rA"),
        pytest.param(
            ("-p", "no:cacheprovider", "-q"), id="without a cache", marks=pytest.mark.slow("several runs of pytest")
        ),
    ],
)
def test_shows_the_first_run_only(theirs: pytest.Pytester, options: tuple[str, ...]) -> None:
    theirs.makepyfile(ORDINARY)
    runs = [
        theirs.runpytest_inprocess(*options, f"--junitxml=junit{number}.xml", "-o", "junit_logging=all", *more)
        for number, more in enumerate([(), ("--adyen-rehearse",)])
    ]
    without, rehearsed = runs
    assert text_of(rehearsed) == text_of(without)
    assert rehearsed.ret == without.ret
    assert said_of(theirs.path / "junit1.xml") == said_of(theirs.path / "junit0.xml")
    suites = [ET.parse(theirs.path / f"junit{number}.xml").iter("testsuite") for number in (0, 1)]
    counts = [[suite.get(name) for name in ("tests", "errors", "failures", "skipped")] for [suite] in suites]
    assert counts[0] == counts[1]
    text = (theirs.path / "junit1.xml").read_text()
    assert text.count("suite's") == 1
    assert 'name="adyen.rehearsal.broke" value="2"' in text, "of the test, and of the suite"
    rehearsed.stdout.fnmatch_lines(
        ["*broke: GET /me -> 200: *ValueError: unknown: 1 [[]their_client.py:* in strict[]]"]
    )


def test_shows_live_what_the_first_run_prints_and_logs(theirs: pytest.Pytester) -> None:
    theirs.makepyfile(ORDINARY)
    options = (
        "-s",
        "--setup-show",
        "--log-cli-level=WARNING",
        "--log-file=it.log",
        "-k",
        "all_of_it",
        "--adyen-rehearse",
    )
    result = theirs.runpytest_inprocess(*options)
    result.assert_outcomes(passed=1, deselected=10)
    assert re.findall("set up|kept|torn down", result.stdout.str()) == ["set up", "kept", "torn down"]
    assert result.stdout.str().count(" logged in teardown") == 1
    assert result.stdout.str().count("SETUP    F adyen_credential ") == 1
    assert (theirs.path / "it.log").read_text().count(" logged") == 2


SCOPES = """
import sys
from pathlib import Path
import pytest
from their_client import me

def note(text):
    with Path("steps.txt").open("a") as steps:
        steps.write(text + "\\n")

def make(scope, breaks=False):
    @pytest.fixture(scope=scope)
    def made():
        note(f"{scope} begins")
        yield scope
        print(f"{scope} prints at its end")
        note(f"{scope} ends")
        if breaks:
            raise OSError(f"{scope} breaks")
    return made

of_session, of_package, of_module, of_class = map(make, ["session", "package", "module", "class"])

@pytest.fixture(scope="module", params=["x", "y"])
def given(request):
    note(f"{request.param} begins")
    yield request.param
    note(f"{request.param} ends")

@pytest.fixture(autouse=True)
def own():
    yield

class TestIt:
    @classmethod
    def setup_class(cls): note("setup_class")
    @classmethod
    def teardown_class(cls): note("teardown_class")

    def test_one(self, adyen_credential, of_class, of_module, of_package, of_session):
        assert me(adyen_credential)

    def test_two(self, adyen_credential, of_class):
        assert me(adyen_credential)

@pytest.mark.parametrize("number", [1, 2])
def test_given(adyen_credential, given, number):
    assert me(adyen_credential)

broken_module, broken_class = make("module", True), make("class", True)

class TestBroken:
    def test_breaks(self, adyen_credential, broken_class, broken_module):
        assert me(adyen_credential)

@pytest.fixture
def broken():
    yield
    raise OSError("its own")

class TestBrokenTwice:
    def test_breaks(self, adyen_credential, broken_class, broken):
        assert me(adyen_credential)

def test_last(adyen_credential):
    assert me(adyen_credential)
"""


@pytest.mark.parametrize("options", [(), ("-x",)], ids=["all", "first"])
def test_fixtures_of_wider_scope_begin_and_end_once(theirs: pytest.Pytester, options: tuple[str, ...]) -> None:
    theirs.makepyfile(SCOPES)
    seen = []
    for number, more in enumerate([(), ("--adyen-rehearse=history",)]):
        junit = f"junit{number}.xml"
        result = theirs.runpytest_inprocess("-rA", "--tb=short", f"--junitxml={junit}", *options, *more)
        steps = theirs.path / "steps.txt"
        seen.append((text_of(result), result.ret, said_of(theirs.path / junit), steps.read_text().splitlines()))
        steps.unlink()
    assert seen[1][0] == seen[0][0]
    assert seen[1] == seen[0]
    assert "class ends" in seen[1][3]
    assert "class breaks" in str(seen[1][2])


LEAVING = """
import gc
from their_client import me, strict

def test_leaves_a_file_open_where_it_fails(adyen_credential):
    own = open(__file__)
    strict(adyen_credential)
    own.close()

class Own:
    def __init__(self):
        self.file, self.own = open(__file__), self

def test_leaves_one_in_a_circle(adyen_credential):
    own = Own()
    strict(adyen_credential)
    own.file.close()

def test_of_another_kind():
    gc.collect()

def test_that_talks(adyen_credential):
    assert me(adyen_credential)
    gc.collect()
"""


@pytest.mark.slow("several runs of pytest")
def test_what_a_further_run_leaves_open_troubles_no_test(theirs: pytest.Pytester) -> None:
    theirs.makepyfile(LEAVING)
    result = theirs.runpytest_inprocess("-W", "error", "--adyen-rehearse=history")
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["*in 11 runs: 2 broke, 4 survived"])
