"""Stateful: schemathesis' state machine walks the links of the contract, and our client sends its requests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import httpx

from pytest_adyen_creds.checks.exercises import Exercise
from pytest_adyen_creds.checks.world import World, furnished

if TYPE_CHECKING:
    from pytest_adyen_creds.checks.stage import Stage

SCENARIOS: Final = 5
"""How many walks are made at each level (company, merchant, me) at most."""
STEPS: Final = 8
"""How many steps a walk has at most."""

_LEVELS: Final = ("^/companies/", "^/merchants/", "^/me(/|$)")
_HIGHEST: Final = 2**32


def walk(stage: Stage, world: World, *, seed: int = 0, scenarios: int = SCENARIOS, steps: int = STEPS) -> None:
    """Carry out ``scenarios`` walks of ``steps`` steps along the links of each level; the stage keeps what happened.

    Bodies hold what ``world`` says is acceptable. The same ``seed`` gives the same walks on a server that answers the
    same, under the same releases of schemathesis and hypothesis.
    """
    import hypothesis
    import schemathesis
    from schemathesis import GenerationMode

    settings = hypothesis.settings(
        max_examples=scenarios,
        stateful_step_count=steps,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    # the links are the contract's, and no guesses of the tool's
    config = schemathesis.Config.from_dict({"phases": {"stateful": {"inference": {"algorithms": []}}}})
    document = furnished(stage.contract, world)
    for level in _LEVELS:
        schema = schemathesis.openapi.from_dict(document, config=config).include(path_regex=level)
        schema.config.generation.update(modes=[GenerationMode.POSITIVE])
        machine = _machine(schema.as_state_machine(), stage)
        hypothesis.seed(seed % _HIGHEST)(machine)
        machine.run(settings=settings)


def _machine(base: Any, stage: Stage) -> Any:
    from schemathesis import Response

    from pytest_adyen_creds.compat.schemathesis import response_of

    class Walk(base):  # type: ignore[misc]
        def call(self, case: Any, **kwargs: Any) -> Response:
            before = len(stage.performed)
            stage.carry_out(stage.contract.operations[case.operation.label], _exercise(case))
            sent = len(stage.performed) > before
            response = stage.performed[-1].act.response if sent else _nothing(case)
            return response_of(response)

        def validate_response(self, response: Response, case: Any, *args: Any, **kwargs: Any) -> None:
            """Judged afterwards, all walks as one sequence."""

    return Walk


def _exercise(case: Any) -> Exercise:
    sent = case.as_transport_kwargs(base_url="http://127.0.0.1")
    content = json.dumps(sent["json"]).encode() if "json" in sent else sent.get("data")
    return Exercise(
        generated_by="schemathesis, stateful",
        expects="",
        parameters={name: str(value) for name, value in case.path_parameters.items()},
        query={key: value for key, value in (sent.get("params") or {}).items() if value is not None},
        content=content if isinstance(content, bytes) else None,
    )


def _nothing(case: Any) -> httpx.Response:
    """Return what stands for the answer to a request that the guard did not let out."""
    return httpx.Response(403, request=httpx.Request(case.method, "http://127.0.0.1/"))
