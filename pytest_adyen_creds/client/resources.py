"""Resources: the 26 operations of the Management API's credential surface, as typed methods."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, Literal, cast
from urllib.parse import parse_qs, quote, urlsplit

from pytest_adyen_creds.client.errors import checked
from pytest_adyen_creds.client.models import (
    CredentialBody,
    CredentialChanges,
    NewCredential,
    OriginBody,
    Page,
    with_secrets,
)
from pytest_adyen_creds.endpoints import TEST_HOSTS
from pytest_adyen_creds.errors import ApiError
from pytest_adyen_creds.secrets import SECRETS, Secret

if TYPE_CHECKING:
    from pytest_adyen_creds.client.client import ManagementClient
    from pytest_adyen_creds.client.retry import Retries

MOST_PAGES: Final = 10_000
"""Pages that are followed before paging is given up."""


class _Resource:
    """Strictly private: a path of the API and the client that calls it.

    Every method raises :class:`ApiError` for an answer that is not a success, and what :meth:`ManagementClient.send`
    raises. A POST carries a new idempotency key unless one is given.
    """

    def __init__(self, client: ManagementClient, path: str) -> None:
        self._client = client
        self._path = path

    def _call(
        self,
        method: str,
        path: str = "",
        *,
        idempotency_key: str | None = None,
        retries: Retries | None = None,
        **request: Any,
    ) -> Any:
        headers = {"idempotency-key": idempotency_key or self._client.new_key()} if method == "POST" else None
        response = self._client.send(method, self._path + path, headers=headers, retries=retries, **request)
        return with_secrets(checked(response))

    def _body(self, method: str, path: str = "", **request: Any) -> Any:
        body = self._call(method, path, **request)
        if body is None:
            raise ApiError(f"{method} {self._path}{path} answered without a body; check what serves it")
        return body

    def _secret(self, path: str, name: str, idempotency_key: str | None) -> Secret:
        value = self._body("POST", path, idempotency_key=idempotency_key).get(name)
        if not isinstance(value, Secret):
            raise ApiError(f"POST {self._path}{path} answered without {name}; check what serves it")
        return value


class Origins(_Resource):
    """The allowed origins of a credential."""

    def list(self) -> list[OriginBody]:
        """Return all of them."""
        data = (self._call("GET") or {}).get("data")
        return cast("list[OriginBody]", data if isinstance(data, list) else [])

    def add(self, domain: str, *, idempotency_key: str | None = None) -> OriginBody:
        """Add an origin, such as ``https://www.example.com``."""
        return cast("OriginBody", self._body("POST", json={"domain": domain}, idempotency_key=idempotency_key))

    def get(self, origin_id: str) -> OriginBody:
        """Return one of them."""
        return cast("OriginBody", self._body("GET", f"/{_segment(origin_id)}"))

    def remove(self, origin_id: str) -> None:
        """Remove one of them; the guard wants it to have been read or added before."""
        self._call("DELETE", f"/{_segment(origin_id)}")


