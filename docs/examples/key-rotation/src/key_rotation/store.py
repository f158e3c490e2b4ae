"""Where keys are kept. A real service has its vault here; the job needs no more of it than ``SecretStore``."""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True)
class Secret:
    """An API key. No log and no traceback shows it; ``reveal`` does."""

    _value: str = field(repr=False)

    def reveal(self) -> str:
        """Return the key itself."""
        return self._value

    def __str__(self) -> str:
        return "[hidden]"


@dataclass(frozen=True)
class Pending:
    """A rotation that has begun. It is stored before the request goes out, so that none is ever forgotten."""

    idempotency_key: str
    asked_at: datetime
    new_key: Secret | None = None
    """None until Adyen's answer has come."""


@dataclass(frozen=True)
class Record:
    """One credential: whose key it is, the key that services use, and the rotation that is under way, if any."""

    company: str
    credential_id: str
    key: Secret
    made_at: datetime
    pending: Pending | None = None


class SecretStore(Protocol):
    """What the rotation asks of a store."""

    def load(self, name: str) -> Record:
        """Return the record ``name``; raises :class:`KeyError` for an unknown one."""

    def save(self, name: str, record: Record) -> None:
        """Store ``record``, all of it or nothing; it is there after a crash."""

    def locked(self, name: str) -> AbstractContextManager[None]:
        """Keep other rotations of ``name`` waiting during a ``with`` block."""


class MemoryStore:
    """A store that ends with its process."""

    def __init__(self) -> None:
        self._records: dict[str, Record] = {}
        self._lock = threading.RLock()

    def load(self, name: str) -> Record:
        """Return the record ``name``."""
        return self._records[name]

    def save(self, name: str, record: Record) -> None:
        """Store ``record``."""
        self._records[name] = record

    def locked(self, name: str) -> AbstractContextManager[Any]:
        """Have one rotation at a time."""
        return self._lock


class FileStore:
    """A folder with one file a record, which only its owner may read."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder

    def load(self, name: str) -> Record:
        """Return the record ``name``."""
        try:
            text = self._path(name).read_text(encoding="utf-8")
        except FileNotFoundError:
            raise KeyError(name) from None
        return _from_json(json.loads(text))

    def save(self, name: str, record: Record) -> None:
        """Replace the file of ``name`` as a whole. A temporary file has the mode 600 from the start."""
        descriptor, temporary = tempfile.mkstemp(dir=self._folder, prefix=".")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(_to_json(record), file)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(self._path(name))
        finally:
            Path(temporary).unlink(missing_ok=True)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    @contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Wait for other processes that rotate ``name``."""
        with (self._folder / f".{self._path(name).name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _path(self, name: str) -> Path:
        if not name.replace("-", "").replace("_", "").isalnum():
            raise KeyError(name)
        return self._folder / f"{name}.json"


def _to_json(record: Record) -> dict[str, Any]:
    made = {
        "company": record.company,
        "credential_id": record.credential_id,
        "key": record.key.reveal(),
        "made_at": record.made_at.isoformat(),
    }
    if record.pending is None:
        return made
    pending = {"idempotency_key": record.pending.idempotency_key, "asked_at": record.pending.asked_at.isoformat()}
    new_key = {"new_key": record.pending.new_key.reveal()} if record.pending.new_key else {}
    return made | {"pending": pending | new_key}


def _from_json(body: dict[str, Any]) -> Record:
    made_at = datetime.fromisoformat(body["made_at"])
    record = Record(body["company"], body["credential_id"], Secret(body["key"]), made_at)
    if "pending" not in body:
        return record
    pending = body["pending"]
    new_key = Secret(pending["new_key"]) if "new_key" in pending else None
    asked_at = datetime.fromisoformat(pending["asked_at"])
    return replace(record, pending=Pending(pending["idempotency_key"], asked_at, new_key))
