"""Ids, keys and passwords: real in form, the same for the same seed; how they are replaced, and when they work."""

from __future__ import annotations

import hashlib
import itertools
import string
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from pytest_adyen_creds.errors import SandboxError
from pytest_adyen_creds.sandbox.rules import SPECIFICATION, Rule, implements
from pytest_adyen_creds.sandbox.state import Credential, Digested, Key, KeyKind
from pytest_adyen_creds.secrets import Secret

OVERLAP: Final = timedelta(hours=24)
"""How long a replaced key goes on working."""

_BALANCE_PLATFORM_PAGE: Final = "docs.adyen.com, API credentials for your balance platform"

API_KEY_OVERLAP: Final = Rule.documented(
    "api-keys.overlap",
    "Generating an API key answers it once; the previous key works for 24 more hours.",
    f"{SPECIFICATION}, POST …/generateApiKey",
)
CLIENT_KEY_OVERLAP: Final = Rule.documented(
    "client-keys.overlap",
    "Generating a client key answers it; the previous key works for 24 more hours.",
    f"{SPECIFICATION}, POST …/generateClientKey and POST /me/generateClientKey",
)
EARLIER_KEYS: Final = Rule.assumed(
    "api-keys.earlier-keys-keep-their-expiry",
    "A key that was replaced before keeps the expiry it had when another one is generated.",
    "the documents speak of one previous key only",
)
PROPAGATION: Final = Rule.documented(
    "api-keys.propagation",
    "A new API key or client key works only after the propagation delay (0 unless set); until then 401.",
    f"{SPECIFICATION}, POST …/generateApiKey: usable a few minutes later; the customer area page says at once",
)
SHOWN_ONCE: Final = Rule.documented(
    "api-keys.shown-once",
    "The API key and the password are in the answer that makes them, and in no later one.",
    f"{SPECIFICATION}, POST …/apiCredentials",
)
RESET_EXPIRY: Final = Rule.documented(
    "api-keys.reset-expiry",
    "In the customer area the previous key's expiry can be reset to 24 hours from now.",
    f"{_BALANCE_PLATFORM_PAGE}, on resetting the expiry time",
)
EXPIRE_NOW: Final = Rule.documented(
    "api-keys.expire-now",
    "In the customer area the previous key can be expired at once.",
    f"{_BALANCE_PLATFORM_PAGE}, on resetting the expiry time",
)
NEWEST_PREVIOUS: Final = Rule.assumed(
    "api-keys.newest-previous",
    "Where several earlier keys still work, resetting and expiring act on the one replaced last.",
    "the page speaks of one previous key only",
)
PASSWORD_AT_ONCE: Final = Rule.documented(
    "passwords.replaced-at-once",
    "A new basic-auth password, from the customer area only, disables the previous one at once.",
    f"{_BALANCE_PLATFORM_PAGE}, on generating a password",
)
PASSWORD_WORKS: Final = Rule.assumed(
    "passwords.works-at-once",
    "A new password works at once, whatever the propagation delay.",
    "the specification's delay is about API keys and client keys",
)
INACTIVE_ROTATES: Final = Rule.assumed(
    "api-keys.inactive-rotates",
    "Keys can be generated for a credential that is not active; they work once it is.",
    "nothing in the specification forbids it",
)

_BASE64: Final = string.ascii_letters + string.digits + "+/"
_UPPER: Final = string.ascii_uppercase + string.digits
_HEX: Final = "0123456789ABCDEF"
# what real keys and passwords are made of, less what a shell or a quoted header would change
_MIXED: Final = string.ascii_letters + string.digits + "!%()*,-.:;<=>?@[]^_{|}~#&"

_ID_SPACE: Final = 10**10
_ID_STEP: Final = 3_141_592_653
_USER_SPACE: Final = 900_000
_USER_STEP: Final = 271_829
"""Steps that share no factor with their space: stepping visits every number once."""


