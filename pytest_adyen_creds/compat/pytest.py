"""pytest and pluggy: their undocumented parts that this package uses."""

from __future__ import annotations

import copy
import importlib.util
import io
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext, redirect_stderr, redirect_stdout
from functools import wraps
from inspect import signature
from types import ModuleType
from typing import Any, Final

import pytest
from _pytest.logging import caplog_records_key
from _pytest.outcomes import TEST_OUTCOME
from _pytest.runner import call_and_report

_FAILED_SUBTESTS: Final[pytest.StashKey[Any] | None] = getattr(
    sys.modules.get("_pytest.subtests"), "failed_subtests_key", None
)
"""Where pytest counts the subtests that failed, by test; since 9."""
_PARAMETERS: Final[pytest.StashKey[dict[str, Any]]] = pytest.StashKey()
_SCOPE_MISMATCH: Final = re.compile(r"ScopeMismatch: .* (\w+) scoped fixture (\w+) ")


class ModuleUnderOwnName(pytest.Module):
    """A test file that is imported as ``module_name``, so that no other test file can clash with it."""

    module_name: str

    def _getobj(self) -> ModuleType:
        spec = importlib.util.spec_from_file_location(self.module_name, self.path)
        if spec is None or spec.loader is None:
            raise self.CollectError(f"{self.path} cannot be imported; install pytest-adyen-creds again")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module


def give_values(config: pytest.Config, parser: pytest.Parser, args: list[str], bare: Mapping[str, str]) -> None:
    """Give each option of ``bare`` its value where the command line has none, so that it takes no path for it.

    Works while initial conftests are loaded, where ``args`` may still be changed.
    """
    end = args.index("--") if "--" in args else len(args)
    given = [f"{each}={bare[each]}" if each in bare else each for each in args[:end]]
    if given != args[:end]:
        args[:end] = given
        # which files there are decides which conftests are loaded; those outside of the project stay out
        project = config.known_args_namespace.confcutdir
        config.known_args_namespace = parser.parse_known_args(args, namespace=copy.copy(config.option))
        config.known_args_namespace.confcutdir = project


def fixture_names(item: pytest.Item) -> list[str]:
    """Return the names of the fixtures that ``item`` uses, in the order of their set-up; none for an item without."""
    names = getattr(item, "fixturenames", ())
    return names if isinstance(names, list) else list(names)


def set_up_first(item: pytest.Item, fixture: str) -> None:
    """Have ``fixture`` set up before the others that ``item`` uses, of the same scope."""
    names = fixture_names(item)
    if names[:1] != [fixture]:
        names[:] = [fixture, *(name for name in names if name != fixture)]


def change_ids(metafunc: pytest.Metafunc, change: Callable[[str], str]) -> None:
    """Change the ids that a test's parameters are given, by marks, fixtures and hooks; ``change`` gets each text."""
    parametrize = metafunc.parametrize

    def changed(given: Any) -> Any:
        return change(given) if isinstance(given, str) else given

    def of_set(value: Any) -> Any:  # pytest.param makes a tuple of its own class, with an id
        return value._replace(id=changed(value.id)) if hasattr(value, "_replace") and hasattr(value, "marks") else value

    @wraps(parametrize)
    def with_ids(argnames: Any, argvalues: Any, *more: Any, **options: Any) -> None:
        bound = signature(parametrize).bind(argnames, argvalues, *more, **options)
        given = bound.arguments
        given["argvalues"] = [of_set(value) for value in argvalues]
        ids = given.get("ids")
        if callable(ids):
            given["ids"] = lambda value: changed(ids(value))
        elif ids is not None:
            given["ids"] = map(changed, ids) if isinstance(ids, Iterator) else [changed(each) for each in ids]
        parametrize(*bound.args, **bound.kwargs)

    metafunc.parametrize = with_ids  # type: ignore[method-assign]


def change_parameters(item: pytest.Item, change: Callable[[Any], Any]) -> None:
    """Change what plugins read as the parameters of a test, until :func:`restore_parameters`."""
    if (callspec := getattr(item, "callspec", None)) is not None:
        own = item.stash.setdefault(_PARAMETERS, dict(callspec.params))
        callspec.params.update({name: change(value) for name, value in own.items()})


def restore_parameters(item: pytest.Item) -> None:
    """Give a test its own parameters back, before a phase of it."""
    if (own := item.stash.get(_PARAMETERS, None)) is not None:
        item.callspec.params.update(own)  # type: ignore[attr-defined]


