"""Request bodies: read as JSON, then held to the shape that the contract gives each message."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, NoReturn

from pytest_adyen_creds.contract import VERSIONS, load_contract
from pytest_adyen_creds.errors import SandboxError
from pytest_adyen_creds.formats import is_deeper
from pytest_adyen_creds.sandbox.outcomes import InvalidFields, Kind, Refused
from pytest_adyen_creds.sandbox.rules import SPECIFICATION, Rule, implements

LARGEST_BODY: Final = 1024 * 1024
"""The largest request body that is read, in bytes."""

DEEPEST_BODY: Final = 100
"""The deepest nesting of a request body, in levels."""

UNREADABLE: Final = Rule.documented(
    "bodies.unreadable",
    "A body that cannot be read as JSON is answered with 400.",
    f"{SPECIFICATION}, response 400 of every operation: a problem reading or understanding the request",
)
NOT_AN_OBJECT: Final = Rule.assumed(
    "bodies.not-an-object",
    "A JSON body that is no object is answered with 400.",
    f"{SPECIFICATION} gives every request body an object schema; the status is a reading of its text on 400",
)
MEDIA_TYPE: Final = Rule.assumed(
    "bodies.media-type",
    "A body that is not announced as application/json is answered with 400.",
    f"{SPECIFICATION} lists application/json alone, and no 415",
)
TOO_LARGE: Final = Rule.assumed(
    "bodies.too-large",
    "A body over 1 MiB, or nested deeper than 100 levels, is answered with 400.",
    "no limit is published; the sandbox keeps its memory flat",
)
UNKNOWN_FIELD: Final = Rule.documented(
    "bodies.unknown-field",
    "A property that the message does not have is refused with 422 and named in invalidFields.",
    f"{SPECIFICATION}, additionalProperties false on every request message",
)
WRONG_TYPE: Final = Rule.documented(
    "bodies.wrong-type",
    "A property of the wrong JSON type, null included, is refused with 422 and named in invalidFields.",
    f"{SPECIFICATION}, property types of the request messages and the text on 422",
)
MISSING_FIELD: Final = Rule.documented(
    "bodies.missing-field",
    "A message without a required property is refused with 422 and the property named in invalidFields.",
    f"{SPECIFICATION}, required of AllowedOrigin and CreateAllowedOriginRequest",
)
BODY_OPTIONAL: Final = Rule.documented(
    "bodies.optional",
    "A create or update call without a body means an empty object.",
    f"{SPECIFICATION}: no request body is marked as required",
)

_EXPECTED: Final = {
    "string": "a string",
    "array": "an array of strings",
    "boolean": "true or false",
    "object": "an object of links",
}
"""What a property must be, by the type that its schema has."""


@dataclass(frozen=True)
class _Shape:
    """The properties of a request message, and what each must be; those that it must have."""

    properties: Mapping[str, str]
    required: tuple[str, ...]


@cache
def _shape(message: str) -> _Shape:
    schema = load_contract(VERSIONS[0]).to_json_schema(message)
    # a reference is to an object
    types = {name: str(each.get("type", "object")) for name, each in schema["properties"].items()}
    if unknown := sorted(name for name, type_ in types.items() if type_ not in _EXPECTED):
        raise SandboxError(
            f"{message}: the sandbox cannot check {', '.join(unknown)}; teach sandbox/bodies.py its type"
        )
    properties = {name: _EXPECTED[type_] for name, type_ in types.items()}
    return _Shape(properties, tuple(schema.get("required", ())))


@implements(BODY_OPTIONAL)
def read_body(data: bytes | Refused, media_type: str | None) -> dict[str, Any]:
    """Return the JSON object in ``data``, an empty one for no data; raises :class:`Refused` for what cannot be read.

    ``data`` is the body, or the refusal of one that could not be read to its end; ``media_type`` is the caller's
    content type, as sent.
    """
    if isinstance(data, Refused):
        raise data
    if not data:
        return {}
    if not is_json(media_type):
        raise Refused(MEDIA_TYPE, Kind.UNREADABLE, "The request body is not announced as application/json.")
    try:
        body = json.loads(data.decode("utf-8"), parse_constant=_refuse_constant)
    except RecursionError:
        raise Refused(TOO_LARGE, Kind.UNREADABLE, "The request body is nested too deeply.") from None
    except ValueError:
        raise Refused(UNREADABLE, Kind.UNREADABLE, "The request body cannot be read as JSON.") from None
    if not isinstance(body, dict):
        raise Refused(NOT_AN_OBJECT, Kind.UNREADABLE, "The request body is not a JSON object.")
    if is_deeper(body, DEEPEST_BODY - 1):  # the body itself is the first level
        raise Refused(TOO_LARGE, Kind.UNREADABLE, "The request body is nested too deeply.")
    return body


def is_json(media_type: str | None) -> bool:
    """Tell whether a content type announces JSON in UTF-8."""
    essence, *parameters = [part.strip().lower() for part in (media_type or "").split(";")]
    charsets = [part.partition("=")[2].strip('" ') for part in parameters if part.startswith("charset=")]
    return essence == "application/json" and all(charset in ("utf-8", "utf8") for charset in charsets)


def check_shape(message: str, body: Mapping[str, Any]) -> None:
    """Raise :class:`Refused`, with each offending property named, unless ``body`` has the shape of ``message``."""
    shape = _shape(message)
    invalid = InvalidFields(Kind.INVALID_ORIGIN if "domain" in shape.properties else Kind.INVALID)
    for name, value in body.items():
        if name not in shape.properties:
            invalid.add(UNKNOWN_FIELD, name[:100], shown(value), "This field is not known.")
        elif not _fits(shape.properties[name], value):
            invalid.add(WRONG_TYPE, name, shown(value), f"This field must be {shape.properties[name]}.")
    for name in shape.required:
        if name not in body:
            invalid.add(MISSING_FIELD, name, "", "This field is required.")
    invalid.raise_any()


def shown(value: Any) -> str:
    """Return a refused value as the text that ``invalidFields`` shows: at most 100 characters."""
    return (value if isinstance(value, str) else json.dumps(value))[:100]


def _fits(expected: str, value: Any) -> bool:
    if expected == _EXPECTED["string"]:
        return isinstance(value, str)
    if expected == _EXPECTED["array"]:
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    if expected == _EXPECTED["boolean"]:
        return isinstance(value, bool)
    return isinstance(value, dict) and value.keys() == {"self"} and _is_link(value["self"])


def _is_link(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() <= {"href"} and isinstance(value.get("href", ""), str)


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(constant)
