"""What drives the sandbox over HTTP, under ``/_sandbox/``: customer area, clock, faults. None of it is Adyen's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from inspect import Parameter, signature
from typing import Any, Final

from pytest_adyen_creds.errors import SandboxError
from pytest_adyen_creds.sandbox.bodies import read_body
from pytest_adyen_creds.sandbox.customer_area import CustomerArea, NewUser
from pytest_adyen_creds.sandbox.faults import ARGUMENTS, Fault, Faults
from pytest_adyen_creds.sandbox.outcomes import Refused
from pytest_adyen_creds.sandbox.routing import match_path
from pytest_adyen_creds.sandbox.rules import behaviours
from pytest_adyen_creds.sandbox.state import Clock, Credential
from pytest_adyen_creds.sandbox.wire import Answer, Request
from pytest_adyen_creds.secrets import Secret

Body = dict[str, Any]
Handler = Callable[..., Any]
"""Takes a request's body and the values in its path; returns the JSON to answer, ``None`` for a 204."""


class Control:
    """The handlers under ``/_sandbox/``. Errors are ``{"error": TEXT}`` with 400, 404 or 405: no Adyen envelope."""

    def __init__(self, clock: Clock, faults: Faults, area: CustomerArea) -> None:
        self._faults = faults
        self._area = area
        self._routes: Mapping[tuple[str, str], Handler] = {
            ("GET", ""): _calling(self._index),
            ("GET", "behaviours"): _calling(behaviours, asdict),
            ("GET", "clock"): _calling(clock.now, _show_time),
            ("POST", "clock/advance"): _calling(clock.advance, _show_time),
            ("GET", "faults"): _calling(faults.all, self._show_fault),
            ("POST", "faults"): self._set_fault,
            ("DELETE", "faults"): _calling(faults.clear),
            ("GET", "customer-area/credentials"): _calling(area.credentials, _show_credential),
            ("POST", "customer-area/balance-platform-users"): _calling(area.create_balance_platform_user, _show_new),
            ("POST", "customer-area/legal-entity-users"): _calling(area.create_legal_entity_user, _show_new),
            ("POST", "customer-area/company-users"): _calling(area.create_company_user, _show_new),
            ("POST", "customer-area/merchant-users"): _calling(area.create_merchant_user, _show_new),
            ("GET", "customer-area/credentials/{name}"): _calling(self._credential),
            ("POST", "customer-area/credentials/{name}/password"): _calling(area.generate_password, _under("password")),
            ("POST", "customer-area/credentials/{name}/api-key"): _calling(area.generate_api_key, _under("apiKey")),
            ("POST", "customer-area/credentials/{name}/client-key"): _calling(
                area.generate_client_key, _under("clientKey")
            ),
            ("POST", "customer-area/credentials/{name}/previous-key/reset"): _calling(area.reset_previous_key),
            ("POST", "customer-area/credentials/{name}/previous-key/expire"): _calling(area.expire_previous_key),
            ("PUT", "customer-area/credentials/{name}/allowed-ip-addresses"): _calling(area.set_allowed_ips),
            ("PUT", "customer-area/credentials/{name}/active"): _calling(area.set_active),
            ("POST", "customer-area/client-key-check"): _calling(area.accepts_client_key, _under("accepted")),
        }

    def answer(self, request: Request) -> Answer:
        """Answer one request under ``/_sandbox/``."""
        data = request.read()
        path = request.path.removeprefix("/_sandbox").strip("/")
        found = {
            method: (handler, values)
            for (method, template), handler in self._routes.items()
            if (values := match_path(template.split("/"), path.split("/"))) is not None
        }
        if not found:
            return Answer(404, {"error": "nothing is at this path; GET /_sandbox/ lists what there is"})
        if request.method not in found:
            allow = ", ".join(found)
            return Answer(405, {"error": f"this path has: {allow}"}, {"Allow": allow})
        handler, values = found[request.method]
        try:
            body = {} if request.method == "GET" else read_body(data, request.header("Content-Type"))
            result = handler(body, *values.values())
        except (Refused, SandboxError) as error:
            return Answer(400, {"error": str(error)})
        return Answer(204, None) if result is None else Answer(200, result)

    def _index(self) -> Body:
        return {
            "about": "Drives the sandbox; none of this is Adyen's API. * stands for an id or a username.",
            "paths": [f"{method} /_sandbox/{path.replace('{name}', '*')}" for method, path in self._routes],
        }

    def _set_fault(self, body: Body) -> Body:
        _refuse_others(body, {"kind", *ARGUMENTS})
        details = dict(body)
        return self._show_fault(self._faults.add(details.pop("kind", ""), **details))

    def _show_fault(self, fault: Fault) -> Body:
        return {**asdict(fault), "struck": self._faults.struck(fault.id)}

    def _credential(self, name: str) -> Body:
        return {**_show_credential(self._area.credential(name)), "reaches": list(self._area.reaches(name))}


def _calling(method: Callable[..., Any], show: Callable[[Any], Any] = lambda result: result) -> Handler:
    """Return the handler that calls ``method`` with what a request gives, by its signature, and shows what it returns.

    The values in the path are its first arguments, the properties of the body the others. Of a list each item is shown.
    """

    def handle(body: Body, *values: str) -> Any:
        parameters = list(signature(method, eval_str=True).parameters.values())[len(values) :]
        result = method(*values, **_arguments(parameters, body))
        return [show(item) for item in result] if isinstance(result, list | tuple) else show(result)

    return handle


_JSON_NAMES: Final = {"addresses": "allowedIpAddresses", "client_key": "clientKey"}
"""The properties that are named otherwise than the parameter they are for: as Adyen's API names them."""


def _arguments(parameters: list[Parameter], body: Body) -> dict[str, Any]:
    taken = {_JSON_NAMES.get(parameter.name, parameter.name): parameter for parameter in parameters}
    if taken:  # where nothing is taken, a body is ignored
        _refuse_others(body, taken.keys())
    arguments = {}
    for name, parameter in taken.items():
        if name not in body and parameter.default is not Parameter.empty:
            continue
        fits, wrong = _TYPES[parameter.annotation]
        if not fits(body.get(name)):
            raise SandboxError(f"{name} is {wrong}; give one")
        arguments[parameter.name] = body[name]
    return arguments


def _refuse_others(body: Body, names: Iterable[str]) -> None:
    unknown = sorted(body.keys() - set(names))
    if unknown:
        raise SandboxError(f"{unknown[0]!r} is not known here; give: {', '.join(sorted(names))}")


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


_TYPES: Final[Mapping[Any, tuple[Callable[[Any], bool], str]]] = {
    str: (_is_text, "missing or no text"),
    str | None: (_is_text, "missing or no text"),
    Secret | str: (_is_text, "missing or no text"),
    float: (_is_number, "no number"),
    bool: (lambda value: isinstance(value, bool), "missing or not true or false"),
    Iterable[str]: (_is_texts, "missing or no list of texts"),
}
"""What a property must be in JSON, by the type of the parameter it is for: a check, and what else it is called."""


def _under(name: str) -> Callable[[Any], Body]:
    return lambda value: {name: value}


def _show_time(now: datetime) -> Body:
    return {"now": now.isoformat()}


def _show_credential(credential: Credential) -> Body:
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
