"""Wrong invocations, made from the commands' own options: each is status 2 and says so without a traceback."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from pytest_adyen_creds.cli import adyen_creds, main
from pytest_adyen_creds.options import OPTIONS


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


def mistakes() -> Iterator[tuple[str, ...]]:
    for path, command in commands(adyen_creds):
        if path == ("roles", "prove"):  # whose options are pytest's
            continue
        yield (*path, "--no-such-option")
        yield (*path, "--no-such-option=1", "and", "too", "many", "words", "for", "any", "command")
        for parameter in command.params:
            if not isinstance(parameter, click.Option):
                continue
            flag = parameter.opts[-1] if parameter.opts[-1].startswith("--") else parameter.opts[0]
            if parameter.is_flag:
                yield (*path, f"{flag}=1")
            else:
                yield (*path, flag)
                if not isinstance(parameter.type, click.Path | click.types.StringParamType):
                    yield (*path, flag, "\x00nonsense")
                if isinstance(parameter.type, click.FloatRange):
                    yield (*path, flag, "nan")


MISTAKES = list(mistakes())


def test_there_are_enough() -> None:
    assert len(set(MISTAKES)) >= 100


@pytest.mark.parametrize("arguments", MISTAKES, ids=" ".join)
def test_a_wrong_invocation_is_status_2(arguments: tuple[str, ...], capfd: pytest.CaptureFixture[str]) -> None:
    assert main(list(arguments)) == 2
    out, err = capfd.readouterr()
    assert err.startswith("adyen-creds: ")
    assert len(err.splitlines()) == 1
    assert "Traceback" not in out + err


WRONG = [
    f"{option.flag}=nonsense"
    for option in OPTIONS
    if option.flag and option.kind in ("choice", "integer", "url", "paths")
]


@pytest.mark.parametrize("argument", WRONG)
def test_a_wrong_option_of_pytest_is_a_usage_error(argument: str, pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess(argument)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
    assert argument.partition("=")[0] in result.stderr.str()
