"""Secrets: values that show themselves only on request, and the masking of everything else."""

from __future__ import annotations

import base64
import hmac
import json
import re
from typing import Final, NoReturn
from urllib.parse import quote, quote_plus

MASK: Final = "[masked]"
"""What stands in a masked text where a secret stood."""

_SHORTEST: Final = 6
"""A shorter value is not registered: masking it would tear ordinary words apart."""


class Secret:
    """A value that is shown only by :meth:`reveal`; its repr, str, format and pickle never hold it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value
        SECRETS.add(value)

    def reveal(self) -> str:
        """Return the value itself."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret cannot be pickled or copied to another process; pass the object that holds it")


class SecretRegistry:
    """The secrets that this process has met, and the masking of them in any text."""

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def add(self, value: str) -> None:
        """Register ``value``; from now on :meth:`mask` replaces it in every form it is known to take."""
        if len(value) >= _SHORTEST and value not in self._values:
            self._values.add(value)
            self._pattern = None

    def values(self) -> frozenset[str]:
        """Return the registered secrets themselves, for the scrubbing of cassettes; never print or store them."""
        return frozenset(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def mask(self, text: str) -> str:
        """Return ``text`` with each registered secret replaced by :data:`MASK`.

        Found raw, JSON-escaped, URL-encoded, in base64 at any alignment, and broken by line wraps.
        """
        if not self._values or not text:
            return text
        if self._pattern is None:
            forms = {form for value in self._values for form in forms_of(value)}
            # the longest form first, so that a secret inside a longer one leaves no remainder
            self._pattern = re.compile("|".join(map(_wrappable, sorted(forms, key=len, reverse=True))))
        return self._pattern.sub(MASK, text)


def forms_of(value: str) -> set[str]:
    """Return the forms in which ``value`` may occur in a text: raw, escaped, URL-encoded, base64."""
    raw = value.encode()
    forms = {
        value,
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        repr(value)[1:-1],
        quote(value, safe=""),
        quote(value),
        quote_plus(value),
    }
    for lead in range(3):
        # what base64 shows of the value whatever stands before and after it
        encoded = base64.b64encode(b"\0" * lead + raw).decode()
        inner = encoded[(0, 2, 3)[lead] : len(encoded) - (4 if (lead + len(raw)) % 3 else 0)]
        forms |= {inner, inner.replace("+", "-").replace("/", "_")}
    return {form for form in forms if len(form) >= _SHORTEST}


def _wrappable(form: str) -> str:
    return r"(?:\r?\n[ \t]*)?".join(map(re.escape, form))


SECRETS: Final = SecretRegistry()
"""The registry of this process: every :class:`Secret` registers itself here."""
