"""Captured answers held against the sandbox's own for the same operation, status and error.

What is compared is what a client's code can depend on: properties and their types, the forms of ids, an error's
identity (type, title, errorCode), the media type and the names of headers. Values that belong to an account are not,
and none is said: what neither the contract nor the sandbox knows, and is not of the form of their names, may hold a
name, an address or a key of whoever captured it, and is called "another …".
"""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

from pytest_adyen_creds import clock
from pytest_adyen_creds.cassettes.body import unpacked_if_known
from pytest_adyen_creds.cassettes.model import Headers, Interaction, find_header
from pytest_adyen_creds.cassettes.redact.fields import properties_in
from pytest_adyen_creds.cassettes.redact.pseudonyms import is_pseudonym
from pytest_adyen_creds.cassettes.sandbox_rerun import Attempt, Captured, objects_in, sandbox_answers, texts_in
from pytest_adyen_creds.contract import Contract
from pytest_adyen_creds.contract.baseline import Entry, Evidence, entries_for
from pytest_adyen_creds.contract.finding import Finding
from pytest_adyen_creds.contract.judge import Observation, judge, type_name
from pytest_adyen_creds.errors import FileRefused
from pytest_adyen_creds.formats import parse_json
from pytest_adyen_creds.sandbox.answers import STYLES, UNVALUED, Answers
from pytest_adyen_creds.sandbox.outcomes import Refused
from pytest_adyen_creds.sandbox.paging import read_page
from pytest_adyen_creds.sandbox.roles import CATALOGUE
from pytest_adyen_creds.secrets import SECRETS
from pytest_adyen_creds.text import counted, normalised, plain, pointer_parts

_IDS: Final = frozenset({"id", "requestId"})
_ID_HEADERS: Final = frozenset({"requestid", "pspreference"})
_FORMS: Final[Mapping[str, re.Pattern[str]]] = {
    "CRED and 26 capitals and digits": re.compile(r"CRED[0-9A-Z]{26}"),
    "S2- and 52 to 88 capital hex digits": re.compile(r"S2-[0-9A-F]{52,88}"),
    "S2- and ten digits": re.compile(r"S2-[0-9]{10}"),
    "S2- and up to 20 capital hex digits": re.compile(r"S2-[0-9A-F]{1,20}"),
    "digits": re.compile(r"[0-9]+"),
    "a UUID, a digit, 16 or 17 capitals and digits": re.compile(
        r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}_[0-9]-[0-9A-Z]{16,17}"
    ),
    "16 capitals and digits": re.compile(r"[0-9A-Z]{16}"),
}
"""The forms of ids that were seen or published."""
_OLDER: Final = frozenset({"S2- and up to 20 capital hex digits", "S2- and ten digits", "digits"})
"""Forms of ids of older credentials: an account has them beside newer ones."""


