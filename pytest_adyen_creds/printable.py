"""Printable text: what answers and files of others hold, as a terminal and the log of a CI job may show it."""

from __future__ import annotations

import re
from typing import Final

_COMMAND: Final = re.compile(r"^( *:)(?=:)|#(?=#\[)")


def plain(text: str) -> str:
    """Return ``text`` as one line without what a terminal would act on: all that is not printable is escaped."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def counted(number: int, noun: str) -> str:
    """Return ``number`` of ``noun`` in words: ``1 answer``, ``3 answers``, ``2 properties``."""
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun[:-1]}ies" if noun.endswith("ty") else f"{number} {noun}s"


def printed(text: str) -> str:
    """Return ``text`` as a line of output that a CI job takes for text, too.

    GitHub's runner takes a line for a command where it begins with ``::``, spaces left out, and, for its older
    commands, where ``##[`` stands anywhere in it: these come out as ``: :`` and ``# #[``.
    """
    return _COMMAND.sub(r"\g<0> ", plain(text))
