"""Allowed origins: what is one, and adding to and removing from a credential's list."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

from pytest_adyen_creds.sandbox.keys import IdGenerator
from pytest_adyen_creds.sandbox.outcomes import InvalidFields, Kind, Refused
from pytest_adyen_creds.sandbox.rules import ERROR_PAGES, RECORDED, REPORTED, SDKS, SPECIFICATION, Rule, implements
from pytest_adyen_creds.sandbox.state import Credential, Origin

IS_AN_ORIGIN: Final = Rule.observed(
    "origins.is-an-origin",
    "An allowed origin is a scheme (http or https), a host and an optional port; anything else is refused with 422.",
    f"{SDKS}: one without a scheme is refused; the rest follows the examples in the {SPECIFICATION}",
)
NO_PATH: Final = Rule.assumed(
    "origins.no-path",
    "An allowed origin with a path (even '/'), query, fragment or user information is refused with 422.",
    "the web's definition of an origin has none of them, and no example shows one",
)
WILDCARD: Final = Rule.assumed(
    "origins.wildcard",
    "The first label of the host may be '*', for all subdomains; elsewhere '*' is refused.",
    "not in the specification; common in lists of allowed origins",
)
NO_DUPLICATES: Final = Rule.observed(
    "origins.no-duplicates",
    "An origin can be on a credential's list once; case and a scheme's own port make no difference; else 422.",
    f"{RECORDED}; {REPORTED}: one that exists is refused; what counts as the same is assumed",
)
UNKNOWN: Final = Rule.observed(
    "origins.unknown",
    "An unknown origin id, a removed one included, is answered with 422.",
    f"{SDKS}; {ERROR_PAGES}",
)
LISTED: Final = Rule.documented(
    "origins.listed",
    "The list has every allowed origin of the credential.",
    f"{SPECIFICATION}, GET …/allowedOrigins",
)
NOTHING_LISTED: Final = Rule.assumed(
    "origins.merchant-list-empty",
    "A merchant-level list of origins that is empty is answered with 204.",
    f"{SPECIFICATION} lists 204 for merchant-level operations and does not say when",
)
SHOWN: Final = Rule.documented(
    "origins.shown", "One allowed origin is shown by its id.", f"{SPECIFICATION}, GET …/allowedOrigins/{{originId}}"
)
ADDED: Final = Rule.documented(
    "origins.added",
    "Adding an origin answers it with its id and link.",
    f"{SPECIFICATION}, POST …/allowedOrigins, and its example",
)
ID_IGNORED: Final = Rule.assumed(
    "origins.id-ignored",
    "The id and _links in a request to add an origin are ignored: the server gives them.",
    f"{SPECIFICATION} reuses the answer's message for the request",
)
REMOVED: Final = Rule.documented(
    "origins.removed",
    "Removing an origin is answered with 204; from then on client-side requests from it are refused.",
    f"{SPECIFICATION}, DELETE …/allowedOrigins/{{originId}}",
)
KEPT_IDS: Final = Rule.assumed(
    "origins.replaced-list-keeps-ids",
    "An update replaces the whole list; an origin that was on it before keeps its id.",
    f"{SPECIFICATION} calls it the new list in the update messages and says nothing on ids",
)

_ORIGIN: Final = re.compile(
    r"(?P<scheme>https?)://(?:\[(?P<six>[0-9a-f:.]+)\]|(?P<host>[a-z0-9_.*-]+))(?::(?P<port>[0-9]{1,5}))?"
)
_LABEL: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_PORTS: Final = {"http": 80, "https": 443}


def canonical(domain: str) -> tuple[str, str, int] | None:
    """Return an origin's scheme, host and port in lower case, or ``None`` for what is no origin.

    The host is a name (its first label may be ``*``), an IPv4 address, or an IPv6 address in brackets.
    """
    if len(domain) > 255 or not domain.isascii():
        return None
    parts = _ORIGIN.fullmatch(domain.lower())
    if parts is None:
        return None
    scheme, port = parts["scheme"], int(parts["port"] or _PORTS[parts["scheme"]])
    host = _address(ipaddress.IPv6Address, parts["six"]) if parts["six"] else _name(parts["host"])
    return (scheme, host, port) if host and 0 < port < 65536 else None


def _address(kind: Callable[[str], object], text: str) -> str | None:
    try:
        return str(kind(text))
    except ValueError:
        return None


def _name(host: str) -> str | None:
    labels = host.split(".")
    if labels[-1].isdigit():
        # browsers read a host that ends in a number as an IPv4 address
        return _address(ipaddress.IPv4Address, host)
    if labels[0] == "*" and len(labels) > 2:
        labels = labels[1:]
    return host if all(_LABEL.fullmatch(label) for label in labels) else None


def covers(allowed: str, origin: str) -> bool:
    """Tell whether the allowed origin ``allowed``, perhaps with a wildcard, covers a browser's ``origin``."""
    wanted, given = canonical(allowed), canonical(origin)
    if wanted is None or given is None:
        return False
    if wanted[1].startswith("*."):
        return (wanted[0], wanted[2]) == (given[0], given[2]) and given[1].endswith(wanted[1][1:])
    return wanted == given