def change_sections(item: pytest.Item, change: Callable[[str], str]) -> None:
    """Change the output of a test that was captured up to now, which plugins read from the test itself."""
    sections = item._report_sections
    sections[:] = [(when, name, change(content)) for when, name, content in sections]


def scope_mismatch(failure: str) -> tuple[str, str] | None:
    """Return the scope of a fixture and the name of the narrower one that it asks for, where ``failure`` is of that."""
    match = _SCOPE_MISMATCH.match(failure)
    return (match[1], match[2]) if match else None


def collection_error(report: Any) -> pytest.ExceptionInfo[BaseException] | None:
    """Return the error that a collection report tells of, while ``pytest_make_collect_report`` makes it."""
    return getattr(getattr(report, "call", None), "excinfo", None)


def shorten_crash(report: pytest.TestReport) -> None:
    """Leave the first line of an error's message to the short summary, which shows messages whole on CI."""
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None:
        crash.message = crash.message.partition("\n")[0]


def is_part_of_report(value: object) -> bool:
    """Tell whether ``value`` is one of the objects that pytest makes of an exception; its attributes hold the text."""
    return type(value).__module__.startswith("_pytest.")


def change_subtest(report: Any, change: Callable[[Any], Any]) -> None:
    """Change the message and the parameters of a subtest's report; other reports stay as they are."""
    if (context := getattr(report, "context", None)) is not None:
        # frozen, and shared with nobody
        object.__setattr__(context, "msg", change(context.msg))
        object.__setattr__(context, "kwargs", {name: change(value) for name, value in context.kwargs.items()})


def interruptions(config: pytest.Config) -> Iterator[Any]:
    """Yield what the terminal reporter keeps of the exception that broke the run off, to show it at the end."""
    for plugin in config.pluginmanager.get_plugins():
        if (memo := getattr(plugin, "_keyboardinterrupt_memo", None)) is not None:
            yield memo


def change_debug_file(config: pytest.Config, change: Callable[[str], str]) -> None:
    """Change what ``--debug`` and ``PYTEST_DEBUG`` write: every argument of every hook."""
    tracer = config.trace.root
    if write := tracer._writer:
        tracer.setwriter(lambda text: write(change(text)))


def change_log_lines(config: pytest.Config, change: Callable[[str], str]) -> None:
    """Change what pytest writes of logging at once, to the terminal or a file; what it captures is in the reports."""
    logging_plugin = config.pluginmanager.get_plugin("logging-plugin")
    for name in ("log_cli_handler", "log_file_handler"):
        if (handler := getattr(logging_plugin, name, None)) is not None:
            handler.format = lambda record, before=handler.format: change(before(record))


def add_junit_properties(config: pytest.Config, properties: Mapping[str, Any]) -> None:
    """Add properties of the whole test suite to JUnit's XML, where the run writes one."""
    for junit in _junit(config):
        for name, value in properties.items():
            junit.add_global_property(name, value)


def change_junit(config: pytest.Config, change: Callable[[str], str]) -> None:
    """Change what JUnit's XML has of no report: the suite's properties, and attributes that tests gave themselves."""
    for junit in _junit(config):
        junit.global_properties[:] = [(name, change(value)) for name, value in junit.global_properties]
        for reporter in junit.node_reporters_ordered:
            # of a test that has ended only the element is left
            attributes = getattr(reporter, "attrs", None) or reporter.to_xml().attrib
            attributes.update({name: change(value) for name, value in attributes.items()})


def _junit(config: pytest.Config) -> Iterator[Any]:
    return (plugin for plugin in config.pluginmanager.get_plugins() if hasattr(plugin, "add_global_property"))


def write_line(config: pytest.Config, text: str, *, during_test: bool = False, **markup: bool) -> None:
    """Write a line to the terminal, where pytest has one; ``during_test``: past the capturing of output, if any."""
    plugins = config.pluginmanager
    reporter, capture = plugins.get_plugin("terminalreporter"), plugins.get_plugin("capturemanager")
    if reporter is not None:
        with capture.global_and_fixture_disabled() if during_test and capture else nullcontext():
            reporter.ensure_newline()
            reporter.write_line(text, **markup)


