"""Ids and secrets: real in form, and the same for the same seed and order of creation."""

from __future__ import annotations

import hashlib
import itertools
import string
from typing import Final

from pytest_adyen_creds.secrets import Secret

_BASE64: Final = string.ascii_letters + string.digits + "+/"
_UPPER: Final = string.ascii_uppercase + string.digits
# what real keys and passwords are made of, less what a shell or a quoted header would change
_MIXED: Final = string.ascii_letters + string.digits + "!%()*,-.:;<=>?@[]^_{|}~#&"

_ID_SPACE: Final = 10**10
_ID_STEP: Final = 3_141_592_653
_USER_SPACE: Final = 900_000
_USER_STEP: Final = 271_829
"""Steps that share no factor with their space: stepping visits every number once."""


class Mint:
    """Makes ids and secrets. Each depends only on the seed, its sort, and how many of its sort came before."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._serials = {
            sort: itertools.count() for sort in ("id", "username", "apiKey", "clientKey", "password", "request")
        }
        self._id_offset = self._number("id-offset", 0) % _ID_SPACE
        self._user_offset = self._number("user-offset", 0) % _USER_SPACE

    def id(self) -> str:
        """Return a new id of a credential or an allowed origin, in the form ``S2-6262224667``."""
        serial = next(self._serials["id"])
        return f"S2-{(self._id_offset + serial * _ID_STEP) % _ID_SPACE:010d}"

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
        return Secret(f"AQE{head}==-{body}=-{tail}")

    def client_key(self) -> Secret:
        """Return a new client key: ``test_`` and 32 capitals and digits."""
        return Secret("test_" + self._text("clientKey", next(self._serials["clientKey"]), _UPPER, 32))

    def password(self) -> Secret:
        """Return a new basic-auth password: 20 mixed characters."""
        return Secret(self._text("password", next(self._serials["password"]), _MIXED, 20))

    def request_id(self) -> str:
        """Return a new request id: 16 capitals and digits, like a PSP reference."""
        return self._text("request", next(self._serials["request"]), _UPPER, 16)

    def fraction(self, sort: str, serial: int) -> float:
        """Return a number in [0, 1) for the ``serial``-th draw of ``sort``: what probabilities are decided by."""
        return self._number(sort, serial) / 2**128

    def _bytes(self, sort: str, serial: int) -> bytes:
        return hashlib.blake2b(f"{self._seed}/{sort}/{serial}".encode(), digest_size=64).digest()

    def _number(self, sort: str, serial: int) -> int:
        return int.from_bytes(self._bytes(sort, serial)[:16])

    def _text(self, sort: str, serial: int, alphabet: str, length: int) -> str:
        number = int.from_bytes(self._bytes(sort, serial) + self._bytes(f"{sort}+", serial))
        letters = []
        for _ in range(length):
            number, index = divmod(number, len(alphabet))
            letters.append(alphabet[index])
        return "".join(letters)
