"""Test cases: the requests that show an operation answering each of its documented statuses, and generated ones.

What is generated is schemathesis': examples, coverage and fuzzing, positive and negative.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import quote

from pytest_adyen_creds.checks.sample_data import SampleData, requests_of
from pytest_adyen_creds.client.parsing import parse
from pytest_adyen_creds.contract.operations import DATA
from pytest_adyen_creds.secrets import Secret

if TYPE_CHECKING:
    import hypothesis

    from pytest_adyen_creds.contract import Contract, Operation


Signer = Literal["provisioning", "unknown", "powerless"] | Secret | tuple[str, Secret]
"""Who signs a request: the provisioning key, a key nobody has, the key of a credential without the role; or a key
itself, or a username with its password."""

ORIGIN: Final = "https://checkout.example.net"
"""The origin that a set-up gives to credentials; no generated one is the same."""


@dataclass(frozen=True, slots=True)
class TestCase:
    """One request of an operation, and what it is meant to show.

    ``expects`` is a status such as ``401``, a class such as ``2xx``, or nothing where any documented status will do.
    ``fault`` is a status that only the sandbox can be asked for, ``hours`` what its clock moves on before the request.
    ``generated_by`` says how the request came about.
    """

    operation: Operation
    generated_by: str
    expects: str
    parameters: Mapping[str, str]
    query: Mapping[str, Any] = field(default_factory=dict)
    content: bytes | None = None
    media_type: str = "application/json"
    signer: Signer = "provisioning"
    fault: int | None = None
    hours: float = 0.0

    @property
    def path(self) -> str:
        """The path, its parameters filled in and percent-encoded."""
        path = self.operation.path
        for name, value in self.parameters.items():
            path = path.replace(f"{{{name}}}", quote(value, safe=""))
        return path

    @property
    def json(self) -> Any:
        """The JSON value of the body; None where there is none or it is not JSON."""
        return parse(self.content or b"")


def scripted(operation: Operation, data: SampleData) -> Iterator[TestCase]:
    """Yield one test case for each documented status of ``operation``; removals come last."""
    parameters = data.parameters(operation)
    body = json.dumps(_body(operation, data)).encode() if operation.request else None
    successes = [status for status in operation.responses if status < HTTPStatus.MULTIPLE_CHOICES]

    def case(expects: str, how: str, **changes: Any) -> TestCase:
        values = {"parameters": parameters, "content": body, **changes}
        return TestCase(operation, f"scripted: {how}", expects, **values)

    for status in sorted(operation.responses):
        if status == min(successes):
            continue
        refusal = _refusal(operation, status, parameters)
        if refusal is None:
            yield case(str(status), "a fault of the sandbox", fault=status)
        else:
            how, changes = refusal
            # which of the refusals a senseless request earns is not published
            yield case("4xx" if status == HTTPStatus.UNPROCESSABLE_ENTITY else str(status), how, **changes)
    yield case("2xx", "a request that fits")


def _refusal(operation: Operation, status: int, parameters: Mapping[str, str]) -> tuple[str, dict[str, Any]] | None:
    """Return how to earn ``status`` by asking for it, or None where only a fault shows it."""
    match status:
        case HTTPStatus.BAD_REQUEST if operation.request:
            return "a body that is not JSON", {"content": b'{"'}
        case HTTPStatus.UNAUTHORIZED:
            return "a key that nobody has", {"signer": "unknown"}
        case HTTPStatus.FORBIDDEN if operation.path.split("/")[1] != "me":
            return "a key without the role", {"signer": "powerless"}
        case HTTPStatus.UNPROCESSABLE_ENTITY:
            return _nonsense(operation, parameters)
    return None


def _nonsense(operation: Operation, parameters: Mapping[str, str]) -> tuple[str, dict[str, Any]] | None:
    """Return a request that can be read and means nothing."""
    if operation.request:
        wrong = {"domain": "not an origin"} if "rigin" in operation.request else {"roles": ["No such role"]}
        return "a body that means nothing", {"content": json.dumps(wrong).encode()}
    if any(parameter.name == "pageSize" for parameter in operation.parameters):
        return "a page of no items", {"query": {"pageSize": 0}}
    last = [name for name in ("originId", "apiCredentialId") if name in parameters][:1]
    return ("an id that nothing has", {"parameters": {**parameters, last[0]: "S2-0000000000"}}) if last else None


def _body(operation: Operation, data: SampleData) -> dict[str, Any]:
    """Return a body that ``operation`` accepts."""
    name = operation.request or ""
    if "rigin" in name:
        return {"domain": f"{ORIGIN}:8443"}
    body = {"description": data.description or "made by a contract check", "roles": [data.role]}
    return body if name.startswith("Update") else {**body, "allowedOrigins": [ORIGIN]}


@dataclass(frozen=True, slots=True)
class Amounts:
    """How many cases of each kind an operation gets at most."""

    positive_coverage: int = 24
    negative_coverage: int = 12
    fuzzing: int = 6
    """Positive ones, and as many negative ones."""


def generated(
    contract: Contract, operation: Operation, data: SampleData, *, amounts: Amounts, seed: int = 0
) -> list[TestCase]:
    """Return the cases that schemathesis makes, all different.

    Positive ones keep to what the contract's annotations say of acceptable values, so that each must be accepted. Path
    parameters name what exists, so that the cases reach it. The same ``seed`` gives the same cases under the same
    releases of schemathesis and hypothesis.
    """
    import schemathesis
    from schemathesis import GenerationMode

    from pytest_adyen_creds.compat.hypothesis import no_constants_of_modules

    schema = schemathesis.openapi.from_dict(requests_of(contract, operation, data), config=schemathesis.Config())
    found = schema["/"][operation.method]
    positive, negative = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
    varies = bool(operation.request) or any(parameter.location == "query" for parameter in operation.parameters)
    wanted: Cases = []
    with no_constants_of_modules():
        if operation.method != "DELETE":  # what is there can be removed once, and the script does it
            wanted += [*_examples(found), *_spread(_coverage(found, positive), amounts.positive_coverage)]
            wanted += _fuzzed(found, positive, amounts.fuzzing, seed) if varies else []
        if varies:
            wanted += _spread(_coverage(found, negative), amounts.negative_coverage)
            wanted += _fuzzed(found, negative, amounts.fuzzing, seed)
    parameters = data.parameters(operation)
    once = _once(contract, operation)
    made = [from_schemathesis(operation, case, how, parameters) for how, case in wanted]
    if operation.request and not contract.is_valid(operation.request, {}):
        # that a body may be left out does not make a request without one acceptable
        made = [each if each.content else replace(each, expects="") for each in made]
    return list(_different(made, once))


def most_generated(contract: Contract, operation: Operation, amounts: Amounts) -> int:
    """Return how many cases :func:`generated` makes of ``operation`` at most; quickly, since none is made for it."""
    negative = bool(operation.request) or any(parameter.location == "query" for parameter in operation.parameters)
    positive = operation.method != "DELETE"
    schemas = [parameter.schema for parameter in operation.parameters]
    schemas += [contract.to_json_schema(operation.request)] if operation.request else []
    return positive * (_most_examples(schemas) + amounts.positive_coverage + amounts.fuzzing) + negative * (
        amounts.negative_coverage + amounts.fuzzing
    )


def _most_examples(node: Any) -> int:
    """Return how many examples there are in schemas; schemathesis makes no more cases of them."""
    if isinstance(node, Mapping):
        own = len(node["examples"]) if isinstance(node.get("examples"), list) else 0
        return own + sum(_most_examples(value) for key, value in node.items() if key != "examples")
    return sum(map(_most_examples, node)) if isinstance(node, list) else 0


def cases_of(
    contract: Contract, operation: Operation, data: SampleData, *, amounts: Amounts, seed: int = 0
) -> list[TestCase]:
    """Return all test cases of ``operation`` in the order to send them: refusals, what is generated, a success.

    What is generated may switch the credential off that a refusal is about; the success may remove what all are about.
    """
    *refusals, success = scripted(operation, data)
    return [*refusals, *generated(contract, operation, data, amounts=amounts, seed=seed), success]


Cases = list[tuple[str, Any]]
"""How each was made, and schemathesis' case."""


