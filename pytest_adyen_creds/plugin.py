"""The pytest plugin: options, hooks, markers. It imports nothing heavier than pytest until it is used."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Generator
from contextlib import ExitStack, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_adyen_creds import clock  # it takes the time of day before any test can freeze it
from pytest_adyen_creds.cassettes.recorder import TALKING, prepare
from pytest_adyen_creds.compat.pytest import (
    ModuleUnderOwnName,
    change_debug_file,
    change_ids,
    change_log_lines,
    change_parameters,
    change_sections,
    collection_error,
    fixture_names,
    give_values,
    restore_parameters,
    shorten_crash,
)
from pytest_adyen_creds.compat.xdist import hand_over, name_of, results_of, tell_worker, told_by_controller
from pytest_adyen_creds.errors import AdyenCredsError, StaleCassetteWarning
from pytest_adyen_creds.fixtures import *  # noqa: F403 - what fixtures.py lists in __all__ is the plugin's surface
from pytest_adyen_creds.options import BARE, MARKERS, OPTIONS, STARTING, is_true
from pytest_adyen_creds.stash import KEY, RUN, TEST
from pytest_adyen_creds.streams import mask_streams
from pytest_adyen_creds.text import plain

if TYPE_CHECKING:
    from types import ModuleType

    from pytest_adyen_creds.intercept.floor import Floor
    from pytest_adyen_creds.state import Run

_FLOOR: Final[pytest.StashKey[Floor]] = pytest.StashKey()
"""The guard at the socket, while tests run."""

_STARTED: Final[pytest.StashKey[float]] = pytest.StashKey()
"""When the run began, in seconds since 1970."""

SUITE: Final = "adyen-contracts"
"""The name under which the bundled contract suite is collected."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of one group, each with an ini twin, and the ini options that have no option."""
    group = parser.getgroup("adyen", "Adyen: throwaway credentials, contract checks, drift")
    for option in OPTIONS:
        if option.flag:
            keywords: dict[str, Any] = {"default": None, "help": option.help}
            if option.kind == "flag":
                keywords["action"] = "store_true"
            elif option.kind == "paths":
                keywords |= {"action": "append", "metavar": option.metavar}
            elif option.flag in BARE:
                keywords |= {"nargs": "?", "const": BARE[option.flag], "metavar": option.metavar}
            elif option.choices:
                keywords["choices"] = option.choices
            else:
                keywords["metavar"] = option.metavar
            group.addoption(option.flag, **keywords)
        parser.addini(option.ini, option.help, default=None)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config, parser: Any, args: list[str]) -> Generator[None]:
    """Read the provisioning key before any code of the tests can; mask the streams before they are captured."""
    give_values(early_config, parser, args, BARE)
    _take_key(early_config)
    mask_streams(_masked)
    return (yield)


