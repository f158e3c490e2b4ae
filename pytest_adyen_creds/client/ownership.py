"""Ownership: what this run may change, how many credentials it may create, and what it learns from the answers."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self

import httpx

from pytest_adyen_creds.client import parsing, tag
from pytest_adyen_creds.client.budget import Budget
from pytest_adyen_creds.client.framing import SAFE, check_body
from pytest_adyen_creds.client.retry import Clock
from pytest_adyen_creds.errors import EndpointRefused, OwnershipRefused
from pytest_adyen_creds.secrets import Secret

Outcome = Literal["created", "refused", "unknown"]
Place = tuple[Literal["company", "merchant"], str]
"""Where a credential was made: level and account."""


@dataclass
class _Lease:
    """Strictly private: what authenticates the holder of a leased credential."""

    username: str | None = None
    keys: set[Secret] = field(default_factory=set)


class Ownership:
    """The guard of "never someone else's": decides on each request, and learns from each answer. Thread-safe.

    ``budget`` is the number of creations allowed, or a :class:`Budget`. ``provisioning`` names the keys, and
    ``provisioning_usernames`` the users, that can never be leased. With ``base_url``, nothing is changed on another
    server than that one, and nothing learned from its answers: ids mean something where they were given out only.
    """

    def __init__(
        self,
        budget: Budget | int = 0,
        *,
        provisioning: Iterable[Secret] = (),
        provisioning_usernames: Iterable[str] = (),
        base_url: str | None = None,
    ) -> None:
        self.budget = budget if isinstance(budget, Budget) else Budget(budget)
        self.is_sandbox = False
        self._base_url = httpx.URL(base_url) if base_url is not None else None
        self._provisioning = frozenset(provisioning)
        self._provisioning_usernames = set(provisioning_usernames)
        self._provisioning_ids: set[str] = set()
        self._lock = threading.RLock()
        self._leases: dict[str, _Lease] = {}
        self._created: dict[str, Place | None] = {}
        self._origins: dict[str, set[str]] = {}
        self._halted: str | None = None
        self._tags: tuple[str, Clock] | None = None

    @classmethod
    def sandbox(cls) -> Self:
        """Return the ownership of the sandbox, where everything is this run's to change."""
        ownership = cls()
        ownership.is_sandbox = True
        return ownership

    @property
    def leased(self) -> frozenset[str]:
        """The ids of the credentials that this run holds a lease on."""
        with self._lock:
            return frozenset(self._leases)

    @property
    def created(self) -> tuple[str, ...]:
        """The ids of the credentials that answers said this run created, in order: to be deactivated at the end."""
        return tuple(self.places)

    @property
    def places(self) -> dict[str, Place | None]:
        """The level and the account at which each of :attr:`created` was made; None where that is not known."""
        with self._lock:
            return dict(self._created)

    @property
    def halted(self) -> str | None:
        """Why every further request is refused, or None: a live client key came back."""
        return self._halted

    def halt(self, reason: str) -> None:
        """Refuse every request from now on."""
        self._halted = self._halted or reason

    def protect(self, body: Mapping[str, Any]) -> None:
        """Never lease the credential that ``body`` shows: the one that the provisioning key signs in as."""
        with self._lock:
            for known, name in ((self._provisioning_ids, "id"), (self._provisioning_usernames, "username")):
                if isinstance(body.get(name), str):
                    known.add(body[name])

    @property
    def is_protecting(self) -> bool:
        """Whether it is known which credential the provisioning key signs in as."""
        return bool(self._provisioning_ids)

    def is_protected(self, body: Mapping[str, Any]) -> bool:
        """Return whether ``body`` shows the provisioning credential, or a company's first user, ``ws@Company…``."""
        shown = {name: value for name in ("id", "username") if isinstance(value := body.get(name), str)}
        return (
            shown.get("id") in self._provisioning_ids
            or shown.get("username") in self._provisioning_usernames
            or shown.get("username", "").startswith("ws@")
        )

    def write_tags_of(self, run: str, clock: Clock) -> None:
        """Let pass, from now on, only tags of ``run`` that expire within the time to live; until then any tag passes.

        With another run's id or a later time, nobody would switch the credential off when this run is killed.
        """
        self._tags = run, clock

    def _is_good(self, written: tag.Tag) -> bool:
        if self._tags is None:
            return True
        run, clock = self._tags
        return written.run == run and written.expires <= clock.now() + tag.TIME_TO_LIVE + tag.SKEW

    def lease(
        self,
        credential_id: str,
        description: object,
        *,
        username: str | None = None,
        api_key: Secret | None = None,
    ) -> None:
        """Hold a lease on a credential whose ``description``, as the API answered it, is a tag.

        ``username`` and ``api_key`` are what ``/me`` may be changed with. Raises :class:`OwnershipRefused` for an
        untagged credential, a malformed id, and the provisioning credential's own key or username.
        """
        if tag.parse(description) is None:
            raise OwnershipRefused(
                f"credential {_shown(credential_id)} does not carry this plugin's tag in its description, so it "
                "belongs to someone else; nothing was sent: lease tagged credentials only"
            )
        self._hold(credential_id, username, api_key)

    def adopt(self, credential_id: str) -> None:
        """Hold a lease on a credential that this run created, whatever its description: an answer said so."""
        self._hold(credential_id, None, None)

    def register_key(self, credential_id: str, api_key: Secret) -> None:
        """Let ``api_key``, a key of a leased credential, change ``/me``."""
        with self._lock:
            if credential_id not in self._leases:
                raise OwnershipRefused(
                    f"credential {_shown(credential_id)} is not leased; lease it before you register its key"
                )
            self._hold(credential_id, None, api_key)

    def release(self, credential_id: str) -> None:
        """Give the lease back; the credential and its keys may no longer change anything."""
        with self._lock:
            self._leases.pop(credential_id, None)

    def _hold(self, credential_id: str, username: str | None, api_key: Secret | None) -> None:
        if not isinstance(credential_id, str) or not re.fullmatch(parsing.ITEM, credential_id):
            raise OwnershipRefused(f"{_shown(credential_id)} is not the id of a credential; nothing was sent")
        if api_key in self._provisioning or self.is_protected({"id": credential_id, "username": username}):
            raise OwnershipRefused(
                f"credential {credential_id} is the provisioning credential, by its id, key or username, and that is "
                "never changed; nothing was sent: take a throwaway"
            )
        with self._lock:
            lease = self._leases.setdefault(credential_id, _Lease())
            lease.username = username or lease.username
            if api_key is not None:
                lease.keys.add(api_key)

    # Before a request. ----------------------------------------------------------------------------------------------

    def admit(self, request: httpx.Request) -> str | None:
        """Let ``request``, whose body has been read, pass, or raise :class:`OwnershipRefused`.

        Returns the intent that must be given to :meth:`settle` if the request can create a credential, else None.
        """
        if self.halted:
            raise EndpointRefused(f"{self.halted}; nothing more is sent")
        if self.is_sandbox:
            return None
        method, target = request.method, parsing.read_target(request.url.raw_path)
        what = f"{method} {_shown(request.url.path)}"
        if method in SAFE:
            return None
        if not self._is_here(request):
            raise OwnershipRefused(
                f"{what} goes to {request.url.copy_with(path='/', query=None)}, and this run changes credentials at "
                f"{self._base_url} only; nothing was sent: give code under test adyen_settings.base_url"
            )
        if target is None or not target.takes(method):
            raise OwnershipRefused(
                f"{what} is not one of the API's changing operations in its canonical spelling; nothing was sent: "
                "use the paths of the contract, without encodings, empty or dot segments"
            )
        if target.action == "credentials":
            return self._admit_creation(request, what)
        with self._lock:
            credential = self._signed_in(request) if target.level == "me" else target.credential
            if target.level == "me" and credential is None:
                raise OwnershipRefused(
                    f"{what} is signed in with something else than the key of one leased credential; nothing was sent: "
                    "change /me only as a throwaway, never with the provisioning key"
                )
            self._require_lease(credential, target, what)
        if target.action == "credential" and parsing.loses_tag(request.content, self._is_good):
            raise OwnershipRefused(
                f"{what} would replace the tag of this run in the description, and nobody could sweep the credential "
                "any more; nothing was sent: leave description out, or write adyen_credentials.description()"
            )
        check_body(request, what)
        return None

    def _is_here(self, request: httpx.Request) -> bool:
        return self._base_url is None or _server(request.url) == _server(self._base_url)

    def _require_lease(self, credential: str | None, target: parsing.Target, what: str) -> None:
        if credential not in self._leases:
            raise OwnershipRefused(
                f"{what}: this run holds no lease on credential {_shown(credential)}; nothing was sent: "
                "change only credentials that the adyen_credential fixtures lease to you"
            )
        if target.action == "origin" and target.origin not in self._origins.get(credential, ()):
            raise OwnershipRefused(
                f"{what}: the origin is not known to belong to leased credential {credential}; nothing was sent: "
                "read or add the credential's origins first"
            )

    def _signed_in(self, request: httpx.Request) -> str | None:
        """Return the leased credential that alone signs ``request`` in; None where it is none, or not it alone."""
        owners = {self._owner(kind, shown) for kind, shown in parsing.shown_credentials(request)}
        return owners.pop() if len(owners) == 1 else None

    def _owner(self, kind: str, shown: str) -> str | None:
        for credential_id, lease in self._leases.items():
            if kind == "key" and any(key.reveal() == shown for key in lease.keys):
                return credential_id
            if kind == "username" and lease.username == shown:
                return credential_id
        return None

    def _admit_creation(self, request: httpx.Request, what: str) -> str:
        if parsing.is_untraceable(request.content, self._is_good):
            raise OwnershipRefused(
                f"{what} would leave a credential without the tag of this run, and nobody could sweep it; nothing was "
                "sent: put the tag that adyen_credentials.description() gives into description"
            )
        check_body(request, what)
        intent = parsing.intent_of(request)
        self.budget.reserve(intent)
        return intent

    # After a request. -----------------------------------------------------------------------------------------------

    def settle(self, intent: str, outcome: Outcome) -> None:
        """Say what became of an attempt; ``refused`` frees the slot unless another attempt may have created."""
        if outcome == "unknown":
            self.budget.lost(intent)
        elif outcome == "refused":
            self.budget.free(intent)

    def learn(self, request: httpx.Request, status: int, body: Any) -> None:
        """Take in an answer: credentials that were created, new keys of leased ones, and which origins are whose."""
        target = parsing.read_target(request.url.raw_path)
        if self.is_sandbox or target is None or not 200 <= status < 300 or not self._is_here(request):
            return
        with self._lock:
            if request.method == "POST" and target.action == "credentials" and isinstance(body, dict):
                self._adopt(body, target)
            owner = self._signed_in(request) if target.level == "me" else target.credential
            if target.action == "generateApiKey" and owner in self._leases and isinstance(body, dict):
                self._hold(str(owner), None, _key_in(body))
            for credential_id, origin_id in parsing.origins_in(body, owner if "origin" in target.action else None):
                self._origins.setdefault(credential_id, set()).add(origin_id)

    def _adopt(self, body: dict[str, Any], target: parsing.Target) -> None:
        # What the server says this run's own request created is this run's, tagged or not: it must be deactivated.
        credential_id, username = body.get("id"), body.get("username")
        if not isinstance(credential_id, str) or not re.fullmatch(parsing.ITEM, credential_id):
            return
        key = _key_in(body)
        if self.is_protected(body) or key in self._provisioning:
            self.protect({"id": credential_id})
            raise OwnershipRefused(
                f"the server answered a creation with credential {credential_id}, which has the provisioning "
                "credential's own key or username; it is left as it is: check what serves it"
            )
        place: Place | None = None
        if target.level != "me" and target.account is not None:
            place = target.level, target.account
        self._created.setdefault(credential_id, place)
        self._hold(credential_id, username if isinstance(username, str) else None, key)


def _key_in(body: Mapping[str, Any]) -> Secret | None:
    """Return the API key that an answer shows."""
    return Secret(body["apiKey"]) if isinstance(body.get("apiKey"), str) else None


def _server(url: httpx.URL) -> tuple[str, str, int | None]:
    host = "localhost" if url.host in ("127.0.0.1", "::1") else url.host
    return url.scheme, host, url.port


def _shown(value: object) -> str:
    shown = ascii(value)[1:-1] if isinstance(value, str) else repr(value)
    return shown if len(shown) <= 100 else f"{shown[:97]}..."
