"""A body opened for reading and rewriting: decompressed, decoded, and JSON where it is exactly JSON."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, NoReturn

from pytest_adyen_creds.cassettes.model import Headers, find_header
from pytest_adyen_creds.errors import CassetteError
from pytest_adyen_creds.files import DEEPEST, is_deeper

LARGEST: Final = 64 * 1024 * 1024
"""The largest body that is unpacked, in bytes."""

_CODINGS: Final = frozenset({"", "identity", "gzip", "x-gzip", "deflate"})
_PLAIN_CODINGS: Final = {"", "identity"}


@dataclass(frozen=True, slots=True)
class Body:
    """One body: ``data``, decompressed; its ``value`` where ``is_json``, else its ``text`` (no UTF-8: Latin-1).

    JSON nested deeper than :data:`~pytest_adyen_creds.files.DEEPEST` levels is text.
    """

    data: bytes
    text: str
    encoding: str
    is_json: bool = False
    value: Any = None

    @classmethod
    def open(cls, data: bytes, headers: Headers) -> Body:
        """Open ``data``; ``headers`` say how it is compressed.

        Raises :class:`CassetteError` for a compression that cannot be undone here: nobody could see what is inside.
        """
        data = unpacked(data, headers)
        encoding = json.detect_encoding(data)
        try:
            text = data.decode(encoding)
            value = parse_exact(text)
            if is_deeper(value, DEEPEST):
                raise ValueError("deep")
            return cls(data=data, text=text, encoding=encoding, is_json=True, value=value)
        except (ValueError, RecursionError):
            return cls._of_text(data, encoding)

    @classmethod
    def _of_text(cls, data: bytes, encoding: str) -> Body:
        # two or four bytes a character show in their zeros; without them it is something else that begins alike
        wide = [encoding] if data.count(0) * 4 >= len(data) > 0 else []
        for each in (*wide, "utf-8"):
            try:
                return cls(data=data, text=data.decode(each), encoding=each)
            except UnicodeDecodeError:
                continue
        return cls(data=data, text=data.decode("latin-1"), encoding="latin-1")

    def bytes_of(self, text: str) -> bytes:
        """Return the bytes of ``text``, which was made from this body's text; the same bytes for the same text."""
        return self.data if text == self.text else text.encode(self.encoding)


def parse_exact(text: str) -> Any:
    """Return the JSON value of ``text``; ValueError where writing it again would not give the same value.

    That is the case for a member's name that occurs twice, for numbers that lose digits, and for what is no JSON.
    """
    return _EXACT.decode(text)


def unpacked(data: bytes, headers: Headers) -> bytes:
    """Return ``data`` with the compression that ``headers`` name undone; untouched where it is plain.

    Raises :class:`CassetteError` for what is no gzip and no deflate, is cut short, or unpacks to more than
    :data:`LARGEST` bytes.
    """
    for name in reversed(_codings(headers)):
        if name in _PLAIN_CODINGS or not data:
            continue
        try:
            if name in {"gzip", "x-gzip"}:
                data = _inflate(data, 16 + zlib.MAX_WBITS)
            elif name == "deflate":
                data = _inflate(data, zlib.MAX_WBITS if _has_zlib_head(data) else -zlib.MAX_WBITS)
            else:
                _expect_plain(data, name)
        except (zlib.error, ValueError):
            _expect_plain(data, name)
    return data


def unpacked_if_known(data: bytes, headers: Headers) -> bytes | None:
    """Return like :func:`unpacked`, but ``None`` for a compression that nothing here knows."""
    try:
        return unpacked(data, headers)
    except CassetteError:
        if _CODINGS.issuperset(_codings(headers)):
            raise
        return None


def _codings(headers: Headers) -> list[str]:
    return [name.strip().lower() for name in (find_header(headers, "content-encoding") or "").split(",")]


def _inflate(data: bytes, window: int) -> bytes:
    """Return all members of ``data`` unpacked, each to its end."""
    parts: list[bytes] = []
    while data:
        inflater = zlib.decompressobj(window)
        part = inflater.decompress(data, LARGEST)
        if inflater.unconsumed_tail or not inflater.eof:
            raise ValueError("too large, or cut short")
        parts.append(part)
        # what comes after the last member is padding, as gzip itself has it
        data = inflater.unused_data.lstrip(b"\0") if window > zlib.MAX_WBITS else b""
        if sum(map(len, parts)) > LARGEST:
            raise ValueError("too large")
    return b"".join(parts)


def _has_zlib_head(data: bytes) -> bool:
    return data[0] & 0x0F == 8 and int.from_bytes(data[:2], "big") % 31 == 0


def _expect_plain(data: bytes, coding: str) -> None:
    # several libraries hand out the decompressed body beside the header that announces the compressed one
    try:
        data.decode()
    except UnicodeDecodeError:
        raise CassetteError(
            f"a body compressed with {coding!r} cannot be searched for secrets: it is cut short, too large, or nothing "
            "here unpacks it; ask for 'Accept-Encoding: gzip'"
        ) from None


def unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the JSON object of ``pairs``, for a decoder's hook; ValueError where a name occurs twice."""
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a name occurs twice")
    return result


def _exact(kind: type[int | float], text: str) -> float:
    number = kind(text)
    if repr(number) != text:
        raise ValueError(text)
    return number


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


_EXACT: Final = json.JSONDecoder(
    object_pairs_hook=unique_members,
    parse_int=partial(_exact, int),
    parse_float=partial(_exact, float),
    parse_constant=_refuse,
)
