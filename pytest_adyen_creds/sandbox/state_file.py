"""The state file: what a sandbox keeps over restarts, in one SQLite file, written whole or not at all at each change.

It holds credentials, the expiry times of their keys, how far the clock was moved, and the journal. No API key and no
password is in it: only SHA-256 digests of these long random texts, by which the old ones go on working and which tell
nobody what they are. Client keys are in it as they are: they are public by Adyen's own documents, web pages show them,
and GET answers them. Faults and idempotency keys are not kept.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import re
import sqlite3
import stat
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

from pytest_adyen_creds.errors import FileRefused
from pytest_adyen_creds.files import name_of
from pytest_adyen_creds.sandbox.journal import MOST_BYTES, MOST_ENTRIES, Entry, Message
from pytest_adyen_creds.sandbox.state import Credential, Digested, Key, Origin, UserKind
from pytest_adyen_creds.secrets import MASK, SECRETS, Secret

_MAGIC: Final = b"SQLite format 3\0"
_OURS: Final = 0x41_43_52_53
"""What SQLite calls the application id, at byte 68 of a file."""
_VERSION: Final = 1
"""What SQLite calls the user version, at byte 60 of a file."""
_TABLES: Final = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE credentials (position INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, document TEXT NOT NULL);
CREATE TABLE entries (number INTEGER PRIMARY KEY, document TEXT NOT NULL);
"""
_PUT_FACT: Final = "INSERT INTO facts VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
_PUT_CREDENTIAL: Final = (
    "INSERT INTO credentials (id, document) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET document = excluded.document"
)
_DROP_OLD_ENTRIES: Final = """
DELETE FROM entries WHERE number <= coalesce((SELECT max(number) FROM (
    SELECT number, sum(length(document)) OVER newest AS bytes, count(*) OVER newest AS entries FROM entries
    WINDOW newest AS (ORDER BY number DESC)
) WHERE bytes > ? OR entries > ?), -1)
"""
_NO_MESSAGES: Final = {"sent": None, "answered": None}
_TIDIED: Final = 500
"""After how many entries old ones are dropped."""
_API_KEY: Final = re.compile(r"AQE[^\s\"'\\]{20,}")
"""An API key in a text, also one whose text is known to nobody any more."""

Fact = TypeVar("Fact")

_LOG: Final = logging.getLogger(__name__)


