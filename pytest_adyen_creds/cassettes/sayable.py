"""What of a captured answer may be said to others: what the contract or the sandbox knows, and names of their form.

Everything else may hold a name, an address or a key of whoever captured it, and is called "another …".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from pytest_adyen_creds.contract.judge import Observation
from pytest_adyen_creds.sandbox.answers import STYLES
from pytest_adyen_creds.sandbox.roles import CATALOGUE
from pytest_adyen_creds.text import pointer_parts

if TYPE_CHECKING:
    from pytest_adyen_creds.contract import Contract

OF_HTTP: Final = frozenset(
    {"age", "alt-svc", "cache-control", "connection", "content-encoding", "content-length", "date", "expires"}
    | {"keep-alive", "last-modified", "pragma", "server", "server-timing", "transfer-encoding", "vary", "via"}
)
"""Headers that servers and proxies in between add; a server's own clock tells that a capture kept them all."""
_HEADERS: Final = frozenset(
    {"content-type", "requestid", "pspreference", "traceparent", "set-cookie", "strict-transport-security", "etag"}
    | {"www-authenticate", "x-xss-protection"}
)
_PROPERTY: Final = re.compile(r"[a-z][A-Za-z0-9]{0,39}")
_HEADER: Final = re.compile(r"(?=.{1,40}\Z)[A-Za-z][a-z0-9]*(?:-[A-Za-z0-9][a-z0-9]*)*")
"""A header's name in small letters, or with a capital at the start of each word."""
_CODE: Final = re.compile(r"[0-9_]{1,20}")
_MEDIA: Final = re.compile(
    r"(?:application/(?:(?:problem|hal)\+)?json|(?:application|text)/xml|text/(?:html|plain))"
    r"(?: *; *charset=\"?(?:utf-8|us-ascii|iso-8859-1)\"?)?",
    re.IGNORECASE,
)
_ROLE: Final = re.compile(r"Management API [-\u2013\u2014] (?=.{1,40}\Z)[A-Z]?[a-z]+(?: [A-Z]?[a-z]+)*")
_WORDS: Final = frozenset(word.casefold() for role in CATALOGUE for word in role.split())
_FORMS: Final = tuple(form for style in STYLES.values() for form in style.errors.values())
_TITLES: Final = frozenset(form.title for form in _FORMS)
_TYPES: Final = frozenset(f"https://docs.adyen.com/errors/{form.type}" for form in _FORMS)
_FIELDS: Final = frozenset(field.name for style in STYLES.values() for field in style.origin_fields.values())
_UNSEEN: Final = "response-undocumented-media-type"


@lru_cache(maxsize=8)
def _names(contract: Contract) -> frozenset[str]:
    """Return the names of the properties and parameters that ``contract`` has."""
    parameters = (each.name for operation in contract.operations.values() for each in operation.parameters)
    return frozenset(chain(parameters, _properties(contract.to_openapi().get("components"))))


def _properties(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("properties"), dict):
            yield from node["properties"]
        node = list(node.values())
    for each in node if isinstance(node, list) else ():
        yield from _properties(each)


def said_property(name: str, contract: Contract) -> str:
    """Return a property's name where it is the contract's or looks like one of an API, else what it is called."""
    return name if _PROPERTY.fullmatch(name) or name in _names(contract) else "another property"


def said_field(name: Any, contract: Contract) -> str:
    """Return the name of an invalid field where the contract or the sandbox knows it."""
    return name if isinstance(name, str) and (name in _names(contract) or name in _FIELDS) else "another field"


def said_identity(name: str, value: Any) -> str:
    """Return the ``type``, ``title`` or ``errorCode`` of an error as JSON, where the sandbox knows it.

    An error code of digits is said in any case: it is what the evidence is about.
    """
    known = {
        "type": value in _TYPES if isinstance(value, str) else False,
        "title": value in _TITLES if isinstance(value, str) else False,
        "errorCode": bool(_CODE.fullmatch(value)) if isinstance(value, str) else False,
    }
    if value is None or known[name]:
        return json.dumps(value)
    return "another error code" if name == "errorCode" else f"another {name}"


def said_header(name: str) -> str:
    """Return a header's name in small letters where it is known or looks like one."""
    is_known = name.lower() in _HEADERS | OF_HTTP
    return name.lower() if is_known or _HEADER.fullmatch(name) else "another name"


def said_media(value: str) -> str:
    """Return a media type where it is one of those that APIs answer with."""
    return value if _MEDIA.fullmatch(value) else "another media type"


def said_role(role: str) -> str:
    """Return a role where it is written like Adyen's: of words that known roles have, or one of the Management API."""
    is_like_one = _ROLE.fullmatch(role) or {word.casefold() for word in role.split()} <= _WORDS
    return json.dumps(role, ensure_ascii=False) if is_like_one else "an unknown role"


def is_sayable(observation: Observation, media: str, contract: Contract) -> bool:
    """Tell whether a finding names only what may be said; ``media`` is the answer's content type."""
    finding = observation.finding
    if finding.id == _UNSEEN:
        return not media or said_media(media) == media
    names = [name for name in pointer_parts(finding.location) if name != "*"]
    if finding.id.endswith("-wrapped"):  # the name around it is in the message, and ends the example
        name = observation.example.rpartition("/")[2]
        names.append(name if finding.message.endswith(f"under `{name}`") else "")
    return all(said_property(name, contract) == name for name in names)
