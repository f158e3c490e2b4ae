"""JSON Pointers (RFC 6901): names as their segments, and back."""

from __future__ import annotations


def escape(name: str) -> str:
    """Return ``name`` as a segment of a JSON Pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def unescape(segment: str) -> str:
    """Return the name that a segment of a JSON Pointer, or several of them, stands for."""
    return segment.replace("~1", "/").replace("~0", "~")


def parts(pointer: str) -> list[str]:
    """Return the names that ``pointer`` leads through."""
    return [unescape(segment) for segment in pointer.split("/")[1:]]
