"""The allowed origins of a client key, at Adyen: three requests, each safe to send again."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

import httpx

UNPROCESSABLE: Final = 422
_PORTS: Final = {"http": 80, "https": 443}


class OriginRefused(Exception):
    """Adyen does not take this origin."""


class AdyenUnavailable(Exception):
    """No answer, or none that decides anything: the next sync tries again."""


@dataclass(frozen=True)
class AllowedOrigin:
    """An origin as Adyen lists it; ``origin`` is written as :func:`canonical` writes it."""

    id: str
    origin: str


def canonical(text: str) -> str:
    """Return an origin in small letters and without its scheme's own port; raises :class:`ValueError` for none."""
    parts = urlsplit(text.strip().lower())
    if parts.scheme not in _PORTS or not parts.hostname or parts.path or parts.query or parts.fragment:
        raise ValueError("an origin is like https://shop.example.com")
    if parts.username is not None or parts.password is not None:
        raise ValueError("an origin names nobody")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = "" if parts.port in (None, _PORTS[parts.scheme]) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


class AllowedOrigins:
    """The allowed origins of the credential that ``api_key`` belongs to. Close it, or use it in a ``with`` block."""

    def __init__(self, base_url: str, api_key: str) -> None:
        self._http = httpx.Client(base_url=base_url, headers={"X-API-Key": api_key}, timeout=10)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._http.close()

    def all(self) -> list[AllowedOrigin]:
        """Return those that there are."""
        answer = self._ask("GET", "/me/allowedOrigins")
        listed = answer.json().get("data") or [] if answer.content else []
        return [AllowedOrigin(each["id"], _read(each["domain"])) for each in listed]

    def add(self, origin: str) -> None:
        """Add one; one that is there already stays. Raises :class:`OriginRefused` for one that Adyen does not take.

        Adyen has one error code for an origin that is there and one that cannot be, so the list decides.
        """
        answer = self._ask("POST", "/me/allowedOrigins", {"domain": origin})
        if answer.status_code == UNPROCESSABLE and all(each.origin != origin for each in self.all()):
            raise OriginRefused(str(answer.json().get("title", "")))

    def remove(self, origin: str) -> None:
        """Remove one; one that is not there is none to remove."""
        for each in self.all():
            if each.origin == origin:
                self._ask("DELETE", f"/me/allowedOrigins/{each.id}")

    def _ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        try:
            answer = self._http.request(method, path, json=body)
        except httpx.TransportError as error:
            raise AdyenUnavailable(f"{method} {path}: {type(error).__name__}") from error
        if answer.is_success or answer.status_code == UNPROCESSABLE:
            return answer
        raise AdyenUnavailable(f"{method} {path}: {answer.status_code}")


def _read(domain: str) -> str:
    try:
        return canonical(domain)
    except ValueError:  # what somebody wrote in the Customer Area is not ours to mend
        return domain
