"""The plugin that shows with a failed test what it asked the embedded sandbox."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Final

import pytest

from pytest_adyen_creds.cassettes.recorder import asked_by, forget_asked

SECTION: Final = "Adyen sandbox"


class AskedPlugin:
    """Adds to a failing test's report what it asked the sandbox, and notes it for the run's reports.

    ``noted`` is where to note the lines, by test; ``is_further`` tells whether a rehearsal runs a test once more, whose
    requests are not the test's own.
    """

    def __init__(self, noted: dict[str, list[str]], is_further: Callable[[], bool]) -> None:
        self._noted = noted
        self._is_further = is_further

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Show what was asked, once."""
        report = yield
        asked = asked_by(item)
        if asked is None:
            return report
        # what is asked while fixtures are put away may be of other tests, and of a rehearsal's further runs
        if report.failed and report.when != "teardown" and not self._is_further():
            from pytest_adyen_creds.reports.journal import journal_lines

            lines = journal_lines(asked.sandbox.app.journal, asked.since)
            asked.begin_anew()
            if lines:
                report.sections.append((SECTION, "\n".join(lines)))
        if report.when == "teardown":
            forget_asked(item)
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note what a failed test asked; xdist's controller is told it by a worker's report."""
        if report.failed:
            for name, content in report.sections:
                if name == SECTION:
                    self._noted.setdefault(report.nodeid, []).extend(content.splitlines())
