"""Playback: a request as replay sees it, and which recorded answer it gets, in constant time and whatever the order."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache, reduce
from operator import getitem, itemgetter
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, quote, unquote

from pytest_adyen_creds.cassettes.body import unique_members, unpacked_by_look
from pytest_adyen_creds.cassettes.model import CANONICAL_ORIGIN, Interaction, find_header
from pytest_adyen_creds.cassettes.redact.pseudonyms import SECRET_PSEUDONYM, holds_pseudonym, is_pseudonym
from pytest_adyen_creds.cassettes.redact.scrubber import TAG_EXPIRY
from pytest_adyen_creds.errors import CassetteError
from pytest_adyen_creds.message import basic_credentials

_REMEMBERED: Final = 2048
"""The longest body whose canonical form is kept for the next time, in bytes."""

ANY: Final = "*"
"""Stands for an account's name where two requests are compared."""

_URI: Final = re.compile(r"(?P<origin>[a-z+]+://(?:[^/?#@]*@)?[^/?#]*)(?P<path>[^?#]*)", re.I)
_ACCOUNT: Final = re.compile(r"(/(?:companies|merchants)/)([^/]+)")
_HEX: Final = re.compile(r"%([0-9A-Fa-f]{2})")
_TAG: Final = re.compile(r"(?<=pytest-adyen-creds )\S{8} exp \d{4}-\d\d-\d\dT\d\d:\d\dZ")
_ACCOUNT_LISTS: Final = ("associatedMerchantAccounts", "merchantAccount", "companyName")
_LOOSE: Final = (b"pytest-adyen-creds ", *(name.encode() for name in _ACCOUNT_LISTS))
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_ISSUED: Final = re.compile(SECRET_PSEUDONYM.encode())


class Key(NamedTuple):
    """What has to be equal of two requests: with accounts in path and body left open, and the query in any order.

    The ``origin`` is empty for :data:`CANONICAL_ORIGIN`, and a ``body`` that is JSON is a text.
    """

    method: str
    origin: str
    path: str
    query: tuple[tuple[str, str], ...]
    body: bytes | str


class CanonicalRequest(NamedTuple):
    """One request in canonical form.

    All but the ``key`` may stand for something recorded under another name: ``accounts`` in order of occurrence,
    ``credential`` (``None``: not signed in), and the body's ``media_type``.
    """

    key: Key
    accounts: tuple[str, ...]
    credential: str | None
    media_type: str


