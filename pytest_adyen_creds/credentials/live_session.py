"""The session of a live run, as pytest's hooks see it: a pytest plugin of its own, registered where a run is live."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from typing import Any, Final

import pytest

from pytest_adyen_creds.compat.pytest import fixture_names, write_line
from pytest_adyen_creds.compat.xdist import has_workers
from pytest_adyen_creds.credentials.backend import Backend
from pytest_adyen_creds.credentials.leases import LeaseClient
from pytest_adyen_creds.credentials.live_run import Controller, Observe, Worker
from pytest_adyen_creds.credentials.shutdown import SignalHandlers
from pytest_adyen_creds.credentials.spec import MARKER, Spec, spec_of
from pytest_adyen_creds.errors import AdyenCredsError, CredentialError
from pytest_adyen_creds.secrets import SECRETS
from pytest_adyen_creds.settings import Settings
from pytest_adyen_creds.text import counted

CONNECTION: Final = "adyen_creds_pool"
"""The name under which a worker is given the connection info of the pool."""

_SHOWING: Final = ("collectonly", "showfixtures", "show_fixtures_per_test", "setupplan")
"""The options with which pytest runs no test."""


class LiveSession:
    """What a live run has of throwaways, in one process.

    ``observe`` adds to a backend what is to see its traffic. ``end_run`` is called when pytest ends, however it does,
    and is to call :meth:`close`.
    """

    def __init__(
        self, settings: Settings, config: pytest.Config, *, observe: Observe, end_run: Callable[[], None]
    ) -> None:
        self._settings = settings
        self._config = config
        self._observe = observe
        self._end_run = end_run
        self._opened: Controller | Worker | None = None
        self._signals = SignalHandlers()
        self._is_summarised = False

    @property
    def _side(self) -> Controller | Worker:
        if self._opened is None:
            raise CredentialError("the live run has not started, so there is no pool; use fixtures in tests only")
        return self._opened

    @property
    def backend(self) -> Backend:
        """The server."""
        return self._side.backend

    @property
    def lease_client(self) -> LeaseClient:
        """This process's side of the pool."""
        return self._side.lease_client

    def header(self) -> str:
        """Return who signs in where, for the header of the run; empty in a worker."""
        return self._opened.header if isinstance(self._opened, Controller) else ""

    def close(self) -> None:
        """Switch off every throwaway of this run."""
        if self._opened is not None:
            self._signals.hold()
            self._opened.close()
        self._signals.restore()

    # Hooks. ---------------------------------------------------------------------------------------------------------

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Open the pool, or the way to it; a live run that cannot work ends here with one line."""
        if any(getattr(self._config.option, name, False) for name in _SHOWING):
            return
        worker: dict[str, Any] = getattr(self._config, "workerinput", {})
        try:
            if CONNECTION in worker:
                name, count = str(worker.get("workerid", "worker")), int(worker.get("workercount", 1))
                self._opened = Worker(self._settings, self._observe, worker[CONNECTION], name, count)
            else:
                # under xdist this process runs no tests, and captures nothing that it reports
                with_workers = has_workers(self._config)
                self._opened = Controller(self._settings, self._observe, self._report, has_workers=with_workers)
        except AdyenCredsError as error:
            raise pytest.UsageError(SECRETS.mask(str(error))) from None
        self._signals.catch()

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Give an xdist worker the connection info."""
        if isinstance(self._opened, Controller):
            node.workerinput[CONNECTION] = self._opened.connection_info()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Start to provision what the tests that are to run need, and nothing else: a creation is for good."""
        if not session.testsfailed or self._config.option.continue_on_collection_errors:
            self._prepare(session.items)

    def pytest_keyboard_interrupt(self) -> None:
        """Reset nothing any more, and hold the next signal back: everything is switched off now."""
        if self._opened is not None:
            self._signals.hold()
        if isinstance(self._opened, Controller):  # which stops the pool for its workers, too
            self._opened.stop()
            if self._opened.active:
                what = counted(self._opened.active, "throwaway")
                self._report(f"switching off {what}; interrupt twice more to leave them to adyen-creds sweep")

    @pytest.hookimpl(wrapper=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, None, None]:
        """Fail a run that may have left something active."""
        try:
            yield
        finally:
            has_leaked = isinstance(self._opened, Controller) and bool(self._opened.leaked)
            if has_leaked and session.exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self) -> None:
        """Report what could not be put away, and what the run did."""
        self._summarise()

    @pytest.hookimpl(tryfirst=True)
    def pytest_unconfigure(self) -> None:
        """Put away what is left where a hook that failed ended the session; report it where pytest had no summary."""
        self._end_run()
        self._summarise()

    # What the hooks do. ---------------------------------------------------------------------------------------------

    def _prepare(self, items: Iterable[pytest.Item]) -> None:
        if self._opened is None:
            return
        specs = {}
        for item in items:
            if MARKER in fixture_names(item) and _runs(item):
                marker = item.get_closest_marker(MARKER)
                with suppress(CredentialError):  # the test says what is wrong with its marker
                    spec = spec_of(item.nodeid, marker.args, marker.kwargs) if marker else Spec()
                    specs[spec.level, spec.account, spec.fresh] = spec
        with suppress(AdyenCredsError):  # the test that asks for one says what is wrong
            self._opened.pool.prepare(list(specs.values()))

    def _summarise(self) -> None:
        if isinstance(self._opened, Controller) and not self._is_summarised:
            self._is_summarised = True
            *problems, counts = self._opened.summary
            for line in problems:
                self._report(line, yellow=True)
            self._report(counts)

    def _report(self, text: str, **markup: bool) -> None:
        write_line(self._config, SECRETS.mask(f"adyen: {text}"), **markup)


def _runs(item: pytest.Item) -> bool:
    """Return whether no mark skips ``item``; one whose condition is a text is as good as skipped until it runs."""
    return not any(item.iter_markers("skip")) and not any(
        isinstance(condition, str) or condition
        for marker in item.iter_markers("skipif")
        for condition in marker.args or (marker.kwargs.get("condition", True),)
    )
