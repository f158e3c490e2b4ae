"""What a failed test asked the embedded sandbox: its part of the journal as lines, and the plugin that shows them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from typing import TYPE_CHECKING, Final

import pytest

from pytest_adyen_creds.cassettes.recorder import asked_by, forget_asked
from pytest_adyen_creds.text import counted, printed

if TYPE_CHECKING:
    from pytest_adyen_creds.sandbox.journal import Entry, Journal

SECTION: Final = "Adyen sandbox"

MOST_REQUESTS: Final = 30
"""How many requests of one test are shown."""

_LONGEST: Final = 300
"""Characters of one line."""
_LOOKED_THROUGH: Final = 8_000
"""Characters of one text that are looked through for secrets, and no more of it is shown."""
_NAMES: Final = ("errorCode", "title", "detail", "message")


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


def journal_lines(journal: Journal, since: int) -> list[str]:
    """Return the requests after the one with the number ``since``, the last ones, a line each; nothing is secret.

    They are numbered from 1 on. An error's code, title and detail stand on a second line. None were asked: no lines.
    """
    newest = journal.after(since, most=MOST_REQUESTS)
    if not newest:
        return []
    left_out = newest[0].number - since - len(newest)
    lines = [f"… {counted(left_out, 'earlier request')} left out"] if left_out else []
    for entry in reversed(newest):
        lines += _lines_of(entry, entry.number - since)
    return lines


def _lines_of(entry: Entry, number: int) -> Iterator[str]:
    struck = f"  fault: {entry.fault}" if entry.fault else ""
    yield f"#{number} {_shown(f'{entry.method} {entry.target}')}  {entry.status or 'no answer'}  {entry.rule}{struck}"
    document = entry.answered.document if entry.answered is not None else None
    if entry.status >= 400 and isinstance(document, Mapping):
        said = ", ".join(f"{name}: {document[name]}" for name in _NAMES if document.get(name) not in (None, ""))
        if said:
            yield f"    {_shown(said)}"


def _shown(text: str) -> str:
    """Return ``text`` masked, without what a terminal would act on, and no longer than a line."""
    from pytest_adyen_creds.cassettes.redact.finder import masked  # too heavy for every run

    text = printed(masked(text[:_LOOKED_THROUGH]))
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
