"""Permissions on a page: roles by category, and presets that choose among them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from pytest_adyen_creds.text import normalised

PRESETS: Final = ("No access", "Read-only", "Write", "Full access")
"""What can be chosen at once; anything else is :data:`CUSTOM`."""
CUSTOM: Final = "Custom"

# which category a role is in is this page's choice: the first pattern that its name has
_CATEGORIES: Final[Mapping[str, str]] = {
    "Management API": "^management api",
    "Platforms": "configuration api|transfers api|session authentication|legal ?entit|partner accounts",
    "Payouts": "payout",
    "In-person payments": "pos |^psp|pos$|device|android",
    "Reports and data": "report|rss|data protection|webhook notifications",
}
_OTHERS: Final = "Payments"
_READING: Final = re.compile(r"\bread$|report download|rss feed|retrieve|cost estimation|sdk download")


@dataclass(frozen=True)
class Category:
    """One category of roles: those there are, and those that are chosen."""

    name: str
    roles: tuple[str, ...]
    chosen: frozenset[str]

    @property
    def slug(self) -> str:
        """The name as a form's field has it."""
        return re.sub(r"[^a-z]+", "-", self.name.lower()).strip("-")

    @property
    def presets(self) -> tuple[str, ...]:
        """The presets that differ in this category."""
        different = {self.of(name): name for name in reversed(PRESETS)}
        return tuple(name for name in PRESETS if name in different.values())

    @property
    def preset(self) -> str:
        """The preset that is chosen, or :data:`CUSTOM`."""
        return next((name for name in self.presets if self.of(name) == self.chosen), CUSTOM)

    def of(self, preset: str) -> frozenset[str]:
        """Return the roles that a preset chooses here."""
        return frozenset(role for role in self.roles if _belongs(role, preset))


def categories(available: Iterable[str], chosen: Collection[str]) -> list[Category]:
    """Return ``available`` roles, and those ``chosen`` besides, by category."""
    held = {normalised(role) for role in chosen}
    sorted_out: dict[str, list[str]] = {name: [] for name in (*_CATEGORIES, _OTHERS)}
    there: dict[str, str] = {}
    for role in (*available, *chosen):
        there.setdefault(normalised(role), role)
    for role in there.values():
        found = (name for name, pattern in _CATEGORIES.items() if re.search(pattern, role.lower()))
        sorted_out[next(found, _OTHERS)].append(role)
    return [
        Category(name, tuple(roles), frozenset(role for role in roles if normalised(role) in held))
        for name, roles in sorted_out.items()
        if roles
    ]


def whole_preset(shown: Iterable[Category]) -> str:
    """Return the preset that all categories have in common, or :data:`CUSTOM`."""
    there = list(shown)
    return next((name for name in PRESETS if all(each.of(name) == each.chosen for each in there)), CUSTOM)


def chosen_roles(form: Mapping[str, str], ticked: Collection[str], shown: Iterable[Category]) -> tuple[str, ...]:
    """Return the roles that a form chooses among those ``shown``, in their order.

    A preset counts where it was changed on the form, the one for all categories before that of one; else the boxes
    that are ``ticked`` do.
    """
    roles: list[str] = []
    changed = {name: value for name, value in form.items() if name.startswith("preset") and value in PRESETS}
    changed = {name: value for name, value in changed.items() if form.get(f"was-{name}") != value}
    for category in shown:
        preset = changed.get("preset") or changed.get(f"preset-{category.slug}")
        wanted = category.of(preset) if preset else set(ticked)
        roles += [role for role in category.roles if role in wanted]
    return tuple(roles)


def _belongs(role: str, preset: str) -> bool:
    if preset in ("No access", "Full access"):
        return preset == "Full access"
    return bool(_READING.search(role.lower())) == (preset == "Read-only")
