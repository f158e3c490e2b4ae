"""Stateful tests: schemathesis' state machine follows the links of the contract, and our client sends its requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import httpx

from pytest_adyen_creds.checks.cases import from_schemathesis, generating
from pytest_adyen_creds.checks.sample_data import SampleData, constrained

if TYPE_CHECKING:
    from pytest_adyen_creds.checks.runner import Runner

RUNS: Final = 5
"""How many runs are made at each level (company, merchant, me) at most."""
STEPS: Final = 8
"""How many steps a run has at most."""

_LEVELS: Final = ("^/companies/", "^/merchants/", "^/me(/|$)")


def follow_links(runner: Runner, data: SampleData, *, seed: int = 0, runs: int = RUNS, steps: int = STEPS) -> None:
    """Make ``runs`` runs of ``steps`` steps along the links of each level; the runner keeps what happened.

    Bodies hold what ``data`` says is acceptable. The same ``seed`` gives the same runs on a server that answers the
    same, under the same releases of schemathesis and hypothesis.
    """
    import hypothesis
    import schemathesis
    from schemathesis import GenerationMode

    # the links are the contract's, and no guesses of the tool's
    config = schemathesis.Config.from_dict({"phases": {"stateful": {"inference": {"algorithms": []}}}})
    document = constrained(runner.contract, data)
    for level in _LEVELS:
        schema = schemathesis.openapi.from_dict(document, config=config).include(path_regex=level)
        schema.config.generation.update(modes=[GenerationMode.POSITIVE])
        machine = _machine(schema.as_state_machine(), runner)
        hypothesis.seed(seed)(machine)
        machine.run(settings=generating(runs, stateful_step_count=steps))


def _machine(base: Any, runner: Runner) -> Any:
    from schemathesis import Response

    from pytest_adyen_creds.compat.schemathesis import response_of

    class Machine(base):  # type: ignore[misc]
        def call(self, case: Any, **kwargs: Any) -> Response:
            before = len(runner.exchanges)
            operation = runner.contract.operations[case.operation.label]
            parameters = {name: str(value) for name, value in case.path_parameters.items()}
            runner.send(from_schemathesis(operation, case, "stateful", parameters))
            sent = len(runner.exchanges) > before
            return response_of(runner.exchanges[-1].response if sent else _nothing(case))

        def validate_response(self, response: Response, case: Any, *args: Any, **kwargs: Any) -> None:
            """Judged afterwards, all runs as one sequence."""

    return Machine


def _nothing(case: Any) -> httpx.Response:
    """Return what stands for the answer to a request that the guard did not let out."""
    return httpx.Response(403, request=httpx.Request(case.method, "http://127.0.0.1/"))
