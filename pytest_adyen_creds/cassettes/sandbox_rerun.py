"""What the embedded sandbox answers where a captured exchange was answered: in a state made like the one captured."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import cycle, islice
from typing import Any, Final
from urllib.parse import quote, urlsplit

import httpx

from pytest_adyen_creds.cassettes.model import CANONICAL_ORIGIN, Interaction, find_header
from pytest_adyen_creds.contract import Contract, Operation
from pytest_adyen_creds.contract.roles import Demand
from pytest_adyen_creds.errors import FileRefused, SandboxError
from pytest_adyen_creds.formats import parse_json
from pytest_adyen_creds.sandbox import Sandbox
from pytest_adyen_creds.sandbox.answers import Answers
from pytest_adyen_creds.sandbox.credentials import LONGEST_DESCRIPTION
from pytest_adyen_creds.sandbox.origins import replaced
from pytest_adyen_creds.sandbox.roles import API_CREDENTIALS_ROLE, CATALOGUE, DEFAULT_ROLE
from pytest_adyen_creds.sandbox.state import Credential
from pytest_adyen_creds.text import normalised

_ACCOUNT: Final = re.compile(r"[A-Za-z0-9_-]{1,80}")
_COMPANY: Final = re.compile(r"@Company\.([A-Za-z0-9_-]{1,80})")
_NOBODY: Final = "AQE0000000000000000000000000000000000000-nobody"
_NOTHING: Final = "S2-0000000000"
_ORIGIN: Final = "https://compare.example.net"
_ANY_ROLE: Final = Demand(starts=("Management API",))
_MOST: Final = 12
"""Credentials of a captured list that are made as they are shown."""
_MOST_LISTED: Final = 250
"""Credentials that are made for a captured list."""


@dataclass(frozen=True)
class Captured:
    """One captured exchange; ``value`` is the JSON value that it was answered with."""

    contract: Contract
    operation: Operation
    parameters: Mapping[str, str]
    interaction: Interaction
    value: Any


def sandbox_answers(captured: Captured, answers: Answers, prepared: dict[str, Attempt]) -> Iterator[httpx.Response]:
    """Yield each answer of a sandbox to the operation with the captured status; none where it never answers so.

    Each answer is earned in its own way: by the request as it was sent, by sending it again, with an id that nothing
    has, with a key that lacks a role. ``answers`` is the sandbox's style. ``prepared`` keeps sandboxes for further
    calls: captured lists alike are asked of one, as asking changes nothing.
    """
    for way in _ways(captured.interaction):
        try:
            attempt = Attempt(captured, answers)
            if way == "as sent" and (key := attempt.list_key()):
                attempt = prepared.setdefault(key, attempt)
            response = attempt.send(way, captured.interaction)
        except (SandboxError, httpx.InvalidURL, UnicodeError):
            continue  # this state cannot be made
        if response.status_code == captured.interaction.status:
            yield response


def _ways(captured: Interaction) -> list[str]:
    if 200 <= captured.status < 300:
        return ["as sent", "without roles"] if captured.request_body else ["as sent"]
    ways = {
        400: ["as sent", "half a body"],
        401: ["unknown key"],
        403: ["no role", "foreign account"],
        422: ["as sent", "sent again", "unknown origin", "unknown credential", "no page"],
    }
    return [*ways.get(captured.status, []), "a fault"]


class Attempt:
    """One sandbox with what a captured exchange was about."""

    def __init__(self, captured: Captured, answers: Answers) -> None:
        body, parameters = captured.value, captured.parameters
        self._operation = captured.operation
        self._shown = [each for each in objects_in(body) if "username" in each]
        self._merchant = parameters.get("merchantId")
        company = parameters.get("companyId") or _company(self._shown)
        merchants = [self._merchant] if self._merchant else []
        merchants += [name for shown in self._shown for name in texts_in(shown.get("associatedMerchantAccounts"))]
        known = list(dict.fromkeys(name for name in merchants if _ACCOUNT.fullmatch(name))) or ["TestMerchant"]
        if not _ACCOUNT.fullmatch(company):
            raise SandboxError(f"{company!r} is no account name")
        self._sandbox = Sandbox(company, known, answers=answers)
        self._base_url = f"{CANONICAL_ORIGIN}/{captured.contract.version}"
        list_shown = body if isinstance(body, dict) else {}
        total = list_shown.get("itemsTotal")
        self._total = total if type(total) is int else 0
        self._origins = _domains(list_shown.get("data")) if "allowedOrigins" in self._operation.path else []

    def list_key(self) -> str | None:
        """Return what is the same for lists that one prepared sandbox can answer; None for all else."""
        operation = self._operation
        if operation.method != "GET" or not operation.path.endswith("/apiCredentials"):
            return None
        kinds = {repr(sorted((name, bool(value)) for name, value in each.items())) for each in self._shown}
        return repr((self._base_url, operation.label, min(self._total, _MOST_LISTED), sorted(kinds)))

    @cached_property
    def _made(self) -> Credential:
        """The first of the credentials that were captured; made with as many as the list has."""
        shown = self._shown[:_MOST] or [{}]
        made = [self._make(each) for each in shown]
        further = min(self._total, _MOST_LISTED) - len(made) - (self._merchant is None)
        for each in islice(cycle(shown), max(0, further)):
            self._make(each)  # which pages a page links depends on how many there are, and each shows all kinds
        return made[0]

    def send(self, way: str, captured: Interaction) -> httpx.Response:
        """Send the request of ``captured`` in one of :func:`_ways`, about the first of the credentials."""
        made, provisioning = self._made, self._sandbox.provisioning
        values = {
            "companyId": self._sandbox.company,
            "merchantId": self._merchant or "",
            "apiCredentialId": _NOTHING if way == "unknown credential" else made.id,
            "originId": _NOTHING if way == "unknown origin" or not made.origins else made.origins[0].id,
        }
        if way == "foreign account":
            values |= {"companyId": f"{values['companyId']}Foreign", "merchantId": f"{values['merchantId']}Foreign"}
        if way == "a fault":
            self._sandbox.faults.status(captured.status, self._operation.label, optional=True)
        signer = made.api_keys[0].secret if self._operation.path.split("/")[1] == "me" else provisioning.api_key
        if way == "no role":
            signer = self._make({}, roles=(DEFAULT_ROLE,)).api_keys[0].secret
        path = self._operation.path
        for name, value in values.items():
            path = path.replace(f"{{{name}}}", quote(value, safe=""))
        media = find_header(captured.request_headers, "content-type") or "application/json"
        query = "pageSize=0" if way == "no page" else urlsplit(captured.uri).query
        request = httpx.Request(
            self._operation.method,
            f"{self._base_url}{path}" + (f"?{query}" if query else ""),
            headers={"X-API-Key": _NOBODY if way == "unknown key" else signer.reveal(), "Content-Type": media},
            content=_content(way, captured.request_body),
        )
        transport = self._sandbox.transport()
        if way == "sent again":
            transport.handle_request(request)
        response = transport.handle_request(request)
        response.read()
        return response

    def _make(self, shown: Mapping[str, Any], roles: tuple[str, ...] = ()) -> Credential:
        """Return a new credential like the one that is ``shown``; ``roles``: with these instead."""
        repository, now = self._sandbox.repository, self._sandbox.clock.now()
        keys = repository.key_service
        merchants = [name for name in texts_in(shown.get("associatedMerchantAccounts")) if _ACCOUNT.fullmatch(name)]
        domains = _domains(shown.get("allowedOrigins")) or self._origins
        if "{originId}" in self._operation.path:
            domains = [*domains, _ORIGIN]
        username = f"ws_{keys.ids.user_number()}@Company.{self._sandbox.company}"
        has_client_key = not shown or "clientKey" in shown or "apiKey" in shown
        subject = shown.get("subjectDN")
        made = replace(
            keys.new_credential(username, now, has_client_key=has_client_key),
            roles=roles or self._roles(shown),
            description=str(shown.get("description") or "")[:LONGEST_DESCRIPTION] or None,
            home=self._merchant,
            merchants=(self._merchant,) if self._merchant else tuple(merchants),
            origins=replaced((), domains, keys.ids),
            active=shown.get("active") is not False,
            subject_dn=subject if isinstance(subject, str) else None,
        )
        return repository.state.put(made, now)

    def _roles(self, shown: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the known ones of the roles that are ``shown``, and one to ask the operation with."""
        spelled = {normalised(role): role for role in CATALOGUE}
        roles = [spelled[name] for role in texts_in(shown.get("roles")) if (name := normalised(role)) in spelled]
        if not _ANY_ROLE.is_met(roles) or self._operation.path.endswith("/generateClientKey"):
            roles = list(dict.fromkeys([*roles, API_CREDENTIALS_ROLE]))
        return tuple(roles)


def _content(way: str, content: bytes) -> bytes | None:
    if way == "half a body":
        return b'{"'
    if way == "without roles" and content:
        with suppress(FileRefused, UnicodeDecodeError):
            sent = parse_json(content.decode("utf-8-sig"), "the request")
            if isinstance(sent, dict):
                return json.dumps({name: value for name, value in sent.items() if name == "domain"}).encode()
    return content or None


def objects_in(body: Any) -> list[Mapping[str, Any]]:
    """Return the JSON objects that an answer lists as its data, or the one that it is."""
    listed = body.get("data") if isinstance(body, dict) else None
    items = listed if isinstance(listed, list) else [body]
    return [each for each in items if isinstance(each, dict)]


def _company(shown: list[Mapping[str, Any]]) -> str:
    for each in shown:
        found = _COMPANY.search(str(each.get("username", "")))
        if found or isinstance(each.get("companyName"), str):
            return found[1] if found else str(each["companyName"])
    return "TestCompany"


def _domains(listed: Any) -> list[str]:
    origins = listed if isinstance(listed, list) else []
    return texts_in([each.get("domain") for each in origins if isinstance(each, dict)])


def texts_in(value: Any) -> list[str]:
    """Return the texts in ``value`` if that is a list, else none."""
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