def _examples(operation: Any) -> Cases:
    from pytest_adyen_creds.compat.schemathesis import example_strategies

    return [("example", case) for strategy in example_strategies(operation) for case in _drawn(strategy, 1, 0)]


def _coverage(operation: Any, mode: Any) -> Cases:
    from pytest_adyen_creds.compat.schemathesis import coverage_cases

    return [(f"coverage, {mode.value}", case) for case in coverage_cases(operation, mode)]


def _fuzzed(operation: Any, mode: Any, number: int, seed: int) -> Cases:
    return [
        (f"fuzzing, {mode.value}", case) for case in _drawn(operation.as_strategy(generation_mode=mode), number, seed)
    ]


def _spread(cases: Cases, number: int) -> Cases:
    """Return ``number`` of the cases, evenly spread over their order: neighbours differ least."""
    if len(cases) <= number:
        return cases
    return [cases[index * len(cases) // number] for index in range(number)]


def _drawn(strategy: Any, number: int, seed: int) -> list[Any]:
    import hypothesis

    drawn: list[Any] = []

    @hypothesis.seed(seed)
    @generating(max(1, number))
    @hypothesis.given(case=strategy)
    def draw(case: Any) -> None:
        drawn.append(case)

    draw()
    return drawn[:number]


def generating(max_examples: int, **bounds: Any) -> hypothesis.settings:
    """Return hypothesis' settings for making requests: no test is run."""
    import hypothesis

    return hypothesis.settings(
        max_examples=max_examples,
        **bounds,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )


def from_schemathesis(operation: Operation, case: Any, how: str, parameters: Mapping[str, str]) -> TestCase:
    """Return a case of schemathesis as a test case; ``how`` says how it was made, ``parameters`` those of the path."""
    sent = case.as_transport_kwargs(base_url="http://127.0.0.1")
    content = json.dumps(sent["json"]) if "json" in sent else sent.get("data")
    if isinstance(content, str):
        content = content.encode("utf-8", "surrogatepass")
    return TestCase(
        operation,
        generated_by=f"schemathesis, {how}",
        expects="2xx" if how.endswith("positive") else "",
        parameters=parameters,
        query={key: value for key, value in (sent.get("params") or {}).items() if value is not None},
        content=content if isinstance(content, bytes) else None,
        media_type=sent["headers"].get("Content-Type", "application/json"),
    )


def _different(cases: Iterable[TestCase], once: Sequence[str]) -> Iterator[TestCase]:
    """Drop what was there before, and what gives a value that can be given once to it a second time."""
    seen: set[tuple[str, ...]] = set()
    used: set[str] = set()
    for case in cases:
        key = (str(case.content), str(case.query), case.media_type)
        body = case.json
        values = {str(body[name]) for name in once if isinstance(body, dict) and name in body}
        if key in seen or (case.expects and values & used):
            continue
        seen.add(key)
        used |= values
        yield case if case.generated_by != "schemathesis, example" else replace(case, expects="")


def _once(contract: Contract, operation: Operation) -> list[str]:
    """Return the names of the body's properties whose values must be new each time."""
    if operation.request is None:
        return []
    schema = contract.to_json_schema(operation.request)
    while "$ref" in schema and "properties" not in schema:
        schema = schema["$defs"][schema["$ref"].rpartition("/")[2]] | {"$defs": schema["$defs"]}
    return [name for name, node in schema.get("properties", {}).items() if node.get(DATA) == "new-origin"]
