"""The tag by which any machine knows a throwaway; it is defined below this room, where the ownership guard reads it."""

from __future__ import annotations

from pytest_adyen_creds.management.tag import (
    LONGEST_DESCRIPTION,
    SKEW,
    TIME_TO_LIVE,
    Tag,
    make,
    new_run,
    parse,
    released,
    run_of,
)

__all__ = [
    "LONGEST_DESCRIPTION",
    "SKEW",
    "TIME_TO_LIVE",
    "Tag",
    "make",
    "new_run",
    "parse",
    "released",
    "run_of",
]
