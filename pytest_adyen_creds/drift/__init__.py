"""Drift: findings in answers, in specifications and in recordings.

:func:`compare` compares two OpenAPI documents; :func:`observe` holds one answer against the contract; an
:class:`Aggregate` adds findings up; a :class:`Baseline` says which are accepted.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pytest_adyen_creds.drift.aggregate import Aggregate
    from pytest_adyen_creds.drift.baseline import Baseline, read_baseline, write_baseline
    from pytest_adyen_creds.drift.finding import LEVELS, Finding, Group, Level, arrange, group
    from pytest_adyen_creds.drift.observed import Observation, observe
    from pytest_adyen_creds.drift.specification import compare

__all__ = [
    "LEVELS",
    "Aggregate",
    "Baseline",
    "Finding",
    "Group",
    "Level",
    "Observation",
    "arrange",
    "compare",
    "group",
    "observe",
    "read_baseline",
    "write_baseline",
]

_MODULES: Final = {
    "Aggregate": "aggregate",
    "Baseline": "baseline",
    "read_baseline": "baseline",
    "write_baseline": "baseline",
    "Observation": "observed",
    "observe": "observed",
    "compare": "specification",
}


def __getattr__(name: str) -> Any:
    # a test run that finds no drift needs none of this
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES.get(name, 'finding')}"), name)
