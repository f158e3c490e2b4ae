"""The comparison of two schemas: what changed in what they allow, as changes with a place, each found once.

Their own keywords are :mod:`.change`'s; here are the schemas below: properties, open objects, branches of a choice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from math import inf
from typing import Any, Final

from pytest_adyen_creds.contract.ids import WITH_DEFAULT, Change, Direction, Effect, change_of, kebab
from pytest_adyen_creds.contract.trees import ABSENT
from pytest_adyen_creds.drift.change import changes_of_bound, changes_of_keywords, types_relation
from pytest_adyen_creds.drift.document import Document
from pytest_adyen_creds.drift.shape import ANY, ANYTHING, NEVER, Limit, Schema, Shape, canonical, number
from pytest_adyen_creds.errors import FileRefused
from pytest_adyen_creds.text import escape_pointer

Below = Callable[[str | None, Schema, Schema], Iterator[Change]]
"""Compares two schemas below this one: segment of the pointer (``None``: the same place), old, new."""

_SINGLE: Final = frozenset(
    {"not", "contains", "propertyNames", "if", "then", "else", "contentSchema", "unevaluatedItems"}
)
_NAMED: Final = {"patternProperties": "pattern-property", "dependentSchemas": "dependent-schema"}
_CONTAINS: Final = {"minContains": 1, "maxContains": inf}
"""Keyword -> the value that holds where none is given."""

DEEPEST: Final = 120
"""How deep a body may nest before the comparison gives up, in levels."""

MOST: Final = 20_000
"""How many changes one body may hold before the comparison gives up."""

MOST_PAIRS: Final = 10_000
"""How many pairs of branches of one choice are compared, whatever they look like."""


class Members:
    """Compares the members of one shape with those of another; ``below`` compares the schemas that they hold."""

    def __init__(self, old: Document, new: Document, direction: Direction, below: Below) -> None:
        self._old, self._new = old, new
        self._direction = direction
        self._change = partial(change_of, direction)
        self._below = below

    def changes(self, old: Shape, new: Shape) -> Iterator[Change]:
        """Return the changes in properties, in what is allowed beside them, in items, choices and other keywords."""
        for name in sorted(old.properties.keys() | new.properties.keys()):
            if name not in new.properties:
                yield self._removed(name, old, new)
            elif name not in old.properties:
                yield self._added(name, new)
            else:
                yield from self._changed(name, old, new)
                yield from self._below(escape_pointer(name), old.properties[name], new.properties[name])
        undeclared = (old.required ^ new.required) - old.properties.keys() - new.properties.keys()
        for name in sorted(undeclared):
            yield self._required(name, name in new.required)
        yield from self._additional(old, new)
        yield from self._below("*", old.items, new.items)
        yield from self._choice("one-of", old.one_of, new.one_of)
        yield from self._choice("any-of", old.any_of, new.any_of)
        for keyword in sorted(old.rest.keys() | new.rest.keys()):
            yield from self._other(keyword, old.rest, new.rest)

    def _unseen(self, shape: Shape) -> bool:
        """Return whether a property is none on this side of the wire: read-only in requests, write-only in answers."""
        return shape.read_only if self._direction == "request" else shape.write_only

    def _removed(self, name: str, old: Shape, new: Shape) -> Change:
        shape, presence = self._old.shape(old.properties[name]), _presence(name, old)
        if self._direction == "request":
            effect: Effect = "none" if self._unseen(shape) else "narrows" if new.additional is False else "unknown"
            return self._of(name, "{in}property-removed", effect, presence=presence)
        if shape.write_only:
            return self._of(name, "{in}{presence}-write-only-property-removed", presence=presence)
        return self._of(name, f"{{in}}{presence}-property-removed")

    def _added(self, name: str, new: Shape) -> Change:
        shape, presence = self._new.shape(new.properties[name]), _presence(name, new)
        if self._direction == "response":
            kind = "{presence}-write-only" if shape.write_only else "{presence}"
            return self._of(name, f"{{in}}{kind}-property-added", presence=presence)
        if presence == "optional":
            return self._of(name, "new-optional-{in}property")
        if self._unseen(shape):
            return self._of(name, "new-required-{in}property", "none")
        return self._of(
            name, "new-required-{in}property" + (WITH_DEFAULT if shape.default is not None else ""), "narrows"
        )

    def _changed(self, name: str, old: Shape, new: Shape) -> Iterator[Change]:
        """Yield the changes in whether a property must be there, and in who may send it."""
        was, now = self._old.shape(old.properties[name]), self._new.shape(new.properties[name])
        if (name in old.required) != (name in new.required):
            yield self._required(name, name in new.required, now)
        for word, before, after in (
            ("read-only", was.read_only, now.read_only),
            ("write-only", was.write_only, now.write_only),
        ):
            if before != after:
                # oasdiff names the presence of such a property
                became = f"{{in}}{{presence}}-property-became-{'' if after else 'not-'}{word}"
                yield self._of(name, became, presence=_presence(name, new))

    def _required(self, name: str, required: bool, shape: Shape = ANYTHING) -> Change:
        """Return the change of a property that must now be there, or need not; ``shape``: what it is now."""
        end = WITH_DEFAULT if shape.default is not None and self._direction == "request" and required else ""
        effect: Effect = "none" if self._unseen(shape) else "narrows" if required else "widens"
        return self._of(name, f"became-required{end}" if required else "became-optional", effect)

    def _of(self, name: str, change: str, effect: Effect | None = None, **values: str) -> Change:
        """Return a change of the property ``name``."""
        return self._change(change, effect, f"/{escape_pointer(name)}", name=name, **values)

    def _additional(self, old: Shape, new: Shape) -> Iterator[Change]:
        closed = (self._old.shape(old.additional).types == NEVER, self._new.shape(new.additional).types == NEVER)
        if closed == (False, True):
            yield self._change("unevaluated-properties-added" if new.unevaluated else "additional-properties-closed")
        elif closed == (True, False):
            yield self._change("unevaluated-properties-removed" if old.unevaluated else "additional-properties-opened")
        elif closed == (False, False):
            yield from self._below("*", old.additional, new.additional)

    def _choice(self, noun: str, old: tuple[Schema, ...], new: tuple[Schema, ...]) -> Iterator[Change]:
        if not old and not new:
            return
        gone, came = self._unmatched(old, new)
        if len(gone) == len(came) == 1:
            yield from self._below(None, gone[0], came[0])
            return
        if not old or not new:
            # a choice beside other keywords: one more thing to fulfil, or one less
            if gone or came:
                yield self._change("{choice}-added" if came else "{choice}-removed", choice=noun)
            return
        by_name = {name: schema for schema in came if (name := _name(schema))}
        for schema in list(gone):
            twin = by_name.get(_name(schema))
            if twin is not None and _name(schema):
                gone.remove(schema)
                came.remove(twin)
                yield from self._below(None, schema, twin)
        for schema in gone:
            yield self._change("{branch_of}-removed", branch_of=noun, branch=_describe(self._old, schema))
        for schema in came:
            yield self._change("{branch_of}-added", branch_of=noun, branch=_describe(self._new, schema))

    def _same(self, old: Any, new: Any) -> bool:
        if not isinstance(old, bool | Mapping) or not isinstance(new, bool | Mapping):
            return bool(old == new)
        return not any(True for _ in self._below(None, old, new))

    def _unmatched(self, old: tuple[Schema, ...], new: tuple[Schema, ...]) -> tuple[list[Schema], list[Schema]]:
        gone: list[Schema] = []
        came = dict(enumerate(new))
        alike: dict[Any, dict[int, Schema]] = {}
        for place, schema in came.items():
            alike.setdefault(_outline(self._new, schema), {})[place] = schema
        tried = 0
        for schema in old:
            likely = alike.get(_outline(self._old, schema), {})
            # those of another outline may be the same only where they hold each other; too many of them hold nothing
            others = came if tried < MOST_PAIRS else {}
            for place, other in chain(likely.items(), others.items()):
                tried += 1
                if tried > 2 * MOST_PAIRS:
                    raise FileRefused(f"a choice of too many branches that are alike ({len(old)}); split it up")
                if self._same(schema, other):
                    del came[place]
                    del alike[_outline(self._new, other)][place]
                    break
            else:
                gone.append(schema)
        return gone, list(came.values())

    def _other(self, keyword: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
        """Yield the changes in a keyword that a shape has no attribute for."""
        if keyword in _CONTAINS:
            before, after = (None if (n := number(rest.get(keyword))) is None else Limit(n) for rest in (old, new))
            yield from changes_of_bound(keyword, before, after, _CONTAINS[keyword], self._change)
        elif keyword in _NAMED:
            one, other = (_mapping(rest.get(keyword)) for rest in (old, new))
            for name in sorted(one.keys() | other.keys(), key=str):
                schemas = (one.get(name, ABSENT), other.get(name, ABSENT))
                yield from self._seen(_NAMED[keyword], f"`{name}` in {keyword}", *schemas, self._same)
        elif keyword == "discriminator" and keyword in old and keyword in new:
            yield from self._discriminator(_mapping(old[keyword]), _mapping(new[keyword]))
        else:
            values = (old.get(keyword, ABSENT), new.get(keyword, ABSENT))
            yield from self._seen(kebab(keyword), keyword, *values, partial(self._same_keyword, keyword))

    def _seen(self, noun: str, value: str, old: Any, new: Any, same: Callable[[Any, Any], bool]) -> Iterator[Change]:
        """Yield the change, if there is one, in what ``value`` names; ``old`` or ``new`` can be :data:`ABSENT`."""
        if new is ABSENT:
            yield self._change("{keyword}-removed", keyword=noun, value=value)
        elif old is ABSENT:
            yield self._change("{keyword}-added", keyword=noun, value=value)
        elif not same(old, new):
            yield self._change("{keyword}-changed", keyword=noun, value=value)

    def _discriminator(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
        before, after = old.get("propertyName"), new.get("propertyName")
        if before != after:
            yield self._change("discriminator-property-name-changed", old=before, new=after)
        # what a mapping refers to may be named otherwise in the other document
        one, other = (set(map(str, _mapping(each.get("mapping")))) for each in (old, new))
        if came := other - one:
            yield self._change("discriminator-mapping-added", new=", ".join(sorted(came)))
        if gone := one - other:
            yield self._change("discriminator-mapping-deleted", old=", ".join(sorted(gone)))

    def _same_keyword(self, keyword: str, old: Any, new: Any) -> bool:
        if keyword in _SINGLE:
            return self._same(old, new)
        if isinstance(old, list) and isinstance(new, list):
            if keyword == "prefixItems":
                return len(old) == len(new) and all(map(self._same, old, new))
            if keyword == "allOf":
                return self._unmatched(tuple(old), tuple(new)) == ([], [])
        return canonical(_in_order(old)) == canonical(_in_order(new))


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
        if old.is_leaf and old == new:
            return
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


def _outline(document: Document, schema: Any) -> Any:
    """Return what two schemas have alike where they may be the same, to try those first."""
    shape = document.shape(document.target(schema)) if isinstance(schema, bool | Mapping) else ANYTHING
    return shape.types, frozenset(shape.properties)


def _presence(name: str, shape: Shape) -> str:
    return "required" if name in shape.required else "optional"


def _mapping(value: Any) -> Mapping[Any, Any]:
    return value if isinstance(value, Mapping) else {}


def _in_order(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _in_order(member) for name, member in value.items()}
    return sorted(value, key=canonical) if isinstance(value, list) else value


def _name(schema: Schema) -> str:
    reference = schema.get("$ref") if isinstance(schema, Mapping) else None
    return reference.rpartition("/")[2] if isinstance(reference, str) else ""


def _describe(document: Document, schema: Schema) -> str:
    return f"`{_name(schema)}`" if _name(schema) else " or ".join(sorted(document.shape(schema).types)) or "any"
