"""Exercises: the requests that show an operation answering each of its documented statuses."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import quote

if TYPE_CHECKING:
    from pytest_adyen_creds.contract import Contract, Operation

Signer = Literal["provisioning", "unknown", "powerless"]
"""Who signs a request: the provisioning key, a key nobody has, or the key of a credential without the role."""

ORIGIN: Final = "https://shop.example.com"
ROLE: Final = "Checkout webservice role"


@dataclass(frozen=True, slots=True)
class World:
    """What exists for the exercises of one operation: accounts, and at each level a credential with one origin."""

    company: str
    merchant: str
    credentials: Mapping[str, str]
    """The credential's id at ``company`` and ``merchant`` level."""
    origins: Mapping[str, str]
    """The origin's id at ``company``, ``merchant`` and ``me`` level."""

    def parameters(self, operation: Operation) -> dict[str, str]:
        """Return the path parameters of ``operation`` that name what exists."""
        level = operation.path.split("/")[1].replace("companies", "company").replace("merchants", "merchant")
        values = {
            "companyId": self.company,
            "merchantId": self.merchant,
            "apiCredentialId": self.credentials.get(level, ""),
            "originId": self.origins.get(level, ""),
        }
        return {p.name: values[p.name] for p in operation.parameters if p.location == "path"}


@dataclass(frozen=True, slots=True)
class Exercise:
    """One request of an operation, and the status that it is meant to show.

    ``status`` is None where any documented one will do. ``fault`` is a status that only the sandbox can be asked for.
    ``generated_by`` says how the request came about.
    """

    generated_by: str
    status: int | None
    parameters: Mapping[str, str]
    query: Mapping[str, Any] = field(default_factory=dict)
    content: bytes | None = None
    media_type: str = "application/json"
    signer: Signer = "provisioning"
    fault: int | None = None


def path_of(operation: Operation, exercise: Exercise) -> str:
    """Return the path of ``exercise``, its parameters filled in and percent-encoded."""
    path = operation.path
    for name, value in exercise.parameters.items():
        path = path.replace(f"{{{name}}}", quote(value, safe=""))
    return path


def scripted(operation: Operation, world: World) -> Iterator[Exercise]:
    """Yield one exercise for each documented status of ``operation``; removals come last."""
    parameters = world.parameters(operation)
    body = json.dumps(_body(operation)).encode() if operation.request else None
    success = min(status for status in operation.responses if status < HTTPStatus.MULTIPLE_CHOICES)

    def exercise(status: int, how: str, **changes: Any) -> Exercise:
        values = {"parameters": parameters, "content": body, **changes}
        return Exercise(f"scripted: {how}", status, **values)

    for status in sorted(operation.responses):
        if status == success:
            continue
        refusal = _refusal(operation, status, parameters)
        if refusal is None:
            yield exercise(status, "a fault of the sandbox", fault=status)
        else:
            how, changes = refusal
            yield exercise(status, how, **changes)
    yield exercise(success, "a request that fits")


def _refusal(operation: Operation, status: int, parameters: Mapping[str, str]) -> tuple[str, dict[str, Any]] | None:
    """Return how to earn ``status`` by asking for it, or None where only a fault shows it."""
    found: tuple[str, dict[str, Any]] | None = None
    if status == HTTPStatus.BAD_REQUEST and operation.request:
        found = "a body that is not JSON", {"content": b'{"'}
    elif status == HTTPStatus.UNAUTHORIZED:
        found = "a key that nobody has", {"signer": "unknown"}
    elif status == HTTPStatus.FORBIDDEN and not operation.path.startswith("/me"):
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


def _body(operation: Operation) -> dict[str, Any]:
    """Return a body that ``operation`` accepts."""
    name = operation.request or ""
    if "rigin" in name:
        return {"domain": f"{ORIGIN}:8443"}
    if name.startswith("Update"):
        return {"description": "made by a contract check", "roles": [ROLE]}
    return {"description": "made by a contract check", "roles": [ROLE], "allowedOrigins": [ORIGIN]}


def generated(contract: Contract, operation: Operation, world: World, *, each: int, seed: int = 0) -> list[Exercise]:
    """Return up to ``each`` positive and as many negative cases, all different, that schemathesis makes.

    Path parameters that name something are kept, so that the cases reach it. The same ``seed`` gives the same cases
    under the same releases of schemathesis and hypothesis.
    """
    from schemathesis import GenerationMode

    from pytest_adyen_creds.checks.cases import schema_of

    found = schema_of(contract)[operation.path][operation.method]
    parameters = world.parameters(operation)
    exercises: list[Exercise] = []
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        if mode is GenerationMode.NEGATIVE and not operation.request and len(operation.parameters) == len(parameters):
            continue  # nothing is left that could be wrong
        strategy = found.as_strategy(generation_mode=mode, path_parameters=dict(parameters))
        for case in _drawn(strategy, each, seed):
            exercise = _from_case(case, mode, parameters)
            if exercise not in exercises:
                exercises.append(exercise)
    return exercises


def _drawn(strategy: Any, number: int, seed: int) -> list[Any]:
    import hypothesis

    drawn: list[Any] = []

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=number,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(case=strategy)
    def draw(case: Any) -> None:
        drawn.append(case)

    draw()
    return drawn[:number]


def _from_case(case: Any, mode: Any, parameters: Mapping[str, str]) -> Exercise:
    sent = case.as_transport_kwargs(base_url="http://127.0.0.1")
    content = json.dumps(sent["json"]) if "json" in sent else sent.get("data")
    if isinstance(content, str):
        content = content.encode("utf-8", "surrogatepass")
    return Exercise(
        generated_by=f"schemathesis, {mode.value}",
        status=None,
        parameters=parameters,
        query={key: value for key, value in (sent.get("params") or {}).items() if value is not None},
        content=content,
        media_type=sent["headers"].get("Content-Type", "application/json"),
    )
