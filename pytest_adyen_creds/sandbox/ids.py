"""Ids and secrets: real in form, and the same for the same seed and order of creation."""

from __future__ import annotations

import hashlib
import itertools
import string
from abc import ABC, abstractmethod
from collections import defaultdict
from typing import Final

from pytest_adyen_creds.secrets import Secret

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
        self._user_offset = self._number("user-offset", 0) % _USER_SPACE

    @abstractmethod
    def id(self) -> str:
        """Return a new id of a credential."""

    @abstractmethod
    def origin_id(self) -> str:
        """Return a new id of an allowed origin."""

    @abstractmethod
    def request_id(self) -> str:
        """Return a new request id."""

    def user_number(self) -> str:
        """Return a new number for a username: six digits, more after 900,000 of them."""
        lap, serial = divmod(next(self._serials["username"]), _USER_SPACE)
        return str(100_000 + lap * _USER_SPACE + (self._user_offset + serial * _USER_STEP) % _USER_SPACE)

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
        digits = self._next("trace", _HEX.lower(), 48)
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
        number = int.from_bytes(self._bytes(sort, serial) + self._bytes(f"{sort}+", serial))
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
        digits = self._text("request", serial, _HEX.lower(), 32)
        parts = (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])
        end = digits[:8].upper() + self._text("request-end", serial, _UPPER, 8)
        return f"{'-'.join(parts)}_{self._number('request-digit', serial) % 3}-{end}"


class PublishedIdGenerator(IdGenerator):
    """Ids in the forms of the examples in Adyen's document."""

    def id(self) -> str:
        """Return a new id of a credential or an allowed origin, in the form ``S2-6262224667``."""
        offset = self._number("id-offset", 0)
        return f"S2-{(offset + next(self._serials['id']) * _ID_STEP) % _ID_SPACE:010d}"

    def origin_id(self) -> str:
        """Return a new id of an allowed origin, in the form of a credential's."""
        return self.id()

    def request_id(self) -> str:
        """Return a new request id: 16 capitals and digits, like a PSP reference."""
        return self._next("request", _UPPER, 16)
