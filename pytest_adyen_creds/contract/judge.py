"""The judge: one answer held against the contract, each departure one precise finding.

Whoever has an answer asks here: the contract suite, ``adyen_contract.check``, ``--adyen-drift``, ``drift response`` and
``drift cassettes``. What is found goes through the known deviations and the baseline; see :mod:`.baseline`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any, Final

from pytest_adyen_creds.contract.finding import Finding, Level
from pytest_adyen_creds.errors import FileRefused
from pytest_adyen_creds.formats import parse_json
from pytest_adyen_creds.secrets import SECRETS, mask_text
from pytest_adyen_creds.text import escape_pointer, pointer_parts

if TYPE_CHECKING:
    from pytest_adyen_creds.contract import Contract, Operation, Violation

_HTML: Final = re.compile(rb"\s*(?:<!doctype\s+html|<html|<head|<body|<\?xml)", re.IGNORECASE)
_LONGEST: Final = 200
_DEEPEST_SCHEMA: Final = 50

DOCUMENTED: Final = "application/json"
"""The media type of every body that a contract describes."""

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
    """A finding, one example of it that shows no secret, and the JSON Pointer of that example's place in the body."""

    finding: Finding
    example: str
    pointer: str = ""


def judge(
    contract: Contract,
    operation: Operation,
    status: int,
    content_type: str | None,
    body: bytes,
    headers: Mapping[str, str] | None = None,
) -> list[Observation]:
    """Hold one answer of ``operation`` against ``contract``; an empty list where it keeps to it.

    Judged are the status, the media type, the documented headers and the body. ``content_type`` is the answer's header,
    empty where it had none and ``None`` where that is not known. ``body`` is decoded from any content encoding.
    ``headers``: the answer's; ``None``: not known, so not judged. Nothing is raised, whatever the answer holds.
    """
    departures = [*_headers(operation, status, headers)]
    departure = _departure(operation, status, content_type, body)
    structure = operation.responses.get(status)
    found: list[Observation] = []
    if departure is None and structure is not None:
        value, problem = _parsed(body)
        if problem:
            text = f"the response body {problem}"
            departure = Finding("response-body-not-json", "breaking", operation.label, status, "", text)
        elif violations := contract.validate(structure, value):
            found = list(_once(places(contract, operation, status, value, violations)))
    if departure is not None:
        departures.insert(0, departure)
    media = (content_type or "").partition(";")[0].strip() or "no stated media type"
    example = _masked(f"{status} with {len(body)} bytes of {media}")
    return [*(Observation(each, example) for each in departures), *found]


def places(
    contract: Contract, operation: Operation, status: int, body: Any, violations: list[Violation]
) -> Iterator[Observation]:
    """Yield an observation for each place at which ``body``, a parsed JSON value, departs from the contract.

    ``violations`` are the body's, of the structure that ``operation`` answers ``status`` with; equal findings come once
    for each of their places.
    """
    structure = operation.responses[status]
    assert structure is not None
    return _BodyFindings(contract, operation, status, structure, body).observations(violations)


def _departure(operation: Operation, status: int, content_type: str | None, body: bytes) -> Finding | None:
    """Return what is wrong with an answer before its body is read as JSON."""

    def finding(id_: str, level: Level, text: str) -> Finding:
        return Finding(id_, level, operation.label, status, "", text)

    if status not in operation.responses:
        known = ", ".join(map(str, sorted(operation.responses)))
        text = f"the status {status} is not in the contract, which knows {known}"
        return finding("response-undocumented-status", "warning", text)
    documented = operation.responses[status] is not None
    if not body.strip():
        text = "the response has no body where the contract has one"
        return finding("response-body-missing", "breaking", text) if documented else None
    if not documented:
        text = "the response has a body where the contract has none"
        return finding("response-undocumented-body", "warning", text)
    media = (content_type or "").partition(";")[0].strip() or ("text/html" if _HTML.match(body) else "")
    if media.lower() == DOCUMENTED or (not media and content_type is None):
        return None
    shown = media.lower() if SECRETS.mask(media) == media else SECRETS.mask(media)  # in lower case no secret is known
    came = f"as {_readable(shown)}" if media else "without a media type"
    text = f"the response came {came} where the contract has {DOCUMENTED}"
    return finding("response-undocumented-media-type", "breaking", text)


