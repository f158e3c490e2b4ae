"""Inspection: secrets that a cassette should not hold, found by their form, their place, or because they are known."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from pytest_adyen_creds.cassettes import document
from pytest_adyen_creds.cassettes.forms import KEYS, keys_in_base64
from pytest_adyen_creds.cassettes.interaction import Cassette
from pytest_adyen_creds.cassettes.places import Places, basic_credentials
from pytest_adyen_creds.cassettes.problem import Problem
from pytest_adyen_creds.cassettes.pseudonyms import is_pseudonym
from pytest_adyen_creds.cassettes.staleness import find_staleness
from pytest_adyen_creds.errors import AdyenCredsError, CassetteError
from pytest_adyen_creds.files import read_text
from pytest_adyen_creds.readings import Reading, readings
from pytest_adyen_creds.secrets import MASK, SECRETS, SecretRegistry

_SCRUB: Final = "scrub it with 'adyen-creds cassettes scrub', and have the secret replaced: it may have been shared"
_BASIC: Final = re.compile(r"\bBasic\s+([A-Za-z0-9+/_-]{6,}={0,2})", re.IGNORECASE)
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{24,}")
# what other tools, or people, put where a secret stood
_PLACEHOLDER: Final = re.compile(
    r"\W*(?:redacted|masked|filtered|scrubbed|removed|hidden|dummy|fake|placeholder|secret|none|null|your[_-].*|x{3,})?\W*",
    re.IGNORECASE,
)


def inspect(
    path: Path,
    places: Places,
    *,
    now: datetime,
    max_age: float | None = None,
    digests: Mapping[str, str] | None = None,
    known: SecretRegistry = SECRETS,
) -> Iterator[Problem]:
    """Yield what is wrong with the cassette at ``path``: unsafe or broken, holding secrets, or stale.

    ``known`` are secrets to look for in every form; ``max_age`` and ``digests`` are those of
    :func:`.staleness.find_staleness`.
    """
    try:
        text = read_text(path, largest=document.LARGEST, empty=document.AGAIN)
    except AdyenCredsError as error:
        yield Problem(path, "unsafe", "", _without_name(error, path))
        return
    yield from (Problem(path, "secret", where, message) for where, message in find_secrets(text, known))
    try:
        cassette = document.loads(text, str(path))
    except AdyenCredsError as error:
        yield Problem(path, "unsafe", "", _without_name(error, path))
        return
    yield from (Problem(path, "secret", where, message) for where, message in find_unscrubbed(cassette, places))
    yield from find_staleness(cassette, path, now=now, max_age=max_age, digests=digests or {})


def find_secrets(text: str, known: SecretRegistry = SECRETS) -> Iterator[tuple[str, str]]:
    """Yield where (``line 12``) ``text`` holds what looks like a key of Adyen's, or one of ``known``, and a message.

    Looked at as it stands, with wrapped lines joined, escapes and URL-encoding resolved, and base64 opened.
    """
    seen: set[str] = set()
    for reading in readings(text):
        for start, end, what in _forms_in(reading.text):
            where = _line(text, reading, start, end)
            if where not in seen:
                seen.add(where)
                yield where, f"{what} that is no pseudonym; {_SCRUB}"
    masked = known.mask(text)
    if masked != text:
        same = next((at for at, (one, other) in enumerate(zip(text, masked, strict=False)) if one != other), 0)
        count = max(1, masked.count(MASK) - text.count(MASK))
        where = f"line {text.count(chr(10), 0, same) + 1}"
        yield where, f"a secret that this session knows ({count} in the file); {_SCRUB}"


def find_unscrubbed(cassette: Cassette, places: Places) -> Iterator[tuple[str, str]]:
    """Yield where (``interaction 3``) a value in the place of a secret is no pseudonym, and a message."""
    for number, interaction in enumerate(cassette.interactions, 1):
        noter = _Noter()
        try:
            places.visit(interaction, noter)
        except CassetteError as error:
            yield f"interaction {number}", str(error)
            continue
        if noter.plain:
            values = "a value" if noter.plain == 1 else f"{noter.plain} values"
            yield f"interaction {number}", f"{values} in the place of a secret that is no pseudonym; {_SCRUB}"


class _Noter:
    """Strictly private. Counts the values in the places of secrets that are neither pseudonyms nor placeholders."""

    def __init__(self) -> None:
        self.plain = 0

    def secret(self, value: str) -> str:
        if not is_pseudonym(value) and not _PLACEHOLDER.fullmatch(value):
            self.plain += 1
        return value

    def text(self, value: str) -> str:
        return value

    name = reference = idempotency_key = origin = text

    def account(self, name: str, level: str) -> str:
        return name


def _forms_in(text: str) -> Iterator[tuple[int, int, str]]:
    for what, pattern in KEYS.items():
        for match in pattern.finditer(text):
            yield match.start(), match.end(), what
    for match in _BASIC.finditer(text):
        pair = basic_credentials(f"Basic {match[1]}")
        if pair is not None and not is_pseudonym(pair[1]) and not _PLACEHOLDER.fullmatch(pair[1]):
            yield match.start(), match.end(), "a password in basic auth"
    for match in _BASE64.finditer(text):
        for what, _ in keys_in_base64(match[0]):
            yield match.start(), match.end(), f"{what} in base64"
            break


def _line(text: str, reading: Reading, start: int, end: int) -> str:
    return f"line {text.count(chr(10), 0, reading.origin(start, end)[0]) + 1}"


def _without_name(error: AdyenCredsError, path: Path) -> str:
    return str(error).removeprefix(f"{path}: ")
