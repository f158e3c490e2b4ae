"""pytest's undocumented parts, each as compat/pytest.py has it."""

from __future__ import annotations

import logging
import sys
import xml.etree.ElementTree as ET
from types import SimpleNamespace

import pytest

from pytest_adyen_creds.compat import pytest as compat
from pytest_adyen_creds.options import BARE

DISTRIBUTION = "pytest"


def of_test(report: pytest.TestReport) -> bool:
    return report.when == "call"


def test_module(pytester: pytest.Pytester) -> None:
    """Module._getobj is what imports a test file."""

    class Own(compat.ModuleUnderOwnName):
        module_name = "a_name_of_its_own"

    class Plugin:
        def pytest_pycollect_makemodule(self, module_path, parent):
            return Own.from_parent(parent, path=module_path)

    pytester.makepyfile("def test_it(): assert __name__ == 'a_name_of_its_own'")
    pytester.inline_run(plugins=[Plugin()]).assertoutcome(passed=1)


@pytest.mark.parametrize("option", BARE)
def test_bare_options(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, option: str) -> None:
    """Config.known_args_namespace says how far up pytest looks: no further than the project."""
    pytester.makeconftest("raise RuntimeError('of what the project lies in')")
    project = pytester.mkdir("project")
    (project / "test_it.py").write_text("def test_it(): pass")
    monkeypatch.chdir(project)
    pytester.runpytest_inprocess(option).assert_outcomes(passed=1)


def test_fixture_names(pytester: pytest.Pytester) -> None:
    """Item.fixturenames is a list of names; fixtures are set up in its order."""

    class Plugin:
        def pytest_itemcollected(self, item):
            assert {"first", "second"} <= set(compat.fixture_names(item))
            compat.set_up_first(item, "second")

    pytester.makepyfile(
        """
        import pytest
        SET_UP = []

        @pytest.fixture
        def first(): SET_UP.append("first")

        @pytest.fixture
        def second(): SET_UP.append("second")

        def test_it(first, second): assert SET_UP == ["second", "first"]
        """
    )
    pytester.inline_run(plugins=[Plugin()]).assertoutcome(passed=1)


def test_ids_of_parameters(pytester: pytest.Pytester) -> None:
    """Marks, fixtures and hooks all give ids by Metafunc.parametrize; pytest.param makes a named tuple with an id."""

    items: list[pytest.Item] = []

    class Plugin:
        @pytest.hookimpl(tryfirst=True)
        def pytest_generate_tests(self, metafunc):
            compat.change_ids(metafunc, str.upper)

        def pytest_itemcollected(self, item):
            items.append(item)

    pytester.makeconftest(
        """
        import itertools
        def pytest_generate_tests(metafunc):
            if "asked" in metafunc.fixturenames:
                metafunc.parametrize("asked", [1, 2], ids=itertools.repeat("hook"))
        """
    )
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture(params=[1], ids=["fixture"])
        def made(request): pass

        @pytest.mark.parametrize("listed", [1, 2], ids=["mark", "mark"])
        @pytest.mark.parametrize("called", [1], ids=lambda value: "callable")
        @pytest.mark.parametrize("one, two", [pytest.param(1, 2, id="param", marks=[pytest.mark.skip]), (3, 4)])
        def test_it(made, asked, listed, called, one, two): pass
        """
    )
    pytester.inline_run("--collect-only", plugins=[Plugin()])
    ids = {part for item in items for part in item.callspec.id.split("-")}
    assert ids >= {"FIXTURE", "HOOK0", "CALLABLE", "PARAM", "3"}, ids
    assert not {"fixture", "hook", "mark", "callable", "param"} & ids


def test_parameters(pytester: pytest.Pytester) -> None:
    """Item.callspec.params is what a test's set-up gets its parameters from, and what reporters show."""
    seen = []

    class Plugin:
        @pytest.hookimpl(wrapper=True)
        def pytest_runtest_setup(self, item):
            compat.change_parameters(item, str.upper)
            compat.restore_parameters(item)
            yield
            compat.change_parameters(item, str.upper)
            seen.append(dict(item.callspec.params))

    pytester.makepyfile(
        """
        import pytest
        @pytest.mark.parametrize("given", ["as it is"])
        def test_it(given): assert given == "as it is"
        """
    )
    pytester.inline_run(plugins=[Plugin()]).assertoutcome(passed=1)
    assert seen == [{"given": "AS IT IS"}]


