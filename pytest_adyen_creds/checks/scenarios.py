"""Scenarios: scripted sequences for what single requests cannot show: rotation, deactivation, origins, paging."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pytest_adyen_creds.checks.cases import ORIGIN, Signer, TestCase
from pytest_adyen_creds.checks.sample_data import Level, SampleData, collection
from pytest_adyen_creds.contract import Operation
from pytest_adyen_creds.credentials.credential import ShownCredential
from pytest_adyen_creds.secrets import Secret

Scenario = Generator[TestCase, Mapping[str, Any], None]
"""Yields test cases, and is sent the JSON object of each answer: an empty one where there is none."""


@dataclass(frozen=True)
class Context:
    """What a scenario plays with: the credential that it is about, at ``level``, and the data around it.

    ``embedded``: whether the server is a sandbox of its own, whose time can be moved on, and where more credentials may
    be made.
    """

    operations: Mapping[str, Operation]
    data: SampleData
    level: Level
    credential: ShownCredential
    embedded: bool

    @property
    def key(self) -> Secret:
        """The credential's API key."""
        return self.credential.key()

    @property
    def roles(self) -> list[str]:
        """The roles that the credential is given."""
        return [self.data.role, self.data.calling_role] if self.embedded else [self.data.calling_role]

    @property
    def many(self) -> str:
        """The path of the account's credentials."""
        return collection(self.level)

    @property
    def one(self) -> str:
        """The path of a credential; for ``me`` the caller's own."""
        return "/me" if self.level == "me" else f"{self.many}/{{apiCredentialId}}"

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
    ) -> TestCase:
        """Return a test case at this level; ``id`` defaults to the scenario's own credential."""
        parameters = {
            "companyId": self.data.company,
            "merchantId": self.data.merchants[0] if self.data.merchants else "",
            "apiCredentialId": self.credential.id if id is None else id,
            "originId": origin,
        }
        content = None if body is None else json.dumps(body).encode()
        operation, how = self.operations[f"{method} {path}"], f"life: {says}"
        return TestCase(operation, how, expects, parameters, query or {}, content, signer=signer, hours=hours)

    def me(self, says: str, expects: str = "2xx", signer: Signer | None = None, hours: float = 0.0) -> TestCase:
        """Return a test case that signs in as somebody (default: the own key) and asks who that is."""
        return self.step("GET", "/me", says, expects, signer=self.key if signer is None else signer, hours=hours)


def creation(context: Context) -> Scenario:
    """Create, read, list, sign in; and what a creation must not accept."""
    if not context.embedded:
        return
    body: dict[str, Any] = {
        "description": context.data.description or "made by a life",
        "roles": context.roles,
        "allowedOrigins": [ORIGIN, "https://*.example.org"],
    }
    if context.level == "company":
        body["associatedMerchantAccounts"] = [context.data.merchants[0]]
    made = yield context.step("POST", context.many, "create", body=body)
    id, key = made.get("id"), made.get("apiKey")
    if isinstance(id, str):
        yield context.step("GET", context.one, "read what was created", id=id)
        yield context.step("GET", f"{context.one}/allowedOrigins", "its origins", id=id)
    yield context.step("GET", context.many, "list what was created", query={"pageSize": 100})
    if isinstance(key, str):
        yield context.me("sign in with the new key", signer=Secret(key))
    refused = body | {"roles": []}
    yield context.step("POST", context.many, "a credential without a role", "4xx", body=refused)
    refused = body | {"roles": ["A role that nobody holds"]}
    yield context.step("POST", context.many, "a role that cannot be given", "4xx", body=refused)
    refused = body | {"allowedOrigins": ["shop"]}
    yield context.step("POST", context.many, "an origin that is none", "4xx", body=refused)


def rotation(context: Context) -> Scenario:
    """A new API key works, the old one for 24 hours more."""
    yield context.me("sign in with the first key")
    made = yield context.step("POST", f"{context.one}/generateApiKey", "rotate the key")
    new = made.get("apiKey")
    yield context.me("the old key still works")
    if isinstance(new, str):
        # on a real server it may take minutes until it does
        yield context.me("the new key works", "2xx" if context.embedded else "", signer=Secret(new))
    if context.embedded:
        yield context.me("the old key after 23 hours", hours=23)
        yield context.me("the old key after 25 hours", "401", hours=2)
        if isinstance(new, str):
            yield context.me("the new key after 25 hours", signer=Secret(new))
    yield context.step("GET", context.one, "the credential is the same")


def client_keys(context: Context) -> Scenario:
    """A new client key at each call, shown from then on."""
    yield context.step("GET", context.one, "the first client key")
    yield context.step("POST", f"{context.one}/generateClientKey", "rotate the client key")
    yield context.step("GET", context.one, "the new client key")
    yield context.step("POST", "/me/generateClientKey", "rotate the caller's client key", signer=context.key)
    yield context.me("the newest client key")


