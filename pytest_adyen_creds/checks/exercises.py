"""Exercises: the requests that show an operation answering each of its documented statuses."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import quote

from pytest_adyen_creds.secrets import Secret

if TYPE_CHECKING:
    from pytest_adyen_creds.checks.world import World
    from pytest_adyen_creds.contract import Operation

Signer = Literal["provisioning", "unknown", "powerless"] | Secret | tuple[str, Secret]
"""Who signs a request: the provisioning key, a key nobody has, the key of a credential without the role; or a key
itself, or a username with its password."""

ORIGIN: Final = "https://checkout.example.net"
"""The origin that a set-up gives to credentials; no generated one is the same."""


@dataclass(frozen=True, slots=True)
class Exercise:
    """One request of an operation, and what it is meant to show.

    ``expects`` is a status such as ``401``, a class such as ``2xx``, or nothing where any documented status will do.
    ``fault`` is a status that only the sandbox can be asked for. ``generated_by`` says how the request came about.
    """

    generated_by: str
    expects: str
    parameters: Mapping[str, str]
    query: Mapping[str, Any] = field(default_factory=dict)
    content: bytes | None = None
    media_type: str = "application/json"
    signer: Signer = "provisioning"
    fault: int | None = None

    @property
    def json(self) -> Any:
        """The JSON value of the body; None where there is none or it is not JSON."""
        try:
            return json.loads(self.content or b"null")
        except ValueError:
            return None


def path_of(operation: Operation, exercise: Exercise) -> str:
    """Return the path of ``exercise``, its parameters filled in and percent-encoded."""
    path = operation.path
    for name, value in exercise.parameters.items():
        path = path.replace(f"{{{name}}}", quote(value, safe=""))
    return path


def scripted(operation: Operation, world: World) -> Iterator[Exercise]:
    """Yield one exercise for each documented status of ``operation``; removals come last."""
    parameters = world.parameters(operation)
    body = json.dumps(_body(operation, world)).encode() if operation.request else None
    successes = [status for status in operation.responses if status < HTTPStatus.MULTIPLE_CHOICES]

    def exercise(expects: str, how: str, **changes: Any) -> Exercise:
        values = {"parameters": parameters, "content": body, **changes}
        return Exercise(f"scripted: {how}", expects, **values)

    for status in sorted(operation.responses):
        if status == min(successes):
            continue
        refusal = _refusal(operation, status, parameters)
        if refusal is None:
            yield exercise(str(status), "a fault of the sandbox", fault=status)
        else:
            how, changes = refusal
            # which of the refusals a senseless request earns is not published
            yield exercise("4xx" if status == HTTPStatus.UNPROCESSABLE_ENTITY else str(status), how, **changes)
    yield exercise("2xx", "a request that fits")


def _refusal(operation: Operation, status: int, parameters: Mapping[str, str]) -> tuple[str, dict[str, Any]] | None:
    """Return how to earn ``status`` by asking for it, or None where only a fault shows it."""
    found: tuple[str, dict[str, Any]] | None = None
    if status == HTTPStatus.BAD_REQUEST and operation.request:
        found = "a body that is not JSON", {"content": b'{"'}
    elif status == HTTPStatus.UNAUTHORIZED:
        found = "a key that nobody has", {"signer": "unknown"}
    elif status == HTTPStatus.FORBIDDEN and operation.path.split("/")[1] != "me":
        found = "a key without the role", {"signer": "powerless"}
    elif status == HTTPStatus.UNPROCESSABLE_ENTITY:
        found = _nonsense(operation, parameters)
    return found


def _nonsense(operation: Operation, parameters: Mapping[str, str]) -> tuple[str, dict[str, Any]] | None:
    """Return a request that can be read and means nothing."""
    if operation.request:
        wrong = {"domain": "not an origin"} if "rigin" in operation.request else {"roles": ["No such role"]}
        return "a body that means nothing", {"content": json.dumps(wrong).encode()}
    if any(parameter.name == "pageSize" for parameter in operation.parameters):
        return "a page of no items", {"query": {"pageSize": 0}}
    last = [name for name in ("originId", "apiCredentialId") if name in parameters][:1]
    return ("an id that nothing has", {"parameters": {**parameters, last[0]: "S2-0000000000"}}) if last else None


def _body(operation: Operation, world: World) -> dict[str, Any]:
    """Return a body that ``operation`` accepts."""
    name = operation.request or ""
    if "rigin" in name:
        return {"domain": f"{ORIGIN}:8443"}
    body = {"description": world.description or "made by a contract check", "roles": [world.role]}
    return body if name.startswith("Update") else {**body, "allowedOrigins": [ORIGIN]}
