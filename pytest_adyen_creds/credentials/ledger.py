"""The ledger: what a run is about to do that it must undo, on disk before it is done. It holds no secret.

One file a run, of JSON lines, in a folder of the user's own. The run keeps its file locked while it lives, so that a
file without a lock tells of a run that was killed; a run that ends in order deletes its file.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pytest_adyen_creds import clock
from pytest_adyen_creds.client import Budget
from pytest_adyen_creds.credentials.forking import OneProcess
from pytest_adyen_creds.credentials.locking import lock
from pytest_adyen_creds.errors import CredentialError

if TYPE_CHECKING:
    from pytest_adyen_creds.credentials.credential import Level

_LOCK_TRIES: Final = 100
_LOCK_WAIT: Final = 0.02
_PROBLEM: Final = "last-problem.json"


def state_folder(environ: Mapping[str, str]) -> Path:
    """Return the folder for what outlives a run: under ``XDG_STATE_HOME``, or where the system keeps such things."""
    # a relative one is to be ignored (XDG Base Directory Specification)
    if Path(environ.get("XDG_STATE_HOME", "")).is_absolute():
        return Path(environ["XDG_STATE_HOME"]) / "pytest-adyen-creds"
    if os.name == "nt" and environ.get("LOCALAPPDATA"):
        return Path(environ["LOCALAPPDATA"]) / "pytest-adyen-creds"
    home = environ.get("HOME")
    return (Path(home) if home else Path.home()) / ".local" / "state" / "pytest-adyen-creds"


class Ledger(OneProcess):
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
        self._is_unsure = False
        self._is_torn = False
        self._had_problem = False
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = FileIO(self.path, "x", opener=_private)
            super().__init__()
            self._lock_file()
        except OSError as error:
            raise self._unwritable(error) from None
        self._write(
            {
                "event": "run",
                "run": run,
                "base_url": base_url,
                "company": company,
                "at": clock.now().isoformat(timespec="seconds"),
                "host": socket.gethostname(),
                "pid": os.getpid(),
            }
        )
        try:
            _sync_folder(folder)
        except OSError as error:
            raise self._unwritable(error) from None

    def _lock_file(self) -> None:
        # whoever looks for dead runs may hold it for the moment in which it is found empty
        for _ in range(_LOCK_TRIES):
            if lock(self._file):
                return
            time.sleep(_LOCK_WAIT)
        raise OSError(f"{self.path.name} is locked by another process")

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

    def lost(self) -> None:
        """Note that an attempt had no answer, so that more may have been created than is known."""
        with self._lock:
            self._is_unsure = True

    def created(self, credential_id: str, level: Level | None = None, account: str | None = None) -> None:
        """Note the id of what was created, and where, if that is known."""
        self._write({"event": "created", "id": credential_id, "level": level, "account": account})
        with self._lock:
            self._settled += 1

    def claiming(self, credential_id: str, level: Level | None = None, account: str | None = None) -> None:
        """Note that a throwaway is about to be claimed, and where it is, if that is known."""
        self._write({"event": "claiming", "id": credential_id, "level": level, "account": account})

    def problem(self, kind: str, text: str) -> None:
        """Keep what a run ended with, for ``adyen-creds doctor``."""
        self._had_problem = True
        note = {"kind": kind, "text": text, "at": clock.now().isoformat(timespec="seconds")}
        with suppress(OSError):
            (self.folder / _PROBLEM).write_text(json.dumps(note), encoding="utf-8")

    @property
    def is_settled(self) -> bool:
        """Whether every creation that was sent is known to have happened or not."""
        with self._lock:
            return not self._is_unsure and len(self._open_intents) <= self._settled

    def close(self, *, is_clean: bool, forget_problem: bool = True) -> None:
        """End the run: a clean one leaves no file and no earlier problem, any other leaves its file to the next run."""
        # closed first, because not every system removes a file that is open
        self._file.close()
        if is_clean:
            with suppress(OSError):
                self.path.unlink()
                if forget_problem and not self._had_problem:
                    (self.folder / _PROBLEM).unlink(missing_ok=True)

    def let_go(self) -> None:
        """Close the file in a forked process: as long as it is open anywhere, the run counts as one that lives."""
        self._file.close()

    def _write(self, record: dict[str, Any]) -> None:
        line = json.dumps(record).encode() + b"\n"
        try:
            with self._lock:
                # what was cut off is a line of its own, so that it takes no other record with it
                line = b"\n" + line if self._is_torn else line
                self._is_torn = True
                if self._file.write(line) != len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                self._is_torn = False
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
        self._order = threading.Lock()

    def reserve(self, intent: str) -> None:
        """Take a slot and write the intent down; raises :class:`BudgetSpent`, or where the ledger cannot be written."""
        self._ledger.check_process()
        with self._order:
            is_written = intent in self._attempts
            super().reserve(intent)
            if is_written:
                return
            try:
                self._ledger.intent(intent)
            except CredentialError:
                super().free(intent)
                raise

    def free(self, intent: str) -> None:
        """Take an attempt back; with the last one give the slot back, and write that nothing was created."""
        with self._order:
            super().free(intent)
            if intent not in self._attempts:
                self._ledger.refused(intent)

    def lost(self, intent: str) -> None:
        """Take note that an attempt has no answer."""
        self._ledger.lost()


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


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
