"""Secrets that show themselves only on request, and the registry that finds and masks them in any text."""

from __future__ import annotations

import base64
import hmac
import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple, NoReturn, Self

from pytest_adyen_creds.secrets.unescaping import unescaped, unescaped_views
from pytest_adyen_creds.text import unescape_pointer

MASK: Final = "[masked]"
"""What stands in a masked text where a secret stood."""

_SHORTEST: Final = 6
"""A shorter value is not registered: masking it would tear ordinary words apart."""

_FRAGMENT: Final = 8
"""Characters of a secret beside an ellipsis that are masked: what is left of it where a tool cut it short."""

_PIECE: Final = 10
"""Characters of a secret in a row that are masked wherever they stand: whatever cut it short."""

_WORDS: Final = re.compile(r"(?:[A-Z]*[a-z]*[^A-Za-z0-9])*[A-Z]*[a-z]*")
"""Words, which a secret may share with any text."""

_VARIED: Final = 0.8
"""How much of a secret must not be there twice for its pieces to tell of it."""

_BASE64: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_")
_ELLIPSIS: Final = re.compile(r"(?:\.{3,}|…|\[\d{1,9} chars\])+")
_IN_ELLIPSIS: Final = ("...", "…", " chars]")
"""What each ellipsis has in it: looked for first, since few texts have one."""

Span = tuple[int, int, str]
"""Where a secret starts and ends in a text, and the secret itself."""


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
        return hmac.compare_digest(_bytes(self._value), _bytes(other._value))

    def __hash__(self) -> int:
        return hash(self._value)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret cannot be pickled or copied to another process; pass the object that holds it")


class _Form(NamedTuple):
    """One spelling of the secret ``value``, and whether base64 shows bits of it in the characters beside it."""

    text: str
    value: str
    before: bool = False
    after: bool = False


class _Index:
    """Finds any of many forms in a text by looking up one gram in every ``stride`` characters.

    Each form is filed under ``stride`` grams in a row, so that one of them lies on a multiple of ``stride`` wherever
    the form stands. A gram says where in a form it starts, and how long the form is; whether that form is there is one
    look-up more: it takes as long for many that share a gram as for one.
    """

    def __init__(self, gram: int, stride: int) -> None:
        self._gram = gram
        self._stride = stride
        self._shapes: dict[str, dict[tuple[int, int], None]] = {}
        self._forms: dict[str, list[_Form]] = {}

    @property
    def shortest(self) -> int:
        """Characters that a form must have to be filed here."""
        return self._gram + self._stride - 1

    def add(self, form: _Form) -> None:
        """File ``form``."""
        text, length = form.text, len(form.text)
        alike = self._forms.setdefault(text, [])
        alike.append(form)
        if len(alike) > 1:
            return
        # the middle: beginnings are often alike
        offset = (length - self.shortest) // 2
        for start in range(offset, offset + self._stride):
            self._shapes.setdefault(text[start : start + self._gram], {})[start, length] = None

    def find(self, text: str) -> list[Span]:
        """Return the spans of ``text`` where a form stands, each with the secret that it is a form of."""
        shapes, gram = self._shapes, self._gram
        if not shapes:
            return []
        hits = [at for at in range(0, len(text) - gram + 1, self._stride) if text[at : at + gram] in shapes]
        spans = []
        for at in hits:
            for offset, length in tuple(shapes[text[at : at + gram]]):
                start, end = at - offset, at - offset + length
                for form in self._forms.get(text[start:end], ()) if start >= 0 else ():
                    first = start - (form.before and start > 0 and text[start - 1] in _BASE64)
                    last = end + (form.after and end < len(text) and text[end] in _BASE64)
                    spans.append((first, last, form.value))
        return spans


