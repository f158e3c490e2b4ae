"""pytest-xdist: its undocumented parts that this package uses. It need not be installed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pytest

_NAME: Final = "adyen_creds"


def has_workers(config: pytest.Config) -> bool:
    """Tell whether this process is the controller of workers, which run the tests."""
    return bool(config.pluginmanager.has_plugin("dsession"))


def is_distributed(config: pytest.Config) -> bool:
    """Tell, as soon as the command line is read, whether workers will run the tests."""
    return bool(getattr(config.option, "tx", None)) and getattr(config.option, "dist", "no") != "no"


def share_of(config: pytest.Config) -> int:
    """Return how many processes run the tests."""
    return int(getattr(config, "workerinput", {}).get("workercount", 1))


def hand_over(config: pytest.Config, results: Mapping[str, Any]) -> None:
    """Give the results of this worker, plain data, to the controller when the worker ends."""
    config.workeroutput[_NAME] = results  # type: ignore[attr-defined]


def tell_worker(node: Any, told: Mapping[str, str]) -> None:
    """Give a worker that is to start plain data, on the way that its arguments take."""
    node.workerinput[_NAME] = dict(told)


def told_by_controller(config: pytest.Config) -> dict[str, str] | None:
    """Return, once, what the controller gave this worker; None in every other process."""
    told: dict[str, str] | None = getattr(config, "workerinput", {}).pop(_NAME, None)
    return told


def results_of(node: Any) -> dict[str, Any] | None:
    """Return what a worker that has ended handed over; None where it crashed before."""
    results: dict[str, Any] | None = getattr(node, "workeroutput", {}).get(_NAME)
    return results


def name_of(node: Any) -> str:
    """Return the name of a worker: ``gw0``, say."""
    return getattr(getattr(node, "gateway", None), "id", "a worker")
