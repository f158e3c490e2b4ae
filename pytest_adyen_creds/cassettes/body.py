"""A body opened for reading and rewriting: decompressed, decoded, and JSON where it is exactly JSON."""

from __future__ import annotations

import bz2
import json
import lzma
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, NoReturn

from pytest_adyen_creds.cassettes.model import Headers, find_header
from pytest_adyen_creds.errors import CassetteError
from pytest_adyen_creds.formats import DEEPEST, is_deeper

LARGEST: Final = 64 * 1024 * 1024
"""The largest body that is unpacked, in bytes."""

_LAYERS: Final = 5
"""How often a body may be compressed."""


@dataclass(frozen=True, slots=True)
class Body:
    """One body: ``data``, decompressed; its ``value`` where ``is_json``, else its ``text`` (no UTF-8: Latin-1).

    JSON nested deeper than :data:`~pytest_adyen_creds.formats.DEEPEST` levels is text.
    """

    data: bytes
    text: str
    encoding: str
    is_json: bool = False
    value: Any = None
    is_packed: bool = False
    """Whether it was compressed though no header said so."""

    @classmethod
    def open(cls, data: bytes, headers: Headers) -> Body:
        """Open ``data``; ``headers`` say how it is compressed, and where they do not, it may be so all the same.

        Raises :class:`CassetteError` for a compression that cannot be undone here: nobody could see what is inside.
        """
        said = unpacked(data, headers)
        plain = unpacked_by_look(said)
        return replace(cls._of(plain), is_packed=plain != said)

    @classmethod
    def _of(cls, data: bytes) -> Body:
        encoding: str = json.detect_encoding(data)
        try:
            text = data.decode(encoding)
            value = _EXACT.decode(text)
            if is_deeper(value, DEEPEST):
                raise ValueError("deep")
            return cls(data=data, text=text, encoding=encoding, is_json=True, value=value)
        except (ValueError, RecursionError):
            pass
        # two or four bytes a character show in their zeros; without them it is something else that begins alike
        wide = [encoding] if data.count(0) * 4 >= len(data) > 0 else []
        encoding = next(each for each in (*wide, "utf-8", "latin-1") if _is_text(data, each))
        return cls(data=data, text=data.decode(encoding), encoding=encoding)

    def bytes_of(self, text: str) -> bytes:
        """Return the bytes of ``text``, which was made from this body's text; the same bytes for the same text."""
        return self.data if text == self.text else text.encode(self.encoding)


def unpacked(data: bytes, headers: Headers) -> bytes:
    """Return ``data`` with the compression that ``headers`` name undone; untouched where it is plain.

    Raises :class:`CassetteError` for what is no gzip and no deflate, is cut short, or unpacks to more than
    :data:`LARGEST` bytes.
    """
    for coding in reversed(_codings(headers)):
        if data:
            is_raw = coding == "deflate" and not _has_zlib_head(data)
            data = _undone_or_plain(data, _RAW if is_raw else coding)
    return data


def unpacked_by_look(data: bytes) -> bytes:
    """Return ``data`` with every compression undone that it shows.

    Raises :class:`CassetteError` where one cannot be undone.
    """
    for _ in range(_LAYERS):
        inner = _layer_off(data)
        if inner is None:
            return data
        data = inner
    raise CassetteError(f"a body is compressed more than {_LAYERS} times; send it plain")


def unpacked_if_known(data: bytes, headers: Headers) -> bytes | None:
    """Return like :func:`unpacked`, but ``None`` for a compression that nothing here knows."""
    try:
        return unpacked(data, headers)
    except CassetteError:
        if _DECODERS.keys() >= set(_codings(headers)):
            raise
        return None


def _codings(headers: Headers) -> list[str]:
    names = (find_header(headers, "content-encoding") or "").lower().split(",")
    return [name for each in names if (name := each.strip()) not in ("", "identity")]


def _layer_off(data: bytes) -> bytes | None:
    """Return ``data`` with one compression undone; ``None`` where it shows none."""
    for head, coding in _BY_HEAD.items():
        if data.startswith(head):
            plain = _undone_or_plain(data, coding)
            return None if plain is data else plain
    if len(data) < 3:
        return None
    if _has_zlib_head(data):
        with suppress(ValueError):
            return _undone(data, "deflate")
    if _is_text(data):
        return None
    if _has_zlib_head(data):
        with suppress(zlib.error):
            if zlib.decompressobj().decompress(data, 1):
                raise _closed("deflate")
    with suppress(ValueError):
        return _undone(data, _RAW) or None
    return None


def _undone_or_plain(data: bytes, coding: str) -> bytes:
    """Return ``data`` unpacked, or as it is where it is text; raises :class:`CassetteError` where it is neither."""
    try:
        return _undone(data, coding)
    except ValueError:
        # several libraries hand out the decompressed body beside the header that announces the compressed one
        if _is_text(data):
            return data
        raise _closed(coding) from None


def _undone(data: bytes, coding: str) -> bytes:
    """Return all members of ``data`` unpacked, each to its end; ValueError where that cannot be done."""
    if coding not in _DECODERS:
        raise ValueError("nothing here unpacks it")
    inner = b""
    while data:
        decoder = _DECODERS[coding]()
        try:
            inner += decoder.decompress(data, LARGEST)
        except (zlib.error, lzma.LZMAError, OSError) as error:
            raise ValueError(str(error)) from None
        if not decoder.eof or len(inner) > LARGEST:
            raise ValueError("too large, or cut short")
        # what comes after the last member is padding, as gzip itself has it
        data = decoder.unused_data.lstrip(b"\0")
    return inner


def _has_zlib_head(data: bytes) -> bool:
    return data[0] & 0x0F == 8 and int.from_bytes(data[:2], "big") % 31 == 0


def _is_text(data: bytes, encoding: str = "utf-8") -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _closed(coding: str) -> CassetteError:
    return CassetteError(
        f"a body compressed with {coding!r} cannot be searched for secrets: it is cut short, too large, or nothing "
        "here unpacks it; ask for 'Accept-Encoding: gzip'"
    )


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


_RAW: Final = "raw deflate"
_DECODERS: Final[Mapping[str, Callable[[], Any]]] = {
    "gzip": partial(zlib.decompressobj, 16 + zlib.MAX_WBITS),
    "x-gzip": partial(zlib.decompressobj, 16 + zlib.MAX_WBITS),
    "deflate": zlib.decompressobj,
    _RAW: partial(zlib.decompressobj, -zlib.MAX_WBITS),
    "bzip2": bz2.BZ2Decompressor,
    "xz": lzma.LZMADecompressor,
}
"""What undoes a coding."""

_BY_HEAD: Final = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bzip2", b"\xfd7zXZ\0": "xz"}
"""What compressed data begins with, and the coding; zstd is refused, as nothing here unpacks it."""

_EXACT: Final = json.JSONDecoder(
    object_pairs_hook=unique_members,
    parse_int=partial(_exact, int),
    parse_float=partial(_exact, float),
    parse_constant=_refuse,
)
"""Raises ValueError for JSON that would not be the same value once it is written again.

That is the case for a member's name that occurs twice, for numbers that lose digits, and for what is no JSON.
"""
