"""Changes between two schemas: a table of all there are, and those of a schema's own keywords.

A :class:`Change` gets its id and message where it is met: :func:`id_of`, :func:`message_of`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Final, Literal

from pytest_adyen_creds.contract.finding import Level
from pytest_adyen_creds.drift.shape import ANY, ANYTHING, LIMITS, Limit, Shape
from pytest_adyen_creds.text import pointer_parts

Direction = Literal["request", "response"]
"""Who reads the value: the server (request) or the client (response)."""

Effect = Literal["narrows", "widens", "differs", "unknown", "none"]
"""What a change does to the set of values that are allowed."""

Kind = Literal["request-body", "request-parameter", "response-body", "response-header"]
"""What a schema describes."""

Relation = Literal["same", "narrows", "widens", "differs"]
"""How a new set of values relates to the old one."""

CHANGES: Final[Mapping[str, tuple[Effect, str]]] = {
    "type-specialized": ("narrows", "the type of {it} changed from {old} to {new}"),
    "type-generalized": ("widens", "the type of {it} changed from {old} to {new}"),
    "type-changed": ("differs", "the type of {it} changed from {old} to {new}"),
    "list-of-types-narrowed": ("narrows", "the type of {it} changed from {old} to {new}"),
    "list-of-types-widened": ("widens", "the type of {it} changed from {old} to {new}"),
    "became-nullable": ("widens", "{it} may now be null"),
    "became-not-nullable": ("narrows", "{it} may no longer be null"),
    "const-added": ("narrows", "{it} must now be the constant value {new}"),
    "const-removed": ("widens", "{it} need no longer be the constant value {old}"),
    "const-changed": ("differs", "the constant value of {it} changed from {old} to {new}"),
    "became-enum": ("narrows", "{it} is now restricted to the values {new}"),
    "became-not-enum": ("widens", "{it} is no longer restricted to a list of values"),
    "enum-value-added": ("widens", "the value {new} of {it} is new"),
    "enum-value-removed": ("narrows", "the value {old} of {it} is gone"),
    "{bound}-set": ("narrows", "{keyword} of {it} is now {new}"),
    "{bound}-unset": ("widens", "{keyword} of {it} was {old} and is gone"),
    "{bound}-increased": ("unknown", "{keyword} of {it} changed from {old} to {new}"),
    "{bound}-decreased": ("unknown", "{keyword} of {it} changed from {old} to {new}"),
    "pattern-added": ("narrows", "{it} must now match the pattern {new}"),
    "pattern-removed": ("widens", "{it} need no longer match the pattern {old}"),
    "pattern-changed": ("unknown", "the pattern of {it} changed from {old} to {new}"),
    "unique-items-set": ("narrows", "the items of {it} must now differ from each other"),
    "unique-items-unset": ("widens", "the items of {it} may now be equal to each other"),
    "multiple-of-set": ("narrows", "{it} must now be a multiple of {new}"),
    "multiple-of-unset": ("widens", "{it} need no longer be a multiple of {old}"),
    "multiple-of-specialized": ("narrows", "{it} must now be a multiple of {new} instead of {old}"),
    "multiple-of-generalized": ("widens", "{it} must now be a multiple of {new} instead of {old}"),
    "multiple-of-changed": ("differs", "{it} must now be a multiple of {new} instead of {old}"),
    "default-value-added": ("none", "the default of {it} is now {new}"),
    "default-value-removed": ("none", "the default of {it} was {old} and is gone"),
    "default-value-changed": ("unknown", "the default of {it} changed from {old} to {new}"),
    "deprecated": ("none", "{it} is now deprecated"),
    "reactivated": ("none", "{it} is no longer deprecated"),
    "additional-properties-closed": ("narrows", "{it} now allows no properties but the documented ones"),
    "unevaluated-properties-added": ("narrows", "{it} now allows no properties but the documented ones"),
    "additional-properties-opened": ("widens", "{it} now allows other properties than the documented ones"),
    "unevaluated-properties-removed": ("widens", "{it} now allows other properties than the documented ones"),
    "{choice}-added": ("narrows", "a choice for {it} is new"),
    "{choice}-removed": ("widens", "a choice for {it} is gone"),
    "{branch_of}-added": ("widens", "the branch {branch} of {it} is new"),
    "{branch_of}-removed": ("narrows", "the branch {branch} of {it} is gone"),
    "wrapped-in-{choice}": ("differs", "{it} became a choice"),
    "wrapped-in-{choice}-original-preserved": (
        "widens",
        "{it} became a choice, with what it was as one of its branches",
    ),
    "unwrapped-from-{choice}": ("differs", "{it} is no longer a choice"),
    "unwrapped-from-{choice}-original-preserved": (
        "narrows",
        "{it} is no longer a choice, but always one of its branches",
    ),
    "wrapped": ("differs", "{it} became wrapped: what stood by itself is now inside an object, under `{wrapper}`"),
    "unwrapped": ("differs", "the wrapper `{wrapper}` around {it} is gone: what was inside now stands by itself"),
    "discriminator-property-name-changed": ("unknown", "the discriminator of {it} changed from {old} to {new}"),
    "discriminator-mapping-added": ("unknown", "the discriminator of {it} also maps {new}"),
    "discriminator-mapping-deleted": ("unknown", "the discriminator of {it} no longer maps {old}"),
    # any other keyword is only seen to differ: what that does is left to a person
    "{keyword}-added": ("unknown", "{value} of {it} is new"),
    "{keyword}-removed": ("unknown", "{value} of {it} is gone"),
    "{keyword}-changed": ("unknown", "{value} of {it} changed"),
}
"""What a change is called, what it does, and how it is said, in what is formatted with the values of the change.

