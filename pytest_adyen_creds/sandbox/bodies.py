"""Request bodies: read as JSON, then held to the shape that the contract gives each message."""

from __future__ import annotations

import json
from typing import Any, Final, NoReturn

from pytest_adyen_creds.contract import VERSIONS, Contract, Violation, load_contract
from pytest_adyen_creds.formats import is_deeper
from pytest_adyen_creds.sandbox.outcomes import InvalidFields, Kind, Refused
from pytest_adyen_creds.sandbox.rules import SPECIFICATION, Rule, implements
from pytest_adyen_creds.text import pointer_parts

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


@implements(BODY_OPTIONAL)
def read_body(data: bytes | Refused, media_type: str | None) -> dict[str, Any]:
    """Return the JSON object in ``data``, an empty one for no data; raises :class:`Refused` like :func:`read_value`."""
    body = read_value(data, media_type)
    if body is None and not data:
        return {}
    if not isinstance(body, dict):
        raise Refused(NOT_AN_OBJECT, Kind.UNREADABLE, "The request body is not a JSON object.")
    return body


def read_value(data: bytes | Refused, media_type: str | None) -> Any:
    """Return the JSON value in ``data``, None for no data; raises :class:`Refused` for what cannot be read.

    ``data`` is the body, or the refusal of one that could not be read to its end; ``media_type`` is the caller's
    content type, as sent.
    """
    if isinstance(data, Refused):
        raise data
    if not data:
        return None
    if not is_json(media_type):
        raise Refused(MEDIA_TYPE, Kind.UNREADABLE, "The request body is not announced as application/json.")
    try:
        body = json.loads(data.decode("utf-8"), parse_constant=_refuse_constant)
    except RecursionError:
        raise Refused(TOO_LARGE, Kind.UNREADABLE, "The request body is nested too deeply.") from None
    except ValueError:
        raise Refused(UNREADABLE, Kind.UNREADABLE, "The request body cannot be read as JSON.") from None
    if is_deeper(body, DEEPEST_BODY - 1):  # the body itself is the first level
        raise Refused(TOO_LARGE, Kind.UNREADABLE, "The request body is nested too deeply.")
    return body


def is_json(media_type: str | None) -> bool:
    """Tell whether a content type announces JSON in UTF-8."""
    essence, *parameters = [part.strip().lower() for part in (media_type or "").split(";")]
    charsets = [part.partition("=")[2].strip('" ') for part in parameters if part.startswith("charset=")]
    return essence == "application/json" and all(charset in ("utf-8", "utf8") for charset in charsets)


def check_shape(message: str, body: Any, contract: Contract | None = None) -> None:
    """Raise :class:`Refused`, with each offending property named, unless ``body`` has the shape of ``message``.

    ``contract`` has the message (default: the bundled one).
    """
    found: dict[str, Violation] = {}
    for violation in (contract or load_contract(VERSIONS[0])).validate(message, body):
        found.setdefault(next(iter(pointer_parts(violation.pointer)), ""), violation)
    invalid = InvalidFields(Kind.INVALID_ORIGIN if "AllowedOrigin" in message else Kind.INVALID)
    members = body if isinstance(body, dict) else {}
    for name in sorted(found, key=[*members, *found].index):
        violation, value = found[name], members.get(name, "")
        value = value if isinstance(value, str) else json.dumps(value)
        is_inside = violation.pointer.count("/") > 1
        if violation.keyword == "additionalProperties" and not is_inside:
            invalid.add(UNKNOWN_FIELD, name[:100], value, "This field is not known.")
        elif violation.keyword == "required" and not is_inside:
            invalid.add(MISSING_FIELD, name, value, "This field is required.")
        else:
            where = f" at {violation.pointer}" if is_inside else ""
            invalid.add(WRONG_TYPE, name, value, f"This field must be {violation.expected}{where}.")
    invalid.raise_any()


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(constant)
