"""The session of a live run: pytest's hooks, and the signals that end a run.

A pytest plugin of its own, registered only where a run is live. The controller of an xdist run, or a run's only
process, has the pool; a worker has the way to it.
"""

from __future__ import annotations

import signal
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_adyen_creds.credentials.controller import Controller
from pytest_adyen_creds.credentials.spec import MARKER, Spec, spec_of
from pytest_adyen_creds.credentials.worker import Worker
from pytest_adyen_creds.errors import AdyenCredsError, CredentialError
from pytest_adyen_creds.secrets import SECRETS

if TYPE_CHECKING:
    from pytest_adyen_creds.credentials.backend import Backend
    from pytest_adyen_creds.credentials.throwaways import Throwaways
    from pytest_adyen_creds.run import Run

INVITATION: Final = "adyen_creds_pool"
"""The name under which a worker is told how to reach the pool."""

_USERS: Final = frozenset({"adyen_credential"})
_DESELECTING: Final = ("keyword", "markexpr", "deselect", "lf", "stepwise")


class LiveSession:
    """What a live run has of throwaways, in one process."""

    def __init__(self, run: Run, config: pytest.Config) -> None:
        self._run = run
        self._config = config
        self._opened: Controller | Worker | None = None
        self._previous: Any = None
        self._prepared: set[tuple[str, str | None]] = set()

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
    def throwaways(self) -> Throwaways:
        """This process's side of the pool."""
        return self._side.throwaways

    def header(self) -> str:
        """Say who signs in where, for the header of the run; empty in a worker."""
        return self._opened.header() if isinstance(self._opened, Controller) else ""

    # Hooks. ---------------------------------------------------------------------------------------------------------

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Open the pool, or the way to it; a live run that cannot work ends here with one line."""
        if self._config.option.collectonly:
            return
        try:
            invitation = getattr(self._config, "workerinput", {}).get(INVITATION)
            if invitation is not None:
                self._opened = Worker(self._run, invitation, self._config.workerinput)  # type: ignore[attr-defined]
            else:
                self._opened = Controller(self._run, self._announce)
        except AdyenCredsError as error:
            raise pytest.UsageError(SECRETS.mask(str(error))) from None
        self._catch_termination()

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Invite an xdist worker."""
        if isinstance(self._opened, Controller):
            node.workerinput[INVITATION] = self._opened.invitation()

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Start to provision while the rest is collected, unless what is collected may yet be deselected."""
        options = self._config.option
        if not any(getattr(options, name, None) for name in _DESELECTING):
            self._prepare([item])

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Start to provision what the tests that are to run need."""
        self._prepare(session.items)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say what could not be put away."""
        for problem in self._opened.problems if self._opened else ():
            terminalreporter.write_line(SECRETS.mask(f"adyen: {problem}"), yellow=True)

    def close(self) -> None:
        """Switch off every throwaway of this run."""
        if self._opened is not None:
            self._opened.close()
        if self._previous is not None:
            with suppress(ValueError):
                signal.signal(signal.SIGTERM, self._previous)

    # Strictly private. ----------------------------------------------------------------------------------------------

    def _prepare(self, items: Iterable[pytest.Item]) -> None:
        specs = []
        for item in items:
            if self._opened is not None and _USERS & set(getattr(item, "fixturenames", ())):
                marker = item.get_closest_marker(MARKER)
                with suppress(CredentialError):  # the test says what is wrong with its marker
                    specs.append(spec_of(item.nodeid, marker.args, marker.kwargs) if marker else Spec())
        new = {
            (spec.level, spec.account): spec
            for spec in specs
            if not spec.fresh and (spec.level, spec.account) not in self._prepared
        }
        if new:
            self._prepared |= set(new)
            self._side.prepare(list(new.values()))

    def _announce(self, text: str) -> None:
        # under xdist this process runs no tests and captures nothing; alone, the waiting fixture says it
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None and self._config.pluginmanager.has_plugin("dsession"):
            reporter.ensure_newline()
            reporter.write_line(SECRETS.mask(f"adyen: {text}"))

    def _catch_termination(self) -> None:
        with suppress(ValueError):  # not the main thread: whoever has it decides
            if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
                self._previous = signal.signal(signal.SIGTERM, _terminate)


def _terminate(number: int, frame: object) -> None:
    # a second one ends the process at once; the ledger then tells the next run
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    pytest.exit("terminated (SIGTERM)", returncode=128 + number)