def _headers(operation: Operation, status: int, headers: Mapping[str, str] | None) -> Iterator[Finding]:
    """Yield the documented headers that an answer lacks, or has with a value of another form."""
    if headers is None:
        return
    there = {name.lower(): value for name, value in headers.items()}
    for each in operation.headers.get(status, ()):
        name, value = f"the response header `{each.name}`", there.get(each.name.lower())
        location = f"/header/{escape_pointer(each.name)}"
        if value is None:
            if each.required:
                text = f"{name} is required and missing"
                id_ = "response-required-header-missing"
                yield Finding(id_, "breaking", operation.label, status, location, text)
        elif not any(_fits(each.schema, reading) for reading in _readings_of(value)):
            text = f"{name} is not as documented"
            yield Finding("response-header-type-changed", "breaking", operation.label, status, location, text)


def _fits(schema: Mapping[str, Any], value: Any) -> bool:
    from jsonschema import Draft202012Validator

    return bool(Draft202012Validator(dict(schema)).is_valid(value))


def _readings_of(value: str) -> Iterator[Any]:
    """Yield what a header's text can stand for: itself, or the number or truth value that it spells."""
    yield value
    if re.fullmatch(r"-?[0-9]{1,18}(\.[0-9]{1,18})?|true|false", value):
        yield json.loads(value) if not re.match(r"-?0[0-9]", value) else float(value)


def _parsed(body: bytes) -> tuple[Any, str]:
    """Return the JSON value in ``body``, and what is wrong with it: nothing where it is JSON."""
    try:
        return parse_json(body.decode("utf-8-sig"), "the body"), ""
    except UnicodeDecodeError:
        return None, "is not UTF-8"
    except FileRefused as error:
        if "nested deeper" in str(error):
            return None, "is nested too deeply to be read"
        return None, "is HTML, not JSON" if _HTML.match(body) else "is not JSON"


