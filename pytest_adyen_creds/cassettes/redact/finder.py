"""The secret finder: keys, names and ids in a text by what they look like, and known values in all their spellings."""

from __future__ import annotations

import base64
import math
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from pytest_adyen_creds.cassettes.redact.fields import Kind, is_id
from pytest_adyen_creds.cassettes.redact.pseudonyms import KEY_PSEUDONYM, is_part_of_pseudonyms
from pytest_adyen_creds.secrets import MASK, SECRETS, SecretRegistry
from pytest_adyen_creds.secrets.registry import Span, apart, replaced
from pytest_adyen_creds.secrets.unescaping import unescaped_views


@dataclass(frozen=True, slots=True)
class KeyForm:
    """What a key of Adyen's looks like: ``prefix``, then ``rest``, both in the syntax that RE2 has, too."""

    prefix: str
    rest: str
    apart: bool = True
    """No letter and no digit stands before it."""


KEY_FORMS: Final = {
    # a real one has two further parts, parted by dashes; what stands in them is as secret
    "an API key": KeyForm(
        "AQE",
        r"[A-Za-z0-9+/]{20,}(?:={0,2}-[A-Za-z0-9+/]+={0,2}(?:-[^\s\"'\\<>&/?#]{1,16})?)?",
        apart=False,
    ),
    "a live client key": KeyForm("live_", "[A-Z0-9]{16,}"),
    "a client key": KeyForm("test_", "[A-Z0-9]{16,}"),
}
KEYS: Final = {
    what: re.compile(f"{'(?<![A-Za-z0-9])' if form.apart else ''}{form.prefix}(?!{KEY_PSEUDONYM}){form.rest}")
    for what, form in KEY_FORMS.items()
}
"""What Adyen's keys look like, by what they are called; pseudonyms do not."""

_ACCOUNT: Final = r"(?:(?=[\w.-]*[A-Za-z])\w[\w.-]*\w|\d{4,})"
_TAG: Final = r"(?P<tag>pytest-adyen-creds )(?P<run>\S{8}) exp \d{4}-\d\d-\d\dT\d\d:\d\dZ"
_USERNAME: Final = (
    r"(?<![\w.+-])(?P<local>ws|[\w.+-]{1,64})(?P<at>@|%40)"
    rf"(?P<scope>(?:Company|BalancePlatform|Scope)\.(?:Company_)?)(?P<owner>{_ACCOUNT})"
)
_PATH: Final = rf"(?P<path>/(?:companies|merchants)/)(?P<holder>{_ACCOUNT})(?=[/?#\"'\s]|$)"
_RESOURCE: Final = r"(?P<resource>/(?:apiCredentials|allowedOrigins)/)(?P<of>(?=[\w-]*\d)[\w-]{4,200})(?=[/?#\"'\s]|$)"
# as the platform was seen to write them: of credentials and other resources, older ones and origins, and of requests
_ID: Final = r"\b(?P<id>S2-[0-9A-Za-z]{4,}|[A-Z]{4}\d\d[0-9A-Z]{14,34})\b"
_REQUEST: Final = r"\b(?P<request>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}_\d+-[0-9A-Z]{12,24})\b"
KNOWN_FORMS: Final = re.compile("|".join((_TAG, _USERNAME, _PATH, _RESOURCE, _REQUEST, _ID)), re.ASCII)
"""Names and ids by what they look like, in any text: user names, paths, ids, and the runs in throwaways' tags."""

_NAME: Final = re.compile(r"(?=.*[^\W\d_])\w[^\x00-\x1f\x7f]*[\w.)!]|\d{4,}")
ORDINARY: Final = frozenset(
    {"null", "none", "true", "false", "string", "undefined", "test", "live", "adyen", "company"}
)
"""Words that also stand in sentences: never searched for elsewhere."""

_SHORTEST: Final = 21
_ENCODED: Final = re.compile(r"[A-Za-z0-9+/_-]{24,}")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{8,}={0,2}")
_DEEPEST_BRANCH: Final = 40
_ESCAPES: Final = "%\\&"


