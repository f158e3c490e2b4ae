"""Observed drift: one real answer held against the contract, each departure one precise finding."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pytest_adyen_creds.contract.operations import is_json
from pytest_adyen_creds.drift.document import Document
from pytest_adyen_creds.drift.finding import Finding, Level
from pytest_adyen_creds.errors import FileRefused
from pytest_adyen_creds.files import parse_json
from pytest_adyen_creds.pointers import escape, parts, unescape
from pytest_adyen_creds.secrets import SECRETS

if TYPE_CHECKING:
    from pytest_adyen_creds.contract import Contract, Operation, Violation

_HTML: Final = re.compile(rb"\s*(?:<!doctype\s+html|<html|<head|<body|<\?xml)", re.IGNORECASE)
_LONGEST: Final = 200

_KEYWORDS: Final[Mapping[str, tuple[str, Level]]] = {
    "type": ("type-changed", "breaking"),
    "enum": ("enum-value-added", "breaking"),
    "const": ("const-changed", "breaking"),
    "maxLength": ("max-length-increased", "breaking"),
    "minLength": ("min-length-decreased", "breaking"),
    "maxItems": ("max-items-increased", "breaking"),
    "minItems": ("min-items-decreased", "breaking"),
    "maxProperties": ("max-properties-increased", "breaking"),
    "minProperties": ("min-properties-decreased", "breaking"),
    "maximum": ("max-increased", "breaking"),
    "minimum": ("min-decreased", "breaking"),
    "exclusiveMaximum": ("exclusive-max-increased", "breaking"),
    "exclusiveMinimum": ("exclusive-min-decreased", "breaking"),
    "pattern": ("pattern-changed", "warning"),
    "uniqueItems": ("unique-items-unset", "breaking"),
    "multipleOf": ("multiple-of-changed", "breaking"),
}
"""What an answer that breaks a keyword shows: the change that a specification would have needed to allow it."""


@dataclass(frozen=True, slots=True)
class Observation:
    """A finding, and one example of it that shows no secret."""

    finding: Finding
    example: str


def observe(
    contract: Contract, method: str, path: str, status: int, content_type: str | None, body: bytes
) -> list[Observation]:
    """Hold one answer against ``contract``; an empty list where it keeps to it.

    ``path`` is the request's, percent-encoded, with or without the leading version. ``content_type`` is the answer's
    header, ``None`` where it is not known. ``body`` is decoded from any content encoding. An answer of an operation
    that the contract does not cover has no findings. Nothing is raised, whatever the answer holds.
    """
    found = contract.match(method, path)
    return observe_operation(contract, found[0], status, content_type, body) if found else []


def observe_operation(
    contract: Contract, operation: Operation, status: int, content_type: str | None, body: bytes
) -> list[Observation]:
    """Hold one answer of ``operation`` against ``contract``; see :func:`observe`."""

    departure = _departure(operation, status, content_type, body)
    structure = operation.responses.get(status)
    if departure is None and structure is not None:
        value, departure = _parsed(body)
        violations = contract.validate(structure, value) if departure is None else []
        if violations:
            return list(_once(_Judge(contract, operation, status, structure, value).observations(violations)))
    if departure is None:
        return []
    id_, level, message = departure
    media = (content_type or "").partition(";")[0].strip() or "no stated media type"
    example = _masked(f"{status} with {len(body)} bytes of {media}")
    return [Observation(Finding(id_, level, operation.label, status, "", _readable(message, 400)), example)]


Departure = tuple[str, Level, str]
"""A finding's id, level and message."""


def _departure(operation: Operation, status: int, content_type: str | None, body: bytes) -> Departure | None:
    """Return what is wrong with an answer before its body is read as JSON."""
    if status not in operation.responses:
        known = ", ".join(map(str, sorted(operation.responses)))
        text = f"the status {status} is not in the contract, which knows {known}"
        return "response-undocumented-status", "warning", text
    documented = operation.responses[status] is not None
    if not body.strip():
        text = "the response has no body where the contract has one"
        return ("response-body-missing", "breaking", text) if documented else None
    if not documented:
        return "response-undocumented-body", "warning", "the response has a body where the contract has none"
    media = (content_type or "").partition(";")[0].strip() or ("text/html" if _HTML.match(body) else "")
    if media and not is_json(media):
        shown = (
            media.lower() if SECRETS.mask(media) == media else SECRETS.mask(media)
        )  # in lower case no secret is known
        text = f"the response came as {shown} where the contract has application/json"
        return "response-undocumented-media-type", "breaking", text
    return None


def _parsed(body: bytes) -> tuple[Any, Departure | None]:
    """Return the JSON value in ``body``, or what is wrong with it."""
    try:
        return parse_json(body.decode("utf-8-sig"), "the body"), None
    except UnicodeDecodeError:
        problem = "is not UTF-8"
    except FileRefused as error:
        nested = "nested deeper" in str(error)
        problem = (
            "is nested too deeply to be read" if nested else "is HTML, not JSON" if _HTML.match(body) else "is not JSON"
        )
    return None, ("response-body-not-json", "breaking", f"the response body {problem}")


