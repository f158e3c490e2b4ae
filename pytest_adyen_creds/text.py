"""Text of others as this package shows and compares it: printable lines, segments of JSON Pointers, names of roles."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

_COMMAND: Final = re.compile(r"^( *:)(?=:)|#(?=#\[)")
_DASH_OR_SPACE: Final = re.compile(r"[\u2010-\u2015\u2212\s-]+")


def plain(text: str) -> str:
    """Return ``text`` as one line without what a terminal would act on: all that is not printable is escaped."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def printed(text: str) -> str:
    """Return ``text`` as a line of output that a CI job takes for text, too.

    GitHub's runner takes a line for a command where it begins with ``::``, spaces left out, and, for its older
    commands, where ``##[`` stands anywhere in it: these come out as ``: :`` and ``# #[``.
    """
    return _COMMAND.sub(r"\g<0> ", plain(text))


def counted(number: int, noun: str) -> str:
    """Return ``number`` of ``noun`` in words: ``1 answer``, ``3 answers``, ``2 properties``, ``2 entries``."""
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun[:-1]}ies" if noun.endswith(("ty", "try")) else f"{number} {noun}s"


def some_of(names: Sequence[str], most: int) -> str:
    """Return the first ``most`` of some names, and how many there are besides: ``a, b and 3 more``."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"


def escape_pointer(name: str) -> str:
    """Return ``name`` as a segment of a JSON Pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


def unescape_pointer(segment: str) -> str:
    """Return the name that a segment of a JSON Pointer, or several of them, stands for."""
    return segment.replace("~1", "/").replace("~0", "~")


def pointer_parts(pointer: str) -> list[str]:
    """Return the names that a JSON Pointer leads through."""
    return [unescape_pointer(segment) for segment in pointer.split("/")[1:]]


@lru_cache(maxsize=1024)
def normalised(role: str) -> str:
    """Return the name of a role in the form in which spellings compare: without dashes, spaces and capitals.

    Adyen's own documents and answers spell the same role with an em dash, a spaced em dash and a spaced hyphen, and
    "read and write" also with capitals, in one list of roles even.
    """
    return _DASH_OR_SPACE.sub("", role).casefold()
