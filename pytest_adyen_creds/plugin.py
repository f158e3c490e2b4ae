"""The pytest plugin: options, hooks, markers. It imports nothing heavier than pytest until it is used."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_adyen_creds import clock  # noqa: F401 - it takes the time of day before any test can freeze it
from pytest_adyen_creds.cassettes.keeper import prepare
from pytest_adyen_creds.errors import AdyenCredsError, StaleCassetteWarning
from pytest_adyen_creds.fixtures import *  # noqa: F403 - what fixtures.py lists in __all__ is the plugin's surface
from pytest_adyen_creds.options import OPTIONS
from pytest_adyen_creds.stash import RUN

if TYPE_CHECKING:
    from types import ModuleType

    from pytest_adyen_creds.run import Run

_SECRETS: Final = "pytest_adyen_creds.secrets"

_STARTING: Final = frozenset({"adyen_live", "adyen_backend", "adyen_drift", "adyen_drift_baseline", "adyen_report"})
"""The ini options that concern a whole run, whether or not a test of it uses the plugin."""

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
            elif option.choices:
                keywords["choices"] = option.choices
            else:
                keywords["metavar"] = option.metavar
            group.addoption(option.flag, **keywords)
        if option.ini:
            parser.addini(option.ini, option.help, default=None)


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers; add the bundled suite where it is asked for."""
    config.addinivalue_line(
        "markers",
        "adyen_credential(level='company', roles=(), preset=None, origins=(), merchants=(), fresh=False): "
        "what the throwaway credential of this test must be; with level='merchant', merchants=[X] chooses the account.",
    )
    config.addinivalue_line("markers", "adyen_contract: a test of the bundled contract suite.")
    config.add_cleanup(_mask_last_words)  # done after pytest's own, which takes its hooks back
    tracer = config.trace.root
    if config.option.debug and tracer._writer:  # to a file: every argument of every hook
        tracer.setwriter(_masked_before(tracer._writer))
    in_ini = {option.ini for option in OPTIONS if option.ini and config.getini(option.ini)}
    on_line = any(value for name, value in vars(config.option).items() if name.startswith("adyen_"))
    if not (in_ini or on_line):
        return
    from pytest_adyen_creds.run import run_of, settings_of

    try:
        settings = settings_of(config)  # one that is wrong ends the run here, before any test meets it
        if settings.run_contracts and (suite := str(_suite())) not in config.args:
            config.args.append(suite)
        if on_line or settings.run_contracts or not _STARTING.isdisjoint(in_ini):
            run_of(config)
    except AdyenCredsError as error:
        raise pytest.UsageError(_masked(str(error))) from None


def _suite() -> Path:
    package = Path(__file__).resolve().parent
    inside = package / "contracts" / "test_management.py"
    return inside if inside.is_file() else package.parent / "contracts" / "test_management.py"


class _Suite(pytest.Module):
    """The bundled suite: imported under a name of its own, so that no test file of a user's can clash with it."""

    def _getobj(self) -> ModuleType:
        spec = importlib.util.spec_from_file_location("pytest_adyen_creds_contract_suite", self.path)
        if spec is None or spec.loader is None:
            raise self.CollectError(f"{self.path} cannot be imported; install pytest-adyen-creds again")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makemodule(module_path: Path, parent: Any) -> pytest.Module | None:
    """Collect the bundled suite as one module with short ids, wherever it is installed."""
    if module_path.name != "test_management.py" or module_path != _suite():
        return None
    suite: pytest.Module = _Suite.from_parent(parent, path=module_path, nodeid=SUITE)
    return suite


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one item an operation where a test asks for ``adyen_operation``."""
    if "adyen_operation" in metafunc.fixturenames:
        from pytest_adyen_creds.run import run_of

        operations = run_of(metafunc.config).contract.operations
        metafunc.parametrize("adyen_operation", list(operations.values()), ids=list(operations))


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
        from pytest_adyen_creds.credentials.misuse import warn_of_misuse

        warn_of_misuse(marked)


def _import_ahead(session: pytest.Session) -> None:
    # what is first imported while freezegun has replaced datetime's classes would keep them for good: yaml's and
    # hypothesis' tables of types, say
    used = {name for item in session.items for name in getattr(item, "fixturenames", ()) if name.startswith("adyen_")}
    further = ["checks.registration"] if "adyen_contract" in used else []
    for module in ["cassettes.opening", "drift.traffic", *further] if used else ():
        importlib.import_module(f"pytest_adyen_creds.{module}")


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say who answers, where the run asks for it."""
    return [_masked(config.stash[RUN].header())] if RUN in config.stash else []


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Mask what a report says before anybody sees it; say an error of ours in its own words, without a traceback."""
    report = yield
    if words := _own_words(call.excinfo, item):
        report.longrepr = words
    elif call.when == "setup" and call.excinfo is not None and call.excinfo.errisinstance(pytest.fail.Exception):
        from pytest_adyen_creds.reports.wording import advice

        if advised := advice(str(call.excinfo.value)):
            report.longrepr = advised
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None and item.get_closest_marker("adyen_contract") is not None:
        # on CI pytest's short summary repeats a message whole; the failure above it has said the rest
        crash.message = crash.message.partition("\n")[0]
    _mask(report)
    return report


def _own_words(excinfo: pytest.ExceptionInfo[BaseException] | None, node: pytest.Item | pytest.Collector) -> str | None:
    if excinfo is None or not isinstance(excinfo.value, AdyenCredsError | StaleCassetteWarning):
        return None
    from pytest_adyen_creds.reports.wording import in_own_words

    return in_own_words(excinfo, node)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Mask what a report was given after it was made: a subtest's output, message and parameters."""
    _mask(report)


