"""``adyen-creds``: the command. Exit status 0 is clean, 1 is findings, 2 is could not run."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from difflib import get_close_matches
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from typing import Final, Literal

import click

from pytest_adyen_creds.errors import AdyenCredsError
from pytest_adyen_creds.project import __version__
from pytest_adyen_creds.text import plain

_COMMANDS: Final = {
    "check": ("pytest_adyen_creds.cli", "Replay the bundled cassettes through every check."),
    "cassettes": (
        "pytest_adyen_creds.cassettes.commands",
        "Check recordings, and scrub other tools' ones; rules for scanners.",
    ),
    "contract": ("pytest_adyen_creds.contract.commands", "The contract: list, export, validate, lint."),
    "drift": ("pytest_adyen_creds.drift.commands", "Drift in specifications, answers and recordings."),
    "init": ("pytest_adyen_creds.init.commands", "Set up a project: ini lines, a first test, a workflow, a hook."),
    "doctor": ("pytest_adyen_creds.credentials.commands", "What keeps a live run from starting, and how to mend it."),
    "roles": ("pytest_adyen_creds.roles.commands", "The roles that a suite needs: merged of several runs, and proven."),
    "sandbox": ("pytest_adyen_creds.sandbox.commands", "The embedded Management API: serve it, or list what it does."),
    "sweep": ("pytest_adyen_creds.credentials.commands", "Deactivate throwaways that expired or were left behind."),
}
"""Each command's module and what it is for: a module is imported when its command is used."""

_READER_GONE: Final = 141
"""Exit status where nobody reads the output any more: 128 and SIGPIPE's number, as the shell has it."""


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(import_module(_COMMANDS[cmd_name][0]), cmd_name)
        if cmd_name == "sandbox" and isinstance(command, click.Group):  # which knows nothing of recordings
            command.add_command(import_module("pytest_adyen_creds.cassettes.commands").compare)
            # and nothing of pages
            command.context_settings = {"obj": lambda served: import_module("pytest_adyen_creds.pages").Pages(served)}
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        # click looks for names alike among commands that are there already, and these are imported when they are used
        if args[0] not in _COMMANDS and (alike := get_close_matches(args[0], _COMMANDS, 1)):
            ctx.fail(f"No such command {args[0]!r}. Did you mean {alike[0]!r}?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="adyen-creds")
def adyen_creds() -> None:
    """Contract checks, drift and throwaway credentials for Adyen's Management API.

    \b
    adyen-creds init                          ini lines, a first test, a workflow and a hook for a project
    adyen-creds check                         the contract suite over its recordings, offline
    adyen-creds drift spec                    what Adyen publishes against the contract
    adyen-creds cassettes check tests         secrets, age, orphans and unsafe files in recordings
    adyen-creds sandbox serve --port 8080     the embedded API over HTTP
    adyen-creds doctor                        what keeps a live run from starting

    Exit status: 0 clean, 1 findings, 2 could not run.

    \b
    Completion, for ~/.bashrc (or with zsh_source, fish_source for those shells):
    eval "$(_ADYEN_CREDS_COMPLETE=bash_source adyen-creds)"
    """


@click.command()
@click.option(
    "--api-version", type=click.Choice(["v3", "v1"]), default="v3", show_default=True, help="Version of the API."
)
@click.option(
    "--contracts", type=click.Path(path_type=Path), help="Folder of a contract of your own.  [default: the bundled one]"
)
@click.option(
    "--cassettes",
    type=click.Path(path_type=Path),
    help="Folder of the suite's cassettes (VERSION/*.yaml).  [default: ./cassettes/management, else the bundled ones]",
)
@click.option("--baseline", type=click.Path(path_type=Path), help="Accepted drift (TOML): it does not fail.")
@click.option(
    "--report",
    "reports",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Write a report in the form that its suffix names, such as .html, .json or .sarif; may be repeated.",
)
@click.option("-q", "--quiet", is_flag=True, help="No table: only the summary and what failed.")
@click.option("-v", "--verbose", is_flag=True, help="Each finding's place, and examples.")
def check(
    api_version: Literal["v3", "v1"],
    contracts: Path | None,
    cassettes: Path | None,
    baseline: Path | None,
    reports: tuple[Path, ...],
    quiet: bool,
    verbose: bool,
) -> int:
    """Replay the contract suite's cassettes through every check, and print coverage, failures and drift.

    \b
    adyen-creds check
    adyen-creds check --api-version v1 --quiet
    adyen-creds check --report report.html --report findings.json
    """
    from pytest_adyen_creds.checks.suite import Suite
    from pytest_adyen_creds.reports.session_finish import finish_command
    from pytest_adyen_creds.settings import Settings
    from pytest_adyen_creds.state import results_for

    if cassettes is not None and not cassettes.is_dir():
        raise click.UsageError(f"--cassettes {cassettes}: no such folder; name the one that holds VERSION/*.yaml")
    settings = Settings(
        backend="replay",
        api_version=api_version,
        contracts=contracts,
        cassettes=cassettes,
        drift="fail",
        drift_baseline=baseline,
        reports=reports,
    )
    results = results_for(settings, Path.cwd())
    Suite(results).check_all()
    return finish_command(results, table=not quiet, examples=verbose)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line ``arguments`` (default: the process's) and return the exit status.

    A user's mistake is one line on standard error and status 2, never a traceback; so is an output that cannot be
    written. Where a command is missing, its group's help is on standard error. Where nobody reads the output any more,
    the status is 141, without a word. What the output's encoding lacks is written as an escape.
    """
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        words = sys.argv[1:] if arguments is None else list(arguments)
        _check_words(words)
        # a command can say how it is given anew
        status = adyen_creds.main(args=arguments, prog_name="adyen-creds", standalone_mode=False, obj=words)
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.Abort:
        return _say("interrupted")
    except click.ClickException as error:
        return _refuse(error)
    except (AdyenCredsError, OSError) as error:
        return _say(_unwritten(error) if isinstance(error, OSError) else str(error))
    except SystemExit as ended:
        if ended.code != 1:  # the shell's completion
            raise
        return _READER_GONE  # what click makes of a broken pipe
    return status if isinstance(status, int) else 0


def _check_words(arguments: list[str]) -> None:
    for number, argument in enumerate(arguments, 1):
        try:
            is_sound = b"\0" not in os.fsencode(argument)
        except UnicodeEncodeError:
            is_sound = False
        if not is_sound:
            raise click.UsageError(f"argument {number} ({argument[:40]}) is in no encoding that can be; write it anew")


def _unwritten(error: OSError) -> str:
    try:
        sys.stdout.flush()
    except OSError:
        with suppress(OSError):  # given up, so that Python does not try once more when it ends
            sys.stdout.close()
    if error.filename:
        return f"{error.filename}: {error.strerror or error}; check the path and its rights"
    return f"the output: {error.strerror or error}; let it go where it can be written"


def _refuse(error: click.ClickException) -> int:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return error.exit_code
    message, context = " ".join(error.format_message().split()), getattr(error, "ctx", None)
    if context is not None:
        message = f"{message} See" if message.endswith("?") else f"{message.removesuffix('.')}; see"
        message = f"{message} '{context.command_path} --help'"
    return _say(message)


def _say(message: str) -> int:
    from pytest_adyen_creds.secrets import SECRETS

    click.echo(f"adyen-creds: {plain(SECRETS.mask(message))}", err=True)
    return 2


if __name__ == "__main__":
    sys.exit(main())