def _take_key(config: pytest.Config) -> None:
    if KEY in config.stash or not any(name.startswith("ADYEN_") and "_API_KEY" in name for name in os.environ):
        return
    from pytest_adyen_creds.settings import ProvisioningKey

    config.stash[KEY], taken = ProvisioningKey.take(os.environ, keep=is_true(config.getini("adyen_keep_environment")))
    config.add_cleanup(lambda: os.environ.update(taken))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Give an xdist worker, which has this process's environment, the key that is not in it."""
    key = node.config.stash.get(KEY, None)
    if key is not None and key.secret is not None:
        tell_worker(node, {"key": key.secret.reveal(), "source": key.source})


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers; add the bundled suite where it is asked for."""
    _take_key(config)  # where a conftest has loaded the plugin
    if told := told_by_controller(config):
        from pytest_adyen_creds.secrets import Secret
        from pytest_adyen_creds.settings import ProvisioningKey

        config.stash[KEY] = ProvisioningKey(Secret(told["key"]), told["source"])
    for mark in MARKERS:
        config.addinivalue_line("markers", mark)
    config.stash[_STARTED] = clock.now().timestamp()
    config.add_cleanup(_mask_excepthooks)  # done after pytest's own, which takes its hooks back
    change_debug_file(config, _masked)
    in_ini = {option.ini for option in OPTIONS if config.getini(option.ini)}
    on_line = any(value for name, value in vars(config.option).items() if name.startswith("adyen_"))
    if not (in_ini or on_line):
        return
    from pytest_adyen_creds.state import run_of, settings_of

    try:
        settings = settings_of(config)  # one that is wrong ends the run here, before any test meets it
        if settings.run_contracts and (suite := str(_suite())) not in config.args:
            config.args.append(suite)
        if on_line or settings.run_contracts or STARTING & in_ini:
            run_of(config)
    except AdyenCredsError as error:
        raise pytest.UsageError(plain(_masked(str(error)))) from None


def _run(config: pytest.Config) -> Run | None:
    run: Run | None = config.stash.get(RUN, None)
    return run


def _suite() -> Path:
    package = Path(__file__).resolve().parent
    inside = package / "contracts" / "test_management.py"
    return inside if inside.is_file() else package.parent / "contracts" / "test_management.py"


class _Suite(ModuleUnderOwnName):
    module_name = "pytest_adyen_creds_contract_suite"


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makemodule(module_path: Path, parent: Any) -> pytest.Module | None:
    """Collect the bundled suite as one module with short ids, wherever it is installed."""
    if module_path.name != "test_management.py" or module_path != _suite():
        return None
    suite: pytest.Module = _Suite.from_parent(parent, path=module_path, nodeid=SUITE)
    return suite


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one item an operation where a test asks for ``adyen_operation``; mask ids, which pytest keeps on disk."""
    if _known():
        change_ids(metafunc, _masked)
    if "adyen_operation" in metafunc.fixturenames:
        from pytest_adyen_creds.state import run_of

        operations, mark = run_of(metafunc.config).results.contract.operations, pytest.mark.adyen_sequence
        each = [pytest.param(item, id=label, marks=mark(name=label)) for label, item in operations.items()]
        metafunc.parametrize("adyen_operation", each)


@pytest.hookimpl(tryfirst=True)
def pytest_make_parametrize_id(val: object) -> str | None:
    """Mask a secret that is a parameter in the id of its test, which pytest prints and keeps on disk."""
    text = val.decode("latin-1") if isinstance(val, bytes) else val
    masked = _masked(text) if isinstance(text, str) else text
    return masked if isinstance(masked, str) and masked != text else None


