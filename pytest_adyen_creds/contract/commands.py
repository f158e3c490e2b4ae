"""``adyen-creds contract``: list, export, validate and lint the contract."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import wraps
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NoReturn

import click

from pytest_adyen_creds.contract.apis import apis_in, chosen
from pytest_adyen_creds.contract.contract import (
    MANAGEMENT,
    Contract,
    bundled,
    contracts_in,
    load_contract,
    openapi_of,
)
from pytest_adyen_creds.contract.documents import SUFFIX
from pytest_adyen_creds.contract.operations import ROLES, read_openapi
from pytest_adyen_creds.contract.trees import reachable, schemas_in
from pytest_adyen_creds.errors import AdyenCredsError, ContractError
from pytest_adyen_creds.formats import read_json
from pytest_adyen_creds.settings import settings_of_ini
from pytest_adyen_creds.text import counted, printed

_api_option: Final = click.option("--api", metavar="NAME", help="Which of the folder's APIs, like checkout.")


def contract_option(function: Any) -> Any:
    """Add the options that say which contract a command is about; it gets ``api``, its name, and ``folder``."""

    @wraps(function)
    def with_name(*arguments: Any, api: str | None, api_version: str | None, **options: Any) -> Any:
        options["folder"] = options["folder"] or _folder_of_ini(api, api_version)
        return function(*arguments, api=chosen(api, api_version, options["folder"]), **options)

    return folder_option(_api_option(with_name))


def folder_option(function: Any) -> Any:
    """Add the options that say which contracts a command judges by; it gets ``api_version`` and ``folder``."""
    function = click.option(
        "--contracts",
        "folder",
        type=click.Path(path_type=Path),
        help="Folder of contracts of your own (VERSION/openapi.yaml, API/VERSION/…); without it, that of the ini "
        "option adyen_contracts, and the bundled one.",
    )(function)
    return click.option("--api-version", metavar="vN", help="Version of the API.  [default: v3]")(function)


def _folder_of_ini(api: str | None, version: str | None) -> Path | None:
    """Return the folder that the ini option ``adyen_contracts`` names, where it has the API that is meant.

    None for the bundled one: of the Management API, which no ``api`` means, too, where the folder has none of its own.
    """
    folder = settings_of_ini("adyen_contracts").contracts
    if folder is None or (api or MANAGEMENT).partition("/")[0] != MANAGEMENT:
        return folder
    wanted = version or "v3"
    return folder if {wanted, f"{MANAGEMENT}/{wanted}"} & {*contracts_in(folder)} else None


_format_option: Final = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to say it."
)


def _structures(context: click.Context, parameter: click.Parameter, start: str) -> list[str]:
    """Return the names of structures that begin with ``start``, for the shell's completion."""
    try:
        given = context.params
        api, version = given.get("api"), given.get("api_version")
        folder = given.get("folder") or _folder_of_ini(api, version)
        found = load_contract(chosen(api, version, folder), folder)
    except AdyenCredsError:
        return []
    return [name for name in found.structures if name.startswith(start)]


@click.group()
def contract() -> None:
    """Contracts: the bundled one of 26 operations, and your own; the JSON Structure of every body."""


@contract.command("import")
@click.argument("source", metavar="FILE_OR_URL")
@click.option(
    "--into", "folder", required=True, type=click.Path(path_type=Path), help="Folder to write the contract in (API/vN)."
)
@click.option(
    "--operation", "operations", multiple=True, metavar="LABEL", help='Only this one ("GET /me"); repeatable.  [all]'
)
@click.option("--name", metavar="API/vN", help="What to call the contract.  [default: by the document's name or title]")
@click.option("--overwrite", is_flag=True, help="Write over a contract that was edited, and lose the edits.")
def import_(source: str, folder: Path, operations: tuple[str, ...], name: str | None, overwrite: bool) -> None:
    """Make a contract of an OpenAPI 3.0 or 3.1 document: a file, - for standard input, or an https URL.

    \b
    adyen-creds contract import LegalEntityService-v4.json --into contracts
    adyen-creds contract import CheckoutService-v71.json --into contracts --operation "POST /sessions"
    """
    from pytest_adyen_creds.contract.importing import import_openapi, lost_edits, write_contract
    from pytest_adyen_creds.contract.source import read_specification

    imported = import_openapi(read_specification(source), source, name=name, operations=operations)
    with TemporaryDirectory() as place:  # what does not compile is not written
        write_contract(imported, Path(place))
        try:
            load_contract(imported.name, Path(place))
        except ContractError as error:
            problem = str(error).replace(f"{place}{os.sep}", "")
            raise ContractError(f"{source}: what was made of it does not compile: {problem}") from None
    lost = lost_edits(imported, folder)
    for line in lost:
        click.echo(printed(f"would be lost: {line}"), err=not overwrite)
    if lost and not overwrite:
        places = counted(len(lost), "place")
        raise ContractError(
            f"{folder / imported.name}: {places} would be lost, which the new import has not or has otherwise; save "
            "what you edited, name all operations that you want, then add --overwrite"
        )
    target = write_contract(imported, folder)
    for note in imported.notes:
        click.echo(printed(f"note: {note}"))
    operations_, webhooks = counted(imported.operations, "operation"), counted(imported.webhooks, "webhook")
    documents = counted(len(imported.files) - 1, "document")
    click.echo(printed(f"{target}: {operations_}, {webhooks}, {documents} of bodies"))


