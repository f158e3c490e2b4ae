"""The client of the Management API and its 26 operations, typed: only its transport differs from mode to mode."""

from __future__ import annotations

import base64
import json as jsonlib
import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from types import EllipsisType
from typing import Any, Final, Self, cast
from urllib.parse import parse_qs, quote, urlsplit

import httpx

from pytest_adyen_creds.client.errors import checked
from pytest_adyen_creds.client.models import (
    CredentialBody,
    CredentialChanges,
    NewCredential,
    OriginBody,
    Page,
    with_secrets,
)
from pytest_adyen_creds.client.ownership import Ownership
from pytest_adyen_creds.client.parsing import Level, objects_in, path_of
from pytest_adyen_creds.client.retry import Clock, RateLimit, Result, Retries
from pytest_adyen_creds.client.transports import TIMEOUT, GuardedTransport, Network, NoCookies, Observer
from pytest_adyen_creds.endpoints import TEST_HOSTS, check_endpoint
from pytest_adyen_creds.errors import AdyenCredsError, ApiError, EndpointRefused, SettingsError
from pytest_adyen_creds.secrets import SECRETS, Secret
from pytest_adyen_creds.text import counted

MOST_PAGES: Final = 1_000
"""Pages that are followed before paging is given up: 100,000 credentials of 100 a page."""

LARGEST_LISTING: Final = 64 * 1024 * 1024
"""Bytes that the pages of one listing may have together."""

LISTING_TAKES: Final = 600.0
"""Seconds that following the pages of one listing may take."""


Auth = Secret | tuple[str, Secret] | None | EllipsisType


