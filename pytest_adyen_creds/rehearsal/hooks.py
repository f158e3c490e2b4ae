"""The hooks of a test that is rehearsed: its first run is reported as without, its further runs are watched."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from types import FrameType
from typing import Any, Final

import pytest

from pytest_adyen_creds.compat.pytest import ChangedHooks, Unheard, forget_run, put_away, put_away_together
from pytest_adyen_creds.errors import AdyenCredsError, in_words
from pytest_adyen_creds.secrets import SECRETS
from pytest_adyen_creds.text import plain

_PACKAGE: Final = Path(__file__).resolve().parents[1]
_LONGEST: Final = 300


class Silent(ChangedHooks):
    """Says to nobody that a run of a test begins and ends."""

    def pytest_runtest_logstart(self, **said: Any) -> None:
        """Say nothing."""

    def pytest_runtest_logfinish(self, **said: Any) -> None:
        """Say nothing."""


class Kept(Silent):
    """Keeps the reports of one run of a test."""

    def __init__(self, hooks: Any) -> None:
        super().__init__(hooks)
        self.held: list[pytest.TestReport] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep a report."""
        self.held.append(report)


class Held(ChangedHooks):
    """Holds back what is said of a test as long as it passes, and has its fixtures of wider scope stay.

    They stay where ``goes_on`` says, when the test itself has passed, that it is to run again. A test that does not
    pass is reported, and put away, as it would be without.
    """

    def __init__(self, item: pytest.Item, goes_on: Callable[[], bool]) -> None:
        super().__init__(item.ihook)
        self.leaves_fixtures = False
        """Whether the test has passed, its set-up and teardown included, and is to run again."""
        self.held: list[pytest.TestReport] = []
        self._item = item
        self._goes_on = goes_on
        self._is_holding = self._has_passed = True
        self._properties = list(item.user_properties)

    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        """Note whether the test has passed up to now."""
        report = self.hooks.pytest_runtest_makereport(item=item, call=call)
        # a subtest's comes before that of the test itself
        self._has_passed = call.when == "call" and report.passed and not hasattr(report, "wasxfail")
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Hold a report back, or say it."""
        self.held.append(report)
        if not self._is_holding or not report.passed or hasattr(report, "wasxfail"):
            self.say()

    def pytest_runtest_logfinish(self, **said: Any) -> None:
        """Say that the test has ended, where nothing is held back."""
        if not self._is_holding:
            self.hooks.pytest_runtest_logfinish(**said)

    def pytest_runtest_teardown(self, item: pytest.Item, nextitem: pytest.Item | None) -> Any:
        """Put away what is the test's own, and the others where it is not to run again."""
        teardown = self.hooks.pytest_runtest_teardown
        if not (self._is_holding and self._has_passed and self._goes_on()):
            return teardown(item=item, nextitem=nextitem)
        if (error := put_away_together(item, nextitem, teardown)) is not None:
            raise error
        self.leaves_fixtures = True
        return None

    def followed(self) -> Kept:
        """Return what keeps the reports of another run, which are to be said in the place of these."""
        self._item.user_properties[:] = self._properties
        forget_run(self._item)
        return Kept(self.hooks)

    def add_properties(self, properties: Mapping[str, Any]) -> None:
        """Give the test properties for JUnit's XML."""
        self._item.user_properties.extend(properties.items())
        for report in self.held:
            report.user_properties.extend(properties.items())

    def fail(self, text: str) -> None:
        """Have the test fail, and say why."""
        call = next(each for each in reversed(self.held) if each.when == "call")
        call.outcome, call.longrepr = "failed", text

    def say(self) -> None:
        """Say what was held back, and hold nothing back from now on."""
        self._is_holding = False
        held, self.held = self.held, []
        for report in held:
            self.hooks.pytest_runtest_logreport(report=report)

    def let_go(self, nextitem: pytest.Item | None) -> None:
        """Say what was held back, and put away the fixtures of wider scope that no next test needs."""
        if not self._is_holding:
            return
        item, last = self._item, self.held.pop()
        self.say()
        if self.leaves_fixtures:
            ending = item.session.shouldfail or item.session.shouldstop
            further = put_away(item, None if ending else nextitem)
            if further is not None and last.passed:
                further.start, further.duration = last.start, last.duration + further.duration
                last = further  # which has what was captured before, too
            elif further is not None and not further.passed:
                self.hooks.pytest_runtest_logreport(report=last)
                last = further
        self.hooks.pytest_runtest_logreport(report=last)
        self.hooks.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)


class Watched(Silent):
    """Says nothing of a further run of a test, and notes what became of it."""

    pytest_warning_recorded = Unheard()

    def __init__(self, hooks: Any, config: pytest.Config) -> None:
        super().__init__(hooks)
        self._root = config.rootpath
        self.has_passed = False
        self.failed: tuple[str, str, str] | None = None
        """The error, where it was raised in the user's code, and by what."""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note an error of which no exception is known."""
        if report.failed and self.failed is None:
            self.failed = (_short(report.longreprtext.strip().splitlines()[-1]) if report.longreprtext else "", "", "")

    def pytest_exception_interact(self, **said: Any) -> None:
        """Stop nowhere."""

    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        """Note whether the test has passed, and its first error."""
        if call.excinfo is not None and isinstance(call.excinfo.value, KeyboardInterrupt):
            raise call.excinfo.value  # with --pdb pytest takes it for an error of the test
        report = self.hooks.pytest_runtest_makereport(item=item, call=call)
        if call.when == "call":  # a subtest's comes before that of the test itself
            self.has_passed = report.passed and not hasattr(report, "wasxfail")
        if report.failed and self.failed is None and call.excinfo is not None:
            self.failed = _error_of(call.excinfo.value, item, self._root)
        return report


def _error_of(error: BaseException, item: pytest.Item, root: Path) -> tuple[str, str, str]:
    """Return what ``error`` says in one line, where the user's code raised it, and in which function."""
    try:
        message = str(error).strip().partition("\n")[0]
    except Exception as another:  # noqa: BLE001 - it is the user's own
        message = f"its text cannot be made: {type(another).__name__}"
    said = in_words(error) if isinstance(error, AdyenCredsError) else f"{type(error).__name__}: {message}"
    said = _short(said.partition("\n")[0])
    mine = [(frame, line) for frame, line in traceback.walk_tb(error.__traceback__) if is_users(frame, root)]
    if not mine:
        where, line, name = item.location
        return said, f"{where}:{(line or 0) + 1}", name
    frame, line = mine[-1]
    path = Path(frame.f_code.co_filename)
    shown = path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
    names = [frame.f_code.co_name for frame, _ in mine]
    named = next((name for name in reversed(names) if not name.startswith("<")), names[-1])  # no comprehension's
    return said, f"{shown}:{line}", named


def is_users(frame: FrameType, root: Path) -> bool:
    """Return whether the code of ``frame`` is the user's, who works in ``root``, and no library's."""
    return _is_users_file(frame.f_code.co_filename, root)


@lru_cache(maxsize=1000)
def _is_users_file(name: str, root: Path) -> bool:
    path = Path(name)
    inside = path.is_absolute() and path.is_relative_to(root) and path.is_file()
    libraries = {"site-packages", "dist-packages"}
    return inside and libraries.isdisjoint(path.parts) and not path.is_relative_to(_PACKAGE)


def _short(text: str) -> str:
    text = plain(SECRETS.mask(text))
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
