"""The primitive types of JSON Structure core, as JSON Schema.

Source: JSON Structure core v0, "Primitive types" and "Extended primitive types".
"""

from __future__ import annotations

from typing import Any, Final

_END: Final = r"$(?!\n)"
"""The end of the text; alone, Python's ``$`` would also take a trailing newline for it."""


def _text(pattern: str, **keywords: Any) -> dict[str, Any]:
    return {"type": "string", **keywords, "pattern": f"^(?:{pattern}){_END}"}


def _whole(bits: int, *, signed: bool) -> dict[str, Any]:
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    return {"type": "integer", "format": f"{'' if signed else 'u'}int{bits}", "minimum": low, "maximum": high}


def at_most(limit: int) -> str:
    """Return a pattern for the decimal numerals, without leading zeros, of 0 to ``limit``."""
    digits = str(limit)
    branches = [rf"[1-9][0-9]{{0,{len(digits) - 2}}}"] if len(digits) > 1 else []
    for index, digit in enumerate(digits):
        low, high = (1 if index == 0 and len(digits) > 1 else 0), int(digit) - 1
        if high >= low:
            rest = len(digits) - index - 1
            branches.append(f"{digits[:index]}[{low}-{high}]" + (f"[0-9]{{{rest}}}" if rest else ""))
    branches.append(digits)
    if len(digits) > 1:
        branches.insert(0, "0")
    return "|".join(branches)


def _whole_text(bits: int, *, signed: bool) -> dict[str, Any]:
    name = f"{'' if signed else 'u'}int{bits}"
    if not signed:
        return _text(at_most(2**bits - 1), format=name)
    # "-0" conforms to RFC 8259's grammar, which is what the draft refers to
    return _text(f"(?:{at_most(2 ** (bits - 1) - 1)})|-(?:{at_most(2 ** (bits - 1))})", format=name)


_DATE: Final = r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
_TIME: Final = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?"
_OFFSET: Final = r"(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
_DURATION: Final = (
    r"P(?:[0-9]+W|(?=[0-9T])(?:[0-9]+Y)?(?:[0-9]+M)?(?:[0-9]+D)?"
    r"(?:T(?=[0-9])(?:[0-9]+H)?(?:[0-9]+M)?(?:[0-9]+(?:\.[0-9]+)?S)?)?)"
)
_URI: Final = r"(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*"
_HEX: Final = "[0-9A-Fa-f]"

ENCODINGS: Final = {
    "base64": r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?",
    "base64url": r"(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-]{2}(?:==)?|[A-Za-z0-9_-]{3}=?)?",
    "base32": r"(?:[A-Z2-7]{8})*(?:[A-Z2-7]{2}={6}|[A-Z2-7]{4}={4}|[A-Z2-7]{5}={3}|[A-Z2-7]{7}=)?",
    "base32hex": r"(?:[0-9A-V]{8})*(?:[0-9A-V]{2}={6}|[0-9A-V]{4}={4}|[0-9A-V]{5}={3}|[0-9A-V]{7}=)?",
    "base16": rf"(?:{_HEX}{{2}})*",
}
"""The encodings that ``contentEncoding`` may name (RFC 4648), as patterns."""


def binary(encoding: str) -> dict[str, Any]:
    """Return the schema of a ``binary`` value in ``encoding``, one of :data:`ENCODINGS`."""
    return _text(ENCODINGS[encoding], contentEncoding=encoding)


PRIMITIVES: Final[dict[str, dict[str, Any]]] = {
    "string": {"type": "string"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "null": {"type": "null"},
    "integer": _whole(32, signed=True),
    **{f"int{bits}": _whole(bits, signed=True) for bits in (8, 16, 32)},
    **{f"uint{bits}": _whole(bits, signed=False) for bits in (8, 16, 32)},
    # as text: beyond 2**53 a JSON number is not exact everywhere
    **{f"int{bits}": _whole_text(bits, signed=True) for bits in (64, 128)},
    **{f"uint{bits}": _whole_text(bits, signed=False) for bits in (64, 128)},
    # The draft's limits of the 8-bit type are approximate and contradict its layout: every number is let through.
    "float8": {"type": "number", "format": "float8"},
    "float": {"type": "number", "format": "float", "minimum": -3.4028234663852886e38, "maximum": 3.4028234663852886e38},
    "double": {"type": "number", "format": "double"},
    "decimal": _text(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?", format="decimal"),
    "date": _text(_DATE, format="date"),
    "datetime": _text(f"{_DATE}[Tt]{_TIME}{_OFFSET}", format="date-time"),
    "time": _text(f"{_TIME}{_OFFSET}?", format="time"),
    "duration": _text(_DURATION, format="duration"),
    "uuid": _text(f"{_HEX}{{8}}(?:-{_HEX}{{4}}){{3}}-{_HEX}{{12}}", format="uuid"),
    "uri": _text(_URI, format="uri-reference"),
    "jsonpointer": _text(r"(?:/(?:[^~/]|~[01])*)*", format="json-pointer"),
    "binary": binary("base64"),
}
"""Each primitive type's JSON Schema 2020-12, exact about what its value may be.

Wire forms follow the draft: ``int64``, ``uint64``, ``int128``, ``uint128`` and ``decimal`` are strings.
"""
