"""Pseudonyms: what stands in a recording where a secret, a name or an id stood."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

_CLIENT_KEY: Final = re.compile(r"(test|live)_[A-Z0-9]+")
KEY_PSEUDONYM: Final = "PSEUDONYM"
"""What follows a key's own prefix in its pseudonym; the number comes after it."""

PASSWORD_PSEUDONYM: Final = "Pseudonym-"
"""What the pseudonym of a secret that is no key begins with; the number comes after it."""

SECRET_PSEUDONYM: Final = rf"AQE{KEY_PSEUDONYM}\d+|(?:test|live)_{KEY_PSEUDONYM}\d+|{PASSWORD_PSEUDONYM}\d+"
"""A pattern for the pseudonyms of secrets, in the syntax that RE2 has, too."""

_FORMS: Final = {
    "secret": re.compile(SECRET_PSEUDONYM),
    "account": re.compile(r"Pseudo(?:Company|Merchant|Account)\d+"),
    "user": re.compile(r"00\d{4}"),
    "username": re.compile(r"PseudoUser\d+"),
    "id": re.compile(r"S2-0{4}\d{6}"),
    "reference": re.compile(r"REQUEST\d{9}"),
    "idempotency": re.compile(r"00000000-0000-4000-8000-\d{12}|Idempotency-\d{4,}"),
    "run": re.compile(r"RUN\d{5}"),
    "number": re.compile(r"21000(?:\d{5}|\d{11})"),
}
_USED: Final = re.compile(
    r"(?P<prefix>AQEPSEUDONYM|(?:test|live)_PSEUDONYM|Pseudonym-|Pseudo(?:Company|Merchant|Account|User)|S2-(?=0000)"
    r"|REQUEST|00000000-0000-4000-8000-|Idempotency-|ws_(?=00\d{4}@)"
    r"|(?<![\w.-])21000(?=(?:\d{5}|\d{11})(?![\w.-])))(?P<number>\d+)"
)
_PLAIN: Final = {"username": ("PseudoUser", 0), "id": ("S2-", 13), "reference": ("REQUEST", 16), "run": ("RUN", 8)}
"""What pseudonyms begin with that tell nothing of their value, and how long they are, in characters; 0: any length."""
_SMALLEST_CLASS: Final = 16
_ZEROS: Final = "0" * 4096
_SAMPLES: Final = (
    *(prefix + _ZEROS for prefix in ("AQEPSEUDONYM", "test_PSEUDONYM", "live_PSEUDONYM", "Pseudonym-", "S2-")),
    *("REQUEST" + _ZEROS, "21000" + "0" * 11),
)
_LARGEST_INT32: Final = 2**31 - 1


def is_pseudonym(value: str, kind: str = "secret") -> bool:
    """Tell whether ``value`` is what a recording holds in the place of a secret, or of another ``kind``.

    Kinds are ``secret``, ``account``, ``user`` (the part of a user name between ``ws_`` and ``@``), ``username``,
    ``id``, ``reference`` (of a request), ``idempotency``, ``run`` and ``number``.
    """
    return _FORMS[kind].fullmatch(value) is not None


def holds_pseudonym(value: str) -> bool:
    """Tell whether there is a pseudonym in ``value``: it was replaced already, or a part of it was."""
    return _USED.search(value) is not None


def is_part_of_pseudonyms(value: str) -> bool:
    """Tell whether every pseudonym could hold ``value``: it is then no secret, and cannot be searched for."""
    return any(value in sample for sample in _SAMPLES)


class Pseudonyms:
    """The pseudonyms of one recording.

    Numbered by first use within their kind, so that the same recording made again has the same ones. A pseudonym is
    made of its kind, its number and a length class alone: nothing in it leads back to the value. What is a pseudonym
    already stays as it is, and its number is given to nothing else where :meth:`reserve` saw it.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], str] = {}
        self._counts: Counter[str] = Counter()
        self._taken: set[tuple[str, int]] = set()

    def reserve(self, text: str) -> None:
        """Keep the numbers of the pseudonyms in ``text`` from being given to anything else."""
        for match in _USED.finditer(text):
            self._taken.add((match["prefix"], int(match["number"][-18:])))

    def secret(self, value: str) -> str:
        """Return the pseudonym of a key or password: its prefix kept, its length rounded up to a power of two."""
        if not value:
            return value
        length = max(_SMALLEST_CLASS, 1 << (len(value) - 1).bit_length())
        prefix = "AQEPSEUDONYM" if value.startswith("AQE") else "Pseudonym-"
        if match := _CLIENT_KEY.fullmatch(value):
            prefix = f"{match[1]}_PSEUDONYM"
        return self._numbered(prefix, value, length, kind="secret")

    def account(self, name: str, level: str) -> str:
        """Return the pseudonym of an account; ``level`` is ``company``, ``merchant``, or empty where unknown."""
        return self._numbered(f"Pseudo{level.capitalize() or 'Account'}", name, 0, kind="account")

    def user(self, number: str) -> str:
        """Return the pseudonym of the part of a username between ``ws_`` and ``@``: six digits."""
        return self._numbered("ws_", number, 9, kind="user").removeprefix("ws_")

    def plain(self, value: str, kind: str) -> str:
        """Return the pseudonym of a value of ``kind``, which says nothing else.

        ``username``: a whole user name that has another form than Adyen's. ``id``: that of a credential, an origin or
        another resource, ``S2-`` and ten digits; one form for all, since ids were seen in several: nothing in a
        recording depends on how they look. ``reference``: a request's id, sixteen characters. ``run``: a run's eight
        characters in a throwaway's tag.
        """
        prefix, length = _PLAIN[kind]
        return self._numbered(prefix, value, length, kind=kind)

    def idempotency_key(self, value: str) -> str:
        """Return the pseudonym of an idempotency key: in the form of a UUID where ``value`` is one."""
        if re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", value):
            return self._numbered("00000000-0000-4000-8000-", value, 36, kind="idempotency")
        return self._numbered("Idempotency-", value, _SMALLEST_CLASS, kind="idempotency") if value else value

    def number(self, digits: str) -> str:
        """Return the digits that stand for a number: an int32 for an int32, else more than fit into one."""
        return self._numbered("21000", digits, 10 if int(digits) <= _LARGEST_INT32 else 16, kind="number")

    def _numbered(self, prefix: str, value: str, length: int, *, kind: str) -> str:
        if is_pseudonym(value, kind):
            return value
        known = self._known.get((kind, value))
        if known is None:
            # numbered per prefix; the length class pads but does not count, so two values never share a number
            number = self._counts[prefix] + 1
            while (prefix, number) in self._taken:
                number += 1
            self._counts[prefix] = number
            known = self._known[kind, value] = prefix + str(number).rjust(length - len(prefix), "0")
        return known
