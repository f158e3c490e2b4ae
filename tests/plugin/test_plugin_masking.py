"""Nothing that pytest prints or writes holds a secret: canaries in every place a test can put one."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest

pytestmark = pytest.mark.slow("processes of their own: what they print is searched")

CANARIES = {
    "raw": 'AQEcanary/+="\\tail0001',
    "plain": "canaryPLAINcanaryPLAINcanary0002",
    "unicode": "canäry-✓-canary-0003",
}

TEST_FILE = """
import json, logging, warnings, base64, sys
from urllib.parse import quote
import pytest
from pytest_adyen_creds.secrets import Secret

CANARIES = [Secret(text) for text in json.loads({canaries!r})]

@pytest.fixture
def broken_setup():
    value = CANARIES[0].reveal()
    raise RuntimeError(f"set-up with {{value}}")

@pytest.fixture
def broken_teardown():
    yield
    raise RuntimeError("teardown with " + CANARIES[1].reveal())

@pytest.mark.parametrize("number", range(len(CANARIES)))
def test_everywhere(number, record_property, caplog):
    value = CANARIES[number].reveal()
    encoded = base64.b64encode(f"user:{{value}}".encode()).decode()
    held = {{"key": value, "nested": [value, {{"deep": value}}]}}
    print("out", value, encoded, quote(value, safe=""), json.dumps(value))
    print("err", value, repr(value), file=sys.stderr)
    logging.getLogger("canary").debug("logged %s", value)
    logging.getLogger("canary").error("logged %s", held)
    record_property("key", value)
    warnings.warn(f"warned {{value}}")
    assert held == {{"key": "another", "nested": [value[::-1]]}}, f"message {{value}}"

@pytest.mark.parametrize("number", range(len(CANARIES)))
def test_wrapped(number):
    text = "x" * 60 + CANARIES[number].reveal() * 3
    assert text == "y" * 200

def test_raises():
    try:
        raise ValueError(CANARIES[0].reveal())
    except ValueError as error:
        raise KeyError({{CANARIES[1].reveal(): 1}}) from error

def test_setup(broken_setup): pass
def test_teardown(broken_teardown): pass

def test_skips(): pytest.skip("skipped " + CANARIES[2].reveal())
@pytest.mark.xfail(reason="expected " + CANARIES[1].reveal())
def test_expected(): raise ValueError(CANARIES[0].reveal())
"""


def forms(value: str) -> list[str]:
    """Return how a canary may look in what was written."""
    encoded = [base64.b64encode(b" " * lead + value.encode()).decode()[4:-4] for lead in range(3)]
    return [value, quote(value, safe=""), json.dumps(value)[1:-1], repr(value)[1:-1], *encoded]


def leaks(text: str) -> list[str]:
    unwrapped = "".join(line.removeprefix("E").strip() for line in text.splitlines())
    return [form for value in CANARIES.values() for form in forms(value) if form in text or form in unwrapped]


ARGUMENTS = ("-vvv", "--showlocals", "--log-level=DEBUG", "-rA", "-o", "junit_logging=all", "--junitxml=junit.xml")


@pytest.mark.parametrize(
    "more",
    [
        (),
        ("--tb=short",),
        ("--tb=line",),
        ("--tb=native",),
        ("-n", "2"),
        ("-o", "log_cli=true", "-o", "log_file=log.txt", "-o", "log_file_level=DEBUG"),
        ("--color=yes",),
    ],
    ids=" ".join,
)
def test_no_canary_in_anything_written(pytester: pytest.Pytester, more: tuple[str, ...]) -> None:
    pytester.makepyfile(TEST_FILE.format(canaries=json.dumps(list(CANARIES.values()))))
    source = {path for path in pytester.path.rglob("*") if path.is_file()}
    result = pytester.runpytest_subprocess(*ARGUMENTS, *more)
    outcomes = result.parseoutcomes()
    assert outcomes["failed"] == 7, outcomes
    assert outcomes["errors"] == 2
    assert "[masked]" in result.stdout.str()
    assert leaks(result.stdout.str() + result.stderr.str()) == []
    for path in pytester.path.rglob("*"):
        if path.is_file() and path not in source and path.suffix != ".pyc" and path.name not in ("stdout", "stderr"):
            assert leaks(path.read_text(errors="replace")) == [], path


BESIDE_REPORTS = """
import logging
import unittest
import pytest
from pytest_adyen_creds.secrets import Secret

