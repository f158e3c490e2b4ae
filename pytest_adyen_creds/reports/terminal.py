"""The terminal summary: of a pytest run, who answered it, and of ``adyen-creds check``."""

from __future__ import annotations

import os
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pytest_adyen_creds.cassettes.paths import shown
from pytest_adyen_creds.contract.baseline import entries_for, to_toml, unwritten
from pytest_adyen_creds.contract.finding import Finding
from pytest_adyen_creds.drift.text import known_lines, lines, tally
from pytest_adyen_creds.endpoints import MANAGEMENT_HOST, is_loopback
from pytest_adyen_creds.intercept.interceptor import OTHER_TOOL
from pytest_adyen_creds.reports.coverage import coverage_lines, coverage_summary
from pytest_adyen_creds.reports.github import annotation_lines, is_github
from pytest_adyen_creds.reports.rehearsal import rehearsal_lines
from pytest_adyen_creds.reports.roles import roles_lines
from pytest_adyen_creds.secrets import MASK, mask_text
from pytest_adyen_creds.text import counted, printed

_MOST_ENTRIES: Final = 3
"""Entries of a baseline that the summary shows."""

if TYPE_CHECKING:
    from pytest_adyen_creds.checks.failure import CheckFailure
    from pytest_adyen_creds.checks.results import Results


def summarise(results: Results, reporter: Any) -> None:
    """Write what the run judged, what it found of drift, and under GitHub Actions the annotations."""
    reporter.ensure_newline()
    if results.coverage or results.failures:
        reporter.section("Adyen contract", sep="-")
        # the tests that failed have said the rest
        for line in contract_lines(results, table=reporter.verbosity >= 0, whole=False):
            reporter.write_line(line)
    if results.settings.roles:
        reporter.section("Adyen roles", sep="-")
        for line in roles_lines(results, verbosity=reporter.verbosity):
            reporter.write_line(mask_text(line))
    if results.rehearsal.has_news:
        reporter.section("Adyen rehearsal", sep="-")
        for line in rehearsal_lines(results, verbosity=reporter.verbosity):
            reporter.write_line(mask_text(line))
    if not results.has_drift:
        return
    reporter.section("Adyen drift", sep="-")
    for line in (*drift_lines(results, examples=reporter.verbosity > 0), *closing_lines(results)):
        reporter.write_line(line)


def closing_lines(results: Results) -> Iterator[str]:
    """Yield a line for each report that was written and, under GitHub Actions, the annotations."""
    for path in results.written:
        yield printed(f"report: {path}")
    if is_github(os.environ):
        yield from annotation_lines(results)


def backend_lines(results: Results) -> Iterator[str]:
    """Yield how many tests were answered by whom, what was recorded, and a base URL that nothing was sent to.

    Of a live run: how many of Adyen's answers the sandbox would have given otherwise; nothing of those that a server on
    this machine gave. Nothing at all where no test uses the plugin.
    """
    settings = results.settings
    is_adyen = not is_loopback(settings.base_url)
    if is_adyen and results.compared["answers"]:
        otherwise, answers = results.compared["otherwise"], counted(results.compared["answers"], "answer")
        how = "; record them (--adyen-record=all): adyen-creds sandbox compare says in what" if otherwise else ""
        yield f"adyen: the sandbox would have given {otherwise} of {answers} otherwise{how}"
    if is_adyen and results.compared["uncompared"]:
        yield f"adyen: {counted(results.compared['uncompared'], 'answer')} could not be compared with the sandbox's"
    if not results.answered:
        return
    ways = {
        "cassette": "replayed",
        "sandbox": "answered by the sandbox",
        "live": f"answered by {settings.base_url}",
    }
    counts = [(results.answered[who], way) for who, way in ways.items() if results.answered[who]]
    tests = "test" if counts[0][0] == 1 else "tests"
    said = [f"{count} {tests + ' ' if not number else ''}{way}" for number, (count, way) in enumerate(counts)]
    yield f"adyen: {', '.join(said)}"
    if results.unrecorded:
        yield from _orphan_lines({path.parent for path in results.unrecorded})
    if settings.record != "none":
        failed = results.kept["failed"]
        why = f"; {counted(failed, 'test')} failed, and left {'its' if failed == 1 else 'theirs'} as it was"
        yield f"adyen: {counted(results.kept['written'], 'cassette')} written{why if failed else ''}"
    if settings.backend != "live" and settings.base_url != f"https://{MANAGEMENT_HOST}/{settings.api_version}":
        yield f"adyen: nothing was sent to {settings.base_url}, the base URL; that takes --adyen-live"


def _orphan_lines(folders: set[Path]) -> Iterator[str]:
    from pytest_adyen_creds.cassettes.lint import find_orphans  # too heavy for every run

    for folder in sorted(folders):
        issues, _ = find_orphans(sorted(folder.glob("*.yaml")))
        for issue in issues:
            yield f"adyen: the sandbox answered a test, and {shown(issue.path)} lies there: {issue.message}"