class ManagementClient:
    """The 26 operations, typed, and :meth:`send` for any request; both guards stand before every one of them.

    ``base_url`` ends in ``/v1`` or ``/v3``. ``api_key`` signs requests in. ``transport`` (default: the network) is what
    the guards let requests through to. Redirects are not followed, cookies not kept, and proxies of the environment
    not used, so that nothing but ``base_url`` decides where a key is sent; a proxy that must be used is given as
    ``transport=httpx.HTTPTransport(proxy=...)``. ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` count. Thread-safe.

    Raises :class:`EndpointRefused` for a base URL that is neither loopback nor a test host of Adyen.
    """

    def __init__(
        self,
        base_url: str,
        *,
        api_key: Secret | None = None,
        transport: httpx.BaseTransport | None = None,
        ownership: Ownership,
        retries: Retries | None = None,
        rate_limit: RateLimit | None = None,
        clock: Clock | None = None,
    ) -> None:
        check_endpoint(base_url)
        if httpx.URL(base_url).raw_path not in (b"/v1", b"/v3"):
            raise SettingsError(f"the base URL {base_url} does not end in /v1 or /v3 right after the host; write it so")
        self.base_url = base_url
        self.ownership = ownership
        self.retries = retries or Retries()
        self.observers: list[Observer] = []
        """Called with each answer, those of attempts that are repeated included."""
        self._auth = api_key
        self._rate_limit = rate_limit
        self.clock = clock or Clock()
        self._http = httpx.Client(
            transport=GuardedTransport(transport or Network(), ownership, observers=self.observers),
            headers={"accept": "application/json", "accept-encoding": "identity", "user-agent": "pytest-adyen-creds"},
            cookies=NoCookies(),
            follow_redirects=False,
            trust_env=False,
            timeout=TIMEOUT,
        )

    @property
    def me(self) -> Me:
        """The credential that signs in."""
        return Me(self)

    def company(self, company_id: str) -> Credentials:
        """Return the credentials of a company account."""
        return Credentials(self, "company", company_id)

    def merchant(self, merchant_id: str) -> Credentials:
        """Return the credentials of a merchant account."""
        return Credentials(self, "merchant", merchant_id)

    def credentials_at(self, level: Level, account: str) -> Credentials:
        """Return the credentials of an account of either level."""
        return Credentials(self, level, account)

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = ...,
        content: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        auth: Auth = ...,
        retries: Retries | None = None,
        not_after: float | None = None,
    ) -> httpx.Response:
        """Send one request and return the answer, whatever its status; it is retried as ``retries`` say.

        ``path`` starts with ``/`` and comes after the base URL, or is a URL below it. ``content`` is sent as it is,
        ``json`` (also None) as JSON. ``auth``: an API key, a username with its password, or None for no sign-in;
        default: the client's own, unless ``headers`` carry one. ``not_after``, by the clock's monotonic seconds, is
        when it is too late to send it, whatever it waited for. Raises :class:`EndpointRefused` and
        :class:`OwnershipRefused` (nothing was sent), :class:`ApiError` when no answer came or it was too late, and
        :class:`AdyenCredsError` once the client is closed.
        """
        try:
            request = self._http.build_request(
                method,
                self._url(path),
                params=params,
                content=_content(json, content),
                headers=self._headers(headers, auth, json),
            )
        except httpx.InvalidURL as error:
            raise EndpointRefused(f"a request's path is no path ({error}); nothing was sent: encode it") from None
        return self._attempt(request, retries or self.retries, not_after)

    def close(self) -> None:
        """Close the transport."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"ManagementClient({self.base_url!r})"

    def _url(self, path: str) -> str:
        if path.startswith("/") and not path.startswith("//"):
            return self.base_url + path
        check_endpoint(path)
        if not path.startswith((f"{self.base_url}/", f"{self.base_url}?")):
            raise EndpointRefused(f"a request to {path[:100]} is not below {self.base_url}; nothing was sent")
        return path

    def _headers(self, given: Mapping[str, str] | None, auth: Auth, json: Any) -> httpx.Headers:
        headers = httpx.Headers(given)
        if json is not ... and "content-type" not in headers:
            headers["content-type"] = "application/json"
        if auth is ...:
            auth = None if {"x-api-key", "authorization"} & set(headers) else self._auth
        if isinstance(auth, Secret):
            headers["x-api-key"] = auth.reveal()
        elif auth is not None:
            username, password = auth
            token = base64.b64encode(f"{username}:{password.reveal()}".encode()).decode()
            headers["authorization"] = f"Basic {token}"
        return headers

    def _attempt(self, request: httpx.Request, retries: Retries, not_after: float | None) -> httpx.Response:
        tried, waited = 0, 0.0
        while True:
            if self._rate_limit is not None:
                self._rate_limit.acquire()
            if self._http.is_closed:
                raise AdyenCredsError(
                    f"{request.method} {request.url.path} was not sent, because the client is closed; "
                    "use a client before it is closed, and leave closing the one of adyen_management to its fixture"
                )
            if not_after is not None and self.clock.monotonic() > not_after:
                raise ApiError(
                    f"{request.method} {request.url.path} was not sent, because its turn came too late; try again"
                )
            result: Result
            try:
                result = self._http.send(request)
            except httpx.TransportError as error:
                result = error
            tried += 1
            wait = retries.wait(request, result, tried, waited, self.clock.now())
            if wait is None:
                break
            self.clock.sleep(wait)
            waited += wait
        if isinstance(result, httpx.TransportError):
            raise ApiError(
                f"{request.method} {request.url}: no answer after {counted(tried, 'attempt')} "
                f"({SECRETS.mask(f'{type(result).__name__}: {result}')}); check that the server runs and is reachable"
            ) from result
        return result


class _Resource:
    """A path of the API and the client that calls it.

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
        headers = {"idempotency-key": idempotency_key or str(uuid.uuid4())} if method == "POST" else None
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

    def __init__(self, client: ManagementClient, level: Level, account: str) -> None:
        super().__init__(client, path_of(level, account))
        self.account = account
        self.level = level

    def list(self, page_number: int | None = None, page_size: int | None = None) -> Page:
        """Return one page: ``page_number`` from 1, ``page_size`` up to 100 (default 10)."""
        params = {"pageNumber": page_number, "pageSize": page_size}
        params = {name: value for name, value in params.items() if value is not None}
        response = self._client.send("GET", self._path, params=params)
        body = with_secrets(checked(response)) or {}
        items = tuple(cast("CredentialBody", item) for item in objects_in(body.get("data")))
        return Page(items, self._next_page(body), size=len(response.content))

    def iterate(self, page_size: int = 100) -> Iterator[CredentialBody]:
        """Yield every credential, page by page, along the answers' ``next`` links.

        Of a link only the page's number is used, so no answer can send the client elsewhere; a link to another host or
        path, or to a page already read, raises :class:`ApiError`, and so do more than 1,000 pages, 64 MiB or 600
        seconds, and a page that has a next one and nothing new.
        """
        number: int | None = 1
        seen: set[int] = set()
        ids: set[str] = set()
        size, started = 0, self._client.clock.monotonic()
        while number is not None:
            if number in seen:
                raise ApiError(f"GET {self._path}: the pages' links run in a circle at page {number}; report it")
            seen.add(number)
            page = self.list(number, page_size)
            number, size, before = page.next_page, size + page.size, len(ids)
            ids.update(str(item.get("id")) for item in page.items)
            took = self._client.clock.monotonic() - started
            if number is not None and (
                len(seen) >= MOST_PAGES or size > LARGEST_LISTING or took > LISTING_TAKES or len(ids) == before
            ):
                raise ApiError(
                    f"GET {self._path}: the list does not end ({counted(len(seen), 'page')} with "
                    f"{counted(len(ids), 'credential')}, {size} bytes, {took:.0f} s); check what serves it, and report "
                    "it if it is the Management API"
                )
            yield from page.items

    def create(
        self, body: NewCredential, *, idempotency_key: str | None = None, retries: Retries | None = None
    ) -> CredentialBody:
        """Create a credential; the answer is the only one that shows its ``apiKey`` and ``password``."""
        return cast("CredentialBody", self._body("POST", json=body, idempotency_key=idempotency_key, retries=retries))

    def get(self, credential_id: str, *, retries: Retries | None = None) -> CredentialBody:
        """Return one credential; raises :class:`ApiError` for an answer about another one."""
        return self._about(credential_id, self._body("GET", f"/{_segment(credential_id)}", retries=retries))

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
        return self._about(credential_id, body) if body else {}

    def origins(self, credential_id: str) -> Origins:
        """Return the allowed origins of one credential."""
        return Origins(self._client, f"{self._path}/{_segment(credential_id)}/allowedOrigins")

    def generate_api_key(self, credential_id: str, *, idempotency_key: str | None = None) -> Secret:
        """Return a new API key; the previous one works for 24 hours more."""
        return self._secret(f"/{_segment(credential_id)}/generateApiKey", "apiKey", idempotency_key)

    def generate_client_key(self, credential_id: str, *, idempotency_key: str | None = None) -> Secret:
        """Return a new client key; the previous one works for 24 hours more."""
        return self._secret(f"/{_segment(credential_id)}/generateClientKey", "clientKey", idempotency_key)

    def _about(self, credential_id: str, body: Any) -> CredentialBody:
        if body.get("id") != credential_id:
            shown = ascii(body.get("id"))[:100]
            raise ApiError(
                f"{self._path}: asked about credential {credential_id}, the server answered another one, {shown}; "
                "check what serves it"
            )
        return cast("CredentialBody", body)

    def _next_page(self, body: dict[str, Any]) -> int | None:
        links = body.get("_links")
        link = links.get("next") if isinstance(links, dict) else None
        href = link.get("href") if isinstance(link, dict) else None
        if href is None:
            return None
        with suppress(LookupError, ValueError, TypeError, AttributeError):
            parsed = urlsplit(href)
            (number,) = parse_qs(parsed.query)["pageNumber"]
            is_here = parsed.netloc == urlsplit(self._client.base_url).netloc
            is_ours = is_here or (parsed.scheme == "https" and parsed.netloc in TEST_HOSTS)
            is_this_list = parsed.path in (f"/v1{self._path}", f"/v3{self._path}")
            if is_ours and is_this_list and number.isascii() and number.isdigit():
                return int(number[:9])
        shown = SECRETS.mask(ascii(href))[:120]
        raise ApiError(f"GET {self._path}: the next link {shown} leads elsewhere; it is not followed: report it")


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


def _content(json: Any, content: bytes | str | None) -> bytes | str | None:
    if json is ...:
        return content
    if content is not None:
        raise TypeError("give json or content, not both")
    # escaped, so that even a lone surrogate has a spelling
    return jsonlib.dumps(json, separators=(",", ":"), allow_nan=False).encode()
