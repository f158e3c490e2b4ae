"""Messages: what requests and answers say about credentials, and which operation a request names; pure reading."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import quote

import httpx

from pytest_adyen_creds.client import tag
from pytest_adyen_creds.settings import LIVE_PREFIX

if TYPE_CHECKING:
    from pytest_adyen_creds.client.tag import Tag

SECRET_PROPERTIES: Final = frozenset({"apiKey", "password", "clientKey"})
"""The properties whose values are secrets, wherever in an answer they stand (Adyen's specification)."""

_SECRET_NAMES: Final = frozenset(name.lower() for name in SECRET_PROPERTIES)
# the backslashes of a JSON text inside a JSON text; looked for from their first one only, or each would be a start
_SECRET_TEXT: Final = re.compile(r'(?<!\\)\\*"(?:apiKey|password|clientKey)\\*"\s*:\s*\\*"([^"\r\n]+)', re.IGNORECASE)
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_LIVE_KEY: Final = re.compile(rf"{LIVE_PREFIX}[A-Za-z0-9]{{8,}}")

Level = Literal["company", "merchant"]
Place = tuple[Level, str]
"""Where a credential was made: level and account."""
Action = Literal["credentials", "credential", "origins", "origin", "generateApiKey", "generateClientKey"]

# Unreserved characters only, not starting with a dot: nothing that is decoded, normalised or split on the way.
ITEM: Final = r"[A-Za-z0-9_~-][A-Za-z0-9._~-]*"
_PATH: Final = re.compile(
    rf"/v[13]/(?:"
    rf"(?P<level>companies|merchants)/(?P<account>{ITEM})/apiCredentials(?:/(?P<credential>{ITEM}))?|(?P<me>me))"
    rf"(?P<rest>/allowedOrigins(?:/(?P<origin>{ITEM}))?|/generateApiKey|/generateClientKey)?"
)
_CHANGES: Final = frozenset(
    {
        ("POST", "credentials"),
        ("PATCH", "credential"),
        ("POST", "origins"),
        ("DELETE", "origin"),
        ("POST", "generateApiKey"),
        ("POST", "generateClientKey"),
    }
)


def parse(body: bytes) -> Any:
    """Return the JSON value of a body, or None where it is not JSON."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def repeated_key(body: bytes) -> str | None:
    """Return a key that an object of a JSON body has twice, at any depth; None where none has.

    Readers differ on which of the two counts, so nothing may depend on such a body.
    """
    found: list[str] = []

    def look(pairs: list[tuple[str, Any]]) -> None:
        keys = [key for key, _ in pairs]
        if len(set(keys)) < len(keys):
            found.append(max(keys, key=keys.count))

    try:
        json.loads(body, object_pairs_hook=look)
    except (ValueError, RecursionError):
        return None
    return found[0] if found else None


def disagreement(said: Mapping[str, Any], shown: Mapping[str, Any]) -> str | None:
    """Return in what a credential as a read has ``shown`` it differs from what the answer to its creation ``said``.

    That is its id, its user, its company, its description, or the level and the account that its own link names; None
    where they agree in what both of them have. An id, a user and a description they must have.
    """
    for name in ("id", "username", "description", "companyName"):
        values = said.get(name), shown.get(name)
        if values[0] != values[1] and (name != "companyName" or None not in values):
            return name
    places = [place_in(links_in(body).get("self", "")) for body in (said, shown)]
    return "level" if None not in places and places[0] != places[1] else None


def path_of(level: Level, account: str) -> str:
    """Return the path, after the base URL, of the credentials of an account."""
    return f"/{'companies' if level == 'company' else 'merchants'}/{quote(account, safe='')}/apiCredentials"


def place_in(text: str) -> Place | None:
    """Return the level and the account whose credentials a URL in ``text`` is about; None where none is."""
    found = re.search(r"/(companies|merchants)/([^/?# ]+)/apiCredentials\b", text)
    return ("company" if found[1] == "companies" else "merchant", found[2]) if found else None


def links_in(body: Mapping[str, Any]) -> dict[str, str]:
    """Return the links that an answer shows, by their names."""
    links = body.get("_links")
    return {
        name: link["href"]
        for name, link in (links.items() if isinstance(links, dict) else ())
        if isinstance(link, dict) and isinstance(link.get("href"), str)
    }


def secrets_in(body: bytes, value: Any) -> set[str]:
    """Return the secret values that a body, parsed as ``value``, shows: by name at any depth, by text if torn."""
    found: set[str] = set()
    for match in _SECRET_TEXT.finditer(body.decode("utf-8", "replace")):
        found.add(match[1].rstrip("\\"))
        with suppress(ValueError):
            found.add(json.loads(f'"{match[1]}"'))
    for name, text in _strings(value):
        if name.lower() in _SECRET_NAMES:
            found.add(text)
    # a placeholder of API mocks, and a word of every log: no secret
    return found - {"string"}


def live_key_in(body: bytes, value: Any) -> bool:
    """Return whether a body, parsed as ``value``, shows a client key of the live environment."""
    if LIVE_PREFIX.encode() not in body:
        return False
    return any(_LIVE_KEY.fullmatch(text) for _, text in _strings(value)) or any(
        text.startswith(LIVE_PREFIX) for text in secrets_in(body, value)
    )


def _strings(value: Any) -> Iterator[tuple[str, str]]:
    level = [("", value)]
    while level:
        name, item = level.pop()
        if isinstance(item, str):
            yield name, item
        elif isinstance(item, dict):
            level.extend(item.items())
        elif isinstance(item, list):
            level.extend((name, child) for child in item)


def shown_credentials(request: httpx.Request) -> Iterator[tuple[str, str]]:
    """Yield ("key", value) for each API key that a request carries, ("username", name) for each Authorization."""
    for key in request.headers.get_list("x-api-key"):
        yield "key", key
    for value in request.headers.get_list("authorization"):
        scheme, _, encoded = value.partition(" ")
        username = ""
        if scheme.lower() == "basic":
            with suppress(ValueError):
                username = base64.b64decode(encoded, validate=True).decode().partition(":")[0]
        yield "username", username


def signing_headers(request: httpx.Request) -> dict[str, str]:
    """Return the headers with which a request signs in."""
    return {name: request.headers[name] for name in ("x-api-key", "authorization") if name in request.headers}


def idempotency_key(request: httpx.Request) -> str | None:
    """Return the key that makes two attempts one; None without one, and for one that a server might not honour."""
    keys = request.headers.get_list("idempotency-key")
    return keys[0] if len(keys) == 1 and re.fullmatch(r"[!-~]{1,64}", keys[0]) else None


def intent_of(request: httpx.Request) -> str:
    """Return what makes two attempts one creation, by URL and idempotency key; without a usable key, always a new one.

    It is written to disk, and a query or a key can hold anything: it shows method, URL without its query, and a key
    that is a UUID; the rest is in a digest.
    """
    key = idempotency_key(request) or uuid.uuid4().hex
    digest = hashlib.sha256(f"{request.url} {key}".encode()).hexdigest()
    shown = key if _UUID.fullmatch(key) else "-"
    return f"{request.method} {request.url.copy_with(query=None)} {shown} {digest}"


def _descriptions(body: bytes) -> list[Any] | None:
    try:
        # an object as a tuple of pairs, with its repeated keys
        value = json.loads(body, object_pairs_hook=tuple) if body.strip() else None
    except (ValueError, RecursionError):
        return None
    value = () if value is None else value  # without a body, a server creates what it creates for {}
    return [item for key, item in value if key.casefold() == "description"] if isinstance(value, tuple) else None


def _untagged(descriptions: list[Any], is_good: Callable[[Tag], bool]) -> bool:
    # Only what the API might store counts: a wrong type or length is a negative case, and the API's to refuse.
    stored = [item for item in descriptions if item is None or (isinstance(item, str) and len(item) <= 50)]
    return any((parsed := tag.parse(item)) is None or not is_good(parsed) for item in stored)


def is_untraceable(body: bytes, is_good: Callable[[Tag], bool]) -> bool:
    """Return whether a creating request, if accepted, would leave a credential without a tag that ``is_good``."""
    descriptions = _descriptions(body)
    return descriptions is not None and (not descriptions or _untagged(descriptions, is_good))


def loses_tag(body: bytes, is_good: Callable[[Tag], bool]) -> bool:
    """Return whether an update, if accepted, would replace a tag by something else than one that ``is_good``."""
    return _untagged(_descriptions(body) or [], is_good)


def origins_in(body: Any, owner: str | None) -> Iterator[tuple[str, str]]:
    """Yield (credential id, origin id) for what an answer says; ``owner``: whose origins the operation is about."""
    if not isinstance(body, dict):
        return
    items = body.get("data")
    for item in objects_with_id(items if isinstance(items, list) else [body]):
        if owner is not None:
            yield owner, item["id"]
        else:
            for origin in objects_with_id(item.get("allowedOrigins")):
                yield item["id"], origin["id"]


def objects_in(items: Any) -> Iterator[dict[str, Any]]:
    """Yield the objects in a list; none where it is no list."""
    return (item for item in (items if isinstance(items, list) else ()) if isinstance(item, dict))


def objects_with_id(items: Any) -> Iterator[dict[str, Any]]:
    """Yield the objects in a list that have an id; none where it is no list."""
    return (item for item in objects_in(items) if isinstance(item.get("id"), str))


@dataclass(frozen=True)
class Target:
    """What a path of the Management API names."""

    level: Level | Literal["me"]
    action: Action
    account: str | None
    credential: str | None
    origin: str | None

    def takes(self, method: str) -> bool:
        """Return whether ``method`` changes something here by a documented operation."""
        if self.level == "me" and self.action in ("credential", "generateApiKey"):
            return False
        return (method, self.action) in _CHANGES


def read_target(raw_path: bytes) -> Target | None:
    """Return what the path names, as it goes over the wire (query and all); None for any but its canonical spelling.

    Percent-encodings, dot segments, empty segments, other capitals and a trailing slash are not canonical: two servers
    may read them differently, so nothing that changes may be sent to them.
    """
    path = raw_path.partition(b"?")[0].decode("ascii", "replace")
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    rest, action = match["rest"], None
    if rest is None:
        action = "credential" if match["credential"] or match["me"] else "credentials"
    elif not (match["credential"] or match["me"]):
        return None
    else:
        action = {"/generateApiKey": "generateApiKey", "/generateClientKey": "generateClientKey"}.get(rest)
        action = action or ("origin" if match["origin"] else "origins")
    level = "me" if match["me"] else "company" if match["level"] == "companies" else "merchant"
    return Target(level, action, match["account"], match["credential"], match["origin"])  # type: ignore[arg-type]
