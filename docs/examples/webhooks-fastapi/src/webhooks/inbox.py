"""Where webhooks are kept until they are handled: a table whose primary key is what makes a webhook the same one."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

_TABLE = """
create table if not exists inbox (
    id text primary key, body text not null, handled integer not null default 0, received text default current_timestamp
)
"""


@dataclass(frozen=True)
class Notification:
    """One thing that Adyen tells. ``id`` is the same whenever Adyen tells it again."""

    id: str
    body: Mapping[str, Any]

    @classmethod
    def of_platform(cls, body: Mapping[str, Any], sent: bytes) -> Self:
        """Return what a balance platform's webhook tells: a step of a transfer, say.

        Id and sequence number are optional in what Adyen publishes; a webhook without them is told by its bytes.
        """
        data = body.get("data")
        known = (body.get("type"), data.get("id"), data.get("sequenceNumber")) if isinstance(data, dict) else ()
        is_told = bool(known) and None not in known
        return cls(":".join(map(str, known)) if is_told else hashlib.sha256(sent).hexdigest(), body)

    @classmethod
    def of_item(cls, item: Mapping[str, Any]) -> Self:
        """Return what an item of a classic notification tells."""
        return cls(f"{item['eventCode']}:{item['pspReference']}:{item['success']}", item)


class Inbox:
    """The table. One connection a call: SQLite takes care of threads and processes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._draining = threading.Lock()
        with self._open() as database:
            database.execute("pragma journal_mode = wal")
            database.execute(_TABLE)

    def keep(self, notifications: list[Notification]) -> None:
        """Keep all of them, or none; those that are known already stay as they are."""
        rows = [(each.id, json.dumps(each.body)) for each in notifications]
        with self._open() as database:
            database.executemany("insert or ignore into inbox (id, body) values (?, ?)", rows)

    def waiting(self) -> list[Notification]:
        """Return what is not handled yet, the oldest first."""
        with self._open() as database:
            rows = database.execute("select id, body from inbox where not handled order by rowid").fetchall()
        return [Notification(id, json.loads(body)) for id, body in rows]

    def drain(self, handle: Callable[[Notification], object]) -> list[Exception]:
        """Have each waiting notification handled; return what went wrong. What failed waits for the next time.

        One thread at a time drains. ``handle`` can meet a notification twice where the process ends between the two
        lines below, so it has its own transaction, or minds the id.
        """
        errors: list[Exception] = []
        with self._draining:
            for notification in self.waiting():
                try:
                    handle(notification)
                except Exception as error:  # noqa: BLE001 - one that cannot be handled keeps no other one waiting
                    errors.append(error)
                    continue
                with self._open() as database:
                    database.execute("update inbox set handled = 1 where id = ?", (notification.id,))
        return errors

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=10)) as database, database:
            yield database
