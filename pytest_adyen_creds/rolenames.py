"""Role names: how their spellings compare."""

from __future__ import annotations

import re
from typing import Final

_DASH: Final = re.compile(r"\s*[\u2010-\u2015\u2212-]+\s*")


def normalised(role: str) -> str:
    """Return ``role`` in the form in which spellings compare: dashes, spaces and capitals alike.

    Adyen's own documents and answers spell the same role with an em dash, a spaced em dash and a spaced hyphen, and
    "read and write" also with capitals.
    """
    return " ".join(_DASH.sub(" - ", role).split()).casefold()
