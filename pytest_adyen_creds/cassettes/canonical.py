"""A request as replay sees it: what has to be equal, and what may stand for something recorded."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from urllib.parse import parse_qsl, quote, unquote

from pytest_adyen_creds.cassettes.model import CANONICAL_ORIGIN
from pytest_adyen_creds.cassettes.redact.scrubber import TAG_EXPIRY
from pytest_adyen_creds.cassettes.redact.visitor import basic_credentials

_REMEMBERED: Final = 2048
"""The longest body whose canonical form is kept for the next time, in bytes."""

ANY: Final = "*"
"""Stands for an account's name where two requests are compared."""

_URI: Final = re.compile(r"(?P<origin>[a-z+]+://(?:[^/?#@]*@)?[^/?#]*)(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?", re.I)
_ACCOUNT: Final = re.compile(r"(/(?:companies|merchants)/)([^/]+)")
_HEX: Final = re.compile(r"%([0-9A-Fa-f]{2})")
_TAG: Final = re.compile(r"(?<=pytest-adyen-creds )\S{8} exp \d{4}-\d\d-\d\dT\d\d:\d\dZ")
_ACCOUNT_LISTS: Final = ("associatedMerchantAccounts", "merchantAccount", "companyName")
_LOOSE: Final = (b"pytest-adyen-creds ", *(name.encode() for name in _ACCOUNT_LISTS))


@dataclass(frozen=True, slots=True)
class CanonicalRequest:
    """One request in canonical form.

    ``key`` has to be equal: method, origin, path and body with accounts left open, query in any order. The rest may
    stand for something recorded under another name: ``accounts`` in order of occurrence, ``credential`` (``None``:
    not signed in), and the body's ``media_type``.
    """

    key: tuple[Any, ...]
    accounts: tuple[str, ...]
    credential: str | None
    media_type: str

    @property
    def method(self) -> str:
        """The method, in capitals."""
        return str(self.key[0])

    @property
    def path(self) -> str:
        """The path, with :data:`ANY` for each account."""
        return str(self.key[2])


def canonical_request(
    method: str, uri: str, api_key: str | None, authorization: str | None, media_type: str | None, body: bytes
) -> CanonicalRequest:
    """Return a request in canonical form; ``media_type`` is its Content-Type, with or without parameters."""
    origin, path, accounts = _place(uri)
    query = uri.partition("?")[2].partition("#")[0]
    accounts_in_body: list[str] = []
    key = (
        method.upper(),
        origin,
        path,
        _query(query) if query else (),
        _body(body, accounts_in_body) if body else b"",
    )
    return CanonicalRequest(
        key=key,
        accounts=(*accounts, *accounts_in_body) if accounts_in_body else accounts,
        credential=_credential(api_key, authorization),
        media_type=(media_type or "").partition(";")[0].strip().lower(),
    )


@lru_cache(maxsize=16_384)
def _place(uri: str) -> tuple[str, str, tuple[str, ...]]:
    match = _URI.match(uri)
    if match is None:
        return "", uri, ()
    origin, path = match["origin"].lower().removesuffix(":443"), match["path"] or "/"
    origin = "" if origin == CANONICAL_ORIGIN else origin
    accounts: list[str] = []

    def note(found: re.Match[str]) -> str:
        accounts.append(unquote(found[2]))
        return found[1] + ANY

    return origin, _ACCOUNT.sub(note, _canonical_path(path)), tuple(accounts)


def _canonical_path(path: str) -> str:
    # libraries differ in what they percent-encode without need
    if "%" in path:
        path = _HEX.sub(_decoded, path)
    return path if path.isascii() and " " not in path else quote(path, safe="!#$%&'()*+,/:;=?@[]~{}|^`\\\"<>")


def _decoded(match: re.Match[str]) -> str:
    character = chr(int(match[1], 16))
    return character if "!" <= character <= "~" and character not in "/%?#" else match[0].upper()


@lru_cache(maxsize=4096)
def _query(query: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(parse_qsl(query, keep_blank_values=True), key=lambda pair: pair[0]))


def _credential(api_key: str | None, authorization: str | None) -> str | None:
    if api_key is not None:
        return api_key
    if authorization is None:
        return None
    pair = basic_credentials(authorization)
    return authorization if pair is None else f"{pair[0]}:{pair[1]}"


def _body(body: bytes, accounts: list[str]) -> bytes | str:
    # mostly the same bytes come twice: when they are read from the cassette, and when they are asked for
    canonical, named = _remembered(body) if len(body) <= _REMEMBERED else _canonical_body(body)
    accounts += named
    return canonical


def _canonical_body(body: bytes) -> tuple[bytes | str, tuple[str, ...]]:
    accounts: list[str] = []
    try:
        value = _DECODER.decode(body.decode())
    except (ValueError, RecursionError):
        return body, ()
    if any(mark in body for mark in _LOOSE):
        value = _loose(value, "", accounts)
    return json.dumps(value, sort_keys=True), tuple(accounts)


_remembered: Final = lru_cache(maxsize=16_384)(_canonical_body)


def _loose(value: Any, name: str, accounts: list[str]) -> Any:
    if isinstance(value, dict):
        return {key: _loose(value[key], key, accounts) for key in sorted(value)}
    if isinstance(value, list):
        return [_loose(item, name, accounts) for item in value]
    if isinstance(value, str):
        if name in _ACCOUNT_LISTS and value:
            accounts.append(value)
            return ANY
        return _TAG.sub(f"RUN00001 exp {TAG_EXPIRY}", value)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a name occurs twice: compared byte by byte")
    return result


def _number(text: str) -> float | int:
    number = float(text)
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_object, parse_float=_number)