_OF_HTTP: Final = frozenset(
    {"age", "alt-svc", "cache-control", "connection", "content-encoding", "content-length", "date", "expires"}
    | {"keep-alive", "last-modified", "pragma", "server", "server-timing", "transfer-encoding", "vary", "via"}
)
"""Headers that servers and proxies in between add; a server's own clock tells that a capture kept them all."""
_KNOWN_HEADERS: Final = frozenset(
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
_ERRORS: Final = tuple(form for style in STYLES.values() for form in style.errors.values())
_IDENTITIES: Final[Mapping[str, frozenset[str]]] = {
    "type": frozenset(f"https://docs.adyen.com/errors/{form.type}" for form in _ERRORS),
    "title": frozenset(form.title for form in _ERRORS),
    "errorCode": frozenset(),
}
"""What the sandbox's errors have for a type and a title; a code of digits is said in any case: evidence is about it."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One way in which the sandbox would have answered otherwise; nothing in it is secret."""

    operation: str
    status: int
    place: str
    """``/detail`` in the body, ``header NAME``, or ``status``."""
    captured: str
    sandbox: str


class Comparison:
    """What a look at captured exchanges shows; thread-safe.

    ``answers`` is the sandbox's style. Exchanges of one shape are compared once: a run has thousands.
    """

    def __init__(self, answers: Answers = "platform") -> None:
        self.answers: Final = answers
        self.compared = 0
        """How many answers were compared."""
        self.differing = 0
        """How many answers the sandbox would have given otherwise."""
        self.passed_over = 0
        """How many are of other operations, or cannot be read."""
        self.uncompared: Counter[tuple[str, int]] = Counter()
        """How many answers could not be compared, by operation label and status."""
        self.differences: Counter[Difference] = Counter()
        """In what the sandbox would have answered otherwise, each with in how many answers."""
        self.findings: dict[tuple[Finding, Contract], tuple[str, str]] = {}
        """What departs from a contract, each with where and when it was captured first."""
        self.unsaid: set[tuple[Finding, Contract]] = set()
        """Those of them that have no entry: they name what may be somebody's."""
        self._known: dict[str, list[Difference] | None] = {}
        self._prepared: dict[str, Attempt] = {}
        self._lock = threading.Lock()

    def add(self, interaction: Interaction, contract: Contract | None, where: str = "", day: str = "") -> None:
        """Compare one exchange; ``where`` and ``day`` say for evidence where it was captured, and when.

        Nothing is raised, whatever it holds: what cannot be read is :attr:`uncompared`.
        """
        try:
            matched = contract.match(interaction.method, urlsplit(interaction.uri).path) if contract else None
            body = unpacked_if_known(interaction.response_body, interaction.response_headers) if matched else None
            if contract is None or matched is None or body is None:
                self.passed_over += 1
            else:
                captured = _Comparable(contract, *matched, interaction, _parsed(body))
                with self._lock:
                    self._count(captured, body, where, day)
        except Exception:  # noqa: BLE001 - one odd exchange is not to keep the others from being compared
            self.leave_out(interaction, contract)

    def leave_out(self, interaction: Interaction, contract: Contract | None) -> None:
        """Count one exchange as one that cannot be compared."""
        matched = None
        with suppress(Exception):
            matched = contract.match(interaction.method, urlsplit(interaction.uri).path) if contract else None
        with self._lock:
            self.uncompared[matched[0].label if matched else "an operation", interaction.status] += 1

    def _count(self, captured: _Comparable, body: bytes, where: str, day: str) -> None:
        status, contract, key = captured.interaction.status, captured.contract, captured.key()
        if key not in self._known:
            media = find_header(captured.interaction.response_headers, "content-type") or ""
            for observation in judge(contract, captured.operation, status, media, body):
                self.findings.setdefault((observation.finding, contract), (where, day))
                if not _is_sayable(observation, media, contract):
                    self.unsaid.add((observation.finding, contract))
            self._known[key] = None  # should the next line raise
            self._known[key] = captured.compare(self.answers, self._prepared)
        found = self._known[key]
        if found is None:
            self.uncompared[captured.operation.label, status] += 1
        else:
            self.compared += 1
            self.differing += bool(found)
            self.differences.update(set(found))

    def new_entries(self) -> Iterator[Entry]:
        """Yield entries for known deviations: what departs from the contract and is not known yet."""
        seen: dict[tuple[str, str, str], list[Finding]] = {}
        for (finding, contract), at in self.findings.items():
            known = contract.known_deviations
            if (finding, contract) not in self.unsaid and known.judge([finding], clock.today()).findings:
                seen.setdefault((*at, contract.version), []).append(finding)
        for (where, day, version), findings in seen.items():
            evidence = (Evidence(where, day, version),)
            yield from entries_for(findings, f"captured on {day}: say what it means", evidence)

    def lines(self) -> Iterator[str]:
        """Yield a line for all that differ alike: what, in which operations and statuses, in how many answers."""
        alike: dict[tuple[str, str, str], list[Difference]] = {}
        for each in self.differences:
            alike.setdefault((each.place, each.captured, each.sandbox), []).append(each)
        for (place, captured, ours), members in sorted(alike.items()):
            labels = sorted({each.operation for each in members})
            shown = labels[0] if len(labels) == 1 else f"{len(labels)} operations"
            statuses = ", ".join(map(str, sorted({each.status for each in members})))
            count = counted(sum(self.differences[each] for each in members), "answer")
            what = place or "the body"
            text = f"{what}: captured {captured}, the sandbox {ours}  [{shown}; {statuses}; {count}]"
            yield plain(SECRETS.mask(text))
        for (label, status), number in sorted(self.uncompared.items()):
            yield plain(f"could not be compared  [{label}; {status}; {counted(number, 'answer')}]")


class _Comparable(Captured):
    """A captured exchange that is held against the sandbox's answers."""

    def key(self) -> str:
        """Return what is the same for exchanges that compare alike."""
        captured, contract = self.interaction, self.contract
        about = [contract.version, str(contract.source), self.operation.label, captured.status]
        answer = [self._places(captured.response_headers, self.value), set(_role_differences(self.value))]
        sent = _places(_parsed(captured.request_body), contract)
        is_whole = find_header(captured.response_headers, "date") is not None
        parts = [about, answer, self._page(), sent, is_whole]
        return json.dumps(parts, sort_keys=True, default=sorted)  # sets are in no order

    def _page(self) -> Any:
        """Return what the sandbox makes of a list's page: where in the list it is, or the rules that it breaks.

        Other parameters of a query are ignored.
        """
        if self.operation.method != "GET" or not self.operation.path.endswith("/apiCredentials"):
            return None
        total = self.value.get("itemsTotal") if isinstance(self.value, dict) else None
        try:
            page = read_page(urlsplit(self.interaction.uri).query)
        except Refused as refused:
            return sorted([field.rule.id, field.name] for field in refused.invalid)
        last = max(1, -(-(total if type(total) is int else 0) // page.size))
        return [page.number > 1, (page.number > last) - (page.number < last)]

    def compare(self, answers: Answers, prepared: dict[str, Attempt]) -> list[Difference]:
        """Return how the most alike of the sandbox's answers differs; ``prepared`` are sandboxes that lists share."""
        label, status, best = self.operation.label, self.interaction.status, None
        for response in sandbox_answers(self, answers, prepared):
            ours = tuple(response.headers.multi_items()), _parsed(response.content)
            found = [Difference(label, status, *each) for each in self._differences(*ours)]
            best = found if best is None or len(found) < len(best) else best
            if not best:
                break
        return [Difference(label, status, "status", str(status), "never answers so")] if best is None else best

    def _differences(self, headers: Headers, ours: Any) -> Iterator[tuple[str, str, str]]:
        captured = self.interaction.response_headers
        is_whole = find_header(captured, "date") is not None  # a recorder that leaves headers out leaves that out
        there, here = self._places(captured, self.value), self._places(headers, ours)
        yield from _place_differences(there, here, is_whole=is_whole)
        yield from dict.fromkeys(_role_differences(self.value))

    def _places(self, headers: Headers, value: Any) -> Places:
        """Return what can be said of an answer, its headers and, of an error, its identity included."""
        places = _places(value, self.contract)
        for given, text in headers:
            name = _said_header(given)
            if name not in _OF_HTTP:
                kinds = places.setdefault(f"header {name}", set())
                if name == "content-type":
                    kinds.add(_said_media(text))
                elif name in _ID_HEADERS and (form := _form(text)):
                    kinds.add(form)
        if self.interaction.status >= 400 and isinstance(value, dict):
            for name in _IDENTITIES.keys() & value.keys():
                places[f"/{name}"].add(_said_identity(name, value[name]))
            if names := _field_names(value, self.contract):
                places["/invalidFields"].add(f"names {', '.join(names)}")
        return places


def day_of(interaction: Interaction, recorded_at: str = "") -> str:
    """Return the day on which an exchange was captured, as its recording or its Date header says; else today."""
    if re.match(r"\d{4}-\d\d-\d\d", recorded_at):
        return recorded_at[:10]
    try:
        return parsedate_to_datetime(find_header(interaction.response_headers, "date") or "").date().isoformat()
    except (ValueError, TypeError, OverflowError):
        return clock.today().isoformat()


def _field_names(error: Mapping[str, Any], contract: Contract) -> list[str]:
    """Return the names of an error's invalid fields that the contract or the sandbox knows; others are "another"."""
    listed = error.get("invalidFields")
    fields = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    inner = [each.get("InvalidField", each) for each in fields]  # as v1 wraps them
    names = {str(each.get("name")) for each in inner if isinstance(each, dict)}
    return sorted({name if name in _names(contract) | {UNVALUED} else "another field" for name in names})


Places = dict[str, set[str]]
"""By place: the JSON types of what stands there, of ids their forms, and what else can be said of it in words."""


def _places(value: Any, contract: Contract, pointer: str = "", name: str = "", into: Places | None = None) -> Places:
    into = {} if into is None else into
    kinds = into.setdefault(pointer, set())
    kinds.add("nothing" if value == b"" else "not readable JSON" if value is _UNREADABLE else type_name(value))
    if isinstance(value, dict):
        for key, item in value.items():
            _places(item, contract, f"{pointer}/{_said_property(key, contract)}", key, into)
    elif isinstance(value, list):
        for item in value:
            _places(item, contract, f"{pointer}/*", name, into)
    elif isinstance(value, str) and name in _IDS and (form := _form(value)):
        kinds.add(form)
    return into


_UNREADABLE: Final = object()
"""The value of a body that is not JSON, or nested too deeply to be read."""


def _form(value: str) -> str | None:
    """Return the form of an id in words; None for a pseudonym, which has none."""
    if is_pseudonym(value, "id") or is_pseudonym(value, "reference"):
        return None
    return next((name for name, pattern in _FORMS.items() if pattern.fullmatch(value)), "another form")


def _place_differences(captured: Places, ours: Places, *, is_whole: bool) -> Iterator[tuple[str, str, str]]:
    """Yield in what two answers differ; ``is_whole`` tells whether the captured one has all its headers."""
    for place in sorted(captured.keys() | ours.keys()):
        parent = place.rpartition("/")[0]
        if place in captured and place in ours:
            more, less = captured[place] - ours[place], ours[place] - captured[place]
            if more - (_OLDER if place.endswith("/id") else set()):
                yield place, _said(more), _said(less)
        elif place.endswith("/*") or parent not in captured or parent not in ours:
            continue  # an empty list says nothing of its items, and below what one side lacks is nothing to compare
        elif place in captured:
            yield place, "has it", "does not"
        elif is_whole or not place.startswith("header "):
            yield place, "does not have it", "does"


def _said(kinds: set[str]) -> str:
    return ", ".join(sorted(kinds)) or "nothing else"


def _role_differences(value: Any) -> Iterator[tuple[str, str, str]]:
    known = {normalised(role) for role in CATALOGUE}
    for shown in objects_in(value):
        for role in texts_in(shown.get("roles")):
            if normalised(role) not in known:
                yield "/roles", _said_role(role), "knows no such role"


def _parsed(body: bytes) -> Any:
    """Return the JSON value in ``body``: ``b""`` where there is no body, ``_UNREADABLE`` where it is none."""
    if not body.strip():
        return b""
    try:
        return parse_json(body.decode("utf-8-sig"), "the body")
    except (FileRefused, UnicodeDecodeError):
        return _UNREADABLE


@lru_cache(maxsize=8)
def _names(contract: Contract) -> frozenset[str]:
    """Return the names of the properties and parameters that ``contract`` has."""
    parameters = (each.name for operation in contract.operations.values() for each in operation.parameters)
    return frozenset([*parameters, *dict(properties_in(contract.to_openapi().get("components")))])


def _said_property(name: str, contract: Contract) -> str:
    return name if _PROPERTY.fullmatch(name) or name in _names(contract) else "another property"


def _said_identity(name: str, value: Any) -> str:
    """Return the ``type``, ``title`` or ``errorCode`` of an error as JSON."""
    is_code = name == "errorCode" and isinstance(value, str) and _CODE.fullmatch(value)
    if value is None or is_code or (isinstance(value, str) and value in _IDENTITIES[name]):
        return json.dumps(value)
    return "another error code" if name == "errorCode" else f"another {name}"


def _said_header(name: str) -> str:
    """Return a header's name in small letters."""
    is_known = name.lower() in _KNOWN_HEADERS | _OF_HTTP
    return name.lower() if is_known or _HEADER.fullmatch(name) else "another name"


def _said_media(value: str) -> str:
    """Return a media type in small letters, without spaces."""
    return "".join(value.lower().split()) if _MEDIA.fullmatch(value) else "another media type"


def _said_role(role: str) -> str:
    """Return a role where it is written like Adyen's: of words that known roles have, or one of the Management API."""
    is_like_one = _ROLE.fullmatch(role) or {word.casefold() for word in role.split()} <= _WORDS
    return json.dumps(role, ensure_ascii=False) if is_like_one else "an unknown role"


def _is_sayable(observation: Observation, media: str, contract: Contract) -> bool:
    """Tell whether a finding names only what may be said; ``media`` is the answer's content type."""
    finding = observation.finding
    if finding.id == "response-undocumented-media-type":
        return not media or _MEDIA.fullmatch(media) is not None
    names = [name for name in pointer_parts(finding.location) if name != "*"]
    if finding.id.endswith("-wrapped"):  # the name around it is in the message, and ends the example
        name = observation.example.rpartition("/")[2]
        names.append(name if finding.message.endswith(f"under `{name}`") else "")
    return all(_said_property(name, contract) == name for name in names)
