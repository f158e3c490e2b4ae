"""Drift: findings in answers, in specifications and in recordings.

:func:`compare` compares two OpenAPI documents; an :class:`Aggregate` adds up what answers showed. What a finding is,
what an answer is held to, and what is accepted, is the contract's: see :mod:`pytest_adyen_creds.contract`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pytest_adyen_creds.drift.aggregate import Aggregate
    from pytest_adyen_creds.drift.specification import compare

__all__ = ["Aggregate", "compare"]

_MODULES: Final = {"Aggregate": "aggregate", "compare": "specification"}


def __getattr__(name: str) -> Any:
    # a test run that finds no drift needs none of this
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