def contract_lines(results: Results, *, table: bool = True, whole: bool = True) -> Iterator[str]:
    """Yield what the run judged: coverage, where the answers came from, and each failed check once.

    ``table`` adds the table of operations by statuses. Not ``whole``: one line for all that an operation's status
    failed.
    """
    if table and results.coverage:
        yield from map(printed, coverage_lines(results.contract, results.coverage))
    yield coverage_summary(results.contract, results.coverage)
    for origin, count in sorted(results.origins.items()):
        yield printed(f"{counted(count, 'answer')} from {origin}")
    if not whole:
        yield from _in_short(results.failures)
        return
    for failure in sorted(results.failures, key=lambda failure: failure.key):
        yield from map(printed, str(failure).splitlines())
        if failure.count > 1:
            yield f"  ({failure.count} times)"


def drift_lines(results: Results, *, examples: bool = False) -> Iterator[str]:
    """Return a line for each group of findings, the most serious first, and what the baseline makes of them.

    ``examples`` adds each finding's places, and one masked example with who answered so.
    """
    return map(mask_text, _drift_lines(results, examples=examples))


def _drift_lines(results: Results, *, examples: bool) -> Iterator[str]:
    judgement, found = results.judgement, results.collector.found
    yield from lines(judgement.findings, verbose=examples)
    if examples:
        first: dict[tuple[str, ...], Finding] = {}
        for finding in judgement.findings:
            first.setdefault((finding.level, finding.id, finding.message), finding)
        for finding in first.values():
            whose = ", ".join(found.details(finding)["origins"])
            yield printed(f"example   {finding.id}: {found.example(finding)}" + (f" ({whose})" if whose else ""))
    whose = "; ".join(f"{count} from {origin}" for origin, count in sorted(found.origins.items()))
    yield printed(
        f"{tally(judgement.findings)} in {counted(found.answers, 'answer')}" + (f" ({whose})" if whose else "")
    )
    for place, number in sorted(results.collector.unjudged.items()):
        yield printed(
            f"{counted(number, 'answer')} of {place} not judged: no contract has them "
            "(adyen-creds contract import makes one, ini adyen_contracts names its folder)"
        )
    if judgement.known:
        answers = counted(found.answers_with(judgement.known), "answer")
        yield f"known: {counted(len(set(judgement.known.values())), 'kind')} in {answers}"
        if examples:
            yield from known_lines(judgement)
    if judgement.accepted:
        yield f"{tally(judgement.accepted)} accepted by the baseline"
    yield from map(printed, judgement.notes(unused=False))
    for entry in judgement.unused:
        yield printed(f"the baseline's {entry} was not met in this run; remove the entry if no run meets it any more")
    for problem in (*results.problems, *results.collector.problems):
        yield printed(problem)
    for failure in results.unclaimed:
        yield printed(
            f"{failure.operation} -> {failure.status}: {failure.check} was met by other items only, and its own "
            f"item, which did not run or did not meet it, could not fail for it: {failure.message}"
        )
    if results.fails:
        why = tally(results.failing) if results.failing else "not every answer could be judged"
        yield f"drift fails this run (--adyen-drift={results.settings.drift}): {why}"
        yield from map(printed, _how_to_accept(results))


def _how_to_accept(results: Results) -> Iterator[str]:
    """Yield how to accept what fails the run: the command that does it, or the entries to write into the baseline."""
    failing, settings = results.failing, results.settings
    if not failing:
        return
    path = shown(settings.drift_baseline) if settings.drift_baseline else "adyen-drift.toml"
    name, further = shlex.quote(path), "" if settings.drift_baseline else f"--adyen-drift-baseline {shlex.quote(path)}"
    if folder := _recordings_of(results, failing):
        strict = " --strict" if settings.strict else ""
        run_with = f", and run pytest with {further}" if further else ""
        yield (
            f"to accept what is recorded: adyen-creds drift cassettes {shlex.quote(folder)}{strict} --baseline {name} "
            f"--update-baseline; then write the reasons into {path}{run_with}"
        )
        return
    entries = [to_toml(entry) for entry in entries_for(failing, unwritten(results.today))]
    entries = [entry for entry in entries if MASK not in entry]  # one with a secret in it would accept nothing
    if entries:
        run_with = f", and run pytest with {further}" if further else ""
        yield f"to accept it, add to {path} what follows, each with its reason{run_with}:"
        for entry in entries[:_MOST_ENTRIES]:
            yield from (f"  {line}" for line in entry.splitlines())
        if len(entries) > _MOST_ENTRIES:
            yield f"  {len(entries) - _MOST_ENTRIES} more entries are in --adyen-report report.html"


def _recordings_of(results: Results, failing: Iterable[Finding]) -> str:
    """Return the folder of the recordings that alone showed what fails; empty where there is no such one.

    It is for a baseline without entries: what recordings do not show, ``--update-baseline`` takes out.
    """
    origins = {origin for each in failing for origin in results.collector.found.details(each)["origins"]}
    if not results.recordings or results.baseline.entries:
        return ""
    if OTHER_TOOL in origins or not all(origin.startswith("recordings of ") for origin in origins):
        return ""
    folder = Path(os.path.commonpath([path.parent for path in results.recordings]))
    return shown(folder) if folder.is_relative_to(results.root) else ""


def _in_short(failures: list[CheckFailure]) -> Iterator[str]:
    checks: dict[tuple[str, int], Counter[str]] = {}
    for failure in failures:
        checks.setdefault((failure.operation, failure.status), Counter())[failure.check] += 1
    for (operation, status), counts in sorted(checks.items()):
        yield printed(f"{operation} -> {status}: failed {', '.join(sorted(counts))}")