def test_sections(pytester: pytest.Pytester) -> None:
    """Item._report_sections is the captured output that a report is made with: phase, name and text of each."""
    seen = []

    class Plugin:
        @pytest.hookimpl(wrapper=True)
        def pytest_runtest_makereport(self, item):
            compat.change_sections(item, str.upper)
            report = yield
            seen.extend(report.sections)
            return report

    pytester.makepyfile("def test_it(): print('printed')")
    pytester.inline_run(plugins=[Plugin()]).assertoutcome(passed=1)
    assert ("Captured stdout call", "PRINTED\n") in seen


def test_scope_mismatch(pytester: pytest.Pytester) -> None:
    """A fixture that asks for a narrower one fails with "ScopeMismatch: ... SCOPE scoped fixture NAME ..."."""
    found = []

    class Plugin:
        def pytest_exception_interact(self, call):
            found.append(compat.scope_mismatch(str(call.excinfo.value)))

    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture
        def narrow(): pass

        @pytest.fixture(scope="session")
        def wide(narrow): pass

        def test_it(wide): pass
        """
    )
    pytester.inline_run(plugins=[Plugin()])
    assert found == [("function", "narrow")]


def test_collection_error(pytester: pytest.Pytester) -> None:
    """A collection report has the call that was made as `call`, and that its `excinfo`."""
    found = []

    class Plugin:
        @pytest.hookimpl(wrapper=True)
        def pytest_make_collect_report(self):
            report = yield
            found.append(compat.collection_error(report))
            return report

    pytester.makepyfile("raise ZeroDivisionError")
    pytester.inline_run(plugins=[Plugin()])
    assert [error.type for error in found if error is not None] == [ZeroDivisionError]


def test_crash_message(pytester: pytest.Pytester) -> None:
    """A failed test's report has its message in `longrepr.reprcrash`, which the short summary prints whole on CI."""

    class Plugin:
        @pytest.hookimpl(wrapper=True)
        def pytest_runtest_makereport(self):
            report = yield
            compat.shorten_crash(report)
            return report

    pytester.makepyfile("def test_it(): raise ValueError('the first line\\nthe second line')")
    [report] = filter(of_test, pytester.inline_run(plugins=[Plugin()]).getreports("pytest_runtest_logreport"))
    assert report.longrepr.reprcrash.message == "ValueError: the first line"
    assert "the second line" in report.longreprtext


def test_parts_of_reports() -> None:
    """What a report's traceback is made of are objects of _pytest with attributes that can be set."""
    with pytest.raises(ZeroDivisionError) as excinfo:
        _ = 1 / 0
    parts = [excinfo.getrepr(showlocals=True)]
    texts = []
    while parts:
        part = parts.pop()
        if compat.is_part_of_report(part):
            object.__setattr__(part, "__class__", type(part))
            parts += vars(part).values()
        elif isinstance(part, list | tuple):
            parts += part
        elif isinstance(part, str):
            texts.append(part)
    assert any("division by zero" in text for text in texts)
    assert any("excinfo" in text for text in texts), "locals"


@pytest.mark.skipif(not hasattr(pytest, "Subtests"), reason="pytest has no subtests before 9")
def test_subtests(pytester: pytest.Pytester) -> None:
    """A subtest's report has its message and its parameters in `context`, as `msg` and `kwargs`."""
    pytester.makepyfile("def test_it(subtests):\n    with subtests.test('named', key='value'): assert False")
    reports = pytester.inline_run().getreports("pytest_runtest_logreport")
    [report] = [report for report in reports if getattr(report, "context", None)]
    compat.change_subtest(report, str.upper if report.context.msg == "named" else None)
    assert (report.context.msg, dict(report.context.kwargs)) == ("NAMED", {"key": "'VALUE'"})


def test_interruption(pytester: pytest.Pytester) -> None:
    """The terminal reporter keeps what broke a run off as `_keyboardinterrupt_memo`."""
    found = []

    class Plugin:
        def pytest_sessionfinish(self, session):
            found.extend(compat.interruptions(session.config))

    pytester.makepyfile("def test_it(): raise KeyboardInterrupt('broken off')")
    pytester.inline_run(plugins=[Plugin()], no_reraise_ctrlc=True)
    [kept] = found
    assert compat.is_part_of_report(kept)
    assert "broken off" in str(kept)


def test_debug_file(pytester: pytest.Pytester) -> None:
    """`--debug` writes to a file by `config.trace.root`, whose `_writer` is the function that writes."""

    class Plugin:
        def pytest_configure(self, config):
            compat.change_debug_file(config, lambda text: text.replace("test_it", "[changed]"))

    pytester.makepyfile("def test_it(): pass")
    pytester.inline_run("--debug", "debug.log", plugins=[Plugin()]).assertoutcome(passed=1)
    written = (pytester.path / "debug.log").read_text()
    assert "[changed]" in written
    assert "test_it" not in written.partition("pytest_runtest_protocol")[2]


