"""The standard streams, masked: whatever prints, and whenever, after pytest has ended too."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any


class MaskedStream:
    """A text stream whose lines are changed on their way to ``stream``; in all else it is that stream."""

    def __init__(self, stream: Any, change: Callable[[str], str]) -> None:
        self._stream = stream
        self._change = change

    def write(self, text: str) -> int:
        """Write ``text``, changed; return how many characters were given."""
        self._stream.write(self._change(text) if isinstance(text, str) else text)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write each of ``lines``, changed."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def mask_streams(change: Callable[[str], str]) -> None:
    """Have what goes to ``sys.stdout`` and ``sys.stderr`` changed, for the rest of this process.

    What writes to the file descriptors, or to the streams' buffers, is not seen.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is not None and not isinstance(stream, MaskedStream):
            setattr(sys, name, MaskedStream(stream, change))
