"""The commands ``adyen-creds sandbox serve`` and ``adyen-creds sandbox behaviours``."""

from __future__ import annotations

import json
import math
import secrets
import shlex
import tempfile
from collections import Counter
from contextlib import closing
from dataclasses import asdict
from datetime import timedelta
from itertools import groupby
from pathlib import Path
from typing import Final

import click

from pytest_adyen_creds.contract import VERSIONS
from pytest_adyen_creds.errors import FileRefused, SandboxError
from pytest_adyen_creds.files import read_text
from pytest_adyen_creds.sandbox import Rule, Sandbox, behaviours
from pytest_adyen_creds.sandbox.answers import STYLES, Answers
from pytest_adyen_creds.secrets import Secret

_LONGEST_KEY_FILE: Final = 4096
_SHORTEST_KEY: Final = 16
_BEYOND_LOOPBACK: Final = (
    "Whoever reaches {host} can make and read this sandbox's invented credentials: only in a network of your own."
)


def _number(context: click.Context, parameter: click.Parameter, value: float) -> float:
    if math.isnan(value):  # a range lets it pass
        raise click.BadParameter("nan is no number of seconds; write one like 2.5", context, parameter)
    return value


@click.group()
def sandbox() -> None:
    """The embedded Management API: serve it over HTTP, or list what it does and on what evidence."""


@sandbox.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, show_default="any free one", help="Port to listen on."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at; 0.0.0.0 in a container.")
@click.option(
    "--allowed-host",
    "allowed_hosts",
    metavar="NAME",
    multiple=True,
    help="Name by which requests may ask for this server, besides addresses and localhost; may be repeated.",
)
@click.option("--tls", is_flag=True, help="Serve https, by a certificate made at start; prints who has to trust it.")
@click.option("--company", default="TestCompany", show_default=True, help="The company account.")
@click.option("--merchant", "merchants", multiple=True, help="A merchant account; may be repeated. [TestMerchant]")
@click.option(
    "--api-key-file", type=click.Path(path_type=Path), help="Holds the provisioning API key; made if missing."
)
@click.option("--api-version", type=click.Choice(VERSIONS), default="v3", show_default=True)
@click.option(
    "--answers",
    type=click.Choice(list(STYLES)),
    default="platform",
    show_default=True,
    help="As Adyen's test platform was seen to answer, or by Adyen's document alone.",
)
@click.option(
    "--contracts", type=click.Path(path_type=Path), help="Folder of contracts whose operations to answer, too."
)
@click.option(
    "--state",
    "state_file",
    type=click.Path(path_type=Path),
    help="File that keeps credentials, the clock and the journal over restarts; of API keys and passwords it has "
    "digests only, of client keys, which are public, the text. Without --api-key-file each start gives the "
    "provisioning credential a new key, and the earlier one dies. Faults and idempotency keys are not kept.",
)
@click.option("--seed", type=int, help="Decides every id and secret. [a new one at each start]")
@click.option(
    "--propagation-delay",
    type=click.FloatRange(0, 86400),
    default=0,
    callback=_number,
    help="Seconds until a new key works.",
)
@click.option("--requests-per-minute", type=click.IntRange(1), help="Rate limit of each credential. [none]")
def serve(
    port: int,
    host: str,
    allowed_hosts: tuple[str, ...],
    tls: bool,
    company: str,
    merchants: tuple[str, ...],
    api_key_file: Path | None,
    api_version: str,
    answers: Answers,
    contracts: Path | None,
    state_file: Path | None,
    seed: int | None,
    propagation_delay: float,
    requests_per_minute: int | None,
) -> None:
    """Serve the sandbox until SIGTERM or Ctrl+C; print the environment that points the plugin to it.

    It listens on loopback only, unless --host says otherwise.
    """
    from pytest_adyen_creds.sandbox.guard import is_loopback
    from pytest_adyen_creds.sandbox.server import ANYWHERE, Server, serve_until_told
    from pytest_adyen_creds.sandbox.tls import make_certificate

    certificate = make_certificate((ANYWHERE.get(host, host), *allowed_hosts)) if tls else None
    embedded = Sandbox(
        company,
        merchants or ("TestMerchant", "TestMerchantEU"),
        secrets.randbits(64) if seed is None else seed,
        answers=answers,
        contracts=contracts,
        api_key=_read_key(api_key_file) if api_key_file and api_key_file.exists() else None,
        propagation_delay=timedelta(seconds=propagation_delay),
        requests_per_minute=requests_per_minute,
        state_file=state_file,
    )
    with closing(embedded), tempfile.TemporaryDirectory(prefix="adyen-sandbox-") as folder:
        trust = certificate.write(Path(folder)) if certificate else {}
        key_file = (api_key_file or Path(folder) / "api-key").absolute()
        if not key_file.exists():
            _write_key(key_file, embedded.provisioning.api_key)

        def announce(url: str) -> None:
            for name, value in (
                ("ADYEN_BASE_URL", f"{url}/{api_version}"),
                ("ADYEN_COMPANY_ACCOUNT", company),
                ("ADYEN_MERCHANT_ACCOUNT", embedded.merchants[0]),
                ("ADYEN_MANAGEMENT_API_KEY_FILE", str(key_file)),
                *trust.items(),
            ):
                click.echo(f"export {name}={shlex.quote(value)}")
            if not is_loopback(host):
                click.echo(_BEYOND_LOOPBACK.format(host=host), err=True)
            click.echo(f"The sandbox is ready; {url}/ shows it in a browser. SIGTERM or Ctrl+C ends it.", err=True)

        context = certificate.context if certificate else None
        shown = click.get_current_context().obj  # with its pages, of which nothing is known here
        app = shown(embedded) if callable(shown) else embedded.app
        serve_until_told(Server(app, port, host=host, allowed_hosts=allowed_hosts, tls=context), announce)