@pytest.hookimpl(tryfirst=True)
def pytest_internalerror(excrepr: Any) -> None:
    """Mask what an error of a plugin's says."""
    if _secrets_known():
        from pytest_adyen_creds.reports.masking import mask_exception

        mask_exception(excrepr)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, Any, Any]:
    """Mask what a collection error says; say one of ours in its own words, without a traceback."""
    report = yield
    if words := _own_words(getattr(getattr(report, "call", None), "excinfo", None), collector):
        report.longrepr = words
    _mask(report)
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_warning_recorded(warning_message: Any) -> None:
    """Mask what a warning says."""
    if _secrets_known():
        from pytest_adyen_creds.reports.masking import mask_warning

        mask_warning(warning_message)


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Mask what pytest writes of logging at once, live or to a file; captured logging is masked in the reports."""
    logging_plugin = session.config.pluginmanager.get_plugin("logging-plugin")
    for name in ("log_cli_handler", "log_file_handler"):
        handler = getattr(logging_plugin, name, None)
        if handler is not None:
            handler.format = _masked_after(handler.format)


def _masked_after(format_record: Callable[[Any], str]) -> Callable[[Any], str]:
    def format_masked(record: Any) -> str:
        return _masked(format_record(record))

    return format_masked


def _masked_before(write: Callable[[str], object]) -> Callable[[str], object]:
    return lambda text: write(_masked(text))


def _masked(text: str) -> str:
    return str(sys.modules[_SECRETS].SECRETS.mask(text)) if _secrets_known() else text


def _mask(report: Any) -> None:
    if _secrets_known():
        from pytest_adyen_creds.reports.masking import mask_report

        mask_report(report)


def _mask_last_words() -> None:
    if _secrets_known():
        from pytest_adyen_creds.reports.lastwords import mask_last_words

        mask_last_words()


def _secrets_known() -> bool:
    # not imported, or not to its end, means not met: an idle run pays nothing
    return len(getattr(sys.modules.get(_SECRETS), "SECRETS", ())) > 0


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Show who answered, coverage and findings, where there are any."""
    if RUN not in config.stash or hasattr(config, "workerinput"):
        return
    run = config.stash[RUN]
    if (run.answered or run.compared) and terminalreporter.verbosity >= 0:
        from pytest_adyen_creds.reports.answering import answering_lines

        terminalreporter.ensure_newline()
        for line in answering_lines(run):
            terminalreporter.write_line(_masked(line))
    if run.has_results:
        from pytest_adyen_creds.reports.terminal import summarise

        summarise(run, terminalreporter)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, None, None]:
    """Put away what the run opened, after the fixtures of a test that was interrupted have ended, before the summary.

    Report, and let drift decide the exit status as it was asked to; an xdist worker only hands over its results.
    """
    try:
        if RUN in session.config.stash and session.config.stash[RUN].has_results:
            from pytest_adyen_creds.reports.ending import add_properties

            # JUnit's file is written before a run is put away
            add_properties(session.config.stash[RUN], session.config)
        if _secrets_known():
            from pytest_adyen_creds.reports.masking import mask_ending

            mask_ending(session.config)
        yield
    except pytest.exit.Exception as error:  # of a fixture that ends now; pytest prints what it says
        error.msg = _masked(str(error.msg))
        error.args = (error.msg,)
        raise
    finally:
        if RUN in session.config.stash:
            _finish(session, session.config.stash[RUN])


def _finish(session: pytest.Session, run: Run) -> None:
    run.close()
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["adyen_creds"] = run.results()
    elif run.has_results and not session.config.option.collectonly:
        from pytest_adyen_creds.reports.ending import end

        session.exitstatus = end(run, session)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: Any) -> None:
    """Take over the results of an xdist worker that has ended."""
    results = getattr(node, "workeroutput", {}).get("adyen_creds")
    if results:
        from pytest_adyen_creds.run import run_of

        run_of(node.config).add_results(results)
    elif error and RUN in node.config.stash:
        name = getattr(getattr(node, "gateway", None), "id", "a worker")
        node.config.stash[RUN].problems.append(f"what {name} saw is not in these results: it crashed")
