"""Recorded answers: read from cassettes, ours or plain vcrpy's, and held against the contract."""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import SplitResult, urlsplit

from pytest_adyen_creds.drift.aggregate import Aggregate
from pytest_adyen_creds.drift.observed import observe
from pytest_adyen_creds.errors import FileRefused
from pytest_adyen_creds.files import LARGEST, parse_document, read_text

if TYPE_CHECKING:
    from pytest_adyen_creds.contract import Contract

SUFFIXES: Final = (".yaml", ".yml", ".json")
"""What a recording's name ends in: vcrpy's two serializers."""

_LARGEST_CASSETTE: Final = 64 * 1024 * 1024
_HOST: Final = re.compile(r"management-(?:test|live)\.adyen\.com")
_VERSION: Final = re.compile(r"/(v\d+)/")


@dataclass(frozen=True, slots=True)
class Answer:
    """One recorded answer, its body decoded from any content encoding (``None``: in one that is not known)."""

    method: str
    url: str
    status: int
    content_type: str | None
    body: bytes | None


@dataclass(slots=True)
class Survey:
    """What a look through recordings showed."""

    aggregate: Aggregate = field(default_factory=Aggregate)
    cassettes: int = 0
    passed_over: int = 0
    """How many answers are of other hosts, other operations, or in an unknown encoding."""


def survey(folder: Path, contract: Contract, load: Callable[[str], Contract | None]) -> Survey:
    """Hold every answer in the cassettes under ``folder`` (or in the file of that name) against the contract.

    An address names its version; ``load`` returns that version's contract, or ``None`` where there is none. Raises
    :class:`FileRefused` for a folder without cassettes and for a file that is no cassette.
    """
    found = Survey()
    for path in _files(folder):
        answers = read_answers(path)
        if answers is None:
            continue
        found.cassettes += 1
        for answer in answers:
            parts = urlsplit(answer.url)
            version = _VERSION.match(parts.path)
            judge = contract if not version or version[1] == contract.version else load(version[1])
            if judge is None or answer.body is None or not _is_covered(judge, answer, parts):
                found.passed_over += 1
                continue
            observations = observe(judge, answer.method, parts.path, answer.status, answer.content_type, answer.body)
            found.aggregate.add(observations)
    if not found.cassettes:
        raise FileRefused(f"{folder}: holds no cassettes ({', '.join(SUFFIXES)}); name a folder of recordings")
    return found


def _is_covered(contract: Contract, answer: Answer, url: SplitResult) -> bool:
    return bool(_HOST.fullmatch(url.hostname or "")) and contract.match(answer.method, url.path) is not None


def read_answers(path: Path) -> list[Answer] | None:
    """Return the answers in the cassette at ``path``; ``None`` for a JSON file that is something else.

    Reads what vcrpy and pytest-recording write, in the layouts of their older releases too. Raises
    :class:`FileRefused` for a file that is no cassette.
    """
    document = _document(path)
    interactions = document.get("interactions") if isinstance(document, Mapping) else None
    if interactions is None and path.suffix == ".json":
        return None
    if not isinstance(interactions, list):
        raise FileRefused(f"{path}: is not a cassette (it has no list of interactions); name a folder of recordings")
    return [_answer(item, f"{path}: interaction {number}") for number, item in enumerate(interactions, 1)]


def _document(path: Path) -> Any:
    from pytest_adyen_creds.cassettes import layout

    text = read_text(path, largest=_LARGEST_CASSETTE)
    try:
        return layout.read_mapping(text)
    except layout.UnknownLayout:
        return parse_document(text, str(path))


def _files(folder: Path) -> Iterator[Path]:
    if folder.is_file():
        yield folder
        return
    if not folder.is_dir():
        raise FileRefused(f"{folder}: does not exist; name a folder of cassettes")
    yield from sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES and path.is_file())


def _answer(item: Any, name: str) -> Answer:
    try:
        request, response = item["request"], item["response"]
        method, url, headers = request["method"], request["uri"], response.get("headers") or {}
        # older releases of vcrpy wrote an httpx answer as status_code and content
        status = response["status_code"] if "status_code" in response else response["status"]["code"]
        body = bytes_of(response["content"] if "content" in response else response.get("body"))
        if not isinstance(method, str) or not isinstance(url, str) or type(status) is not int:
            raise TypeError
        urlsplit(url)
        fields = {str(key).lower(): value for key, value in headers.items()}
        encoding = header_of(fields.get("content-encoding"))
        return Answer(method.upper(), url, status, header_of(fields.get("content-type")), decoded(body, encoding))
    except (KeyError, TypeError, AttributeError, ValueError):
        raise FileRefused(f"{name}: has no whole request and response; record it again") from None


def header_of(value: Any) -> str | None:
    """Return a header field's first value as vcrpy keeps it, ``None`` where there is none."""
    value = value[0] if isinstance(value, list) and value else value
    if value is None or value == []:
        return None
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def bytes_of(body: Any) -> bytes:
    """Return a body as vcrpy keeps it, as bytes; raises :class:`TypeError` for anything else."""
    if isinstance(body, Mapping):
        if "base64_string" in body:
            return _from_base64(body["base64_string"])
        body = body.get("string")
    if isinstance(body, str):
        return body.encode("utf-8", "surrogateescape")
    if body is None or isinstance(body, bytes):
        return body or b""
    raise TypeError


def _from_base64(text: Any) -> bytes:
    try:
        return base64.b64decode(text)
    except (binascii.Error, TypeError):
        raise ValueError from None


def decoded(body: bytes, encoding: str | None) -> bytes | None:
    """Return ``body`` without its content encoding; ``None``: in one that is not known; raises :class:`ValueError`.

    Recorders differ in whether they take it off themselves.
    """
    for name in reversed([part.strip().lower() for part in (encoding or "").split(",") if part.strip()]):
        if name in ("gzip", "x-gzip"):
            body = _inflated(body, 31) if body[:2] == b"\x1f\x8b" else body
        elif name == "deflate":
            body = _inflated(body, 15) if body[:1] == b"\x78" else body
        elif name != "identity" and body.lstrip()[:1] not in (b"{", b"[", b""):
            return None
    return body


def _inflated(body: bytes, window: int) -> bytes:
    try:
        inflater = zlib.decompressobj(window)
        data = inflater.decompress(body, LARGEST)
    except zlib.error:
        raise ValueError from None
    if inflater.unconsumed_tail:
        raise ValueError
    return data