@sandbox.command(name="behaviours")
@click.option("--format", "layout", type=click.Choice(["text", "json"]), default="text", show_default=True)
def list_behaviours(layout: str) -> None:
    """List every rule of the sandbox with its evidence and source."""
    rules = behaviours()
    click.echo(json.dumps([asdict(rule) for rule in rules], indent=2) if layout == "json" else show_rules(rules))


def show_rules(rules: tuple[Rule, ...]) -> str:
    """Return ``rules`` as text: by subject, each with evidence, sentence and source, and the totals at the end."""
    lines: list[str] = []
    for subject, about in groupby(rules, key=lambda rule: rule.subject):
        lines.append(subject)
        for rule in about:
            lines.append(f"  {rule.evidence:<10}  {rule.id.partition('.')[2]}: {rule.says}")
            lines.append(f"              source: {rule.source}")
        lines.append("")
    counts = Counter(rule.evidence for rule in rules)
    totals = ", ".join(f"{count} {evidence}" for evidence, count in sorted(counts.items()))
    return "\n".join([*lines, f"{len(rules)} rules: {totals}"])


def _read_key(path: Path) -> Secret:
    text = read_text(path, largest=_LONGEST_KEY_FILE).strip()
    if len(text) < _SHORTEST_KEY or not all("!" <= character <= "~" for character in text):
        raise FileRefused(f"{path}: holds no API key (one line, {_SHORTEST_KEY} or more printable characters)")
    if text.startswith("live_"):
        raise SandboxError(f"{path}: holds a live key; the sandbox takes invented ones only")
    return Secret(text)


def _write_key(path: Path, key: Secret) -> None:
    try:
        path.touch(mode=0o600, exist_ok=False)
        path.write_text(key.reveal() + "\n", encoding="ascii")
    except OSError as error:
        raise FileRefused(f"{path}: cannot be written ({error.strerror}); name a file in a writable folder") from None