class IdGenerator(ABC):
    """Makes ids and secrets. Each depends only on the seed, its sort, and how many of its sort came before.

    No key is made that is ``given``: the sandbox holds that one already.
    """

    def __init__(self, seed: int, given: Secret | None = None) -> None:
        self._seed = seed
        self._given = given
        self._serials: dict[str, itertools.count[int]] = defaultdict(itertools.count)
        self.numbers: dict[str, int] = {
            "username": 0,
            "username-offset": self._number("user-offset", 0) % _USER_SPACE,
            "id": 0,
            "id-offset": self._number("id-offset", 0) % _ID_SPACE,
        }
        """How many ids with serial numbers were made, and where each sort starts; no secret."""

    def resume(self, numbers: Mapping[str, int]) -> None:
        """Go on after the ids with serial numbers of an earlier generator, whose ``numbers`` these are."""
        self.numbers |= numbers
        for sort in ("username", "id"):
            self._serials[sort] = itertools.count(self.numbers[sort])

    def _next_number(self, sort: str) -> int:
        serial = next(self._serials[sort])
        self.numbers[sort] = serial + 1
        return serial

    @abstractmethod
    def id(self) -> str:
        """Return a new id of a credential."""

    def origin_id(self) -> str:
        """Return a new id of an allowed origin: in the form of a credential's, unless a style has another."""
        return self.id()

    @abstractmethod
    def request_id(self) -> str:
        """Return a new request id."""

    def user_number(self) -> str:
        """Return a new number for a username: six digits, more after 900,000 of them."""
        lap, serial = divmod(self._next_number("username"), _USER_SPACE)
        offset = self.numbers["username-offset"]
        return str(100_000 + lap * _USER_SPACE + (offset + serial * _USER_STEP) % _USER_SPACE)

    def api_key(self) -> Secret:
        """Return a new API key: it starts with ``AQE`` and is about 150 characters long."""
        serial = next(self._serials["apiKey"])
        head = self._text("apiKey-head", serial, _BASE64, 83)
        body = self._text("apiKey-body", serial, _BASE64, 43)
        tail = self._text("apiKey-tail", serial, _MIXED, 16)
        made = Secret(f"AQE{head}==-{body}=-{tail}")
        # a key that an earlier sandbox of the same seed made first, and that this one was given
        return made if made != self._given else self.api_key()

    def client_key(self) -> Secret:
        """Return a new client key: ``test_`` and 32 capitals and digits."""
        return Secret("test_" + self._next("clientKey", _UPPER, 32))

    def password(self) -> Secret:
        """Return a new basic-auth password: 20 mixed characters."""
        return Secret(self._next("password", _MIXED, 20))

    def trace(self) -> str:
        """Return a new traceparent header, in the form of W3C's Trace Context."""
        digits = self._next("trace", _HEX, 48).lower()
        return f"00-{digits[:32]}-{digits[32:]}-01"

    def session(self) -> str:
        """Return a new id of an HTTP session: 32 capital hex digits."""
        return self._next("session", _HEX, 32)

    def fraction(self, sort: str, serial: int) -> float:
        """Return a number in [0, 1) for the ``serial``-th draw of ``sort``: what probabilities are decided by."""
        return self._number(sort, serial) / 2**128

    def _bytes(self, sort: str, serial: int) -> bytes:
        return hashlib.blake2b(f"{self._seed}/{sort}/{serial}".encode(), digest_size=64).digest()

    def _number(self, sort: str, serial: int) -> int:
        return int.from_bytes(self._bytes(sort, serial)[:16])

    def _next(self, sort: str, alphabet: str, length: int) -> str:
        return self._text(sort, next(self._serials[sort]), alphabet, length)

    def _text(self, sort: str, serial: int, alphabet: str, length: int) -> str:
        if alphabet == _HEX:  # a digit is four bits, so there is nothing to divide, and the first half does not count
            return self._bytes(f"{sort}+", serial).hex().upper()[: -length - 1 : -1]
        number = int.from_bytes(self._bytes(sort, serial) + self._bytes(f"{sort}+", serial))
        number %= len(alphabet) ** length  # the same letters of a shorter number, which is divided faster
        letters = []
        for _ in range(length):
            number, index = divmod(number, len(alphabet))
            letters.append(alphabet[index])
        return "".join(letters)


