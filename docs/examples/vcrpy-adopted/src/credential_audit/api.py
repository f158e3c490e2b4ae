"""The calls of the Management API that the audit needs, with requests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

import requests

TEST: Final = "https://management-test.adyen.com/v3"
PAGE_SIZE: Final = 2


@dataclass(frozen=True)
class Credential:
    """An API credential as lists show it."""

    username: str
    description: str
    roles: tuple[str, ...]
    allowed_addresses: tuple[str, ...]
    is_active: bool

    @classmethod
    def of(cls, body: dict[str, Any]) -> Self:
        """Return what an answer shows; what it may leave out has a default."""
        return cls(
            body["username"],
            body.get("description", ""),
            tuple(body["roles"]),
            tuple(body.get("allowedIpAddresses", ())),
            body["active"],
        )


@dataclass(frozen=True)
class NewCredential:
    """A credential that was made just now. Its key is shown this once."""

    username: str
    api_key: str = field(repr=False)


class Api:
    """The Management API of a company, asked with ``api_key``; raises what requests raises."""

    def __init__(self, company: str, api_key: str, url: str = TEST) -> None:
        self._credentials = f"{url}/companies/{company}/apiCredentials"
        self._url = url
        self._session = requests.Session()
        self._session.headers["X-API-Key"] = api_key

    def credentials(self) -> Iterator[Credential]:
        """Yield all credentials, page by page."""
        page, pages = 1, 1
        while page <= pages:
            answer = self._ask("GET", self._credentials, params={"pageNumber": page, "pageSize": PAGE_SIZE})
            yield from map(Credential.of, answer.get("data", ()))
            page, pages = page + 1, answer["pagesTotal"]

    def create(self, roles: Sequence[str], description: str) -> NewCredential:
        """Make a credential."""
        made = self._ask("POST", self._credentials, json={"roles": list(roles), "description": description})
        return NewCredential(made["username"], made["apiKey"])

    def me(self) -> Credential:
        """Return the credential that the key belongs to."""
        return Credential.of(self._ask("GET", f"{self._url}/me"))

    def _ask(self, method: str, url: str, **what: Any) -> dict[str, Any]:
        answer = self._session.request(method, url, timeout=10, **what)
        answer.raise_for_status()
        body: dict[str, Any] = answer.json()
        return body
