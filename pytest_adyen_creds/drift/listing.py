"""The ids that findings can have, as people look them up: out of the tables that the findings are made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Final

from pytest_adyen_creds.contract.finding import LEVELS, Level
from pytest_adyen_creds.contract.ids import (
    CHANGES,
    FINDINGS,
    OF_ANY,
    WHOLES,
    Row,
    direction_of,
    id_of,
    noun_of,
    subject_of,
)


@dataclass(frozen=True, slots=True)
class Entry:
    """An id that findings can have, its levels, the worst first, and what it means.

    ``{keyword}`` in an id stands for any keyword that has no ids of its own.
    """

    id: str
    levels: tuple[Level, ...]
    meaning: str


class _Example(dict[str, object]):
    """Stands for the values of a text: names in capitals, or what is put here."""

    def __missing__(self, name: str) -> str:
        return _EXAMPLES.get(name, name.upper())


_EXAMPLES: Final = {
    "came": "as another media type, or without one,",
    "fate": "is gone, or was replaced",
    "known": "others",
    "presence": "required or optional",
    "problem": "cannot be read as JSON",
    "value": "another keyword",
}


def entries() -> list[Entry]:
    """Return every id that a finding can have, sorted."""
    said: dict[str, dict[str, dict[Level, str]]] = {}
    for id_, row, values in _examples():
        levels = {level: note.format_map(values) for level, note in row.levels.items()}
        said.setdefault(id_, {}).setdefault(row.text.format_map(values), {}).update(levels)
    return [_entry(id_, said[id_]) for id_ in sorted(said)]


def _entry(id_: str, said: Mapping[str, Mapping[Level, str]]) -> Entry:
    """Return the entry of an id; ``said``: each text that it has, with what is added to it by level."""
    levels = tuple(level for level in LEVELS if any(level in notes for notes in said.values()))
    meanings = []
    for text, notes in said.items():
        named = [
            note + (f" ({level})" if len(levels) > 1 else "")
            for level, note in notes.items()
            if note or len(notes) < len(levels)
        ]
        meanings.append(text + "".join(named))
    return Entry(id_, levels, "; or ".join(meanings))


def _examples() -> Iterator[tuple[str, Row, _Example]]:
    """Yield each id with a row it has in the tables, and values for the row's text."""
    for id_, row in FINDINGS.items():
        yield id_, row, _Example()
    for kind, below in product(WHOLES, (False, True)):
        it = subject_of(kind, "/PROPERTY" if below else "", WHOLES[kind].format_map(_Example()))
        for name, rows in (CHANGES if below else OF_ANY).items():
            if direction_of(kind) in rows:
                for place, filled in product(("query", "header"), _filled(name)):
                    values = _Example(filled, it=it, noun=noun_of(kind), keyword="{keyword}")
                    yield id_of(kind, name, values, below=below, place=place), rows[direction_of(kind)], values


def _filled(name: str) -> list[dict[str, str]]:
    """Return what a name of :data:`CHANGES` can be filled in with, but for any keyword."""
    if "{presence}" in name:
        return [{"presence": presence} for presence in ("required", "optional")]
    if "{choice}" in name or "{branch_of}" in name:
        return [{"choice": noun, "branch_of": noun} for noun in ("one-of", "any-of")]
    return [{}]