class _Pieces:
    """Finds any ``_PIECE`` characters in a row of a secret in a text by looking up one gram in every ``_STRIDE``.

    What repeats itself (a pseudonym, say) tells nothing by its pieces, and neither do a few characters over and over.
    """

    _GRAM: Final = 6
    _STRIDE: Final = _PIECE - _GRAM + 1
    _MOST: Final = 8
    """How many secrets are filed under a gram: what more of them share tells none of them apart."""

    def __init__(self) -> None:
        self._filed: dict[str, tuple[tuple[str, str], ...]] = {}

    def add(self, text: str, value: str) -> None:
        """File ``text``, which is the secret ``value`` or what is left of it without space."""
        new = ((text, value),)
        grams = [text[start : start + self._GRAM] for start in range(len(text) - self._GRAM + 1)]
        if len(set(grams)) < len(grams) * _VARIED:
            return
        for gram in grams:
            there = self._filed.get(gram)
            if there is None:
                self._filed[gram] = new
            elif len(there) < self._MOST and new[0] not in there:
                self._filed[gram] = there + new

    def find(self, text: str) -> list[Span]:
        """Return the spans of ``text`` where a piece of a secret stands, each with the secret."""
        filed, gram = self._filed, self._GRAM
        spans: list[Span] = []
        done = 0
        for at in range(0, len(text) - gram + 1, self._STRIDE):
            if (found := text[at : at + gram]) not in filed or at + gram <= done:
                continue
            for secret, value in filed[found]:
                start, end = self._extended(text, at, secret, found)
                piece = text[start:end]
                if len(piece) >= _PIECE and len(set(piece)) >= _PIECE // 2 and not _WORDS.fullmatch(piece):
                    spans.append((start, end, value))
                    done = max(done, end)
        return spans

    def _extended(self, text: str, at: int, secret: str, found: str) -> tuple[int, int]:
        """Return the longest span around ``found`` at ``at`` that stands in ``secret``, too."""
        longest = (at, at)
        inside = secret.find(found)
        while inside >= 0:
            start, end = at, at + len(found)
            while start > 0 and at - start < inside and text[start - 1] == secret[inside - (at - start) - 1]:
                start -= 1
            while end < len(text) and end - at + inside < len(secret) and text[end] == secret[end - at + inside]:
                end += 1
            longest = max(longest, (start, end), key=lambda span: span[1] - span[0])
            inside = secret.find(found, inside + 1)
        return longest


