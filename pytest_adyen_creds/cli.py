"""``adyen-creds``: the command. Exit status 0 is clean, 1 is findings, 2 is could not run."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Final

import click

from pytest_adyen_creds import __version__
from pytest_adyen_creds.errors import AdyenCredsError

_COMMANDS: Final = {
    "check": ("pytest_adyen_creds.checks.commands", "Replay the bundled cassettes through every check."),
    "contract": ("pytest_adyen_creds.contract.commands", "The contract: list, export, validate, lint."),
    "drift": ("pytest_adyen_creds.drift.commands", "Drift in specifications, answers and recordings."),
    "sandbox": ("pytest_adyen_creds.sandbox.commands", "The embedded Management API: serve it, or list what it does."),
}
"""Each command's module and what it is for: a module is imported when its command is used."""


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(import_module(_COMMANDS[cmd_name][0]), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="adyen-creds")
def adyen_creds() -> None:
    """Contract checks, drift and throwaway credentials for Adyen's Management API.

    Exit status: 0 clean, 1 findings, 2 could not run.
    """


def main(arguments: list[str] | None = None) -> int:
    """Run the command line ``arguments`` (default: the process's) and return the exit status.

    A user's mistake is one line on standard error and status 2, never a traceback.
    """
    try:
        status = adyen_creds.main(args=arguments, prog_name="adyen-creds", standalone_mode=False)
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.Abort:
        return _say("interrupted")
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        hint = f"; see '{context.command_path} --help'" if context is not None else ""
        return _say(" ".join(error.format_message().split()) + hint)
    except AdyenCredsError as error:
        return _say(str(error))
    except BrokenPipeError:
        sys.stdout = None
        return 0
    return status if isinstance(status, int) else 0


def _say(message: str) -> int:
    from pytest_adyen_creds.secrets import SECRETS

    click.echo(f"adyen-creds: {SECRETS.mask(message)}", err=True)
    return 2
