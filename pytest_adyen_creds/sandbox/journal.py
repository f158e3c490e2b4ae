"""The journal: what the sandbox was asked and what it answered, each with the rule that decided it."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

MOST_ENTRIES: Final = 10_000
"""How many entries a journal keeps."""
MOST_BYTES: Final = 32 * 1024 * 1024
"""About how many bytes of messages a journal keeps; older entries lose their messages before they go themselves."""

NO_ANSWER: Final = 0
"""The status of an entry whose connection ended before an answer began."""

_SMALLEST: Final = 2_000
_ITEM: Final = 1_500
_LEFT_OUT: Final = frozenset({"x-api-key", "authorization", "proxy-authorization", "cookie"})


@dataclass(frozen=True, slots=True)
class Message:
    """A request or an answer: its headers, less those that sign it, and its body.

    ``signed_by`` names the headers that are left out. ``document`` is an answer's, which may hold secrets, and ``body``
    a request's; whoever shows them masks them.
    """

    headers: tuple[tuple[str, str], ...]
    body: bytes = b""
    document: Any = None
    signed_by: tuple[str, ...] = ()

    @classmethod
    def of_request(cls, environ: Mapping[str, Any], body: bytes) -> Message:
        """Return the request of a WSGI environment, whose body was read."""
        headers, signed_by = [], []
        for key, value in environ.items():
            if key.startswith("HTTP_") or (key in ("CONTENT_TYPE", "CONTENT_LENGTH") and value):
                name = key.removeprefix("HTTP_").replace("_", "-").lower()
                if name in _LEFT_OUT:
                    signed_by.append(name)
                else:
                    headers.append((name, str(value)))
        return cls(tuple(headers), body, signed_by=tuple(signed_by))


@dataclass(frozen=True, slots=True)
class Entry:
    """One request of the API: when it was asked (by the sandbox's clock), what, and how it was answered.

    ``target`` is path and query, ``operation`` the label (None: none of the API's). ``rule`` is the id of the rule that
    decided, ``fault`` the kind of the fault that struck, or empty; ``status`` may be :data:`NO_ANSWER`. ``sent`` and
    ``answered`` are None once the journal has too many messages. ``caller`` is the id of the credential that asked,
    empty where none was let in, or a fault struck before it was looked up.
    """

    number: int
    at: datetime
    method: str
    origin: str
    target: str
    operation: str | None
    status: int
    rule: str
    fault: str
    sent: Message | None
    answered: Message | None
    caller: str = ""

    @property
    def weight(self) -> int:
        """About how many bytes the messages take."""
        if self.sent is None or self.answered is None:
            return 0
        document = self.answered.document
        items = len(document.get("data", ())) if isinstance(document, Mapping) else 0
        return _SMALLEST + len(self.sent.body) + len(self.answered.body) + _ITEM * items


class Journal:
    """The last requests, the newest last.

    ``on_entry``, where it is set, is called with each new one, and ``on_clear`` when all are forgotten.
    """

    def __init__(self) -> None:
        self.on_entry: Callable[[Entry], object] | None = None
        self.on_clear: Callable[[], object] | None = None
        self._entries: deque[Entry] = deque(maxlen=MOST_ENTRIES)
        self._heavy: deque[Entry] = deque()
        self._weight = 0
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def add(self, **known: Any) -> Entry:
        """Note a request; ``known`` are the fields of its :class:`Entry`, less its number."""
        with self._lock:
            entry = Entry(number=next(self._numbers), **known)
            self._keep(entry)
        if self.on_entry is not None:
            self.on_entry(entry)
        return entry

    def restore(self, entries: Iterable[Entry]) -> None:
        """Put back ``entries`` of an earlier journal, in their order; new ones are numbered after them."""
        with self._lock:
            for entry in entries:
                self._keep(entry)
                self._numbers = itertools.count(entry.number + 1)

    def after(self, number: int, *, most: int = 100) -> list[Entry]:
        """Return the newest ``most`` entries of those with a greater ``number``, the newest first."""
        with self._lock:
            newest = itertools.takewhile(lambda entry: entry.number > number, reversed(self._entries))
            return list(itertools.islice(newest, most))

    def get(self, number: int) -> Entry | None:
        """Return the entry with ``number``, None where there is none, or none any more."""
        with self._lock:
            index = number - self._entries[0].number if self._entries else -1
            return self._entries[index] if 0 <= index < len(self._entries) else None

    def clear(self) -> None:
        """Forget every entry."""
        if self.on_clear is not None:
            self.on_clear()
        with self._lock:
            self._entries.clear()
            self._heavy.clear()
            self._weight = 0

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        with self._lock:
            return iter(list(self._entries))

    def __getitem__(self, index: int) -> Entry:
        return self._entries[index]

    def _keep(self, entry: Entry) -> None:
        self._entries.append(entry)
        self._heavy.append(entry)
        self._weight += entry.weight
        while self._weight > MOST_BYTES and len(self._heavy) > 1:
            oldest = self._heavy.popleft()
            self._weight -= oldest.weight
            index = oldest.number - self._entries[0].number
            if index >= 0:
                self._entries[index] = replace(oldest, sent=None, answered=None)
