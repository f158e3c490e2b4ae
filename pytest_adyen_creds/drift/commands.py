"""``adyen-creds drift``: specifications, single answers and recordings against the contract."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from pytest_adyen_creds import clock
from pytest_adyen_creds.contract.apis import apis_in
from pytest_adyen_creds.contract.baseline import (
    Acceptance,
    Baseline,
    Judgement,
    read_baseline,
    together,
    write_baseline,
)
from pytest_adyen_creds.contract.commands import contract_option, folder_option
from pytest_adyen_creds.contract.contract import VERSIONS, Contract, load_contract
from pytest_adyen_creds.contract.finding import Finding
from pytest_adyen_creds.contract.operations import bare, key_of
from pytest_adyen_creds.contract.source import read_specification
from pytest_adyen_creds.drift.specification import compare
from pytest_adyen_creds.drift.text import known_lines, lines, sarif_results, tally
from pytest_adyen_creds.errors import AdyenCredsError, ContractError, FileRefused
from pytest_adyen_creds.files import read_bytes
from pytest_adyen_creds.settings import settings_of_ini
from pytest_adyen_creds.text import counted, plain, printed

if TYPE_CHECKING:
    from pytest_adyen_creds.contract.judge import Observation


_NOTHING: Final = Baseline()


def _judging(function: Any) -> Any:
    """Add the options that every command here takes, whichever contracts it judges by."""
    options = (
        click.option(
            "--format",
            "form",
            type=click.Choice(["text", "json", "sarif"]),
            default="text",
            show_default=True,
            help="text: one line for equal findings. json, and sarif for code scanning: each finding.",
        ),
        click.option("--baseline", type=click.Path(path_type=Path), help="Accepted drift (TOML): it does not fail."),
        click.option("--update-baseline", is_flag=True, help="Write what is found to the baseline's file."),
        click.option("-v", "--verbose", is_flag=True, help="Each finding's place, and examples."),
    )
    for option in reversed(options):
        function = option(function)
    return function


@click.group()
def drift() -> None:
    """Drift: where Adyen's specification, its answers or your recordings depart from the contract.

    Exit status: 0 no findings, or accepted ones only; 1 findings, of any level; 2 could not run.
    """


@drift.command()
@click.argument("source", metavar="[FILE_OR_URL]", required=False)
@click.option("--against", metavar="FILE_OR_URL", help="Compare with this older document instead of the contract.")
@contract_option
@_judging
def spec(source: str | None, against: str | None, **options: Any) -> None:
    """Compare an OpenAPI document with the contract: its meaning, for the operations that the contract covers.

    FILE_OR_URL is OpenAPI 3.0 or 3.1, JSON or YAML; - is standard input. Left out, it is what Adyen publishes.
    With --against OLD, all operations of two documents are compared.

    \b
    adyen-creds drift spec
    adyen-creds drift spec ManagementService-v3.json --format json
    adyen-creds drift spec new.yaml --against old.json
    """
    accepted = _accepted(options)
    source = source or load_contract(options["api"], options["folder"]).published
    if source is None:
        raise ContractError(f"the contract {options['api']} does not say where its document is published; name a file")
    if source == against == "-":
        raise click.UsageError("standard input cannot be both documents")
    new = read_specification(source)
    if against is not None:
        findings = compare(read_specification(against), new)
    else:
        contract = load_contract(options["api"], options["folder"])
        there = {bare(str(path)) for path in new.get("paths") or {}} | {*(new.get("webhooks") or {})}
        labels = [*contract.operations, *(each.label for each in contract.webhooks.values())]
        if not any(key_of(label)[1] in there for label in labels):
            raise FileRefused(
                f"{source}: has none of the operations of {contract.name}; name the OpenAPI document of that API"
            )
        # a document of a whole API is compared as a whole, and a slice of one by what it has
        findings = compare(contract.to_openapi(), new, operations=None if contract.is_whole else labels)
    _finish(source, findings, options, accepted, paths_of=lambda _: [None if source == "-" else source])


_STRICT = click.option("--strict", is_flag=True, help="Judge by the published document alone: known deviations count.")


@drift.command()
@click.option("--operation", "label", required=True, metavar="LABEL", help='The operation, like "GET /me".')
@click.option("--status", required=True, type=click.IntRange(100, 599), help="The answer's status.")
@click.option("--content-type", help="The answer's Content-Type ('': it had none).  [default: not known]")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@_STRICT
@contract_option
@_judging
def response(label: str, status: int, content_type: str | None, file: Path, strict: bool, **options: Any) -> None:
    """Hold one captured body in FILE (- for standard input) against the contract.

    FILE holds JSON, or the HTML that came instead. Anything else is taken for a bad file, unless --content-type says
    that it is what the server answered.

    \b
    adyen-creds drift response --operation "GET /me" --status 200 me.json
    """
    from pytest_adyen_creds.contract.judge import judge

    accepted = _accepted(options)
    contract = load_contract(options["api"], options["folder"])
    operation = _operation(contract, label)
    body = read_bytes(file, wanted="a file that holds the body")
    observations = judge(contract, operation, status, content_type, body)
    if content_type is None:
        _refuse_what_is_no_body(file, observations)
    examples = {observation.finding.key: observation.example for observation in observations}
    found = sorted((observation.finding for observation in observations), key=lambda finding: finding.rank)
    known = Baseline() if strict else contract.known_deviations
    _finish(
        str(file),
        found,
        options,
        accepted,
        known=known,
        examples=examples,
        complete=False,
        paths_of=lambda _: [None if str(file) == "-" else file],
    )


@drift.command()
@click.argument("folder_of_cassettes", metavar="DIR", type=click.Path(path_type=Path))
@_STRICT
@_judging
@folder_option
def cassettes(folder_of_cassettes: Path, strict: bool, **options: Any) -> None:
    """Hold every recorded answer of the Management API in DIR against the contract.

    Reads the cassettes of this plugin, of vcrpy and of pytest-recording.

    \b
    adyen-creds drift cassettes tests/cassettes
    """
    from pytest_adyen_creds.drift.recordings import survey

    accepted = _accepted(options)
    apis = apis_in(options["folder"] or settings_of_ini("adyen_contracts").contracts)
    contract = apis.management(options["api_version"] or "v3")

    def contract_of(version: str | None) -> Contract | None:
        try:
            return apis.management(version or contract.version)
        except AdyenCredsError:
            return None

    found = survey(folder_of_cassettes, contract_of, apis.match)
    findings = found.found.findings
    note = f"{counted(found.found.answers, 'answer')} in {counted(found.cassettes, 'cassette')}"
    note += f", {found.passed_over} of other hosts or operations passed over" if found.passed_over else ""
    note += "".join(f" ({place}: {number})" for place, number in sorted(found.unjudged.items()))
    examples = {finding.key: found.found.example(finding) for finding in findings}
    others = [each for each in map(contract_of, VERSIONS) if each and each is not contract]
    contracts = [each for each in (*others, *apis.all_own) if each.short_name in found.versions]
    known = _NOTHING if strict else together(each.own_deviations for each in (contract, *contracts))
    _finish(
        str(folder_of_cassettes),
        findings,
        options,
        accepted,
        known=known,
        answered=found.answered,
        note=note,
        examples=examples,
        paths_of=lambda finding: found.found.details(finding)["tests"],
    )


@drift.command()
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def ids(form: str) -> None:
    """List every id that a finding can have, with its levels and what it means.

    \b
    adyen-creds drift ids
    adyen-creds drift ids --format json
    """
    from pytest_adyen_creds.drift.listing import entries

    listed = entries()
    if form == "json":
        click.echo(json.dumps([asdict(entry) for entry in listed], indent=2))
    else:
        for entry in listed:
            click.echo(f"{entry.id}  {', '.join(entry.levels)}  {entry.meaning}")
        click.echo(counted(len(listed), "id"))


def _refuse_what_is_no_body(file: Path, observations: Sequence[Observation]) -> None:
    for finding in (observation.finding for observation in observations):
        if finding.id in ("response-body-missing", "response-body-not-json"):
            raise FileRefused(
                f"{plain(str(file))}: {finding.message}; name a file that holds the captured body, or say with "
                "--content-type what the server sent it as ('' for nothing), and it is a finding"
            )


def _operation(contract: Contract, label: str) -> Any:
    method, _, path = " ".join(label.split()).partition(" ")
    found = contract.match(method.upper(), path)
    if found is not None:
        return found[0]
    raise click.UsageError(
        f"{label!r} is not an operation of {contract.version}; 'adyen-creds contract list' shows the operations"
    )


def _accepted(options: dict[str, Any]) -> Baseline:
    """Return what the baseline's file accepts: what is wrong with it is said before anything that takes longer."""
    path, is_written = options["baseline"], options["update_baseline"]
    if path is None and is_written:
        raise click.UsageError("--update-baseline needs --baseline FILE, the file to write")
    if path is None or (is_written and not os.path.lexists(path)):
        return Baseline()
    return read_baseline(path)