def pytest_itemcollected(item: pytest.Item) -> None:
    """Have a test's traffic answered before its other fixtures begin, where it uses one that talks to Adyen."""
    prepare(item)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Warn of marks that change nothing (under xdist the first worker does); import before time is frozen."""
    if "freezegun" in sys.modules:
        _import_ahead(session)
    marked = [(item, mark) for item in session.items for mark in item.own_markers if mark.name.startswith("adyen_cred")]
    if marked:
        from pytest_adyen_creds.credentials.spec import warn_of_misuse

        warn_of_misuse(marked)


def _import_ahead(session: pytest.Session) -> None:
    # what is first imported while freezegun has replaced datetime's classes would keep them for good: yaml's and
    # hypothesis' tables of types, say
    used = {name for item in session.items for name in fixture_names(item) if name.startswith("adyen_")}
    modules = ["pytest_adyen_creds.cassettes.serializer"] if used else []
    if used - {"adyen_operation", "adyen_suite"}:
        modules += ["pytest_adyen_creds.cassettes.modes", "pytest_adyen_creds.drift.traffic"]
    if "adyen_contract" in used:
        modules += ["pytest_adyen_creds.checks.judging", "hypothesis"]
    for module in modules:
        importlib.import_module(module)


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """Keep every test of a run that uses the plugin from reaching Adyen past the guards."""
    names = (name for item in session.items for name in getattr(item, "fixturenames", ()))
    if _run(session.config) is None and not any(name in TALKING for name in names):
        return (yield)
    from pytest_adyen_creds.intercept.floor import Floor
    from pytest_adyen_creds.settings import BASE_URL
    from pytest_adyen_creds.state import run_of

    with ExitStack() as stack:
        server, audited = None, False
        with suppress(AdyenCredsError):  # a setting is wrong; the fixtures say it
            run = run_of(session.config)
            audited = run.settings.audit
            if run.live is not None:
                server = run.settings.base_url
                if (
                    session.items and BASE_URL in os.environ
                ):  # xdist's controller has none; what children ask passes the guards, too
                    stack.callback(os.environ.__setitem__, BASE_URL, os.environ[BASE_URL])
                    os.environ[BASE_URL] = run.base_url
        session.config.stash[_FLOOR] = stack.enter_context(Floor(server, audited=audited).laid())
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_fixture_setup(request: pytest.FixtureRequest) -> Generator[None, object, object]:
    """Stand under what other plugins have put in the socket's place for the test."""
    _hold_floor(request.config)
    return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Note which test runs, so that what its answers show can name it."""
    _note_test(item.config, item.nodeid)
    try:
        return (yield)
    finally:
        _note_test(item.config, "")


def _note_test(config: pytest.Config, name: str) -> None:
    config.stash[TEST] = name
    if run := _run(config):
        run.results.collector.test = name


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    """Stand under what fixtures and other plugins have put in the socket's place for the test.

    Mask what plugins read of a test between its phases.
    """
    _hold_floor(item.config)
    restore_parameters(item)
    try:
        masking = _masking()
        with masking.masked_records(item.config) if masking else nullcontext():
            return (yield)
    finally:
        if masking := _masking():  # met in this phase, perhaps
            change_parameters(item, masking.plain)


pytest_runtest_call = pytest_runtest_teardown = pytest_runtest_setup


def _hold_floor(config: pytest.Config) -> None:
    if _FLOOR in config.stash:
        config.stash[_FLOOR].hold()


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say who answers, where the run asks for it."""
    run = _run(config)
    return [_masked(run.header())] if run else []


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Mask what a report is made of, and the report, before anybody sees it.

    Say an error of ours in its own words, without a traceback.
    """
    _mask_call(item, call)
    report = yield
    _mask_call(item, call)  # a test of unittest's has its exception only now
    if words := _formatted_error(call.excinfo, item):
        report.longrepr = words
    elif call.when == "setup" and call.excinfo is not None and call.excinfo.errisinstance(pytest.fail.Exception):
        from pytest_adyen_creds.reports.error_formatting import scope_advice

        if advised := scope_advice(str(call.excinfo.value)):
            report.longrepr = advised
    if item.get_closest_marker("adyen_contract") is not None:
        shorten_crash(report)  # the failure above pytest's short summary says the rest
    _mask(report)
    return report


def _mask_call(item: pytest.Item, call: pytest.CallInfo[Any]) -> None:
    if masking := _masking():
        masking.mask_call(call)
        change_sections(item, _masked)


def _formatted_error(
    excinfo: pytest.ExceptionInfo[BaseException] | None, node: pytest.Item | pytest.Collector
) -> str | None:
    if excinfo is None or not isinstance(excinfo.value, AdyenCredsError | StaleCassetteWarning):
        return None
    from pytest_adyen_creds.reports.error_formatting import format_error

    return format_error(excinfo, node)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Mask what a report was given after it was made: a subtest's output, message and parameters."""
    _mask(report)


