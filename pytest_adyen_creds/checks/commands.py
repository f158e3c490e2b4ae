"""``adyen-creds check``: the main job without a test suite."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from pytest_adyen_creds.checks.suite import Suite
from pytest_adyen_creds.contract import VERSIONS
from pytest_adyen_creds.reports.terminal import summary_lines
from pytest_adyen_creds.run import Run
from pytest_adyen_creds.settings import Settings


@click.command()
@click.option("--api-version", type=click.Choice(VERSIONS), default="v3", show_default=True, help="Version of the API.")
@click.option(
    "--contracts", type=click.Path(path_type=Path), help="Folder of a contract of your own.  [default: the bundled one]"
)
@click.option(
    "--cassettes",
    type=click.Path(path_type=Path),
    help="Folder of the suite's cassettes (VERSION/*.yaml).  [default: ./cassettes/management, else the bundled ones]",
)
@click.option("-q", "--quiet", is_flag=True, help="No table: only the summary and what failed.")
@click.pass_context
def check(
    context: click.Context, api_version: str, contracts: Path | None, cassettes: Path | None, quiet: bool
) -> None:
    """Replay the contract suite's cassettes through every check, and print coverage and failures.

    \b
    adyen-creds check
    adyen-creds check --api-version v1 --quiet
    """
    settings = Settings(backend="replay", contracts=contracts, cassettes=cassettes)
    run = Run(replace(settings, api_version="v1" if api_version == "v1" else "v3"), Path.cwd())
    suite = Suite(run)
    for operation in run.contract.operations.values():
        suite.check(operation)
    for line in summary_lines(run, verbose=not quiet):
        click.echo(line)
    context.exit(1 if run.failures else 0)
