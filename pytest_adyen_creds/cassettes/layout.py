"""The text of a cassette: a small, fixed part of YAML, written the same way each time and read without a YAML parser.

A reviewer reads it and any YAML reader loads it; a cassette that was written here loads ten times faster than that.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from typing import Any, Final

END: Final = "..."
"""The last line of a cassette that was written here: a file without it was cut off."""

_DEEPEST: Final = 60
_STEP: Final = 2
# what YAML prints as it is, less the characters that some readers take for a line break
_UNPRINTABLE: Final = re.compile("[^\n -~\u00a0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_./@%+=~;,()?&-]*(?:[ :][A-Za-z0-9_./@%+=~;,()?&-]+)*")
_WORDS: Final = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
_INTEGER: Final = re.compile(r"0|-?[1-9][0-9]{0,17}")
_SHORT_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")
_KEY: Final = re.compile(rf'({_PLAIN.pattern}|"(?:[^"\\]|\\.)*")(?:: (.*)|:)')


class UnknownLayout(ValueError):
    """The text is not in the layout that is written here; a YAML parser has to read it."""


def write_mapping(mapping: dict[str, Any]) -> str:
    """Return ``mapping`` (strings, integers, bytes, ``None``, booleans, floats, lists, mappings) as YAML."""
    lines: list[str] = []
    _write_mapping(mapping, 0, lines)
    return "\n".join(lines) + "\n"


def escape_unprintable(json_text: str) -> str:
    """Return ``json_text`` with what YAML cannot print as it is written as JSON's escapes."""
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", json_text)


def _write_mapping(mapping: dict[str, Any], indent: int, lines: list[str]) -> None:
    for key, value in mapping.items():
        _write_entry(f"{' ' * indent}{_scalar(str(key))}:", value, indent, lines)


def _write_entry(head: str, value: Any, indent: int, lines: list[str]) -> None:
    if isinstance(value, dict) and value:
        lines.append(head)
        _write_mapping(value, indent + _STEP, lines)
    elif isinstance(value, list) and value:
        lines.append(head)
        for item in value:
            _write_item(item, indent, lines)
    elif isinstance(value, str) and _fits_a_block(value):
        block, mark = (value[:-1], "|") if value.endswith("\n") else (value, "|-")
        lines.append(f"{head} {mark}")
        margin = " " * (indent + _STEP)
        lines.extend(margin + line if line else "" for line in block.split("\n"))
    elif isinstance(value, bytes) and value:
        lines.append(f"{head} !!binary |-")
        encoded = base64.b64encode(value).decode()
        margin = " " * (indent + _STEP)
        lines.extend(margin + encoded[start : start + 76] for start in range(0, len(encoded), 76))
    else:
        lines.append(f"{head} {_scalar(value)}")


def _write_item(item: Any, indent: int, lines: list[str]) -> None:
    start = len(lines)
    if isinstance(item, dict) and item:
        _write_mapping(item, indent + _STEP, lines)
        lines[start] = f"{' ' * indent}- {lines[start][indent + _STEP :]}"
    elif isinstance(item, list) and item:
        lines.append(f"{' ' * indent}-")
        for inner in item:
            _write_item(inner, indent + _STEP, lines)
    else:
        lines.append(f"{' ' * indent}- {_scalar(item)}")


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return value if _PLAIN.fullmatch(value) and value.lower() not in _WORDS else _quote(value)
    if isinstance(value, bytes):
        return "!!binary " + (base64.b64encode(value).decode() or '""')
    if isinstance(value, float) and math.isfinite(value):
        # YAML 1.1 sees a number only where the mantissa has a dot
        text = repr(value)
        return text if "e" not in text or "." in text else text.replace("e", ".0e")
    if value is None or value in ({}, []) or type(value) in (bool, int):
        return json.dumps(value)
    raise ValueError(f"a cassette cannot hold {type(value).__name__} {value!r}")


def _quote(text: str) -> str:
    escaped = re.sub(r'["\\\n]', lambda match: _SHORT_ESCAPES[match[0]], text)
    return f'"{_UNPRINTABLE.sub(_escape, escaped)}"'


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    if "\ud800" <= character <= "\udfff":
        raise ValueError("a cassette cannot hold half a surrogate pair")
    return _SHORT_ESCAPES.get(character) or f"\\u{ord(character):04x}"


def _fits_a_block(text: str) -> bool:
    return (
        "\n" in text[:-1]
        and text[0] not in " \n"
        and not text.endswith("\n\n")
        and not _UNPRINTABLE.search(text)
        and not text.isspace()
    )


