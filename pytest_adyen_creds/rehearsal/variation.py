"""Variations: each is one thing that may be otherwise when a test runs again, with what a client must do about it.

They are those of the answers that the test had, and an answer knows how to be changed.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal

import httpx

from pytest_adyen_creds.client.parsing import parse
from pytest_adyen_creds.client.transports import read
from pytest_adyen_creds.contract.apis import Match
from pytest_adyen_creds.contract.baseline import Entry
from pytest_adyen_creds.contract.history import Change
from pytest_adyen_creds.contract.mutations import Mutation, identifiers, known_mutations, mutated
from pytest_adyen_creds.text import pointer_parts

if TYPE_CHECKING:
    from pytest_adyen_creds.contract import Operation
    from pytest_adyen_creds.contract.trees import Schema

Kind = Literal["additions", "removals", "history", "rotation", "failures"]
KINDS: Final[tuple[Kind, ...]] = ("additions", "removals", "history", "rotation", "failures")
Class = Literal["must-survive", "must-notice", "must-handle"]

ID_FORM: Final = "id-form-changed"
PAGE: Final = "page-added"
MISSING: Final = "response-required-property-missing"
"""The id of a finding, and of a known deviation."""

OF_ANSWER: Final[dict[str, tuple[Kind, Class, str]]] = {
    "headers-added": ("additions", "must-survive", "headers that nobody knew came"),
    "slashes-escaped": (
        "additions",
        "must-survive",
        "slashes in JSON are written the other way: \\/ for /, or / for \\/",
    ),
    "error-with-200": ("removals", "must-notice", "an error's document came with the status 200"),
    "html": ("removals", "must-notice", "a page of HTML came in the answer's place"),
    "truncated": ("removals", "must-notice", "the body ends in its middle"),
}
"""What can happen to an answer as a whole."""

OF_KEYS: Final[dict[str, tuple[Class, str]]] = {
    "api-key-rotated": ("must-survive", "the API key is replaced; the old one goes on working for 24 hours"),
    "api-key-expired": ("must-survive", "the API key is replaced, and the old one expires at once"),
    "client-key-rotated": ("must-survive", "the client key is replaced; the old one goes on working for 24 hours"),
    "client-key-expired": ("must-survive", "the client key is replaced, and the old one expires at once"),
    "credential-off-and-on": ("must-handle", "the credential is switched off for one request"),
}
"""What can happen to a credential between two requests."""

OF_REQUEST: Final[dict[str, str]] = {
    "key-propagating": "401: the key is new, and does not work yet",
    "rate-limited": "429, too many requests, without Retry-After",
    "rate-limited-retry-after": "429, too many requests, with Retry-After: 1",
    "server-error": "500, an internal error",
    "connection-reset": "the connection is reset before the request is carried out",
    "timed-out": "no answer comes in time",
    "answer-lost": "the request is carried out, and the answer is lost",
}
"""What can happen to a request, once."""


NAMES: Final = (
    *KINDS,
    "must-survive",
    "must-notice",
    "must-handle",
    *("property-added", "properties-reordered", "items-reordered", "enum-value-added", "role-added", ID_FORM, PAGE),
    *("deviation-shown", "deviation-ended", "optional-property-removed", "list-emptied", "required-property-removed"),
    *("type-changed", "became-null", "property-removed"),
    *OF_ANSWER,
    *OF_KEYS,
    *OF_REQUEST,
)
"""What a test's mark may call variations: kinds, classes and changes."""


_FRAMING: Final = frozenset({"content-length", "content-encoding", "transfer-encoding"})


