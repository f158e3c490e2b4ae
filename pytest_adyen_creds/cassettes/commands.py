"""``adyen-creds cassettes``: check recordings, and scrub those that another tool made."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import urlsplit

import click

from pytest_adyen_creds import clock
from pytest_adyen_creds.cassettes import serializer
from pytest_adyen_creds.cassettes.lint import Issue, find_orphans, lint
from pytest_adyen_creds.cassettes.model import Cassette, Interaction
from pytest_adyen_creds.cassettes.paths import find_cassettes, is_cassette
from pytest_adyen_creds.cassettes.redact.fields import Fields, fields_of, path_of_uri
from pytest_adyen_creds.cassettes.redact.scrubber import SANDBOX_ACCOUNTS, Scrubber
from pytest_adyen_creds.cassettes.scanners import CLIENT_KEY_RULES, FORMATS, RULES
from pytest_adyen_creds.contract.apis import apis_in
from pytest_adyen_creds.contract.baseline import to_toml
from pytest_adyen_creds.contract.contract import VERSIONS, Contract, load_contract
from pytest_adyen_creds.endpoints import is_this_machine
from pytest_adyen_creds.errors import AdyenCredsError, CassetteError
from pytest_adyen_creds.files import read_text
from pytest_adyen_creds.sarif import SarifLevel, SarifResult, to_sarif
from pytest_adyen_creds.secrets import SECRETS
from pytest_adyen_creds.settings import settings_of_ini
from pytest_adyen_creds.text import counted, printed

if TYPE_CHECKING:
    from pytest_adyen_creds.cassettes.compare import Comparison

_contracts_option: Final = click.option(
    "--contracts",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder of a contract of your own (VERSION/openapi.yaml); without it, that of the ini option adyen_contracts.",
)
_secrets_option: Final = click.option(
    "--secrets",
    "secrets_file",
    type=click.Path(path_type=Path),
    help="File with secrets to look for, one a line ('-': standard input).",
)
_format_option: Final = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)
_SARIF: Final[Mapping[str, tuple[SarifLevel, str]]] = {
    "secret": ("error", "A cassette holds a secret, a session, or what says who was asked by whom."),
    "unsafe": ("error", "A cassette is broken, or holds what may not be read."),
    "stale": ("warning", "A cassette is old, or was recorded with another version of the contract."),
    "orphan": ("note", "A cassette belongs to no test any more."),
}
"""The level of each kind of issue in SARIF, and what it means."""


@click.group()
def cassettes() -> None:
    """Recordings: check them for secrets, age, orphans and unsafe files; scrub them."""


@cassettes.command()
@click.argument("places", metavar="PATH…", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--max-age",
    type=click.FloatRange(min=0),
    metavar="DAYS",
    help="Older cassettes are stale; without it, as the ini option adyen_cassette_max_age has it.",
)
@_secrets_option
@_contracts_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "sarif"]),
    default="text",
    show_default=True,
    help="sarif: for code scanning.",
)
@click.option(
    "--if-any",
    is_flag=True,
    help="Pass over files that are no cassettes, and folders without one, instead of refusing them: for hooks and CI.",
)
def check(
    places: tuple[Path, ...],
    max_age: float | None,
    secrets_file: Path | None,
    contracts: Path | None,
    form: str,
    if_any: bool,
) -> int:
    """List what is wrong with the cassettes at each PATH: a folder of them, or one.

    Secrets, sessions, account names, user names and ids (by form, by place, those in the environment and in
    --secrets), files that are unsafe or broken, cassettes that are stale, and orphans: those whose test file, class or
    function is gone, as the test files beside them say. Exit status 1 where anything was found, 2 where a PATH could
    not be looked at; the others are, all the same. A contract of your own says with x-secret and x-identity which
    further fields are looked at.

    In a folder, cassettes are the YAML files of each folder called cassettes or vcr_cassettes, and what begins like
    one: files there, and YAML files, JSON files and files without a suffix elsewhere.

    \b
    adyen-creds cassettes check tests
    adyen-creds cassettes check tests --max-age 180 --format json
    adyen-creds cassettes check tests --contracts contracts
    adyen-creds cassettes check . --format sarif > cassettes.sarif
    """
    if max_age is not None and not math.isfinite(max_age):
        raise click.BadParameter(f"{max_age} is no number of days; write one such as 180", param_hint="'--max-age'")
    max_age = settings_of_ini("adyen_cassette_max_age").cassette_max_age if max_age is None else max_age
    contracts = _own_contracts(contracts)
    _know_secrets(secrets_file)
    found: dict[Path, None] = {}
    refused: list[AdyenCredsError] = []
    for place in places:
        try:
            found |= dict.fromkeys(_find(place, if_any=if_any))
        except AdyenCredsError as error:
            refused.append(error)
    if refused and not found:
        raise _all_but_last_said(refused)
    paths = list(found)
    orphans, unread = find_orphans(paths)
    issues = sorted([*_lint(paths, max_age, contracts), *orphans], key=_in_order)
    for line in unread:
        click.echo(printed(line), err=True)
    if form == "json":
        click.echo(json.dumps([issue.to_json() for issue in issues], indent=2, ensure_ascii=False))
    elif form == "sarif":
        click.echo(to_sarif(map(_in_sarif, issues), Path.cwd()), nl=False)
    else:
        for issue in issues:
            click.echo(printed(SECRETS.mask(str(issue))))
    click.echo(f"{counted(len(paths), 'cassette')}, {counted(len(issues), 'problem')}", err=form != "text")
    if refused:
        raise _all_but_last_said(refused)
    return 1 if issues else 0


@cassettes.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--write", is_flag=True, help="Rewrite the files in place; without it nothing is changed.")
@click.option("--account", "accounts", multiple=True, help="A company or merchant account name to replace. Repeatable.")
@_secrets_option
@_contracts_option
def scrub(
    folder: Path, write: bool, accounts: tuple[str, ...], secrets_file: Path | None, contracts: Path | None
) -> int:
    """Replace secrets, account names, user names and ids in the cassettes in DIR by pseudonyms.

    Of exchanges with hosts of Adyen, only the headers that replay and checks need are kept; of those with other hosts,
    secrets are replaced and all else stays. A contract of your own says with x-secret and x-identity what else is
    replaced, and which headers its answers have. Also takes the cassettes of vcrpy and pytest-recording, and leaves
    them readable for both. Each file is replaced as a whole or not at all. Exit status 1 where files are to be changed
    (without --write) or cannot be read.

    \b
    adyen-creds cassettes scrub tests
    adyen-creds cassettes scrub tests --write --account AcmeCorp
    """
    _know_secrets(secrets_file)
    configured = (os.environ.get(name) for name in ("ADYEN_COMPANY_ACCOUNT", "ADYEN_MERCHANT_ACCOUNT"))
    names = (*accounts, *filter(None, configured))
    contracts = _own_contracts(contracts)
    changed = unreadable = 0
    paths = _find(folder)
    for path in paths:
        try:
            text = read_text(path, largest=serializer.LARGEST, empty=serializer.AGAIN)
            clean = _scrubbed(serializer.loads(text, str(path)), names, contracts)
            if clean is not None and write:
                serializer.write(path, clean, as_json=serializer.is_json(text))
        except AdyenCredsError as error:
            unreadable += 1
            click.echo(printed(SECRETS.mask(str(error))), err=True)
            continue
        if clean is not None:
            changed += 1
            click.echo(printed(f"{path}: {'scrubbed' if write else 'would be scrubbed'}"))
    done = "changed" if write else "to change"
    click.echo(f"{counted(len(paths), 'cassette')}, {changed} {done}, {unreadable} unreadable")
    return 1 if unreadable or (changed and not write) else 0


@cassettes.command()
@click.option(
    "--format", "form", type=click.Choice([*FORMATS]), required=True, help="The scanner that the rules are for."
)
@click.option("--client-keys/--no-client-keys", default=True, help="Find client keys, too, which web pages may show.")
def rules(form: str, client_keys: bool) -> None:
    """Print rules for a secret scanner: it finds Adyen's keys and passwords, and lets pseudonyms pass.

    \b
    adyen-creds cassettes rules --format gitleaks > .gitleaks.toml
    adyen-creds cassettes rules --format trufflehog > trufflehog.yaml
    adyen-creds cassettes rules --format detect-secrets > adyen_detectors.py
    """
    click.echo(FORMATS[form]((*RULES, *(CLIENT_KEY_RULES if client_keys else ()))), nl=False)


@click.command()
@click.argument("paths", metavar="PATH…", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--answers",
    type=click.Choice(["platform", "published"]),
    default="platform",
    show_default=True,
    help="Compare with answers as the platform was seen to give them, or with the published document's.",
)
@click.option("--contracts", "folder", type=click.Path(path_type=Path), help="Folder of a contract of your own.")
@_format_option
def compare(paths: tuple[Path, ...], answers: Literal["platform", "published"], folder: Path | None, form: str) -> int:
    """Hold captured answers against what the sandbox answers for the same operation, status and error.

    PATH is a HAR file, a cassette of a live run or of vcrpy, or a folder of cassettes. What differs is printed, and
    entries for known-deviations.toml of what departs from the contract and is not known yet. No value of an account is
    printed: what is no name that an API has is called "another". Entries number the captures as they are given, those
    of a folder by path. Exit status 1 where anything differs, or could not be compared.

    \b
    adyen-creds sandbox compare cassettes
    adyen-creds sandbox compare session.har --answers published
    """
    from pytest_adyen_creds.cassettes.compare import Comparison, day_of

    comparison, from_sandbox = Comparison(answers), 0
    captures = [found for given in paths for found in _captures(given)]
    for place, path in enumerate(captures, 1):
        cassette = serializer.read_har(path) if path.suffix == ".har" else serializer.read(path)
        if cassette.provenance is not None and cassette.provenance.backend == "sandbox":
            from_sandbox += len(cassette.interactions)
            continue
        recorded_at = cassette.provenance.recorded_at if cassette.provenance else ""
        for number, interaction in enumerate(cassette.interactions, 1):
            day, where = day_of(interaction, recorded_at), f"capture {place} of {len(captures)}, exchange {number}"
            contract = _contract_of(interaction, folder)
            try:
                secrets = Scrubber(contract or load_contract()).secrets_in(interaction)
            except (AdyenCredsError, ValueError):
                comparison.leave_out(interaction, contract)
                continue
            for secret in secrets:
                SECRETS.add(secret)  # what a capture shows of secrets is printed by nothing below
            comparison.add(interaction, contract, where, day)
    _show_comparison(comparison, from_sandbox, form)
    return 1 if comparison.differences or comparison.uncompared else 0


def _captures(path: Path) -> list[Path]:
    found = list(find_cassettes(path, har=True))
    if not found:
        raise CassetteError(f"{path}: no cassettes and no HAR files were found there; name a folder of recordings")
    return found


def _contract_of(interaction: Interaction, folder: Path | None) -> Contract | None:
    version = _version_in(interaction.uri)
    try:
        host = urlsplit(interaction.uri).hostname or ""
        is_adyens = host.endswith(".adyen.com") or is_this_machine(host)
        return apis_in(folder).management(version) if is_adyens and re.fullmatch(r"v\d+", version) else None
    except (AdyenCredsError, ValueError):
        return None


def _show_comparison(comparison: Comparison, from_sandbox: int, form: str) -> None:
    entries = list(comparison.new_entries())
    if form == "json":
        value = {
            "compared": comparison.compared,
            "differing": comparison.differing,
            "passed_over": comparison.passed_over + from_sandbox,
            "uncompared": [
                {"operation": label, "status": status, "count": n}
                for (label, status), n in sorted(comparison.uncompared.items())
            ],
            "differences": [asdict(each) | {"count": n} for each, n in comparison.differences.items()],
            "deviations": [entry.to_json() for entry in entries],
        }
        click.echo(SECRETS.mask(json.dumps(value, indent=2, ensure_ascii=False)))
        return
    for line in comparison.lines():
        click.echo(printed(line))
    for entry in entries:
        click.echo(SECRETS.mask(f"\n{to_toml(entry)}"), nl=False)
    if comparison.unsaid:
        click.echo(
            f"# without an entry, as they name what may be yours: {counted(len(comparison.unsaid), 'departure')}"
        )
    if entries:
        click.echo("\n# entries for known-deviations.toml: give each its reason, and say who published the answer")
    lost = comparison.uncompared.total()
    passed = f"; {lost} could not be compared" if lost else ""
    passed += f"; {comparison.passed_over} of other operations passed over" if comparison.passed_over else ""
    passed += f"; {from_sandbox} recorded from the sandbox passed over" if from_sandbox else ""
    click.echo(
        f"{counted(comparison.compared, 'answer')} compared, {comparison.differing} that the sandbox would have given "
        f"otherwise{passed}"
    )


def _find(place: Path, *, if_any: bool = False) -> list[Path]:
    """Return the cassettes in ``place``, or ``place``; raises where it has none, or is none, unless ``if_any``."""
    if os.path.isfile(place):  # noqa: PTH113 - Path's own raises for a name that is too long
        if if_any:
            return [place] if is_cassette(place) else []
        serializer.read(place)
    paths = list(find_cassettes(place))
    if not paths and not if_any:
        raise CassetteError(f"{place}: no cassettes were found there; name the folder of the tests they belong to")
    return paths


def _all_but_last_said(refused: list[AdyenCredsError]) -> AdyenCredsError:
    """Say why each place but the last could not be looked at, and return the last one's error, which says it itself."""
    for error in refused[:-1]:
        click.echo(f"adyen-creds: {printed(SECRETS.mask(str(error)))}", err=True)
    return refused[-1]