class Credentials(_Resource):
    """The credentials of one company or merchant account."""

    def __init__(self, client: ManagementClient, level: Literal["companies", "merchants"], account: str) -> None:
        super().__init__(client, f"/{level}/{_segment(account)}/apiCredentials")
        self.account = account
        self.level: Literal["company", "merchant"] = "company" if level == "companies" else "merchant"

    def list(self, page_number: int | None = None, page_size: int | None = None) -> Page:
        """Return one page: ``page_number`` from 1, ``page_size`` up to 100 (default 10)."""
        params = {"pageNumber": page_number, "pageSize": page_size}
        body = self._call("GET", params={name: value for name, value in params.items() if value is not None}) or {}
        items = body.get("data")
        return Page(
            items=tuple(item for item in items if isinstance(item, dict)) if isinstance(items, list) else (),  # type: ignore[misc]
            next_page=self._next_page(body),
        )

    def iterate(self, page_size: int = 100) -> Iterator[CredentialBody]:
        """Yield every credential, page by page, along the answers' ``next`` links.

        Of a link only the page's number is used, so no answer can send the client elsewhere; a link to another host or
        path, or to a page already read, raises :class:`ApiError`.
        """
        number: int | None = 1
        seen: set[int] = set()
        while number is not None:
            if number in seen or len(seen) >= MOST_PAGES:
                raise ApiError(f"GET {self._path}: the pages' links run in a circle at page {number}; report it")
            seen.add(number)
            page = self.list(number, page_size)
            yield from page.items
            number = page.next_page

    def create(
        self, body: NewCredential, *, idempotency_key: str | None = None, retries: Retries | None = None
    ) -> CredentialBody:
        """Create a credential; the answer is the only one that shows its ``apiKey`` and ``password``."""
        return cast("CredentialBody", self._body("POST", json=body, idempotency_key=idempotency_key, retries=retries))

    def get(self, credential_id: str, *, retries: Retries | None = None) -> CredentialBody:
        """Return one credential."""
        return cast("CredentialBody", self._body("GET", f"/{_segment(credential_id)}", retries=retries))

    def update(
        self,
        credential_id: str,
        changes: CredentialChanges,
        *,
        retries: Retries | None = None,
        not_after: float | None = None,
    ) -> CredentialBody:
        """Change a leased credential and return it; ``{}`` where the API answers without a body.

        ``retries`` and ``not_after`` (see :meth:`ManagementClient.send`) bound how late the change may still arrive,
        which matters to claims.
        """
        path = f"/{_segment(credential_id)}"
        body = self._call("PATCH", path, json=changes, retries=retries, not_after=not_after)
        return cast("CredentialBody", body or {})

    def origins(self, credential_id: str) -> Origins:
        """Return the allowed origins of one credential."""
        return Origins(self._client, f"{self._path}/{_segment(credential_id)}/allowedOrigins")

    def generate_api_key(self, credential_id: str, *, idempotency_key: str | None = None) -> Secret:
        """Return a new API key; the previous one works for 24 hours more."""
        return self._secret(f"/{_segment(credential_id)}/generateApiKey", "apiKey", idempotency_key)

    def generate_client_key(self, credential_id: str, *, idempotency_key: str | None = None) -> Secret:
        """Return a new client key; the previous one works for 24 hours more."""
        return self._secret(f"/{_segment(credential_id)}/generateClientKey", "clientKey", idempotency_key)

    def _next_page(self, body: dict[str, Any]) -> int | None:
        links = body.get("_links")
        link = links.get("next") if isinstance(links, dict) else None
        href = link.get("href") if isinstance(link, dict) else None
        if href is None:
            return None
        base = urlsplit(self._client.base_url)
        try:
            parsed = urlsplit(href)
            ours = parsed.netloc == base.netloc or (parsed.scheme == "https" and parsed.netloc in TEST_HOSTS)
            paths = [f"/{version}{self._path}" for version in ("v1", "v3")]
            numbers = parse_qs(parsed.query).get("pageNumber", [])
        except (ValueError, TypeError, AttributeError):
            ours, paths, numbers, parsed = False, [], [], base
        if (
            not ours
            or parsed.path not in paths
            or len(numbers) != 1
            or not numbers[0].isascii()
            or not numbers[0].isdigit()
        ):
            shown = SECRETS.mask(ascii(href))[:120]
            raise ApiError(f"GET {self._path}: the next link {shown} leads elsewhere; it is not followed: report it")
        return int(numbers[0][:9])


class Me(_Resource):
    """The credential that signs in."""

    def __init__(self, client: ManagementClient) -> None:
        super().__init__(client, "/me")

    def get(self) -> CredentialBody:
        """Return it."""
        return cast("CredentialBody", self._body("GET"))

    @property
    def origins(self) -> Origins:
        """Its allowed origins."""
        return Origins(self._client, "/me/allowedOrigins")

    def generate_client_key(self, *, idempotency_key: str | None = None) -> Secret:
        """Return a new client key; the previous one works for 24 hours more."""
        return self._secret("/generateClientKey", "clientKey", idempotency_key)


def _segment(value: str) -> str:
    return quote(value, safe="")
