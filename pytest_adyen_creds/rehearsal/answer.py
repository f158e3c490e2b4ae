"""Answers: what a test was answered, and how an answer is changed."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import httpx

from pytest_adyen_creds.client.parsing import parse
from pytest_adyen_creds.client.transports import read
from pytest_adyen_creds.contract.baseline import Entry
from pytest_adyen_creds.contract.history import Change
from pytest_adyen_creds.contract.mutations import Mutation, known_mutations, mutated
from pytest_adyen_creds.text import pointer_parts

if TYPE_CHECKING:
    from pytest_adyen_creds.contract import Contract, Operation
    from pytest_adyen_creds.contract.documents import Schema

_FRAMING: Final = frozenset({"content-length", "content-encoding", "transfer-encoding"})


@dataclass(frozen=True)
class Answered:
    """One request of a test and its answer: ``body`` is unpacked; an operation that no contract has is None."""

    method: str
    path: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    operation: Operation | None = None
    contract: Contract | None = None
    sent: bytes = b""
    """The request's body."""

    @classmethod
    def of(
        cls, request: httpx.Request, response: httpx.Response, operation: Operation | None, contract: Contract | None
    ) -> Answered:
        """Return ``response`` read, whose own stream can be read again."""
        seen = read(response)
        headers = tuple((k, v) for k, v in seen.headers.multi_items() if k.lower() not in _FRAMING)
        path, body = request.url.path, seen.content
        return cls(request.method, path, seen.status_code, headers, body, operation, contract, request.read())

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
        assert self.contract is not None
        assert self.structure is not None
        return self.contract.schema(self.structure)

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
        return self.contract.history if self.contract else ()


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