def _finish(
    name: str,
    findings: list[Finding],
    options: dict[str, Any],
    accepted: Baseline,
    *,
    known: Baseline = _NOTHING,
    answered: Iterable[tuple[str, int]] = (),
    note: str = "",
    examples: dict[tuple[str, ...], str] | None = None,
    complete: bool = True,
    paths_of: Callable[[Finding], Iterable[str | Path | None]],
) -> None:
    """Print the findings that count, and leave with the exit status that says so.

    ``known`` are the known deviations, and ``answered`` the operations and statuses that could have shown them.
    ``complete``: the findings are all there are, so that what the baseline has besides is out of date. ``paths_of``
    returns the files or URLs that show a finding.
    """
    today = clock.today()
    if options["update_baseline"]:
        _update(options["baseline"], accepted, known.judge(findings, today).findings, today, complete)
        return
    acceptance = Acceptance(known, accepted, today)
    judgement = acceptance.divide(findings, answered)
    if options["form"] == "json":
        click.echo(json.dumps([finding.to_json() for finding in judgement.findings], indent=2))
    elif options["form"] == "sarif":
        from pytest_adyen_creds.sarif import to_sarif

        click.echo(to_sarif(sarif_results(judgement.findings, paths_of), Path.cwd()), nl=False)
    else:
        _print(name, judgement, options["verbose"], note, examples or {})
    for line in judgement.notes(unused=complete):
        click.echo(printed(line), err=True)
    if judgement.findings and options["form"] == "text":
        accepting = _accepting(options["baseline"])
        click.echo(printed(f"to accept it: {accepting}  # then give each entry its reason"), err=True)
    click.get_current_context().exit(1 if judgement.findings else 0)


