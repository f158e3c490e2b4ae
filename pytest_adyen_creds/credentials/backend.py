"""The backend of a run: who answers, and the one place where a test's transport comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import httpx

from pytest_adyen_creds.client import Budget, Clock, GuardedTransport, ManagementClient, Ownership, RateLimit, Retries
from pytest_adyen_creds.client.transports import TIMEOUT, Network, NoCookies, Observer, Route, RoutedTransport
from pytest_adyen_creds.credentials.claims import ON_LOOPBACK, OVER_NETWORK, Timing
from pytest_adyen_creds.endpoints import is_loopback
from pytest_adyen_creds.errors import SandboxError
from pytest_adyen_creds.secrets import Secret

if TYPE_CHECKING:
    from pytest_adyen_creds.sandbox import Sandbox
    from pytest_adyen_creds.settings import Settings

REQUESTS_PER_MINUTE: Final = 120
"""What a whole run sends to a server that is not on this machine, at most; nobody published the API's own limit."""

_BURST: Final = 20
"""How many of them may be sent at once."""

LOOKS: Final = Retries(tries=3, total_wait=10.0)
"""How often it is asked who signs in, or whose a credential is, where no answer comes."""


class SandboxClock(Clock):
    """The clock of the embedded sandbox: waiting moves it, so nothing sleeps."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._clock = sandbox.clock

    def now(self) -> datetime:
        """Return the sandbox's time."""
        return self._clock.now()

    def monotonic(self) -> float:
        """Return the sandbox's time in seconds; it only moves forward."""
        return self._clock.now().timestamp()

    def sleep(self, seconds: float) -> None:
        """Move the clock."""
        self._clock.advance(seconds=seconds)


@dataclass(frozen=True)
class Backend:
    """Who answers this run, and how to sign in there. ``key`` is the provisioning key."""

    base_url: str
    company: str
    merchant: str | None
    key: Secret
    clock: Clock
    sandbox: Sandbox | None = None
    username: str | None = None
    """The provisioning user's name, where it is known."""
    rate_limit: RateLimit | None = None
    """What all clients made here keep to together."""
    observers: tuple[Observer, ...] = ()
    """Called with each exchange of every client made here."""
    route: Route | None = None
    """Where the requests of tests go while one runs."""

    @property
    def origin(self) -> str:
        """Who answers, in words."""
        if self.sandbox is not None:
            return "the embedded sandbox"
        return self.base_url if is_loopback(self.base_url) else "Adyen's test endpoint"

    @cached_property
    def _network(self) -> httpx.BaseTransport:
        return Network()

    def transport(self) -> httpx.BaseTransport:
        """Return what the guards let requests through to: the embedded sandbox, or the network."""
        return self.sandbox.transport() if self.sandbox is not None else self._network

    def ownership(self, budget: Budget) -> Ownership:
        """Return what may be changed here: everything in the embedded sandbox, leased throwaways elsewhere."""
        if self.sandbox is not None:
            return Ownership.sandbox()
        names = [self.username] if self.username else []
        ownership = Ownership(budget, provisioning=[self.key], provisioning_usernames=names, base_url=self.base_url)
        # past the route of tests, so that no recording depends on what had been read before
        reader = self.management(ownership)
        ownership.look_by(lambda path, headers: reader.send("GET", path, headers=headers, retries=LOOKS))
        return ownership

    def management(
        self, ownership: Ownership, *, clock: Clock | None = None, for_tests: bool = False
    ) -> ManagementClient:
        """Return a client signed in with the provisioning key; ``for_tests``: what it sends is a test's traffic."""
        client = ManagementClient(
            self.base_url,
            api_key=self.key,
            transport=self._routed() if for_tests else self.transport(),
            ownership=ownership,
            clock=clock or self.clock,
            rate_limit=self.rate_limit,
        )
        client.observers.extend(self.observers)
        return client

    def recovery_client(self) -> ManagementClient:
        """Return a client signed in with the provisioning key that creates nothing: it looks, and switches off."""
        return self.management(Ownership(provisioning=[self.key]))

    def client(self, api_key: Secret, ownership: Ownership) -> httpx.Client:
        """Return an httpx client signed in with ``api_key``, behind the guards; paths come after the base URL."""
        return httpx.Client(**self._signed_in(api_key, ownership))

    def async_client(self, api_key: Secret, ownership: Ownership) -> httpx.AsyncClient:
        """Return an asynchronous httpx client signed in with ``api_key``, behind the guards."""
        return httpx.AsyncClient(**self._signed_in(api_key, ownership))

    def _signed_in(self, api_key: Secret, ownership: Ownership) -> dict[str, Any]:
        observers = list(self.observers)
        return {
            "transport": GuardedTransport(self._routed(), ownership, observers=observers, rate_limit=self.rate_limit),
            "base_url": self.base_url,
            "headers": {"X-API-Key": api_key.reveal()},
            "cookies": NoCookies(),
            "trust_env": False,
            "timeout": TIMEOUT,
        }

    def _routed(self) -> httpx.BaseTransport:
        return RoutedTransport(self.route, self.transport()) if self.route else self.transport()

    @property
    def timing(self) -> Timing:
        """The bound that claims keep here."""
        return ON_LOOPBACK if self.sandbox is not None or is_loopback(self.base_url) else OVER_NETWORK


def open_backend(settings: Settings, sandbox: Mapping[str, Any] | None = None, *, share: int = 1) -> Backend:
    """Return the backend of a run: ``live`` as the settings say, else an embedded sandbox made with ``sandbox``.

    In replay its answers are those of cassettes; the sandbox has the clock and the accounts. Raises
    :class:`SettingsError` where the live backend lacks a key or an account. ``share`` processes send together what a
    run may send.
    """
    if settings.backend == "live":
        key, company = settings.require_live()
        is_local = is_loopback(settings.base_url)
        return Backend(
            settings.base_url,
            company,
            settings.merchant,
            key,
            Clock(),
            rate_limit=None if is_local else RateLimit(REQUESTS_PER_MINUTE / share, burst=max(1, _BURST // share)),
        )
    from pytest_adyen_creds.sandbox import Sandbox

    arguments = dict(sandbox or {})
    if settings.company is not None:
        arguments.setdefault("company", settings.company)
    if settings.merchant is not None:
        arguments.setdefault("merchants", (settings.merchant,))
    arguments.setdefault("contracts", settings.contracts)
    try:
        embedded = Sandbox(**arguments)
    except TypeError as error:
        raise SandboxError(
            f"adyen_sandbox_config: {error}; return arguments of pytest_adyen_creds.sandbox.Sandbox"
        ) from None
    return Backend(
        settings.base_url,
        embedded.company,
        embedded.merchants[0],
        embedded.provisioning.api_key,
        SandboxClock(embedded),
        embedded,
    )
