"""Idempotency keys: the first answer again for the same request, a refusal for anything else."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from pytest_adyen_creds.sandbox.outcomes import Kind, Refused
from pytest_adyen_creds.sandbox.rules import Rule, implements
from pytest_adyen_creds.sandbox.wire import Reply

_PAGE: Final = "docs.adyen.com, API idempotency"

REPLAY: Final = Rule.documented(
    "idempotency.replay",
    "A POST repeated with its Idempotency-Key is answered with the first answer; both echo the key in a header.",
    _PAGE,
)
LENGTH: Final = Rule.documented(
    "idempotency.length",
    "An Idempotency-Key has at most 64 characters; a longer or empty one is refused with 422.",
    f"{_PAGE}; how a longer one is refused is assumed",
)
IN_PROGRESS: Final = Rule.documented(
    "idempotency.in-progress",
    "A repetition while the first request is in progress is refused with 422, errorCode 704, transient-error true.",
    f"{_PAGE}; of the 409 and 422 it names, the specification lists 422",
)
OTHER_REQUEST: Final = Rule.assumed(
    "idempotency.other-request",
    "An Idempotency-Key used for another request is refused with 422, errorCode 704, not transient.",
    "the page has no other code for a key that is taken",
)
TRANSIENT: Final = Rule.documented(
    "idempotency.transient-error",
    "Errors that may be retried with the same key (429, 5xx, in progress) have the header transient-error: true.",
    _PAGE,
)
ONLY_DECIDED: Final = Rule.assumed(
    "idempotency.only-decided",
    "Only answers to requests that were carried out or refused with 422 are kept under a key.",
    "a 401, 403 or transient error says nothing on the request itself",
)
COMPANY_WIDE: Final = Rule.documented(
    "idempotency.company-wide",
    "Keys are the company's: whoever of its users repeats a request gets the first answer, whatever their roles.",
    f"{_PAGE}, on the scope of keys and on security",
)
RETENTION: Final = Rule.documented(
    "idempotency.retention",
    "A key is kept for 31 days, then forgotten.",
    f"{_PAGE}, which has given 31 days as the least; that the sandbox keeps them no longer is assumed",
)
POST_ONLY: Final = Rule.documented("idempotency.post-only", "The header is ignored on other methods than POST.", _PAGE)

LONGEST_KEY: Final = 64
"""The longest key, in characters."""

_KEPT_FOR: Final = timedelta(days=31)
_KEPT_AT_MOST: Final = 10_000


@dataclass(frozen=True)
class _Entry:
    request: bytes
    since: datetime
    answer: Reply | None


class IdempotencyKeys:
    """The keys that were used in the company, and the first answer under each. Bounded: the oldest go first."""

    def __init__(self) -> None:
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._lock = threading.Lock()

    @implements(COMPANY_WIDE, RETENTION)
    def begin(self, key: str, request: bytes, now: datetime) -> Reply | None:
        """Note that a request with ``key`` starts, and return ``None``; return the first answer if it is a repetition.

        ``request`` is what makes two requests the same. Raises :class:`Refused` for a key that is too long, in
        progress, or taken by another request.
        """
        if not 0 < len(key) <= LONGEST_KEY:
            raise Refused(LENGTH, Kind.UNPROCESSABLE, f"An idempotency key has 1 to {LONGEST_KEY} characters.")
        digest = hashlib.sha256(request).digest()
        with self._lock:
            entry = self._entries.get(key)
            if entry is None or entry.since + _KEPT_FOR <= now:
                self._entries.pop(key, None)
                self._entries[key] = _Entry(digest, now, None)
                if len(self._entries) > _KEPT_AT_MOST:
                    self._entries.popitem(last=False)
                return None
        if entry.request != digest:
            raise Refused(OTHER_REQUEST, Kind.UNPROCESSABLE, "This key was used for another request.", code="704")
        if entry.answer is None:
            headers = {"transient-error": "true"}
            raise Refused(
                IN_PROGRESS, Kind.UNPROCESSABLE, "A request with this key is in progress.", code="704", headers=headers
            )
        return entry.answer

    def finish(self, key: str, answer: Reply | None) -> None:
        """Keep ``answer`` under ``key``; ``None`` frees the key, for an answer that decides nothing."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return
            if answer is None:
                del self._entries[key]
            else:
                self._entries[key] = _Entry(entry.request, entry.since, answer)
