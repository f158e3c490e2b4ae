"""Bodies as they may come tomorrow: what a contract allows to be changed in one, and what no client may overlook.

A client *must survive* what Adyen does without a new version: properties and values that come, optional ones that stay
away, another order, longer ids. It *must notice* what the contract rules out: an error of its own is right, silence is
not.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, NamedTuple

from pytest_adyen_creds.contract.documents import Schema
from pytest_adyen_creds.contract.history import Change
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
            for container, key in place.holders:
                if isinstance(container[key], str) and container[key]:
                    yield what, place.location, container[key]


_Change = tuple[Mutation, Callable[[], None]]


def _changes(places: list[_Place], history: Sequence[Change]) -> list[_Change]:
    found: dict[str, _Change] = {}
    for place in places:
        for change in (*_of_place(place, places), *_of_history(place, history)):
            found.setdefault(change[0].id, change)
    return list(found.values())


def _identity(place: _Place) -> str | None:
    said = place.schema.get("x-identity", "id" if place.name == "id" else None)
    return said if said in _IDS else None


def _of_place(place: _Place, places: list[_Place]) -> Iterator[_Change]:
    schema, values = place.schema, [container[key] for container, key in place.holders]
    here = f"at {place.location}" if place.location else "at the top"

    def change(kind: Kind, must: Class, name: str, text: str, apply: Callable[[], None]) -> _Change:
        return Mutation(kind, must, name, place.location, text), apply

    def setting(make: Callable[[Any], Any]) -> Callable[[], None]:
        def apply() -> None:
            for container, key in place.holders:
                container[key] = make(container[key])

        return apply

    def removing() -> None:
        for container, key in place.holders:
            del container[key]

    if all(isinstance(value, dict) for value in values):
        text = f"an unknown property came {here}"
        yield change("additions", "must-survive", "property-added", text, setting(lambda v: {**v, NEW_PROPERTY: "new"}))
        if any(len(value) > 1 for value in values):
            text = f"the properties {here} come in another order"
            make = setting(lambda value: dict(_turned(list(value.items()))))
            yield change("additions", "must-survive", "properties-reordered", text, make)
    if all(isinstance(value, list) for value in values):
        yield from _of_list(place, change, setting, here)
    if schema.get("enum") and all(isinstance(value, str) for value in values):
        text = f"the value {here} is one that was added to the enumeration"
        yield change("additions", "must-survive", "enum-value-added", text, setting(lambda _: NEW_VALUE))
    if _identity(place) and all(isinstance(value, str) and value for value in values):
        text = f"the id {here} is longer and of another form"
        yield change("additions", "must-survive", "id-form-changed", text, lambda: _rename(values, places))
    if place.name:
        fate = "required" if place.is_required else "optional"
        must: Class = "must-notice" if place.is_required else "must-survive"
        yield change("removals", must, f"{fate}-property-removed", f"the {fate} property {here} is gone", removing)
    yield from _of_another_type(place, change, setting, here)


def _of_list(place: _Place, change: Any, setting: Any, here: str) -> Iterator[_Change]:
    lists = [container[key] for container, key in place.holders]
    if any(lists) and not place.schema.get("minItems"):
        yield change("removals", "must-survive", "list-emptied", f"the list {here} is empty", setting(lambda _: []))
    if any(len(each) > 1 for each in lists):
        text = f"the items {here} come in another order"
        yield change("additions", "must-survive", "items-reordered", text, setting(_turned))
    if place.name == "roles":
        text = f"a role that nobody knew came {here}"
        yield change("additions", "must-survive", "role-added", text, setting(lambda each: [*each, _NEW_ROLE]))


def _of_another_type(place: _Place, change: Any, setting: Any, here: str) -> Iterator[_Change]:
    kinds = place.schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if len(kinds) == 1 and kinds[0] in _OTHER_TYPE:
        other = _OTHER_TYPE[kinds[0]]
        text = f"the value {here} is of another type"
        yield change("removals", "must-notice", "type-changed", text, setting(lambda _: other))
        if not place.schema.get("x-nullable"):
            yield change("removals", "must-notice", "became-null", f"the value {here} is null", setting(lambda _: None))


def _of_history(place: _Place, history: Sequence[Change]) -> Iterator[_Change]:
    """Yield what Adyen did on a day to the structures that ``place`` is of."""
    names = place.schema.get(_NAMES, ())
    for each in history:
        if each.structures.isdisjoint(names):
            continue
        objects = [container[key] for container, key in place.holders if isinstance(container[key], dict)]
        location = f"{place.location}/{escape_pointer(each.name)}"

        def apply(each: Change = each, objects: list[Any] = objects) -> None:
            for one in objects:
                each.carry_out(one)

        if any(map(each.can_be_carried_out, objects)):
            yield (
                Mutation(
                    "history",
                    "must-survive",
                    each.change,
                    location,
                    f"{each.date}: {each.text} ({each.name})",
                    each.date,
                ),
                apply,
            )


def _dated(change: Change, location: str) -> Mutation:
    text = f"{change.date}: {change.text} ({change.name})"
    return Mutation("history", "must-survive", change.change, location, text, change.date)


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
    pending = [_Place("", _merged(schema, definitions, 0), [(holder, 0)], "", True)]
    while pending:
        place = pending.pop(0)
        found.append(place)
        values = [container[key] for container, key in place.holders]
        if place.location.count("/") > _DEEPEST:
            continue
        for name, each in place.schema.get("properties", {}).items():
            holders = [(value, name) for value in values if isinstance(value, dict) and name in value]
            if holders:
                location = f"{place.location}/{escape_pointer(name)}"
                required = name in place.schema.get("required", ())
                pending.append(_Place(location, _merged(each, definitions, 0), holders, name, required))
        items = place.schema.get("items")
        lists = [value for value in values if isinstance(value, list)]
        members: list[tuple[Any, Any]] = [(each, index) for each in lists for index in range(len(each))]
        if isinstance(items, dict) and members:
            pending.append(_Place(f"{place.location}/*", _merged(items, definitions, 0), members, "", True))
    return found


def _merged(schema: Any, definitions: Mapping[str, Schema], depth: int) -> Schema:
    """Return the keywords of a schema with those of what it refers to, its parts, and the one type beside null."""
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return {}
    result: Schema = {key: value for key, value in schema.items() if key not in ("$ref", "allOf", "anyOf", "oneOf")}
    result[_NAMES] = {schema["title"]} if depth == 0 and "$defs" in schema else set()
    parts = list(schema.get("allOf", ()))
    if isinstance(schema.get("$ref"), str):
        name = schema["$ref"].rpartition("/")[2]
        result[_NAMES].add(name)
        parts.append(definitions.get(name, {}))
    for choice in ("anyOf", "oneOf"):
        branches = schema.get(choice, [])
        real = [each for each in branches if each != {"type": "null"}]
        parts += real if len(real) == 1 else []
        if len(real) < len(branches):
            result["x-nullable"] = True
    for part in parts:
        other = _merged(part, definitions, depth + 1)
        result = {
            **other,
            **result,
            "properties": {**other.get("properties", {}), **result.get("properties", {})},
            "required": [*other.get("required", ()), *result.get("required", ())],
            _NAMES: result[_NAMES] | other.get(_NAMES, set()),
        }
    return result
