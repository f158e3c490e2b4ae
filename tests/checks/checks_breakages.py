"""Sandboxes that break one rule: their answers are changed on the way out."""

from __future__ import annotations

import copy
import io
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs

from pytest_adyen_creds.sandbox import Sandbox

Document = Any


@dataclass
class Answer:
    """One answer of the sandbox and the request it is to."""

    method: str
    path: str
    query: dict[str, list[str]]
    key: str
    sent: Any
    status: int
    document: Any
    headers: list[tuple[str, str]] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """What the path names last: ``apiCredentials``, ``one`` (a credential), ``origin``, ``me`` …"""
        parts = self.path.split("/")
        if len(parts) > 2 and parts[-2] in ("apiCredentials", "allowedOrigins"):
            return "one" if parts[-2] == "apiCredentials" else "origin"
        return parts[-1]


Change = Callable[[Answer, dict[str, Any]], Answer | None]
"""Returns the answer as it goes out, or None for the one that came in; the dict is kept between requests."""


class Broken:
    """A WSGI application that lets another answer and then changes the answer."""

    def __init__(self, app: Any, change: Change) -> None:
        self._app = app
        self._change = change
        self._memory: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._app, name)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        sent = environ["wsgi.input"].read(length) if length else b""
        environ["wsgi.input"] = io.BytesIO(sent)
        began: list[Any] = []
        body = b"".join(self._app(environ, lambda status, headers, *rest: began.extend((status, headers))))
        answer = Answer(
            environ["REQUEST_METHOD"],
            environ["PATH_INFO"],
            parse_qs(environ.get("QUERY_STRING", "")),
            environ.get("HTTP_X_API_KEY", ""),
            _json(sent),
            int(began[0].split()[0]),
            _json(body),
            list(began[1]),
        )
        changed = self._change(copy.deepcopy(answer), self._memory) or answer
        out = body if changed.document == answer.document else json.dumps(changed.document).encode()
        if changed.status == 204:
            out = b""
        headers = [(name, value) for name, value in changed.headers if name.lower() != "content-length"]
        if out and not any(name.lower() == "content-type" for name, _ in headers):
            headers.append(("Content-Type", "application/json"))
        start_response(f"{changed.status} X", [*headers, ("Content-Length", str(len(out)))])
        return [out]


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return None


def breaking(change: Change) -> Callable[[Sandbox], None]:
    """Return what makes a sandbox break a rule."""

    def prepare(sandbox: Sandbox) -> None:
        sandbox.app = Broken(sandbox.app, change)  # type: ignore[assignment]

    return prepare


def edit(kind: str, edit_document: Callable[[Document], Any], method: str = "", good: bool = True) -> Change:
    """Return a change of each answer of ``kind``: ``edit_document`` edits its document in place, or returns another."""

    def change(answer: Answer, memory: dict[str, Any]) -> Answer | None:
        fits = kind in (answer.kind, "any") and method in (answer.method, "")
        if not fits or not isinstance(answer.document, dict) or (answer.status < 300) != good:
            return None
        result = edit_document(answer.document)
        return replace(answer, document=result if isinstance(result, dict) else answer.document)

    return change


def pages(edit_page: Callable[[Document, Answer], Any]) -> Change:
    """Return a change of each page of a list."""

    def change(answer: Answer, memory: dict[str, Any]) -> Answer | None:
        if answer.kind != "apiCredentials" or answer.method != "GET" or answer.status != 200:
            return None
        edit_page(answer.document, answer)
        return answer

    return change


def links(pattern: str, replacement: str) -> Change:
    """Return a change of each link."""

    def change(answer: Answer, memory: dict[str, Any]) -> Answer | None:
        def walk(node: Any) -> Any:
            if isinstance(node, dict):
                return {
                    key: re.sub(pattern, replacement, value)
                    if key == "href" and isinstance(value, str)
                    else walk(value)
                    for key, value in node.items()
                }
            return [walk(item) for item in node] if isinstance(node, list) else node

        return replace(answer, document=walk(answer.document)) if answer.document else None

    return change


def one_link(kind: str, name: str, href: str) -> Change:
    """Return a change of one link of a kind of resource."""

    def edit_document(document: Document) -> None:
        if name in document.get("_links", {}):
            document["_links"][name]["href"] = re.sub(
                r"^(https?://[^/]+/v\d).*", rf"\1{href}", document["_links"][name]["href"]
            )

    return edit(kind, edit_document)


def accept(kind: str, method: str, body: Callable[[Answer], Any], when: Callable[[Answer], bool]) -> Change:
    """Return a change by which a refused request is answered as if it had been carried out."""

    def change(answer: Answer, memory: dict[str, Any]) -> Answer | None:
        if answer.kind == kind and answer.method == method and answer.status == 200:
            memory["good"] = answer.document
        if answer.kind != kind or answer.method != method or answer.status < 400 or not when(answer):
            return None
        return replace(answer, status=200, document=body(answer) or memory.get("good"))

    return change


def refuse(when: Callable[[Answer, dict[str, Any]], bool], status: int = 401) -> Change:
    """Return a change by which a request is refused that should not be."""

    def change(answer: Answer, memory: dict[str, Any]) -> Answer | None:
        if not when(answer, memory):
            return None
        error = {"type": "https://docs.adyen.com/errors/x", "errorCode": f"00_{status}", "title": "X", "detail": "x"}
        return replace(answer, status=status, document={**error, "status": status})

    return change