@contract.command("list")
@contract_option
def list_(api: str, folder: Path | None) -> None:
    """List the operations, with what they take and answer, and the webhooks."""
    found = load_contract(api, folder)
    for operation in found.operations.values():
        answers = ", ".join(f"{status} {name}" if name else str(status) for status, name in operation.responses.items())
        request = f"  takes {operation.request}" if operation.request else ""
        click.echo(printed(f"{operation.label}{request}"))
        click.echo(printed(f"    answers {answers}"))
    for webhook in found.webhooks.values():
        click.echo(printed(f"{webhook.label}  brings {webhook.request or 'no body'}"))
    webhooks = f", {counted(len(found.webhooks), 'webhook')}" if found.webhooks else ""
    click.echo(f"{counted(len(found.operations), 'operation')}{webhooks}")


@contract.command()
@contract_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["openapi", "json-schema", "json-structure"]),
    default="openapi",
    show_default=True,
    help="What to write.",
)
@click.option("--name", shell_complete=_structures, help="Only this structure (json-schema, json-structure).")
def export(api: str, folder: Path | None, form: str, name: str | None) -> None:
    """Write the contract to standard output, as JSON.

    \b
    adyen-creds contract export > management-v3.json
    adyen-creds contract export --format json-schema --name MeApiCredential
    """
    if name is not None and form == "openapi":
        raise click.UsageError("--name goes with --format json-schema or json-structure")
    click.echo(json.dumps(_exported(load_contract(api, folder), form, name), indent=2, ensure_ascii=False))


def _exported(found: Contract, form: str, name: str | None) -> Any:
    if form == "openapi":
        return found.to_openapi()
    if name is not None and name not in found.structures:
        _refuse(name, [found])
    names = [name] if name else list(found.structures)
    every = {each: found.to_json_schema(each) if form == "json-schema" else found.structures[each] for each in names}
    return every[name] if name else every


def _having(name: str, api: str | None, version: str | None, folder: Path | None) -> Contract:
    """Return the contract that the options name; where they name none, the one of the folder that has ``name``.

    Without ``folder`` it is that of the ini option ``adyen_contracts``.
    """
    given = folder or settings_of_ini("adyen_contracts").contracts
    own = () if api or version or given is None else apis_in(given).all_own
    found = [each for each in own if _has(each, name)]
    if len(found) == 1:
        return found[0]
    if len(found) > 1:
        raise ContractError(f"{name!r} is in {', '.join(each.name for each in found)}; say which with --api")
    folder = folder or _folder_of_ini(api, version)
    chosen_one = load_contract(chosen(api, version, folder), folder)
    if not _has(chosen_one, name):
        _refuse(name, (*own, chosen_one))
    return chosen_one


def _has(contract: Contract, name: str) -> bool:
    return contract.has_webhook(name) or name in contract.structures


def _refuse(name: str, contracts: Sequence[Contract]) -> NoReturn:
    """Raise :class:`ContractError` for a ``name`` that none of ``contracts`` has, with those that are alike."""
    there = sorted({known for each in contracts for known in (*each.structures, *each.webhooks)})
    alike = get_close_matches(name, there, 3)
    meant = f"did you mean {' or '.join(alike)}? " if alike else ""
    where = ", ".join(dict.fromkeys(each.short_name for each in contracts))
    raise ContractError(
        f"no structure or webhook {name!r} in {where}; {meant}adyen-creds contract list shows the names; for those of "
        "another contract name its folder with --contracts or in the ini option adyen_contracts, and make it with "
        "adyen-creds contract import"
    )


@contract.command()
@folder_option
@_api_option
@_format_option
@click.argument("name", shell_complete=_structures)
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.pass_context
def validate(
    context: click.Context,
    api: str | None,
    api_version: str | None,
    folder: Path | None,
    form: str,
    name: str,
    file: Path,
) -> None:
    """Judge the JSON body in FILE (- for standard input) by the structure NAME, or as the webhook NAME.

    \b
    adyen-creds contract validate MeApiCredential body.json
    adyen-creds contract validate balancePlatform.transfer.created webhook.json --contracts contracts
    """
    found = _having(name, api, api_version, folder)
    violations = found.validate(found.body_of(name), read_json(file))
    if form == "json":
        click.echo(json.dumps([violation.to_json() for violation in violations], indent=2))
    else:
        for violation in violations:
            click.echo(printed(violation.message))
        click.echo(printed(f"{file}: {_count(len(violations), 'violation')} of {name} ({found.short_name})"))
    context.exit(1 if violations else 0)


