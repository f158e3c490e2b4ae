"""Lives: scripted sequences for what single requests cannot show: rotation, deactivation, origins, paging."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pytest_adyen_creds.checks.exercises import ORIGIN, Exercise, Signer
from pytest_adyen_creds.checks.world import Level, World
from pytest_adyen_creds.secrets import Secret


@dataclass(frozen=True, slots=True)
class Step:
    """One request of a life: the operation's label, the exercise, and hours that the clock moves on before it."""

    label: str
    exercise: Exercise
    hours: float = 0.0


Life = Generator[Step, Mapping[str, Any], None]
"""Yields steps, and is sent the JSON object of each answer: an empty one where there is none."""


@dataclass(frozen=True)
class Cast:
    """Who plays in a life: the credential ``id`` at ``level``, its sign-in, and the world around it.

    ``clock``: whether time can be moved on. ``creates``: whether more credentials may be made.
    """

    world: World
    level: Level
    id: str
    username: str
    key: Secret
    password: Secret | None
    clock: bool
    creates: bool
    roles: tuple[str, ...] = field(default=())

    @property
    def list(self) -> str:
        """The path of the account's credentials."""
        return "/companies/{companyId}/apiCredentials" if self.level == "company" else _MERCHANT

    @property
    def one(self) -> str:
        """The path of a credential; for ``me`` the caller's own."""
        return "/me" if self.level == "me" else f"{self.list}/{{apiCredentialId}}"

    def step(
        self,
        method: str,
        path: str,
        says: str,
        expects: str = "2xx",
        *,
        body: Any = None,
        signer: Signer = "provisioning",
        hours: float = 0.0,
        id: str | None = None,
        origin: str = "",
        query: Mapping[str, Any] | None = None,
    ) -> Step:
        """Return a step at this level; ``id`` defaults to the cast's own credential."""
        known = {
            "companyId": self.world.company,
            "merchantId": self.world.merchants[0] if self.world.merchants else "",
            "apiCredentialId": self.id if id is None else id,
            "originId": origin,
        }
        parameters = {name: value for name, value in known.items() if f"{{{name}}}" in path}
        content = None if body is None else json.dumps(body).encode()
        exercise = Exercise(f"life: {says}", expects, parameters, query or {}, content, signer=signer)
        return Step(f"{method} {path}", exercise, hours)

    def me(self, says: str, expects: str = "2xx", signer: Signer | None = None, hours: float = 0.0) -> Step:
        """Return a step that signs in as somebody (default: the cast's own key) and asks who that is."""
        return self.step("GET", "/me", says, expects, signer=self.key if signer is None else signer, hours=hours)


_MERCHANT: Final = "/merchants/{merchantId}/apiCredentials"


def creation(cast: Cast) -> Life:
    """Create, read, list, sign in; and what a creation must not accept."""
    if not cast.creates:
        return
    body: dict[str, Any] = {
        "description": cast.world.description or "made by a life",
        "roles": list(cast.roles),
        "allowedOrigins": [ORIGIN, "https://*.example.org"],
    }
    if cast.level == "company":
        body["associatedMerchantAccounts"] = [cast.world.merchants[0]]
    made = yield cast.step("POST", cast.list, "create", body=body)
    id, key = made.get("id"), made.get("apiKey")
    if isinstance(id, str):
        yield cast.step("GET", cast.one, "read what was created", id=id)
        yield cast.step("GET", f"{cast.one}/allowedOrigins", "its origins", id=id)
    yield cast.step("GET", cast.list, "list what was created", query={"pageSize": 100})
    if isinstance(key, str):
        yield cast.me("sign in with the new key", signer=Secret(key))
    refused = body | {"roles": []}
    yield cast.step("POST", cast.list, "a credential without a role", "4xx", body=refused)
    refused = body | {"roles": ["A role that nobody holds"]}
    yield cast.step("POST", cast.list, "a role that cannot be given", "4xx", body=refused)
    refused = body | {"allowedOrigins": ["shop"]}
    yield cast.step("POST", cast.list, "an origin that is none", "4xx", body=refused)


def rotation(cast: Cast) -> Life:
    """A new API key works, the old one for 24 hours more."""
    yield cast.me("sign in with the first key")
    made = yield cast.step("POST", f"{cast.one}/generateApiKey", "rotate the key")
    new = made.get("apiKey")
    yield cast.me("the old key still works")
    if isinstance(new, str):
        # on a real server it may take minutes until it does
        yield cast.me("the new key works", "2xx" if cast.clock else "", signer=Secret(new))
    if cast.clock:
        yield cast.me("the old key after 23 hours", hours=23)
        yield cast.me("the old key after 25 hours", "401", hours=2)
        if isinstance(new, str):
            yield cast.me("the new key after 25 hours", signer=Secret(new))
    yield cast.step("GET", cast.one, "the credential is the same")


def client_keys(cast: Cast) -> Life:
    """A new client key at each call, shown from then on."""
    yield cast.step("GET", cast.one, "the first client key")
    yield cast.step("POST", f"{cast.one}/generateClientKey", "rotate the client key")
    yield cast.step("GET", cast.one, "the new client key")
    yield cast.step("POST", "/me/generateClientKey", "rotate the caller's client key", signer=cast.key)
    yield cast.me("the newest client key")


