"""``adyen-creds roles``: what several runs showed to be needed, and the proof of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from pytest_adyen_creds.errors import FileRefused
from pytest_adyen_creds.formats import read_json
from pytest_adyen_creds.roles.observed import Need, RolesSeen
from pytest_adyen_creds.secrets import mask_text
from pytest_adyen_creds.text import printed

_LARGEST = 64 * 1024 * 1024
"""Of a report, in bytes."""


@click.group()
def roles() -> None:
    """The roles that a suite really needs, observed by pytest --adyen-roles."""


@roles.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print it.")
@click.option("-v", "--verbose", is_flag=True, help="What each test needs, too.")
@click.pass_context
def merge(context: click.Context, files: tuple[Path, ...], form: str, verbose: bool) -> None:
    """Derive what several runs need together, from their reports (pytest --adyen-roles --adyen-report FILE.json).

    One run never takes every path. Exit status 1: a credential has a role that no run needed.

    \b
    adyen-creds roles merge monday.json tuesday.json
    """
    seen = RolesSeen()
    for path in files:
        try:
            seen.merge(_read(path), path.name if len({each.name for each in files}) == len(files) else str(path))
        except FileRefused as error:
            raise FileRefused(f"{path}: {str(error).removeprefix(f'{path}: ')}") from None
    need = Need(seen)
    if form == "json":
        click.echo(mask_text(json.dumps(need.to_json(), indent=2, ensure_ascii=False)))
    else:
        for line in need.lines(verbosity=1 if verbose else 0):
            click.echo(mask_text(printed(line)))
    context.exit(1 if need.unused else 0)


def _read(path: Path) -> Any:
    report = read_json(path, largest=_LARGEST)
    found = report.get("roles") if isinstance(report, dict) else None
    if found is None and isinstance(report, dict) and "calls" in report:
        found = report  # what this command printed before
    if found is None:
        raise FileRefused(f"{path}: says nothing of roles; write it with pytest --adyen-roles --adyen-report FILE.json")
    return found


@roles.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def prove(context: click.Context, arguments: tuple[str, ...]) -> None:
    """Run pytest in the sandbox with exactly the roles that leases need, then without each: it passes, then fails.

    ARGUMENTS are pytest's. Exit status 1: the set does not pass, or passes with less.

    \b
    adyen-creds roles prove tests/integration -k checkout
    """
    from pytest_adyen_creds.roles.proof import prove as run_all

    proof, need = run_all(arguments)
    for line in (*need.lines(), *proof.lines()):
        click.echo(mask_text(printed(line)))
    context.exit(0 if proof.holds else 1)
