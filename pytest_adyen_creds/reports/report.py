"""The report: all that a run has to say, as one JSON value that shows no secret, and the files made of it."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pytest_adyen_creds.contract.finding import LEVELS, Finding
from pytest_adyen_creds.contract.judge import next_step
from pytest_adyen_creds.errors import AdyenCredsError, SettingsError
from pytest_adyen_creds.files import check_writable, write_text
from pytest_adyen_creds.project import __version__
from pytest_adyen_creds.reports.coverage import documented_pairs
from pytest_adyen_creds.reports.page import page_of
from pytest_adyen_creds.reports.rehearsal import again
from pytest_adyen_creds.reports.sarif import sarif_of
from pytest_adyen_creds.roles.observed import Need
from pytest_adyen_creds.secrets import mask_text

if TYPE_CHECKING:
    from pytest_adyen_creds.checks.results import Results
    from pytest_adyen_creds.contract.baseline import Entry

WRITERS: Final[dict[str, Callable[[dict[str, Any]], str]]] = {
    ".html": page_of,
    ".json": lambda report: json.dumps(report, indent=2) + "\n",
    ".sarif": sarif_of,
}
"""What makes a report the text of a file, by the file's suffix: all that a new format needs is an entry here."""


def check_reports(paths: Iterable[Path]) -> None:
    """Raise :class:`AdyenCredsError` for a path of no format that there is, or that cannot be written."""
    for path in paths:
        if path.suffix not in WRITERS:
            suffixes = " or ".join(WRITERS)
            raise SettingsError(f"{path} (--adyen-report; check --report): write a file name that ends in {suffixes}")
        check_writable(path)


def write_reports(results: Results, paths: Iterable[Path], now: datetime) -> list[str]:
    """Write the report of ``results`` to each of ``paths``; return what went wrong, one line each."""
    paths, problems = list(paths), []
    report = report_of(results, now) if paths else {}
    for path in paths:
        try:
            write_text(path, WRITERS[path.suffix](report))
            results.written.append(path)
        except AdyenCredsError as error:
            problems.append(str(error))
    return problems


def report_of(results: Results, now: datetime) -> dict[str, Any]:
    """Return what ``results`` has to say at ``now`` (aware) as a JSON object; every text in it is masked.

    ``findings``, ``known`` (known deviations) and ``accepted`` hold findings as every command's JSON has them, with
    ``example``, ``origins`` (who answered so, and how often), ``tests`` (which met it) and ``next_step`` besides;
    ``coverage`` holds a row for each operation and status that is documented or was seen; ``failures`` are the broken
    rules. ``rehearsal`` holds the verdict on each variation of each test, ``rehearsed`` each test that was rehearsed,
    the worst first; ``roles`` what the tests need of roles, and what was seen of it. ``recordings`` holds each cassette
    that was replayed: ``age_days`` is counted from ``now``, ``stale`` holds the reasons why it should be recorded
    again, and what it does not say of itself is None. ``asked`` holds the failed tests that the sandbox answered, each
    with the ``lines`` of its journal.
    """
    judgement, found = results.judgement, results.collector.found
    kinds = list(dict.fromkeys(judgement.known.values()))
    report: dict[str, Any] = {
        "generator": f"pytest-adyen-creds {__version__}",
        "generated_at": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "backend": results.settings.backend,
        "contract": {"version": results.contract.version, "digest": results.contract.digest},
        "drift": {
            "mode": results.settings.drift,
            "answers": found.answers,
            "origins": dict(sorted(found.origins.items())),
            "counts": level_counts(judgement.findings),
            "fails": results.fails,
            "strict": results.settings.strict,
            "known": {
                "kinds": len(kinds),
                "answers": found.answers_with(judgement.known),
            },
        },
        "findings": [_finding(results, finding) for finding in judgement.findings],
        "known": [
            _known(results, finding, entry) | {"kind": kinds.index(entry) + 1}
            for finding, entry in judgement.known.items()
        ],
        "accepted": [_accepted(results, *each) for each in judgement.accepted.items()],
        "baseline": {
            "unmet": [str(entry) for entry in judgement.unmet],
            "unused": [str(entry) for entry in judgement.unused],
            "expired": [{"entry": str(entry), "expires": str(entry.expires)} for entry in judgement.expired],
        },
        "coverage": list(_coverage(results)),
        "recordings": [_recording(results, path, now) for path in sorted(results.recordings)],
        "failures": [failure.to_json() for failure in results.failures],
        "rehearsal": [{**each.to_json(), "again": again(each)} for each in results.rehearsal.verdicts],
        "rehearsed": [
            {"test": each.test, "runs": each.runs, "left": each.left, "problem": each.problem}
            for each, _ in results.rehearsal.by_test()
        ],
        "roles": Need(results.roles).to_json() | ({"proof": results.proof} if results.proof else {}),
        "asked": [{"test": test, "lines": lines} for test, lines in sorted(results.asked.items())],
        "problems": [*results.problems, *results.collector.problems],
    }
    masked: dict[str, Any] = _masked(report, cache(mask_text))  # each key and most labels are there many times
    return masked