@contract.command()
@contract_option
@_format_option
def deviations(api: str, folder: Path | None, form: str) -> None:
    """List what the platform is known to answer otherwise than the contract says, each with its evidence.

    They are part of every judgement, unless it is strict (pytest --adyen-strict, drift … --strict).

    \b
    adyen-creds contract deviations
    adyen-creds contract deviations --format json
    """
    entries = load_contract(api, folder).known_deviations.entries
    if form == "json":
        click.echo(json.dumps([entry.to_json() for entry in entries], indent=2, ensure_ascii=False))
        return
    for entry in entries:
        statuses = ", ".join(map(str, entry.statuses)) if entry.statuses else "any status"
        operations = ", ".join(entry.operations) if entry.operations else "any operation"
        click.echo(printed(f"{entry.id}  {entry.location or ''}  [{statuses}; {operations}]"))
        click.echo(printed(f"    {entry.reason}"))
        for each in entry.evidence:
            click.echo(printed(f"    seen: {each}"))
    click.echo(f"{counted(len(entries), 'known deviation')} ({api})")


@contract.command()
@click.argument("folder", type=click.Path(path_type=Path), required=False)
@click.option("--api", metavar="NAME", help="Only this API, like checkout.  [default: all]")
@click.option("--api-version", metavar="vN", help="Only this version.  [default: all]")
@click.pass_context
def lint(context: click.Context, folder: Path | None, api: str | None, api_version: str | None) -> None:
    """Check the documents in FOLDER with the official validator and the compiler.

    Without FOLDER: those in the folder of the ini option adyen_contracts, else the bundled ones.
    """
    folder = folder or settings_of_ini("adyen_contracts").contracts or bundled("contracts")
    there = contracts_in(folder)
    versions = [
        name
        for name in there
        if api_version in (None, name.rpartition("/")[2]) and api in (None, name, name.rpartition("/")[0])
    ]
    if not versions:
        wanted = "/".join(filter(None, (api, api_version or "VERSION")))
        raise ContractError(f"{folder}: no {wanted}/openapi.yaml there; name a contract's folder")
    problems = dict.fromkeys(line for version in versions for line in _problems(folder, version))
    for line in problems:
        click.echo(printed(line.replace(f"{Path.cwd()}{os.sep}", "")))
    click.echo(f"{', '.join(versions)}: {_count(len(problems), 'problem')}")
    context.exit(1 if problems else 0)


def _problems(folder: Path, version: str) -> Iterator[str]:
    """Yield one line for each error and each warning in the contract ``version`` below ``folder``.

    What another version extends is read for each of them, and said in the same words. The validator sees each document
    with its imports and its extended keywords switched on. Raises :class:`FileRefused` and :class:`ContractError` for a
    contract that cannot be read at all.
    """
    from json_structure import SchemaValidator

    folder = folder.resolve()
    path = openapi_of(folder, version)
    assert path is not None
    _, paths = read_openapi(path)
    files = [file for path in paths for file in sorted((path.parent / "structures").glob(f"*{SUFFIX}"))]
    sources = {file: read_json(file) for file in files}
    by_id = {source.get("$id"): source for source in sources.values() if isinstance(source, dict)}
    for file, source in sources.items():
        others = [copy.deepcopy(by_id[each]) for each in _imported(source, by_id) if each != source["$id"]]
        try:
            validator = SchemaValidator(allow_import=True, extended=True, external_schemas=others)
            problems = [*validator.validate(copy.deepcopy(source)), *validator.warnings]
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
            problems = [f"the official validator cannot read it ({type(error).__name__}: {error})"]
        for problem in problems:
            yield f"{file}: {problem}"
    try:
        contract = load_contract(version, folder)
        contract.to_openapi()
    except ContractError as error:
        yield str(error)
        return
    if not contract.operations and not contract.webhooks:
        yield f"{paths[0]}#/paths: there is no operation and no webhook; describe what the API takes and answers"
    if folder == bundled("contracts").resolve():  # the sandbox asks for what an operation of its own says of roles
        for label, operation in contract.operations.items():
            if not operation.roles:
                yield (
                    f"{paths[-1]}: {label} has no {ROLES}; name the roles that it asks for, such as "
                    f"'{ROLES}: {{all: [Management API - API credentials read and write]}}'"
                )
    for name, document in contract.structures.items():
        for problem in SchemaValidator(extended=True).validate(copy.deepcopy(document)):
            yield f"{name}, on its own: {problem}"


def _imported(source: Any, by_id: Mapping[Any, Any]) -> list[str]:
    """Return the ids of the documents that ``source`` imports, anywhere in it, and of those that they import."""

    def named(document: Any) -> list[str]:
        values = (node.get(keyword) for node in schemas_in(document) for keyword in ("$import", "$importdefs"))
        return [each for each in values if isinstance(each, str) and each in by_id]

    return reachable(named(source), lambda id_: named(by_id[id_]))


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"
