"""The ledger: what a run is about to do that it must undo, on disk before it is done. It holds no secret.

One file a run, of JSON lines, in a folder of the user's own. The run keeps its file locked while it lives, so that a
file without a lock tells of a run that was killed; a run that ends in order deletes its file.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Final

from pytest_adyen_creds.credentials.locking import lock
from pytest_adyen_creds.errors import CredentialError
from pytest_adyen_creds.management import Budget

KEPT_FOR: Final = timedelta(days=30)
"""How long the file of a run whose server is no longer asked is kept."""

_PROBLEM: Final = "last-problem.json"
_LARGEST: Final = 4 * 1024 * 1024


def state_folder(environ: Mapping[str, str]) -> Path:
    """Return the folder for what outlives a run: under ``XDG_STATE_HOME``, or where the system keeps such things."""
    if environ.get("XDG_STATE_HOME"):
        return Path(environ["XDG_STATE_HOME"]) / "pytest-adyen-creds"
    if os.name == "nt" and environ.get("LOCALAPPDATA"):
        return Path(environ["LOCALAPPDATA"]) / "pytest-adyen-creds"
    home = environ.get("HOME")
    return (Path(home) if home else Path.home()) / ".local" / "state" / "pytest-adyen-creds"


class Ledger:
    """The ledger of a run that lives. Every record is on disk when a method returns; thread-safe.

    ``run`` is the id in the run's tags, ``base_url`` and ``company`` say which account it is about. Raises
    :class:`CredentialError` where the folder or the file cannot be written.
    """

    def __init__(self, folder: Path, run: str, base_url: str, company: str) -> None:
        self.folder = folder
        self.run = run
        self.path = folder / f"{run}.jsonl"
        self._lock = threading.Lock()
        self._open_intents: set[str] = set()
        self._settled = 0
        self._had_problem = False
        unnamed = folder / f".{run}.new"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(unnamed, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
            self._file: BinaryIO = os.fdopen(descriptor, "ab", buffering=0)
            # locked before it has its name, so that nobody takes it for a dead run's
            lock(self._file)
        except OSError as error:
            raise self._unwritable(error) from None
        self._write(
            {
                "event": "run",
                "run": run,
                "base_url": base_url,
                "company": company,
                "at": datetime.now(UTC).isoformat(timespec="seconds"),
                "host": socket.gethostname(),
                "pid": os.getpid(),
            }
        )
        try:
            unnamed.rename(self.path)
            _sync_folder(folder)
        except OSError as error:
            raise self._unwritable(error) from None

    def intent(self, intent: str) -> None:
        """Note that a creation is about to be sent; ``intent`` names it by URL and idempotency key."""
        self._write({"event": "intent", "intent": intent})
        with self._lock:
            self._open_intents.add(intent)

    def refused(self, intent: str) -> None:
        """Note that the server said that nothing was created."""
        self._write({"event": "refused", "intent": intent})
        with self._lock:
            self._open_intents.discard(intent)

    def created(self, credential_id: str) -> None:
        """Note the id of what was created."""
        self._write({"event": "created", "id": credential_id})
        with self._lock:
            self._settled += 1

    def claiming(self, credential_id: str) -> None:
        """Note that a throwaway is about to be claimed."""
        self._write({"event": "claiming", "id": credential_id})

    def problem(self, kind: str, text: str) -> None:
        """Keep what a run ended with, for ``adyen-creds doctor``."""
        self._had_problem = True
        note = {"kind": kind, "text": text, "at": datetime.now(UTC).isoformat(timespec="seconds")}
        with suppress(OSError):
            (self.folder / _PROBLEM).write_text(json.dumps(note), encoding="utf-8")

    @property
    def is_settled(self) -> bool:
        """Whether every creation that was sent is known to have happened or not."""
        with self._lock:
            return len(self._open_intents) <= self._settled

    def close(self, *, is_clean: bool, forget_problem: bool = True) -> None:
        """End the run: a clean one leaves no file and no earlier problem, any other leaves its file to the next run."""
        if is_clean:
            with suppress(OSError):
                self.path.unlink()
                if forget_problem and not self._had_problem:
                    (self.folder / _PROBLEM).unlink(missing_ok=True)
        self._file.close()

    def _write(self, record: dict[str, Any]) -> None:
        line = json.dumps(record).encode() + b"\n"
        try:
            with self._lock:
                self._file.write(line)
                os.fsync(self._file.fileno())
        except (OSError, ValueError) as error:
            raise self._unwritable(error) from None

    def _unwritable(self, error: OSError | ValueError) -> CredentialError:
        why = getattr(error, "strerror", None) or str(error)
        return CredentialError(
            f"the ledger in {self.folder} cannot be written ({why}), and without it a killed run would leave "
            "credentials active; nothing was sent: make it writable, or set XDG_STATE_HOME to a folder that is"
        )


class LedgerBudget(Budget):
    """A budget that writes each creation into the ledger before it is sent."""

    def __init__(self, limit: int, ledger: Ledger) -> None:
        super().__init__(limit)
        self._ledger = ledger
        self._written: set[str] = set()
        self._order = threading.Lock()

    def reserve(self, intent: str) -> None:
        """Take a slot and write the intent down; raises :class:`BudgetSpent`, or where the ledger cannot be written."""
        with self._order:
            super().reserve(intent)
            if intent in self._written:
                return
            try:
                self._ledger.intent(intent)
            except CredentialError:
                super().free(intent)
                raise
            self._written.add(intent)

    def free(self, intent: str) -> None:
        """Give the slot back, and write that nothing was created."""
        with self._order:
            super().free(intent)
            if intent in self._written:
                self._written.discard(intent)
                self._ledger.refused(intent)


@dataclass(frozen=True)
class DeadRun:
    """What the ledger of a run that was killed tells."""

    path: Path
    run: str
    base_url: str
    company: str
    started: datetime
    unsettled: int
    """Creations that were sent and whose outcome nobody knows."""
    known: frozenset[str]
    """The ids it created or set out to claim."""


@contextmanager
def dead_runs(folder: Path, base_url: str, company: str) -> Iterator[list[DeadRun]]:
    """Give the killed runs of one account while their files are locked, so that nobody else recovers them too.

    Files that are older than :data:`KEPT_FOR`, or unreadable, are deleted. Nothing is raised for a folder that is not
    there or cannot be read: the tags tell the rest.
    """
    held: list[BinaryIO] = []
    found: list[DeadRun] = []
    try:
        for path in sorted(folder.glob("*.jsonl")) if folder.is_dir() else ():
            try:
                file: BinaryIO = path.open("r+b")
            except OSError:
                continue
            held.append(file)
            with suppress(OSError):
                if lock(file):
                    run = _read(path, file.read(_LARGEST))
                    if run is None or run.started < datetime.now(UTC) - KEPT_FOR:
                        path.unlink()
                    elif (run.base_url, run.company) == (base_url, company):
                        found.append(run)
        yield found
    finally:
        for open_file in held:
            open_file.close()


def last_problem(folder: Path) -> tuple[str, str, str] | None:
    """Return kind, text and time of what the last run that failed for want of a credential ended with."""
    try:
        note = json.loads((folder / _PROBLEM).read_text(encoding="utf-8"))
        return str(note["kind"]), str(note["text"]), str(note["at"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def check_writable(folder: Path) -> None:
    """Raise :class:`CredentialError` where a ledger could not be written."""
    probe = Ledger(folder, f"probe-{uuid.uuid4().hex}", "", "")
    probe.close(is_clean=True, forget_problem=False)


def _read(path: Path, data: bytes) -> DeadRun | None:
    intents: set[str] = set()
    known: set[str] = set()
    created = 0
    header: dict[str, Any] = {}
    for line in data.splitlines():
        try:
            record = json.loads(line)
            event = record["event"]
        except (ValueError, KeyError, TypeError):
            continue  # cut off in the middle of the last write
        if event == "run":
            header = record
        elif event == "intent":
            intents.add(record.get("intent"))
        elif event == "refused":
            intents.discard(record.get("intent"))
        elif event in ("created", "claiming"):
            known.add(record.get("id"))
            created += event == "created"
    try:
        started = datetime.fromisoformat(header["at"])
        run, base_url, company = header["run"], header["base_url"], header["company"]
    except (KeyError, ValueError, TypeError):
        return None
    return DeadRun(path, run, base_url, company, started, max(0, len(intents) - created), frozenset(known))


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
