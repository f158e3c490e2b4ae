"""Lint: what is wrong with a cassette: secrets (by their form, by their field, known ones), unsafe content, age."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from pytest_adyen_creds.cassettes import serializer
from pytest_adyen_creds.cassettes.body import Body
from pytest_adyen_creds.cassettes.model import Cassette, Interaction
from pytest_adyen_creds.cassettes.redact.fields import Fields, Kind, digits_of
from pytest_adyen_creds.cassettes.redact.finder import find_keys, find_keys_in_base64, may_be, names_in
from pytest_adyen_creds.cassettes.redact.pseudonyms import holds_pseudonym, is_pseudonym
from pytest_adyen_creds.cassettes.redact.scrubber import SANDBOX_ACCOUNTS, stand_ins_in
from pytest_adyen_creds.cassettes.redact.visitor import (
    SESSION_HEADERS,
    TRACE_HEADERS,
    Visitor,
    basic_credentials,
    visit,
    visit_context,
)
from pytest_adyen_creds.errors import AdyenCredsError, CassetteError
from pytest_adyen_creds.files import read_text
from pytest_adyen_creds.secrets import SECRETS
from pytest_adyen_creds.secrets.registry import apart
from pytest_adyen_creds.secrets.unescaping import unescaped_views

_SCRUB: Final = "scrub it with 'adyen-creds cassettes scrub', and have the secret replaced: it may have been shared"
_HIDE: Final = "replace it with 'adyen-creds cassettes scrub --write'"
_BASIC: Final = re.compile(r"\bBasic\s+([A-Za-z0-9+/_-]{6,}={0,2})", re.IGNORECASE)
_FIELDS: Final[Mapping[Kind, str]] = {
    "secret": "a value in the place of a secret",
    "company": "the name of a company account",
    "merchant": "the name of a merchant account",
    "account": "the name of an account",
    "id": "an id",
    "username": "a user name",
    "reference": "the id of a request",
}
# what other tools, or people, put where a secret stood
_PLACEHOLDER: Final = re.compile(
    r"\W*(?:redacted|masked|filtered|scrubbed|removed|hidden|dummy|fake|placeholder|secret|none|null|your[_-].*|x{3,})?\W*",
    re.IGNORECASE,
)


_Kind = Literal["secret", "stale", "orphan", "unsafe"]


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing that is wrong with the cassette at ``path``; ``message`` holds no secret and says what to do next."""

    path: Path
    kind: _Kind
    where: str
    """``line 12``, ``interaction 3``, or empty for the whole file."""
    message: str

    def to_json(self) -> dict[str, str]:
        """Return the record as JSON: ``path``, ``kind``, ``where``, ``message``; known secrets are masked."""
        return {name: SECRETS.mask(str(value)) for name, value in asdict(self).items()}

    def __str__(self) -> str:
        where = f", {self.where}" if self.where else ""
        return f"{self.path}{where}: {self.kind}: {self.message}"


def lint(
    path: Path,
    fields_of: Callable[[Cassette], Fields],
    *,
    now: datetime,
    max_age: float | None,
    digests: Mapping[str, str],
) -> Iterator[Issue]:
    """Yield what is wrong with the cassette at ``path``: unsafe or broken, holding secrets, or stale.

    ``fields_of`` returns what the contract of a cassette says of fields. Secrets that this session knows are looked for
    in every form; ``now``, ``max_age`` and ``digests`` are those of :func:`find_staleness`.
    """
    try:
        text = read_text(path, largest=serializer.LARGEST, empty=serializer.AGAIN)
        yield from (Issue(path, "secret", where, message) for where, message in _secrets_in(text))
        cassette = serializer.loads(text, str(path))
    except AdyenCredsError as error:
        yield Issue(path, "unsafe", "", str(error).removeprefix(f"{path}: "))
        return
    unscrubbed = _unscrubbed_in(cassette, fields_of(cassette))
    yield from (Issue(path, "secret", where, message) for where, message in unscrubbed)
    yield from find_staleness(cassette, path, now=now, max_age=max_age, digests=digests)


def find_staleness(
    cassette: Cassette, path: Path, *, now: datetime, max_age: float | None, digests: Mapping[str, str]
) -> Iterator[Issue]:
    """Yield why ``cassette`` is stale: older than ``max_age`` days (``None``: any age will do), or another contract.

    ``now`` is aware; ``digests`` holds the contracts' current digests by version. A cassette of another tool says
    neither when nor with what it was made, so it is never stale.
    """
    provenance = cassette.provenance
    if provenance is None:
        return

    def stale(why: str) -> Issue:
        return Issue(path, "stale", "", f"{why}; {serializer.AGAIN}")

    try:
        recorded_at = datetime.fromisoformat(provenance.recorded_at)
    except ValueError:
        yield stale(f"its date of recording is no date ({provenance.recorded_at!r})")
        return
    age = (now - recorded_at.replace(tzinfo=recorded_at.tzinfo or UTC)).total_seconds() / 86_400
    if max_age is not None and age > max_age:
        yield stale(f"it was recorded {age:.0f} days ago, {max_age:g} are allowed")
    current = digests.get(provenance.contract)
    if current is not None and current != provenance.contract_digest:
        yield stale(f"it was recorded with another version of contract {provenance.contract}")


