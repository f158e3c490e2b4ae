"""What changed between two shapes in the keywords of the schema itself: types, values, ranges, patterns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, Literal

from pytest_adyen_creds.drift.change import Change, Direction, Effect, level_of
from pytest_adyen_creds.drift.shape import ANY, ANYTHING, LIMITS, Limit, Shape

Relation = Literal["same", "narrows", "widens", "differs"]
"""How a new set of values relates to the old one."""

Maker = Callable[[str, Effect, str], Change]
"""Makes a change out of its aspect, its effect and its text."""

_WIDER_FORMATS: Final = frozenset({("int32", "int64"), ("float", "double")})


def changes_of_keywords(old: Shape, new: Shape, direction: Direction) -> Iterator[Change]:
    """Return what changed in the schema's own keywords, properties and items left out."""

    def change(aspect: str, effect: Effect, text: str) -> Change:
        return Change(aspect, level_of(direction, effect), "", text)

    relation = _relation(old, new)
    if relation != "same":
        text = f"the type of {{it}} changed from {_type_text(old)} to {_type_text(new)}"
        yield change(_type_aspect(old, new, relation), relation, text)
    if relation == "differs" and types_relation(old, new) == "differs":
        return
    if ANYTHING in (old, new):
        return
    if old.nullable != new.nullable and _is_typed(old) and _is_typed(new):
        if new.nullable:
            yield change("became-nullable", "widens", "{it} may now be null")
        else:
            yield change("became-not-nullable", "narrows", "{it} may no longer be null")
    yield from _values(old, new, change)
    for keyword in LIMITS:
        yield from _limit(keyword, old.limits.get(keyword), new.limits.get(keyword), change)
    yield from _pattern(old.pattern, new.pattern, change)
    if old.unique != new.unique:
        yield (
            change("unique-items-set", "narrows", "the items of {it} must now differ from each other")
            if new.unique
            else change("unique-items-unset", "widens", "the items of {it} may now be equal to each other")
        )
    yield from _multiple(old.multiple, new.multiple, change)
    yield from _default(old.default, new.default, direction)
    if old.deprecated != new.deprecated:
        aspect, text = ("deprecated", "{it} is now deprecated") if new.deprecated else ("reactivated", _REACTIVATED)
        yield change(aspect, "none", text)


_REACTIVATED: Final = "{it} is no longer deprecated"


def types_relation(old: Shape, new: Shape) -> Relation:
    """Return how the types of ``new`` relate to those of ``old``; formats and ``null`` left out."""
    if old.types == new.types:
        return "same"
    if old.types == ANY:
        return "narrows"
    if new.types == ANY or all(new.allows_type(name) for name in old.types):
        return "widens"
    return "narrows" if all(old.allows_type(name) for name in new.types) else "differs"


def _relation(old: Shape, new: Shape) -> Relation:
    relations = {types_relation(old, new), _format_relation(old.format, new.format)} - {"same"}
    if len(relations) == 2:
        return "differs"
    return relations.pop() if relations else "same"


def _format_relation(old: str | None, new: str | None) -> Relation:
    if old == new:
        return "same"
    if old is None or (new, old) in _WIDER_FORMATS:
        return "narrows"
    return "widens" if new is None or (old, new) in _WIDER_FORMATS else "differs"


def _is_typed(shape: Shape) -> bool:
    return shape.types != ANY or bool(shape.one_of or shape.any_of)


def _type_text(shape: Shape) -> str:
    name = " or ".join(sorted(shape.types)) or "any"
    return f"{name} ({shape.format})" if shape.format else name


def _type_aspect(old: Shape, new: Shape, relation: Relation) -> str:
    """Return oasdiff's name for a change of type: a list of types that gained or lost some has one of its own."""
    if old.format == new.format and ANY not in (old.types, new.types):
        if old.types < new.types:
            return "list-of-types-widened"
        if new.types < old.types:
            return "list-of-types-narrowed"
    return "type-" + {"narrows": "specialized", "widens": "generalized", "differs": "changed"}.get(relation, "changed")


