"""Every id that a finding can have, with its levels and its text: the one table that findings are made out of.

:data:`FINDINGS` has those of operations and of what an answer lacks or has besides, :data:`CHANGES` those of schemas.
The ids are oasdiff's where oasdiff has one, and in its grammar where it has none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from pytest_adyen_creds.contract.finding import Finding, Level
from pytest_adyen_creds.text import pointer_parts

Direction = Literal["request", "response"]
"""Who reads the value: the server (request) or the client (response)."""

Effect = Literal["narrows", "widens", "differs", "unknown", "none"]
"""What a change does to the set of values that are allowed."""

Kind = Literal[
    "request-body", "request-parameter", "response-body", "response-header", "webhook-body", "webhook-answer"
]
"""What a schema describes."""


@dataclass(frozen=True, slots=True)
class Row:
    """What findings say: ``text``, filled in at its ``{names}``, and by level what is added to it at that level."""

    text: str
    levels: Mapping[Level, str]

    @property
    def level(self) -> Level:
        """Return the level, where there is only one."""
        (level,) = self.levels
        return level

    def message(self, level: Level, values: Mapping[str, object]) -> str:
        """Return the text of a finding of ``level``."""
        return f"{self.text}{self.levels[level]}".format_map(values)


Rows = Mapping[Direction, Row]
"""The row of a change, by who reads the values that it changes."""


def level_of(direction: Direction, effect: Effect) -> Level:
    """Return the level of an effect, by oasdiff's law: narrowing breaks who writes, widening breaks who reads."""
    if effect in ("narrows", "widens"):
        return "breaking" if (effect == "narrows") == (direction == "request") else "info"
    return "breaking" if effect == "differs" else "warning" if effect == "unknown" else "info"


def _both(text: str, *effects: Effect, in_request: Effect | None = None) -> Rows:
    """Return the rows of a change that is said alike whoever reads the values.

    ``in_request`` is the effect on who reads a request, where that is another.
    """
    notes = dict.fromkeys(effects, "")
    return _read("request", text, {in_request: ""} if in_request else notes) | _read("response", text, notes)


def _read(direction: Direction, text: str, notes: Mapping[Effect, str]) -> dict[Direction, Row]:
    """Return the row of a change of what ``direction`` reads; ``notes``: effect -> what is added to the text."""
    return {direction: Row(text, {level_of(direction, effect): note for effect, note in notes.items()})}


WHOLES: Final[Mapping[Kind, str]] = {
    "request-body": "the request body",
    "request-parameter": "the {place} parameter `{name}`",
    "response-body": "the response body",
    "response-header": "the response header `{name}`",
    "webhook-body": "the webhook's body",
    "webhook-answer": "the answer to the webhook",
}
"""What a schema describes, in words."""

_PARAMETER: Final = WHOLES["request-parameter"]
_HEADER: Final = WHOLES["response-header"]


def _rows(level: Level, texts: Mapping[str, str]) -> dict[str, Row]:
    return {id_: Row(text, {level: ""}) for id_, text in texts.items()}


