"""Specification drift: two OpenAPI documents compared by what they mean to a client, not by their text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pytest_adyen_creds.contract.finding import Finding, Level, arrange
from pytest_adyen_creds.contract.operations import key_of
from pytest_adyen_creds.drift.bodies import BodyComparison
from pytest_adyen_creds.drift.document import Document, Operation
from pytest_adyen_creds.drift.schemas import Comparison


def compare(
    old: Mapping[str, Any], new: Mapping[str, Any], *, operations: Iterable[str] | None = None
) -> list[Finding]:
    """Return what changed from ``old`` to ``new``, two OpenAPI 3.0 or 3.1 documents; the most serious first.

    ``operations``: the labels (``GET /me``) of the operations to look at; ``None``: all that either document has.
    A path parameter's name is nothing that a request shows, so ``/companies/{id}`` and ``/companies/{companyId}`` are
    one path, and an operation id that follows such a renaming has not changed. Findings carry the old document's label.

    Raises :class:`FileRefused` where a document is not what it says it is.
    """
    return SpecificationComparison(Document(old), Document(new)).findings(operations)


class SpecificationComparison:
    """One comparison of two documents."""

    def __init__(self, old: Document, new: Document) -> None:
        self._old = old
        self._new = new
        self._bodies = BodyComparison(Comparison(old, new))

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
                found.append(Finding("endpoint-added", "info", new[key].label, None, "", "the operation is new"))
            else:
                found.extend(self._operation(old[key], new[key]))
        found.extend(self._servers())
        return arrange(found)

    def _operation(self, old: Operation, new: Operation) -> Iterator[Finding]:
        def finding(id_: str, level: Level, message: str) -> Finding:
            return Finding(id_, level, old.label, None, "", message)

        if old.deprecated != new.deprecated:
            yield (
                finding("endpoint-deprecated", "info", "the operation is now deprecated")
                if new.deprecated
                else finding("endpoint-reactivated", "info", "the operation is no longer deprecated")
            )
        if old.id is None and new.id is not None:
            yield finding("api-operation-id-added", "info", f"the operation id {new.id} is new")
        elif old.id is not None and renamed(old.id, old.path_names, new.path_names) != new.id:
            text = f"was replaced with {new.id}" if new.id else "is gone"
            yield finding("api-operation-id-removed", "info", f"the operation id {old.id} {text}")
        yield from self._security(old, new)
        yield from self._bodies.findings(old, new)

    def _security(self, old: Operation, new: Operation) -> Iterator[Finding]:
        def finding(id_: str, level: Level, message: str) -> Finding:
            return Finding(id_, level, old.label, None, "", message)

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
            yield from self._scheme_changes(one, twin, finding)
        was_open, is_open = _is_open(old), _is_open(new)
        for alternative in gone:
            name = " with ".join(sorted(alternative))
            level: Level = "info" if is_open else "breaking"
            yield finding("api-security-removed", level, f"the sign-in with {name} is gone")
        for alternative in came:
            name = " with ".join(sorted(alternative))
            level = "breaking" if was_open and not is_open else "info"
            yield finding("api-security-added", level, f"the sign-in with {name} is new")
        if was_open != is_open and not gone and not came:
            yield (
                finding("api-security-became-optional", "info", "the operation can be called without signing in")
                if is_open
                else finding("api-security-became-required", "breaking", "the operation needs signing in")
            )

    def _same_schemes(
        self, old: Mapping[str, frozenset[str]], new: Mapping[str, frozenset[str]], *, by_name: bool
    ) -> bool:
        if by_name:
            return old.keys() == new.keys()
        return sorted(map(self._old_scheme, old)) == sorted(map(self._new_scheme, new))

    def _old_scheme(self, name: str) -> str:
        return _scheme(self._old.schemes.get(name), name)

    def _new_scheme(self, name: str) -> str:
        return _scheme(self._new.schemes.get(name), name)

    def _scheme_changes(
        self, old: Mapping[str, frozenset[str]], new: Mapping[str, frozenset[str]], finding: Any
    ) -> Iterator[Finding]:
        for name in sorted(old):
            twin = name if name in new else next(n for n in new if self._new_scheme(n) == self._old_scheme(name))
            before, after = self._old_scheme(name), self._new_scheme(twin)
            if before != after:
                yield finding(
                    "api-security-updated", "breaking", f"the sign-in {name} changed from {before} to {after}"
                )
            for scope in sorted(new[twin] - old[name]):
                yield finding("api-security-scope-added", "breaking", f"the sign-in {name} now needs the scope {scope}")
            for scope in sorted(old[name] - new[twin]):
                text = f"the sign-in {name} no longer needs the scope {scope}"
                yield finding("api-security-scope-removed", "info", text)

    def _servers(self) -> Iterator[Finding]:
        old, new = self._old.servers, self._new.servers
        if not old or not new:
            return
        for url in sorted(old - new):
            yield Finding("api-server-removed", "info", "*", None, "", f"the server {url} is gone")
        for url in sorted(new - old):
            yield Finding("api-server-added", "info", "*", None, "", f"the server {url} is new")


def renamed(operation_id: str, old: tuple[str, ...], new: tuple[str, ...]) -> str:
    """Return ``operation_id`` with the names of path parameters in it (``get-companies-id``) taken from ``new``."""
    names = {before: after for before, after in zip(old, new, strict=False) if before != after}
    if not names:
        return operation_id
    pattern = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    return re.sub(rf"(?<![A-Za-z0-9])(?:{pattern})(?![A-Za-z0-9])", lambda match: names[match.group()], operation_id)


def _removed(operation: Operation, *, whole_path: bool) -> Finding:
    gone, what = ("api-path-removed", ", with its path") if whole_path else ("api-removed", "")
    if operation.deprecated:
        text = f"the operation, which was deprecated, is gone{what}"
        return Finding(f"{gone}-with-deprecation", "warning", operation.label, None, "", text)
    text = f"the operation is gone{what}"
    return Finding(f"{gone}-without-deprecation", "breaking", operation.label, None, "", text)


def _is_open(operation: Operation) -> bool:
    return not operation.security or any(not alternative for alternative in operation.security)


def _scheme(scheme: Any, name: str) -> str:
    if not isinstance(scheme, Mapping):
        return name
    values = (f"{key} {_flat(value)}" for key, value in sorted(scheme.items()) if _counts(key))
    return ", ".join(values)


def _counts(key: str) -> bool:
    return key not in ("description", "$ref") and not key.startswith("x-")


def _flat(value: Any) -> str:
    if isinstance(value, Mapping):
        return "(" + ", ".join(f"{key} {_flat(member)}" for key, member in sorted(value.items()) if _counts(key)) + ")"
    return str(value)
