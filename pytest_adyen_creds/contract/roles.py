"""Roles: what an operation asks for of them, as its contract says, and whether somebody holds enough."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pytest_adyen_creds.text import normalised


@dataclass(frozen=True, slots=True)
class Demand:
    """What one operation asks for: ``every`` role of these, one of each set of ``choices``.

    ``starts`` are beginnings of names: for each, any role that begins so will do.
    """

    every: tuple[str, ...] = ()
    choices: tuple[tuple[str, ...], ...] = ()
    starts: tuple[str, ...] = ()

    @classmethod
    def of(cls, roles: Mapping[str, Any]) -> Demand:
        """Return what ``x-adyen-roles`` says."""
        one, start = roles.get("one"), roles.get("any")
        return cls(tuple(roles.get("all", ())), (tuple(one),) if one else (), (start,) if start else ())

    def is_met(self, roles: Iterable[str]) -> bool:
        """Return whether ``roles`` suffice."""
        return not self.missing(roles)

    def missing(self, roles: Iterable[str]) -> str:
        """Return in words what ``roles`` lack; empty where they suffice."""
        held = _normalised(tuple(roles))
        lacking = [role for role in self.every if normalised(role) not in held]
        lacking += [
            f"one of {', '.join(one)}" for one in self.choices if not any(normalised(role) in held for role in one)
        ]
        lacking += [
            f"any role that begins with {start!r}"
            for start in self.starts
            if not any(role.startswith(normalised(start)) for role in held)
        ]
        return "; ".join(lacking)


def holds(roles: Iterable[str], wanted: str) -> bool:
    """Return whether ``wanted`` is among ``roles``, whatever its spelling."""
    return normalised(wanted) in _normalised(tuple(roles))


@lru_cache(maxsize=256)  # a caller has many, the same at each request
def _normalised(roles: tuple[str, ...]) -> frozenset[str]:
    return frozenset(map(normalised, roles))
