"""The plugin of roles: a failing test's output says which role was missing, where it was refused something."""

from __future__ import annotations

from collections.abc import Callable, Generator

import pytest

from pytest_adyen_creds.roles.layer import RolesLayer
from pytest_adyen_creds.secrets import SECRETS

SECTION = "Adyen: refused for want of a role"


class RolesPlugin:
    """Adds to a failing test's report what was refused to it; ``layer`` returns what saw it, if anything did."""

    def __init__(self, layer: Callable[[], RolesLayer | None]) -> None:
        self._layer = layer
        self._shown: dict[str, int] = {}
        """By test, how much of what was refused to it has been said."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Explain what was refused, once."""
        report = yield
        layer = self._layer()
        if layer is None:
            return report
        if not report.passed or hasattr(report, "wasxfail"):  # it may not have called everything
            layer.seen.failed.add(item.nodeid)
        if report.failed:
            told = layer.refusals.get(item.nodeid, [])
            if further := told[self._shown.get(item.nodeid, 0) :]:
                self._shown[item.nodeid] = len(told)
                report.sections.append((SECTION, SECRETS.mask("\n".join(further))))
        if report.when == "teardown":  # another plugin may run the test once more
            layer.refusals.pop(item.nodeid, None)
            self._shown.pop(item.nodeid, None)
        return report
