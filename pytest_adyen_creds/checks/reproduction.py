"""Reproduction: a request as curl and as httpx code, an answer as text; masked, with keys as variables."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from pytest_adyen_creds.secrets import MASK, SECRETS
from pytest_adyen_creds.text import pointer_parts

if TYPE_CHECKING:
    import httpx

KEY: Final = "ADYEN_MANAGEMENT_API_KEY"
"""The variable that stands for the API key that signed a request."""
PASSWORD: Final = "ADYEN_BASIC_AUTH"
"""The variable that stands for ``username:password``."""

_LINES: Final = 24
_WIDEST: Final = 300
_NEIGHBOURS: Final = 10
"""Members of an object that are shown, the place among them."""
_BEFORE: Final = 4
_SHORT: Final = 80
"""Characters of a value beside the place that are shown."""
_SENT: Final = ("content-type", "accept", "idempotency-key")


def as_curl(request: httpx.Request) -> str:
    """Return the request as one shell command; its secrets are variables, which must be set before."""
    parts = ["curl", "-sS", "-i", "-X", request.method, shlex.quote(_url(request))]
    if "x-api-key" in request.headers:
        parts += ["-H", f'"X-API-Key: ${KEY}"']
    if "authorization" in request.headers:
        parts += ["-u", f'"${PASSWORD}"']
    for name, value in _headers(request).items():
        parts += ["-H", shlex.quote(f"{name}: {value}")]
    content = _masked(request.content)
    if content:
        parts += ["--data-binary", shlex.quote(content)]
    return " ".join(parts)


def as_code(request: httpx.Request) -> str:
    """Return the request as Python code for httpx; its secrets are read from the environment."""
    headers = [f"{name!r}: {value!r}" for name, value in _headers(request).items()]
    imports = "import httpx"
    if "x-api-key" in request.headers:
        headers.insert(0, f'"X-API-Key": os.environ["{KEY}"]')
        imports = "import os, httpx"
    arguments = [repr(request.method), repr(_url(request)), f"headers={{{', '.join(headers)}}}"]
    if "authorization" in request.headers:
        arguments.append(f'auth=tuple(os.environ["{PASSWORD}"].split(":", 1))')
        imports = "import os, httpx"
    content = _masked(request.content)
    if content:
        arguments.append(f"content={content!r}.encode()" if not content.isascii() else f"content=b{content!r}")
    return f"{imports}\nprint(httpx.request({', '.join(arguments)}).text)"


def as_text(response: httpx.Response, pointer: str = "") -> str:
    """Return status and body of an answer, masked: the place at ``pointer`` and what stands around it, the rest cut."""
    media = response.headers.get("content-type", "no content type")
    lines = [f"{response.status_code}, {SECRETS.mask(media)}"]
    try:
        text = "\n".join(_around(json.loads(response.content), pointer_parts(pointer)))
    except (ValueError, RecursionError):
        text = _decoded(response.content)
    # unprintable characters could clear or colour a terminal
    shown = "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in SECRETS.mask(text))
    cut = [line if len(line) <= _WIDEST else line[: _WIDEST - 1] + "…" for line in shown.splitlines()[:_LINES]]
    if len("\n".join(cut)) < len(shown.rstrip("\n")):
        cut.append(f"… ({len(response.content)} bytes in all)")
    return "\n".join(lines + cut)


def _around(value: Any, path: list[str], indent: str = "") -> Iterator[str]:
    """Yield the lines of ``value`` as JSON with what is not on ``path`` in short; the last line has no comma."""
    further = indent + " "
    if isinstance(value, dict) and value and (path or not indent):
        names = list(value)
        at = names.index(path[0]) if path and path[0] in value else 0
        near = range(max(0, min(at - _BEFORE, len(names) - _NEIGHBOURS)), len(names))[:_NEIGHBOURS]
        yield "{"
        if near.start:
            yield f"{further}… {near.start} more"
        for number in near:
            name = names[number]
            inner = path[1:] if path and number == at and name == path[0] else None
            head, comma = f"{further}{json.dumps(name, ensure_ascii=False)}: ", "," if number < len(names) - 1 else ""
            yield from _member(head, value[name], inner, further, comma)
        if near.stop < len(names):
            yield f"{further}… {len(names) - near.stop} more"
        yield f"{indent}}}"
    elif isinstance(value, list) and value and path and path[0].isdigit() and int(path[0]) < len(value):
        yield "["
        if int(path[0]):
            yield f"{further}… {path[0]} more"
        yield from _member(further, value[int(path[0])], path[1:], further, "")
        if after := len(value) - int(path[0]) - 1:
            yield f"{further}… {after} more"
        yield f"{indent}]"
    else:
        yield from json.dumps(value, indent=1, ensure_ascii=False).replace("\n", f"\n{indent}").splitlines()


def _member(head: str, value: Any, path: list[str] | None, indent: str, comma: str) -> Iterator[str]:
    if path is None:  # beside the place that is shown
        yield f"{head}{_in_short(value)}{comma}"
        return
    first, *rest = _around(value, path, indent)
    *before, last = [head + first, *rest]
    yield from before
    yield last + comma


def _in_short(value: Any) -> str:
    text = SECRETS.mask(json.dumps(value, ensure_ascii=False))  # before it is cut: a part of a secret is one, too
    if len(text) <= _SHORT:
        return text
    if isinstance(value, dict | list):
        return "{…}" if isinstance(value, dict) else f"[… {len(value)}]"
    return f"{text[:_SHORT]}…"


def _headers(request: httpx.Request) -> Mapping[str, str]:
    return {name: SECRETS.mask(request.headers[name]) for name in _SENT if name in request.headers}


def _url(request: httpx.Request) -> str:
    url = SECRETS.mask(str(request.url))
    # a literal variable, so that the command says what is missing instead of asking for something else
    return url.replace(MASK, "MASKED")


def _masked(content: bytes) -> str:
    return SECRETS.mask(_decoded(content))


def _decoded(content: bytes) -> str:
    # NULs that are left are those of a UTF-16 text that did not look like one: they would keep secrets from being known
    return content.decode(json.detect_encoding(content), "replace").replace("\0", "")
