"""The recordings that a run replayed: how old each is, who answered it, and whether it is stale."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_adyen_creds.errors import AdyenCredsError

if TYPE_CHECKING:
    from pytest_adyen_creds.checks.results import Results


def recordings_of(results: Results, now: datetime) -> list[dict[str, Any]]:
    """Return a JSON object for each cassette that was replayed; ``age_days`` is counted from ``now`` (aware).

    What it does not say of itself is None. ``stale`` holds the reasons why it should be recorded again.
    """
    return [_recording(results, path, now) for path in sorted(results.recordings)]


def _recording(results: Results, path: Path, now: datetime) -> dict[str, Any]:
    from pytest_adyen_creds.cassettes import serializer
    from pytest_adyen_creds.cassettes.lint import find_staleness

    known: dict[str, Any] = {"path": _shown(results, path)}
    try:
        cassette = serializer.read(path)
    except AdyenCredsError as error:
        reason = str(error).removeprefix(f"{path}: ")
        return known | _unknown() | {"stale": [reason]}
    provenance, contract = cassette.provenance, results.contract
    known["answers"] = len(cassette.interactions)
    digests = {contract.version: contract.digest}
    problems = find_staleness(cassette, path, now=now, max_age=results.settings.cassette_max_age, digests=digests)
    stale = [problem.message for problem in problems]
    if provenance is None:
        return _unknown() | known | {"stale": stale}
    return known | {
        "backend": provenance.backend,
        "recorded_at": provenance.recorded_at,
        "age_days": _age(provenance.recorded_at, now),
        "contract": provenance.contract,
        "same_contract": digests.get(provenance.contract) == provenance.contract_digest,
        "generator": provenance.generator,
        "stale": stale,
    }


def _unknown() -> dict[str, Any]:
    names = ("answers", "backend", "recorded_at", "age_days", "contract", "same_contract", "generator")
    return dict.fromkeys(names)


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
