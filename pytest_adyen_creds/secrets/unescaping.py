"""Unescaped views of a text: as it stands, with wrapped lines joined, with escapes resolved; each mapped back to it."""

from __future__ import annotations

import html
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cache
from operator import itemgetter
from typing import Final, NamedTuple

_DEEPEST: Final = 3
"""How many layers are taken off: JSON within JSON within a repr is three."""

# A line's end and what tools put before the rest of a broken line: indentation, pytest's "E   " and ">   ", the rules
# of exception groups and panels, the signs of diffs; and the colours of a terminal.
_COLOUR: Final = r"\x1b\[[0-9;]*m"
# A sign at a line's end is no mark but what a broken line left alone there.
_ALONE: Final = r"[ \t]*(?:[│┃║\r\n]|\Z)"
_MARK: Final = rf"(?:(?:{_COLOUR})*(?:[│┃║]|[E>|+?-](?!{_ALONE}))(?:{_COLOUR})*|(?:{_COLOUR})+)[ \t]+"
_MARKS: Final = rf"[ \t]*+(?:{_MARK})*+(?:{_COLOUR})*+"
# The look-behind keeps a long run of spaces from being tried from each of them.
_BREAK: Final = rf"{_COLOUR}|(?:(?<![ \t])[ \t]+(?:[│┃║][ \t]*)?)?\r?\n{_MARKS}"
# Between the pieces of one string over several lines, as pprint and pytest's diffs show bytes: each in its own quotes.
_SEAM: Final = rf"[\"'](?:{_COLOUR}|[ \t])*+\r?\n{_MARKS}b?[\"']"
_PERCENT: Final = r"%[0-9a-fA-F]{2}"
_BACKSLASH: Final = (
    rf"\\[nr](?:\\n)?{_MARKS}|"
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U00[01][0-9a-fA-F]{5}|x[0-9a-fA-F]{2}"
    r"|[abftv]|[0-7]{1,3}|[^\w\s])"  # the last: what regular expressions and shells escape
)
_ENTITY: Final = r"&(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6});"
_ANY: Final = f"{_BREAK}|{_BACKSLASH}|{_PERCENT}|{_ENTITY}"
_ESCAPES: Final = (("\\", _BACKSLASH), ("%", _PERCENT), ("&", _ENTITY))
"""The kinds of escapes, each with the sign that it begins with."""
_SIGNS: Final = re.compile(rf"[\\&\n\x1b]|{_PERCENT}")
"""What each escape and each break has in it."""
_SPACE: Final = r"\s+"
_SIMPLE: Final = {"t": "\t", "b": "\b", "f": "\f", "a": "\a", "v": "\v"}

_compiled: Final = cache(re.compile)
"""A pattern, compiled where it is needed: few runs need one, and each run starts."""


class View(NamedTuple):
    """A text, and where each part of it stood in the text that it is a view of."""

    text: str
    parent: View | None = None
    pieces: Sequence[tuple[int, int, int]] = ()
    """Of each piece, in order: where it starts here and in the parent, and for a resolved escape its length there.

    That is 0 for a piece unchanged.
    """

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """Return the span of the original text that ``start`` to ``end`` of this view stands for."""
        if self.parent is None:
            return start, end
        first, last = self._at(start), self._at(end - 1)
        return self.parent.origin(first[0], last[1])

    def _at(self, index: int) -> tuple[int, int]:
        here, there, length = self.pieces[bisect_right(self.pieces, index, key=itemgetter(0)) - 1]
        start = there if length else there + index - here
        return start, start + (length or 1)


def unescaped_views(text: str, *, without_space: bool = False) -> Iterator[View]:
    """Yield the views of ``text``, itself first; ``without_space``: each once more with no white space left."""
    seen: set[str] = set()
    for view in _views(text):
        if view.text not in seen:
            seen.add(view.text)
            yield view
            if without_space and (squeezed := _resolved(view, _SPACE)):
                yield squeezed


def unescaped(value: str) -> Iterator[str]:
    """Yield what is left of ``value`` as layers of escapes are resolved, where it holds what looks like escapes."""
    return (view.text for view in _layers(View(value), _ANY)) if _SIGNS.search(value) else iter(())


def _views(text: str) -> Iterator[View]:
    itself = View(text)
    yield itself
    if not _SIGNS.search(text.rstrip()):
        return
    yield from _unescaped_joined(_resolved(itself, _BREAK) or itself)
    if "\n" in text and _compiled(_SEAM).search(text) and (whole := _resolved(itself, f"{_SEAM}|{_BREAK}")):
        yield from _unescaped_joined(whole)


def _unescaped_joined(joined: View) -> Iterator[View]:
    yield joined
    # Each kind of escape alone, and one other upon it, since a secret may hold what looks like the others; then all of
    # them at once.
    firsts = []
    for kind, view in _layers_of_kinds(joined):
        yield view
        if view.parent is joined:
            firsts.append(view)
            yield from (upon for other, upon in _layers_of_kinds(view) if other != kind)
    if firsts:
        yield from _layers(firsts[0] if len(firsts) == 1 else joined, _ANY)


def _layers_of_kinds(view: View) -> Iterator[tuple[str, View]]:
    for sign, kind in _ESCAPES:
        if sign in view.text:
            yield from ((kind, layer) for layer in _layers(view, kind))


def _layers(view: View, pattern: str) -> Iterator[View]:
    for _ in range(_DEEPEST):
        resolved = _resolved(view, pattern)
        if resolved is None:
            return
        yield resolved
        view = resolved


def _resolved(view: View, pattern: str) -> View | None:
    text, parts, pieces = view.text, [], []
    here = there = 0
    for match in _compiled(pattern).finditer(text):
        start, end = match.span()
        if start > there:
            pieces.append((here, there, 0))
            parts.append(text[there:start])
            here += start - there
        if char := _resolve(match[0]):
            pieces.append((here, start, end - start))
            parts.append(char)
            here += len(char)
        there = end
    if not there:
        return None
    if there < len(text):
        pieces.append((here, there, 0))
        parts.append(text[there:])
    return View("".join(parts), view, pieces)


def _resolve(escape: str) -> str:
    """Return the character that ``escape`` stands for, or nothing for a break."""
    if escape[0] == "%":
        # a byte each; the registry knows what UTF-8 looks like when it is read so
        return chr(int(escape[1:], 16))
    if escape[0] == "&":
        return _entity(escape)
    return _backslash(escape) if escape[0] == "\\" else ""


def _entity(escape: str) -> str:
    if escape[1] != "#":
        return html.unescape(escape)
    code = int(escape[3:-1], 16) if escape[2] in "xX" else int(escape[2:-1])
    return chr(code) if code <= 0x10FFFF else ""


def _backslash(escape: str) -> str:
    kind = escape[1]
    if kind in "nr":
        return ""
    if kind in _SIMPLE:
        return _SIMPLE[kind]
    if kind in "01234567":
        return chr(int(escape[1:], 8))
    if not kind.isalnum():
        return kind
    if len(escape) == 12:
        return chr(0x10000 + ((int(escape[2:6], 16) - 0xD800) << 10) + int(escape[8:], 16) - 0xDC00)
    code = int(escape[2:], 16)
    return chr(code) if code <= 0x10FFFF else ""