def deactivation(context: Context) -> Scenario:
    """Switched off, nothing signs in; switched on again, everything does."""
    password = context.credential.password
    basic = (context.credential.username, password) if password is not None else None
    yield context.me("the key works")
    if basic:
        yield context.me("the password works", signer=basic)
    yield context.step("PATCH", context.one, "switch off", body={"active": False})
    yield context.me("the key is refused", "401")
    if basic:
        yield context.me("the password is refused", "401", signer=basic)
    yield context.step("GET", context.one, "it is shown as switched off")
    yield context.step("GET", context.many, "it is still listed", query={"pageSize": 100})
    yield context.step("PATCH", context.one, "switch on again", body={"active": True})
    yield context.me("the key works again")


def origins(context: Context) -> Scenario:
    """Origins are added, listed, read, replaced, removed; and gone."""
    signer: Signer = context.key if context.level == "me" else "provisioning"
    many, one = f"{context.one}/allowedOrigins", f"{context.one}/allowedOrigins/{{originId}}"
    ids = []
    for domain in ("https://one.example.com", "http://two.example.com:8080"):
        made = yield context.step("POST", many, "add an origin", body={"domain": domain}, signer=signer)
        ids += [made["id"]] if isinstance(made.get("id"), str) else []
    yield context.step("GET", many, "list the origins", signer=signer)
    for id in ids:
        yield context.step("GET", one, "read an origin", origin=id, signer=signer)
    yield context.step("GET", context.one, "the credential shows its origins", signer=signer)
    if ids:
        yield context.step("DELETE", one, "remove an origin", origin=ids[0], signer=signer)
        yield context.step("GET", one, "the removed origin is gone", "4xx", origin=ids[0], signer=signer)
    yield context.step("GET", many, "the list is one shorter", signer=signer)
    yield context.step("GET", context.one, "so is the credential's", signer=signer)
    if context.level != "me":
        body = {"allowedOrigins": ["https://three.example.com", "https://four.example.com"]}
        yield context.step("PATCH", context.one, "replace the list", body=body)
        yield context.step("GET", many, "the list is the new one")
        yield context.step("PATCH", context.one, "empty the list", body={"allowedOrigins": []})
        yield context.step("GET", many, "the list is empty")


def changes(context: Context) -> Scenario:
    """Each property is changed, and read back at every place that shows it."""
    bodies: list[dict[str, Any]] = [
        {"description": context.data.description or "changed by a life"},
        {"roles": context.roles[:1]},
        {"subjectDN": "CN=changed"},
        {"roles": context.roles},
    ]
    if context.level == "company":
        bodies.insert(1, {"associatedMerchantAccounts": list(context.data.merchants)})
    for body in bodies:
        yield context.step("PATCH", context.one, f"change {next(iter(body))}", body=body)
        yield context.step("GET", context.one, "read it back")
    yield context.step("GET", context.many, "list it", query={"pageSize": 100})
    yield context.me("as it sees itself")
    yield context.step("PATCH", context.one, "take every role away", "4xx", body={"roles": []})
    yield context.step("GET", context.one, "nothing was changed")


def paging(context: Context) -> Scenario:
    """Over the pages of a list, in two sizes, each credential comes once."""
    if context.embedded:
        for _ in range(3):
            body = {"roles": context.roles, "description": context.data.description or "on a page"}
            yield context.step("POST", context.many, "create one more", body=body)
    for size in (2, 3):
        for number in range(1, 4):
            query = {"pageNumber": number, "pageSize": size}
            yield context.step("GET", context.many, f"page {number} by {size}", query=query)
    yield context.step("GET", context.many, "pages by default")


_EVERYWHERE: Final[tuple[Level, ...]] = ("company", "merchant")
_SCENARIOS: Final[Mapping[str, tuple[Callable[[Context], Scenario], tuple[Level, ...]]]] = {
    "creation": (creation, _EVERYWHERE),
    "rotation": (rotation, _EVERYWHERE),
    "client-keys": (client_keys, _EVERYWHERE),
    "deactivation": (deactivation, _EVERYWHERE),
    "origins": (origins, (*_EVERYWHERE, "me")),
    "changes": (changes, _EVERYWHERE),
    "paging": (paging, _EVERYWHERE),
}

SCENARIOS: Final[Mapping[str, tuple[Callable[[Context], Scenario], Level]]] = {
    f"{name} at {level} level": (scenario, level) for name, (scenario, levels) in _SCENARIOS.items() for level in levels
}
"""All scenarios by name, each with its level."""

STATEFUL: Final = "stateful"
"""The name of the sequence that no script has: the runs of schemathesis' state machine."""
