"""What changed between two shapes in the schemas below: properties, open objects, branches of a choice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from pytest_adyen_creds.contract.finding import Level
from pytest_adyen_creds.drift.change import Change, Direction, Effect, level_of
from pytest_adyen_creds.drift.document import Document
from pytest_adyen_creds.drift.shape import NEVER, Schema, Shape, canonical
from pytest_adyen_creds.text import escape_pointer

Below = Callable[[str | None, Schema, Schema], Iterator[Change]]
"""Compares two schemas below this one: segment of the pointer (``None``: the same place), old, new."""

_SINGLE: Final = frozenset(
    {"not", "contains", "propertyNames", "if", "then", "else", "contentSchema", "unevaluatedItems"}
)
_NAMED: Final = {"patternProperties": "pattern-property", "dependentSchemas": "dependent-schema"}
_CONTAINS: Final = frozenset({"minContains", "maxContains"})


class Members:
    """Compares the members of one shape with those of another; ``below`` compares the schemas that they hold."""

    def __init__(self, old: Document, new: Document, direction: Direction, below: Below) -> None:
        self._old, self._new = old, new
        self._direction = direction
        self._below = below

    def changes(self, old: Shape, new: Shape) -> Iterator[Change]:
        """Return the changes in properties, in what is allowed beside them, in items, choices and other keywords."""
        for name in sorted(old.properties.keys() | new.properties.keys()):
            if name not in new.properties:
                yield self._removed(name, old, new)
            elif name not in old.properties:
                yield self._added(name, new)
            else:
                yield from self._presence(name, old, new)
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

    def _kind(self, shape: Shape) -> str:
        return "-write-only" if self._direction == "response" and shape.write_only else ""

    def _removed(self, name: str, old: Shape, new: Shape) -> Change:
        shape = self._old.shape(old.properties[name])
        presence = "required" if name in old.required else "optional"
        level: Level
        if self._unseen(shape):
            level, text = "info", f"the {presence} property `{name}` is gone"
        elif self._direction == "request":
            closed = new.additional is False
            level = "breaking" if closed else "warning"
            text = f"the {presence} request property `{name}` is gone; "
            text += "a request that still sends it is refused" if closed else "it may be ignored or refused"
        elif presence == "required":
            level, text = "breaking", f"the required response property `{name}` is gone"
        else:
            level, text = "warning", f"the optional response property `{name}` is gone"
        return Change(f"-{presence}{self._kind(shape)}", level, f"/{escape_pointer(name)}", text)

    def _added(self, name: str, new: Shape) -> Change:
        shape = self._new.shape(new.properties[name])
        presence = "required" if name in new.required else "optional"
        aspect = f"+{presence}{self._kind(shape)}"
        if self._direction == "response":
            text = f"the {presence} response property `{name}` is new; a strict parser breaks on it"
        else:
            text = f"the {presence} request property `{name}` is new"
            if presence == "required" and not self._unseen(shape):
                text += "; a request without it is refused"
                aspect += "-with-default" if shape.default is not None else ""
                return Change(aspect, "breaking", f"/{escape_pointer(name)}", text)
        return Change(aspect, "info", f"/{escape_pointer(name)}", text)

    def _presence(self, name: str, old: Shape, new: Shape) -> Iterator[Change]:
        was, now = self._old.shape(old.properties[name]), self._new.shape(new.properties[name])
        if (name in old.required) != (name in new.required):
            change = self._required(name, name in new.required, default=now.default is not None)
            yield Change(change.aspect, "info", change.pointer, change.text) if self._unseen(now) else change
        presence = "required" if name in new.required else "optional"
        for word, before, after, unseen_by in (
            ("read-only", was.read_only, now.read_only, "request"),
            ("write-only", was.write_only, now.write_only, "response"),
        ):
            if before != after:
                aspect = f"={presence}:became-{'' if after else 'not-'}{word}"
                level: Level = "warning" if after and unseen_by == self._direction else "info"
                text = f"{{it}} became {word}" if after else f"{{it}} is no longer {word}"
                yield Change(aspect, level, f"/{escape_pointer(name)}", text)

    def _required(self, name: str, required: bool, *, default: bool = False) -> Change:
        if required:
            level = level_of(self._direction, "narrows")
            aspect = "became-required" + ("-with-default" if default and self._direction == "request" else "")
            return Change(aspect, level, f"/{escape_pointer(name)}", "{it} became required")
        text = "{it} became optional" + ("; it may now be missing" if self._direction == "response" else "")
        return Change("became-optional", level_of(self._direction, "widens"), f"/{escape_pointer(name)}", text)

    def _additional(self, old: Shape, new: Shape) -> Iterator[Change]:
        closed = (self._old.shape(old.additional).types == NEVER, self._new.shape(new.additional).types == NEVER)
        if closed == (False, True):
            text = "{it} now allows no properties but the documented ones"
            aspect = "unevaluated-properties-added" if new.unevaluated else "additional-properties-closed"
            yield Change(aspect, level_of(self._direction, "narrows"), "", text)
        elif closed == (True, False):
            text = "{it} now allows other properties than the documented ones"
            aspect = "unevaluated-properties-removed" if old.unevaluated else "additional-properties-opened"
            yield Change(aspect, level_of(self._direction, "widens"), "", text)
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
                effect: Effect = "narrows" if came else "widens"
                word, text = ("added", "is new") if came else ("removed", "is gone")
                yield Change(f"{noun}-{word}", level_of(self._direction, effect), "", f"a choice for {{it}} {text}")
            return
        by_name = {name: schema for schema in came if (name := _name(schema))}
        for schema in list(gone):
            twin = by_name.get(_name(schema))
            if twin is not None and _name(schema):
                gone.remove(schema)
                came.remove(twin)
                yield from self._below(None, schema, twin)
        for schema in gone:
            text = f"the branch {_describe(self._old, schema)} of {{it}} is gone"
            yield Change(f"{noun}-removed", level_of(self._direction, "narrows"), "", text)
        for schema in came:
            text = f"the branch {_describe(self._new, schema)} of {{it}} is new"
            yield Change(f"{noun}-added", level_of(self._direction, "widens"), "", text)

    def _same(self, old: Any, new: Any) -> bool:
        if not isinstance(old, bool | Mapping) or not isinstance(new, bool | Mapping):
            return bool(old == new)
        return not any(True for _ in self._below(None, old, new))

    def _unmatched(self, old: tuple[Schema, ...], new: tuple[Schema, ...]) -> tuple[list[Schema], list[Schema]]:
        gone, came = [], list(new)
        for schema in old:
            at = next((index for index, other in enumerate(came) if self._same(schema, other)), None)
            if at is None:
                gone.append(schema)
            else:
                del came[at]
        return gone, came

    def _other(self, keyword: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
        """Return the changes in a keyword that is only seen to differ: what they do is left to a person."""
        if keyword in _NAMED:
            yield from self._named(keyword, old.get(keyword), new.get(keyword))
            return
        if keyword in _CONTAINS:
            yield from self._contains(keyword, old.get(keyword), new.get(keyword))
            return
        if keyword == "discriminator" and keyword in old and keyword in new:
            yield from _discriminator(old[keyword], new[keyword])
            return
        noun = "".join(f"-{char.lower()}" if char.isupper() else char for char in keyword)
        if keyword not in new:
            yield Change(f"{noun}-removed", "warning", "", f"{keyword} of {{it}} is gone")
        elif keyword not in old:
            yield Change(f"{noun}-added", "warning", "", f"{keyword} of {{it}} is new")
        elif not self._same_keyword(keyword, old[keyword], new[keyword]):
            yield Change(f"{noun}-changed", "warning", "", f"{keyword} of {{it}} changed")

    def _named(self, keyword: str, old: Any, new: Any) -> Iterator[Change]:
        noun = _NAMED[keyword]
        one, other = (value if isinstance(value, Mapping) else {} for value in (old, new))
        for name in sorted(one.keys() | other.keys(), key=str):
            if name not in other:
                yield Change(f"{noun}-removed", "warning", "", f"`{name}` in {keyword} of {{it}} is gone")
            elif name not in one:
                yield Change(f"{noun}-added", "warning", "", f"`{name}` in {keyword} of {{it}} is new")
            elif not self._same(one[name], other[name]):
                yield Change(f"{noun}-changed", "warning", "", f"`{name}` in {keyword} of {{it}} changed")

    def _contains(self, keyword: str, old: Any, new: Any) -> Iterator[Change]:
        upper, noun = keyword == "maxContains", f"{keyword[:3]}-contains"
        without = float("inf") if upper else 1
        before, after = (value if isinstance(value, int | float) else without for value in (old, new))
        rises = after > before
        effect: Effect = "none" if before == after else "widens" if rises == upper else "narrows"
        level = level_of(self._direction, effect)
        if old is None:
            yield Change(f"{noun}-set", level, "", f"{keyword} of {{it}} is now {new}")
        elif new is None:
            yield Change(f"{noun}-unset", level, "", f"{keyword} of {{it}} was {old} and is gone")
        elif before != after:
            aspect = f"{noun}-{'increased' if rises else 'decreased'}"
            yield Change(aspect, level, "", f"{keyword} of {{it}} changed from {old} to {new}")

    def _same_keyword(self, keyword: str, old: Any, new: Any) -> bool:
        if keyword in _SINGLE:
            return self._same(old, new)
        if isinstance(old, list) and isinstance(new, list):
            if keyword == "prefixItems":
                return len(old) == len(new) and all(map(self._same, old, new))
            if keyword == "allOf":
                return self._unmatched(tuple(old), tuple(new)) == ([], [])
        return canonical(_in_order(old)) == canonical(_in_order(new))


def _discriminator(old: Any, new: Any) -> Iterator[Change]:
    one, other = (value if isinstance(value, Mapping) else {} for value in (old, new))
    if one.get("propertyName") != other.get("propertyName"):
        text = f"the discriminator of {{it}} changed from {one.get('propertyName')} to {other.get('propertyName')}"
        yield Change("discriminator-property-name-changed", "warning", "", text)
    # what a mapping refers to may be named otherwise in the other document
    if came := _mapped(other) - _mapped(one):
        text = f"the discriminator of {{it}} also maps {', '.join(sorted(came))}"
        yield Change("discriminator-mapping-added", "warning", "", text)
    if gone := _mapped(one) - _mapped(other):
        text = f"the discriminator of {{it}} no longer maps {', '.join(sorted(gone))}"
        yield Change("discriminator-mapping-deleted", "warning", "", text)


def _mapped(discriminator: Mapping[str, Any]) -> set[str]:
    mapping = discriminator.get("mapping")
    return set(map(str, mapping)) if isinstance(mapping, Mapping) else set()


def _in_order(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _in_order(member) for name, member in value.items()}
    return sorted(value, key=canonical) if isinstance(value, list) else value


def _name(schema: Schema) -> str:
    reference = schema.get("$ref") if isinstance(schema, Mapping) else None
    return reference.rpartition("/")[2] if isinstance(reference, str) else ""


def _describe(document: Document, schema: Schema) -> str:
    return f"`{_name(schema)}`" if _name(schema) else " or ".join(sorted(document.shape(schema).types)) or "any"