class Finder:
    """Finds ``values`` wherever a text holds them, as :meth:`SecretRegistry.mask` does, and replaces them.

    ``registry`` is searched for those of them that it knows already: it has done the work of looking them up.
    """

    def __init__(self, values: Iterable[str], registry: SecretRegistry) -> None:
        self._values: frozenset[str] = frozenset()
        self._registry, self._others = registry, SecretRegistry()
        self.add(values)

    def add(self, values: Iterable[str]) -> None:
        """Find ``values``, too."""
        self._values = self._values.union(values)
        for value in self._values - self._registry.values():
            self._others.add(value)
        self._registries = [each for each in (self._registry, self._others) if len(each)]
        # no spelling of a value is shorter than it is without white space
        self._shortest = min((len("".join(value.split())) for value in self._values), default=math.inf)

    def find(self, text: str) -> list[Span]:
        """Return the spans of ``text`` that hold one of the values, in order, none overlapping another."""
        found = {
            (start, end, value)
            for each in self._registries
            for start, end, value in each.find(text)
            # a piece of a secret that pseudonyms hold, too, such as ten zeros, is none of it
            if value in self._values and not is_part_of_pseudonyms(text[start:end])
        }
        return apart(found)

    def replace(self, text: str, pseudonym: Callable[[str], str]) -> str:
        """Return ``text`` with every occurrence of a value replaced by ``pseudonym(value)``."""
        if len(text) < self._shortest:
            return text
        if text in self._values:
            return pseudonym(text)
        # whole base64 tokens first: opened and closed again they still decode, torn ones would not
        spans = self.find(text)
        opened = _BASE64.sub(lambda match: self._inside_base64(match, spans, pseudonym), text)
        return replaced(opened, spans if opened == text else self.find(opened), pseudonym)

    def _inside_base64(self, match: re.Match[str], spans: list[Span], pseudonym: Callable[[str], str]) -> str:
        token = match[0]
        nearest = bisect_right(spans, match.start(), key=lambda span: span[1])
        shows = nearest < len(spans) and spans[nearest][0] < match.end()
        # what stands before it in the same run of letters (a path, say) may shift where the encoding begins
        for start in range(4):
            cleaned = self._opened(token[start:], shows, pseudonym)
            if cleaned is not None:
                return token[:start] + cleaned
        return token

    def _opened(self, token: str, shows: bool, pseudonym: Callable[[str], str]) -> str | None:
        body = token.rstrip("=")
        end = len(body) - (len(body) % 4 == 1)
        decoded = _decoded(body[:end])
        if not shows and not any(mark in decoded for mark in _ESCAPES):
            return None
        cleaned = replaced(decoded, self.find(decoded), pseudonym)
        if cleaned == decoded:
            return None
        altchars = b"-_" if "-" in body or "_" in body else None
        encoded = base64.b64encode(cleaned.encode("latin-1"), altchars=altchars).decode()
        return encoded if token.endswith("=") else encoded.rstrip("=") + body[end:]


def names_in(text: str) -> Iterator[tuple[Kind, str]]:
    """Yield what ``text`` shows of names and ids by :data:`KNOWN_FORMS`; of a user name, what is before its company."""
    for match in KNOWN_FORMS.finditer(text):
        if match["owner"]:
            yield "username", f"{match['local']}@"
            yield "company" if "Company" in match["scope"] else "account", match["owner"]
        elif match["holder"]:
            yield "company" if match["path"] == "/companies/" else "merchant", match["holder"]
        elif match["id"] or match["of"]:
            yield "id", match["id"] or match["of"]
        elif match["request"]:
            yield "reference", match["request"]


def may_be(value: str, kind: Kind) -> bool:
    """Tell whether the whole ``value`` of a field of ``kind`` may be one; generated requests have others."""
    match kind:
        case "secret" | "reference":
            return True
        case "id":
            return is_id(value)
        case "username":
            is_user = len(value) >= 3 and value.isprintable() and value.lower() not in ORDINARY
            return is_user and not KNOWN_FORMS.fullmatch(value)
    return _NAME.fullmatch(value) is not None


def keys_in(text: str) -> set[str]:
    """Return what looks like a key of Adyen's in ``text``, whatever it was escaped or encoded with."""
    if len(text) < _SHORTEST:
        return set()
    searches = (find_keys, find_keys_in_base64)
    return {key for view in unescaped_views(text) for search in searches for _, _, key in search(view.text)}


def masked(text: str) -> str:
    """Return ``text`` without the secrets that this process knows, and without what looks like a key of Adyen's."""
    shown = SECRETS.mask(text)
    if keys := keys_in(shown):  # what nobody was given
        shown = Finder(keys, SECRETS).replace(shown, lambda _: MASK)
    return shown


def find_keys(text: str) -> Iterator[tuple[re.Match[str], str, str]]:
    """Yield each match in ``text``, unescaped, that looks like a key of Adyen's, what it is called, and the key."""
    for what, pattern in KEYS.items():
        for match in pattern.finditer(text):
            yield match, what, match[0]


def find_keys_in_base64(text: str) -> Iterator[tuple[re.Match[str], str, str]]:
    """Yield like :func:`find_keys` what holds a key in base64, wherever in the match that begins."""
    for match in _ENCODED.finditer(text):
        for start in range(4):
            code = match[0][start:]
            for _, what, key in find_keys(_decoded(code[: len(code) - (len(code) % 4 == 1)])):
                yield match, f"{what} in base64", key


def _decoded(code: str) -> str:
    """Return what ``code`` says, base64 of either alphabet, whether padded or not."""
    return base64.b64decode(code.replace("-", "+").replace("_", "/") + "==").decode("latin-1")


def any_of(values: Iterable[str]) -> str:
    """Return a pattern for any of ``values``, the longest of those that fit first.

    Grouped by their first characters, so that many of them take no longer than few.
    """
    return _branches(sorted(set(values), key=lambda value: (-len(value), value)), 0) or "(?!)"


def _branches(values: list[str], at: int) -> str:
    """Return a pattern for what stands in any of ``values`` from ``at``; before it they are alike."""
    if len(values) <= 8 or at == _DEEPEST_BRANCH:
        return "|".join(re.escape(value[at:]) for value in values)
    groups: dict[str, list[str]] = {}
    for value in values:
        groups.setdefault(value[at : at + 1], []).append(value)
    return "|".join(f"{re.escape(first)}(?:{_branches(group, at + 1)})" for first, group in groups.items())
