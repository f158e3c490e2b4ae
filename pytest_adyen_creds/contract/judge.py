"""The judge: one answer held against the contract, each departure one precise finding.

Whoever has an answer asks here: the contract suite, ``adyen_contract.check``, ``--adyen-drift``, ``drift response`` and
``drift cassettes``. What is found goes through the known deviations and the baseline; see :mod:`.baseline`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from pytest_adyen_creds.contract.finding import Finding
from pytest_adyen_creds.contract.ids import BOUNDS, Change, change_of, finding_of, finding_of_change, kebab
from pytest_adyen_creds.contract.trees import at, member, parts_of
from pytest_adyen_creds.contract.validation import Validator
from pytest_adyen_creds.errors import ContractError, FileRefused
from pytest_adyen_creds.formats import parse_json
from pytest_adyen_creds.secrets import SECRETS, mask_text
from pytest_adyen_creds.text import escape_pointer, pointer_parts

if TYPE_CHECKING:
    from pytest_adyen_creds.contract import Contract, Operation, Violation

_HTML: Final = re.compile(rb"\s*(?:<!doctype\s+html|<html|<head|<body|<\?xml)", re.IGNORECASE)
_LONGEST: Final = 200

DOCUMENTED: Final = "application/json"
"""The media type of every body that a contract describes."""

_KEYWORDS: Final[Mapping[str, str]] = {
    "type": "type-changed",
    "enum": "enum-value-added",
    "const": "const-changed",
    **{
        keyword: f"{noun}-{'increased' if keyword.startswith('max') else 'decreased'}"
        for keyword, noun in BOUNDS.items()
        if not keyword.endswith("Contains")
    },
    "exclusiveMaximum": "exclusive-max-increased",
    "exclusiveMinimum": "exclusive-min-decreased",
    "pattern": "pattern-changed",
    "uniqueItems": "unique-items-unset",
    "multipleOf": "multiple-of-changed",
}
"""What an answer that breaks a keyword shows: the change that a specification would have needed to allow it."""

_HEADER_STEP: Final = "compare the header with the operation in openapi.yaml"
_STEPS: Final = {
    "response-undocumented-status": "document the status in openapi.yaml if it is real; else look at who answered",
    "response-undocumented-media-type": (
        "an answer that is not JSON mostly comes from a proxy or an error page in between"
    ),
    "response-required-header-missing": _HEADER_STEP,
    "response-header-type-changed": _HEADER_STEP,
}
_BODY_STEP: Final = (
    "if the API has changed, accept it (--adyen-drift-baseline) or change the structure; else the answer is wrong"
)


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
            departure = finding_of("response-body-not-json", operation.label, status, problem=problem)
        elif violations := contract.validate(structure, value):
            # of equal findings the first: counts are of answers, not of places in one
            first: dict[tuple[str, ...], Observation] = {}
            for each in places(contract, operation, status, value, violations):
                first.setdefault(each.finding.key, each)
            found = [*first.values()]
    if departure is not None:
        departures.insert(0, departure)
    media = (content_type or "").partition(";")[0].strip() or "no stated media type"
    example = _masked(f"{status} with {len(body)} bytes of {media}")
    return [*(Observation(each, example) for each in departures), *found]


def next_step(finding: Finding) -> str:
    """Return what a person does about ``finding``."""
    return _STEPS.get(finding.id, _BODY_STEP)


def places(
    contract: Contract, operation: Operation, status: int, body: Any, violations: list[Violation]
) -> Iterator[Observation]:
    """Yield an observation for each place at which ``body``, a parsed JSON value, departs from the contract.

    ``violations`` are the body's, of the structure that ``operation`` answers ``status`` with; equal findings come once
    for each of their places.
    """
    structure = operation.responses[status]
    assert structure is not None
    return _BodyFindings(operation.label, status, body, contract.schema(structure)).observations(violations)


def _departure(operation: Operation, status: int, content_type: str | None, body: bytes) -> Finding | None:
    """Return what is wrong with an answer before its body is read as JSON."""
    label = operation.label
    if status not in operation.responses:
        known = ", ".join(map(str, sorted(operation.responses)))
        return finding_of("response-undocumented-status", label, status, code=status, known=known)
    documented = operation.responses[status] is not None
    if not body.strip():
        return finding_of("response-body-missing", label, status) if documented else None
    if not documented:
        return finding_of("response-undocumented-body", label, status)
    media = (content_type or "").partition(";")[0].strip() or ("text/html" if _HTML.match(body) else "")
    if media.lower() == DOCUMENTED or (not media and content_type is None):
        return None
    shown = media.lower() if SECRETS.mask(media) == media else SECRETS.mask(media)  # in lower case no secret is known
    came = f"as {_readable(shown)}" if media else "without a media type"
    return finding_of("response-undocumented-media-type", label, status, came=came, media=DOCUMENTED)


def _headers(operation: Operation, status: int, headers: Mapping[str, str] | None) -> Iterator[Finding]:
    """Yield the documented headers that an answer lacks, or has with a value of another form."""
    if headers is None:
        return
    there = {name.lower(): value for name, value in headers.items()}
    for each in operation.headers.get(status, ()):
        value = there.get(each.name.lower())
        place = (operation.label, status, f"/header/{escape_pointer(each.name)}")
        if value is None:
            if each.required:
                yield finding_of("response-required-header-missing", *place, name=each.name)
        elif each.schema.get("type") != "array" and not any(_fits(each.schema, one) for one in _readings_of(value)):
            change = change_of("response", "type-changed")
            yield finding_of_change("response-header", change, *place, said="is not as documented", name=each.name)


def _fits(schema: Mapping[str, Any], value: Any) -> bool:
    try:
        return bool(Validator(schema).is_valid(value))
    except ContractError:  # a schema that is none judges nothing
        return True


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


@dataclass(frozen=True, slots=True)
class _BodyFindings:
    """Turns the violations of one body into observations."""

    operation: str
    status: int
    body: Any
    schema: Mapping[str, Any]

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
        id_ = (
            "response-required-property-missing"
            if violation.keyword == "required"
            else "response-undocumented-property"
        )
        name, location = _readable(pointer_parts(violation.pointer)[-1]), self._location(violation.pointer)
        finding = finding_of(id_, self.operation, self.status, location, name=name)
        return Observation(finding, _masked(violation.message), violation.pointer)

    def _of_value(self, violation: Violation) -> Observation:
        value = at(self.body, violation.pointer)
        is_type = violation.keyword == "type"
        found = f"is {type_name(value)}" if is_type else "is not as documented"
        name = "became-nullable" if is_type and value is None else _KEYWORDS.get(violation.keyword, "{keyword}-changed")
        change = change_of("response", name, keyword=kebab(violation.keyword))
        said = f"{found} where the contract has {violation.expected}"
        return self._observation(change, violation.pointer, said, violation.message)

    def _wrapping(self, pointer: str) -> Observation | None:
        """Return the observation for an object that came inside another, or without the one around it."""
        value = at(self.body, pointer)
        known = self._properties(pointer)
        if not isinstance(value, dict) or not known or not value:
            return None
        if len(value) == 1:
            name, inner = next(iter(value.items()))
            if name not in known and isinstance(inner, dict) and inner and inner.keys() <= known.keys():
                shown = _readable(name)
                said = f"came wrapped: inside another object, under `{shown}`"
                return self._observation(change_of("response", "wrapped"), pointer, said, f"{pointer}/{shown}")
        if len(known) == 1:
            name, schema = next(iter(known.items()))
            inside = self._properties_of(schema)
            if inside and name not in value and value.keys() <= inside.keys():
                said = f"came without the object around it, `{name}`"
                return self._observation(change_of("response", "unwrapped"), pointer, said, pointer)
        return None

    def _properties(self, pointer: str) -> Mapping[str, Any]:
        """Return the properties of the object that the contract has at ``pointer``; none where it has no object."""
        schema: Any = self.schema
        for part in pointer_parts(pointer):
            properties = self._properties_of(schema)
            if part in properties:
                schema = properties[part]
            elif part.isdigit():
                schema = next(
                    (each["items"] for each in parts_of(schema, self.schema.get("$defs", {})) if "items" in each), None
                )
            else:
                return {}
        return self._properties_of(schema)

    def _properties_of(self, schema: Any) -> dict[str, Any]:
        return {
            name: each
            for part in parts_of(schema, self.schema.get("$defs", {}))
            for name, each in part.get("properties", {}).items()
        }

    def _location(self, pointer: str) -> str:
        """Return ``pointer`` with ``*`` for each place in an array."""
        value, segments = self.body, []
        for part in pointer_parts(pointer):
            segments.append("*" if isinstance(value, list) else escape_pointer(_readable(part)))
            value = member(value, part)
        return "".join(f"/{part}" for part in segments)

    def _observation(self, change: Change, pointer: str, said: str, example: str) -> Observation:
        change = replace(change, pointer=self._location(pointer))
        finding = finding_of_change("response-body", change, self.operation, self.status, said=said)
        return Observation(finding, _masked(example), pointer)


def type_name(value: Any) -> str:
    """Return what the type of a JSON value is called: ``a string``."""
    names = {
        str: "a string",
        bool: "a boolean",
        int: "a number",
        float: "a number",
        dict: "an object",
        list: "an array",
    }
    return names.get(type(value), "null" if value is None else "something else")


def _readable(name: str, longest: int = 80) -> str:
    """Return a name out of a body fit for a report: masked, without control characters, and not endless."""
    name = json.dumps(SECRETS.mask(name), ensure_ascii=False)[1:-1].replace('\\"', '"')
    return name if len(name) <= longest else name[: longest - 1] + "…"


def _masked(text: str) -> str:
    text = mask_text(text)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