def _accepting(baseline: Path | None) -> str:
    """Return the command that accepts what the running one has found."""
    context = click.get_current_context()
    given = context.find_root().obj
    command = ["adyen-creds", *given] if isinstance(given, list) else [*context.command_path.split(), "…"]
    name = "adyen-specification-drift.toml" if context.info_name == "spec" else "adyen-drift.toml"
    return shlex.join([*command, *(() if baseline else ("--baseline", name)), "--update-baseline"])


def _print(name: str, judgement: Judgement, verbose: bool, note: str, examples: dict[tuple[str, ...], str]) -> None:
    for line in lines(judgement.findings, verbose=verbose):
        click.echo(line)
    if verbose:
        for finding in judgement.findings:
            if examples.get(finding.key):
                click.echo(printed(f"example   {finding.id}: {examples[finding.key]}"))
        for line in known_lines(judgement):
            click.echo(line)
    accepted = f", {len(judgement.accepted)} accepted by the baseline" if judgement.accepted else ""
    known = f", {counted(len(judgement.known), 'known deviation')}" if judgement.known else ""
    click.echo(printed(f"{name}: {tally(judgement.findings)}{known}{accepted}" + (f" in {note}" if note else "")))


def _update(path: Path, before: Baseline, findings: Sequence[Finding], today: date, complete: bool) -> None:
    after = before.updated(findings, today, complete=complete)
    write_baseline(path, after)
    new = len(set(after.entries) - set(before.entries))
    gone = len(set(before.entries) - set(after.entries))
    click.echo(
        f"{plain(str(path))}: {counted(len(after.entries), 'entry')}, {new} new, {gone} removed; give each new one its "
        "reason"
    )