FINDINGS: Final[Mapping[str, Row]] = {
    **_rows(
        "breaking",
        {
            "api-removed-without-deprecation": "the operation is gone",
            "api-path-removed-without-deprecation": "the operation is gone, with its path",
            "api-security-became-required": "the operation needs signing in",
            "api-security-updated": "the sign-in {scheme} changed from {old} to {new}",
            "api-security-scope-added": "the sign-in {scheme} now needs the scope {scope}",
            "new-request-path-parameter": f"{_PARAMETER} is new",
            "new-required-request-parameter": f"{_PARAMETER} is new and required",
            "request-parameter-became-required": f"{_PARAMETER} became required",
            "request-parameter-serialization-changed": (
                f"{_PARAMETER} is written in another way (style, explode, allowReserved or media type)"
            ),
            "request-body-became-required": "the request body became required",
            "request-body-removed": "the request body is gone",
            "request-body-added-required": "a request body is new and required",
            "request-body-media-type-removed": "the request body as {media} is gone",
            "response-media-type-removed": "the response as {media} is gone",
            "response-success-status-removed": "the status {code} is gone",
            "response-header-became-optional": f"{_HEADER} became optional",
            "required-response-header-removed": f"{_HEADER} is gone",
            "response-body-missing": "the response has no body where the contract has one",
            "response-body-not-json": "the response body {problem}",
            "response-undocumented-media-type": "the response came {came} where the contract has {media}",
            "response-required-property-missing": "the required response property `{name}` is missing",
            "response-required-header-missing": f"{_HEADER} is required and missing",
            "webhook-removed-without-deprecation": "the webhook is gone",
            "webhook-renamed": "the webhook is called {new} now",
            "webhook-required-property-renamed": (
                "the required webhook property `{old}` is gone, and `{new}` came in its place"
            ),
            "webhook-body-removed": "the webhook's body is gone",
            "webhook-body-media-type-removed": "the webhook's body as {media} is gone",
            "webhook-body-became-optional": "the webhook's body became optional",
            "webhook-answer-media-type-removed": "the answer to the webhook as {media} is gone",
            "webhook-answer-status-removed": "the status {code} no longer answers the webhook",
        },
    ),
    **_rows(
        "warning",
        {
            "api-removed-with-deprecation": "the operation, which was deprecated, is gone",
            "api-path-removed-with-deprecation": "the operation, which was deprecated, is gone, with its path",
            "request-parameter-removed": f"{_PARAMETER} is gone; it may be ignored or refused",
            "optional-response-header-removed": f"{_HEADER} is gone",
            "webhook-removed-with-deprecation": "the webhook, which was deprecated, is gone",
            "response-undocumented-status": "the status {code} is not in the contract, which knows {known}",
            "response-undocumented-body": "the response has a body where the contract has none",
            "response-undocumented-property": (
                "the response property `{name}` is not in the contract; a strict parser breaks on it"
            ),
        },
    ),
    **_rows(
        "info",
        {
            "endpoint-added": "the operation is new",
            "endpoint-deprecated": "the operation is now deprecated",
            "endpoint-reactivated": "the operation is no longer deprecated",
            "api-operation-id-added": "the operation id {new} is new",
            "api-operation-id-removed": "the operation id {old} {fate}",
            "api-security-became-optional": "the operation can be called without signing in",
            "api-security-scope-removed": "the sign-in {scheme} no longer needs the scope {scope}",
            "api-server-added": "the server {url} is new",
            "api-server-removed": "the server {url} is gone",
            "new-optional-request-parameter": f"{_PARAMETER} is new",
            "request-parameter-became-optional": f"{_PARAMETER} became optional",
            "request-body-became-optional": "the request body became optional",
            "request-body-added-optional": "an optional request body is new",
            "request-body-media-type-added": "the request body as {media} is new",
            "response-media-type-added": "the response as {media} is new",
            "response-success-status-added": "the status {code} is new",
            "response-non-success-status-added": "the status {code} is new",
            "response-non-success-status-removed": "the status {code} is gone",
            "response-header-added": f"{_HEADER} is new",
            "response-header-became-required": f"{_HEADER} became required",
            "webhook-added": "the webhook is new",
            "webhook-deprecated": "the webhook is now deprecated",
            "webhook-reactivated": "the webhook is no longer deprecated",
            "webhook-body-added": "a body of the webhook is new",
            "webhook-body-media-type-added": "the webhook's body as {media} is new",
            "webhook-body-became-required": "the webhook's body became required",
            "webhook-answer-media-type-added": "the answer to the webhook as {media} is new",
            "webhook-answer-status-added": "the status {code} answers the webhook now",
        },
    ),
    "api-security-added": Row(
        "the sign-in with {schemes} is new", {"breaking": "; the operation was open before", "info": ""}
    ),
    "api-security-removed": Row(
        "the sign-in with {schemes} is gone", {"breaking": "", "info": "; the operation is open now"}
    ),
}
"""Id -> levels and text of each finding that no schema's change leads to."""

BOUNDS: Final[Mapping[str, str]] = {
    "maximum": "max",
    "minimum": "min",
    "maxLength": "max-length",
    "minLength": "min-length",
    "maxItems": "max-items",
    "minItems": "min-items",
    "maxProperties": "max-properties",
    "minProperties": "min-properties",
    "maxContains": "max-contains",
    "minContains": "min-contains",
}
"""Keyword -> the noun that ids use for it."""