class SecretRegistry:
    """The secrets that this process has met, and the masking of them in any text. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._values: set[str] = set()
        self._spaced = False
        self._longest = 0
        self._indexes = (_Index(8, 8), _Index(6, 4), _Index(_SHORTEST, 1))
        self._pieces = _Pieces()
        self._heads: dict[str, list[_Form]] = {}
        self._tails: dict[str, list[_Form]] = {}

    def add(self, value: str) -> None:
        """Register ``value``; from now on :meth:`mask` replaces it in every form it is known to take."""
        if len(value) < _SHORTEST or value in self._values:
            return
        with self._lock:
            if value in self._values:
                return
            self._file(value, value)
            if any(char.isspace() for char in value):
                self._spaced = True
                self._file("".join(value.split()), value)
            self._values.add(value)

    def _file(self, spelled: str, value: str) -> None:
        self._pieces.add(spelled, value)
        known = set()
        for form in _spellings(spelled, value):
            if len(form.text) >= _SHORTEST and form.text not in known:
                known.add(form.text)
                next(index for index in self._indexes if len(form.text) >= index.shortest).add(form)
                if len(form.text) > _FRAGMENT:
                    self._heads.setdefault(form.text[:_FRAGMENT], []).append(form)
                    self._tails.setdefault(form.text[-_FRAGMENT:], []).append(form)
                    self._longest = max(self._longest, len(form.text))

    def values(self) -> frozenset[str]:
        """Return the registered secrets themselves, for the scrubbing of cassettes; never print or store them."""
        with self._lock:
            return frozenset(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def mask(self, text: str) -> str:
        """Return ``text`` with each registered secret replaced by :data:`MASK`.

        Found raw, JSON-escaped, in a repr, URL-encoded, as HTML entities, in hex, in base64 at any alignment (so within
        basic auth too), in base32 and base85, in any three of these upon each other, and broken by line wraps with
        indentation or the prefixes of pytest; and where a tool cut it short, what is left of it: beside an ellipsis, or
        ten characters in a row that are no words.
        """
        return replaced(text, apart(self.find(text)), lambda _: MASK)

    def find(self, text: str) -> set[Span]:
        """Return where :meth:`mask` masks, and which secret each span holds; spans may overlap. Never print it."""
        if not self._values or not text:
            return set()
        return {
            (*view.origin(start, end), value)
            for view in unescaped_views(text, without_space=self._spaced)
            for start, end, value in self._find(view.text)
        }

    def _find(self, text: str) -> list[Span]:
        spans = [span for index in (*self._indexes, self._pieces) for span in index.find(text)]
        if any(part in text for part in _IN_ELLIPSIS):
            cuts = [cut.span() for cut in _ELLIPSIS.finditer(text)]
            ends = [0, *(end for _, end in cuts)]
            starts = [*(start for start, _ in cuts[1:]), len(text)]
            for (start, end), first, last in zip(cuts, ends, starts, strict=False):
                spans += self._fragments(text, first, start, end, last)
        return spans

    def _fragments(self, text: str, first: int, start: int, end: int, last: int) -> Iterator[Span]:
        """Yield what stands of a secret between ``first`` and an ellipsis, and between the ellipsis and ``last``."""
        first, last = max(first, start - self._longest), min(last, end + self._longest)
        first = max(first, *(text.rfind(space, first, start) + 1 for space in " \n\t"))
        for at in range(first, start - _FRAGMENT + 1):
            for form in self._heads.get(text[at : at + _FRAGMENT], ()):
                if form.text.startswith(text[at:start]):
                    yield at, start, form.value
        for at in range(end + _FRAGMENT, last + 1):
            if text[at - 1].isspace():
                break
            for form in self._tails.get(text[at - _FRAGMENT : at], ()):
                if form.text.endswith(text[end:at]):
                    yield end, at, form.value


def _spellings(given: str, value: str) -> Iterator[_Form]:
    """Yield the forms of ``given``, which is ``value`` or what is left of it, that no view of a text leads back to."""
    raw = _bytes(given)
    for spelled in {given, given.replace(" ", "+")}:  # with plus signs: URL-encoded as a form
        for text in (spelled, _bytes(spelled).decode("latin-1")):  # UTF-8, byte by byte
            yield _Form(text, value)
            yield from (_Form(left, value) for left in unescaped(text))
    yield _Form(raw.hex(), value)
    yield _Form(raw.hex().upper(), value)
    for within in {raw, _bytes(json.dumps(given)[1:-1]), _bytes(json.dumps(given, ensure_ascii=False)[1:-1])}:
        for lead in range(3):
            # what base64 shows of the value whatever stands before and after it
            encoded = base64.b64encode(b"\0" * lead + within).decode()
            bits = 8 * (lead + len(within))
            inner = encoded[-(-8 * lead // 6) : bits // 6]
            for form in (inner, inner.replace("+", "-").replace("/", "_")):
                yield _Form(form, value, before=lead > 0, after=bits % 6 > 0)
    for lead in range(5):
        yield _Form(
            base64.b32encode(b"\0" * lead + raw).decode()[-(-8 * lead // 5) : 8 * (lead + len(raw)) // 5], value
        )
    for lead in range(4):
        whole = raw[lead : lead + (len(raw) - lead) // 4 * 4]  # four bytes are five characters, whatever is beside them
        for encode in (base64.b85encode, base64.a85encode):  # of git and Python, and of Adobe
            yield _Form(encode(whole).decode(), value)


def apart(spans: Iterable[Span]) -> list[Span]:
    """Return ``spans`` in order, overlapping ones as one: that of the longest of them."""
    found: list[Span] = []
    longest = 0
    for start, end, value in sorted(spans):
        if not found or start >= found[-1][1]:
            found.append((start, end, value))
            longest = end - start
        else:
            first, last, known = found[-1]
            found[-1] = first, max(last, end), value if end - start > longest else known
            longest = max(longest, end - start)
    return found


def replaced(text: str, spans: Iterable[Span], stand_in: Callable[[str], str]) -> str:
    """Return ``text`` with ``stand_in(secret)`` in the place of each of ``spans``, which are in order and apart."""
    parts, done = [], 0
    for start, end, value in spans:
        parts += [text[done:start], stand_in(value)]
        done = end
    return "".join([*parts, text[done:]]) if parts else text


def _bytes(value: str) -> bytes:
    return value.encode("utf-8", "surrogatepass")


SECRETS: Final = SecretRegistry()
"""The registry of this process: every :class:`Secret` registers itself here."""


def mask_text(text: str) -> str:
    """Return ``text`` masked, also where a secret stands in it as a part of a JSON Pointer."""
    if "~" in text:
        unescaped = unescape_pointer(text)
        masked = SECRETS.mask(unescaped)
        if masked != unescaped:
            return masked
    return SECRETS.mask(text)