@contextmanager
def uncaptured(config: pytest.Config) -> Iterator[None]:
    """Have the standard streams, input too, in a ``with`` block as they are without capturing."""
    capture = config.pluginmanager.get_plugin("capturemanager")
    if capture is None:
        yield
        return
    captured = capture._global_capturing
    was_on = captured is not None and captured.is_started()
    capture.suspend(in_=True)
    try:
        yield
    finally:
        capture.resume()
        if not was_on:
            capture.suspend_global_capture()


def has_terminal(config: pytest.Config) -> bool:
    """Tell whether a person can read what pytest says and answer it by standard input."""
    with uncaptured(config):
        is_asked = sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty()
    return is_asked and config.pluginmanager.hasplugin("terminal")


def stop_timer(item: pytest.Item) -> None:
    """Have pytest-timeout, where it is there, wait for ``item`` no longer."""
    if (stop := getattr(item.config.hook, "pytest_timeout_cancel_timer", None)) is not None:
        stop(item=item)


class ChangedHooks:
    """The hooks of one item, some of which are methods of a subclass."""

    def __init__(self, hooks: Any) -> None:
        self.hooks = hooks
        """The item's own."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.hooks, name)


class Unheard:
    """A hook that nobody is told by; pytest calls that of warnings by ``call_historic``."""

    def call_historic(self, *given: Any, **said: Any) -> None:
        """Tell nobody."""


@contextmanager
def _having(holder: object, name: str, value: object) -> Iterator[None]:
    """Give ``holder`` another attribute in a ``with`` block; unittest.mock would be imported in every run."""
    own = vars(holder)
    before = {name: own[name]} if name in own else {}
    own[name] = value
    try:
        yield
    finally:
        del own[name]
        own.update(before)


@contextmanager
def with_hooks(item: pytest.Item, hooks: ChangedHooks) -> Iterator[None]:
    """Have pytest call ``hooks`` about ``item`` in a ``with`` block."""
    found = item.session.gethookproxy

    def proxy(path: os.PathLike[str]) -> Any:
        return hooks if path == item.path else found(path)

    with _having(item.session, "gethookproxy", proxy):
        yield


def copy_of(item: pytest.Item) -> pytest.Item:
    """Return an item of the same parents, so that only what is the test's own is put away before it."""
    return copy.copy(item)


def run_again(item: pytest.Item) -> None:
    """Run ``item`` by pytest's own protocol, and leave the fixtures of wider scope.

    Plugins that run a test in pytest's place, to repeat one that failed say, are left out.
    """
    _protocol(item, copy_of(item), item.config.pluginmanager.get_plugin("runner"))


class _Instead:
    """Does something in the place of the run of a test, within what plugins have around a run."""

    def __init__(self) -> None:
        self.act: Callable[[], object] | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> object:
        return None if self.act is None else (self.act() or True)


def _protocol(item: pytest.Item, nextitem: pytest.Item | None, runner: object) -> None:
    others = [
        each.plugin
        for each in item.config.hook.pytest_runtest_protocol.get_hookimpls()
        if not (each.wrapper or each.hookwrapper or each.plugin is runner) or each.plugin_name in _REPORTING
    ]
    run = item.config.pluginmanager.subset_hook_caller("pytest_runtest_protocol", remove_plugins=others)
    run(item=item, nextitem=nextitem)


_REPORTING: Final = {"allure_listener"}
"""Plugins that write a result for each run of a test, whatever is reported."""


def forget_run(item: pytest.Item) -> None:
    """Have ``item`` forget what was captured of it."""
    item._report_sections.clear()


@contextmanager
def unheard(item: pytest.Item) -> Iterator[None]:
    """Keep what ``item`` says of itself when it runs in a ``with`` block out of every report, and off the screen."""
    kept: list[list[Any]] = [item.user_properties, item._report_sections, item.own_markers]
    before = [list(each) for each in kept]
    subtests: dict[str, int] = item.config.stash.get(_FAILED_SUBTESTS, {}) if _FAILED_SUBTESTS is not None else {}
    failed = dict(subtests)
    try:
        with _unchanged_junit(item), _unsaid(item.config):
            yield
    finally:
        for values, earlier in zip(kept, before, strict=True):
            values[:] = earlier
        subtests.clear()
        subtests.update(failed)