def _bounds() -> Iterator[tuple[str, Rows]]:
    exclusive = [(keyword, f"exclusive-{BOUNDS[keyword]}") for keyword in ("maximum", "minimum")]
    for keyword, noun in [*BOUNDS.items(), *exclusive]:
        up, down = _UP_AND_DOWN if keyword.startswith("max") else _UP_AND_DOWN[::-1]
        # minContains is 1 where it is not there, so that setting it can do anything
        either = _EITHER if keyword == "minContains" else ()
        yield f"{noun}-set", _both(f"{keyword} of {{it}} is now {{new}}", "narrows", *either)
        yield f"{noun}-unset", _both(f"{keyword} of {{it}} was {{old}} and is gone", "widens", *either)
        yield f"{noun}-increased", _both(f"{keyword} of {{it}} changed from {{old}} to {{new}}", up)
        yield f"{noun}-decreased", _both(f"{keyword} of {{it}} changed from {{old}} to {{new}}", down)


_UP_AND_DOWN: Final[tuple[Effect, Effect]] = ("widens", "narrows")
_EITHER: Final[tuple[Effect, ...]] = ("narrows", "widens", "none")

OF_ANY: Final[Mapping[str, Rows]] = {
    "type-specialized": _both("the type of {it} changed from {old} to {new}", "narrows"),
    "type-generalized": _both("the type of {it} changed from {old} to {new}", "widens"),
    "type-changed": _both("the type of {it} changed from {old} to {new}", "differs"),
    "list-of-types-narrowed": _both("the type of {it} changed from {old} to {new}", "narrows"),
    "list-of-types-widened": _both("the type of {it} changed from {old} to {new}", "widens"),
    "became-nullable": _both("{it} may now be null", "widens"),
    "became-not-nullable": _both("{it} may no longer be null", "narrows"),
    "const-added": _both("{it} must now be the constant value {new}", "narrows"),
    "const-removed": _both("{it} need no longer be the constant value {old}", "widens"),
    "const-changed": _both("the constant value of {it} changed from {old} to {new}", "differs"),
    "became-enum": _both("{it} is now restricted to the values {new}", "narrows"),
    "became-not-enum": _both("{it} is no longer restricted to a list of values", "widens"),
    "enum-value-added": _both("the value {new} of {it} is new", "widens"),
    "enum-value-removed": _both("the value {old} of {it} is gone", "narrows"),
    **dict(_bounds()),
    "pattern-added": _both("{it} must now match the pattern {new}", "narrows"),
    "pattern-removed": _both("{it} need no longer match the pattern {old}", "widens"),
    "pattern-changed": _both("the pattern of {it} changed from {old} to {new}", "unknown"),
    "unique-items-set": _both("the items of {it} must now differ from each other", "narrows"),
    "unique-items-unset": _both("the items of {it} may now be equal to each other", "widens"),
    "multiple-of-set": _both("{it} must now be a multiple of {new}", "narrows"),
    "multiple-of-unset": _both("{it} need no longer be a multiple of {old}", "widens"),
    "multiple-of-specialized": _both("{it} must now be a multiple of {new} instead of {old}", "narrows"),
    "multiple-of-generalized": _both("{it} must now be a multiple of {new} instead of {old}", "widens"),
    "multiple-of-changed": _both("{it} must now be a multiple of {new} instead of {old}", "differs"),
    "default-value-added": _both("the default of {it} is now {new}", "none"),
    "default-value-removed": _both("the default of {it} was {old} and is gone", "none"),
    # who reads an answer has no use for a default
    "default-value-changed": _both("the default of {it} changed from {old} to {new}", "none", in_request="unknown"),
    "deprecated": _both("{it} is now deprecated", "none"),
    "reactivated": _both("{it} is no longer deprecated", "none"),
    "additional-properties-closed": _both("{it} now allows no properties but the documented ones", "narrows"),
    "unevaluated-properties-added": _both("{it} now allows no properties but the documented ones", "narrows"),
    "additional-properties-opened": _both("{it} now allows other properties than the documented ones", "widens"),
    "unevaluated-properties-removed": _both("{it} now allows other properties than the documented ones", "widens"),
    "{choice}-added": _both("a choice for {it} is new", "narrows"),
    "{choice}-removed": _both("a choice for {it} is gone", "widens"),
    "{branch_of}-added": _both("the branch {branch} of {it} is new", "widens"),
    "{branch_of}-removed": _both("the branch {branch} of {it} is gone", "narrows"),
    "wrapped-in-{choice}": _both("{it} became a choice", "differs"),
    "wrapped-in-{choice}-original-preserved": _both(
        "{it} became a choice, with what it was as one of its branches", "widens"
    ),
    "unwrapped-from-{choice}": _both("{it} is no longer a choice", "differs"),
    "unwrapped-from-{choice}-original-preserved": _both(
        "{it} is no longer a choice, but always one of its branches", "narrows"
    ),
    "wrapped": _both("{it} became wrapped: what stood by itself is now inside an object, under `{wrapper}`", "differs"),
    "unwrapped": _both("the wrapper `{wrapper}` around {it} is gone: what was inside now stands by itself", "differs"),
    "discriminator-property-name-changed": _both("the discriminator of {it} changed from {old} to {new}", "unknown"),
    "discriminator-mapping-added": _both("the discriminator of {it} also maps {new}", "unknown"),
    "discriminator-mapping-deleted": _both("the discriminator of {it} no longer maps {old}", "unknown"),
    # any other keyword is only seen to differ: what that does is left to a person
    "{keyword}-added": _both("{value} of {it} is new", "unknown"),
    "{keyword}-removed": _both("{value} of {it} is gone", "unknown"),
    "{keyword}-changed": _both("{value} of {it} changed", "unknown"),
}
"""The changes that any schema can have."""

