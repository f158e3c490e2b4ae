"""Specification drift: two OpenAPI documents compared by what they mean to a client, not by their text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pytest_adyen_creds.contract.finding import Finding, Level, arrange
from pytest_adyen_creds.contract.ids import Change, Kind, change_of, direction_of, finding_of, finding_of_change
from pytest_adyen_creds.contract.operations import key_of
from pytest_adyen_creds.drift.document import Body, Document, Operation, Parameter, Response, SignIn
from pytest_adyen_creds.drift.members import Comparison
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
    """What findings are about: where it is, as a :class:`Finding` has it, and what their texts name it by."""

    operation: str
    status: int | None = None
    location: str = ""
    names: Mapping[str, str] = field(default_factory=dict)

    def finding(self, id_: str, level: Level | None = None, **values: str) -> Finding:
        """Return the finding that the table has under ``id_``; ``level``: which, where it can have several."""
        return finding_of(id_, self.operation, self.status, self.location, level=level, **self.names, **values)

    def change(self, kind: Kind, change: Change) -> Finding:
        """Return the finding for a change of the schema that describes it."""
        return finding_of_change(kind, change, self.operation, self.status, self.location, **self.names)

    def required(self, noun: str, old: bool, new: bool) -> Iterator[Finding]:
        """Yield the finding, if there is one, of a ``required`` that changed."""
        if new != old:
            yield self.finding(f"{noun}-became-{'required' if new else 'optional'}")


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
        for before, after in self._renamed_webhooks(old, new):
            if before.key in wanted or after.key in wanted:
                found.append(_Subject(before.label).finding("webhook-renamed", new=after.key[1]))
                wanted -= {before.key, after.key}
        for key in sorted(wanted):
            if key not in new:
                found.append(_removed(old[key], whole_path=key[1] not in paths))
            elif key not in old:
                added = "webhook-added" if new[key].is_webhook else "endpoint-added"
                found.append(_Subject(new[key].label).finding(added))
            else:
                found.extend(self._operation(old[key], new[key]))
        found.extend(self._servers())
        return arrange(found)

    def _renamed_webhooks(
        self, old: Mapping[tuple[str, str], Operation], new: Mapping[tuple[str, str], Operation]
    ) -> Iterator[tuple[Operation, Operation]]:
        """Yield each webhook that is gone with the new one that is described alike, where it is the only one."""
        gone = [old[key] for key in sorted(old.keys() - new.keys()) if old[key].is_webhook]
        came = [new[key] for key in sorted(new.keys() - old.keys()) if new[key].is_webhook]
        alike = [
            (before, after)
            for before in gone
            for after in came
            if before.body and after.body and not any(True for _ in self._bodies(before, after))
        ]
        for before, after in alike:
            if sum(one is before or other is after for one, other in alike) == 1:
                yield before, after

    def _bodies(self, old: Operation, new: Operation) -> Iterator[Finding]:
        yield from self._request(old, old.body, new.body)
        for status in sorted(old.responses.keys() | new.responses.keys()):
            yield from self._response(old, status, old.responses.get(status), new.responses.get(status))

    def _operation(self, old: Operation, new: Operation) -> Iterator[Finding]:
        operation = _Subject(old.label)
        if old.deprecated != new.deprecated:
            noun = "webhook" if old.is_webhook else "endpoint"
            yield operation.finding(f"{noun}-{'deprecated' if new.deprecated else 'reactivated'}")
        if old.id is None and new.id is not None:
            yield operation.finding("api-operation-id-added", new=new.id)
        elif old.id is not None and renamed(old.id, old.path_names, new.path_names) != new.id:
            fate = f"was replaced with {new.id}" if new.id else "is gone"
            yield operation.finding("api-operation-id-removed", old=old.id, fate=fate)
        yield from self._security(operation, old, new)
        for key in sorted(old.parameters.keys() | new.parameters.keys()):
            # what a webhook brings is read by its receiver, as a header of an answer is read
            kind: Kind = "response-header" if old.is_webhook else "request-parameter"
            yield from self._parameter(kind, operation, old.parameters.get(key), new.parameters.get(key))
        yield from self._bodies(old, new)

    def _parameter(
        self, kind: Kind, holder: _Subject, old: Parameter | None, new: Parameter | None
    ) -> Iterator[Finding]:
        """Yield what changed in a parameter of a request, or in a header that its receiver reads."""
        known = old or new
        assert known is not None
        is_header, presence = kind == "response-header", "required" if known.required else "optional"
        location = f"/{'header' if is_header else known.place}/{escape_pointer(known.name)}"
        parameter = _Subject(holder.operation, holder.status, location, {"place": known.place, "name": known.name})
        if old is None:
            of_request = "new-request-path" if known.place == "path" else f"new-{presence}-request"
            yield parameter.finding("response-header-added" if is_header else f"{of_request}-parameter")
        elif new is None:
            yield parameter.finding(f"{presence}-response-header-removed" if is_header else f"{kind}-removed")
        else:
            yield from parameter.required(kind, old.required, new.required)
            if old.deprecated != new.deprecated and not is_header:
                yield parameter.change(kind, change_of("request", "deprecated" if new.deprecated else "reactivated"))
            if old.serialization != new.serialization and not is_header:
                yield parameter.finding(f"{kind}-serialization-changed")
            yield from self._schema(kind, parameter, old.schema, new.schema)

    def _request(self, operation: Operation, old: Body | None, new: Body | None) -> Iterator[Finding]:
        body = _Subject(operation.label)
        noun: Kind = "webhook-body" if operation.is_webhook else "request-body"
        if old is not None and new is not None:
            yield from body.required(noun, old.required, new.required)
            yield from self._content(noun, noun, body, old.content, new.content)
        elif old is not None:
            yield body.finding(f"{noun}-removed")
        elif operation.is_webhook:
            yield body.finding("webhook-body-added")
        elif new is not None:
            yield body.finding(f"request-body-added-{'required' if new.required else 'optional'}")

    def _response(
        self, operation: Operation, status: str, old: Response | None, new: Response | None
    ) -> Iterator[Finding]:
        response = _Subject(operation.label, int(status) if status.isdecimal() else None)
        kind: Kind = "webhook-answer" if operation.is_webhook else "response-body"
        if old is not None and new is not None:
            yield from self._content(kind.removesuffix("-body"), kind, response, old.content, new.content)
            for key in sorted(old.headers.keys() | new.headers.keys()):
                yield from self._parameter("response-header", response, old.headers.get(key), new.headers.get(key))
            return
        if operation.is_webhook:
            yield response.finding(f"webhook-answer-status-{'added' if old is None else 'removed'}", code=status)
            return
        success = "success" if status.startswith("2") else "non-success"
        yield response.finding(f"response-{success}-status-{'added' if old is None else 'removed'}", code=status)

    def _content(
        self, noun: str, kind: Kind, subject: _Subject, old: Mapping[str, Schema], new: Mapping[str, Schema]
    ) -> Iterator[Finding]:
        """Yield what changed in a body by media type; ``noun`` is how the ids of its media types begin."""
        for name in sorted(old.keys() | new.keys()):
            if name not in new:
                yield subject.finding(f"{noun}-media-type-removed", media=name)
            elif name not in old:
                yield subject.finding(f"{noun}-media-type-added", media=name)
            else:
                yield from self._schema(kind, subject, old[name], new[name])

    def _schema(self, kind: Kind, subject: _Subject, old: Schema, new: Schema) -> Iterator[Finding]:
        changes = list(self._schemas.changes(old, new, direction_of(kind)))
        for gone, came in _replaced(changes) if kind == "webhook-body" else ():
            place = replace(subject, location=subject.location + gone.pointer)
            old_name, new_name = str(gone.values["name"]), str(came.values["name"])
            yield place.finding("webhook-required-property-renamed", old=old_name, new=new_name)
            changes = [each for each in changes if each is not gone and each is not came]
        for change in changes:
            yield subject.change(kind, change)

    def _security(self, operation: _Subject, old: Operation, new: Operation) -> Iterator[Finding]:
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
            yield from self._scheme_changes(operation, one, twin)
        was_open, is_open = _is_open(old), _is_open(new)
        for alternative in gone:
            schemes = " with ".join(sorted(alternative))
            yield operation.finding("api-security-removed", "info" if is_open else "breaking", schemes=schemes)
        for alternative in came:
            level: Level = "breaking" if was_open and not is_open else "info"
            yield operation.finding("api-security-added", level, schemes=" with ".join(sorted(alternative)))
        if was_open != is_open and not gone and not came:
            yield operation.finding(f"api-security-became-{'optional' if is_open else 'required'}")

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
                yield subject.finding("api-security-updated", scheme=name, old=before, new=after)
            for scope in sorted(new[twin] - old[name]):
                yield subject.finding("api-security-scope-added", scheme=name, scope=scope)
            for scope in sorted(old[name] - new[twin]):
                yield subject.finding("api-security-scope-removed", scheme=name, scope=scope)

    def _servers(self) -> Iterator[Finding]:
        old, new = self._old.servers, self._new.servers
        if not old or not new:
            return
        for url in sorted(old - new):
            yield _Subject("*").finding("api-server-removed", url=url)
        for url in sorted(new - old):
            yield _Subject("*").finding("api-server-added", url=url)


def renamed(operation_id: str, old: tuple[str, ...], new: tuple[str, ...]) -> str:
    """Return ``operation_id`` with the names of path parameters in it (``get-companies-id``) taken from ``new``."""
    names = {before: after for before, after in zip(old, new, strict=False) if before != after}
    if not names:
        return operation_id
    pattern = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    return re.sub(rf"(?<![A-Za-z0-9])(?:{pattern})(?![A-Za-z0-9])", lambda match: names[match.group()], operation_id)


def _replaced(changes: list[Change]) -> Iterator[tuple[Change, Change]]:
    """Yield the two changes that are one: the only required property that went, and the only one that came there."""
    by_place: dict[str, tuple[list[Change], list[Change]]] = {}
    for change in changes:
        gone = change.name == "{in}required-property-removed"
        came = change.name == "{in}{presence}-property-added" and change.values.get("presence") == "required"
        if gone or came:
            by_place.setdefault(change.pointer.rpartition("/")[0], ([], []))[came].append(change)
    yield from ((gone[0], came[0]) for gone, came in by_place.values() if len(gone) == len(came) == 1)


def _removed(operation: Operation, *, whole_path: bool) -> Finding:
    what = "webhook-removed" if operation.is_webhook else "api-path-removed" if whole_path else "api-removed"
    return _Subject(operation.label).finding(f"{what}-{'with' if operation.deprecated else 'without'}-deprecation")


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