def canonical_request(
    method: str, uri: str, api_key: str | None, authorization: str | None, media_type: str | None, body: bytes
) -> CanonicalRequest:
    """Return a request in canonical form; ``media_type`` is its Content-Type, with or without parameters."""
    origin, path, accounts = _place(uri)
    query = uri.partition("?")[2].partition("#")[0]
    canonical_body, accounts_in_body = _body(body) if body else (b"", ())
    return CanonicalRequest(
        key=Key(method.upper(), origin, path, _query(query) if query else (), canonical_body),
        accounts=accounts + accounts_in_body,
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


def _body(body: bytes) -> tuple[bytes | str, tuple[str, ...]]:
    """Return ``body`` in canonical form, and the accounts in it."""
    # mostly the same bytes come twice: when they are read from the cassette, and when they are asked for
    return _remembered(body) if len(body) <= _REMEMBERED else _canonical_body(body)


def _canonical_body(body: bytes) -> tuple[bytes | str, tuple[str, ...]]:
    accounts: list[str] = []
    with suppress(CassetteError):  # recordings hold bodies plain
        body = unpacked_by_look(body)
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


def _number(text: str) -> float | int:
    number = float(text)
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


# where a name occurs twice, bodies are compared byte by byte
_DECODER: Final = json.JSONDecoder(object_pairs_hook=unique_members, parse_float=_number)


@dataclass(slots=True)
class _Answers:
    """What was recorded for one request, in order, and how much of it has been played."""

    asked: CanonicalRequest
    numbers: list[int] = field(default_factory=list)
    played: int = 0

    @property
    def is_spent(self) -> bool:
        return self.played >= len(self.numbers)


class Playback:
    """Finds the recorded answer to a request.

    The n-th time the same request is made, it gets the n-th answer recorded for it. After the last one, a reading
    request (GET, HEAD, OPTIONS) gets that one again, and a changing request nothing.

    An account or a credential that the recording does not know stands for a recorded one: the first that fits, and
    from then on for that one alone. One that it knows stands for itself, and another for it only where nothing else
    fits; a credential that :meth:`keep` names stands for itself alone. In a body, a text stands for a recorded
    pseudonym likewise: for the first that is free, and from then on for that one alone.
    """

    def __init__(self, interactions: Iterable[Interaction]) -> None:
        self.interactions = tuple(map(_with_its_length, interactions))
        self._answers: dict[Key, dict[tuple[Any, ...], _Answers]] = {}
        self._blanked: dict[tuple[Any, ...], dict[_Places, dict[str, list[Key]]]] = {}
        """By what is in front of a body, by the places of pseudonyms in it, and by the body without them: its keys."""
        self._secrets: dict[str, str] = {}
        """The recorded pseudonym by the secret that a body of the test has in its place."""
        self._accounts: set[str] = set()
        self._credentials: set[str] = set()
        self.kept: set[str] = set()
        """The credentials that the test is given, and that stand for themselves alone."""
        self._account_names: dict[str, str] = {}
        """The recorded account by the name that the test uses; the same name for one that stands for itself."""
        self._credential_names: dict[str, str] = {}
        """Likewise of credentials."""
        self._lock = threading.Lock()
        for number, interaction in enumerate(self.interactions):
            self._add(number, request_of(interaction))

    def _add(self, number: int, asked: CanonicalRequest) -> None:
        variants = self._answers.setdefault(asked.key, {})
        facets = (asked.accounts, asked.credential, asked.media_type)
        variants.setdefault(facets, _Answers(asked)).numbers.append(number)
        body = asked.key.body
        if isinstance(body, str) and holds_pseudonym(body):
            value = json.loads(body)
            if places := tuple(place for place in _pseudonyms_in(value) if place):
                keys = self._blanked.setdefault(asked.key[:-1], {}).setdefault(places, {})
                alike = keys.setdefault(_blanked(value, places)[0], [])
                alike += [] if asked.key in alike else [asked.key]
        self._accounts.update(asked.accounts)
        if asked.credential is not None:
            self._credentials.add(asked.credential)

    def take(self, asked: CanonicalRequest) -> Interaction | None:
        """Return the recorded interaction that answers ``asked`` now, and use it up; ``None`` where there is none."""
        with self._lock:
            answers = self._find(asked)
            if answers is None:
                return None
            number = answers.numbers[min(answers.played, len(answers.numbers) - 1)]
            answers.played += 1
            if answers.asked is not asked:
                self._bind(asked, answers.asked)
            return self.interactions[number]

    def let_stand_for(self, credential: str, recorded: str) -> None:
        """Let ``credential`` (a key) stand for ``recorded`` from the start, where the recording knows that one."""
        with self._lock:
            if recorded in self._credentials and credential not in self._credentials:
                self._credential_names.setdefault(credential, recorded)

    def keep(self, accounts: Iterable[str], credentials: Iterable[str]) -> None:
        """Let recorded names stand for themselves from the start: the test is given them, so it asks by them.

        What another credential asks has none of their answers: the test has these, so the other is a wrong one.
        """
        with self._lock:
            for name in accounts:
                self._account_names.setdefault(name, name)
            self.kept.update(credentials)

    def translated(self, asked: CanonicalRequest) -> CanonicalRequest:
        """Return ``asked`` with the recorded names of the accounts and the credential that stand for others."""
        return CanonicalRequest(
            asked.key,
            tuple(map(self._account_names.get, asked.accounts, asked.accounts)),
            asked.credential and self._credential_names.get(asked.credential, asked.credential),
            asked.media_type,
        )

    def times_recorded(self, asked: CanonicalRequest) -> int:
        """Return how many answers were recorded for a request with this method, place, query and body."""
        return sum(len(answers.numbers) for answers in self._answers.get(asked.key, {}).values())

    def _find(self, asked: CanonicalRequest) -> _Answers | None:
        variants = self._answers.get(asked.key) or self._answers.get(self._key_without_secrets(asked))
        if variants is None:
            return None
        exact = variants.get(self.translated(asked)[1:])
        if exact is not None and (not exact.is_spent or asked.key.method in _SAFE):
            return exact
        ranked = [(rank, answers) for answers in variants.values() if (rank := self._rank(answers, asked))]
        return min(ranked, key=itemgetter(0))[1] if ranked else None

    def _key_without_secrets(self, asked: CanonicalRequest) -> Key:
        """Return the key of a recorded request that differs only where it has pseudonyms; ``asked``'s where none is."""
        body = asked.key.body
        for places, known in self._blanked.get(asked.key[:-1], {}).items() if isinstance(body, str) else ():
            blank, values = _blanked(json.loads(body), places)
            for key in known.get(blank, ()):
                pairs = dict(zip(values, _blanked(json.loads(key.body), places)[1], strict=True))
                if all(self._may_stand_for(*pair) for pair in pairs.items()) and len(set(pairs.values())) == len(pairs):
                    self._secrets |= pairs
                    return key
        return asked.key

    def _may_stand_for(self, secret: str, recorded: str) -> bool:
        known = self._secrets.get(secret)
        return known == recorded or (known is None and recorded not in self._secrets.values())

    def _rank(self, answers: _Answers, asked: CanonicalRequest) -> tuple[int, int, int, int] | None:
        if answers.is_spent and asked.key.method not in _SAFE:
            return None
        accounts = self._fits_accounts(asked.accounts, answers.asked.accounts)
        credential = self._fits_credential(asked.credential, answers.asked.credential)
        if accounts is None or credential is None:
            return None
        return accounts, credential, int(answers.asked.media_type != asked.media_type), int(answers.is_spent)

    def _fits_accounts(self, asked: tuple[str, ...], recorded: tuple[str, ...]) -> int | None:
        if len(asked) != len(recorded):
            return None
        strangers, known = 0, self._account_names
        for name, other in zip(asked, recorded, strict=True):
            if known.get(name, name) == other:
                continue
            is_taken = any(stands_for == other != each for each, stands_for in known.items())
            if name in self._accounts or known.get(name, name) != name or is_taken:
                return None
            strangers += 1 + len(asked) * (other in known)
        return strangers

    def _fits_credential(self, asked: str | None, recorded: str | None) -> int | None:
        if recorded is None or asked is None:
            # a recording without any credential was made by a tool that drops them: it tells none apart
            return 0 if recorded == asked or (recorded is None and not self._credentials) else None
        known = self._credential_names
        if known.get(asked, asked) == recorded:
            return 0
        if recorded in self.kept or asked in self._credentials or asked in known or self._is_issued(asked):
            return None
        if recorded in known.values():
            return 3
        return 2 if self._is_issued(recorded) else 1

    def _bind(self, asked: CanonicalRequest, recorded: CanonicalRequest) -> None:
        for name, other in zip(asked.accounts, recorded.accounts, strict=True):
            self._account_names[name] = other
        if asked.credential and recorded.credential:
            self._credential_names[asked.credential] = recorded.credential

    def _is_issued(self, credential: str) -> bool:
        return credential in self._issued or credential.partition(":")[2] in self._issued

    @cached_property
    def _issued(self) -> frozenset[str]:
        bodies = (interaction.response_body for interaction in self.interactions)
        return frozenset(found.decode() for body in bodies for found in _ISSUED.findall(body))


def _with_its_length(interaction: Interaction) -> Interaction:
    """Return an interaction whose answer says how long it is: a person may have changed its body."""
    stated, length = find_header(interaction.response_headers, "content-length"), str(len(interaction.response_body))
    if stated in (None, length) or not interaction.response_body:
        return interaction
    pairs = interaction.response_headers
    headers = tuple((name, length if name.lower() == "content-length" else value) for name, value in pairs)
    return replace(interaction, response_headers=headers)


_Places = tuple[tuple[str | int, ...], ...]


def _pseudonyms_in(value: Any, place: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the place of each text in a JSON value that is the pseudonym of a secret."""
    if isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _pseudonyms_in(each, (*place, key))
    elif isinstance(value, str) and is_pseudonym(value):
        yield place


def _blanked(value: Any, places: _Places) -> tuple[str, tuple[str, ...]]:
    """Return a JSON value as text with ``places`` left open, and what stood there; empty where one has no text."""
    found = []
    try:
        for *way, last in places:
            holder = reduce(getitem, way, value)
            if not isinstance(text := holder[last], str):
                return "", ()
            found.append(text)
            holder[last] = ANY
    except (LookupError, TypeError):  # the other body has not that place
        return "", ()
    return json.dumps(value, sort_keys=True), tuple(found)


def request_of(interaction: Interaction) -> CanonicalRequest:
    """Return the request of a recorded ``interaction`` in canonical form."""
    names = ("x-api-key", "authorization", "content-type")
    key, authorization, media_type = (find_header(interaction.request_headers, name) for name in names)
    body = interaction.request_body
    return canonical_request(interaction.method, interaction.uri, key, authorization, media_type, body)