class _Judge:
    """Strictly private. Turns the violations of one body into observations."""

    def __init__(self, contract: Contract, operation: Operation, status: int, structure: str, body: Any) -> None:
        self._finding: Callable[..., Finding] = lambda *args: Finding(
            args[0], args[1], operation.label, status, *args[2:]
        )
        self._body = body
        schema = contract.to_json_schema(structure)
        self._document = Document({"openapi": "3.1.0", "$defs": schema.get("$defs", {}), "root": schema})
        self._schema = schema

    def observations(self, violations: list[Violation]) -> Iterator[Observation]:
        """Yield one observation a departure: a wrapped or unwrapped object is one, not one for each property."""
        done: set[str] = set()
        for violation in violations:
            parent = violation.pointer.rpartition("/")[0]
            if violation.keyword not in ("required", "additionalProperties"):
                yield self._of_value(violation)
            elif parent not in done:
                wrapping = self._wrapping(parent)
                if wrapping is None:
                    yield self._of_presence(violation, parts(violation.pointer)[-1])
                else:
                    done.add(parent)
                    yield wrapping

    def _of_presence(self, violation: Violation, name: str) -> Observation:
        location = self._location(violation.pointer)
        shown = _readable(name)
        if violation.keyword == "required":
            text = f"the required response property `{shown}` is missing"
            return self._observation(
                "response-required-property-missing", "breaking", location, text, violation.message
            )
        text = f"the response property `{shown}` is not in the contract; a strict parser breaks on it"
        return self._observation("response-undocumented-property", "warning", location, text, violation.message)

    def _of_value(self, violation: Violation) -> Observation:
        location = self._location(violation.pointer)
        kind = "response-property" if location else "response-body"
        subject = _subject(location)
        aspect, level = _KEYWORDS.get(violation.keyword, (f"{_kebab(violation.keyword)}-changed", "warning"))
        value = self._at(violation.pointer)
        if violation.keyword == "type" and value is None:
            text = f"{subject} is null where the contract has {violation.expected}"
            return self._observation(f"{kind}-became-nullable", "breaking", location, text, violation.message)
        found = f"is {_type_name(value)}" if violation.keyword == "type" else "is not as documented"
        text = f"{subject} {found} where the contract has {violation.expected}"
        return self._observation(f"{kind}-{aspect}", level, location, text, violation.message)

    def _wrapping(self, pointer: str) -> Observation | None:
        """Return the observation for an object that came inside another, or without the one around it."""
        value = self._at(pointer)
        known = self._properties(pointer)
        if not isinstance(value, dict) or not known or not value:
            return None
        location = self._location(pointer)
        kind = "response-property" if location else "response-body"
        subject = _subject(location)
        if len(value) == 1:
            name, inner = next(iter(value.items()))
            if name not in known and isinstance(inner, dict) and inner and inner.keys() <= known.keys():
                text = f"{subject} came wrapped: inside another object, under `{_readable(name)}`"
                return self._observation(f"{kind}-wrapped", "breaking", location, text, f"{pointer}/{_readable(name)}")
        if len(known) == 1:
            name, schema = next(iter(known.items()))
            inside = self._document.shape(schema).properties
            if inside and name not in value and value.keys() <= inside.keys():
                text = f"{subject} came without the object around it, `{name}`"
                return self._observation(f"{kind}-unwrapped", "breaking", location, text, pointer)
        return None

    def _properties(self, pointer: str) -> Mapping[str, Any]:
        schema: Any = self._schema
        for part in parts(pointer):
            shape = self._document.shape(schema)
            if part in shape.properties:
                schema = shape.properties[part]
            elif part.isdigit() and shape.types == {"array"}:
                schema = shape.items
            else:
                return {}
        return self._document.shape(schema).properties

    def _at(self, pointer: str) -> Any:
        value = self._body
        for part in parts(pointer):
            if isinstance(value, list) and part.isdigit() and int(part) < len(value):
                value = value[int(part)]
            elif isinstance(value, dict) and part in value:
                value = value[part]
            else:
                return _ABSENT
        return value

    def _location(self, pointer: str) -> str:
        """Return ``pointer`` with ``*`` for each place in an array."""
        value, segments = self._body, []
        for part in parts(pointer):
            if isinstance(value, list):
                segments.append("*")
                value = value[int(part)] if part.isdigit() and int(part) < len(value) else _ABSENT
            else:
                segments.append(escape(_readable(part)))
                value = value.get(part, _ABSENT) if isinstance(value, dict) else _ABSENT
        return "".join(f"/{part}" for part in segments)

    def _observation(self, id_: str, level: Level, location: str, message: str, example: str) -> Observation:
        return Observation(self._finding(id_, level, location, message), _masked(example))


_ABSENT: Final = object()


def _once(observations: Iterator[Observation]) -> Iterator[Observation]:
    """Pass on the first of equal findings: counts are of answers, not of places in one."""
    seen: set[tuple[str, ...]] = set()
    for observation in observations:
        if observation.finding.key not in seen:
            seen.add(observation.finding.key)
            yield observation


def _subject(location: str) -> str:
    names = [part for part in parts(location) if part != "*"]
    items = "the items of " * location.endswith("/*")
    return items + (f"the response property `{_readable(names[-1])}`" if names else "the response body")


def _type_name(value: Any) -> str:
    names = {
        str: "a string",
        bool: "a boolean",
        int: "a number",
        float: "a number",
        dict: "an object",
        list: "an array",
    }
    return names.get(type(value), "null" if value is None else "something else")


def _kebab(keyword: str) -> str:
    return "".join(f"-{char.lower()}" if char.isupper() else char for char in keyword)


def _readable(name: str, longest: int = 80) -> str:
    """Return a name out of a body fit for a report: masked, without control characters, and not endless."""
    name = json.dumps(SECRETS.mask(name), ensure_ascii=False)[1:-1].replace('\\"', '"')
    return name if len(name) <= longest else name[: longest - 1] + "…"


def _masked(text: str) -> str:
    unescaped = unescape(text)
    # a secret that came as a property's name stands escaped in a pointer
    text = SECRETS.mask(text if SECRETS.mask(unescaped) == unescaped else unescaped)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