class _BodyFindings:
    """Turns the violations of one body into observations."""

    def __init__(self, contract: Contract, operation: Operation, status: int, structure: str, body: Any) -> None:
        self._operation = operation
        self._status = status
        self._body = body
        self._schema = contract.validator(structure).schema

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
                    yield self._of_presence(violation)
                else:
                    done.add(parent)
                    yield wrapping

    def _of_presence(self, violation: Violation) -> Observation:
        shown, pointer = _readable(pointer_parts(violation.pointer)[-1]), violation.pointer
        if violation.keyword == "required":
            text = f"the required response property `{shown}` is missing"
            return self._observation("response-required-property-missing", "breaking", pointer, text, violation.message)
        text = f"the response property `{shown}` is not in the contract; a strict parser breaks on it"
        return self._observation("response-undocumented-property", "warning", pointer, text, violation.message)

    def _of_value(self, violation: Violation) -> Observation:
        kind, subject = self._subject(violation.pointer)
        aspect, level = _KEYWORDS.get(violation.keyword, (f"{_kebab(violation.keyword)}-changed", "warning"))
        value = self._at(violation.pointer)
        if violation.keyword == "type" and value is None:
            text = f"{subject} is null where the contract has {violation.expected}"
            aspect, level = "became-nullable", "breaking"
            return self._observation(f"{kind}-{aspect}", level, violation.pointer, text, violation.message)
        found = f"is {_type_name(value)}" if violation.keyword == "type" else "is not as documented"
        text = f"{subject} {found} where the contract has {violation.expected}"
        return self._observation(f"{kind}-{aspect}", level, violation.pointer, text, violation.message)

    def _wrapping(self, pointer: str) -> Observation | None:
        """Return the observation for an object that came inside another, or without the one around it."""
        value = self._at(pointer)
        known = self._properties(pointer)
        if not isinstance(value, dict) or not known or not value:
            return None
        kind, subject = self._subject(pointer)
        if len(value) == 1:
            name, inner = next(iter(value.items()))
            if name not in known and isinstance(inner, dict) and inner and inner.keys() <= known.keys():
                text = f"{subject} came wrapped: inside another object, under `{_readable(name)}`"
                return self._observation(f"{kind}-wrapped", "breaking", pointer, text, f"{pointer}/{_readable(name)}")
        if len(known) == 1:
            name, schema = next(iter(known.items()))
            inside = self._properties_of(schema)
            if inside and name not in value and value.keys() <= inside.keys():
                text = f"{subject} came without the object around it, `{name}`"
                return self._observation(f"{kind}-unwrapped", "breaking", pointer, text, pointer)
        return None

    def _properties(self, pointer: str) -> Mapping[str, Any]:
        """Return the properties of the object that the contract has at ``pointer``; none where it has no object."""
        schema: Any = self._schema
        for part in pointer_parts(pointer):
            properties = self._properties_of(schema)
            if part in properties:
                schema = properties[part]
            elif part.isdigit():
                schema = next((each["items"] for each in self._parts_of(schema) if "items" in each), None)
            else:
                return {}
        return self._properties_of(schema)

    def _properties_of(self, schema: Any) -> dict[str, Any]:
        return {name: each for part in self._parts_of(schema) for name, each in part.get("properties", {}).items()}

    def _parts_of(self, schema: Any, depth: int = 0) -> Iterator[Mapping[str, Any]]:
        """Yield what must all hold: a schema, what it refers to, what its allOf has, and the one type beside null."""
        if not isinstance(schema, Mapping) or depth > _DEEPEST_SCHEMA:
            return
        yield schema
        further = list(schema.get("allOf", ()))
        if isinstance(schema.get("$ref"), str):
            further.append(self._schema.get("$defs", {}).get(schema["$ref"].removeprefix("#/$defs/")))
        for keyword in ("anyOf", "oneOf"):
            real = [each for each in schema.get(keyword, ()) if each != {"type": "null"}]
            further += real if len(real) == 1 else []
        for each in further:
            yield from self._parts_of(each, depth + 1)

    def _at(self, pointer: str) -> Any:
        return reduce(_member, pointer_parts(pointer), self._body)

    def _location(self, pointer: str) -> str:
        """Return ``pointer`` with ``*`` for each place in an array."""
        value, segments = self._body, []
        for part in pointer_parts(pointer):
            segments.append("*" if isinstance(value, list) else escape_pointer(_readable(part)))
            value = _member(value, part)
        return "".join(f"/{part}" for part in segments)

    def _subject(self, pointer: str) -> tuple[str, str]:
        """Return what findings at ``pointer`` are about: how their ids begin, and its name."""
        location = self._location(pointer)
        names = [part for part in pointer_parts(location) if part != "*"]
        items = "the items of " * location.endswith("/*")
        subject = items + (f"the response property `{_readable(names[-1])}`" if names else "the response body")
        return "response-property" if location else "response-body", subject

    def _observation(self, id_: str, level: Level, pointer: str, message: str, example: str) -> Observation:
        location = self._location(pointer)
        finding = Finding(id_, level, self._operation.label, self._status, location, message)
        return Observation(finding, _masked(example), pointer)


_ABSENT: Final = object()


def _member(value: Any, part: str) -> Any:
    """Return the member of a JSON value that a part of a pointer names, ``_ABSENT`` where there is none."""
    if isinstance(value, list):
        return value[int(part)] if part.isdigit() and int(part) < len(value) else _ABSENT
    return value.get(part, _ABSENT) if isinstance(value, dict) else _ABSENT


def _once(observations: Iterator[Observation]) -> Iterator[Observation]:
    """Pass on the first of equal findings: counts are of answers, not of places in one."""
    seen: set[tuple[str, ...]] = set()
    for observation in observations:
        if observation.finding.key not in seen:
            seen.add(observation.finding.key)
            yield observation


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
    text = mask_text(text)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