def check_origins(domains: Iterable[str], field: str, invalid: InvalidFields, listed: Iterable[Origin] = ()) -> None:
    """Note what is wrong with ``domains``, to be added to a list that has ``listed``; duplicates count."""
    seen = {canonical(origin.domain) for origin in listed}
    for domain in domains:
        form, rest = canonical(domain), domain.partition("://")[2]
        if form is not None:
            if form in seen:
                invalid.add(NO_DUPLICATES, field, domain, "Origin already exists")
            seen.add(form)
        elif any(c in "/?#@" for c in rest):
            invalid.add(NO_PATH, field, domain, "An origin has a scheme, a host and a port, and nothing else.")
        elif "*" in rest:
            invalid.add(WILDCARD, field, domain, "A wildcard stands for the first label of the host.")
        else:
            invalid.add(IS_AN_ORIGIN, field, domain, "This is not an origin: scheme, host, optional port.")


@implements(KEPT_IDS)
def replaced(before: Sequence[Origin], domains: Sequence[str], ids: IdGenerator) -> tuple[Origin, ...]:
    """Return the origins of a list that replaces ``before``: known ones keep their ids (rule ``KEPT_IDS``)."""
    known = {canonical(origin.domain): origin for origin in before}
    return tuple(
        replace(known[form], domain=domain) if (form := canonical(domain)) in known else Origin(ids.origin_id(), domain)
        for domain in domains
    )


def add(credential: Credential, body: dict[str, Any], ids: IdGenerator) -> tuple[Credential, Origin]:
    """Return ``credential`` with the origin in ``body`` added, and the origin; the rest of ``body`` is ignored."""
    domain, invalid = body["domain"], InvalidFields(Kind.INVALID_ORIGIN)
    check_origins([domain], "domain", invalid, credential.origins)
    invalid.raise_any()
    origin = Origin(ids.origin_id(), domain)
    return replace(credential, origins=(*credential.origins, origin)), origin


def find(credential: Credential, id: str) -> Origin:
    """Return the origin of ``credential`` with ``id``; raises :class:`Refused` for an unknown one."""
    for origin in credential.origins:
        if origin.id == id:
            return origin
    raise Refused(UNKNOWN, Kind.UNKNOWN_ORIGIN, "The credential has no allowed origin with this id.")


def remove(credential: Credential, id: str) -> Credential:
    """Return ``credential`` without the origin with ``id``; raises :class:`Refused` for an unknown one."""
    gone = find(credential, id)
    return replace(credential, origins=tuple(origin for origin in credential.origins if origin is not gone))
