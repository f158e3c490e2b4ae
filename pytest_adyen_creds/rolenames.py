"""Role names: how their spellings compare."""

from __future__ import annotations

import re
from typing import Final

_DASH_OR_SPACE: Final = re.compile(r"[\u2010-\u2015\u2212\s-]+")


def normalised(role: str) -> str:
    """Return ``role`` in the form in which spellings compare: without dashes, spaces and capitals.

    Adyen's own documents and answers spell the same role with an em dash, a spaced em dash and a spaced hyphen, and
    "read and write" also with capitals, in one list of roles even.
    """
    return _DASH_OR_SPACE.sub("", role).casefold()