The names are oasdiff's, and follow the subject in the ids of findings. ``{it}`` stands for the subject.
"""

_WIDER_FORMATS: Final = frozenset({("int32", "int64"), ("float", "double")})

_HOLDERS: Final[dict[Kind, str]] = {
    "request-body": "request-",
    "request-parameter": "request-parameter-",
    "response-body": "response-",
    "response-header": "response-header-",
}
"""How ids of findings about a property begin, by what the property is in."""

_OF_HEADERS: Final = frozenset({"new-required-{in}property", "became-required", "became-enum"})
"""What oasdiff names of its own in a property of a header parameter; the rest it names as of any parameter."""

WITH_DEFAULT: Final = "-with-default"
"""How ids end where what is now required has a default."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change at ``pointer`` below a schema.

    ``aspect`` is what follows the subject in the id (``max-length-set``); where oasdiff's id is of another form, it is
    all of it, ``{in}`` standing for what the property is in (``new-required-{in}property``). ``text`` says the change,
    ``{it}`` standing for the subject.
    """

    aspect: str
    level: Level
    pointer: str
    text: str

    def below(self, segment: str) -> Change:
        """Return the change as it is seen from the schema that holds this one at ``segment``."""
        return Change(self.aspect, self.level, f"/{segment}{self.pointer}", self.text)


Maker = Callable[..., Change]
"""Makes a change of the values between two schemas that one direction reads: :func:`change_of` without that."""


def change_of(direction: Direction, name: str, effect: Effect | None = None, **values: object) -> Change:
    """Return the change that :data:`CHANGES` has under ``name``, made out of ``values``.

    ``effect`` is for one that depends on the values.
    """
    usual, text = CHANGES[name]
    values["it"] = "{it}"
    return Change(name.format_map(values), level_of(direction, effect or usual), "", text.format_map(values))


def level_of(direction: Direction, effect: Effect) -> Level:
    """Return the level of an effect, by oasdiff's law: narrowing breaks who writes, widening breaks who reads."""
    if effect in ("narrows", "widens"):
        return "breaking" if (effect == "narrows") == (direction == "request") else "info"
    return "breaking" if effect == "differs" else "warning" if effect == "unknown" else "info"


def id_of(kind: Kind, change: Change, place: str = "") -> str:
    """Return the finding's id for ``change`` in a schema that describes ``kind``; ``place``: where a parameter is."""
    holder, aspect = _HOLDERS[kind], change.aspect
    if place == "header" and change.pointer and aspect.removesuffix(WITH_DEFAULT) in _OF_HEADERS:
        holder, aspect = "request-header-", aspect.removesuffix(WITH_DEFAULT)
    if "{in}" in aspect:
        return aspect.replace("{in}", holder)
    return f"{holder}property-{aspect}" if change.pointer else f"{kind}-{aspect}"


def message_of(kind: Kind, change: Change, whole: str) -> str:
    """Return the message of ``change``; ``whole`` names what the schema describes (``the response body``)."""
    names = pointer_parts(change.pointer)
    stars = 0
    while names and names[-1] == "*":
        names.pop()
        stars += 1
    subject = whole
    if names:
        noun = {"request-body": "request property ", "response-body": "response property "}.get(kind, "property ")
        subject = f"the {noun}`{names[-1]}`" + ("" if kind.endswith("body") else f" of {whole}")
    return change.text.replace("{it}", "the items of " * stars + subject, 1)


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
    for keyword, (noun, upper, _) in LIMITS.items():
        without = inf if upper else -inf
        yield from changes_of_bound(keyword, noun, old.limits.get(keyword), new.limits.get(keyword), without, change)
    if old.pattern != new.pattern:
        yield change(f"pattern-{_transition(old.pattern, new.pattern)}", old=old.pattern, new=new.pattern)
    if old.unique != new.unique:
        yield change("unique-items-set" if new.unique else "unique-items-unset")
    if old.multiple != new.multiple:
        yield change(f"multiple-of-{_multiple(old.multiple, new.multiple)}", old=old.multiple, new=new.multiple)
    if old.default != new.default:
        # who reads an answer has no use for a default
        effect: Effect | None = "none" if direction == "response" else None
        yield change(f"default-value-{_transition(old.default, new.default)}", effect, old=old.default, new=new.default)
    if old.deprecated != new.deprecated:
        yield change("deprecated" if new.deprecated else "reactivated")


def changes_of_bound(
    keyword: str, noun: str, old: Limit | None, new: Limit | None, without: float, change: Maker
) -> Iterator[Change]:
    """Return what changed in a bound of a range, an upper one if its keyword says ``max``.

    ``noun`` is what ids call it, ``without`` the value that holds where none is given.
    """
    if old == new:
        return
    upper = keyword.startswith("max")
    before, after = (_position(limit or Limit(without), upper=upper) for limit in (old, new))
    effect: Effect = "none" if before == after else "widens" if (after > before) == upper else "narrows"
    how = "set" if old is None else "unset" if new is None else "increased" if after > before else "decreased"
    bound = f"exclusive-{noun}" if (new or old or Limit(without)).exclusive else noun
    yield change(f"{{bound}}-{how}", effect, bound=bound, keyword=keyword, old=old, new=new)


def _position(limit: Limit, *, upper: bool) -> tuple[float, int]:
    """Return what bounds are compared by: an exclusive one lies a little inside its value."""
    return limit.value, limit.exclusive * (-1 if upper else 1)


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
