"""Finding values in text in every form that they may take there, whatever their number."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Final

from pytest_adyen_creds.secrets import forms_of

_HEAD: Final = 6
"""Characters that a form is looked up by; no shorter form is searched for."""

_BREAK: Final = re.compile(r"\s*\n\s*")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{8,}={0,2}")


@lru_cache(maxsize=4096)
def _written_forms(value: str) -> tuple[str, ...]:
    # bytes that are no UTF-8 are searched as Latin-1, where a value outside ASCII looks different
    forms = set(forms_of(value))
    if not value.isascii():
        forms |= {form.encode().decode("latin-1") for form in forms}
    return tuple(forms)


class FormIndex:
    """Values that are replaced wherever they occur: raw, escaped, URL-encoded, in base64, across line breaks.

    The time taken grows with the text, not with the number of values: a text is walked once, and each place is
    looked up by its next six characters.
    """

    def __init__(self, values: Iterable[str]) -> None:
        self._heads: dict[str, list[tuple[str, str]]] = {}
        for value in sorted(values):
            for form in _written_forms(value):
                self._heads.setdefault(form[:_HEAD], []).append((form, value))
        for candidates in self._heads.values():
            # the longest first, so that a value inside a longer one leaves no remainder; ties by the value's name
            candidates.sort(key=lambda pair: (-len(pair[0]), pair))

    def __bool__(self) -> bool:
        return bool(self._heads)

    def finds(self, text: str) -> bool:
        """Tell whether any value occurs in ``text`` in any form."""
        found: list[str] = []

        def note(value: str) -> str:
            found.append(value)
            return ""

        self.replace(text, note)
        return bool(found)

    def replace(self, text: str, pseudonym: Callable[[str], str]) -> str:
        """Return ``text`` with every occurrence of a value replaced by ``pseudonym(value)``, in the form found."""
        if not self._heads or len(text) < _HEAD:
            return text
        # whole base64 tokens first: opened and closed again they still decode, torn ones would not
        text = _BASE64.sub(lambda match: self._inside_base64(match[0], pseudonym), text)
        text = self._walk(text, pseudonym)
        return self._unwrap(text, pseudonym) if "\n" in text else text

    def _walk(self, text: str, pseudonym: Callable[[str], str]) -> str:
        heads = self._heads
        places = [at for at in range(len(text) - _HEAD + 1) if text[at : at + _HEAD] in heads]
        pieces: list[str] = []
        done = 0
        for at in places:
            if at < done:
                continue
            hit = next((pair for pair in heads[text[at : at + _HEAD]] if text.startswith(pair[0], at)), None)
            if hit is not None:
                form, value = hit
                pieces += [text[done:at], pseudonym(value)]
                done = at + len(form)
        return "".join([*pieces, text[done:]]) if pieces else text

    def _inside_base64(self, token: str, pseudonym: Callable[[str], str]) -> str:
        # what stands before it in the same run of letters (a path, say) may shift where the encoding begins
        for start in range(4):
            cleaned = self._opened(token[start:], pseudonym)
            if cleaned is not None:
                return token[:start] + cleaned
        return token

    def _opened(self, token: str, pseudonym: Callable[[str], str]) -> str | None:
        body = token.rstrip("=")
        end = len(body) - (len(body) % 4 == 1)
        code, altchars = body[:end], b"-_" if "-" in body or "_" in body else None
        try:
            decoded = base64.b64decode(code + "=" * (-end % 4), altchars=altchars, validate=True).decode("latin-1")
        except binascii.Error:
            return None
        cleaned = self._walk(decoded, pseudonym)
        if cleaned == decoded:
            return None
        encoded = base64.b64encode(cleaned.encode("latin-1"), altchars=altchars).decode()
        return encoded if token.endswith("=") else encoded.rstrip("=") + body[end:]

    def _unwrap(self, text: str, pseudonym: Callable[[str], str]) -> str:
        broken: set[str] = set()

        def note(value: str) -> str:
            broken.add(value)
            return ""

        for joined in (_BREAK.sub("", text), _BREAK.sub(" ", text), text.replace("\n", "")):
            self._walk(joined, note)
        for value in sorted(broken):
            for form in sorted(_written_forms(value), key=len, reverse=True):
                pattern = r"(?:\s*\n\s*)?".join(map(re.escape, form))
                text = re.sub(pattern, lambda _, value=value: pseudonym(value), text)  # type: ignore[misc]
        return text
