"""Targets: which operation a method and a path name, read so that no server can read them otherwise."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

Level = Literal["company", "merchant", "me"]
Action = Literal["credentials", "credential", "origins", "origin", "generateApiKey", "generateClientKey"]

# Unreserved characters only, not starting with a dot: nothing that is decoded, normalised or split on the way.
ITEM: Final = r"[A-Za-z0-9_~-][A-Za-z0-9._~-]*"
_PATH: Final = re.compile(
    rf"/v[13]/(?:"
    rf"(?P<level>companies|merchants)/(?P<account>{ITEM})/apiCredentials(?:/(?P<credential>{ITEM}))?|(?P<me>me))"
    rf"(?P<rest>/allowedOrigins(?:/(?P<origin>{ITEM}))?|/generateApiKey|/generateClientKey)?"
)
_CHANGES: Final = frozenset(
    {
        ("POST", "credentials"),
        ("PATCH", "credential"),
        ("POST", "origins"),
        ("DELETE", "origin"),
        ("POST", "generateApiKey"),
        ("POST", "generateClientKey"),
    }
)


@dataclass(frozen=True)
class Target:
    """What a path of the Management API names."""

    level: Level
    action: Action
    account: str | None
    credential: str | None
    origin: str | None

    def takes(self, method: str) -> bool:
        """Return whether ``method`` changes something here by a documented operation."""
        if self.level == "me" and self.action in ("credential", "generateApiKey"):
            return False
        return (method, self.action) in _CHANGES


def read_target(raw_path: bytes) -> Target | None:
    """Return what the path names, as it goes over the wire (query and all); None for any but its canonical spelling.

    Percent-encodings, dot segments, empty segments, other capitals and a trailing slash are not canonical: two servers
    may read them differently, so nothing that changes may be sent to them.
    """
    path = raw_path.partition(b"?")[0].decode("ascii", "replace")
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    rest, action = match["rest"], None
    if rest is None:
        action = "credential" if match["credential"] or match["me"] else "credentials"
    elif not (match["credential"] or match["me"]):
        return None
    else:
        action = {"/generateApiKey": "generateApiKey", "/generateClientKey": "generateClientKey"}.get(rest)
        action = action or ("origin" if match["origin"] else "origins")
    level: Level = "me" if match["me"] else "company" if match["level"] == "companies" else "merchant"
    return Target(level, action, match["account"], match["credential"], match["origin"])  # type: ignore[arg-type]
