"""Reproduction: a request as curl and as httpx code, an answer as text; masked, with keys as variables."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from pytest_adyen_creds.secrets import MASK, SECRETS

if TYPE_CHECKING:
    import httpx

KEY: Final = "ADYEN_MANAGEMENT_API_KEY"
"""The variable that stands for the API key that signed a request."""
PASSWORD: Final = "ADYEN_BASIC_AUTH"
"""The variable that stands for ``username:password``."""

_LONGEST: Final = 1200
_LINES: Final = 10
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


def as_text(response: httpx.Response) -> str:
    """Return status and body of an answer, masked; long ones are cut."""
    media = response.headers.get("content-type", "no content type")
    lines = [f"{response.status_code}, {SECRETS.mask(media)}"]
    try:
        text = json.dumps(json.loads(response.content), indent=1, ensure_ascii=False)
    except (ValueError, RecursionError):
        text = _decoded(response.content)
    # unprintable characters could clear or colour a terminal
    shown = "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in SECRETS.mask(text))
    cut = shown[:_LONGEST].splitlines()[:_LINES]
    if len("\n".join(cut)) < len(shown.rstrip("\n")):
        cut.append(f"… ({len(response.content)} bytes in all)")
    return "\n".join(lines + cut)


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
