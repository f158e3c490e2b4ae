"""What is wrong with a cassette: one record for secrets, age, orphans and unreadable files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pytest_adyen_creds.secrets import SECRETS

Kind = Literal["secret", "stale", "orphan", "unsafe"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with the cassette at ``path``; ``message`` holds no secret and says what to do next."""

    path: Path
    kind: Kind
    where: str
    """``line 12``, ``interaction 3``, or empty for the whole file."""
    message: str

    def to_json(self) -> dict[str, str]:
        """Return the record as JSON: ``path``, ``kind``, ``where``, ``message``; known secrets are masked."""
        record = {"path": str(self.path), "kind": self.kind, "where": self.where, "message": self.message}
        return {name: SECRETS.mask(text) for name, text in record.items()}

    def __str__(self) -> str:
        where = f", {self.where}" if self.where else ""
        return f"{self.path}{where}: {self.kind}: {self.message}"