_NOT_SENT: Final = "; it is read-only, so no request has it"
_NOT_ANSWERED: Final = "; it is write-only, so no answer has it"

WITH_DEFAULT: Final = "-with-default"
"""How ids end where what is now required has a default."""

_OF_PROPERTIES: Final[Mapping[str, Rows]] = {
    "{in}property-removed": _read(
        "request",
        "the {presence} {noun} `{name}` is gone",
        {
            "narrows": "; a request that still sends it is refused",
            "unknown": "; it may be ignored or refused",
            "none": _NOT_SENT,
        },
    ),
    "new-required-{in}property": _read(
        "request",
        "the required {noun} `{name}` is new",
        {
            "narrows": "; a request without it is refused",
            "none": _NOT_SENT,
        },
    ),
    f"new-required-{{in}}property{WITH_DEFAULT}": _read(
        "request", "the required {noun} `{name}` is new; a request without it is refused", {"narrows": ""}
    ),
    "new-optional-{in}property": _read("request", "the optional {noun} `{name}` is new", {"none": ""}),
    "{in}required-property-removed": _read("response", "the required {noun} `{name}` is gone", {"widens": ""}),
    "{in}optional-property-removed": _read("response", "the optional {noun} `{name}` is gone", {"unknown": ""}),
    "{in}{presence}-write-only-property-removed": _read(
        "response", "the {presence} property `{name}` is gone", {"none": ""}
    ),
    "{in}{presence}-property-added": _read(
        "response", "the {presence} {noun} `{name}` is new; a strict parser breaks on it", {"none": ""}
    ),
    "{in}{presence}-write-only-property-added": _read(
        "response", "the {presence} {noun} `{name}` is new; a strict parser breaks on it", {"none": ""}
    ),
    "became-required": (
        _read("request", "{it} became required", {"narrows": "", "none": _NOT_SENT})
        | _read("response", "{it} became required", {"narrows": ""})
    ),
    f"became-required{WITH_DEFAULT}": _read("request", "{it} became required", {"narrows": "", "none": _NOT_SENT}),
    "became-optional": (
        _read("request", "{it} became optional", {"widens": ""})
        | _read("response", "{it} became optional", {"widens": "; it may now be missing", "none": _NOT_ANSWERED})
    ),
    "{in}{presence}-property-became-read-only": _both("{it} became read-only", "none", in_request="unknown"),
    "{in}{presence}-property-became-write-only": _both("{it} became write-only", "unknown", in_request="none"),
    "{in}{presence}-property-became-not-read-only": _both("{it} is no longer read-only", "none"),
    "{in}{presence}-property-became-not-write-only": _both("{it} is no longer write-only", "none"),
}
"""The changes that only a property can have. ``{in}`` stands for what it is in."""