def _values(old: Shape, new: Shape, change: Maker) -> Iterator[Change]:
    if old.enum == new.enum:
        return
    before, after = (", ".join(sorted(shape.enum or ())) for shape in (old, new))
    if old.const and new.const:
        yield change("const-changed", "differs", f"the constant value of {{it}} changed from {before} to {after}")
    elif new.const and old.enum is None:
        yield change("const-added", "narrows", f"{{it}} must now be the constant value {after}")
    elif old.const and new.enum is None:
        yield change("const-removed", "widens", f"{{it}} need no longer be the constant value {before}")
    else:
        yield from _enum(old.enum, new.enum, change)


def _enum(old: frozenset[str] | None, new: frozenset[str] | None, change: Maker) -> Iterator[Change]:
    if old is None and new is not None:
        values = ", ".join(sorted(new))
        yield change("became-enum", "narrows", f"{{it}} is now restricted to the values {values}")
    elif new is None and old is not None:
        yield change("became-not-enum", "widens", "{it} is no longer restricted to a list of values")
    elif old is not None and new is not None:
        for value in sorted(old - new):
            yield change("enum-value-removed", "narrows", f"the value {value} of {{it}} is gone")
        for value in sorted(new - old):
            yield change("enum-value-added", "widens", f"the value {value} of {{it}} is new")


def _limit(keyword: str, old: Limit | None, new: Limit | None, change: Maker) -> Iterator[Change]:
    if old == new:
        return
    noun, upper, _ = LIMITS[keyword]
    if (new or old or Limit(0)).exclusive:
        noun = f"exclusive-{noun}"
    if old is None:
        yield change(f"{noun}-set", "narrows", f"{keyword} of {{it}} is now {new}")
    elif new is None:
        yield change(f"{noun}-unset", "widens", f"{keyword} of {{it}} was {old} and is gone")
    else:
        rises = new.value > old.value if new.value != old.value else new.exclusive != upper
        aspect = f"{noun}-{'increased' if rises else 'decreased'}"
        effect: Effect = "widens" if rises == upper else "narrows"
        yield change(aspect, effect, f"{keyword} of {{it}} changed from {old} to {new}")


def _pattern(old: str | None, new: str | None, change: Maker) -> Iterator[Change]:
    if old is None and new is not None:
        yield change("pattern-added", "narrows", f"{{it}} must now match the pattern {new}")
    elif new is None and old is not None:
        yield change("pattern-removed", "widens", f"{{it}} need no longer match the pattern {old}")
    elif old != new:
        yield change("pattern-changed", "unknown", f"the pattern of {{it}} changed from {old} to {new}")


def _multiple(old: float | None, new: float | None, change: Maker) -> Iterator[Change]:
    if old is None and new is not None:
        yield change("multiple-of-set", "narrows", f"{{it}} must now be a multiple of {new}")
    elif new is None and old is not None:
        yield change("multiple-of-unset", "widens", f"{{it}} need no longer be a multiple of {old}")
    elif old is not None and new is not None and old != new:
        text = f"{{it}} must now be a multiple of {new} instead of {old}"
        if new and old % new == 0:
            yield change("multiple-of-generalized", "widens", text)
        elif old and new % old == 0:
            yield change("multiple-of-specialized", "narrows", text)
        else:
            yield change("multiple-of-changed", "differs", text)


def _default(old: str | None, new: str | None, direction: Direction) -> Iterator[Change]:
    if old == new:
        return
    if old is None:
        yield Change("default-value-added", "info", "", f"the default of {{it}} is now {new}")
    elif new is None:
        yield Change("default-value-removed", "info", "", f"the default of {{it}} was {old} and is gone")
    else:
        level = level_of(direction, "unknown" if direction == "request" else "none")
        yield Change("default-value-changed", level, "", f"the default of {{it}} changed from {old} to {new}")
