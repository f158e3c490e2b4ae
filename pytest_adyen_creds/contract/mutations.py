"""Bodies as they may come tomorrow: what a contract allows to be changed in one, and what no client may overlook.

A client *must survive* what Adyen does without a new version: properties and values that come, optional ones that stay
away, another order, longer ids. It *must notice* what the contract rules out: an error of its own is right, silence is
not.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Final, Literal, NamedTuple

from pytest_adyen_creds.contract.history import Change
from pytest_adyen_creds.contract.trees import Schema, parts_of
from pytest_adyen_creds.text import escape_pointer

Kind = Literal["additions", "removals", "history"]
Class = Literal["must-survive", "must-notice"]

NEW_PROPERTY: Final = "rehearsedProperty"
NEW_VALUE: Final = "rehearsedValue"
_NEW_ROLE: Final = "Management API \u2014 Rehearsed role read"
_IDS: Final = frozenset({"credential", "origin-id", "id", "username"})
"""What ``x-identity`` calls names that the server gives, whose form no client may rely on."""
_NAMES: Final = "x-names"
"""In a place's schema: the names of the structures that it is of."""
_NULLABLE: Final = "x-nullable"
"""In a place's schema: whether null may stand there instead of a value of its type."""
_DEEPEST: Final = 50
_OTHER_TYPE: Final[Mapping[str, Any]] = {
    "string": 7,
    "integer": "seven",
    "number": "seven",
    "boolean": "true",
    "object": "an object",
    "array": "a list",
}


@dataclass(frozen=True, slots=True)
class Mutation:
    """One way in which a body was changed.

    ``location`` is a JSON Pointer, ``*`` for each item of a list: all of them are changed alike. ``change`` is a
    property's or value's fate, like ``property-added``; with a ``date`` it is what Adyen did on that day. ``id`` names
    the mutation in every run.
    """

    kind: Kind
    must: Class
    change: str
    location: str
    text: str
    """What was done, in words; nothing of the body's values."""
    date: str = ""

    @property
    def id(self) -> str:
        """The mutation's name, the same for equal shapes: ``property-added@/data/*``."""
        return f"{self.date} {self.change}@{self.location}".lstrip()

    def to_json(self) -> dict[str, str]:
        """Return the mutation as a JSON object."""
        return {"id": self.id, **asdict(self)}


class _Place(NamedTuple):
    """A place of a body that has a value, with what holds each value of its kind."""

    location: str
    schema: Schema
    """The keywords of all parts of the schema that must hold there, merged."""
    holders: list[tuple[Any, Any]]
    """Containers in the body and the key in each: one, or one for each item of the lists above."""
    name: str
    is_required: bool

    @property
    def values(self) -> list[Any]:
        """The values, one for each holder."""
        return [container[key] for container, key in self.holders]

    def set(self, make: Callable[[Any], Any]) -> None:
        """Put in the place of each value what ``make`` returns for it."""
        for container, key in self.holders:
            container[key] = make(container[key])

    def remove(self) -> None:
        """Take each value out of what holds it."""
        for container, key in self.holders:
            del container[key]


def mutations(schema: Schema, body: Any, history: Sequence[Change] = ()) -> Iterator[tuple[Mutation, Any]]:
    """Yield each mutation of ``body``, a JSON value that ``schema`` allows, with the body as it is then.

    ``schema`` is a self-contained JSON Schema; ``history`` is what Adyen did to its structures. In order of place and
    change, the same each time; ``body`` itself is left alone.
    """
    for mutation in known_mutations(schema, body, history):
        # a copy of its own for each, whose places are found anew
        yield mutation, mutated(schema, body, [mutation.id], history)[0]


def known_mutations(schema: Schema, body: Any, history: Sequence[Change] = ()) -> list[Mutation]:
    """Return the mutations that ``body`` can have; see :func:`mutations`."""
    return [mutation for mutation, _ in _changes(_places(schema, [body]), history)]


def mutated(
    schema: Schema, body: Any, ids: Collection[str], history: Sequence[Change] = ()
) -> tuple[Any, list[Mutation]]:
    """Return ``body`` as it is with all the mutations ``ids`` that it can have, and these."""
    holder = [copy.deepcopy(body)]
    chosen = [each for each in _changes(_places(schema, holder), history) if each[0].id in ids]
    # the innermost first: what is put in an object's place has what was done to its members
    for _, apply in sorted(chosen, key=lambda each: -each[0].location.count("/")):
        apply()
    return holder[0], [mutation for mutation, _ in chosen]


def identifiers(schema: Schema, body: Any) -> Iterator[tuple[str, str, str]]:
    """Yield each identifier that the server gives in ``body``: what of, where (a JSON Pointer), and itself."""
    for place in _places(schema, [body]):
        if what := _identity(place):
            yield from ((what, place.location, value) for value in place.values if isinstance(value, str) and value)


_Change = tuple[Mutation, Callable[[], None]]
_Fate = tuple[Kind, Class, str, str, Callable[[], None]]
"""What can happen to a place: kind, class, change and text of the mutation, and what carries it out."""


def _changes(places: list[_Place], history: Sequence[Change]) -> list[_Change]:
    found: dict[str, _Change] = {}
    for place in places:
        for kind, must, change, text, apply in _of_place(place, places):
            mutation = Mutation(kind, must, change, place.location, text)
            found.setdefault(mutation.id, (mutation, apply))
        for mutation, apply in _of_history(place, history):
            found.setdefault(mutation.id, (mutation, apply))
    return list(found.values())


