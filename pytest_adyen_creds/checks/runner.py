"""Runners: test cases, scenarios and stateful tests are sent through the guarded client, and what happened is kept."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Final

import httpx

from pytest_adyen_creds.checks.cases import Amounts, Signer, TestCase, from_schemathesis, generating
from pytest_adyen_creds.checks.exchange import SET_UP, Exchange, items
from pytest_adyen_creds.checks.sample_data import SampleData, constrained
from pytest_adyen_creds.checks.scenarios import SCENARIOS, Scenario
from pytest_adyen_creds.client import ManagementClient, Retries
from pytest_adyen_creds.errors import OwnershipRefused
from pytest_adyen_creds.secrets import Secret

if TYPE_CHECKING:
    from pytest_adyen_creds.contract import Contract, Operation

_LEVELS: Final = ("^/companies/", "^/merchants/", "^/me(/|$)")
_NOBODY: Final = "AQE0000000000000000000000000000000000000-nobody"


class Runner(ABC):
    """Sends what it is given to a server, in order.

    ``exchanges`` is what happened, ``skipped`` counts what was not sent. ``origin`` says who answers; ``keys`` maps the
    names of signers to keys.
    """

    retries: ClassVar[Retries] = Retries(tries=1)
    """A test case is about one answer: trying again would hide it."""
    amounts: Amounts = Amounts()
    """How many cases of an operation are generated."""
    runs: ClassVar[int] = 5
    """How many stateful runs are made at each level (company, merchant, me) at most."""
    steps: ClassVar[int] = 8
    """How many steps a stateful run has at most."""

    def __init__(self, contract: Contract, client: ManagementClient, key: Secret, origin: str) -> None:
        self.contract = contract
        self.client = client
        self.origin = origin
        self.keys = {"provisioning": key, "unknown": Secret(_NOBODY)}
        self.exchanges: list[Exchange] = []
        self.skipped = 0
        self.elapsed = 0.0
        """Seconds that the server's clock was moved on."""

    def run(self, item: str, seed: int) -> None:
        """Set up, and run the sequence ``item``: an operation's label, a scenario's name, or ``stateful``."""
        if item in self.contract.operations:
            self.run_operation(self.contract.operations[item], seed)
        elif item in SCENARIOS:
            self.run_scenario(item)
        else:
            self.run_stateful(seed)

    @abstractmethod
    def run_operation(self, operation: Operation, seed: int) -> None:
        """Set up, and send the test cases of ``operation``."""

    @abstractmethod
    def run_scenario(self, name: str) -> None:
        """Set up, and play the scenario ``name``."""

    @abstractmethod
    def run_stateful(self, seed: int) -> None:
        """Set up, and follow the contract's links."""

    def admitted(self, case: TestCase) -> TestCase | None:
        """Return what is sent for ``case``; None where it may not be sent."""
        return case

    def send(self, case: TestCase) -> dict[str, Any]:
        """Send one test case; return the answer's JSON object, an empty one where there is none or nothing was sent.

        Raises :class:`ApiError` where no answer came.
        """
        admitted = self.admitted(case)
        auth = self.keys.get(case.signer) if isinstance(case.signer, str) else case.signer
        if auth is None or admitted is None:
            self.skipped += 1
            return {}
        try:
            response = self.client.send(
                admitted.operation.method,
                admitted.path,
                params=dict(admitted.query) or None,
                content=admitted.content,
                headers={"Content-Type": admitted.media_type} if admitted.content is not None else {},
                auth=auth,
                retries=self.retries,
            )
        except OwnershipRefused:
            self.skipped += 1
            return {}
        exchange = Exchange.of(
            self.contract,
            response.request,
            response,
            generated_by=admitted.generated_by,
            expects=admitted.expects,
            at=self.elapsed,
            source=f"{admitted.generated_by}, number {len(self.exchanges) + 1}",
            origin=self.origin,
            case=admitted,
        )
        self.exchanges.append(exchange)
        return exchange.shown if exchange.good else {}

    def play(self, scenario: Scenario) -> None:
        """Send each test case of ``scenario``, which is told of each answer."""
        answer: Any = None  # which starts a generator
        while True:
            try:
                case = scenario.send(answer)
            except StopIteration:
                return
            answer = self.send(case)

    def follow_links(self, data: SampleData, seed: int) -> None:
        """Make stateful runs along the contract's links, by schemathesis' state machine; our client sends its requests.

        Bodies hold what ``data`` says is acceptable. The same ``seed`` gives the same runs on a server that answers the
        same, under the same releases of schemathesis and hypothesis.
        """
        import hypothesis
        import schemathesis
        from schemathesis import GenerationMode

        # the links are the contract's, and no guesses of the tool's
        config = schemathesis.Config.from_dict({"phases": {"stateful": {"inference": {"algorithms": []}}}})
        document = constrained(self.contract, data)
        for level in _LEVELS:
            schema = schemathesis.openapi.from_dict(document, config=config).include(path_regex=level)
            schema.config.generation.update(modes=[GenerationMode.POSITIVE])
            machine = _machine(schema.as_state_machine(), self)
            hypothesis.seed(seed)(machine)
            machine.run(settings=generating(self.runs, stateful_step_count=self.steps))

    def set_up(
        self, label: str, data: SampleData | None = None, *, body: Any = None, signer: Signer = "provisioning"
    ) -> dict[str, Any]:
        """Send a request of the set-up, of the operation ``label``; return the answer as :meth:`send` does."""
        content = json.dumps(body).encode() if body else None
        operation = self.contract.operations[label]
        parameters = data.parameters(operation) if data else {}
        return self.send(TestCase(operation, SET_UP, "2xx", parameters, content=content, signer=signer))

    def roles(self) -> tuple[str, ...]:
        """Read who signs in, and return the roles that this credential holds."""
        me = self.set_up("GET /me")
        return tuple(role for role in items(me, "roles") if isinstance(role, str))


def _machine(base: Any, runner: Runner) -> Any:
    from schemathesis import Response

    from pytest_adyen_creds.compat.schemathesis import response_of

    class Machine(base):  # type: ignore[misc]
        def call(self, case: Any, **kwargs: Any) -> Response:
            before = len(runner.exchanges)
            operation = runner.contract.operations[case.operation.label]
            parameters = {name: str(value) for name, value in case.path_parameters.items()}
            runner.send(from_schemathesis(operation, case, "stateful", parameters))
            if len(runner.exchanges) > before:
                return response_of(runner.exchanges[-1].response)
            # stands for the answer to a request that the guard did not let out
            return response_of(httpx.Response(403, request=httpx.Request(case.method, "http://127.0.0.1/")))

        def validate_response(self, response: Response, case: Any, *args: Any, **kwargs: Any) -> None:
            """Judged afterwards, all runs as one sequence."""

    return Machine