class StateFile:
    """The state file of one running sandbox, at ``path``; made, with mode 0600, where there is none.

    ``company``, ``merchants`` and ``answers`` are the sandbox's: a file of other ones is refused. Thread-safe.

    Raises :class:`FileRefused` for a file that is none of ours, damaged, of another version, of other accounts, in use,
    or where nothing can be written; it is left as it was.
    """

    def __init__(self, path: Path, company: str, merchants: Sequence[str], answers: str) -> None:
        self._name = name_of(path)
        self._lock = threading.Lock()
        self._written = 0
        self._check(path)
        try:
            self._database = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
            try:
                self._open({"company": company, "merchants": list(merchants), "answers": answers})
            except BaseException:
                self._database.close()
                raise
        except sqlite3.Error as error:
            raise self._refused(error) from None

    def close(self) -> None:
        """Let go of the file; another sandbox may take it then."""
        with self._lock:
            self._database.close()

    @property
    def advanced(self) -> timedelta:
        """How far the clock was moved."""
        return self._fact("advanced", _advanced, 0.0)

    @property
    def numbers(self) -> dict[str, int]:
        """Where ids with serial numbers go on."""
        return self._fact("numbers", _numbers, {})

    def credentials(self) -> list[Credential]:
        """Return the credentials, in the order of their creation. The texts of their keys are not known any more."""
        with self._lock:
            rows = self._database.execute("SELECT document FROM credentials ORDER BY position").fetchall()
        return [self._read(_credential, row[0]) for row in rows]

    def entries(self) -> list[Entry]:
        """Return the journal's entries, numbered without a gap. What was secret in them is masked."""
        with self._lock:
            rows = self._database.execute("SELECT document FROM entries ORDER BY number").fetchall()
        entries = [self._read(_entry, row[0]) for row in rows[-MOST_ENTRIES:]]
        first = entries[-1].number - len(entries) + 1 if entries else 0
        return [replace(entry, number=number) for number, entry in enumerate(entries, first)]

    def keep_credential(self, credential: Credential, numbers: Mapping[str, int]) -> None:
        """Keep ``credential`` in place of the one with its id, and where ids with serial numbers go on.

        Raises :class:`FileRefused` where it cannot be written.
        """
        self._write(
            (_PUT_CREDENTIAL, (credential.id, json.dumps(_show_credential(credential)))),
            (_PUT_FACT, ("numbers", json.dumps(numbers))),
        )

    def keep_advanced(self, advanced: timedelta) -> None:
        """Keep how far the clock was moved; raises like :meth:`keep_credential`."""
        self._write((_PUT_FACT, ("advanced", json.dumps(advanced.total_seconds()))))

    def keep_entry(self, entry: Entry) -> None:
        """Keep an entry of the journal, masked, and drop those that are too old. One that cannot be kept is logged."""
        try:
            self._write(("INSERT OR REPLACE INTO entries VALUES (?, ?)", (entry.number, _show_entry(entry))))
            self._written += 1
            if self._written % _TIDIED == 0:
                self._write((_DROP_OLD_ENTRIES, (MOST_BYTES, MOST_ENTRIES)))
        except FileRefused as error:
            _LOG.warning("an entry of the journal is not kept: %s", error)

    def forget_entries(self) -> None:
        """Forget the journal; raises like :meth:`keep_credential`."""
        self._write(("DELETE FROM entries", ()))

    def _check(self, path: Path) -> None:
        """Make the file where there is none; raise :class:`FileRefused` where its first bytes are not ours."""
        flags = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
        try:
            if path.is_symlink():
                raise FileRefused(f"{self._name}: is a symbolic link; name the file itself")
            descriptor = os.open(path, flags | os.O_CREAT, 0o600)
        except (OSError, ValueError) as error:
            if getattr(error, "errno", None) == errno.EISDIR:
                raise FileRefused(f"{self._name}: is a directory; name a file in it") from None
            why = getattr(error, "strerror", None) or type(error).__name__
            raise FileRefused(f"{self._name}: cannot be written ({why}); name a file in a writable folder") from None
        with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise FileRefused(f"{self._name}: is not a regular file; name another")
            head = file.read(100)
            if not head:
                path.chmod(0o600)
                return
        if len(head) < 100 or not head.startswith(_MAGIC) or int.from_bytes(head[68:72]) != _OURS:
            raise FileRefused(f"{self._name}: is no state file of a sandbox; name another, or a new one")
        version = int.from_bytes(head[60:64])
        if version != _VERSION:
            raise FileRefused(
                f"{self._name}: is of version {version}, this sandbox reads {_VERSION}; name another, or a new one"
            )

    def _open(self, accounts: dict[str, Any]) -> None:
        execute = self._database.execute
        execute("PRAGMA locking_mode = EXCLUSIVE")
        execute("BEGIN EXCLUSIVE")
        if not execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
            for statement in filter(str.strip, _TABLES.split(";")):
                execute(statement)
            execute(f"PRAGMA application_id = {_OURS}")
            execute(f"PRAGMA user_version = {_VERSION}")
            execute(_PUT_FACT, ("accounts", json.dumps(accounts)))
            execute(_PUT_FACT, ("starts", "-1"))
        elif execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise self._damaged()
        made_for = self._fact("accounts", dict, {})
        if made_for != accounts:
            raise FileRefused(f"{self._name}: is of {_describe(made_for)}; serve with these, or name another file")
        self.starts = self._fact("starts", int, -1) + 1
        """How many sandboxes had this file before."""
        _ = self.credentials(), self.entries(), self.numbers, self.advanced  # what is damaged shows here
        execute(_PUT_FACT, ("starts", str(self.starts)))
        execute("COMMIT")
        # A commit is one write at the end of a second file, which is not waited for: a process that is killed loses
        # nothing, a machine that loses power the last changes. That file goes when the sandbox ends.
        execute("PRAGMA journal_mode = WAL")
        execute("PRAGMA synchronous = NORMAL")

    def _fact(self, name: str, read: Callable[[Any], Fact], otherwise: Any) -> Fact:
        row = self._database.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return self._read(lambda text: read(json.loads(text)), json.dumps(otherwise) if row is None else row[0])

    def _read(self, read: Callable[[Any], Fact], text: Any) -> Fact:
        try:
            return read(text)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
            raise self._damaged() from None

    def _write(self, *statements: tuple[str, tuple[Any, ...]]) -> None:
        with self._lock:
            try:
                with self._database:  # commits, or rolls back
                    self._database.execute("BEGIN")
                    for statement, values in statements:
                        self._database.execute(statement, values)
            except sqlite3.Error as error:
                raise self._refused(error) from None

    def _damaged(self) -> FileRefused:
        return FileRefused(f"{self._name}: is damaged; name another file, or a new one")

    def _refused(self, error: sqlite3.Error) -> FileRefused:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest says more than is needed
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return FileRefused(f"{self._name}: is in use by another sandbox; end that one, or name another file")
        if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_ERROR):
            return self._damaged()
        return FileRefused(f"{self._name}: cannot be written ({error}); make its folder and itself writable")


