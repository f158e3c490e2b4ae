"""GitHub Actions: findings as annotations, and the summary of the step."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pytest_adyen_creds.contract.finding import LEVELS, group
from pytest_adyen_creds.drift.text import tally, where
from pytest_adyen_creds.reports.coverage import coverage_summary
from pytest_adyen_creds.reports.rehearsal import tally_of, what
from pytest_adyen_creds.secrets import mask_text
from pytest_adyen_creds.text import counted, printed

if TYPE_CHECKING:
    from pytest_adyen_creds.checks.results import Results

_COMMANDS: Final = {"breaking": "error", "warning": "warning", "info": "notice"}

_MOST_ANNOTATIONS: Final = 10
"""GitHub shows this many of each kind for a step (its documentation)."""

_MOST_LINES: Final = 200
_LONGEST: Final = 2_000


def is_github(environ: Mapping[str, str]) -> bool:
    """Return whether this process runs in a step of GitHub Actions."""
    return environ.get("GITHUB_ACTIONS") == "true"


def annotation_lines(results: Results) -> Iterator[str]:
    """Yield a workflow command for each group of findings that counts, as many as GitHub shows."""
    given = dict.fromkeys(LEVELS, 0)
    for each in group(results.judgement.findings):
        given[each.level] += 1
        if given[each.level] <= _MOST_ANNOTATIONS:
            title, text = f"Adyen drift: {each.id}", f"{each.message} [{where(each)}; {counted(each.count, 'answer')}]"
            yield f"::{_COMMANDS[each.level]} title={_property(_clean(title))}::{_data(_clean(text))}"
    yield from _rehearsal_annotations(results)


def _rehearsal_annotations(results: Results) -> Iterator[str]:
    """Yield a workflow command at the user's line for each place where a rehearsal broke a test, or nothing noticed."""
    given: set[tuple[str, str]] = set()
    for each in results.rehearsal.findings():
        path, _, line = each.where.rpartition(":")
        place = (each.where or each.test, each.change)
        if place in given or len(given) >= _MOST_ANNOTATIONS:
            continue
        given.add(place)
        at = f"file={_property(_clean(path or each.test.partition('::')[0]))}," + (f"line={line}," if path else "")
        command = "warning" if each.word == "silent" else "error"
        text = f"{what(each)}; {each.next_step}"
        yield f"::{command} {at}title={_property('Adyen rehearsal: ' + each.word)}::{_data(_clean(text))}"


def step_summary(results: Results) -> str:
    """Return the summary of the step, as Markdown in which nothing out of an answer is more than text."""
    judgement = results.judgement
    parts = [f"### Adyen {results.contract.version}: {tally(judgement.findings)} of drift", ""]
    mode, found = results.settings.drift, results.collector.found
    parts += [f"{found.answers} answers held against the contract; --adyen-drift={mode}.", ""]
    if results.coverage:
        parts += [f"{_markdown(coverage_summary(results.contract, results.coverage))}.", ""]
    if results.failures:
        parts += [f"{len(results.failures)} failed checks: see the tests that failed.", ""]
    groups = group(judgement.findings)
    if groups:
        parts += ["| level | finding | where | answers |", "| --- | --- | --- | ---: |"]
        for each in groups[:_MOST_LINES]:
            finding = f"<code>{_markdown(each.id)}</code><br>{_markdown(each.message)}"
            parts.append(f"| {each.level} | {finding} | {_markdown(where(each))} | {each.count} |")
        parts.append("")
    if len(groups) > _MOST_LINES:
        parts += [f"{len(groups) - _MOST_LINES} more are in the report (--adyen-report).", ""]
    if results.rehearsal.tests:
        parts += [f"### Rehearsal: {tally_of(results.rehearsal.verdicts) or 'no verdicts'}", ""]
        parts += [
            f"- {_markdown(each.test)}: {_markdown(what(each))}" for each in results.rehearsal.findings()[:_MOST_LINES]
        ]
        parts.append("")
    if judgement.known:
        kinds, answers = len(set(judgement.known.values())), found.answers_with(judgement.known)
        parts += [f"Known deviations of the platform: {counted(kinds, 'kind')} in {counted(answers, 'answer')}.", ""]
    if judgement.accepted:
        parts += [f"{len(judgement.accepted)} findings are accepted by the baseline.", ""]
    parts += [
        f"- {_markdown(line)}"
        for line in (*judgement.notes(unused=False), *results.problems, *results.collector.problems)
    ]
    return "\n".join(parts).rstrip() + "\n"


def write_step_summary(results: Results, environ: Mapping[str, str]) -> str | None:
    """Add the summary to the step's, where it has one; return what went wrong in one line."""
    path = environ.get("GITHUB_STEP_SUMMARY")
    if not path:
        return None
    try:
        with Path(path).open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"\n{step_summary(results)}")
    except (OSError, ValueError) as error:
        return f"the step's summary could not be written to GITHUB_STEP_SUMMARY ({type(error).__name__})"
    return None


def _clean(text: str) -> str:
    text = printed(mask_text(text))
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _markdown(text: str) -> str:
    # as references, characters are what they are: no link, no table's end, no mention
    escaped = html.escape(_clean(text), quote=False)
    return re.sub(r"[\\`*_\[\]()#!~|@:{}]", lambda found: f"&#{ord(found[0])};", escaped)
