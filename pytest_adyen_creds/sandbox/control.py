"""What drives the sandbox over HTTP, under ``/_sandbox/``: customer area, clock, faults. None of it is Adyen's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any
from urllib.parse import unquote

from pytest_adyen_creds.errors import SandboxError
from pytest_adyen_creds.sandbox.bodies import read_body
from pytest_adyen_creds.sandbox.clock import Clock
from pytest_adyen_creds.sandbox.customer_area import CustomerArea, NewUser
from pytest_adyen_creds.sandbox.decisions import Refused
from pytest_adyen_creds.sandbox.evidence import registered_rules
from pytest_adyen_creds.sandbox.faults import ARGUMENTS, Fault, FaultKind, Faults
from pytest_adyen_creds.sandbox.state import Credential
from pytest_adyen_creds.sandbox.wire import Answer, Request

Body = dict[str, Any]


class Control:
    """The handlers under ``/_sandbox/``. Errors are ``{"error": TEXT}`` with 400, 404 or 405: no Adyen envelope."""

    def __init__(self, clock: Clock, faults: Faults, area: CustomerArea) -> None:
        self._clock = clock
        self._faults = faults
        self._area = area
        self._routes: Mapping[tuple[str, str], Callable[..., Any]] = {
            ("GET", ""): self._index,
            ("GET", "behaviours"): lambda _: [asdict(rule) for rule in registered_rules()],
            ("GET", "clock"): self._show_clock,
            ("POST", "clock/advance"): self._advance,
            ("GET", "faults"): lambda _: [self._show_fault(fault) for fault in self._faults.all()],
            ("POST", "faults"): self._set_fault,
            ("DELETE", "faults"): lambda _: self._faults.clear(),
            ("GET", "customer-area/credentials"): lambda _: [_show(c) for c in self._area.credentials()],
            ("POST", "customer-area/balance-platform-users"): self._create_balance_platform_user,
            ("POST", "customer-area/legal-entity-users"): self._create_legal_entity_user,
            ("POST", "customer-area/company-users"): self._create_company_user,
            ("GET", "customer-area/credentials/*"): lambda _, name: self._show_credential(name),
            ("POST", "customer-area/credentials/*/password"): self._generate_password,
            ("POST", "customer-area/credentials/*/api-key"): self._generate_api_key,
            ("POST", "customer-area/credentials/*/previous-key/reset"): lambda _, n: self._area.reset_previous_key(n),
            ("POST", "customer-area/credentials/*/previous-key/expire"): lambda _, n: self._area.expire_previous_key(n),
            ("PUT", "customer-area/credentials/*/allowed-ip-addresses"): self._set_allowed_ips,
            ("PUT", "customer-area/credentials/*/active"): self._set_active,
            ("POST", "customer-area/client-key-check"): self._check_client_key,
        }

    def answer(self, request: Request) -> Answer:
        """Answer one request under ``/_sandbox/``."""
        data = request.read()
        parts = request.path.removeprefix("/_sandbox").strip("/").split("/")
        methods, names = self._find(parts)
        if not methods:
            return Answer(404, {"error": "nothing is at this path; GET /_sandbox/ lists what there is"})
        handler = methods.get(request.method)
        if handler is None:
            allow = ", ".join(methods)
            return Answer(405, {"error": f"this path has: {allow}"}, {"Allow": allow})
        try:
            body = {} if request.method == "GET" else _read(data, request.header("Content-Type"))
            result = handler(body, *names)
        except Refused as refused:
            return Answer(400, {"error": refused.detail})
        except SandboxError as error:
            return Answer(400, {"error": str(error)})
        return Answer(204, None) if result is None else Answer(200, result)

    def _find(self, parts: list[str]) -> tuple[dict[str, Callable[..., Any]], list[str]]:
        methods: dict[str, Callable[..., Any]] = {}
        names: list[str] = []
        for (method, template), handler in self._routes.items():
            wanted = template.split("/")
            if len(wanted) == len(parts) and all(w in ("*", p) for w, p in zip(wanted, parts, strict=True)):
                methods[method] = handler
                names = [unquote(p) for w, p in zip(wanted, parts, strict=True) if w == "*"]
        return methods, names

    def _index(self, _: Body) -> Body:
        return {
            "about": "Drives the sandbox; none of this is Adyen's API. * stands for an id or a username.",
            "paths": [f"{method} /_sandbox/{template}" for method, template in self._routes],
        }

    def _show_clock(self, _: Body) -> Body:
        return {"now": self._clock.now().isoformat()}

    def _advance(self, body: Body) -> Body:
        _only(body, {"hours", "minutes", "seconds"})
        steps = {name: _number(value, name) for name, value in body.items()}
        return {"now": self._clock.advance(**steps).isoformat()}

    def _set_fault(self, body: Body) -> Body:
        setters: Mapping[str, tuple[Callable[..., Fault], str | None]] = {
            FaultKind.STATUS: (self._faults.status, "status"),
            FaultKind.DELAY: (self._faults.delay, "seconds"),
            FaultKind.RESET: (self._faults.reset, None),
            FaultKind.LOST_ANSWER: (self._faults.lose_answer, None),
            FaultKind.TIMEOUT: (self._faults.time_out, None),
            FaultKind.TRUNCATED: (self._faults.truncate, None),
            FaultKind.CONTENT_TYPE: (self._faults.content_type, "content_type"),
            FaultKind.VIOLATION: (self._faults.violate, "violation"),
            FaultKind.DUPLICATE: (self._faults.duplicate, None),
        }
        _only(body, {"kind", *ARGUMENTS})
        details = dict(body)
        kind = details.pop("kind", None)
        if not isinstance(kind, str) or kind not in setters:
            raise SandboxError(f"a fault has a kind; give one of: {', '.join(setters)}")
        setter, first = setters[kind]
        if first and first not in details:
            raise SandboxError(f"a {kind} fault has a {first}; give one")
        return self._show_fault(setter(*([details.pop(first)] if first else []), **details))

    def _show_fault(self, fault: Fault) -> Body:
        return {**asdict(fault), "struck": self._faults.struck(fault.id)}

    def _create_balance_platform_user(self, body: Body) -> Body:
        _only(body, {"platform", "roles", "description"})
        platform = _text(body["platform"], "platform") if "platform" in body else None
        return _show_new(self._area.create_balance_platform_user(platform, **_user_details(body)))

    def _create_legal_entity_user(self, body: Body) -> Body:
        _only(body, {"roles", "description"})
        return _show_new(self._area.create_legal_entity_user(**_user_details(body)))

    def _create_company_user(self, body: Body) -> Body:
        _only(body, {"roles", "description"})
        return _show_new(self._area.create_company_user(**_user_details(body)))

    def _show_credential(self, name: str) -> Body:
        return {**_show(self._area.credential(name)), "reaches": list(self._area.reaches(name))}

    def _generate_password(self, _: Body, name: str) -> Body:
        return {"password": self._area.generate_password(name)}

    def _generate_api_key(self, _: Body, name: str) -> Body:
        return {"apiKey": self._area.generate_api_key(name)}

    def _set_allowed_ips(self, body: Body, name: str) -> None:
        _only(body, {"allowedIpAddresses"})
        self._area.set_allowed_ips(name, _texts(body.get("allowedIpAddresses"), "allowedIpAddresses"))

    def _set_active(self, body: Body, name: str) -> None:
        _only(body, {"active"})
        if not isinstance(body.get("active"), bool):
            raise SandboxError("active is missing or not true or false; give one")
        self._area.set_active(name, body["active"])

    def _check_client_key(self, body: Body) -> Body:
        _only(body, {"clientKey", "origin"})
        origin = _text(body["origin"], "origin") if "origin" in body else None
        return {"accepted": self._area.accepts_client_key(_text(body.get("clientKey"), "clientKey"), origin)}


def _read(data: bytes | Refused, media_type: str | None) -> Body:
    if isinstance(data, Refused):
        raise data
    return read_body(data, media_type)


def _only(body: Body, names: set[str]) -> None:
    unknown = sorted(body.keys() - names)
    if unknown:
        raise SandboxError(f"{unknown[0]!r} is not known here; give: {', '.join(sorted(names))}")


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SandboxError(f"{name} is no number; give one")
    try:
        return float(value)
    except OverflowError:
        raise SandboxError(f"{name} is too large; give a smaller number") from None


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str) or not value:
        raise SandboxError(f"{name} is missing or no text; give one")
    return value


def _texts(value: Any, name: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise SandboxError(f"{name} is missing or no list of texts; give one")
    return value


def _user_details(body: Body) -> Body:
    details: Body = {}
    if "roles" in body:
        details["roles"] = _texts(body["roles"], "roles")
    if "description" in body:
        details["description"] = _text(body["description"], "description")
    return details


def _show(credential: Credential) -> Body:
    return {
        "id": credential.id,
        "kind": credential.kind.value,
        "username": credential.username,
        "merchantAccounts": list(credential.merchants),
        "roles": list(credential.roles),
        "description": credential.description,
        "active": credential.active,
        "allowedIpAddresses": list(credential.allowed_ips),
        "expiringApiKeys": [key.expires.isoformat() for key in credential.api_keys if key.expires],
    }


def _show_new(user: NewUser) -> Body:
    shown = {"id": user.id, "username": user.username, "apiKey": user.api_key, "password": user.password}
    return {**shown, "clientKey": user.client_key} if user.client_key else shown