CANARY = Secret({canary!r}).reveal()
"""


def in_process(pytester: pytest.Pytester, test: str, *arguments: str) -> tuple[pytest.RunResult, str]:
    """Run ``test`` with a canary, and return what came of it and all that was written."""
    pytester.makepyfile(BESIDE_REPORTS.format(canary=CANARIES["plain"]) + test)
    result = pytester.runpytest_inprocess(
        "-p", "no:randomly", "-p", "no:cacheprovider", "--junitxml=junit.xml", *arguments
    )
    return result, result.stdout.str() + result.stderr.str() + (pytester.path / "junit.xml").read_text()


@pytest.mark.skipif(not hasattr(pytest, "Subtests"), reason="pytest has subtests from 9 on")
def test_no_canary_in_subtests(pytester: pytest.Pytester) -> None:
    result, written = in_process(
        pytester,
        """
def test_printed(subtests):
    with subtests.test(msg="printed"):
        print("printed", CANARY)
        logging.getLogger().warning("logged %s", CANARY)
        assert False

def test_named(subtests):
    with subtests.test(msg="message " + CANARY, key=CANARY, keys=[CANARY], number=7):
        assert CANARY == "another"

class TestCase(unittest.TestCase):
    def test_unit(self):
        with self.subTest("message " + CANARY, key=CANARY, keys=[CANARY]):
            print("printed", CANARY)
            self.fail(CANARY)
""",
        "-o",
        "junit_logging=all",
    )
    assert result.parseoutcomes()["failed"] >= 3
    assert "printed [masked]" in written
    assert "message [masked]" in written
    assert "number=7" in written
    assert leaks(written) == []


def test_no_canary_in_a_run_that_is_broken_off(pytester: pytest.Pytester) -> None:
    result, written = in_process(pytester, "def test_it(): pytest.exit('exit with ' + CANARY)")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert "exit with [masked]" in written
    assert leaks(written) == []


def test_no_canary_in_an_error_of_another_plugin(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        def pytest_runtest_logreport(report):
            import test_no_canary_in_an_error_of_another_plugin as tests
            raise RuntimeError("a plugin broke with " + tests.CANARY)
        """
    )
    result, written = in_process(pytester, "def test_it(): pass")
    assert result.ret == pytest.ExitCode.INTERNAL_ERROR
    assert "INTERNALERROR> RuntimeError: a plugin broke with [masked]\n" in written
    assert leaks(written) == []


@pytest.mark.filterwarnings("ignore:record_xml_attribute")
def test_no_canary_in_what_junit_has_beside_reports(pytester: pytest.Pytester) -> None:
    result, written = in_process(
        pytester,
        """
def test_it(record_testsuite_property, record_xml_attribute):
    record_testsuite_property("key", CANARY)
    record_xml_attribute("key", CANARY)
""",
        "-o",
        "junit_family=xunit1",
    )
    assert result.ret == pytest.ExitCode.OK
    assert '<property name="key" value="[masked]"' in written
    assert ' key="[masked]"' in written
    assert leaks(written) == []


def test_no_canary_in_properties_of_any_type(pytester: pytest.Pytester) -> None:
    _, written = in_process(
        pytester,
        """
class Answer:
    def __str__(self):
        return "answer " + CANARY

def test_it(record_property):
    record_property("dict", {"apiKey": CANARY, "keys": ["of", (CANARY, 1)], "more": b"b" + CANARY.encode()})
    record_property("bytes", CANARY.encode())
    record_property("object", Answer())
    held = [CANARY]
    record_property("held", held)
    record_property("count", 7)
    assert held[0].startswith("canary")
""",
    )
    for shown in ("'apiKey': '[masked]', 'keys': ['of', ('[masked]', 1)]", "answer [masked]", 'value="7"'):
        assert shown in written
    assert leaks(written) == []


