"""What the sandbox knows: the time, one company, its merchants, and every credential."""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, Literal

from pytest_adyen_creds import clock
from pytest_adyen_creds.errors import SandboxError
from pytest_adyen_creds.secrets import Secret

KeyKind = Literal["api_keys", "client_keys"]
"""Which of a credential's keys."""

KEY_KINDS: Final[tuple[KeyKind, ...]] = ("api_keys", "client_keys")


class UserKind(StrEnum):
    """The three kinds of API user."""

    COMPANY = "company"
    BALANCE_PLATFORM = "balancePlatform"
    LEGAL_ENTITY = "legalEntityManagement"


@dataclass(frozen=True)
class Digested:
    """A key or a password by its SHA-256 digest; ``text`` is None where this process was never told it."""

    digest: bytes = field(repr=False)
    text: Secret | None = None

    @classmethod
    def of(cls, secret: Secret) -> Digested:
        """Return ``secret`` with its digest."""
        return cls(digest_of(secret.reveal()), secret)

    @property
    def secret(self) -> Secret:
        """The text itself. Raises :class:`SandboxError` where an earlier process made it."""
        if self.text is None:
            raise SandboxError("nobody knows this key or password any more: only its digest was kept; make a new one")
        return self.text

    def is_of(self, presented: str) -> bool:
        """Tell, in constant time, whether ``presented`` is the text."""
        return hmac.compare_digest(self.digest, digest_of(presented))


@dataclass(frozen=True)
class Key:
    """An API key or a client key, and when it works."""

    kept: Digested
    works_from: datetime
    expires: datetime | None = None

    @property
    def secret(self) -> Secret:
        """The key itself; raises like :attr:`Digested.secret`."""
        return self.kept.secret

    def works(self, now: datetime) -> bool:
        """Tell whether the key is accepted at ``now``."""
        return self.works_from <= now and not self.has_expired(now)

    def has_expired(self, now: datetime) -> bool:
        """Tell whether the key's time is over at ``now``."""
        return self.expires is not None and self.expires <= now


@dataclass(frozen=True)
class Origin:
    """One allowed origin of a credential."""

    id: str
    domain: str


@dataclass(frozen=True)
class Credential:
    """One API credential.

    ``home`` is the merchant account it was created at, ``None`` for the company level; ``merchants`` are the merchant
    accounts it is limited to, empty for the whole company. The newest key is the last one.
    """

    id: str
    username: str
    api_keys: tuple[Key, ...]
    client_keys: tuple[Key, ...]
    password: Digested
    kind: UserKind = UserKind.COMPANY
    home: str | None = None
    merchants: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    description: str | None = None
    active: bool = True
    allowed_ips: tuple[str, ...] = ()
    origins: tuple[Origin, ...] = ()
    subject_dn: str | None = None

    def keys(self, kind: KeyKind) -> tuple[Key, ...]:
        """Return the keys of ``kind``."""
        return self.api_keys if kind == "api_keys" else self.client_keys


class Clock:
    """A clock in UTC that can be moved forward.

    It starts at ``start`` (default: the real time) and goes on with real time, also in a test that freezes or moves
    time; with ``flowing=False`` it stands still between two calls of :meth:`advance`.
    """

    def __init__(self, start: datetime | None = None, *, flowing: bool = True) -> None:
        if start is not None and start.tzinfo is None:
            raise SandboxError("the clock's start has no time zone; give an aware datetime, for example in UTC")
        self._start = (start or clock.now()).astimezone(UTC)
        self._flowing = flowing
        self._origin = clock.monotonic()
        self._advanced = timedelta()
        self._lock = threading.Lock()
        self.on_advance: Callable[[timedelta], object] | None = None
        """Where it is set, called with how far the clock was moved in all, before it is."""

    def now(self) -> datetime:
        """Return the sandbox's current time, aware, in UTC."""
        with self._lock:
            flowed = clock.monotonic() - self._origin if self._flowing else 0.0
            return self._start + self._advanced + timedelta(seconds=flowed)

    def restore(self, advanced: timedelta) -> None:
        """Have the clock moved by ``advanced`` in all, as it was before."""
        with self._lock:
            self._advanced = advanced

    def advance(self, *, hours: float = 0, minutes: float = 0, seconds: float = 0) -> datetime:
        """Move the clock forward and return the new time; raises :class:`SandboxError` for a step backwards."""
        try:
            step = timedelta(hours=hours, minutes=minutes, seconds=seconds)
            if step < timedelta():
                raise SandboxError("the clock only moves forward; advance it by zero or more")
            with self._lock:
                # refused here rather than at the next reading
                _ = self._start + self._advanced + step + timedelta(days=366)
                if self.on_advance is not None:
                    self.on_advance(self._advanced + step)
                self._advanced += step
        except (OverflowError, ValueError):
            raise SandboxError("the clock cannot move that far; advance it by a smaller step") from None
        return self.now()


class State:
    """The sandbox's store. Whoever reads and then writes holds ``lock`` around both."""

    def __init__(self, company: str, merchants: tuple[str, ...]) -> None:
        self.company = company
        self.merchants = merchants
        self.lock = threading.RLock()
        self.on_put: Callable[[Credential], object] | None = None
        """Where it is set, called with a credential before it is stored; what it raises keeps it from being stored."""
        self._credentials: dict[str, Credential] = {}
        self._by_key: dict[tuple[KeyKind, bytes], tuple[Credential, Key]] = {}
        self._by_username: dict[str, Credential] = {}

    def put(self, credential: Credential, now: datetime) -> Credential:
        """Store ``credential`` in place of the one with its id, less the keys that expired; return what is stored."""
        kept = replace(
            credential,
            api_keys=tuple(key for key in credential.api_keys if not key.has_expired(now)),
            client_keys=tuple(key for key in credential.client_keys if not key.has_expired(now)),
        )
        with self.lock:
            if self.on_put is not None:
                self.on_put(kept)
            before = self._credentials.get(kept.id)
            for kind in KEY_KINDS:
                for key in before.keys(kind) if before else ():
                    self._by_key.pop((kind, key.kept.digest), None)
                for key in kept.keys(kind):
                    self._by_key[kind, key.kept.digest] = (kept, key)
            self._by_username[kept.username] = kept
            self._credentials[kept.id] = kept
        return kept

    def get(self, id: str) -> Credential | None:
        """Return the credential with ``id``, of whatever kind, or ``None``."""
        return self._credentials.get(id)

    def by_key(self, kind: KeyKind, presented: str) -> tuple[Credential, Key] | None:
        """Return the credential that holds the key ``presented``, and the key; ``None`` for an unknown key."""
        with self.lock:
            return self._by_key.get((kind, digest_of(presented)))

    def by_username(self, username: str) -> Credential | None:
        """Return the credential with ``username``, or ``None``."""
        with self.lock:
            return self._by_username.get(username)

    def __iter__(self) -> Iterator[Credential]:
        """Iterate over all credentials, in the order of their creation."""
        with self.lock:
            return iter(list(self._credentials.values()))


def digest_of(text: str) -> bytes:
    """Return the digest of a key or a password: what a caller presents is compared by it, and never kept."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