def _advanced(seconds: Any) -> timedelta:
    return timedelta(seconds=float(seconds))


def _numbers(shown: Any) -> dict[str, int]:
    return {str(name): int(number) for name, number in shown.items()}


def _describe(accounts: Mapping[str, Any]) -> str:
    merchants = " ".join(f"--merchant {name}" for name in accounts.get("merchants", ()))
    return f"--company {accounts.get('company')} {merchants} --answers {accounts.get('answers')}"


def _show_credential(credential: Credential) -> dict[str, Any]:
    shown = {field.name: getattr(credential, field.name) for field in fields(credential)}
    return shown | {
        "api_keys": [_show_key(key) for key in credential.api_keys],
        "client_keys": [_show_key(key) | {"text": key.secret.reveal()} for key in credential.client_keys],
        "password": credential.password.digest.hex(),
        "origins": [asdict(origin) for origin in credential.origins],
    }


def _show_key(key: Key) -> dict[str, Any]:
    return {
        "digest": key.kept.digest.hex(),
        "works_from": key.works_from.isoformat(),
        "expires": key.expires and key.expires.isoformat(),
    }


def _credential(text: str) -> Credential:
    shown = json.loads(text)
    return Credential(
        **shown
        | {
            "kind": UserKind(shown["kind"]),
            "api_keys": tuple(map(_key, shown["api_keys"])),
            "client_keys": tuple(map(_key, shown["client_keys"])),
            "password": Digested(_digest(shown["password"])),
            "origins": tuple(Origin(**origin) for origin in shown["origins"]),
            **{name: tuple(map(str, shown[name])) for name in ("merchants", "roles", "allowed_ips")},
        }
    )


def _key(shown: Mapping[str, Any]) -> Key:
    kept = Digested.of(Secret(shown["text"])) if "text" in shown else Digested(_digest(shown["digest"]))
    expires = shown["expires"]
    return Key(kept, datetime.fromisoformat(shown["works_from"]), expires and datetime.fromisoformat(expires))


def _digest(text: str) -> bytes:
    digest = bytes.fromhex(text)
    if len(digest) != 32:
        raise ValueError("no SHA-256 digest")
    return digest


def _show_entry(entry: Entry) -> str:
    shown = {field.name: getattr(entry, field.name) for field in fields(entry)}
    for name in ("sent", "answered"):
        message = shown[name]
        if message is not None:
            parts = {field.name: getattr(message, field.name) for field in fields(message)}
            body = message.body.decode("utf-8", "replace")
            shown[name] = parts | {
                "body": _masked(body) if body else ""
            }  # by itself: JSON within JSON has more escapes
    shown["at"] = entry.at.isoformat()
    text = _masked(json.dumps(shown, default=lambda _: MASK))
    try:
        json.loads(text)
    except ValueError:  # what was masked was part of what holds it together
        return json.dumps({name: _masked(v) if isinstance(v, str) else v for name, v in shown.items()} | _NO_MESSAGES)
    return text


def _masked(text: str) -> str:
    return SECRETS.mask(_API_KEY.sub(MASK, text))


def _entry(text: str) -> Entry:
    shown = json.loads(text)
    return Entry(
        **shown
        | {
            "at": datetime.fromisoformat(shown["at"]),
            "sent": shown["sent"] and _message(shown["sent"]),
            "answered": shown["answered"] and _message(shown["answered"]),
        }
    )


def _message(shown: Mapping[str, Any]) -> Message:
    return Message(
        tuple((str(name), str(value)) for name, value in shown["headers"]),
        str(shown["body"]).encode(),
        shown["document"],
        tuple(map(str, shown["signed_by"])),
    )
