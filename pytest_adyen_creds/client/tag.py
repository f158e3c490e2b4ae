"""The tag: the text in a credential's description by which any machine knows a throwaway and when it expires."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

TIME_TO_LIVE: Final = timedelta(hours=2)
"""After this, anyone may switch a throwaway off; a run that goes on longer renews its tags."""

SKEW: Final = timedelta(minutes=5)
"""How far a machine's clock may be from the server's: tags say by the clock when a throwaway expires."""

_ALPHABET: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_TAG: Final = re.compile(r"pytest-adyen-creds ([0-9a-z]{8}) exp ([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2})Z")


@dataclass(frozen=True)
class Tag:
    """What a tagged description says: the run that wrote it, and the minute (UTC) at which the throwaway expires."""

    run: str
    expires: datetime

    def is_expired(self, now: datetime) -> bool:
        """Return whether the throwaway may be swept at ``now``."""
        return now >= self.expires


def new_run() -> str:
    """Return a new run id: 8 of the characters ``0-9a-z``, at random."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(8))


def make(run: str, expires: datetime) -> str:
    """Return the description of a throwaway: ``pytest-adyen-creds RUN8 exp YYYY-MM-DDTHH:MMZ``, 49 characters.

    ``run`` has 8 of the characters ``0-9a-z``; ``expires`` is aware and is rounded up to the minute, so that a tag
    never expires early. Raises ValueError for anything else.
    """
    if not re.fullmatch(r"[0-9a-z]{8}", run):
        raise ValueError("a run id has 8 of the characters 0-9a-z")
    if expires.tzinfo is None:
        raise ValueError("the expiry needs a time zone")
    utc = expires.astimezone(UTC)
    if utc.second or utc.microsecond:
        utc = utc.replace(second=0, microsecond=0) + timedelta(minutes=1)
    # isoformat, because what strftime makes of a year below 1000 depends on the platform
    return f"pytest-adyen-creds {run} exp {utc.replace(tzinfo=None).isoformat(timespec='minutes')}Z"


def released(run: str, now: datetime) -> str:
    """Return the description of a throwaway of ``run`` whose time is over at ``now``, so that it can be recycled."""
    return make(run, now.replace(second=0, microsecond=0))


def run_of(description: object) -> str | None:
    """Return the run that wrote the tag that ``description`` is; None where it is none."""
    parsed = parse(description)
    return None if parsed is None else parsed.run


def parse(description: object) -> Tag | None:
    """Return the tag that ``description`` is, or None: nothing before it, nothing after it, and a minute that exists.

    A description that is merely like a tag belongs to someone else, and is never touched.
    """
    match = _TAG.fullmatch(description) if isinstance(description, str) else None
    if match is None:
        return None
    try:
        expires = datetime.strptime(match[2], "%Y-%m-%dT%H:%M").replace(tzinfo=UTC)
    except ValueError:
        return None
    return Tag(match[1], expires)