def test_no_canary_in_what_hooks_add_to_a_report(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import pytest

        @pytest.hookimpl(wrapper=True)
        def pytest_runtest_makereport(item):
            report = yield
            report.extras = [{"name": "answer", "content": item.module.CANARY}]
            report.note, report.item = "of " + item.module.CANARY, item
            return report

        def pytest_runtest_logreport(report):
            print(report.extras, report.note, report.item.name)
        """
    )
    _, written = in_process(pytester, "def test_it(): pass", "-s")
    assert "[{'name': 'answer', 'content': '[masked]'}] of [masked] test_it" in written
    assert leaks(written) == []


def test_no_canary_in_a_failure_that_a_plugin_shows_its_own_way(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import pytest

        class Shown:
            def __init__(self, text):
                self.text = text

            def toterminal(self, writer):
                writer.line(self.text)

            def __str__(self):
                return self.text

        class Item(pytest.Item):
            def runtest(self):
                raise ValueError

            def repr_failure(self, excinfo):
                return Shown("failed with " + self.parent.obj.CANARY)

        def pytest_pycollect_makeitem(collector, name):
            if name == "an_item":
                return [Item.from_parent(collector, name=name)]
        """
    )
    _, written = in_process(pytester, "an_item = True")
    assert written.count("failed with [masked]") >= 2
    assert leaks(written) == []


def test_no_canary_in_the_log_of_debugging(pytester: pytest.Pytester) -> None:
    _, written = in_process(
        pytester,
        """
def test_it():
    assert CANARY == "another"

def test_raises():
    raise RuntimeError(CANARY)
""",
        "--debug",
    )
    log = (pytester.path / "pytestdebug.log").read_text()
    assert "left: [masked]" in log
    assert "pytest_assertrepr_compare" in log
    assert leaks(written + log) == []


def test_no_canary_when_a_fixture_breaks_off_the_end(pytester: pytest.Pytester) -> None:
    _, written = in_process(
        pytester,
        """
@pytest.fixture(scope="session")
def shop():
    yield
    pytest.exit("could not close " + CANARY)

def test_it(shop):
    pytest.exit("enough")
""",
    )
    assert "Exit: could not close [masked]" in written
    assert leaks(written) == []


def test_no_canary_in_what_python_prints_of_errors_at_the_end(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        BESIDE_REPORTS.format(canary=CANARIES["plain"])
        + """
import atexit
import threading

class Deleted:
    def __del__(self, said="deleted " + CANARY):
        raise RuntimeError(said)

HELD = Deleted()

def late():
    threading.main_thread().join()
    raise RuntimeError("in a thread " + CANARY)

@atexit.register
def leave():
    raise RuntimeError("at exit " + CANARY)

@pytest.fixture(scope="session")
def shop():
    yield
    raise RuntimeError("could not close " + CANARY)

def test_it(shop):
    threading.Thread(target=late).start()
    pytest.exit("enough")
"""
    )
    written = pytester.runpytest_subprocess("-p", "no:cacheprovider").stderr.str()
    for said in ("could not close", "in a thread", "at exit", "deleted"):
        assert f"RuntimeError: {said} [masked]" in written
    assert leaks(written) == []


def test_no_canary_in_the_id_of_a_test(pytester: pytest.Pytester) -> None:
    result, written = in_process(
        pytester,
        """
@pytest.mark.parametrize("key", [CANARY, CANARY.encode(), "wrong", 7])
def test_it(key): pass
""",
        "-v",
    )
    assert result.parseoutcomes()["passed"] == 4
    for shown in ("test_it[[masked]0]", "test_it[wrong]", "test_it[7]"):
        assert shown in written
    assert leaks(written) == []


def test_reads_as_before_without_secrets(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it():\n    assert {'a': 1} == {'a': 2}")
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.stdout.fnmatch_lines(["E       AssertionError: assert {'a': 1} == {'a': 2}"])