@pytest.mark.parametrize("live", [True, False], ids=["live", "file"])
def test_log_lines(pytester: pytest.Pytester, live: bool) -> None:
    """The plugin "logging-plugin" writes log lines by its `log_cli_handler` and its `log_file_handler`."""

    class Plugin:
        @pytest.hookimpl(trylast=True)
        def pytest_sessionstart(self, session):
            compat.change_log_lines(session.config, str.upper)

    pytester.makepyfile("import logging\ndef test_it(): logging.getLogger('shop').error('a line')")
    arguments = ["--log-cli-level=INFO"] if live else ["--log-file=it.log"]
    result = pytester.runpytest_inprocess(*arguments, plugins=[Plugin()])
    assert "A LINE" in (result.stdout.str() if live else (pytester.path / "it.log").read_text())
    logging.getLogger("shop").setLevel(logging.NOTSET)


def test_junit(pytester: pytest.Pytester) -> None:
    """JUnit's plugin has `add_global_property`, `global_properties` and `node_reporters_ordered` with attributes."""

    class Plugin:
        @pytest.hookimpl(tryfirst=True)
        def pytest_sessionfinish(self, session):
            compat.add_junit_properties(session.config, {"counted": 3})
            compat.change_junit(session.config, lambda text: text.replace("plain", "changed"))

    pytester.makepyfile(
        """
        def test_it(record_testsuite_property, record_xml_attribute):
            record_testsuite_property("of all", "plain 1")
            record_xml_attribute("of_one", "plain 2")
        """
    )
    arguments = ("--junitxml=junit.xml", "-o", "junit_family=xunit1", "-W", "ignore")
    pytester.inline_run(*arguments, plugins=[Plugin()]).assertoutcome(passed=1)
    tree = ET.parse(pytester.path / "junit.xml")  # written just now
    properties = {each.get("name"): each.get("value") for each in tree.iter("property")}
    assert properties == {"of all": "changed 1", "counted": "3"}
    assert [each.get("of_one") for each in tree.iter("testcase")] == ["changed 2"]


@pytest.mark.parametrize("during_test", [True, False])
def test_write_line(pytester: pytest.Pytester, during_test: bool) -> None:
    """The plugins "terminalreporter" and "capturemanager" print a line, the latter past what a test's output does."""

    class Plugin:
        def pytest_runtest_call(self, item):
            compat.write_line(item.config, "a line of ours", during_test=during_test, yellow=True)

    pytester.makepyfile("def test_it(): pass")
    printed = pytester.runpytest_inprocess("--capture=fd", plugins=[Plugin()]).outlines
    assert printed.count("a line of ours") == 1


@pytest.mark.slow("processes of their own: their input is read")
@pytest.mark.parametrize("capture", ["fd", "sys", "tee-sys", "no"])
def test_uncaptured(pytester: pytest.Pytester, capture: str) -> None:
    """What is said within goes past the capturing, which is as it was afterwards; input is that of the process."""
    pytester.makeconftest(
        """
        import sys
        import pytest
        from pytest_adyen_creds.compat.pytest import has_terminal, uncaptured

        @pytest.fixture
        def within(pytestconfig):
            with uncaptured(pytestconfig):
                print("read:", sys.stdin.readline())

        def pytest_exception_interact(node):
            with uncaptured(node.config):
                print("read:", sys.stdin.readline())

        def pytest_unconfigure(config):
            print("terminal:", has_terminal(config))
        """
    )
    pytester.makepyfile(
        "def test_it(within, capsys):\n    print('mine')\n    assert capsys.readouterr().out != 'mine\\n'"
    )
    result = pytester.run(sys.executable, "-m", "pytest", f"--capture={capture}", stdin=b"one\ntwo\n")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*read: one", "*read: two", "*AssertionError*", "terminal: False"])


def test_no_terminal() -> None:
    """A run may have neither of the two."""
    compat.write_line(SimpleNamespace(pluginmanager=SimpleNamespace(get_plugin=lambda name: None)), "to nobody")


def test_options(pytestconfig: pytest.Config) -> None:
    """The options that this package reads by name are called as they were."""
    named = "collectonly continue_on_collection_errors debug fulltrace ignore ignore_glob lf stepwise tbstyle"
    assert {name for name in named.split() if not hasattr(pytestconfig.option, name)} <= {"lf", "stepwise"}, (
        "the last two are of a plugin that can be switched off"
    )