def read_mapping(text: str) -> dict[str, Any]:
    """Return what :func:`write_mapping` wrote, after comment lines and before :data:`END`.

    Raises :class:`UnknownLayout` for every other text, be it YAML or not.
    """
    lines = text.split("\n")
    start = 0
    while start < len(lines) and lines[start].startswith("#"):
        start += 1
    if lines[-2:] != [END, ""]:
        raise UnknownLayout("no end mark")
    reader = _Reader(lines, start)
    value = reader.mapping(0)
    if reader.at != len(lines) - 2:
        raise UnknownLayout(f"line {reader.at + 1}")
    return value


class _Reader:
    """Strictly private. Reads lines from ``at`` on; every line that it does not know ends in UnknownLayout."""

    def __init__(self, lines: list[str], at: int) -> None:
        self.lines = lines
        self.at = at

    def mapping(self, indent: int) -> dict[str, Any]:
        if indent > _DEEPEST * _STEP:
            raise UnknownLayout("too deep")
        result: dict[str, Any] = {}
        margin, lines = " " * indent, self.lines
        while True:
            line = lines[self.at]
            if not line.startswith(margin) or line[indent : indent + 1] in ("-", " ", "") or line == END:
                break
            self._entry(line[indent:], indent, result)
        if not result:
            raise UnknownLayout(f"line {self.at + 1}")
        return result

    def _entry(self, line: str, indent: int, into: dict[str, Any]) -> None:
        match = _KEY.fullmatch(line)
        if match is None:
            raise UnknownLayout(f"line {self.at + 1}")
        key = self._scalar(match[1])
        if not isinstance(key, str) or key in into:
            raise UnknownLayout(f"line {self.at + 1}")
        self.at += 1
        rest = match[2]
        if rest is None:
            below = self.lines[self.at]
            dashed = below.startswith(" " * indent + "-")
            into[key] = self.sequence(indent) if dashed else self.mapping(indent + _STEP)
        elif rest in {"|", "|-"}:
            into[key] = self._block(indent + _STEP) + ("\n" if rest == "|" else "")
        elif rest == "!!binary |-":
            into[key] = _decode(self._block(indent + _STEP))
        else:
            into[key] = self._scalar(rest)

    def sequence(self, indent: int) -> list[Any]:
        if indent > _DEEPEST * _STEP:
            raise UnknownLayout("too deep")
        result: list[Any] = []
        head = " " * indent + "-"
        while (line := self.lines[self.at]).startswith(head):
            rest = line[indent + 1 :]
            if not rest:
                self.at += 1
                result.append(self.sequence(indent + _STEP))
            elif rest[0] != " ":
                raise UnknownLayout(f"line {self.at + 1}")
            elif _KEY.fullmatch(rest, 1):
                self.lines[self.at] = f"{' ' * indent} {rest}"
                result.append(self.mapping(indent + _STEP))
            else:
                result.append(self._scalar(rest[1:]))
                self.at += 1
        if not result:  # a dash with nothing below it is no list: written here, an empty one is []
            raise UnknownLayout(f"line {self.at + 1}")
        return result

    def _block(self, indent: int) -> str:
        lines, start, margin = self.lines, self.at, " " * indent
        while (line := lines[self.at]).startswith(margin) or not line:
            self.at += 1
        block = [line[indent:] for line in lines[start : self.at]]
        if not block or not block[0] or block[0][0] == " " or not block[-1]:
            raise UnknownLayout(f"line {start + 1}")
        return "\n".join(block)

    def _scalar(self, text: str) -> Any:
        if text[:1] == '"':
            return self._quoted(text)
        if _PLAIN.fullmatch(text):
            word = text.lower()
            if word not in _WORDS:
                return text
            if text in {"null", "true", "false"}:
                return json.loads(text)
        elif _INTEGER.fullmatch(text):
            return int(text)
        elif text in {"{}", "[]"}:
            return json.loads(text)
        raise UnknownLayout(f"line {self.at + 1}")

    def _quoted(self, text: str) -> str:
        if "\\u" in text and _SURROGATE.search(text):
            raise UnknownLayout(f"line {self.at + 1}")
        try:
            return str(json.loads(text))
        except ValueError:
            raise UnknownLayout(f"line {self.at + 1}") from None


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text.replace("\n", ""), validate=True)
    except binascii.Error:
        raise UnknownLayout("base64") from None
