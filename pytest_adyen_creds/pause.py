"""The pause: after a failed test its sandbox stays open at a URL until Enter is pressed."""

from __future__ import annotations

import os
import select
import sys
from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_adyen_creds.cassettes.recorder import asked_by
from pytest_adyen_creds.compat.pytest import has_terminal, stop_timer, uncaptured, write_line
from pytest_adyen_creds.compat.xdist import is_distributed
from pytest_adyen_creds.errors import SandboxError, SettingsError, in_words
from pytest_adyen_creds.secrets import SECRETS
from pytest_adyen_creds.text import printed

if TYPE_CHECKING:
    from pytest_adyen_creds.sandbox import Sandbox

_LOOK: Final = 0.2
"""Seconds from one look for Enter to the next."""
_ELSE: Final = "or leave --adyen-pause (ini adyen_pause) out"


def check_pause(config: pytest.Config) -> None:
    """Raise :class:`SettingsError` where nobody could end a pause: it would last for ever."""
    if is_distributed(config):
        raise SettingsError(f"--adyen-pause waits for a person, and xdist's workers have none: add -n 0, {_ELSE}")
    if os.environ.get("CI", "") not in ("", "false"):
        raise SettingsError(
            f"--adyen-pause waits for a person, and the variable CI says that there is none: unset it, {_ELSE}"
        )
    if not has_terminal(config):
        raise SettingsError(
            "--adyen-pause waits for Enter, and standard input is no terminal, or pytest writes to none: "
            f"run it in a terminal, {_ELSE}"
        )


class PausePlugin:
    """Stops the run after a failed test, while its fixtures are there, and goes on at Enter or at the end of input.

    With ``--pdb`` the debugger comes afterwards.
    """

    @pytest.hookimpl(tryfirst=True)
    def pytest_exception_interact(self, node: pytest.Item | pytest.Collector, report: Any) -> None:
        """Pause, where the test has failed in its set-up or in its call, and a sandbox answers it."""
        if not isinstance(node, pytest.Item) or getattr(report, "when", None) not in ("setup", "call"):
            return
        asked = asked_by(node)
        if asked is None:
            return
        stop_timer(node)
        with uncaptured(node.config):
            self._pause(node, report, asked.sandbox)
        asked.begin_anew()  # what a person asked meanwhile is not the test's

    def _pause(self, item: pytest.Item, report: pytest.TestReport, sandbox: Sandbox) -> None:
        from pytest_adyen_creds.pages import Pages
        from pytest_adyen_creds.sandbox.server import Server

        def say(text: str) -> None:
            write_line(item.config, printed(SECRETS.mask(text)), bold=True)

        try:
            server = Server(Pages(sandbox))
        except (OSError, RuntimeError, SandboxError) as error:  # pytest-socket, say, lets nobody have one
            say(f"adyen: the sandbox of {item.nodeid} cannot be opened ({in_words(error)}): allow this run loopback")
            return
        with server:
            say(f"adyen: paused: {item.nodeid} failed" + _why(report))
            say(f"adyen: its sandbox is open at {server.url}/ - press Enter to go on, Ctrl+C to end the run")
            _wait_for_enter()


def _wait_for_enter() -> None:
    # a signal that comes just before a read begins does not end it: it is seen between two looks
    while sys.platform != "win32" and not select.select([sys.stdin], [], [], _LOOK)[0]:
        pass
    sys.stdin.readline()


def _why(report: pytest.TestReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    message = str(getattr(crash, "message", "")) or report.longreprtext
    return f": {message.strip().splitlines()[0]}" if message.strip() else ""