def _secrets_in(text: str) -> Iterator[tuple[str, str]]:
    """Yield where (``line 12``) ``text`` holds what looks like a key of Adyen's, or a known secret, and a message.

    Looked at as it stands, with wrapped lines joined, escapes and URL-encoding resolved, and base64 opened.
    """
    seen = set()
    ends = [match.start() for match in re.finditer("\n", text)]
    for view in unescaped_views(text):
        for match, what in _forms_in(view.text):
            line = bisect_left(ends, view.origin(*match.span())[0]) + 1
            if line not in seen:
                seen.add(line)
                yield f"line {line}", f"{what} that is no pseudonym; {_SCRUB}"
    # a run that replays knows what stands in a secret's place as its secrets
    if known := apart(span for span in SECRETS.find(text) if not is_pseudonym(span[2])):
        where = f"line {bisect_left(ends, known[0][0]) + 1}"
        yield where, f"a secret that this session knows ({len(known)} in the file); {_SCRUB}"


def _unscrubbed_in(cassette: Cassette, fields: Fields) -> Iterator[tuple[str, str]]:
    """Yield where (``interaction 3``) a secret, a name or an id is no pseudonym, and a message.

    What :class:`.scrubber.Scrubber` replaces is found: values in the fields that ``fields`` has, whatever they look
    like, names and ids by what they look like in any text, and headers with a session or a trace. The sandbox's own
    account names pass, and what other tools put in such places.
    """
    stand_ins = stand_ins_in(cassette.interactions, fields, foreign=cassette.provenance is None)
    noter = _Noter()
    visit_context(cassette.context, fields, stand_ins, noter)
    visit_context(cassette.metadata, fields, stand_ins, noter)
    yield from (("", message) for message in noter.messages())
    for number, interaction in enumerate(cassette.interactions, 1):
        noter, where = _Noter(), f"interaction {number}"
        try:
            visit(interaction, fields, stand_ins, noter)
        except CassetteError as error:
            yield where, str(error)
        else:
            yield from ((where, message) for message in noter.messages())
            yield from ((where, message) for message in _packed_secrets_in(interaction))


def _packed_secrets_in(interaction: Interaction) -> Iterator[str]:
    """Yield what a look at the file does not show: the secrets in bodies that are compressed."""
    for side, data, headers in (
        ("request", interaction.request_body, interaction.request_headers),
        ("response", interaction.response_body, interaction.response_headers),
    ):
        body = Body.open(data, headers)
        if body.data != data:
            for message in dict.fromkeys(message for _, message in _secrets_in(body.text)):
                yield f"the {side}'s body holds, compressed, {message}"


class _Noter(Visitor):
    """Notes what is neither a pseudonym nor a placeholder: where it is, and what; never the value."""

    def __init__(self) -> None:
        self._where = ""
        self._found: Counter[tuple[str, str, str]] = Counter()

    def messages(self) -> Iterator[str]:
        for (where, what, remedy), count in self._found.items():
            times = f" ({count} times)" if count > 1 else ""
            yield f"{where} holds {what} that is no pseudonym{times}; {remedy}"

    def _note(self, what: str, remedy: str = _HIDE) -> None:
        self._found[self._where, what, remedy] += 1

    def at(self, where: str) -> None:
        self._where = where

    def field(self, value: str, kind: Kind) -> str:
        if not may_be(value, kind):
            if kind == "username":  # of Adyen's own form
                self.text(value)
        elif kind == "secret":
            if not is_pseudonym(value) and not _PLACEHOLDER.fullmatch(value):
                self._note(_FIELDS[kind], _SCRUB)
        elif not _may_stay(value) and (kind in ("username", "reference") or value not in SANDBOX_ACCOUNTS):
            self._note(_FIELDS[kind])
        return value

    def number(self, value: float, kind: Kind | None) -> float:
        if kind == "secret" and value:
            self._note("a number in the place of a secret", _SCRUB)
        elif kind not in (None, "secret") and not _may_stay(digits_of(value)):
            self._note("a number in the place of an id or a name")
        return value

    def text(self, value: str) -> str:
        for kind, name in names_in(value):
            if kind == "username":
                if name != "ws@" and not _may_stay(name):
                    self._note(_FIELDS[kind])
            else:
                self.field(name, kind)
        return value

    def dropped(self, name: str, value: str) -> None:
        if _may_stay(value):
            return
        if name in SESSION_HEADERS:
            self._note("a session", _SCRUB)
        elif name in TRACE_HEADERS:
            self._note("the trace of a request")
        else:
            self._note(_FIELDS["secret"], _SCRUB)


def _may_stay(value: str) -> bool:
    return holds_pseudonym(value) or _PLACEHOLDER.fullmatch(value) is not None


def _forms_in(text: str) -> Iterator[tuple[re.Match[str], str]]:
    yield from ((match, what) for match, what, _ in find_keys(text))
    for match in _BASIC.finditer(text):
        pair = basic_credentials(f"Basic {match[1]}")
        if pair is not None and not is_pseudonym(pair[1]) and not _PLACEHOLDER.fullmatch(pair[1]):
            yield match, "a password in basic auth"
    yield from ((match, what) for match, what, _ in find_keys_in_base64(text))
