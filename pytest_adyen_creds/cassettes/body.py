"""A body opened for reading and rewriting: decompressed, decoded, and JSON where it is exactly JSON."""

from __future__ import annotations

import bz2
import json
import lzma
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from typing import Any, Final, NoReturn

from pytest_adyen_creds.cassettes.model import Headers, find_header
from pytest_adyen_creds.errors import CassetteError
from pytest_adyen_creds.formats import DEEPEST, is_deeper

LARGEST: Final = 64 * 1024 * 1024
"""The largest body that is unpacked, in bytes."""

_CODINGS: Final = frozenset({"", "identity", "gzip", "x-gzip", "deflate"})
_LAYERS: Final = 5
"""How often a body may be compressed."""
_PLAIN_CODINGS: Final = {"", "identity"}


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
            elif name in _DECODERS:
                data = _decoded(data, name)
            else:
                _expect_plain(data, name)
        except (zlib.error, ValueError):
            _expect_plain(data, name)
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


def _layer_off(data: bytes) -> bytes | None:
    for head, (coding, undo) in _BY_HEAD.items():
        if data.startswith(head):
            try:
                return undo(data)
            except (zlib.error, ValueError, OSError, EOFError, lzma.LZMAError):
                _expect_plain(data, coding)
    if len(data) < 3:
        return None
    if _has_zlib_head(data) and (inner := _if_whole(partial(_inflate, window=zlib.MAX_WBITS), data)) is not None:
        return inner
    try:
        data.decode()
    except UnicodeDecodeError:
        return _without_head(data)
    return None


def _without_head(data: bytes) -> bytes | None:
    """Return what is in ``data``, which is no text, where it is compressed in a way that no first bytes tell."""
    if _has_zlib_head(data) and _begins(data):
        _expect_plain(data, "deflate")
    for undo in (partial(_inflate, window=-zlib.MAX_WBITS), partial(_decoded, coding="br")):
        if inner := _if_whole(undo, data):
            return inner
    return None


def _if_whole(undo: Callable[[bytes], bytes], data: bytes) -> bytes | None:
    try:
        return undo(data)
    except (zlib.error, ValueError):
        return None


def _begins(data: bytes) -> bool:
    try:
        return bool(zlib.decompressobj().decompress(data, 1))
    except zlib.error:
        return False


def _decoded(data: bytes, coding: str) -> bytes:
    """Return ``data`` unpacked by whichever package for ``coding`` is installed; ValueError where none can."""
    for module, name in _DECODERS[coding]:
        try:
            make = getattr(import_module(module), name)
        except (ImportError, AttributeError):
            continue
        parts, size = [], 0
        try:
            decoder = make() if coding == "br" else make().decompressobj() if module == "zstandard" else make()
            step = decoder.process if coding == "br" else decoder.decompress
            for start in range(0, len(data), 256):  # so that a small body cannot unfold to gigabytes at once
                parts.append(step(data[start : start + 256]))
                size += len(parts[-1])
                if size > LARGEST:
                    raise ValueError("too large")
            is_whole = decoder.is_finished() if coding == "br" else decoder.eof
        except Exception as error:  # noqa: BLE001 - each package has its own
            raise ValueError(str(error)) from None
        if not is_whole:
            raise ValueError("cut short")
        return b"".join(parts)
    raise ValueError("nothing here unpacks it")


def _by_standard_library(make: Callable[[], Any], data: bytes) -> bytes:
    decoder = make()
    inner: bytes = decoder.decompress(data, LARGEST)
    if not decoder.eof:
        raise ValueError("too large, or cut short")
    return inner


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


_DECODERS: Final = {
    "br": (("brotli", "Decompressor"), ("brotlicffi", "Decompressor")),
    "zstd": (("compression.zstd", "ZstdDecompressor"), ("zstandard", "ZstdDecompressor")),
}
"""For a coding: the modules that may be installed, and what of them unpacks."""

_BY_HEAD: Final[dict[bytes, tuple[str, Callable[[bytes], bytes]]]] = {
    b"\x1f\x8b": ("gzip", partial(_inflate, window=16 + zlib.MAX_WBITS)),
    b"\x28\xb5\x2f\xfd": ("zstd", partial(_decoded, coding="zstd")),
    b"BZh": ("bzip2", partial(_by_standard_library, bz2.BZ2Decompressor)),
    b"\xfd7zXZ\0": ("xz", partial(_by_standard_library, lzma.LZMADecompressor)),
}
"""What compressed data begins with, the coding, and what undoes it."""

_EXACT: Final = json.JSONDecoder(
    object_pairs_hook=unique_members,
    parse_int=partial(_exact, int),
    parse_float=partial(_exact, float),
    parse_constant=_refuse,
)
