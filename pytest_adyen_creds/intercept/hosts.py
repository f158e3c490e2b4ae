"""Hosts: which requests are for Adyen, and which of them a run answers or sends to its own server."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from pytest_adyen_creds.endpoints import MANAGEMENT_HOST, is_this_machine

_MANAGEMENT: Final = f"https://{MANAGEMENT_HOST}"
_CANONICAL: Final = f"{_MANAGEMENT}/"
_AUTHORITY: Final = re.compile(r"[A-Za-z+]+://[^/?#]*")
_ADYEN: Final = re.compile(r"(?:.+\.)?adyen(?:payments)?\.com\.?", re.IGNORECASE)


class Hosts:
    """Which requests are ours: those to the Management API's test host, to ``base_urls``, and to any host of Adyen."""

    def __init__(self, base_urls: Iterable[str] = ()) -> None:
        self._origins = frozenset(_origin(url) for url in (_MANAGEMENT, *base_urls))
        self._kind = lru_cache(maxsize=1024)(self._judge)

    def is_served(self, uri: str) -> bool:
        """Tell whether ``uri`` lies on the Management API's test host or one of the base URLs."""
        return self._kind(authority_of(uri)) == "served"

    def is_ours(self, uri: str) -> bool:
        """Tell whether ``uri`` lies there or on any other host of Adyen, live ones included."""
        return uri.startswith(_CANONICAL) or self._kind(authority_of(uri)) != ""

    def canonical(self, uri: str) -> str:
        """Return ``uri`` on the canonical host, where it is served."""
        if uri.startswith(_CANONICAL):  # as nearly all are
            return uri
        authority = authority_of(uri)
        return _MANAGEMENT + uri[len(authority) :] if self._kind(authority) == "served" else uri

    def _judge(self, authority: str) -> str:
        if _origin(authority) in self._origins:
            return "served"
        try:
            host = urlsplit(authority).hostname or ""
        except ValueError:
            return ""
        return "adyen" if is_host_of_adyen(host) else ""


def is_host_of_adyen(host: str) -> bool:
    """Return whether ``host`` is one of Adyen's, live ones included."""
    return _ADYEN.fullmatch(host) is not None


def authority_of(uri: str) -> str:
    """Return scheme and authority of ``uri`` as they are written."""
    match = _AUTHORITY.match(uri)
    return match[0] if match else uri


@lru_cache(maxsize=1024)
def _origin(url: str) -> tuple[str, str, int | None]:
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
        return (
            parts.scheme,
            "localhost" if is_this_machine(host) else host,
            parts.port or {"https": 443, "http": 80}.get(parts.scheme),
        )
    except ValueError:
        return "", url, None