def _identity(place: _Place) -> str | None:
    said = place.schema.get("x-identity", "id" if place.name == "id" else None)
    return said if said in _IDS else None


def _of_place(place: _Place, places: list[_Place]) -> Iterator[_Fate]:
    values = place.values
    here = f"at {place.location}" if place.location else "at the top"

    def put(make: Callable[[Any], Any]) -> Callable[[], None]:
        return partial(place.set, make)

    if all(isinstance(value, dict) for value in values):
        text = f"an unknown property came {here}"
        yield "additions", "must-survive", "property-added", text, put(lambda value: {**value, NEW_PROPERTY: "new"})
        if any(len(value) > 1 for value in values):
            text = f"the properties {here} come in another order"
            make = put(lambda value: dict(_turned(list(value.items()))))
            yield "additions", "must-survive", "properties-reordered", text, make
    if all(isinstance(value, list) for value in values):
        if any(values) and not place.schema.get("minItems"):
            yield "removals", "must-survive", "list-emptied", f"the list {here} is empty", put(lambda _: [])
        if any(len(each) > 1 for each in values):
            text = f"the items {here} come in another order"
            yield "additions", "must-survive", "items-reordered", text, put(_turned)
        if place.name == "roles":
            text = f"a role that nobody knew came {here}"
            yield "additions", "must-survive", "role-added", text, put(lambda each: [*each, _NEW_ROLE])
    if place.schema.get("enum") and all(isinstance(value, str) for value in values):
        text = f"the value {here} is one that was added to the enumeration"
        yield "additions", "must-survive", "enum-value-added", text, put(lambda _: NEW_VALUE)
    if _identity(place) and all(isinstance(value, str) and value for value in values):
        text = f"the id {here} is longer and of another form"
        yield "additions", "must-survive", "id-form-changed", text, partial(_rename, values, places)
    if place.name:
        fate = "required" if place.is_required else "optional"
        must: Class = "must-notice" if place.is_required else "must-survive"
        yield "removals", must, f"{fate}-property-removed", f"the {fate} property {here} is gone", place.remove
    kinds = place.schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if len(kinds) == 1 and kinds[0] in _OTHER_TYPE:
        other = _OTHER_TYPE[kinds[0]]
        yield "removals", "must-notice", "type-changed", f"the value {here} is of another type", put(lambda _: other)
        if not place.schema[_NULLABLE]:
            yield "removals", "must-notice", "became-null", f"the value {here} is null", put(lambda _: None)


def _of_history(place: _Place, history: Sequence[Change]) -> Iterator[_Change]:
    """Yield what Adyen did on a day to the structures that ``place`` is of."""
    objects = [value for value in place.values if isinstance(value, dict)]
    for each in history:
        if not each.structures.isdisjoint(place.schema[_NAMES]) and any(map(each.can_be_carried_out, objects)):
            location = f"{place.location}/{escape_pointer(each.name)}"
            text = f"{each.date}: {each.text} ({each.name})"
            mutation = Mutation("history", "must-survive", each.change, location, text, each.date)
            yield mutation, partial(_for_each, objects, each.carry_out)


def _for_each(objects: list[Any], carry_out: Callable[[Any], None]) -> None:
    for one in objects:
        carry_out(one)


def _turned(items: list[Any]) -> list[Any]:
    """Return ``items`` in an order in which none stands where it stood."""
    return [*items[1:], *items[:1]]


def _rename(values: list[str], places: list[_Place]) -> None:
    """Give ids another form, the same wherever they stand in the body, in links too."""
    for value in sorted(set(values), key=len, reverse=True):
        longer = f"{value}{'X9' * 24}"
        for place in places:
            for container, key in place.holders:
                if isinstance(container[key], str):
                    container[key] = container[key].replace(value, longer)


def _places(schema: Schema, holder: list[Any]) -> list[_Place]:
    """Return the places of the body in ``holder``, the outermost first, equal places of a list's items as one."""
    definitions = schema.get("$defs", {})
    found: list[_Place] = []
    pending = [_Place("", _merged(schema, definitions), [(holder, 0)], "", True)]
    while pending:
        place = pending.pop(0)
        found.append(place)
        values = place.values
        if place.location.count("/") > _DEEPEST:
            continue
        for name, each in place.schema["properties"].items():
            holders = [(value, name) for value in values if isinstance(value, dict) and name in value]
            if holders:
                location = f"{place.location}/{escape_pointer(name)}"
                required = name in place.schema["required"]
                pending.append(_Place(location, _merged(each, definitions), holders, name, required))
        items = place.schema.get("items")
        lists = [value for value in values if isinstance(value, list)]
        members: list[tuple[Any, Any]] = [(each, index) for each in lists for index in range(len(each))]
        if isinstance(items, dict) and members:
            pending.append(_Place(f"{place.location}/*", _merged(items, definitions), members, "", True))
    return found


def _merged(schema: Any, definitions: Mapping[str, Schema]) -> Schema:
    """Return the keywords of a schema with those of what it refers to, its parts, and the one type beside null."""
    parts = list(parts_of(schema, definitions))
    names = {part["$ref"].rpartition("/")[2] for part in parts if isinstance(part.get("$ref"), str)}
    names |= {part["title"] for part in parts if "$defs" in part}
    return {
        **{key: value for part in reversed(parts) for key, value in part.items()},
        "properties": {name: each for part in reversed(parts) for name, each in part.get("properties", {}).items()},
        "required": [name for part in parts for name in part.get("required", ())],
        _NAMES: names,
        _NULLABLE: any({"type": "null"} in part.get(choice, ()) for part in parts for choice in ("anyOf", "oneOf")),
    }