CHANGES: Final[Mapping[str, Rows]] = {**OF_ANY, **_OF_PROPERTIES}
"""What follows the subject in the ids of changes, or all of such an id -> levels and text, by who reads the value.

Names and texts are filled in at their ``{names}`` with the values of the change; ``{it}`` stands for the subject.
"""

_OF_HEADERS: Final = frozenset({"new-required-{in}property", "became-required", "became-enum"})
"""What oasdiff names of its own in a property of a header parameter; the rest it names as of any parameter."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change at ``pointer`` below a schema: its name in :data:`CHANGES`, and the values to fill in."""

    name: str
    level: Level
    pointer: str
    values: Mapping[str, object]

    def below(self, segment: str) -> Change:
        """Return the change as it is seen from the schema that holds this one at ``segment``."""
        return Change(self.name, self.level, f"/{segment}{self.pointer}", self.values)


def change_of(
    direction: Direction, name: str, effect: Effect | None = None, pointer: str = "", /, **values: object
) -> Change:
    """Return the change that :data:`CHANGES` has under ``name``.

    ``effect`` says which level it has, where it can have several.
    """
    row = CHANGES[name][direction]
    return Change(name, level_of(direction, effect) if effect else row.level, pointer, values)


def finding_of(
    id_: str,
    operation: str,
    status: int | None = None,
    location: str = "",
    *,
    level: Level | None = None,
    **values: object,
) -> Finding:
    """Return the finding that :data:`FINDINGS` has under ``id_``; ``level``: which, where it can have several."""
    row = FINDINGS[id_]
    level = level or row.level
    return Finding(id_, level, operation, status, location, row.message(level, values))


def finding_of_change(
    kind: Kind,
    change: Change,
    operation: str,
    status: int | None = None,
    location: str = "",
    *,
    said: str = "",
    **whole: str,
) -> Finding:
    """Return the finding for ``change`` in a schema that describes ``kind``.

    ``location`` is the schema's, ``whole`` what :data:`WHOLES` needs. ``said``: what an answer shows of the subject,
    instead of what the table has.
    """
    id_ = id_of(kind, change.name, change.values, below=bool(change.pointer), place=whole.get("place", ""))
    it = subject_of(kind, change.pointer, WHOLES[kind].format_map(whole))
    row = CHANGES[change.name][direction_of(kind)]
    message = f"{it} {said}" if said else row.message(change.level, {**change.values, "it": it, "noun": noun_of(kind)})
    return Finding(id_, change.level, operation, status, location + change.pointer, message)


def kebab(keyword: str) -> str:
    """Return a keyword as ids have it: ``prefixItems`` is ``prefix-items``."""
    return "".join(f"-{char.lower()}" if char.isupper() else char for char in keyword)


def direction_of(kind: Kind) -> Direction:
    """Return who reads what a schema of ``kind`` describes."""
    return "request" if kind.startswith("request") or kind == "webhook-answer" else "response"


def noun_of(kind: Kind) -> str:
    """Return what a property of ``kind`` is called."""
    if kind.startswith("webhook"):
        return f"{kind.removesuffix('-body').replace('-', ' ')} property"
    return f"{direction_of(kind)} property"


def id_of(kind: Kind, name: str, values: Mapping[str, object], *, below: bool, place: str) -> str:
    """Return the id of a change; ``below``: it is in a property or item, ``place``: where a parameter is."""
    holder = f"{kind.removesuffix('-body')}-"
    if kind == "request-parameter" and place == "header" and below and name.removesuffix(WITH_DEFAULT) in _OF_HEADERS:
        holder, name = "request-header-", name.removesuffix(WITH_DEFAULT)
    if "{in}" in name:
        return name.format_map({**values, "in": holder})
    return (f"{holder}property-" if below else f"{kind}-") + name.format_map(values)


def subject_of(kind: Kind, pointer: str, whole: str) -> str:
    """Return what is at ``pointer``, in words; ``whole`` is what the schema describes (``the response body``)."""
    names = pointer_parts(pointer)
    stars = 0
    while names and names[-1] == "*":
        names.pop()
        stars += 1
    if names:
        of_body = kind not in ("request-parameter", "response-header")
        whole = f"the {noun_of(kind)} `{names[-1]}`" if of_body else f"the property `{names[-1]}` of {whole}"
    return "the items of " * stars + whole