def _own_contracts(given: Path | None) -> Path | None:
    """Return the folder of the user's own contracts, which compile, or None; raises :class:`ContractError`."""
    folder = given or settings_of_ini("adyen_contracts").contracts
    if folder is not None:
        apis = apis_in(folder)
        _ = apis.all_own
        for version in apis.management_versions or VERSIONS[:1]:
            apis.management(version)
    return folder


def _contract_for(cassette: Cassette, folder: Path | None) -> Contract:
    """Return the contract that says where ``cassette`` holds what: that of its version, where ``folder`` has it.

    ``folder`` has at least one; without it, the bundled one, whose versions say the same.
    """
    if folder is None:
        return load_contract()
    apis, provenance = apis_in(folder), cassette.provenance
    versions = apis.management_versions
    said = [provenance.contract] if provenance else [_version_in(each.uri) for each in cassette.interactions]
    return apis.management(next((name for name in said if name in versions), versions[0]))


def _version_in(uri: str) -> str:
    return f"{path_of_uri(uri)}/".split("/")[1]


def _scrubbed(cassette: Cassette, accounts: Iterable[str], contracts: Path | None) -> Cassette | None:
    foreign = cassette.provenance is None
    scrubber = Scrubber(
        _contract_for(cassette, contracts),
        accounts,
        keep=SANDBOX_ACCOUNTS,
        foreign=foreign,
        others=apis_in(contracts).all_own,
    )
    beside = {"context": dict(cassette.context), "metadata": dict(cassette.metadata)}
    interactions, beside = scrubber.recording(cassette.interactions, beside)
    clean = Cassette(tuple(interactions), cassette.provenance, beside["context"], beside["metadata"])
    return None if clean == cassette else clean


