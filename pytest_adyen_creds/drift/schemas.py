"""The comparison of two schemas: what changed in what they allow, as changes with a place, each found once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from pytest_adyen_creds.contract.ids import Change, Direction, change_of
from pytest_adyen_creds.drift.change import changes_of_keywords, types_relation
from pytest_adyen_creds.drift.document import Document
from pytest_adyen_creds.drift.members import Below, Members
from pytest_adyen_creds.drift.shape import ANY, ANYTHING, Schema, Shape
from pytest_adyen_creds.errors import FileRefused
from pytest_adyen_creds.text import escape_pointer

DEEPEST: Final = 120
"""How deep a body may nest before the comparison gives up, in levels."""

MOST: Final = 20_000
"""How many changes one body may hold before the comparison gives up."""

Pair = tuple[int, int, Direction]


@dataclass(slots=True)
class _Walk:
    """Which pairs of one body are being compared, and what is known of those that hold each other."""

    open: dict[Pair, None] = field(default_factory=dict)
    leans: dict[Pair, set[Pair]] = field(default_factory=dict)
    """Of a pair that is done: the pairs around it that it came back to."""
    members: dict[Pair, set[Pair]] = field(default_factory=dict)
    """Of a pair that is open: the pairs inside it that came back to it."""


class Comparison:
    """Compares schemas of an old document with schemas of a new one; remembers what it has compared."""

    def __init__(self, old: Document, new: Document) -> None:
        self.old = old
        self.new = new
        # with the pairs that hold each other with this one: among them, the result is another
        self._known: dict[Pair, tuple[tuple[Change, ...], set[Pair]]] = {}

    def changes(self, old: Schema, new: Schema, direction: Direction) -> tuple[Change, ...]:
        """Return what changed from ``old`` to ``new``.

        A schema that is used at several places gives its changes at each; inside itself it gives none again.
        Raises :class:`FileRefused` for schemas that unfold without end.
        """
        return self._compare(old, new, direction, _Walk())[0]

    def _compare(
        self, old: Schema, new: Schema, direction: Direction, walk: _Walk
    ) -> tuple[tuple[Change, ...], set[Pair]]:
        """Return the changes, and which of the pairs that are still open the result leans on."""
        old, new = self.old.target(old), self.new.target(new)
        pair: Pair = (id(old), id(new), direction)
        if pair in walk.open:
            return (), {pair}
        if back := walk.leans.get(pair, set()) & walk.open.keys():
            return (), back
        known = self._known.get(pair)
        if known and not known[1] & walk.open.keys():
            return known[0], set()
        if len(walk.open) > DEEPEST:
            raise FileRefused(f"a schema nests deeper than {DEEPEST} levels; the comparison stops there")
        walk.open[pair] = None
        leans: set[Pair] = set()
        found: list[Change] = []
        for change in self._differences(old, new, direction, walk, leans):
            found.append(change)
            if len(found) > MOST:
                raise FileRefused(f"more than {MOST} changes in one body: these are not two states of one API")
        del walk.open[pair]
        leans.discard(pair)
        walk.leans[pair] = leans
        members = walk.members.pop(pair, set())
        for around in leans:
            walk.members.setdefault(around, set()).update(members, {pair})
        if not leans:
            self._known[pair] = (tuple(found), members)
        return tuple(found), leans

    def _differences(
        self, old_raw: Schema, new_raw: Schema, direction: Direction, walk: _Walk, leans: set[Pair]
    ) -> Iterator[Change]:
        def below(segment: str | None, one: Schema, other: Schema) -> Iterator[Change]:
            changes, open_pairs = self._compare(one, other, direction, walk)
            leans.update(open_pairs)
            return iter(changes if segment is None else [change.below(segment) for change in changes])

        old, new = self.old.shape(old_raw), self.new.shape(new_raw)
        if wrapper := _wrapper(self.new, old, new):
            yield change_of(direction, "wrapped", wrapper=wrapper)
            yield from below(escape_pointer(wrapper), old_raw, new.properties[wrapper])
        elif wrapper := _wrapper(self.old, new, old):
            yield change_of(direction, "unwrapped", wrapper=wrapper)
            yield from below(None, old.properties[wrapper], new_raw)
        elif (choice := _became_choice(old, new)) or _became_choice(new, old):
            yield self._restructured(old_raw, new_raw, direction, below, into=bool(choice))
        else:
            yield from changes_of_keywords(old, new, direction)
            if types_relation(old, new) != "differs" and ANYTHING not in (old, new):
                yield from Members(self.old, self.new, direction, below).changes(old, new)

    def _restructured(self, old: Schema, new: Schema, direction: Direction, below: Below, *, into: bool) -> Change:
        """Return the one change that a plain schema's becoming a choice is, or a choice's becoming plain."""
        chosen = self.new.shape(new) if into else self.old.shape(old)
        noun, branches = ("one-of", chosen.one_of) if chosen.one_of else ("any-of", chosen.any_of)
        kept = any(not [*(below(None, old, each) if into else below(None, each, new))] for each in branches)
        name = "wrapped-in-{choice}" if into else "unwrapped-from-{choice}"
        return change_of(direction, f"{name}-original-preserved" if kept else name, choice=noun)


def _wrapper(document: Document, plain: Shape, other: Shape) -> str | None:
    """Return the only property of ``other`` where it holds what ``plain`` is: an object with the same properties."""
    if not plain.is_record or not other.is_record or len(other.properties) != 1:
        return None
    name, schema = next(iter(other.properties.items()))
    inner = document.shape(schema)
    if name in plain.properties or not inner.is_record or inner.properties.keys() != plain.properties.keys():
        return None
    return name


def _became_choice(old: Shape, new: Shape) -> bool:
    """Return whether ``new`` is nothing but a choice where ``old`` was none."""
    return bool((new.one_of or new.any_of) and not (old.one_of or old.any_of) and new.types == ANY)
