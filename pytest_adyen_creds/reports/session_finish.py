"""The end of a run: reports, JUnit properties, GitHub's summary, and the exit status that drift asks for."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click
import pytest

from pytest_adyen_creds import clock
from pytest_adyen_creds.checks.verdicts import WORDS
from pytest_adyen_creds.compat.pytest import add_junit_properties
from pytest_adyen_creds.credentials.needed_roles import write_needed
from pytest_adyen_creds.errors import AdyenCredsError
from pytest_adyen_creds.reports import roles
from pytest_adyen_creds.reports.coverage import covered_pairs, documented_pairs
from pytest_adyen_creds.reports.github import is_github, write_step_summary
from pytest_adyen_creds.reports.report import level_counts, write_reports
from pytest_adyen_creds.reports.terminal import closing_lines, contract_lines, drift_lines
from pytest_adyen_creds.roles.observed import Need
from pytest_adyen_creds.text import printed

if TYPE_CHECKING:
    from pytest_adyen_creds.checks.results import Results


def add_properties(results: Results, config: pytest.Config) -> None:
    """Give the counts of ``results`` to pytest's JUnit XML, where there is one, as properties of the test suite."""
    judgement = results.judgement
    counts: dict[str, Any] = {
        "adyen.drift.answers": results.collector.found.answers,
        "adyen.drift.findings": len(judgement.findings),
        **{f"adyen.drift.{level}": count for level, count in level_counts(judgement.findings).items()},
        "adyen.drift.known": len(set(judgement.known.values())),
        "adyen.drift.accepted": len(judgement.accepted),
        "adyen.checks.exchanges": results.coverage.total(),
        "adyen.checks.failures": len(results.failures),
        "adyen.coverage.covered": covered_pairs(results.contract, results.coverage + results.collector.traffic),
        "adyen.coverage.documented": len(documented_pairs(results.contract)),
    }
    if results.rehearsal.tests:
        verdicts = results.rehearsal.counts()
        counts |= {"adyen.rehearsal.tests": len(results.rehearsal.tests)}
        counts |= {f"adyen.rehearsal.{word}": verdicts[word] for word in WORDS}
        counts["adyen.rehearsal.findings"] = len(results.rehearsal.findings())
    add_junit_properties(config, counts)


def finish_session(results: Results, session: pytest.Session) -> int:
    """Write what ``results`` was asked to write, and return the exit status of ``session``.

    A run that would pass ends with 1 where drift, or an answer that could not be judged, is to fail it, and with 4
    where a report could not be written.
    """
    if is_github(os.environ) and (problem := write_step_summary(results, os.environ)):
        results.problems.append(problem)
    status = int(session.exitstatus)
    is_proven = True
    if results.settings.roles == "prove" and status == pytest.ExitCode.OK:
        is_proven = roles.prove(results, session.config.invocation_params.args)
    unwritten = write_reports(results, results.settings.reports, clock.now())
    if results.settings.roles == "write":
        try:
            results.written.append(write_needed(results.root, Need(results.roles).by_lease))
        except AdyenCredsError as error:
            unwritten.append(str(error))
    results.problems += unwritten
    if status != pytest.ExitCode.OK:
        return status
    if results.fails or results.unclaimed or roles.fails(results) or not is_proven:
        return int(pytest.ExitCode.TESTS_FAILED)
    return int(pytest.ExitCode.USAGE_ERROR if unwritten else pytest.ExitCode.OK)


def finish_command(results: Results, *, table: bool, examples: bool) -> int:
    """Print what ``results`` has to say and write its reports; return 0 for clean, 1 for findings.

    2: a report could not be written, or an answer not be judged. ``table`` adds coverage by operation and status,
    ``examples`` each finding's places and an example.
    """
    for line in (*contract_lines(results, table=table), *drift_lines(results, examples=examples)):
        click.echo(line)
    problems = write_reports(results, results.settings.reports, clock.now())
    for line in closing_lines(results):
        click.echo(line)
    if is_github(os.environ) and (problem := write_step_summary(results, os.environ)):
        click.echo(problem, err=True)
    for problem in problems:
        click.echo(f"adyen-creds: {printed(problem)}", err=True)
    if problems or results.problems or results.collector.problems:
        return 2
    return 1 if results.failures or results.fails else 0
