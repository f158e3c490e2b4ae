"""Mutations: sandboxes with one thing wrong, and whether the suite notices, at once and in replay."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Literal

import pytest
from checks_mutations import BODIES, MUTATIONS, RULES, Mutation

from pytest_adyen_creds.checks.results import Results
from pytest_adyen_creds.checks.rules import RULES as TABLE
from pytest_adyen_creds.checks.suite import Suite
from pytest_adyen_creds.errors import AdyenCredsError
from pytest_adyen_creds.settings import Settings

pytestmark = pytest.mark.slow("a suite against a hundred broken sandboxes")

LEAST = 0.95
"""The share of mutations that must be found."""

MISSED: dict[str, str] = {}
"""Mutations that no check finds, by name, each with the reason."""


@pytest.fixture(scope="module")
def caught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the workers of a run keep which checks noticed a mutation, a file for each."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "caught"
    folder.mkdir(exist_ok=True)
    return folder


def file_of(mutation: Mutation, caught: Path) -> Path:
    return caught / f"{MUTATIONS.index(mutation)}.json"


def noticed(mutation: Mutation, folder: Path, record: Literal["all", "none"]) -> list[str]:
    """Return the checks that notice ``mutation`` in sandbox mode, whose answers are recorded in ``folder``, or not."""
    results = Results(Settings(backend="sandbox", record=record, cassettes=folder), folder)
    suite = Suite(results, prepare=mutation.prepare)
    try:
        return [failure.check for failure in suite.check(mutation.sequence)]
    except AdyenCredsError as error:
        return [type(error).__name__]


def noticed_in_replay(mutation: Mutation, folder: Path) -> list[str] | None:
    """Return the checks that notice ``mutation`` in its recording; None where there is none."""
    if not list(folder.rglob("*.yaml")):
        return None
    results = Results(Settings(backend="replay", cassettes=folder), folder)
    return [failure.check for failure in Suite(results).check(mutation.sequence)]


def test_there_are_enough() -> None:
    assert len(MUTATIONS) >= 60
    assert len({mutation.name for mutation in MUTATIONS}) == len(MUTATIONS)
    assert MISSED.keys() <= {mutation.name for mutation in MUTATIONS}
    assert len(MISSED) <= (1 - LEAST) * len(MUTATIONS)
    assert len(BODIES) >= 30
    assert len(RULES) >= 30


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_each_is_found_at_once_and_in_replay(mutation: Mutation, tmp_path: Path, caught: Path) -> None:
    found = noticed(mutation, tmp_path, "all")
    (tmp_path / "caught.json").write_text(json.dumps(found))
    (tmp_path / "caught.json").replace(file_of(mutation, caught))
    if mutation.name in MISSED:
        assert not found, f"is found now, by {sorted(set(found))}: take it out of MISSED"
        return
    assert found, (
        f"no check found {mutation.name!r} in {mutation.sequence!r}: either the mutation changes no answer there, or "
        "no check of checks/rules/ yields for what it changes"
    )
    replayed = noticed_in_replay(mutation, tmp_path)
    if replayed is not None:
        assert bool(replayed) == mutation.recorded, f"noticed at once by {sorted(set(found))}; in replay: {replayed}"


def test_each_check_finds_one(tmp_path: Path, caught: Path) -> None:
    left = set(TABLE)
    for mutation in sorted(MUTATIONS, key=lambda each: not file_of(each, caught).exists()):  # those that were run first
        if not left:
            break
        path = file_of(mutation, caught)
        left -= {*(json.loads(path.read_text()) if path.exists() else noticed(mutation, tmp_path, "none"))}
    assert left == set(), "no mutation makes these checks fail"