@contextmanager
def _unchanged_junit(item: pytest.Item) -> Iterator[None]:
    """Keep what a test writes into JUnit's XML by itself out of it."""
    suites = [(junit, list(junit.global_properties)) for junit in _junit(item.config)]
    known = [(junit, junit.node_reporters.get((item.nodeid, None))) for junit, _ in suites]
    attributes = [(reporter, dict(reporter.attrs)) for _, reporter in known if hasattr(reporter, "attrs")]
    yield
    for junit, properties in suites:
        junit.global_properties[:] = properties
    for reporter, before in attributes:
        reporter.attrs.clear()
        reporter.attrs.update(before)


@contextmanager
def _unsaid(config: pytest.Config) -> Iterator[None]:
    """Have pytest say nothing at once: log lines, steps of fixtures, and output that it does not capture."""
    logging_plugin = config.pluginmanager.get_plugin("logging-plugin")
    handlers = [getattr(logging_plugin, name, None) for name in ("log_cli_handler", "log_file_handler")]
    with ExitStack() as stack:
        for handler in filter(None, handlers):
            stack.enter_context(_having(handler, "handle", lambda record: False))
        if getattr(config.option, "setupshow", False):
            stack.enter_context(_having(config.option, "setupshow", False))
        # a traceback that nobody sees: for one with source pytest parses each file on the way
        stack.enter_context(_having(config.option, "tbstyle", "line"))
        if config.option.capture in ("no", "tee-sys"):
            stack.enter_context(redirect_stdout(io.StringIO()))
            stack.enter_context(redirect_stderr(io.StringIO()))
        yield


def put_away(item: pytest.Item, nextitem: pytest.Item | None) -> pytest.TestReport | None:
    """Put away the fixtures that ``nextitem`` does not need, when ``item`` has been put away itself.

    Returns the report of it, not yet said; None where there was nothing to put away.
    """
    there = list(item.session._setupstate.stack)
    if there == (nextitem.listchain() if nextitem is not None else [])[: len(there)]:
        return None
    plugins, reports = item.config.pluginmanager, []

    def act() -> None:
        item.stash.setdefault(caplog_records_key, {})  # pytest's logging has forgotten it with the first teardown
        reports.append(call_and_report(item, "teardown", log=False, nextitem=nextitem))

    if (instead := plugins.get_plugin("adyen-instead")) is None:
        plugins.register(instead := _Instead(), "adyen-instead")
    with _having(instead, "act", act):
        _protocol(item, nextitem, instead)
    return reports[0]


def put_away_together(
    item: pytest.Item, nextitem: pytest.Item | None, teardown: Callable[..., Any]
) -> BaseException | None:
    """Put away ``item`` by the hook ``teardown``; where that fails, the fixtures that ``nextitem`` does not need, too.

    Returns the errors; None where all went well, and the fixtures of wider scope are there.
    """
    errors = list(_errors_of(teardown, item, copy_of(item)))
    if not errors:
        return None
    item.stash.setdefault(caplog_records_key, {})
    errors = [*_errors_of(teardown, item, nextitem), *errors]
    return errors[0] if len(errors) == 1 else BaseExceptionGroup("errors during test teardown", errors)


def _errors_of(
    teardown: Callable[..., Any], item: pytest.Item, nextitem: pytest.Item | None
) -> Iterator[BaseException]:
    try:
        teardown(item=item, nextitem=nextitem)
    except TEST_OUTCOME as error:
        yield error


_BROKEN: Final = "adyen/rehearsal"
_LAST_FAILED: Final = "cache/lastfailed"


def broken_before(config: pytest.Config) -> dict[str, list[str]]:
    """Return what broke in the last rehearsal, by test, out of pytest's cache."""
    cache = getattr(config, "cache", None)
    known = cache.get(_BROKEN, {}) if cache is not None else {}
    return known if isinstance(known, dict) else {}


def remember_broken(config: pytest.Config, broken: Mapping[str, list[str]]) -> None:
    """Keep what broke in a rehearsal, by test, in pytest's cache; a test with nothing is forgotten.

    One with something counts as failed for ``--lf``. To be called when pytest has kept what failed.
    """
    cache = getattr(config, "cache", None)
    if cache is None:
        return
    known = {**broken_before(config), **broken}
    cache.set(_BROKEN, {test: names for test, names in known.items() if names})
    failed = cache.get(_LAST_FAILED, {})
    cache.set(_LAST_FAILED, failed | {test: True for test, names in broken.items() if names})
