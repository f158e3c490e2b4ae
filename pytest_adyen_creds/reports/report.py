"""The report: all that a run has to say, as one JSON value that shows no secret; JSON and HTML are made of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pytest_adyen_creds import __version__
from pytest_adyen_creds.contract.finding import LEVELS, Finding
from pytest_adyen_creds.reports.coverage import documented_pairs
from pytest_adyen_creds.reports.recordings import recordings_of
from pytest_adyen_creds.secrets import mask_text

if TYPE_CHECKING:
    from pytest_adyen_creds.checks.results import Results
    from pytest_adyen_creds.contract.baseline import Entry


def report_of(results: Results, now: datetime) -> dict[str, Any]:
    """Return what ``results`` has to say at ``now`` (aware) as a JSON object; every text in it is masked.

    ``findings``, ``known`` (known deviations) and ``accepted`` hold findings as every command's JSON has them, with
    ``example`` and ``origins`` (who answered so, and how often) besides; ``coverage`` holds a row for each operation
    and status that is documented or was seen; ``failures`` are the broken rules.
    """
    judgement, found = results.judgement, results.watch.found
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
                "kinds": len(set(judgement.known.values())),
                "answers": found.answers_with(judgement.known),
            },
        },
        "findings": [_finding(results, finding) for finding in judgement.findings],
        "known": [_known(results, *each) for each in judgement.known.items()],
        "accepted": [_accepted(results, *each) for each in judgement.accepted.items()],
        "baseline": {
            "unmet": [str(entry) for entry in judgement.unmet],
            "unused": [str(entry) for entry in judgement.unused],
            "expired": [{"entry": str(entry), "expires": str(entry.expires)} for entry in judgement.expired],
        },
        "coverage": list(_coverage(results)),
        "recordings": recordings_of(results, now),
        "failures": [failure.to_json() for failure in results.failures],
        "problems": [*results.problems, *results.watch.problems],
    }
    masked: dict[str, Any] = _masked(report)
    return masked


def level_counts(findings: tuple[Finding, ...]) -> dict[str, int]:
    """Return how many of ``findings`` there are at each level."""
    counts = Counter(finding.level for finding in findings)
    return {level: counts[level] for level in LEVELS}


def _finding(results: Results, finding: Finding) -> dict[str, Any]:
    found = results.watch.found
    return finding.to_json() | {"example": found.example(finding), "origins": found.origins_of(finding)}


def _accepted(results: Results, finding: Finding, entry: Entry) -> dict[str, Any]:
    expires = entry.expires.isoformat() if entry.expires else None
    return _finding(results, finding) | {"reason": entry.reason, "expires": expires}


def _known(results: Results, finding: Finding, entry: Entry) -> dict[str, Any]:
    return _finding(results, finding) | {"reason": entry.reason, "evidence": [str(each) for each in entry.evidence]}


def _coverage(results: Results) -> Iterator[dict[str, Any]]:
    documented = documented_pairs(results.contract)
    seen = results.coverage + results.watch.traffic
    order = {label: number for number, label in enumerate(results.contract.operations)}
    for label, status in sorted(documented | seen.keys(), key=lambda pair: (order.get(pair[0], len(order)), *pair)):
        is_documented = (label, status) in documented
        yield {"operation": label, "status": status, "documented": is_documented, "answers": seen[label, status]}


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, dict):
        return {mask_text(key): _masked(item) for key, item in value.items()}
    return [_masked(item) for item in value] if isinstance(value, list) else value