def test_runs_again(pytester: pytest.Pytester) -> None:
    """A copy of an item as `nextitem` leaves the fixtures of wider scope; Session.gethookproxy gives an item's hooks.

    What is kept of a run is in the item's `user_properties`, `_report_sections` and `own_markers`.
    """
    heard: list[str] = []

    class Deaf(compat.ChangedHooks):
        pytest_warning_recorded = compat.Unheard()

        def pytest_runtest_logstart(self, **said): ...

        def pytest_runtest_logreport(self, report):
            heard.append(f"{report.when} {report.outcome}")

        def pytest_runtest_logfinish(self, **said): ...

        def pytest_runtest_teardown(self, item, nextitem):
            return self.hooks.pytest_runtest_teardown(item=item, nextitem=compat.copy_of(item))

    class Plugin:
        is_again = False

        @pytest.hookimpl(wrapper=True)
        def pytest_runtest_protocol(self, item, nextitem):
            if self.is_again:
                return (yield)
            self.is_again = True
            with compat.with_hooks(item, Deaf(item.ihook)):
                done = yield
                before = list(item._report_sections)
                with compat.unheard(item):
                    compat.run_again(item)
                assert item._report_sections == before
                assert item.user_properties == [("own", 1)]
            report = compat.put_away(item, nextitem)
            assert report is not None
            heard.append(f"put away: {report.outcome}")
            assert compat.put_away(item, nextitem) is None
            compat.forget_run(item)
            assert not item._report_sections
            return done

    pytester.makepyfile(
        """
        import warnings
        import pytest
        STEPS = []

        @pytest.fixture(scope="module")
        def wide():
            STEPS.append("wide")
            yield
            print(*STEPS, "end")

        def test_it(wide, record_property, record_testsuite_property):
            record_property("own", 1)
            record_testsuite_property("of all", len(STEPS))
            warnings.warn(f"heard {len(STEPS)}")
            STEPS.append("test")
            print("printed", len(STEPS))
        """
    )
    result = pytester.runpytest_inprocess("--junitxml=junit.xml", "-s", plugins=[Plugin()])
    assert heard == [f"{when} passed" for when in ("setup", "call", "teardown")] * 2 + ["put away: passed"]
    assert "heard 1" in result.stdout.str()
    assert "heard 2" not in result.stdout.str()
    assert result.stdout.str().count("printed") == 1, "the second run's output is nowhere, as it is not captured"
    assert (pytester.path / "junit.xml").read_text().count('value="1"') == 1
    assert "wide test test end" in result.stdout.str()


def test_errors_of_both_teardowns(pytester: pytest.Pytester) -> None:
    """SetupState.teardown_exact raises the errors of wider fixtures before that of the test's own, as one group."""
    found = []

    class Plugin:
        @pytest.hookimpl(tryfirst=True)
        def pytest_runtest_protocol(self, item, nextitem):
            item.ihook.pytest_runtest_setup(item=item)
            found.append(compat.put_away_together(item, nextitem, item.ihook.pytest_runtest_teardown))
            return True

    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture(scope="module")
        def wide():
            yield
            raise KeyError("wide")

        @pytest.fixture
        def narrow():
            yield
            raise ValueError("narrow")

        def test_it(wide, narrow): ...
        """
    )
    pytester.inline_run(plugins=[Plugin()])
    [group] = found
    assert isinstance(group, BaseExceptionGroup)
    assert list(map(repr, group.exceptions)) == ["KeyError('wide')", "ValueError('narrow')"]


def test_what_failed_is_kept(pytester: pytest.Pytester) -> None:
    """The cache has what failed, as `cache/lastfailed`."""

    class Plugin:
        @pytest.hookimpl(wrapper=True, trylast=True)
        def pytest_sessionfinish(self, session):
            yield
            compat.remember_broken(session.config, {"test_all.py::test_one": ["a name"], "test_all.py::test_two": []})
            assert compat.broken_before(session.config) == {"test_all.py::test_one": ["a name"]}

    pytester.makepyfile(test_all="def test_one(): ...\ndef test_two(): ...")
    pytester.inline_run(plugins=[Plugin()]).assertoutcome(passed=2)
    pytester.runpytest_inprocess("--lf").assert_outcomes(passed=1)
    without = SimpleNamespace()
    compat.remember_broken(without, {"a test": ["a name"]})  # type: ignore[arg-type]
    assert compat.broken_before(without) == {}  # type: ignore[arg-type]
