"""Specification drift: two OpenAPI documents compared by what they mean to a client, not by their text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pytest_adyen_creds.contract.finding import Finding, Level, arrange
from pytest_adyen_creds.contract.operations import key_of
from pytest_adyen_creds.drift.change import Kind, id_of, message_of
from pytest_adyen_creds.drift.document import Body, Document, Header, Operation, Parameter, Response, SignIn
from pytest_adyen_creds.drift.schemas import Comparison
from pytest_adyen_creds.drift.shape import Schema
from pytest_adyen_creds.text import escape_pointer


def compare(
    old: Mapping[str, Any], new: Mapping[str, Any], *, operations: Iterable[str] | None = None
) -> list[Finding]:
    """Return what changed from ``old`` to ``new``, two OpenAPI 3.0 or 3.1 documents; the most serious first.

    ``operations``: the labels (``GET /me``) of the operations to look at; ``None``: all that either document has.
    A path parameter's name is nothing that a request shows, so ``/companies/{id}`` and ``/companies/{companyId}`` are
    one path, and an operation id that follows such a renaming has not changed. Findings carry the old document's label.

    Raises :class:`FileRefused` where a document is not what it says it is.
    """
    return _SpecificationComparison(Document(old), Document(new)).findings(operations)


@dataclass(frozen=True, slots=True)
class _Subject:
    """What findings are about: its name in words, and where it is, as a :class:`Finding` has it."""

    name: str
    operation: str
    status: int | None = None
    location: str = ""

    def finding(self, id_: str, level: Level, predicate: str) -> Finding:
        """Return a finding whose message is the name, followed by ``predicate``."""
        return Finding(id_, level, self.operation, self.status, self.location, f"{self.name} {predicate}")

    def deprecated(self, noun: str, old: bool, new: bool) -> Iterator[Finding]:
        """Yield the finding, if there is one, of a ``deprecated`` that was set or taken back."""
        if new and not old:
            yield self.finding(f"{noun}-deprecated", "info", "is now deprecated")
        elif old and not new:
            yield self.finding(f"{noun}-reactivated", "info", "is no longer deprecated")

    def required(self, noun: str, old: bool, new: bool) -> Iterator[Finding]:
        """Yield the finding, if there is one, of a ``required`` that changed: more breaks requests, less responses."""
        if new != old:
            word = "required" if new else "optional"
            level: Level = "breaking" if new == noun.startswith("request") else "info"
            yield self.finding(f"{noun}-became-{word}", level, f"became {word}")


class _SpecificationComparison:
    """One comparison of two documents."""

    def __init__(self, old: Document, new: Document) -> None:
        self._old = old
        self._new = new
        self._schemas = Comparison(old, new)

    def findings(self, operations: Iterable[str] | None = None) -> list[Finding]:
        """Return the findings, arranged; see :func:`compare`."""
        old, new = self._old.operations(), self._new.operations()
        wanted = old.keys() | new.keys()
        if operations is not None:
            wanted &= {key_of(label) for label in operations}
        paths = {path for _, path in new}
        found: list[Finding] = []
        for key in sorted(wanted):
            if key not in new:
                found.append(_removed(old[key], whole_path=key[1] not in paths))
            elif key not in old:
                found.append(_Subject("the operation", new[key].label).finding("endpoint-added", "info", "is new"))
            else:
                found.extend(self._operation(old[key], new[key]))
        found.extend(self._servers())
        return arrange(found)

    def _operation(self, old: Operation, new: Operation) -> Iterator[Finding]:
        operation = _Subject("the operation", old.label)
        yield from operation.deprecated("endpoint", old.deprecated, new.deprecated)
        if old.id is None and new.id is not None:
            yield operation.finding("api-operation-id-added", "info", f"id {new.id} is new")
        elif old.id is not None and renamed(old.id, old.path_names, new.path_names) != new.id:
            text = f"was replaced with {new.id}" if new.id else "is gone"
            yield operation.finding("api-operation-id-removed", "info", f"id {old.id} {text}")
        yield from self._security(operation, old, new)
        for key in sorted(old.parameters.keys() | new.parameters.keys()):
            yield from self._parameter(old.label, old.parameters.get(key), new.parameters.get(key))
        yield from self._request(old.label, old.body, new.body)
        for status in sorted(old.responses.keys() | new.responses.keys()):
            yield from self._response(old.label, status, old.responses.get(status), new.responses.get(status))

    def _parameter(self, label: str, old: Parameter | None, new: Parameter | None) -> Iterator[Finding]:
        known = old or new
        assert known is not None
        location = f"/{known.place}/{escape_pointer(known.name)}"
        parameter = _Subject(f"the {known.place} parameter `{known.name}`", label, location=location)
        if old is None:
            if known.place == "path":
                yield parameter.finding("new-request-path-parameter", "breaking", "is new")
            elif known.required:
                yield parameter.finding("new-required-request-parameter", "breaking", "is new and required")
            else:
                yield parameter.finding("new-optional-request-parameter", "info", "is new")
            return
        if new is None:
            yield parameter.finding("request-parameter-removed", "warning", "is gone; it may be ignored or refused")
            return
        yield from parameter.required("request-parameter", old.required, new.required)
        yield from parameter.deprecated("request-parameter", old.deprecated, new.deprecated)
        if old.serialization != new.serialization:
            text = "is written in another way (style, explode, allowReserved or media type)"
            yield parameter.finding("request-parameter-serialization-changed", "breaking", text)
        yield from self._schema("request-parameter", parameter, old.schema, new.schema, place=old.place)

    def _request(self, label: str, old: Body | None, new: Body | None) -> Iterator[Finding]:
        body = _Subject("the request body", label)
        if old is not None and new is not None:
            yield from body.required("request-body", old.required, new.required)
            yield from self._content("request-body", body, old.content, new.content)
        elif old is not None:
            yield body.finding("request-body-removed", "breaking", "is gone")
        elif new is not None and new.required:
            added = replace(body, name="a request body")
            yield added.finding("request-body-added-required", "breaking", "is new and required")
        elif new is not None:
            added = replace(body, name="an optional request body")
            yield added.finding("request-body-added-optional", "info", "is new")

    def _response(self, label: str, status: str, old: Response | None, new: Response | None) -> Iterator[Finding]:
        number = int(status) if status.isdecimal() else None
        response = _Subject("the response", label, number)
        if old is not None and new is not None:
            yield from self._content("response", response, old.content, new.content)
            for key in sorted(old.headers.keys() | new.headers.keys()):
                yield from self._header(response, old.headers.get(key), new.headers.get(key))
            return
        success = "success" if status.startswith("2") else "non-success"
        answer = replace(response, name=f"the status {status}")
        if new is not None:
            yield answer.finding(f"response-{success}-status-added", "info", "is new")
        else:
            level: Level = "breaking" if success == "success" else "info"
            yield answer.finding(f"response-{success}-status-removed", level, "is gone")

    def _content(
        self, noun: str, subject: _Subject, old: Mapping[str, Schema], new: Mapping[str, Schema]
    ) -> Iterator[Finding]:
        """Yield what changed in a body by media type; ``noun`` is how the ids of its media types begin."""
        kind: Kind = "request-body" if noun == "request-body" else "response-body"
        for name in sorted(old.keys() | new.keys()):
            if name not in new:
                yield subject.finding(f"{noun}-media-type-removed", "breaking", f"as {name} is gone")
            elif name not in old:
                yield subject.finding(f"{noun}-media-type-added", "info", f"as {name} is new")
            else:
                body = replace(subject, name=f"the {kind.replace('-', ' ')}")
                yield from self._schema(kind, body, old[name], new[name])

    def _header(self, response: _Subject, old: Header | None, new: Header | None) -> Iterator[Finding]:
        known = old or new
        assert known is not None
        name, location = f"the response header `{known.name}`", f"/header/{escape_pointer(known.name)}"
        header = replace(response, name=name, location=location)
        if old is None:
            yield header.finding("response-header-added", "info", "is new")
        elif new is None and old.required:
            yield header.finding("required-response-header-removed", "breaking", "is gone")
        elif new is None:
            yield header.finding("optional-response-header-removed", "warning", "is gone")
        else:
            yield from header.required("response-header", old.required, new.required)
            yield from self._schema("response-header", header, old.schema, new.schema)

    def _schema(self, kind: Kind, subject: _Subject, old: Schema, new: Schema, place: str = "") -> Iterator[Finding]:
        for change in self._schemas.changes(old, new, "request" if kind.startswith("request") else "response"):
            id_, message = id_of(kind, change, place), message_of(kind, change, subject.name)
            location = subject.location + change.pointer
            yield Finding(id_, change.level, subject.operation, subject.status, location, message)

    def _security(self, operation: _Subject, old: Operation, new: Operation) -> Iterator[Finding]:
        sign_in = replace(operation, name="the sign-in")
        gone = [alternative for alternative in old.security if alternative]
        came = [alternative for alternative in new.security if alternative]
        # by the names of the schemes first, then by what the schemes are: a name is only a reference
        pairs = []
        for by_name in (True, False):
            for one in list(gone):
                twin = next((other for other in came if self._same_schemes(one, other, by_name=by_name)), None)
                if twin is not None:
                    gone.remove(one)
                    came.remove(twin)
                    pairs.append((one, twin))
        for one, twin in pairs:
            yield from self._scheme_changes(sign_in, one, twin)
        was_open, is_open = _is_open(old), _is_open(new)
        for alternative in gone:
            text = f"with {' with '.join(sorted(alternative))} is gone"
            yield sign_in.finding("api-security-removed", "info" if is_open else "breaking", text)
        for alternative in came:
            text = f"with {' with '.join(sorted(alternative))} is new"
            yield sign_in.finding("api-security-added", "breaking" if was_open and not is_open else "info", text)
        if is_open and not was_open and not gone and not came:
            yield operation.finding("api-security-became-optional", "info", "can be called without signing in")
        elif was_open and not is_open and not gone and not came:
            yield operation.finding("api-security-became-required", "breaking", "needs signing in")

    def _same_schemes(self, old: SignIn, new: SignIn, *, by_name: bool) -> bool:
        if by_name:
            return old.keys() == new.keys()
        return sorted(_scheme(self._old, name) for name in old) == sorted(_scheme(self._new, name) for name in new)

    def _scheme_changes(self, subject: _Subject, old: SignIn, new: SignIn) -> Iterator[Finding]:
        for name in sorted(old):
            before = _scheme(self._old, name)
            twin = name if name in new else next(each for each in new if _scheme(self._new, each) == before)
            after = _scheme(self._new, twin)
            if before != after:
                yield subject.finding("api-security-updated", "breaking", f"{name} changed from {before} to {after}")
            for scope in sorted(new[twin] - old[name]):
                text = f"{name} now needs the scope {scope}"
                yield subject.finding("api-security-scope-added", "breaking", text)
            for scope in sorted(old[name] - new[twin]):
                text = f"{name} no longer needs the scope {scope}"
                yield subject.finding("api-security-scope-removed", "info", text)

    def _servers(self) -> Iterator[Finding]:
        old, new = self._old.servers, self._new.servers
        if not old or not new:
            return
        for url in sorted(old - new):
            yield _Subject("the server", "*").finding("api-server-removed", "info", f"{url} is gone")
        for url in sorted(new - old):
            yield _Subject("the server", "*").finding("api-server-added", "info", f"{url} is new")


def renamed(operation_id: str, old: tuple[str, ...], new: tuple[str, ...]) -> str:
    """Return ``operation_id`` with the names of path parameters in it (``get-companies-id``) taken from ``new``."""
    names = {before: after for before, after in zip(old, new, strict=False) if before != after}
    if not names:
        return operation_id
    pattern = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    return re.sub(rf"(?<![A-Za-z0-9])(?:{pattern})(?![A-Za-z0-9])", lambda match: names[match.group()], operation_id)


def _removed(operation: Operation, *, whole_path: bool) -> Finding:
    id_, what = ("api-path-removed", ", with its path") if whole_path else ("api-removed", "")
    if operation.deprecated:
        subject = _Subject("the operation, which was deprecated,", operation.label)
        return subject.finding(f"{id_}-with-deprecation", "warning", f"is gone{what}")
    subject = _Subject("the operation", operation.label)
    return subject.finding(f"{id_}-without-deprecation", "breaking", f"is gone{what}")


def _is_open(operation: Operation) -> bool:
    return not operation.security or any(not alternative for alternative in operation.security)


def _scheme(document: Document, name: str) -> str:
    """Return what the security scheme of this name is, in words; its name where the document has none."""
    scheme = document.schemes.get(name)
    return _members(scheme) if isinstance(scheme, Mapping) else name


def _members(value: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{key} ({_members(member)})" if isinstance(member, Mapping) else f"{key} {member}"
        for key, member in sorted(value.items())
        if key not in ("description", "$ref") and not key.startswith("x-")
    )
