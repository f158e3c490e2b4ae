"""The layer that observes roles: it stands between the code under test and who answers it, in any mode."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import httpx

from pytest_adyen_creds.client.transports import is_plugins_own
from pytest_adyen_creds.credentials.credential import Credential
from pytest_adyen_creds.credentials.roles import classify
from pytest_adyen_creds.credentials.spec import Spec
from pytest_adyen_creds.roles.need import Demand
from pytest_adyen_creds.roles.observed import RolesSeen, Use

if TYPE_CHECKING:
    from pytest_adyen_creds.contract import Contract, Operation

PROVISIONING = "the provisioning credential"
UNSIGNED = "nobody"
OTHER = "another credential"
_MOST = 3
"""Roles that a credential is called by."""


class RolesLayer:
    """Notes which operations each test was answered and refused, by which credential.

    ``match`` returns the operation of a request, ``test`` the test that runs.
    """

    def __init__(
        self,
        seen: RolesSeen,
        match: Callable[[httpx.Request], tuple[Operation, Contract] | None],
        test: Callable[[], str],
    ) -> None:
        self.seen = seen
        self.refusals: dict[str, list[str]] = {}
        """By test, what was refused to it for want of a role, and what to do, in words."""
        self.provisioning: Callable[[], str | None] = lambda: None
        self._match = match
        self._test = test
        self._names: dict[str, str] = {}
        """What reports call a credential, by its id, its key and its username."""
        self._lock = threading.Lock()

    def lend(self, credential: Credential, spec: Spec | None = None) -> Credential:
        """Take note of a credential that a test is lent; without ``spec`` it is known, and has another key."""
        with self._lock:
            if spec is not None:
                self._names[credential.id] = name = name_of(spec)
                self.seen.granted[name] = spec.roles
            name = self._names.get(credential.id, OTHER)
            self._names[credential.api_key.reveal()] = self._names[credential.username] = name
        return credential

    def answer(self, request: httpx.Request, inner: httpx.BaseTransport, *, of_fixture: bool) -> httpx.Response:
        """Return the answer to a request, and note it."""
        response = inner.handle_request(request)
        if not is_plugins_own():
            self._note(request, response.status_code)
        return response

    def _note(self, request: httpx.Request, status: int) -> None:
        found = self._match(request) if status != 401 else None
        if found is None:
            return
        operation, contract = found
        label = operation.label if contract.api == "management" else f"{contract.api}: {operation.label}"
        name, test = self._credential_of(request), self._test()
        with self._lock:
            if operation.roles:
                self.seen.demands.setdefault(label, dict(operation.roles))
            else:
                self.seen.unknown.add(label)
            if status != 403:
                self.seen.uses[Use(test, name, label)] += 1
                return
            granted = self.seen.granted.get(name)
            lacking = Demand.of(operation.roles).missing(granted or ())
            if lacking:  # else it was refused for something else
                self.seen.uses[Use(test, name, label, refused=True)] += 1
                told = self.refusals.setdefault(test, [])
                if (words := explanation(label, name, lacking, is_known=granted is not None)) not in told:
                    told.append(words)

    def _credential_of(self, request: httpx.Request) -> str:
        if key := request.headers.get("x-api-key"):
            return PROVISIONING if key == self.provisioning() else self._names.get(key, OTHER)
        if authorization := request.headers.get("authorization", ""):
            from pytest_adyen_creds.cassettes.redact.visitor import basic_credentials

            pair = basic_credentials(authorization)
            return self._names.get(pair[0], OTHER) if pair else OTHER
        return UNSIGNED


def name_of(spec: Spec) -> str:
    """Return what reports call a throwaway that was asked for so."""
    preset = classify(spec.roles)
    listed = ", ".join(spec.roles[:_MOST]) + (f" and {len(spec.roles) - _MOST} more" if len(spec.roles) > _MOST else "")
    what = f"the preset {preset}" if preset != "custom" else listed
    return f"throwaway at {spec.level} level with {what}"


def explanation(operation: str, credential: str, lacking: str, *, is_known: bool) -> str:
    """Return why an operation was refused, and what to do."""
    asks = f"{credential} lacks {lacking}" if is_known else f"it asks for {lacking}"
    return (
        f"{operation} was refused (403): {asks}. Give the role to the credential in the Customer Area "
        "(Developers, API credentials, the credential, its roles), or in a test: "
        "@pytest.mark.adyen_credential(roles=[...])"
    )
