"""The rotation: a few steps, each stored before the next, so that a run can end anywhere and the next one goes on."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, TypeVar

from key_rotation.api import ManagementApi, Unavailable
from key_rotation.store import Pending, Record, Secret, SecretStore

OVERLAP: Final = timedelta(hours=24)
"""How long Adyen lets a replaced key go on."""

_log: Final = logging.getLogger(__name__)
_Answer = TypeVar("_Answer")


class Outcome(StrEnum):
    """What a run did with one credential."""

    NOT_DUE = "not due"
    ROTATED = "rotated"
    WAITING = "waiting for the new key"


@dataclass(frozen=True)
class Policy:
    """When a key is too old, and how patient a run is."""

    max_age: timedelta = timedelta(days=60)
    attempts: int = 5
    """How often one request is sent."""
    patience: timedelta = timedelta(minutes=15)
    """How long a run waits until a new key works."""
    pause: timedelta = timedelta(seconds=15)
    """Between two looks at a new key, and before a second attempt; then twice as long each time."""


def _now() -> datetime:
    return datetime.now(UTC)


class Rotator:
    """Rotates what is in ``store``; ``admin`` names the record whose key may generate others (its own, too)."""

    def __init__(
        self,
        store: SecretStore,
        api: ManagementApi,
        admin: str,
        policy: Policy = Policy(),
        *,
        now: Callable[[], datetime] = _now,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._store = store
        self._api = api
        self._admin = admin
        self._policy = policy
        self._now = now
        self._sleep = sleep

    def rotate(self, name: str) -> Outcome:
        """Rotate the key of ``name`` if it is due; services go on with the old key until the new one works.

        Raises :class:`Refused` and :class:`Unavailable`; the next call goes on where this one ended, and the same
        request is never carried out twice.
        """
        with self._store.locked(name):
            record = self._store.load(name)
            if record.pending is None and self._now() - record.made_at < self._policy.max_age:
                return Outcome.NOT_DUE
            if self._is_dead(record):
                _log.warning("%s: the key of %s never worked; another one is asked for", name, record.made_at)
                record = replace(record, pending=None)
            pending = record.pending or self._begin(name, record)
            new_key = pending.new_key or self._ask(name, replace(record, pending=pending), pending)
            if not self._comes_to_work(new_key):
                _log.warning("%s: the new key does not work yet; the next run looks again", name)
                return Outcome.WAITING
            self._store.save(name, replace(record, key=new_key, made_at=pending.asked_at, pending=None))
            _log.info("%s: rotated", name)
            return Outcome.ROTATED

    def _begin(self, name: str, record: Record) -> Pending:
        pending = Pending(str(uuid.uuid4()), self._now())
        self._store.save(name, replace(record, pending=pending))
        return pending

    def _ask(self, name: str, record: Record, pending: Pending) -> Secret:
        """Return the new key, stored. An answer that was lost is had again by the same idempotency key."""
        admin = self._store.load(self._admin).key
        new_key = self._patiently(lambda: self._api.generate_key(record, admin, pending.idempotency_key))
        self._store.save(name, replace(record, pending=replace(pending, new_key=new_key)))
        return new_key

    def _is_dead(self, record: Record) -> bool:
        """Return whether a key that was generated a day ago does not work: somebody generated another one since."""
        pending = record.pending
        if pending is None or pending.new_key is None or self._now() - pending.asked_at < OVERLAP:
            return False
        new_key = pending.new_key
        return not self._patiently(lambda: self._api.works(new_key))

    def _comes_to_work(self, key: Secret) -> bool:
        end = self._now() + self._policy.patience
        while not self._patiently(lambda: self._api.works(key)):
            if self._now() >= end:
                return False
            self._sleep(self._policy.pause.total_seconds())
        return True

    def _patiently(self, ask: Callable[[], _Answer]) -> _Answer:
        pause = self._policy.pause.total_seconds()
        for attempt in range(1, self._policy.attempts + 1):
            try:
                return ask()
            except Unavailable as error:
                if attempt == self._policy.attempts:
                    raise
                wait = error.retry_after or pause
                _log.info("%s; asking again in %g s", error, wait)
            self._sleep(wait)
            pause *= 2
        raise AssertionError("a policy has at least one attempt")
