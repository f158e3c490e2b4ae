"""Ownership: what this run may change, how many credentials it may create, and what it learns from the answers."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self

import httpx

from pytest_adyen_creds.client import parsing, tag
from pytest_adyen_creds.client.budget import Budget
from pytest_adyen_creds.client.framing import SAFE, check_body
from pytest_adyen_creds.client.parsing import Place, shown_credentials
from pytest_adyen_creds.client.retry import Clock
from pytest_adyen_creds.errors import ApiError, EndpointRefused, OwnershipRefused
from pytest_adyen_creds.secrets import Secret

Outcome = Literal["created", "refused", "unknown"]


@dataclass
class Lease:
    """What authenticates the holder of a leased credential.

    ``said`` is the answer to its creation, until a read has agreed with it. ``proven`` are the ways to sign in that are
    known to be its own: who leases it says so, or ``GET /me`` has shown it.
    """

    username: str | None = None
    keys: set[Secret] = field(default_factory=set)
    said: Mapping[str, Any] | None = None
    proven: set[tuple[str, str | None]] = field(default_factory=set)

    @property
    def ways(self) -> set[tuple[str, str | None]]:
        """The ways to sign in as it, as :func:`.shown_credentials` names them."""
        return {("username", self.username), *(("key", key.reveal()) for key in self.keys)}


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
        self.halted: str | None = None
        """Why every further request is refused, or None: a live client key came back."""
        self._provisioning = frozenset(provisioning)
        self._provisioning_usernames = set(provisioning_usernames)
        self._provisioning_ids: set[str] = set()
        self._lock = threading.RLock()
        self._leases: dict[str, Lease] = {}
        self._base_url = httpx.URL(base_url) if base_url is not None else None
        self._created: dict[str, Place | None] = {}
        self._unread: dict[str, str] = {}
        self._others: set[str] = set()
        self._origins: dict[str, set[str]] = {}
        self._tags: tuple[str, Clock] | None = None
        self._look: Callable[[str, Mapping[str, str]], object] | None = None

    @classmethod
    def sandbox(cls) -> Self:
        """Return the ownership of the sandbox, where everything is this run's to change."""
        ownership = cls()
        ownership.is_sandbox = True
        return ownership

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
    def unread(self) -> dict[str, str]:
        """Those of :attr:`created` that no read has shown to be this run's, and why."""
        with self._lock:
            return dict(self._unread)

    def look_by(self, look: Callable[[str, Mapping[str, str]], object]) -> None:
        """Let ``look`` send a GET for a path where a read is lacking, signed in by headers, or else as who provisions.

        Its answer must come to :meth:`learn`. Without it, what was only said to be created cannot be changed before
        somebody else has read it.
        """
        self._look = look

    def halt(self, reason: str) -> None:
        """Refuse every request from now on."""
        self.halted = self.halted or reason

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

    # Leases, and the credential that can never be leased. -----------------------------------------------------------

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
                f"credential {_shown(credential_id)} does not carry this plugin's tag in its description, so it "
                "belongs to someone else; nothing was sent: lease tagged credentials only"
            )
        self._hold(credential_id, username, api_key, is_proven=is_proven).said = None

    def release(self, credential_id: str) -> None:
        """Give the lease back; the credential and its keys may no longer change anything."""
        with self._lock:
            self._leases.pop(credential_id, None)

    def _hold(
        self, credential_id: str, username: str | None, api_key: Secret | None, *, is_proven: bool = False
    ) -> Lease:
        if not isinstance(credential_id, str) or not re.fullmatch(parsing.ITEM, credential_id):
            raise OwnershipRefused(f"{_shown(credential_id)} is not the id of a credential; nothing was sent")
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
            if is_proven:
                lease.proven |= {("username", username), ("key", api_key.reveal() if api_key else None)}
        return lease

    def _is_proven(self, request: httpx.Request, credential: str) -> bool:
        lease = self._leases.get(credential)
        return lease is not None and lease.proven.issuperset(shown_credentials(request))

    def _signed_in(self, request: httpx.Request) -> str | None:
        """Return the leased credential that alone signs ``request`` in; None where it is none, or not it alone."""
        leases = self._leases.items()
        owners = {next((id for id, lease in leases if way in lease.ways), None) for way in shown_credentials(request)}
        return owners.pop() if len(owners) == 1 else None

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
        self._look_at(request, target)
        with self._lock:
            credential = self._signed_in(request) if target.level == "me" else target.credential
            if target.level == "me" and credential is None:
                raise OwnershipRefused(
                    f"{what} is signed in with something else than the key of one leased credential; nothing was sent: "
                    "change /me only as a throwaway, never with the provisioning key"
                )
            self._require_lease(credential, target, what)
            if target.level == "me" and not self._is_proven(request, str(credential)):
                raise OwnershipRefused(
                    f"{what} is signed in with what an answer said is credential {credential}'s, and GET /me has not "
                    "shown that; nothing was sent: ask GET /me with it first"
                )
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
        if self._leases[str(credential)].said is not None:
            raise OwnershipRefused(
                f"{what}: that credential {credential} is this run's only the answer to its creation says, and no read "
                "of it; nothing was sent: read it first"
            )
        if target.action == "origin" and target.origin not in self._origins.get(credential, ()):
            raise OwnershipRefused(
                f"{what}: the origin is not known to belong to leased credential {credential}; nothing was sent: "
                "read or add the credential's origins first"
            )

    def _look_at(self, request: httpx.Request, target: parsing.Target) -> None:
        """Read what ``request`` would change, where only an answer said so far that it is this run's."""
        with self._lock:
            credential = self._signed_in(request) if target.level == "me" else target.credential
            lease, place = self._leases.get(str(credential)), self._created.get(str(credential))
            is_unread = lease is not None and lease.said is not None
            is_unproven = lease is not None and target.level == "me" and not self._is_proven(request, str(credential))
        if self._look is None:
            return
        try:
            if is_unread and place is not None:
                self._look(f"{parsing.path_of(*place)}/{credential}", {})
            if is_unproven:
                self._look("/me", parsing.signing_headers(request))
        except ApiError as error:
            raise OwnershipRefused(
                f"{request.method} {_shown(request.url.path)}: credential {credential} is to be read before it is "
                f"changed, and that failed, so nothing was sent: {error}"
            ) from error

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
                self._adopt(body, parsing.place_in(request.url.path))
            owner = self._signed_in(request) if target.level == "me" else target.credential
            if target.action == "generateApiKey" and owner in self._leases and isinstance(body, dict):
                self._hold(str(owner), None, _key_in(body))
            if request.method == "GET" and isinstance(body, dict):
                self._read(request, target, owner, body)
            for credential_id, origin_id in parsing.origins_in(body, owner if "origin" in target.action else None):
                self._origins.setdefault(credential_id, set()).add(origin_id)

    def _read(self, request: httpx.Request, target: parsing.Target, owner: str | None, body: dict[str, Any]) -> None:
        """Take in what a read shows: whose a credential is, and whom a key or a username signs in as."""
        if target.action == "credentials":
            listed = parsing.objects_with_id(body.get("data"))
            self._others.update(item["id"] for item in listed if not self._is_own(item))
        lease = self._leases.get(str(owner))
        if target.action != "credential" or lease is None or body.get("id") != owner:
            return
        if target.level == "me":
            if self._is_own(body):
                lease.proven.update(shown_credentials(request))
        elif lease.said is not None:
            differs = parsing.disagreement(lease.said, body)
            if differs is None and self._is_own(body) and not self.is_protected(body):
                lease.said = None
                self._unread.pop(str(owner), None)
            else:
                self._unread[str(owner)] = (
                    f"a read of it shows another {differs} than the answer to its creation"
                    if differs
                    else "a read of it does not show this run's tag in its description"
                )
                del self._leases[str(owner)]

    def _is_own(self, body: Mapping[str, Any]) -> bool:
        run = tag.run_of(body.get("description"))
        return run is not None and (self._tags is None or run == self._tags[0])

    def _adopt(self, body: dict[str, Any], place: Place | None) -> None:
        # What the server says this run's own request created is noted, to be deactivated if a read shows that it is.
        credential_id, username = body.get("id"), body.get("username")
        if not isinstance(credential_id, str) or not re.fullmatch(parsing.ITEM, credential_id):
            return
        key = _key_in(body)
        if credential_id in self._others:
            raise OwnershipRefused(
                f"the server answered a creation with credential {credential_id}, which was there before and is not "
                "this run's; it is left as it is: check what serves it"
            )
        if self.is_protected(body) or key in self._provisioning:
            self.protect({"id": credential_id})
            raise OwnershipRefused(
                f"the server answered a creation with credential {credential_id}, which has the provisioning "
                "credential's own key or username; it is left as it is: check what serves it"
            )
        leased = self.leased
        self._created.setdefault(credential_id, place)
        lease = self._hold(credential_id, username if isinstance(username, str) else None, key)
        if credential_id not in leased:
            lease.said = body
            self._unread[credential_id] = "no read has shown yet that it is this run's"


def _key_in(body: Mapping[str, Any]) -> Secret | None:
    """Return the API key that an answer shows."""
    return Secret(body["apiKey"]) if isinstance(body.get("apiKey"), str) else None


def _shown(value: object) -> str:
    """Return how a value from elsewhere stands in a message."""
    text = ascii(value)[1:-1] if isinstance(value, str) else repr(value)
    return text if len(text) <= 100 else f"{text[:97]}..."


def _server(url: httpx.URL) -> tuple[str, str, int | None]:
    host = "localhost" if url.host in ("127.0.0.1", "::1") else url.host
    return url.scheme, host, url.port
