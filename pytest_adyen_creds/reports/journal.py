"""The part of the sandbox's journal that a failed test made, as lines of its report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from pytest_adyen_creds.cassettes.redact.finder import masked
from pytest_adyen_creds.sandbox.journal import Entry, Journal
from pytest_adyen_creds.text import counted, printed

MOST_REQUESTS: Final = 30
"""How many requests of one test are shown."""

_LONGEST: Final = 300
"""Characters of one line."""
_LOOKED_THROUGH: Final = 8_000
"""Characters of one text that are looked through for secrets, and no more of it is shown."""
_NAMES: Final = ("errorCode", "title", "detail", "message")


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
    text = printed(masked(text[:_LOOKED_THROUGH]))
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
