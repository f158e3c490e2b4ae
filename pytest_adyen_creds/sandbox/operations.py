"""The operations: what each does to the state, and which rule says how it is answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

from pytest_adyen_creds.contract import Operation
from pytest_adyen_creds.sandbox import bodies, credentials, keys, origins, paging, rendering
from pytest_adyen_creds.sandbox.caller import Scope, refusal_of, scope_of
from pytest_adyen_creds.sandbox.credentials import CredentialRepository
from pytest_adyen_creds.sandbox.outcomes import Outcome
from pytest_adyen_creds.sandbox.rendering import Address
from pytest_adyen_creds.sandbox.rules import SPECIFICATION, Rule
from pytest_adyen_creds.sandbox.state import Credential, KeyKind

ME: Final = Rule.documented(
    "caller.me", "GET /me shows the credential whose key or password made the request.", f"{SPECIFICATION}, GET /me"
)


@dataclass(frozen=True)
class Call:
    """One authenticated request, without HTTP: the operation, its path values, query and body, the caller, the time."""

    operation: Operation
    parameters: Mapping[str, str]
    query: str
    read_body: Callable[[], dict[str, Any]]
    caller: Credential
    address: Address
    now: datetime

    def body(self) -> dict[str, Any]:
        """Return the request's body in the shape of the operation's message; raises :class:`Refused` for another."""
        body = self.read_body()
        bodies.check_shape(self.operation.request or "", body)
        return body


@dataclass(frozen=True)
class Target:
    """The credential that an operation is about, the account it was reached at (``None``: ``/me``), its address."""

    credential: Credential
    scope: Scope | None
    href: str


def permit(repository: CredentialRepository, call: Call) -> Scope | None:
    """Return the account that ``call`` names, ``None`` under ``/me``; raises :class:`Refused` if it may not be made."""
    if refused := refusal_of(call.caller, call.operation):
        raise refused
    own = not call.parameters.keys() & {"companyId", "merchantId"}
    return None if own else scope_of(repository.state, call.caller, call.parameters)


def perform(repository: CredentialRepository, call: Call, scope: Scope | None) -> Outcome:
    """Carry out a permitted ``call`` and return its outcome; raises :class:`Refused`. Callers hold the state's lock."""
    action = _action(call.operation)
    if scope is not None and action in _AT_ACCOUNT:
        return _AT_ACCOUNT[action](repository, call, scope)
    if scope is None:
        target = Target(call.caller, None, call.address.of("me"))
    else:
        found = repository.find(scope, call.parameters["apiCredentialId"])
        target = Target(found, scope, call.address.credentials(scope, found.id))
    return _OF_CREDENTIAL[action](repository, call, target)


def _action(operation: Operation) -> str:
    """Return what an operation does, whatever the account: its method and the last part of its path."""
    return f"{operation.method} {operation.path.rpartition('/')[2]}"


def _list_credentials(repository: CredentialRepository, call: Call, scope: Scope) -> Outcome:
    page = paging.read_page(call.query)
    found = repository.all(scope)
    if scope.merchant is not None and not found:
        return Outcome(credentials.NOTHING_LISTED, None)
    shown = [rendering.show_credential(credential, scope, call.address) for credential in page.of(found)]
    rule = credentials.LISTED if shown else paging.BEYOND
    return Outcome(rule, paging.show_page(len(found), page, call.address.credentials(scope), shown))


def _create_credential(repository: CredentialRepository, call: Call, scope: Scope) -> Outcome:
    created = repository.create(scope, call.body(), call.now)
    return Outcome(credentials.CREATED, rendering.show_created(created, scope, call.address))


def _show_credential(repository: CredentialRepository, call: Call, scope: Scope) -> Outcome:
    found = repository.find(scope, call.parameters["apiCredentialId"])
    return Outcome(credentials.SHOWN, rendering.show_credential(found, scope, call.address))


def _update_credential(repository: CredentialRepository, call: Call, scope: Scope) -> Outcome:
    found = repository.find(scope, call.parameters["apiCredentialId"])
    body = call.body()
    updated = repository.update(found, body, call.now)
    rule = credentials.UPDATED if body else credentials.EMPTY_UPDATE
    if body.keys() == {"active"}:
        rule = credentials.ACTIVE
    return Outcome(rule, rendering.show_credential(updated, scope, call.address))


def _show_me(repository: CredentialRepository, call: Call, target: Target) -> Outcome:
    document = rendering.show_me(
        target.credential, repository.state.company, call.address, names_merchants=repository.style.me_names_merchants
    )
    return Outcome(ME, document)


def _list_origins(_: CredentialRepository, __: Call, target: Target) -> Outcome:
    listed = target.credential.origins
    if not listed and target.scope is not None and target.scope.merchant is not None:
        return Outcome(origins.NOTHING_LISTED, None)
    return Outcome(origins.LISTED, {"data": [rendering.show_origin(origin, target.href) for origin in listed]})


def _add_origin(repository: CredentialRepository, call: Call, target: Target) -> Outcome:
    body = call.body()
    changed, added = origins.add(target.credential, body, repository.key_service.ids)
    repository.state.put(changed, call.now)
    rule = origins.ID_IGNORED if body.keys() > {"domain"} else origins.ADDED
    return Outcome(rule, rendering.show_origin(added, target.href))


def _show_origin(_: CredentialRepository, call: Call, target: Target) -> Outcome:
    origin = origins.find(target.credential, call.parameters["originId"])
    return Outcome(origins.SHOWN, rendering.show_origin(origin, target.href))


def _remove_origin(repository: CredentialRepository, call: Call, target: Target) -> Outcome:
    repository.state.put(origins.remove(target.credential, call.parameters["originId"]), call.now)
    return Outcome(origins.REMOVED, None)


def _generate_key(kind: KeyKind, rule: Rule, repository: CredentialRepository, call: Call, target: Target) -> Outcome:
    changed = repository.state.put(repository.key_service.with_new_key(target.credential, kind, call.now), call.now)
    name = {"api_keys": "apiKey", "client_keys": "clientKey"}[kind]
    return Outcome(rule if changed.active else keys.INACTIVE_ROTATES, {name: changed.keys(kind)[-1].secret})


_AT_ACCOUNT: Final[Mapping[str, Callable[[CredentialRepository, Call, Scope], Outcome]]] = {
    "GET apiCredentials": _list_credentials,
    "POST apiCredentials": _create_credential,
    "GET {apiCredentialId}": _show_credential,
    "PATCH {apiCredentialId}": _update_credential,
}
_OF_CREDENTIAL: Final[Mapping[str, Callable[[CredentialRepository, Call, Target], Outcome]]] = {
    "GET me": _show_me,
    "GET allowedOrigins": _list_origins,
    "POST allowedOrigins": _add_origin,
    "GET {originId}": _show_origin,
    "DELETE {originId}": _remove_origin,
    "POST generateApiKey": partial(_generate_key, "api_keys", keys.API_KEY_OVERLAP),
    "POST generateClientKey": partial(_generate_key, "client_keys", keys.CLIENT_KEY_OVERLAP),
}
