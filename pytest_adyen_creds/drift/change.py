"""Changes between two schemas in their own keywords."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from math import inf
from typing import Final, Literal

from pytest_adyen_creds.contract.ids import BOUNDS, Change, Direction, Effect, change_of
from pytest_adyen_creds.drift.shape import ANY, ANYTHING, LIMITS, Limit, Shape, is_upper

Relation = Literal["same", "narrows", "widens", "differs"]
"""How a new set of values relates to the old one."""

Maker = Callable[..., Change]
"""Makes a change of the values between two schemas that one direction reads: :func:`change_of` without that."""

_WIDER_FORMATS: Final = frozenset({("int32", "int64"), ("float", "double")})


def changes_of_keywords(old: Shape, new: Shape, direction: Direction) -> Iterator[Change]:
    """Return what changed in the schema's own keywords, properties and items left out."""
    change = partial(change_of, direction)
    relation = _relation(old, new)
    if relation != "same":
        yield change(_type_aspect(old, new, relation), old=_type_text(old), new=_type_text(new))
    if relation == "differs" and types_relation(old, new) == "differs":
        return
    if ANYTHING in (old, new):
        return
    if old.nullable != new.nullable and _is_typed(old) and _is_typed(new):
        yield change("became-nullable" if new.nullable else "became-not-nullable")
    yield from _values(old, new, change)
    for keyword in LIMITS:
        without = inf if is_upper(keyword) else -inf
        yield from changes_of_bound(keyword, old.limits.get(keyword), new.limits.get(keyword), without, change)
    if old.pattern != new.pattern:
        yield change(f"pattern-{_transition(old.pattern, new.pattern)}", old=old.pattern, new=new.pattern)
    if old.unique != new.unique:
        yield change("unique-items-set" if new.unique else "unique-items-unset")
    if old.multiple != new.multiple:
        yield change(f"multiple-of-{_multiple(old.multiple, new.multiple)}", old=old.multiple, new=new.multiple)
    if old.default != new.default:
        yield change(f"default-value-{_transition(old.default, new.default)}", old=old.default, new=new.default)
    if old.deprecated != new.deprecated:
        yield change("deprecated" if new.deprecated else "reactivated")


def changes_of_bound(
    keyword: str, old: Limit | None, new: Limit | None, without: float, change: Maker
) -> Iterator[Change]:
    """Return what changed in a bound of a range; ``without``: the value that holds where none is given."""
    if old == new:
        return
    upper = is_upper(keyword)
    before, after = ((limit or Limit(without)).position(upper=upper) for limit in (old, new))
    effect: Effect = "none" if before == after else "widens" if (after > before) == upper else "narrows"
    how = "set" if old is None else "unset" if new is None else "increased" if after > before else "decreased"
    exclusive = "exclusive-" if (new or old or Limit(without)).exclusive else ""
    yield change(f"{exclusive}{BOUNDS[keyword]}-{how}", effect, old=old, new=new)


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
        yield change("const-changed", old=before, new=after)
    elif new.const and old.enum is None:
        yield change("const-added", new=after)
    elif old.const and new.enum is None:
        yield change("const-removed", old=before)
    elif old.enum is None:
        yield change("became-enum", new=after)
    elif new.enum is None:
        yield change("became-not-enum")
    else:
        yield from (change("enum-value-removed", old=value) for value in sorted(old.enum - new.enum))
        yield from (change("enum-value-added", new=value) for value in sorted(new.enum - old.enum))


def _transition(old: str | None, new: str | None) -> str:
    return "added" if old is None else "removed" if new is None else "changed"


def _multiple(old: float | None, new: float | None) -> str:
    if old is None or new is None:
        return "set" if old is None else "unset"
    if new and old % new == 0:
        return "generalized"
    return "specialized" if old and new % old == 0 else "changed"