@dataclass(frozen=True)
class Answered:
    """One request of a test and its answer: ``body`` is unpacked; ``found`` is None where no contract has it."""

    method: str
    path: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    found: Match | None = None
    sent: bytes = b""
    """The request's body."""

    @classmethod
    def of(cls, request: httpx.Request, response: httpx.Response, found: Match | None) -> Answered:
        """Return ``response`` read, whose own stream can be read again."""
        seen = read(response)
        headers = tuple((k, v) for k, v in seen.headers.multi_items() if k.lower() not in _FRAMING)
        path, body = request.url.path, seen.content
        return cls(request.method, path, seen.status_code, headers, body, found, request.read())

    @property
    def operation(self) -> Operation | None:
        """The operation that it is of; None where no contract has it."""
        return self.found.operation if self.found else None

    @cached_property
    def document(self) -> Any:
        """The body as a JSON value; None where it is none."""
        return parse(self.body)

    @cached_property
    def structure(self) -> str | None:
        """The name of the structure that the contract has for the answer."""
        return self.operation.responses.get(self.status) if self.operation else None

    @property
    def schema(self) -> Schema:
        """The schema of :attr:`structure`."""
        assert self.found is not None
        assert self.structure is not None
        return self.found.contract.schema(self.structure)

    @property
    def has_document(self) -> bool:
        """Whether it is a JSON object or list that the contract has a structure for."""
        return self.structure is not None and isinstance(self.document, dict | list)

    def with_document(self, document: Any) -> Answered:
        """Return the answer with another JSON value, written as its own is."""
        is_spaced = b'": ' in self.body or b'", "' in self.body
        separators = (", ", ": ") if is_spaced else (",", ":")
        text = json.dumps(document, ensure_ascii=b"\\u" in self.body, separators=separators)
        if b"\\/" in self.body:
            text = text.replace("/", "\\/")
        return replace(self, body=text.encode("utf-8", "surrogatepass"))

    def response(self) -> httpx.Response:
        """Return it as a response of httpx, not yet read."""
        headers = [*self.headers, *([("content-length", str(len(self.body)))] if self.status != 204 else [])]
        return httpx.Response(self.status, headers=headers, stream=httpx.ByteStream(self.body))

    def mutations(self) -> list[Mutation]:
        """Return the contract's mutations that it can have."""
        return known_mutations(self.schema, self.document, self._history)

    def mutated(self, ids: Collection[str]) -> tuple[Answered, list[str]]:
        """Return the answer with those of the contract's mutations ``ids`` that it can have, and the ids of these."""
        document, met = mutated(self.schema, self.document, ids, self._history)
        return self.with_document(document) if met else self, [each.id for each in met]

    @property
    def _history(self) -> Sequence[Change]:
        return self.found.contract.history if self.found else ()


@dataclass(frozen=True, slots=True)
class Variation:
    """One thing that is otherwise when a test runs again.

    ``operation`` (a label) and ``status`` say in which answers, or ``number`` says at which request of the test, from
    1. ``change`` is what happens, at the JSON Pointer ``location``; ``must`` is what is right: to survive it, to notice
    it by an error, or to handle it by asking again or by an error.
    """

    kind: Kind
    must: Class
    change: str
    location: str
    text: str
    """What is otherwise, in words; nothing of an answer's values."""
    operation: str
    status: int | None = None
    number: int = 0
    date: str = ""

    @property
    def id(self) -> str:
        """The variation's name, the same in every run: ``GET /me 200 property-added@/_links``."""
        if self.number:
            return f"{'before ' if self.kind == 'rotation' else ''}request {self.number} {self.change}"
        dated = f"{self.date} {self.change}".lstrip()
        return f"{self.operation} {self.status} {dated}" + (f"@{self.location}" if self.location or not dated else "")

    @property
    def body_id(self) -> str:
        """What the contract's mutations call it; see :attr:`.contract.mutations.Mutation.id`."""
        return f"{self.date} {self.change}@{self.location}".lstrip()

    @property
    def is_of_answers(self) -> bool:
        """Whether it can happen to each answer by itself."""
        return not self.number and self.change != PAGE

    def is_beside(self, other: Variation) -> bool:
        """Return whether both can happen in one run, each as it would alone."""
        if not (self.must == other.must == "must-survive") or not (self.is_of_answers and other.is_of_answers):
            return False
        if (self.operation, self.status) != (other.operation, other.status):
            return True
        return not (_takes_away(self, other) or _takes_away(other, self))


def _takes_away(one: Variation, other: Variation) -> bool:
    if one.change not in _TAKING or one.date > other.date:
        return False
    return other.location == one.location or other.location.startswith(f"{one.location}/")


_TAKING: Final = frozenset({"optional-property-removed", "list-emptied", "property-removed", "deviation-ended"})
"""What leaves nothing of a place for others to happen at."""


def variations_of(
    answered: Sequence[Answered], kinds: Collection[str], *, deviations: Iterable[Entry] = (), has_keys: bool = False
) -> list[Variation]:
    """Return what can be otherwise when a test runs again that was ``answered`` so, of these ``kinds``.

    Equal ones come once. ``deviations`` are known ones of the platform; ``has_keys``: the test was lent a credential.
    """
    found: dict[str, Variation] = {}
    known = list(deviations)
    for each in _all(answered, known, has_keys=has_keys):
        if each.kind in kinds:
            found.setdefault(each.id, each)
    return list(found.values())


