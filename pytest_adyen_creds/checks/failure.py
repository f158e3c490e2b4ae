"""Check failures: what a person needs in order to act on one; nothing in them is secret.

That is the request as curl and as httpx code, with keys as variables, and the answer as text.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from textwrap import indent
from typing import TYPE_CHECKING, Any, Final

from pytest_adyen_creds.contract.finding import Finding
from pytest_adyen_creds.errors import AdyenCredsError
from pytest_adyen_creds.secrets import MASK, SECRETS
from pytest_adyen_creds.text import pointer_parts, printed

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
_NUMBER: Final = re.compile(r"/[0-9]+(?=/|$)")


class NotReached(AdyenCredsError):
    """A sequence cannot be judged in this run: none of it may be sent, or it could not go on; the message says why."""


@dataclass(frozen=True, slots=True)
class CheckFailure:
    """One check that an exchange failed; nothing in it is secret.

    ``pointer`` is the JSON Pointer of the place in the body, ``next_step`` says what to do about it. ``rule`` is what
    the check holds answers to, with its document. ``curl`` and ``code`` send the request again, ``answer`` is what came
    back, ``replay`` the command that judges this exchange again.
    """

    operation: str
    status: int
    check: str
    pointer: str
    message: str
    next_step: str
    source: str = ""
    """Which recording or generated case the exchange came from."""
    rule: str = ""
    curl: str = ""
    code: str = ""
    answer: str = ""
    replay: str = ""
    count: int = 1
    """How many exchanges of a run failed the same."""
    tests: tuple[str, ...] = ()
    """The names of the tests that met it."""
    finding: Finding | None = None
    """What departs from the contract, where that is what failed; None for a broken rule."""

    @property
    def key(self) -> tuple[str, ...]:
        """What makes two failures one departure: operation, status, check and place, whatever the values there."""
        return (self.operation, str(self.status), self.check, _NUMBER.sub("/*", self.pointer))

    def to_json(self) -> dict[str, Any]:
        """Return the failure as a JSON object; what is a finding stands among the findings."""
        value = asdict(self)
        del value["finding"]
        return value

    def __str__(self) -> str:
        place = f" ({self.source})" if self.source else ""
        rule = f"\n  rule: {self.rule}" if self.rule else ""
        return (
            f"{self.operation} -> {self.status}{place}\n  {self.check}: {self.message}{rule}\n  next: {self.next_step}"
        )


_MORE: Final = 4
"""How many more places of one exchange are named."""


def explain(failures: list[CheckFailure]) -> str:
    """Return the failures of one test as text: one by check, the first with what was sent and what came back."""
    by_check: dict[str, list[CheckFailure]] = {}
    for failure in failures:
        by_check.setdefault(failure.check, []).append(failure)
    parts = []
    for number, (first, *more) in enumerate(by_check.values()):
        here = [each for each in more if each.source == first.source]
        place, message, *rest = str(first).splitlines()
        lines = [place, message, *(f"  also: {each.message}" for each in here[:_MORE]), *rest]
        if len(more) > len(here[:_MORE]):
            lines.append(f"  also: {len(more) - len(here[:_MORE])} more of this check")
        parts.append("\n".join(lines))
        if number == 0:
            evidence = {
                "sent, as curl": first.curl,
                "sent, as httpx code": first.code,
                "came back": first.answer,
                "judge it again": first.replay,
            }
            parts += [f"{title}:\n{indent(text, '  ')}" for title, text in evidence.items() if text]
    return "\n".join(map(printed, "\n\n".join(parts).splitlines()))


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
