"""The session of a live run, as pytest's hooks see it.

A pytest plugin of its own, registered only where a run is live. The controller of an xdist run, or a run's only
process, has the pool; a worker has the way to it.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_adyen_creds.compat.pytest import fixture_names, write_line
from pytest_adyen_creds.compat.xdist import has_workers
from pytest_adyen_creds.credentials.controller import Controller
from pytest_adyen_creds.credentials.signals import Signals
from pytest_adyen_creds.credentials.spec import MARKER, Spec, spec_of
from pytest_adyen_creds.credentials.worker import Worker
from pytest_adyen_creds.errors import AdyenCredsError, CredentialError
from pytest_adyen_creds.secrets import SECRETS
from pytest_adyen_creds.text import counted

if TYPE_CHECKING:
    from pytest_adyen_creds.credentials.backend import Backend
    from pytest_adyen_creds.credentials.throwaways import Throwaways
    from pytest_adyen_creds.run import Run

INVITATION: Final = "adyen_creds_pool"
"""The name under which a worker is told how to reach the pool."""

_USERS: Final = frozenset({"adyen_credential"})

_SHOWING: Final = ("collectonly", "showfixtures", "show_fixtures_per_test", "setupplan")
"""The options with which pytest runs no test."""


class LiveSession:
    """What a live run has of throwaways, in one process."""

    def __init__(self, run: Run, config: pytest.Config) -> None:
        self._run = run
        self._config = config
        self._opened: Controller | Worker | None = None
        self._signals = Signals()
        self._is_told = False
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
        if any(getattr(self._config.option, name, False) for name in _SHOWING):
            return
        try:
            invitation = getattr(self._config, "workerinput", {}).get(INVITATION)
            if invitation is not None:
                self._opened = Worker(self._run, invitation, self._config.workerinput)  # type: ignore[attr-defined]
            else:
                self._opened = Controller(self._run, self._announce, self._say, has_workers=self._has_workers)
        except AdyenCredsError as error:
            raise pytest.UsageError(SECRETS.mask(str(error))) from None
        self._signals.catch()

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Invite an xdist worker."""
        if isinstance(self._opened, Controller):
            node.workerinput[INVITATION] = self._opened.invitation()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Start to provision what the tests that are to run need, and nothing else: a creation is for good."""
        if not session.testsfailed or self._config.option.continue_on_collection_errors:
            self._prepare(session.items)

    def pytest_keyboard_interrupt(self) -> None:
        """Reset nothing any more, and hold the next signal back: everything is switched off now."""
        if self._opened is not None:
            self._signals.hold()
            self._opened.stop()
            if isinstance(self._opened, Controller) and self._opened.active:
                what = counted(self._opened.active, "throwaway")
                self._say(f"switching off {what}; interrupt twice more to leave them to adyen-creds sweep")

    @pytest.hookimpl(wrapper=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, None, None]:
        """Fail a run that may have left something active."""
        try:
            yield
        finally:
            if isinstance(self._opened, Controller) and self._opened.left and session.exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self) -> None:
        """Say what could not be put away, and what the run did."""
        self._tell()

    @pytest.hookimpl(tryfirst=True)
    def pytest_unconfigure(self) -> None:
        """Put away what is left where a hook that failed ended the session; say it where pytest had no summary."""
        self._run.close()
        self._tell()

    def close(self) -> None:
        """Switch off every throwaway of this run."""
        if self._opened is not None:
            self._signals.hold()
            self._opened.close()
        self._signals.restore()

    # Strictly private. ----------------------------------------------------------------------------------------------

    def _prepare(self, items: Iterable[pytest.Item]) -> None:
        specs = []
        for item in items:
            if self._opened is not None and _USERS & set(fixture_names(item)) and _runs(item):
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
            with suppress(AdyenCredsError):  # the test that asks for one says what is wrong
                self._side.prepare(list(new.values()))

    def _tell(self) -> None:
        if isinstance(self._opened, Controller) and not self._is_told:
            self._is_told = True
            for line in self._opened.summary:
                self._say(line, yellow=line != self._opened.summary[-1])

    @property
    def _has_workers(self) -> bool:
        return has_workers(self._config)

    def _announce(self, text: str) -> None:
        # under xdist this process runs no tests and captures nothing; alone, the waiting fixture says it
        if self._has_workers:
            self._say(text)

    def _say(self, text: str, **markup: bool) -> None:
        write_line(self._config, SECRETS.mask(f"adyen: {text}"), **markup)


def _runs(item: pytest.Item) -> bool:
    """Return whether no mark skips ``item``; one whose condition is a text is as good as skipped until it runs."""
    return not any(item.iter_markers("skip")) and not any(
        isinstance(condition, str) or condition
        for marker in item.iter_markers("skipif")
        for condition in marker.args or (marker.kwargs.get("condition", True),)
    )
