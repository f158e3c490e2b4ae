"""The layer that observes roles, between the code under test and who answers it in any mode; and what it tells of."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

import httpx
import pytest

from pytest_adyen_creds.client.parsing import parse, shown_credentials
from pytest_adyen_creds.client.transports import PLUGINS_OWN, read
from pytest_adyen_creds.contract.apis import Match
from pytest_adyen_creds.contract.roles import Demand
from pytest_adyen_creds.credentials.credential import Credential
from pytest_adyen_creds.credentials.roles import classify
from pytest_adyen_creds.credentials.spec import Spec
from pytest_adyen_creds.endpoints import MANAGEMENT_HOST, is_loopback
from pytest_adyen_creds.intercept.hosts import is_host_of_adyen
from pytest_adyen_creds.roles.observed import RolesSeen, Use
from pytest_adyen_creds.secrets import SECRETS
from pytest_adyen_creds.text import normalised, some_of

PROVISIONING = "the provisioning credential"
UNSIGNED = "nobody"
OTHER = "another credential"
SECTION = "Adyen: refused for want of a role"
_MOST = 3
"""Roles that a credential is called by."""
_VERSION: Final = re.compile(r"^/v[0-9]+(?=/)")
_WORD: Final = re.compile(r"[a-z][A-Za-z]*")
"""A part of a path that names something of the API, and not of an account."""
_OTHERS: Final = "010"
"""The error code of a 403 that says that the account is another's (observed), whatever roles there are."""


class RolesLayer:
    """Notes which operations each test was answered and refused, by which credential.

    ``match`` returns the operation of a request, ``test`` the test that runs.
    """

    def __init__(
        self,
        seen: RolesSeen,
        match: Callable[[httpx.Request], Match | None],
        test: Callable[[], str],
        guarded: Callable[[str], AbstractContextManager[None]] = lambda what: nullcontext(),
    ) -> None:
        self.seen = seen
        self.refusals: dict[str, list[str]] = {}
        """By test, what was refused to it for want of a role, and what to do, in words."""
        self.provisioning: Callable[[], str | None] = lambda: None
        self._match = match
        self._test = test
        self._guarded = guarded
        self._names: dict[str, str] = {}
        """What reports call a credential, by its id, its key and its username: of those that :attr:`_lent_to` has."""
        self._lent_to = ""
        self._lock = threading.Lock()

    def lend(self, credential: Credential, spec: Spec | None = None) -> Credential:
        """Take note of a credential that a test is lent; without ``spec`` it is known, and has another key."""
        with self._lock:
            if self._lent_to != (test := self._test()):
                self._names.clear()  # recordings of several tests can name the same key
                self._lent_to = test
            if spec is not None:
                self._names[credential.id] = name = name_of(spec)
                self.seen.granted[name] = spec.roles
            name = self._names.get(credential.id, OTHER)
            self._names[credential.api_key.reveal()] = self._names[credential.username] = name
        return credential

    def answer(self, request: httpx.Request, inner: httpx.BaseTransport, *, of_fixture: bool) -> httpx.Response:
        """Return the answer to a request, and note it."""
        response = inner.handle_request(request)
        if not PLUGINS_OWN.get():
            with self._guarded(f"an answer to {request.method}"):  # no user's test is to fail because it is looked at
                self._note(request, response)
        return response

    def _note(self, request: httpx.Request, response: httpx.Response) -> None:
        status = response.status_code
        if status == 401:
            return
        label, roles = self._operation_of(request)
        name, test = self._credential_of(request), self._test()
        with self._lock:
            if roles:
                self.seen.demands.setdefault(label, dict(roles))
            else:
                self.seen.unknown.add(label)
            if status != 403:
                self.seen.uses[Use(test, name, label)] += 1
                return
            granted = self.seen.granted.get(name)
            lacking = Demand.of(roles).missing(granted or ())
            if lacking and not _is_anothers(response):  # else it was refused for something else
                self.seen.uses[Use(test, name, label, refused=True)] += 1
                told = self.refusals.setdefault(test, [])
                if (words := explanation(label, name, lacking, is_known=granted is not None)) not in told:
                    told.append(words)

    def _operation_of(self, request: httpx.Request) -> tuple[str, Mapping[str, Any]]:
        """Return what reports call the operation of a request, and which roles its contract says it asks for."""
        found = self._match(request)
        if found is None and is_loopback(str(request.url)):  # a gateway's, whose paths are the Management API's
            url = request.url.copy_with(scheme="https", host=MANAGEMENT_HOST, port=None)
            found = self._match(httpx.Request(request.method, url))
        if found:
            contract, operation, _ = found
            is_management = contract.api == "management"
            return operation.label if is_management else f"{contract.name}: {operation.label}", operation.roles
        path, host = request.url.path, request.url.host
        parts = (part if _WORD.fullmatch(part) else "{…}" for part in _VERSION.sub("", path).split("/")[1:])
        label = f"{request.method} /{'/'.join(parts)}"
        return label if host == MANAGEMENT_HOST or not is_host_of_adyen(host) else f"{host}: {label}", {}

    def _credential_of(self, request: httpx.Request) -> str:
        for kind, value in shown_credentials(request):
            if kind == "key" and value == self.provisioning():
                return PROVISIONING
            if kind == "username" or value:
                return self._names.get(value, OTHER)
        return UNSIGNED


class RolesPlugin:
    """Adds to a failing test's report what was refused to it; ``layer`` returns what saw it, if anything did."""

    def __init__(self, layer: Callable[[], RolesLayer | None]) -> None:
        self._layer = layer
        self._shown: dict[str, int] = {}
        """By test, how much of what was refused to it has been said."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Explain what was refused, once."""
        report = yield
        layer = self._layer()
        if layer is None:
            return report
        if not report.passed or hasattr(report, "wasxfail"):  # it may not have called everything
            layer.seen.failed.add(item.nodeid)
        if report.failed:
            told = layer.refusals.get(item.nodeid, [])
            if further := told[self._shown.get(item.nodeid, 0) :]:
                self._shown[item.nodeid] = len(told)
                report.sections.append((SECTION, SECRETS.mask("\n".join(further))))
        if report.when == "teardown":  # another plugin may run the test once more
            layer.refusals.pop(item.nodeid, None)
            self._shown.pop(item.nodeid, None)
        return report


def _is_anothers(response: httpx.Response) -> bool:
    """Return whether a 403 says that the account is another's."""
    body = parse(read(response).content)
    return isinstance(body, dict) and body.get("errorCode") == _OTHERS


def name_of(spec: Spec) -> str:
    """Return what reports call a throwaway that was asked for so: the same roles the same, others otherwise."""
    preset = classify(spec.roles)
    spelled = {normalised(role): role for role in sorted(spec.roles)}
    roles = [spelled[role] for role in sorted(spelled)]
    listed = some_of(roles, _MOST)
    if len(roles) > _MOST:
        mark = hashlib.sha256("\n".join(sorted(spelled)).encode()).hexdigest()[:6]
        listed += f" ({mark})"
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