def deactivation(cast: Cast) -> Life:
    """Switched off, nothing signs in; switched on again, everything does."""
    basic = (cast.username, cast.password) if cast.password is not None else None
    yield cast.me("the key works")
    if basic:
        yield cast.me("the password works", signer=basic)
    yield cast.step("PATCH", cast.one, "switch off", body={"active": False})
    yield cast.me("the key is refused", "401")
    if basic:
        yield cast.me("the password is refused", "401", signer=basic)
    yield cast.step("GET", cast.one, "it is shown as switched off")
    yield cast.step("GET", cast.list, "it is still listed", query={"pageSize": 100})
    yield cast.step("PATCH", cast.one, "switch on again", body={"active": True})
    yield cast.me("the key works again")


def origins(cast: Cast) -> Life:
    """Origins are added, listed, read, replaced, removed; and gone."""
    signer: Signer = cast.key if cast.level == "me" else "provisioning"
    many, one = f"{cast.one}/allowedOrigins", f"{cast.one}/allowedOrigins/{{originId}}"
    ids = []
    for domain in ("https://one.example.com", "http://two.example.com:8080"):
        made = yield cast.step("POST", many, "add an origin", body={"domain": domain}, signer=signer)
        ids += [made["id"]] if isinstance(made.get("id"), str) else []
    yield cast.step("GET", many, "list the origins", signer=signer)
    for id in ids:
        yield cast.step("GET", one, "read an origin", origin=id, signer=signer)
    yield cast.step("GET", cast.one, "the credential shows its origins", signer=signer)
    if ids:
        yield cast.step("DELETE", one, "remove an origin", origin=ids[0], signer=signer)
        yield cast.step("GET", one, "the removed origin is gone", "4xx", origin=ids[0], signer=signer)
    yield cast.step("GET", many, "the list is one shorter", signer=signer)
    yield cast.step("GET", cast.one, "so is the credential's", signer=signer)
    if cast.level != "me":
        body = {"allowedOrigins": ["https://three.example.com", "https://four.example.com"]}
        yield cast.step("PATCH", cast.one, "replace the list", body=body)
        yield cast.step("GET", many, "the list is the new one")
        yield cast.step("PATCH", cast.one, "empty the list", body={"allowedOrigins": []})
        yield cast.step("GET", many, "the list is empty")


def changes(cast: Cast) -> Life:
    """Each property is changed, and read back at every place that shows it."""
    bodies: list[dict[str, Any]] = [
        {"description": cast.world.description or "changed by a life"},
        {"roles": list(cast.roles[:1]) if cast.roles else []},
        {"subjectDN": "CN=changed"},
        {"roles": list(cast.roles)},
    ]
    if cast.level == "company":
        bodies.insert(1, {"associatedMerchantAccounts": list(cast.world.merchants)})
    for body in bodies:
        yield cast.step("PATCH", cast.one, f"change {next(iter(body))}", body=body)
        yield cast.step("GET", cast.one, "read it back")
    yield cast.step("GET", cast.list, "list it", query={"pageSize": 100})
    yield cast.me("as it sees itself")
    yield cast.step("PATCH", cast.one, "take every role away", "4xx", body={"roles": []})
    yield cast.step("GET", cast.one, "nothing was changed")


def paging(cast: Cast) -> Life:
    """Over the pages of a list, in two sizes, each credential comes once."""
    if cast.creates:
        for _ in range(3):
            body = {"roles": list(cast.roles), "description": cast.world.description or "on a page"}
            yield cast.step("POST", cast.list, "create one more", body=body)
    for size in (2, 3):
        for number in range(1, 4):
            query = {"pageNumber": number, "pageSize": size}
            yield cast.step("GET", cast.list, f"page {number} by {size}", query=query)
    yield cast.step("GET", cast.list, "pages by default")


_LIVES: Final[Mapping[str, tuple[Callable[[Cast], Life], tuple[Level, ...]]]] = {
    "creation": (creation, ("company", "merchant")),
    "rotation": (rotation, ("company", "merchant")),
    "client-keys": (client_keys, ("company", "merchant")),
    "deactivation": (deactivation, ("company", "merchant")),
    "origins": (origins, ("company", "merchant", "me")),
    "changes": (changes, ("company", "merchant")),
    "paging": (paging, ("company", "merchant")),
}

LIVES: Final = tuple(f"{name} at {level} level" for name, (_, levels) in _LIVES.items() for level in levels)
"""The names of all lives."""

STATEFUL: Final = "stateful"
"""The name of the sequence that no script has: the walks of schemathesis' state machine."""


def life_of(name: str) -> tuple[Callable[[Cast], Life], Level]:
    """Return the life named ``name`` in :data:`LIVES`, and its level."""
    life, _, rest = name.partition(" at ")
    level: Level = rest.removesuffix(" level")  # type: ignore[assignment]
    return _LIVES[life][0], level
