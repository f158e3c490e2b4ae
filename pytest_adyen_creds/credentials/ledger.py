"""The ledger: a run's write-ahead log of what it must undo, on disk before it is done. It holds no secret.

One file a run, of JSON lines, in a folder of the user's own. The run keeps its file locked while it lives, so that a
file without a lock is that of a run that crashed; a run that ends in order deletes its file.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import FileIO
from pathlib import Path
from typing import Any, BinaryIO, Final
from urllib.parse import urlsplit

from pytest_adyen_creds import clock
from pytest_adyen_creds.client import Budget, Place
from pytest_adyen_creds.client.parsing import Level, place_in
from pytest_adyen_creds.credentials.fork_guard import ForkGuard
from pytest_adyen_creds.errors import CredentialError, FileRefused
from pytest_adyen_creds.files import sync_folder, write_text

KEPT_FOR: Final = timedelta(days=30)
"""How long the file of a run whose server is no longer asked is kept."""

_EMPTY_FOR: Final = timedelta(days=1)
_LARGEST: Final = 4 * 1024 * 1024
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


class Ledger(ForkGuard):
    """The ledger of a run that lives. Every record is on disk when a method returns; thread-safe.

    ``run`` is the id in the run's tags, ``base_url`` and ``company`` say which account it is about. Raises
    :class:`CredentialError` where the folder or the file cannot be written.
    """

    def __init__(self, folder: Path, run: str, base_url: str, company: str) -> None:
        self.folder = folder
        self.path = folder / f"{run}.jsonl"
        self._lock = threading.Lock()
        self._created: set[str] = set()
        self._is_torn = False
        self._had_problem = False
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = FileIO(self.path, "x", opener=lambda path, flags: os.open(path, flags, 0o600))
            super().__init__()
            self._lock_file()
            self._write(
                "run",
                run=run,
                base_url=base_url,
                company=company,
                at=clock.now().isoformat(timespec="seconds"),
                host=socket.gethostname(),
                pid=os.getpid(),
            )
            sync_folder(folder)
        except OSError as error:
            raise self._unwritable(error) from None

    def _lock_file(self) -> None:
        # whoever looks for crashed runs may hold it for the moment in which it is found empty
        for _ in range(_LOCK_TRIES):
            if _lock(self._file):
                return
            time.sleep(_LOCK_WAIT)
        raise OSError(f"{self.path.name} is locked by another process")

    def intent(self, intent: str) -> None:
        """Note that a creation is about to be sent; ``intent`` names it by URL and idempotency key."""
        self._write("intent", intent=intent)

    def refused(self, intent: str) -> None:
        """Note that the server said that nothing was created."""
        self._write("refused", intent=intent)

    def created(self, credential_id: str, level: Level | None = None, account: str | None = None) -> None:
        """Note the id of what was created, and where, if that is known."""
        self._write("created", id=credential_id, level=level, account=account)
        with self._lock:
            self._created.add(credential_id)

    def doubted(self, credential_id: str) -> None:
        """Note that what an answer said was created is not known to be: a read of it did not agree."""
        self._write("doubted", id=credential_id)
        with self._lock:
            self._created.discard(credential_id)

    @property
    def settled(self) -> int:
        """How many creations are known to have happened: one for each id, however often it was answered."""
        with self._lock:
            return len(self._created)

    def claiming(self, credential_id: str, level: Level | None = None, account: str | None = None) -> None:
        """Note that a throwaway is about to be claimed, and where it is, if that is known."""
        self._write("claiming", id=credential_id, level=level, account=account)

    def problem(self, kind: str, text: str) -> None:
        """Keep what a run ended with, for ``adyen-creds doctor``."""
        self._had_problem = True
        note = {"kind": kind, "text": text, "at": clock.now().isoformat(timespec="seconds")}
        with suppress(FileRefused):
            write_text(self.folder / _PROBLEM, json.dumps(note))

    def close(self, *, is_clean: bool) -> None:
        """End the run: a clean one leaves no file and no earlier problem, any other leaves its file to the next run."""
        # closed first, because not every system removes a file that is open
        self._file.close()
        if is_clean:
            with suppress(OSError):
                self.path.unlink()
                if not self._had_problem:
                    (self.folder / _PROBLEM).unlink(missing_ok=True)

    def after_fork(self) -> None:
        """Close the file in a forked process: as long as it is open anywhere, the run counts as one that lives."""
        self._file.close()

    def _write(self, event: str, **record: Any) -> None:
        line = json.dumps({"event": event, **record}).encode() + b"\n"
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
        self._is_unsure = False

    @property
    def is_settled(self) -> bool:
        """Whether every creation that was sent is known to have happened or not."""
        return not self._is_unsure and self.spent <= self._ledger.settled

    def reserve(self, intent: str) -> None:
        """Take a slot and write the intent down; raises :class:`BudgetSpent`, or where the ledger cannot be written."""
        self._ledger.check_process()
        with self._lock:
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
        with self._lock:
            super().free(intent)
            if intent not in self._attempts:
                self._ledger.refused(intent)

    def lost(self, intent: str) -> None:
        """Take note that an attempt has no answer, so that more may have been created than is known."""
        self._is_unsure = True


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
    probe.close(is_clean=False)
    probe.path.unlink(missing_ok=True)


@dataclass(frozen=True)
class CrashedRun:
    """What the ledger of a run that crashed, or was killed, holds."""

    path: Path
    run: str
    base_url: str
    company: str
    started: datetime
    unsettled: int
    """Creations that were sent and whose outcome nobody knows."""
    known: Mapping[str, Place | None]
    """The ids it created or set out to claim, and where they are, if that is known."""
    created: frozenset[str]
    """Those of them that it created."""
    accounts: frozenset[Place]
    """Where it created, or may have created, or claimed something."""


@contextmanager
def crashed_runs(folder: Path, base_url: str, company: str, *, tidy: bool = True) -> Iterator[list[CrashedRun]]:
    """Give the crashed runs of one account while their files are locked, so that nobody else recovers them too.

    Of ``base_url`` the version does not count, since credentials are the same in all. With ``tidy``, files that are
    older than :data:`KEPT_FOR` are deleted, and those that name no run and are older than a day. Nothing is raised
    for a folder that is not there or cannot be read: the tags show the rest.
    """
    wanted, now = (*urlsplit(base_url)[:2], company), clock.now()
    found: list[CrashedRun] = []
    useless: list[Path] = []
    with ExitStack() as held:
        for path in sorted(folder.glob("*.jsonl")) if folder.is_dir() else ():
            with suppress(OSError), ExitStack() as opened:
                file = opened.enter_context(path.open("r+b"))
                if not _lock(file):
                    continue
                run = _read(path, file.read(_LARGEST))
                is_wanted = run is not None and (*urlsplit(run.base_url)[:2], run.company) == wanted
                if run is not None and is_wanted and run.started >= now - KEPT_FOR:
                    found.append(run)
                    held.enter_context(opened.pop_all())
                    continue
                # without a first line it may be one that a run is about to write
                changed = datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC)
                if run.started < now - KEPT_FOR if run else changed < now - _EMPTY_FOR:
                    useless.append(path)
        for path in useless if tidy else ():
            with suppress(OSError):
                path.unlink()
        yield found


def _read(path: Path, data: bytes) -> CrashedRun | None:
    intents: set[str] = set()
    created: set[str] = set()
    known: dict[str, Place | None] = {}
    accounts: set[Place] = set()
    header: dict[str, Any] = {}
    for line in data.splitlines():
        try:
            record = json.loads(line)
            event, subject = record["event"], str(record.get("intent", record.get("id")))
        except (ValueError, KeyError, TypeError, AttributeError):
            continue  # cut off in the middle of the last write
        if event == "run":
            header = record
        elif event == "intent":
            intents.add(subject)
            if place := place_in(subject):
                accounts.add(place)
        elif event == "refused":
            intents.discard(subject)
        elif event in ("created", "claiming"):
            level, account = record.get("level"), record.get("account")
            is_placed = level in ("company", "merchant") and isinstance(account, str)
            known[subject] = (level, account) if is_placed else known.get(subject)
            if event == "created":
                created.add(subject)
        elif event == "doubted":
            known.setdefault(subject)
            created.discard(subject)
    try:
        started = datetime.fromisoformat(header["at"])
        run, base_url, company = (str(header[name]) for name in ("run", "base_url", "company"))
    except (KeyError, ValueError, TypeError):
        return None
    return CrashedRun(
        path,
        run,
        base_url,
        company,
        started if started.tzinfo else started.replace(tzinfo=UTC),
        unsettled=max(0, len(intents) - len(created)),
        known=known,
        created=frozenset(created),
        accounts=frozenset(accounts.union(filter(None, known.values()))),
    )


if sys.platform == "win32":
    import msvcrt

    def _lock(file: BinaryIO) -> bool:
        """Lock an open file if nobody else has; return whether it is now this process's."""
        where = file.tell()
        try:
            # a byte beyond the content, so that others can still read it
            file.seek(1 << 30)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            file.seek(where)
        return True

else:
    import fcntl

    def _lock(file: BinaryIO) -> bool:
        """Lock an open file if nobody else has; return whether it is now this process's."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