def level_counts(findings: tuple[Finding, ...]) -> dict[str, int]:
    """Return how many of ``findings`` there are at each level."""
    counts = Counter(finding.level for finding in findings)
    return {level: counts[level] for level in LEVELS}


def _finding(results: Results, finding: Finding) -> dict[str, Any]:
    return results.collector.found.details(finding) | {"next_step": next_step(finding)}


def _accepted(results: Results, finding: Finding, entry: Entry) -> dict[str, Any]:
    expires = entry.expires.isoformat() if entry.expires else None
    return _finding(results, finding) | {"reason": entry.reason, "expires": expires}


def _known(results: Results, finding: Finding, entry: Entry) -> dict[str, Any]:
    known = {"reason": entry.reason, "evidence": [str(each) for each in entry.evidence]}
    return _finding(results, finding) | known


def _coverage(results: Results) -> Iterator[dict[str, Any]]:
    documented = documented_pairs(results.contract)
    seen = results.coverage + results.collector.traffic
    order = {label: number for number, label in enumerate(results.contract.operations)}
    for label, status in sorted(documented | seen.keys(), key=lambda pair: (order.get(pair[0], len(order)), *pair)):
        is_documented = (label, status) in documented
        yield {"operation": label, "status": status, "documented": is_documented, "answers": seen[label, status]}


def _recording(results: Results, path: Path, now: datetime) -> dict[str, Any]:
    from pytest_adyen_creds.cassettes import serializer
    from pytest_adyen_creds.cassettes.lint import find_staleness

    names = ("answers", "backend", "recorded_at", "age_days", "contract", "same_contract", "generator")
    known: dict[str, Any] = {"path": _shown(results, path)} | dict.fromkeys(names)
    try:
        cassette = serializer.read(path)
    except AdyenCredsError as error:
        return known | {"stale": [str(error).removeprefix(f"{path}: ")]}
    provenance, contract = cassette.provenance, results.contract
    digests = {contract.version: contract.digest}
    problems = find_staleness(cassette, path, now=now, max_age=results.settings.cassette_max_age, digests=digests)
    known |= {"answers": len(cassette.interactions), "stale": [problem.message for problem in problems]}
    if provenance is None:
        return known
    return known | {
        "backend": provenance.backend,
        "recorded_at": provenance.recorded_at,
        "age_days": _age(provenance.recorded_at, now),
        "contract": provenance.contract,
        "same_contract": digests.get(provenance.contract) == provenance.contract_digest,
        "generator": provenance.generator,
    }


def _shown(results: Results, path: Path) -> str:
    # beside the tests: as people know it; inside the installed package: from the package on
    for folder in (results.root, Path(__file__).resolve().parents[2]):
        if path.is_relative_to(folder):
            return os.path.relpath(path, folder).replace(os.sep, "/")
    return str(path)


def _age(recorded_at: str, now: datetime) -> int | None:
    try:
        then = datetime.fromisoformat(recorded_at)
    except ValueError:
        return None
    return max(0, int((now - then.replace(tzinfo=then.tzinfo or UTC)).total_seconds() // 86_400))


def _masked(value: Any, mask: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, dict):
        return {mask(key): _masked(item, mask) for key, item in value.items()}
    return [_masked(item, mask) for item in value] if isinstance(value, list) else value
