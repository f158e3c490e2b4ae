"""A rehearsal in text: the tests by kinds, what broke first, and how to see one again."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from pytest_adyen_creds.checks.verdicts import Rehearsed, Verdict, fails
from pytest_adyen_creds.text import counted, printed

if TYPE_CHECKING:
    from pytest_adyen_creds.checks.results import Results

_KINDS: Final = ("additions", "removals", "history", "rotation", "failures")
_LONGEST: Final = 400
"""Characters of a name that can be pasted."""
_MOST: Final = 3
"""Findings of one test that are shown unless more is asked for."""


def tally_of(verdicts: Iterable[Verdict]) -> str:
    """Return how many of ``verdicts`` are what, in words: ``2 broke, 10 survived``; empty for none."""
    counts = Counter("accepted" if each.finding and each.accepted else each.word for each in verdicts)
    return ", ".join(f"{counts[w]} {w}" for w in ("broke", "silent", "noticed", "survived", "accepted") if counts[w])


def again(verdict: Verdict) -> str:
    """Return the command that shows ``verdict`` again, or how to find which of many variations it is about."""
    if len(verdict.id) > _LONGEST:
        return f"pytest {shlex.quote(verdict.test)} --adyen-rehearse with more runs (adyen_rehearse_max) finds which"
    return f"pytest {shlex.quote(verdict.test)} --adyen-rehearse-only={shlex.quote(verdict.id)}"


def what(verdict: Verdict) -> str:
    """Return what was otherwise, what came of it, and where, in one line."""
    answer = f" -> {verdict.status}" if verdict.status else ""
    came = {"silent": "and nothing noticed it", "survived": "and the test passed"}.get(verdict.word, verdict.error)
    where = f" [{verdict.where}{f' in {verdict.by}' if verdict.by else ''}]" if verdict.where else ""
    return f"{verdict.word}: {verdict.operation}{answer}: {verdict.text}: {came}{where}"


def rehearsal_lines(results: Results, *, verbosity: int = 0) -> Iterator[str]:
    """Return the table of tests by kinds, the worst first, each with what to do; then the counts."""
    return map(printed, _lines(results, verbosity))


def _lines(results: Results, verbosity: int) -> Iterator[str]:
    rehearsal = results.rehearsal
    there = {each.kind for each in rehearsal.verdicts}
    kinds = [kind for kind in _KINDS if kind in there]
    rows = list(rehearsal.by_test())
    cells = {each.test: [_cell(one for one in found if one.kind == kind) for kind in kinds] for each, found in rows}
    shown = [
        (each, found)
        for each, found in rows
        if verbosity > 0 or each.problem or each.left or any(one.counts for one in found)
    ]
    if shown and kinds:
        widths = [max(len(kind), *(len(row[number]) for row in cells.values())) for number, kind in enumerate(kinds)]
        yield "  ".join(kind.ljust(width) for kind, width in zip(kinds, widths, strict=True)) + "  test"
        for each, found in shown:
            row = zip(cells[each.test], widths, strict=True)
            yield "  ".join(cell.ljust(width) for cell, width in row) + f"  {each.test}"
            yield from _under(each, found, len(found) if verbosity > 0 else _MOST)
    else:
        for each, found in shown:
            yield each.test
            yield from _under(each, found, _MOST)
    if rows:
        yield from _closing(results, rows)
    if rehearsal.passed_over:
        yield from _passed_over(rehearsal.passed_over, verbosity)
    elif not rows:
        yield (
            "no test was rehearsed: only tests are that pass, and use a fixture of this plugin (such as adyen_traffic) "
            "or have @pytest.mark.vcr"
        )


def _passed_over(tests: Sequence[str], verbosity: int) -> Iterator[str]:
    were = "test was" if len(tests) == 1 else "tests were"
    names = f" ({', '.join(tests)})" if verbosity > 0 else ""
    yield (
        f"{len(tests)} {were} not rehearsed{names}: vcrpy played Adyen's answers, and no fixture of this plugin is "
        'used; @pytest.mark.usefixtures("adyen_traffic") has such a test rehearsed'
    )


def _cell(verdicts: Iterable[Verdict]) -> str:
    found = list(verdicts)
    counting = Counter(each.word for each in found if each.counts)
    worst = [f"{counting[word]} {word}" for word in ("broke", "silent", "noticed", "survived") if counting[word]]
    return (", ".join(worst) if worst else "ok") + f" of {len(found)}" if found else "-"


def _under(each: Rehearsed, found: Sequence[Verdict], most: int) -> Iterator[str]:
    counting = [one for one in found if one.counts]
    for one in counting[:most]:
        yield f"    {what(one)}"
        yield f"      do: {one.next_step}"
        yield f"      see: {again(one)}"
    if len(counting) > most:
        yield f"    {len(counting) - most} more (-v, or --adyen-report FILE.html)"
    if each.problem:
        yield f"    {each.problem}"
    if each.left:
        yield f"    {counted(each.left, 'variation')} not run: adyen_rehearse_max allows no more runs"


def _closing(results: Results, rows: Sequence[tuple[Rehearsed, list[Verdict]]]) -> Iterator[str]:
    rehearsal, settings = results.rehearsal, results.settings
    runs = sum(each.runs for each, _ in rows)
    said = tally_of(rehearsal.verdicts) or "no verdicts"
    yield f"{counted(len(rows), 'test')} rehearsed ({', '.join(settings.rehearse)}) in {counted(runs, 'run')}: {said}"
    if failing := fails(rehearsal.verdicts, settings.rehearse_fail):
        yield f"the rehearsal fails this run (--adyen-rehearse-fail={settings.rehearse_fail}): {tally_of(failing)}"
    for entry in results.baseline.entries:
        met = (each for each in rehearsal.verdicts if each.finding and entry.accepts(each.subject))
        if entry.concerns == "rehearsal" and not any(met):
            yield f"the baseline's {entry} was not met in this run; remove the entry if no run meets it any more"


def failure_text(failing: Sequence[Verdict], mode: str) -> str:
    """Return why a test fails that passed as it is."""
    head = f"the test passes as it is, and not under a rehearsal (--adyen-rehearse-fail={mode}):"
    parts = [f"  {what(each)}\n    do: {each.next_step}\n    see: {again(each)}" for each in failing]
    return "\n".join([head, *parts])
