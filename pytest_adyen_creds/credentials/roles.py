"""Roles: those of the Management API as data, and the presets made of them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal

from pytest_adyen_creds.errors import CredentialError
from pytest_adyen_creds.text import normalised

Preset = Literal["read-only", "write", "full-access"]

API_CREDENTIALS: Final = "Management API - API credentials read and write"
"""The role that every operation on API credentials asks for (Adyen's specification)."""

NO_MANAGEMENT_ROLE: Final = "Checkout webservice role"
"""What a credential has that is to have none of the Management API's: it has one role at least."""

_ENTITIES: Final = (
    "Accounts",
    "Android files",
    "API credentials",
    "Payment methods",
    "Payout Account Settings",
    "Stores",
    "Terminal actions",
    "Terminal settings",
    "Users",
    "Webhooks",
)

KNOWN: Final = tuple(
    f"Management API - {entity} {may}"
    for entity in _ENTITIES
    for may in ("read", "read and write")
    if (entity, may) != ("API credentials", "read")  # the one entity without a role that only reads
)
"""The names of the known roles of the Management API, by entity."""

PRESETS: Final[dict[Preset, tuple[str, ...]]] = {
    "read-only": tuple(role for role in KNOWN if role.endswith(" read")),
    "write": tuple(role for role in KNOWN if role.endswith(" write")),
    "full-access": KNOWN,
}
"""The presets, as the columns of a permission table: View, Edit, and both, for every entity.

View is an entity's "… read" role and Edit its "… read and write" role. An Adyen role that writes also reads, so a
holder of ``write`` may do what a holder of ``full-access`` may; the sets of roles differ, and are told apart.
"""


def preset_roles(name: str) -> tuple[str, ...]:
    """Return the roles of a preset; raises :class:`CredentialError` for a name that is none."""
    for preset, roles in PRESETS.items():
        if preset == name:
            return roles
    raise CredentialError(f"{name!r} is no preset; write one of {', '.join(PRESETS)}, or give roles")


def classify(roles: Iterable[str]) -> Preset | Literal["custom"]:
    """Return the name of the preset that ``roles`` are, whatever their order and spelling; else ``custom``."""
    given = tuple(roles)
    return next((preset for preset, names in PRESETS.items() if same(given, names)), "custom")


def same(one: Iterable[str], other: Iterable[str]) -> bool:
    """Return whether two sets of roles are the same, whatever their order and spelling."""
    return {normalised(role) for role in one} == {normalised(role) for role in other}


def _near(role: str, held: Mapping[str, str]) -> str | None:
    """Return the role, quoted, that a mistyped one may mean; None for a known one, and where none is near."""
    known = {normalised(item): item for item in KNOWN} | dict(held)
    wanted = normalised(role)
    near = () if wanted in known else difflib.get_close_matches(wanted, known, 1, 0.9)
    return repr(known[near[0]]) if near else None


def grantable(wanted: Sequence[str], held: Iterable[str], holder: str) -> tuple[str, ...]:
    """Return ``wanted`` in the spelling of the roles that ``holder`` has, each once.

    Only roles that the provisioning user holds can be given to others (Adyen's specification). Raises
    :class:`CredentialError` that names the role and the holder for one it does not hold, before anything is sent.
    """
    spelled = {normalised(role): role for role in held}
    missing = [role for role in wanted if normalised(role) not in spelled]
    if missing:
        names = ", ".join(repr(role) for role in missing)
        near = ", ".join(filter(None, (_near(role, spelled) for role in missing)))
        meant = f"did you mean {near}? Else " if near else ""
        raise CredentialError(
            f"{holder} cannot give the role{'s' if len(missing) > 1 else ''} {names}, because it does not hold "
            f"{'them' if len(missing) > 1 else 'it'}; nothing was sent: {meant}"
            f"add to {holder} in the Customer Area what is missing, or ask for roles that it holds"
        )
    return tuple(dict.fromkeys(spelled[normalised(role)] for role in wanted))
