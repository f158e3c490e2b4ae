"""What changed between two shapes in the schemas below: properties, open objects, branches of a choice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import chain
from math import inf
from typing import Any, Final

from pytest_adyen_creds.contract.ids import WITH_DEFAULT, Change, Direction, Effect, change_of, kebab
from pytest_adyen_creds.drift.change import changes_of_bound
from pytest_adyen_creds.drift.document import Document
from pytest_adyen_creds.drift.shape import ANYTHING, NEVER, Limit, Schema, Shape, canonical, number
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
_ABSENT: Final = object()

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
                schemas = (one.get(name, _ABSENT), other.get(name, _ABSENT))
                yield from self._seen(_NAMED[keyword], f"`{name}` in {keyword}", *schemas, self._same)
        elif keyword == "discriminator" and keyword in old and keyword in new:
            yield from self._discriminator(_mapping(old[keyword]), _mapping(new[keyword]))
        else:
            values = (old.get(keyword, _ABSENT), new.get(keyword, _ABSENT))
            yield from self._seen(kebab(keyword), keyword, *values, partial(self._same_keyword, keyword))

    def _seen(self, noun: str, value: str, old: Any, new: Any, same: Callable[[Any, Any], bool]) -> Iterator[Change]:
        """Yield the change, if there is one, in what ``value`` names; ``old`` or ``new`` can be :data:`_ABSENT`."""
        if new is _ABSENT:
            yield self._change("{keyword}-removed", keyword=noun, value=value)
        elif old is _ABSENT:
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