class PlatformIdGenerator(IdGenerator):
    """Ids in the forms that Adyen's test platform was seen to give."""

    def id(self) -> str:
        """Return a new id of a credential, in the form ``CRED42ABC12345678M0123456789AB``."""
        letters, digits, end = (
            self._next(f"id-{length}", alphabet, length)
            for alphabet, length in ((string.ascii_uppercase, 3), (string.digits, 8), (_HEX, 12))
        )
        return f"CRED42{letters}{digits}M{end}"

    def origin_id(self) -> str:
        """Return a new id of an allowed origin: ``S2-`` and 52 to 88 capital hex digits, an even number of them."""
        serial = next(self._serials["origin"])
        return f"S2-{self._text('origin', serial, _HEX, 52 + 2 * (self._number('origin-length', serial) % 19))}"

    def request_id(self) -> str:
        """Return a new request id: a UUID, ``_``, a digit, ``-``, and 16 capitals and digits that begin as it does."""
        serial = next(self._serials["request"])
        digits = self._text("request", serial, _HEX, 32).lower()
        end = digits[:8].upper() + self._text("request-end", serial, _UPPER, 8)
        return f"{UUID(digits)}_{self._number('request-digit', serial) % 3}-{end}"


class PublishedIdGenerator(IdGenerator):
    """Ids in the forms of the examples in Adyen's document."""

    def id(self) -> str:
        """Return a new id of a credential or an allowed origin, in the form ``S2-6262224667``."""
        return f"S2-{(self.numbers['id-offset'] + self._next_number('id') * _ID_STEP) % _ID_SPACE:010d}"

    def request_id(self) -> str:
        """Return a new request id: 16 capitals and digits, like a PSP reference."""
        return self._next("request", _UPPER, 16)


@dataclass(frozen=True)
class KeyService:
    """Makes and replaces the keys of credentials; ``propagation`` is how long a new key does not work yet."""

    ids: IdGenerator
    propagation: timedelta

    def __post_init__(self) -> None:
        if self.propagation < timedelta():
            raise SandboxError("the propagation delay is below zero; give zero or more")

    def new_credential(
        self, username: str, now: datetime, *, api_key: Secret | None = None, has_client_key: bool = True
    ) -> Credential:
        """Return a new credential with an id, an API key (or the one given), a client key and a password."""
        works_from = now + self.propagation
        return Credential(
            id=self.ids.id(),
            username=username,
            api_keys=(Key(Digested.of(api_key or self.ids.api_key()), works_from),),
            client_keys=(Key(Digested.of(self.ids.client_key()), works_from),) if has_client_key else (),
            password=Digested.of(self.ids.password()),
        )

    @implements(EARLIER_KEYS)
    def with_new_key(self, credential: Credential, kind: KeyKind, now: datetime) -> Credential:
        """Return ``credential`` with a new key of ``kind`` as its last one; the one before expires in 24 hours."""
        secret = self.ids.api_key() if kind == "api_keys" else self.ids.client_key()
        earlier = (key if key.expires else replace(key, expires=now + OVERLAP) for key in credential.keys(kind))
        changes: dict[str, Any] = {kind: (*earlier, Key(Digested.of(secret), now + self.propagation))}
        return replace(credential, **changes)


@implements(NEWEST_PREVIOUS)
def with_previous_expiring(credential: Credential, expires: datetime, now: datetime) -> Credential:
    """Return ``credential`` with its previous API key expiring at ``expires``.

    Raises :class:`SandboxError` where no earlier key is still working.
    """
    *earlier, newest = credential.api_keys
    index = next((i for i in reversed(range(len(earlier))) if not earlier[i].has_expired(now)), None)
    if index is None:
        raise SandboxError(f"{credential.id} has no previous API key that still works; generate a new one first")
    earlier[index] = replace(earlier[index], expires=expires)
    return replace(credential, api_keys=(*earlier, newest))
