"""An act: one exchange of a sequence, and what was meant by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import httpx

SET_UP: Final = "set-up"
"""How the requests came about that make, or read, what the others are about."""


@dataclass(frozen=True, slots=True)
class Act:
    """One exchange. ``generated_by`` says how the request came about.

    ``expects`` is what the request was made to show: a status such as ``401``, a class such as ``2xx``, or nothing.
    ``at``: how many seconds the server's clock had been moved on since the sequence began. ``source`` names the
    recording or the case, ``origin`` who answered; ``replay`` is the command that repeats it.
    """

    request: httpx.Request
    response: httpx.Response
    generated_by: str
    expects: str = ""
    at: float = 0.0
    source: str = ""
    origin: str = ""
    replay: str = ""

    def meta(self) -> dict[str, str]:
        """Return what a recording has to keep of it besides the exchange."""
        known = {"generated_by": self.generated_by, "expects": self.expects, "at": f"{self.at:.0f}"}
        return {name: value for name, value in known.items() if value not in ("", "0")}

    @staticmethod
    def from_meta(meta: Mapping[str, str]) -> dict[str, Any]:
        """Return what :meth:`meta` kept, as arguments of an act."""
        at = meta.get("at", "0")
        return {
            "generated_by": meta.get("generated_by", "recorded by other means"),
            "expects": meta.get("expects", ""),
            "at": float(at) if at.isascii() and at.isdigit() else 0.0,
        }
