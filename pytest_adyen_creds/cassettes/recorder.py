"""The recorder: a pytest plugin that writes a test's recording once it has passed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from typing import TYPE_CHECKING, Final

import pytest

from pytest_adyen_creds.compat.pytest import fixture_names, set_up_first

if TYPE_CHECKING:
    from pytest_adyen_creds.cassettes.modes import Session
    from pytest_adyen_creds.sandbox import Sandbox

TALKING: Final = frozenset(
    {
        "adyen_async_client",
        "adyen_balance_platform_credential",
        "adyen_client",
        "adyen_credential",
        "adyen_credentials",
        "adyen_lem_credential",
        "adyen_management",
        "adyen_sandbox",
        "adyen_sdk",
        "adyen_traffic",
    }
)
"""The fixtures that talk to Adyen: the traffic of a test that uses one is answered by the backend in use."""

_TRAFFIC: Final = pytest.StashKey["Session"]()
_UNFINISHED: Final = pytest.StashKey[bool]()
_ASKED: Final = pytest.StashKey["Asked"]()


def prepare(item: pytest.Item) -> None:
    """Have the traffic of ``item`` answered before anything else of it begins, where it uses the plugin."""
    if not TALKING.isdisjoint(fixture_names(item)):
        set_up_first(item, "adyen_traffic")


def attach(item: pytest.Item, traffic: Session) -> None:
    """Keep ``traffic`` until ``item`` has ended."""
    item.stash[_TRAFFIC] = traffic
    item.stash[_UNFINISHED] = True
    if traffic.sandbox is not None:
        item.stash[_ASKED] = Asked(traffic.sandbox)


class Asked:
    """What a test asks its sandbox: all that comes in the journal after the number ``since``."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.begin_anew()

    def begin_anew(self) -> None:
        """Leave out what was asked up to now."""
        newest = self.sandbox.app.journal.after(0, most=1)
        self.since = newest[0].number if newest else 0


def asked_by(item: pytest.Item) -> Asked | None:
    """Return what ``item`` asks its sandbox, until it has ended; None where none answers it."""
    return item.stash.get(_ASKED, None)


def forget_asked(item: pytest.Item) -> None:
    """Let go of the sandbox of ``item``, which has ended."""
    if _ASKED in item.stash:
        del item.stash[_ASKED]


class Recorder:
    """Writes recordings.

    ``kept`` is where to count those that were ``written``, and those that were not because the test ``failed``.
    """

    def __init__(self, kept: Counter[str]) -> None:
        self._kept = kept

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Note whether the test passed."""
        report = yield
        if report.when == "call" and _TRAFFIC in item.stash:
            item.stash[_UNFINISHED] = not report.passed
        return report

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, None, None]:
        """After a test that passed, its teardown included: write its recording, or say what it asked for in vain."""
        yield
        traffic = item.stash.get(_TRAFFIC, None)
        if traffic is not None:
            del item.stash[_TRAFFIC]
            if not item.stash[_UNFINISHED]:
                traffic.check()
                self._kept["written"] += traffic.save()
            elif traffic.recording is not None:
                self._kept["failed"] += 1
