"""What changed in what one operation takes and answers: parameters, request body, responses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pytest_adyen_creds.contract.finding import Finding, Level
from pytest_adyen_creds.drift.change import Kind, id_of, message_of
from pytest_adyen_creds.drift.document import Body, Header, Operation, Parameter, Response
from pytest_adyen_creds.drift.schemas import Comparison
from pytest_adyen_creds.drift.shape import Schema
from pytest_adyen_creds.text import escape_pointer


class BodyComparison:
    """Compares what operations take and answer."""

    def __init__(self, comparison: Comparison) -> None:
        self._comparison = comparison

    def findings(self, old: Operation, new: Operation) -> Iterator[Finding]:
        """Return the findings of one operation; they carry the old one's label."""
        label = old.label
        for key in sorted(old.parameters.keys() | new.parameters.keys()):
            yield from self._parameter(label, old.parameters.get(key), new.parameters.get(key))
        yield from self._request(label, old.body, new.body)
        for status in sorted(old.responses.keys() | new.responses.keys()):
            yield from self._response(label, status, old.responses.get(status), new.responses.get(status))

    def _parameter(self, label: str, old: Parameter | None, new: Parameter | None) -> Iterator[Finding]:
        parameter = old or new
        assert parameter is not None
        name = f"the {parameter.place} parameter `{parameter.name}`"
        location = f"/{parameter.place}/{escape_pointer(parameter.name)}"

        def finding(id_: str, level: Level, text: str) -> Finding:
            return Finding(id_, level, label, None, location, f"{name} {text}")

        if old is None:
            assert new is not None
            if new.place == "path":
                yield finding("new-request-path-parameter", "breaking", "is new")
            elif new.required:
                yield finding("new-required-request-parameter", "breaking", "is new and required")
            else:
                yield finding("new-optional-request-parameter", "info", "is new")
            return
        if new is None:
            yield finding("request-parameter-removed", "warning", "is gone; it may be ignored or refused")
            return
        if old.required != new.required:
            yield (
                finding("request-parameter-became-required", "breaking", "became required")
                if new.required
                else finding("request-parameter-became-optional", "info", "became optional")
            )
        if old.deprecated != new.deprecated:
            yield (
                finding("request-parameter-deprecated", "info", "is now deprecated")
                if new.deprecated
                else finding("request-parameter-reactivated", "info", "is no longer deprecated")
            )
        if old.serialization != new.serialization:
            text = "is written in another way (style, explode, allowReserved or media type)"
            yield finding("request-parameter-serialization-changed", "breaking", text)
        schemas = (old.schema, new.schema)
        yield from self._schema("request-parameter", label, None, location, name, *schemas, place=old.place)

    def _request(self, label: str, old: Body | None, new: Body | None) -> Iterator[Finding]:
        def finding(id_: str, level: Level, text: str) -> Finding:
            return Finding(id_, level, label, None, "", text)

        if old is None or new is None:
            if new is not None and new.required:
                yield finding("request-body-added-required", "breaking", "a request body is new and required")
            elif new is not None:
                yield finding("request-body-added-optional", "info", "an optional request body is new")
            elif old is not None:
                yield finding("request-body-removed", "breaking", "the request body is gone")
            return
        if old.required != new.required:
            yield (
                finding("request-body-became-required", "breaking", "the request body became required")
                if new.required
                else finding("request-body-became-optional", "info", "the request body became optional")
            )
        for name in sorted(old.content.keys() | new.content.keys()):
            if name not in new.content:
                yield finding("request-body-media-type-removed", "breaking", f"the request body as {name} is gone")
            elif name not in old.content:
                yield finding("request-body-media-type-added", "info", f"the request body as {name} is new")
            else:
                schemas = (old.content[name], new.content[name])
                yield from self._schema("request-body", label, None, "", "the request body", *schemas)

    def _response(self, label: str, status: str, old: Response | None, new: Response | None) -> Iterator[Finding]:
        number = int(status) if status.isdecimal() else None

        def finding(id_: str, level: Level, text: str, location: str = "") -> Finding:
            return Finding(id_, level, label, number, location, text)

        success = "success" if status.startswith("2") else "non-success"
        if old is None or new is None:
            if new is not None:
                yield finding(f"response-{success}-status-added", "info", f"the status {status} is new")
            else:
                level: Level = "breaking" if success == "success" else "info"
                yield finding(f"response-{success}-status-removed", level, f"the status {status} is gone")
            return
        for name in sorted(old.content.keys() | new.content.keys()):
            if name not in new.content:
                yield finding("response-media-type-removed", "breaking", f"the response as {name} is gone")
            elif name not in old.content:
                yield finding("response-media-type-added", "info", f"the response as {name} is new")
            else:
                schemas = (old.content[name], new.content[name])
                yield from self._schema("response-body", label, number, "", "the response body", *schemas)
        yield from self._headers(label, number, old.headers, new.headers)

    def _headers(
        self, label: str, status: int | None, old: Mapping[str, Header], new: Mapping[str, Header]
    ) -> Iterator[Finding]:
        for key in sorted(old.keys() | new.keys()):
            header = old.get(key) or new[key]
            location, name = f"/header/{escape_pointer(header.name)}", f"the response header `{header.name}`"
            if key not in old:
                yield Finding("response-header-added", "info", label, status, location, f"{name} is new")
            elif key not in new:
                required = old[key].required
                id_ = f"{'required' if required else 'optional'}-response-header-removed"
                level: Level = "breaking" if required else "warning"
                yield Finding(id_, level, label, status, location, f"{name} is gone")
            else:
                if old[key].required != new[key].required:
                    word = "required" if new[key].required else "optional"
                    level = "info" if new[key].required else "breaking"
                    id_ = f"response-header-became-{word}"
                    yield Finding(id_, level, label, status, location, f"{name} became {word}")
                schemas = (old[key].schema, new[key].schema)
                yield from self._schema("response-header", label, status, location, name, *schemas)

    def _schema(
        self,
        kind: Kind,
        label: str,
        status: int | None,
        location: str,
        whole: str,
        old: Schema,
        new: Schema,
        *,
        place: str = "",
    ) -> Iterator[Finding]:
        direction = "request" if kind.startswith("request") else "response"
        for change in self._comparison.changes(old, new, direction):  # type: ignore[arg-type]
            message = message_of(kind, change, whole)
            yield Finding(id_of(kind, change, place), change.level, label, status, location + change.pointer, message)
