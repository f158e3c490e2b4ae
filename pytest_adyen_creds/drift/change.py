"""One change between two schemas, and the id, level and message that it has where it is met."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from pytest_adyen_creds.contract.finding import Level
from pytest_adyen_creds.text import pointer_parts

Direction = Literal["request", "response"]
"""Who reads the value: the server (request) or the client (response)."""

Effect = Literal["narrows", "widens", "differs", "unknown", "none"]
"""What a change does to the set of values that are allowed."""

Kind = Literal["request-body", "request-parameter", "response-body", "response-header"]
"""What a schema describes."""

_LAW: Final[dict[tuple[Direction, Effect], Level]] = {
    ("request", "narrows"): "breaking",
    ("request", "widens"): "info",
    ("response", "narrows"): "info",
    ("response", "widens"): "breaking",
}

_BELOW: Final[dict[Kind, str]] = {
    "request-body": "request-property",
    "request-parameter": "request-parameter-property",
    "response-body": "response-property",
    "response-header": "response-header-property",
}


_OF_HEADERS: Final = frozenset({"+required", "became-required", "became-enum"})
"""What oasdiff names of its own in a property of a header parameter; the rest it names as of any parameter."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change at ``pointer`` below a schema.

    ``aspect`` is what follows the subject in the id (``max-length-set``). One that starts with ``+`` or ``-`` is about
    a property that came or went (``+required``, ``-optional``). ``text`` says it, ``{it}`` standing for the subject.
    """

    aspect: str
    level: Level
    pointer: str
    text: str

    def below(self, segment: str) -> Change:
        """Return the change as it is seen from the schema that holds this one at ``segment``."""
        return Change(self.aspect, self.level, f"/{segment}{self.pointer}", self.text)


def level_of(direction: Direction, effect: Effect) -> Level:
    """Return the level of an effect, by oasdiff's law: narrowing breaks who writes, widening breaks who reads."""
    if effect == "differs":
        return "breaking"
    if effect == "unknown":
        return "warning"
    return _LAW.get((direction, effect), "info")


def id_of(kind: Kind, change: Change, place: str = "") -> str:
    """Return the finding's id for ``change`` in a schema that describes ``kind``; ``place``: where a parameter is."""
    aspect, below = change.aspect, _BELOW[kind]
    if place == "header" and change.pointer and aspect.removesuffix("-with-default") in _OF_HEADERS:
        aspect, below = aspect.removesuffix("-with-default"), "request-header-property"
    direction = below.partition("-")[0]
    if aspect[0] == "+":
        presence = aspect[1:]
        if direction == "request":
            presence, _, default = presence.partition("-with-default")
            return f"new-{presence}-{below}" + ("-with-default" if _ or default else "")
        return f"{below.removesuffix('property')}{presence.removesuffix('-with-default')}-property-added"
    if aspect[0] == "-":
        return f"{below}-removed" if direction == "request" else f"{below[:-8]}{aspect[1:]}-property-removed"
    if aspect[0] == "=":
        # oasdiff names the presence of a property that became read-only or write-only
        presence, _, rest = aspect[1:].partition(":")
        return f"{below.removesuffix('property')}{presence}-property-{rest}" if change.pointer else f"{kind}-{rest}"
    return f"{below if change.pointer else kind}-{aspect}"


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
