"""Leases: which credentials this run may change, and what signs in as each of them."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from pytest_adyen_creds.client import parsing, tag
from pytest_adyen_creds.errors import OwnershipRefused
from pytest_adyen_creds.secrets import Secret


@dataclass
class Lease:
    """What authenticates the holder of a leased credential.

    ``said`` is the answer to its creation, until a read has agreed with it. ``proven`` are the ways to sign in that are
    known to be its own: who leases it says so, or ``GET /me`` has shown it.
    """

    username: str | None = None
    keys: set[Secret] = field(default_factory=set)
    said: Mapping[str, Any] | None = None
    proven: set[tuple[str, str]] = field(default_factory=set)


class LeaseRegistry:
    """The leases that this run holds, and the provisioning credential, which can never be leased. Thread-safe."""

    def __init__(self, provisioning: Iterable[Secret], provisioning_usernames: Iterable[str]) -> None:
        self._provisioning = frozenset(provisioning)
        self._provisioning_usernames = set(provisioning_usernames)
        self._provisioning_ids: set[str] = set()
        self._lock = threading.RLock()
        self._leases: dict[str, Lease] = {}

    @property
    def leased(self) -> frozenset[str]:
        """The ids of the credentials that this run holds a lease on."""
        with self._lock:
            return frozenset(self._leases)

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
        named = {name: value for name in ("id", "username") if isinstance(value := body.get(name), str)}
        return (
            named.get("id") in self._provisioning_ids
            or named.get("username") in self._provisioning_usernames
            or named.get("username", "").startswith("ws@")
        )

    def lease(
        self,
        credential_id: str,
        description: object,
        *,
        username: str | None = None,
        api_key: Secret | None = None,
        is_proven: bool = True,
    ) -> None:
        """Hold a lease on a credential whose ``description``, as the API answered it, is a tag.

        ``username`` and ``api_key`` are what ``/me`` may be changed with; where they are not ``is_proven``, only once
        ``GET /me`` has shown whose they are. Raises :class:`OwnershipRefused` for an
        untagged credential, a malformed id, and the provisioning credential's own key or username.
        """
        if tag.parse(description) is None:
            raise OwnershipRefused(
                f"credential {shown(credential_id)} does not carry this plugin's tag in its description, so it "
                "belongs to someone else; nothing was sent: lease tagged credentials only"
            )
        lease = self._hold(credential_id, username, api_key)
        lease.said = None
        if is_proven:
            _prove(lease, username, api_key)

    def register_key(self, credential_id: str, api_key: Secret) -> None:
        """Let ``api_key``, a key of a leased credential, change ``/me``."""
        with self._lock:
            if credential_id not in self._leases:
                raise OwnershipRefused(
                    f"credential {shown(credential_id)} is not leased; lease it before you register its key"
                )
            _prove(self._hold(credential_id, None, api_key), None, api_key)

    def release(self, credential_id: str) -> None:
        """Give the lease back; the credential and its keys may no longer change anything."""
        with self._lock:
            self._leases.pop(credential_id, None)

    def _hold(self, credential_id: str, username: str | None, api_key: Secret | None) -> Lease:
        if not isinstance(credential_id, str) or not re.fullmatch(parsing.ITEM, credential_id):
            raise OwnershipRefused(f"{shown(credential_id)} is not the id of a credential; nothing was sent")
        if api_key in self._provisioning or self.is_protected({"id": credential_id, "username": username}):
            raise OwnershipRefused(
                f"credential {credential_id} is the provisioning credential, by its id, key or username, and that is "
                "never changed; nothing was sent: take a throwaway"
            )
        with self._lock:
            lease = self._leases.setdefault(credential_id, Lease())
            lease.username = username or lease.username
            if api_key is not None:
                lease.keys.add(api_key)
        return lease

    def _is_proven(self, request: httpx.Request, credential: str) -> bool:
        lease = self._leases.get(credential)
        return lease is not None and lease.proven.issuperset(parsing.shown_credentials(request))

    def _signed_in(self, request: httpx.Request) -> str | None:
        """Return the leased credential that alone signs ``request`` in; None where it is none, or not it alone."""
        owners = {self._owner(kind, value) for kind, value in parsing.shown_credentials(request)}
        return owners.pop() if len(owners) == 1 else None

    def _owner(self, kind: str, value: str) -> str | None:
        for credential_id, lease in self._leases.items():
            if kind == "key" and any(key.reveal() == value for key in lease.keys):
                return credential_id
            if kind == "username" and lease.username == value:
                return credential_id
        return None


def _prove(lease: Lease, username: str | None, api_key: Secret | None) -> None:
    if username is not None:
        lease.proven.add(("username", username))
    if api_key is not None:
        lease.proven.add(("key", api_key.reveal()))


def shown(value: object) -> str:
    """Return how a value from elsewhere stands in a message."""
    text = ascii(value)[1:-1] if isinstance(value, str) else repr(value)
    return text if len(text) <= 100 else f"{text[:97]}..."
