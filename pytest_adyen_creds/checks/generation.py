"""Generation: what schemathesis makes of an operation: examples, coverage and fuzzing, positive and negative."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from pytest_adyen_creds.checks.exercises import Exercise, scripted
from pytest_adyen_creds.checks.world import DATA, World, furnished

if TYPE_CHECKING:
    from pytest_adyen_creds.contract import Contract, Operation

_HIGHEST: Final = 2**32


@dataclass(frozen=True, slots=True)
class Amounts:
    """How many cases of each kind an operation gets at most."""

    positive_coverage: int = 24
    negative_coverage: int = 12
    fuzzing: int = 6
    """Positive ones, and as many negative ones."""


def generated(
    contract: Contract, operation: Operation, world: World, *, amounts: Amounts, seed: int = 0
) -> list[Exercise]:
    """Return the cases that schemathesis makes, all different.

    Positive ones keep to what the contract's annotations say of acceptable values, so that each must be accepted. Path
    parameters name what exists, so that the cases reach it. The same ``seed`` gives the same cases under the same
    releases of schemathesis and hypothesis.
    """
    from schemathesis import GenerationMode

    found = _schema(contract, world)[operation.path][operation.method]
    parameters = world.parameters(operation)
    positive, negative = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
    wanted = [*_examples(found), *_spread(_coverage(found, positive), amounts.positive_coverage)]
    wanted += _fuzzed(found, positive, parameters, amounts.fuzzing, seed)
    if operation.method == "DELETE":
        wanted = []  # what is there can be removed once, and the script does it
    if operation.request or any(parameter.location == "query" for parameter in operation.parameters):
        wanted += _spread(_coverage(found, negative), amounts.negative_coverage)
        wanted += _fuzzed(found, negative, parameters, amounts.fuzzing, seed)
    once = _once(contract, operation)
    made = [_from_case(case, how, parameters) for how, case in wanted]
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


def rehearsed(
    contract: Contract, operation: Operation, world: World, *, amounts: Amounts, seed: int = 0
) -> list[Exercise]:
    """Return all exercises of ``operation`` in the order to carry them out: refusals, what is generated, a success.

    What is generated may switch the credential off that a refusal is about; the success may remove what all are about.
    """
    *refusals, success = scripted(operation, world)
    return [*refusals, *generated(contract, operation, world, amounts=amounts, seed=seed), success]


Cases = list[tuple[str, Any]]


def _schema(contract: Contract, world: World) -> Any:
    import schemathesis

    return schemathesis.openapi.from_dict(furnished(contract, world), config=schemathesis.Config())


def _examples(operation: Any) -> Cases:
    from pytest_adyen_creds.compat.schemathesis import example_strategies

    return [("example", case) for strategy in example_strategies(operation) for case in _drawn(strategy, 1, 0)]


def _coverage(operation: Any, mode: Any) -> Cases:
    from pytest_adyen_creds.compat.schemathesis import coverage_cases

    return [(f"coverage, {mode.value}", case) for case in coverage_cases(operation, mode)]


def _fuzzed(operation: Any, mode: Any, parameters: Mapping[str, str], number: int, seed: int) -> Cases:
    strategy = operation.as_strategy(generation_mode=mode, path_parameters=dict(parameters))
    return [(f"fuzzing, {mode.value}", case) for case in _drawn(strategy, number, seed)]


def _spread(cases: Cases, number: int) -> Cases:
    """Return ``number`` of the cases, evenly spread over their order: neighbours differ least."""
    if len(cases) <= number:
        return cases
    return [cases[index * len(cases) // number] for index in range(number)]


def _drawn(strategy: Any, number: int, seed: int) -> list[Any]:
    import hypothesis

    drawn: list[Any] = []

    @hypothesis.seed(seed % _HIGHEST)
    @hypothesis.settings(
        max_examples=max(1, number),
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


def _from_case(case: Any, how: str, parameters: Mapping[str, str]) -> Exercise:
    sent = case.as_transport_kwargs(base_url="http://127.0.0.1")
    content = json.dumps(sent["json"]) if "json" in sent else sent.get("data")
    if isinstance(content, str):
        content = content.encode("utf-8", "surrogatepass")
    return Exercise(
        generated_by=f"schemathesis, {how}",
        expects="2xx" if how.endswith("positive") else "",
        parameters=parameters,
        query={key: value for key, value in (sent.get("params") or {}).items() if value is not None},
        content=content if isinstance(content, bytes) else None,
        media_type=sent["headers"].get("Content-Type", "application/json"),
    )


def _different(exercises: Iterable[Exercise], once: Sequence[str]) -> Iterator[Exercise]:
    """Drop what was there before, and what gives a value that can be given once to it a second time."""
    seen: set[tuple[str, ...]] = set()
    used: set[str] = set()
    for exercise in exercises:
        key = (str(exercise.content), str(exercise.query), exercise.media_type)
        body = exercise.json
        values = {str(body[name]) for name in once if isinstance(body, dict) and name in body}
        if key in seen or (exercise.expects and values & used):
            continue
        seen.add(key)
        used |= values
        yield exercise if exercise.generated_by != "schemathesis, example" else replace(exercise, expects="")


def _once(contract: Contract, operation: Operation) -> list[str]:
    """Return the names of the body's properties whose values must be new each time."""
    if operation.request is None:
        return []
    schema = contract.to_json_schema(operation.request)
    while "$ref" in schema and "properties" not in schema:
        schema = schema["$defs"][schema["$ref"].rpartition("/")[2]] | {"$defs": schema["$defs"]}
    return [name for name, node in schema.get("properties", {}).items() if node.get(DATA) == "new-origin"]
