"""The commands ``adyen-creds sweep`` and ``adyen-creds doctor``."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pytest_adyen_creds.credentials.ledger import state_folder
from pytest_adyen_creds.errors import SettingsError
from pytest_adyen_creds.settings import ini_options, resolve
from pytest_adyen_creds.text import plain

if TYPE_CHECKING:
    from pytest_adyen_creds.credentials.recovery import Swept
    from pytest_adyen_creds.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])


def _about_a_server(command: F) -> F:
    url = click.option("--base-url", metavar="URL", help="The server; default: ADYEN_BASE_URL, or Adyen's test host.")
    company = click.option("--company", metavar="NAME", help="The company account; default: ADYEN_COMPANY_ACCOUNT.")
    merchant = click.option("--merchant", metavar="NAME", help="A merchant account; default: ADYEN_MERCHANT_ACCOUNT.")
    return url(company(merchant(command)))


@click.command()
@_about_a_server
@click.option("--dry-run", is_flag=True, help="Only say what would be switched off.")
@click.option("--format", "layout", type=click.Choice(["text", "json"]), default="text", show_default=True)
def sweep(base_url: str | None, company: str | None, merchant: str | None, dry_run: bool, layout: str) -> int:
    """Deactivate throwaways that expired, and those that killed runs of this machine left.

    Only credentials whose description is this plugin's tag are touched, and of a run that may still go on none before
    its tag expires. Exit status: 0 nothing is left, 1 something is
    (or would be switched off, with --dry-run), 2 could not run.
    """
    from pytest_adyen_creds.credentials.backend import open_backend
    from pytest_adyen_creds.credentials.doctor import preflight
    from pytest_adyen_creds.credentials.recovery import Recovery

    backend = open_backend(_settings(base_url, company, merchant))
    with backend.recovery_client() as client:
        preflight(client, backend.company, backend.merchant)
        recovery = Recovery.of(client, backend)
        swept = recovery.run(state_folder(os.environ), dry_run=dry_run)
    if layout == "json":
        in_use = [{"id": item, "expires": f"{moment:%Y-%m-%dT%H:%MZ}"} for item, moment in recovery.in_use.items()]
        document = {"company": backend.company, "dryRun": dry_run, "swept": [asdict(item) for item in swept]}
        click.echo(json.dumps(document | {"inUse": in_use}, indent=2))
    else:
        for item in swept:
            click.echo(_line(item, dry_run=dry_run))
        if recovery.in_use:
            click.echo(f"{_used(recovery.in_use.values())} at {backend.company}")
        elif not swept:
            click.echo(f"nothing was left behind at {backend.company}")
    return int(any(item.problem or dry_run for item in swept))


@click.command()
@_about_a_server
def doctor(base_url: str | None, company: str | None, merchant: str | None) -> int:
    """Look at settings, endpoint, key, roles and ledger: what is wrong for a live run, and how to mend it.

    Nothing is changed. Exit status: 0 a live run can start, 1 something is wrong, 2 the settings cannot be used.
    """
    from pytest_adyen_creds.credentials.doctor import examine
    from pytest_adyen_creds.secrets import SECRETS

    is_well = True
    for found in examine(_settings(base_url, company, merchant), state_folder(os.environ)):
        is_well &= found.state != "wrong"
        mark = {"ok": "ok     ", "wrong": "WRONG  ", "unknown": "note   "}[found.state]
        click.echo(f"{mark}{found.subject}: {plain(SECRETS.mask(found.text))}")
    return int(not is_well)


def _settings(base_url: str | None, company: str | None, merchant: str | None) -> Settings:
    try:
        here = Path.cwd()
    except OSError as error:
        raise SettingsError(
            f"the current directory cannot be read ({error.strerror}); change to one that is there"
        ) from None
    ini, root = ini_options(here)
    given = {"adyen_company_account": company, "adyen_merchant_account": merchant}
    # a flag of these commands stands over the ini file, as an option of pytest would
    ini |= {name: value for name, value in given.items() if value}
    ini = {name: value for name, value in ini.items() if name not in ("adyen_live", "adyen_backend", "adyen_record")}
    return resolve({"adyen_backend": "live", "adyen_base_url": base_url}, ini, os.environ, root=root)


def _used(expiries: Collection[datetime]) -> str:
    until = f"until {max(expiries):%Y-%m-%d %H:%M} UTC"
    if len(expiries) == 1:
        return f"left to another run, which may still use it, {until}: 1 active throwaway"
    return f"left to other runs, which may still use them, {until} at the latest: {len(expiries)} active throwaways"


def _line(item: Swept, *, dry_run: bool) -> str:
    who = f"{item.id} ({item.username}, {item.account}): {item.reason}"
    if item.problem:
        return f"still active    {who}; {item.problem}"
    return f"{'to switch off' if dry_run else 'switched off'}    {who}"
