"""The roles that an operation asks for, read from its description: an API key's scheme has no place for them."""

from __future__ import annotations

import re
from typing import Any, Final

ROLES: Final = "x-adyen-roles"
"""In an operation: ``{"all": […]}``, ``{"one": […]}``, or ``{"any": "Management API"}``: how a role's name begins."""

_LISTED: Final = re.compile(
    r"must have (?P<one>one of )?(?:the following|these|this)\s+(?:\[roles?\]\([^)]*\)|roles?)[^\n:]*:?\s*\n*"
    r"(?P<roles>(?:[ \t]*[*-][ \t]+[^\n]+\n?)+)",
    re.IGNORECASE,
)
_ANY: Final = re.compile(r"any of the (?P<start>[A-Z][A-Za-z ]+?) roles", re.IGNORECASE)
_ASKS: Final = re.compile(
    r"\broles?\]?\(?.{0,120}(?:must|need|require)|(?:must|need|require).{0,160}\brole", re.IGNORECASE | re.DOTALL
)


def roles_in(description: Any) -> dict[str, Any] | None:
    """Return the roles that a description says an operation asks for, as :data:`ROLES` has them.

    Empty where it speaks of roles that are needed and is not understood; None where it does not speak of them.
    """
    if not isinstance(description, str):
        return None
    if found := _LISTED.search(description):
        roles = [re.sub(r"[*_`]", "", line).strip(" \t-.") for line in found["roles"].splitlines()]
        roles = [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", role) for role in roles if role]
        return {"one" if found["one"] else "all": roles}
    if found := _ANY.search(description):
        return {"any": found["start"]}
    return {} if _ASKS.search(description) else None