def _lint(paths: list[Path], max_age: float | None, contracts: Path | None) -> Iterator[Issue]:
    apis, now = apis_in(contracts), clock.now()
    digests = {version: apis.management(version).digest for version in apis.management_versions}

    def fields(cassette: Cassette) -> Fields:
        return fields_of(_contract_for(cassette, contracts), apis.all_own)

    for path in paths:
        yield from lint(path, fields, now=now, max_age=max_age, digests=digests)


def _in_sarif(issue: Issue) -> SarifResult:
    level, meaning = _SARIF[issue.kind]
    unit, _, number = issue.where.partition(" ")
    line = int(number) if unit == "line" else 0
    message = f"{issue.where}: {issue.message}" if issue.where and not line else issue.message
    return SarifResult(
        f"cassette-{issue.kind}", level, message, meaning, "how-to/secret-scanners.html", issue.path, line
    )


def _know_secrets(secrets_file: Path | None) -> None:
    given = read_text(secrets_file).splitlines() if secrets_file is not None else []
    for value in (os.environ.get("ADYEN_MANAGEMENT_API_KEY", ""), *given):
        SECRETS.add(value.strip())


def _in_order(issue: Issue) -> tuple[str, str, list[str]]:
    numbered = re.split(r"(\d+)", issue.where)
    return str(issue.path), issue.kind, [part.zfill(12) if part.isdecimal() else part for part in numbered]
