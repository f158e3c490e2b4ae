"""The client of the Management API: the same in every mode, only its transport differs."""

from __future__ import annotations

import base64
import json as jsonlib
import uuid
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Final, Literal, Self

import httpx

from pytest_adyen_creds.client.ownership import Ownership
from pytest_adyen_creds.client.resources import Credentials, Me
from pytest_adyen_creds.client.retry import Clock, RateLimit, Retries, SystemClock
from pytest_adyen_creds.client.transports import TIMEOUT, GuardedTransport, Network, Observer, no_cookies
from pytest_adyen_creds.endpoints import check_endpoint
from pytest_adyen_creds.errors import AdyenCredsError, ApiError, EndpointRefused, SettingsError
from pytest_adyen_creds.secrets import SECRETS, Secret
from pytest_adyen_creds.text import counted


class _Unset(Enum):
    """Strictly private: what no argument can be."""

    token = 0


UNSET: Final = _Unset.token
Auth = Secret | tuple[str, Secret] | None | Literal[_Unset.token]


class ManagementClient:
    """The 26 operations, typed, and :meth:`send` for any request; both guards stand before every one of them.

    ``base_url`` ends in ``/v1`` or ``/v3``. ``api_key`` or ``basic`` (username, password) signs requests in.
    ``transport`` (default: the network) is what the guards let requests through to. ``timeout`` is in seconds, for each
    step of a request. Redirects are not followed, cookies not kept, and proxies of the environment not used, so that
    nothing but ``base_url`` decides where a key is sent; a proxy that must be used is given as
    ``transport=httpx.HTTPTransport(proxy=...)``. ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` count. Thread-safe.

    Raises :class:`EndpointRefused` for a base URL that is neither loopback nor a test host of Adyen.
    """

    def __init__(
        self,
        base_url: str,
        *,
        api_key: Secret | None = None,
        basic: tuple[str, Secret] | None = None,
        transport: httpx.BaseTransport | None = None,
        ownership: Ownership,
        retries: Retries | None = None,
        rate_limit: RateLimit | None = None,
        timeout: float = TIMEOUT,
        clock: Clock | None = None,
        new_key: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        check_endpoint(base_url)
        if httpx.URL(base_url).raw_path not in (b"/v1", b"/v3"):
            raise SettingsError(f"the base URL {base_url} does not end in /v1 or /v3 right after the host; write it so")
        if api_key is not None and basic is not None:
            raise SettingsError("both an API key and a username are given to sign in with; give one of them")
        self.base_url = base_url
        self.ownership = ownership
        self.retries = retries or Retries()
        self.new_key = new_key
        self.observers: list[Observer] = []
        """Called with each finished :class:`Exchange`, attempts that are repeated included."""
        self._auth: Secret | tuple[str, Secret] | None = api_key or basic
        self._rate_limit = rate_limit
        self._clock: Clock = clock or SystemClock()
        self._http = httpx.Client(
            transport=GuardedTransport(transport or Network(), ownership, observers=self.observers),
            headers={"accept": "application/json", "accept-encoding": "identity", "user-agent": "pytest-adyen-creds"},
            cookies=no_cookies(),
            follow_redirects=False,
            trust_env=False,
            timeout=timeout,
        )

    @property
    def me(self) -> Me:
        """The credential that signs in."""
        return Me(self)

    def company(self, company_id: str) -> Credentials:
        """Return the credentials of a company account."""
        return Credentials(self, "companies", company_id)

    def merchant(self, merchant_id: str) -> Credentials:
        """Return the credentials of a merchant account."""
        return Credentials(self, "merchants", merchant_id)

    def credentials_at(self, level: Literal["company", "merchant"], account: str) -> Credentials:
        """Return the credentials of an account of either level."""
        return self.company(account) if level == "company" else self.merchant(account)

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = UNSET,
        content: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        auth: Auth = UNSET,
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
        if json is not UNSET and "content-type" not in headers:
            headers["content-type"] = "application/json"
        if auth is UNSET:
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
            if not_after is not None and self._clock.monotonic() > not_after:
                raise ApiError(
                    f"{request.method} {request.url.path} was not sent, because its turn came too late; try again"
                )
            outcome: httpx.Response | httpx.TransportError
            try:
                outcome = self._http.send(request)
            except httpx.TransportError as error:
                outcome = error
            tried += 1
            wait = retries.wait(request, outcome, tried, waited, self._clock.now())
            if wait is None:
                break
            self._clock.sleep(wait)
            waited += wait
        if isinstance(outcome, httpx.TransportError):
            raise ApiError(
                f"{request.method} {request.url}: no answer after {counted(tried, 'attempt')} "
                f"({SECRETS.mask(f'{type(outcome).__name__}: {outcome}')}); check that the server runs and is reachable"
            ) from outcome
        return outcome


def _content(json: Any, content: bytes | str | None) -> bytes | str | None:
    if json is UNSET:
        return content
    if content is not None:
        raise TypeError("give json or content, not both")
    # escaped, so that even a lone surrogate has a spelling
    return jsonlib.dumps(json, separators=(",", ":"), allow_nan=False).encode()