def _all(answered: Sequence[Answered], deviations: list[Entry], *, has_keys: bool) -> Iterator[Variation]:
    identities: set[str] = set()
    for each in answered:
        if each.operation is not None:
            yield from _of_one(each, deviations, identities)
    for number, each in enumerate(answered, 1):
        label = each.operation.label if each.operation else f"{each.method} {each.path}"
        if each.status >= 400:  # what is meant to be refused cannot fail otherwise
            continue
        for change, (must, text) in OF_KEYS.items() if has_keys and number > 1 else ():
            yield Variation("rotation", must, change, "", f"before request {number} {text}", label, number=number)
        for change, text in OF_REQUEST.items():
            if (change == "answer-lost") <= (each.method == "POST"):
                yield Variation(
                    "failures", "must-handle", change, "", f"request {number}: {text}", label, number=number
                )


def _of_one(each: Answered, deviations: list[Entry], identities: set[str]) -> Iterator[Variation]:
    assert each.operation is not None
    label, status = each.operation.label, each.status
    for change, (kind, must, text) in OF_ANSWER.items():
        if (each.has_document or change == "headers-added") and not (must == "must-notice" and status >= 400):
            yield Variation(kind, must, change, "", text, label, status)
    if not each.has_document:
        return
    missing = {entry.location for entry in deviations if entry.id == MISSING and entry.is_about(label, status)}
    mutations = each.mutations()
    for mutation in mutations:
        # what the platform is known to leave out, a client has to do without
        is_known = mutation.change == "required-property-removed" and mutation.location in missing
        # an error is noticed by its status
        is_of_error = status >= 400 and mutation.must == "must-notice"
        if mutation.change != ID_FORM and not is_known and not is_of_error:
            yield Variation(**asdict(mutation), operation=label, status=status)
    for what, location, _ in identifiers(each.schema, each.document):
        if what not in identities:
            identities.add(what)
            text = f"ids like the one at {location} are longer and of another form, wherever they stand"
            yield Variation("additions", "must-survive", f"{ID_FORM}:{what}", location, text, label, status)
    if are_pages(each):
        text = "the list goes on on a further page, where its second half is"
        yield Variation("additions", "must-survive", PAGE, "", text, label, status)
    dated = {one.location for one in mutations if one.date}
    for change, location, text in deviations_of(each, deviations):
        if location not in dated:
            yield Variation("additions", "must-survive", change, location, text, label, status)


def deviations_of(answered: Answered, entries: Iterable[Entry]) -> Iterator[tuple[str, str, str]]:
    """Yield how the answer can keep to its document where it departs in a known way, or depart where it keeps to it.

    Each as the change, the place, and what is otherwise in words.
    """
    label = answered.operation.label if answered.operation else ""
    for entry in entries:
        if not entry.location or not entry.is_about(label, answered.status):
            continue
        holders = list(_holders(answered.document, entry.location))
        if not holders:
            continue
        is_there = any(name in holder for holder, name in holders)
        departs = is_there == (entry.id == "response-undocumented-property")
        change = "deviation-ended" if departs else "deviation-shown"
        state = "is there" if not is_there else "is left out"
        known = (
            "as the document says, where the platform is known not to" if departs else "as the platform is known to do"
        )
        yield change, entry.location, f"{entry.location} {state}, {known}"


def toggle(document: Any, location: str) -> None:
    """Take away what stands at ``location`` of a document, or put a value there."""
    holders = list(_holders(document, location))
    is_there = any(name in holder for holder, name in holders)
    for holder, name in holders:
        if is_there:
            holder.pop(name, None)
        else:
            holder[name] = [] if name.endswith("s") else "rehearsed"


def _holders(document: Any, location: str) -> Iterator[tuple[dict[str, Any], str]]:
    *way, name = pointer_parts(location)
    values = [document]
    for part in way:
        values = [
            below
            for value in values
            for below in (
                (value if isinstance(value, list) else ())
                if part == "*"
                else [value[part]]
                if isinstance(value, dict) and part in value
                else ()
            )
        ]
    return ((value, name) for value in values if isinstance(value, dict))


def are_pages(answered: Answered) -> bool:
    """Return whether the answer is the only page of a list that has items, and further pages can be asked for."""
    assert answered.operation is not None
    document = answered.document
    names = {parameter.name for parameter in answered.operation.parameters}
    return (
        "pageNumber" in names
        and isinstance(document, dict)
        and isinstance(document.get("data"), list)
        and bool(document["data"])
        and document.get("pagesTotal", 1) == 1
    )
