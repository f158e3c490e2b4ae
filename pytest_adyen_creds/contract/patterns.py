"""Regular expressions as jsonschema-rs reads them: ECMA 262's, matched in bounded time."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def is_pattern(pattern: str) -> bool:
    """Return whether ``pattern`` is a regular expression that can be compiled in reasonable space."""
    import jsonschema_rs

    try:
        _compiled(pattern)
    except (jsonschema_rs.ValidationError, ValueError):  # ValueError: half of a surrogate pair, which is no text
        return False
    return True


def matches(pattern: str, text: str) -> bool:
    """Return whether ``pattern`` is found in ``text``.

    Python's own engine reads other expressions, and takes exponential time over some of those that both read.
    """
    return bool(_compiled(pattern).is_valid(_SURROGATE.sub("\ufffd", text)))


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> Any:
    import jsonschema_rs

    return jsonschema_rs.Draft202012Validator({"pattern": pattern})