@pytest.hookimpl(tryfirst=True)
def pytest_internalerror(excrepr: Any) -> None:
    """Mask what an error of a plugin's says."""
    if masking := _masking():
        masking.mask_exception(excrepr)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, Any, Any]:
    """Mask what a collection error says; say one of ours in its own words, without a traceback."""
    report = yield
    if words := _formatted_error(collection_error(report), collector):
        report.longrepr = words
    _mask(report)
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_warning_recorded(warning_message: Any) -> None:
    """Mask what a warning says."""
    if masking := _masking():
        masking.mask_warning(warning_message)


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Mask what pytest writes of logging at once, live or to a file; captured logging is masked in the reports."""
    change_log_lines(session.config, _masked)


def _masked(text: str) -> str:
    return str(known.mask(text)) if (known := _known()) else text


def _mask(report: Any) -> None:
    if masking := _masking():
        masking.mask_report(report)


def _mask_excepthooks() -> None:
    if masking := _masking():
        masking.mask_excepthooks()


def _masking() -> ModuleType | None:
    return importlib.import_module("pytest_adyen_creds.secrets.masking") if _known() else None


def _known() -> Any:
    # not imported, or not to its end, means none met: an idle run pays nothing
    return getattr(sys.modules.get("pytest_adyen_creds.secrets"), "SECRETS", None)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Show who answered, coverage and findings, where there are any, and what kept them from being shown."""
    run = _run(config)
    if run is None or hasattr(config, "workerinput"):
        return
    with run.noting("show the summary"):
        _summarise(run, terminalreporter)
        return
    for problem in run.results.problems:
        terminalreporter.write_line(_masked(problem))


def _summarise(run: Run, terminalreporter: Any) -> None:
    results = run.results
    if (results.answered or results.compared) and terminalreporter.verbosity >= 0:
        from pytest_adyen_creds.reports.terminal import backend_lines

        terminalreporter.ensure_newline()
        for line in backend_lines(results):
            terminalreporter.write_line(_masked(line))
    if results.has_results:
        from pytest_adyen_creds.reports.terminal import summarise

        summarise(results, terminalreporter)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, None, None]:
    """Put away what the run opened, after the fixtures of a test that was interrupted have ended, before the summary.

    Report, and let drift decide the exit status as it was asked to; an xdist worker only hands over its results.
    """
    try:
        if run := _run(session.config):
            with run.noting("give JUnit's file the counts"):  # it is written before a run is put away
                if run.results.has_results:
                    from pytest_adyen_creds.reports.session_finish import add_properties

                    add_properties(run.results, session.config)
        if masking := _masking():
            masking.mask_session_finish(session.config)
        yield
    except pytest.exit.Exception as error:  # of a fixture that ends now; pytest prints what it says
        error.msg = _masked(str(error.msg))
        error.args = (error.msg,)
        raise
    finally:
        if run := _run(session.config):  # xdist's controller may have made it only now
            _finish(session, run)


def _finish(session: pytest.Session, run: Run) -> None:
    with run.noting("put away what the run opened"):
        run.close()
    with run.noting("report what the run saw"):
        if hasattr(session.config, "workerinput"):
            hand_over(session.config, run.results.to_json())
        elif run.results.has_results and not session.config.option.collectonly:
            from pytest_adyen_creds.reports.session_finish import finish_session

            session.exitstatus = finish_session(run.results, session)
    if run.is_unfinished and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.USAGE_ERROR


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Look once more at what was written, when everybody has written it."""
    if not _known():
        return
    from pytest_adyen_creds.reports.written import mask_written

    everything = is_true(config.getini("adyen_mask_written"))
    for line in mask_written(config, config.stash[_STARTED], everything=everything):
        print(line, file=sys.stderr)  # noqa: T201 - the terminal reporter may be gone


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: Any) -> None:
    """Take over the results of an xdist worker that has ended."""
    if results := results_of(node):
        from pytest_adyen_creds.state import run_of

        run_of(node.config).results.merge(results)
    elif error and (run := _run(node.config)):
        run.results.problems.append(f"what {name_of(node)} saw is not in these results: it crashed")
