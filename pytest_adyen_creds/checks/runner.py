"""Runners: test cases, scenarios and stateful tests are sent through the guarded client, and what happened is kept.

The one here asks a sandbox of its own.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Final

import httpx

from pytest_adyen_creds.checks.cases import (
    ORIGIN,
    Amounts,
    Signer,
    TestCase,
    cases_of,
    from_schemathesis,
    generating,
)
from pytest_adyen_creds.checks.exchange import SET_UP, Exchange, items
from pytest_adyen_creds.checks.sample_data import AccountLevel, Level, SampleData, collection, constrained, level_of
from pytest_adyen_creds.checks.scenarios import SCENARIOS, Context, Scenario
from pytest_adyen_creds.client import ManagementClient, Ownership, Retries
from pytest_adyen_creds.credentials.credential import from_body
from pytest_adyen_creds.errors import OwnershipRefused, SandboxError
from pytest_adyen_creds.sandbox import Sandbox
from pytest_adyen_creds.secrets import Secret

if TYPE_CHECKING:
    from pytest_adyen_creds.contract import Contract, Operation

_LEVELS: Final = ("^/companies/", "^/merchants/", "^/me(/|$)")
_NOBODY: Final = "AQE0000000000000000000000000000000000000-nobody"

Prepare = Callable[[Sandbox], object]

IN_PROCESS: Final = "http://127.0.0.1:8080"
"""The address that requests name where no server is: the one that ``adyen-creds sandbox serve`` listens at."""


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

        from pytest_adyen_creds.compat.hypothesis import no_constants_of_modules

        # the links are the contract's, and no guesses of the tool's
        config = schemathesis.Config.from_dict({"phases": {"stateful": {"inference": {"algorithms": []}}}})
        document = constrained(self.contract, data)
        for level in _LEVELS:
            schema = schemathesis.openapi.from_dict(document, config=config).include(path_regex=level)
            schema.config.generation.update(modes=[GenerationMode.POSITIVE])
            machine = _machine(schema.as_state_machine(), self)
            hypothesis.seed(seed)(machine)
            with no_constants_of_modules():
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


class Incomplete(SandboxError):
    """The set-up's answers did not show what the rest needs; what they did show can be judged."""


class SandboxTarget(Runner):
    """Runs one sequence against a sandbox of its own, so that no sequence's recording depends on another's."""

    def __init__(self, contract: Contract, client: ManagementClient, sandbox: Sandbox) -> None:
        super().__init__(contract, client, sandbox.provisioning.api_key, "the embedded sandbox")
        self.sandbox = sandbox

    @property
    def accounts(self) -> tuple[str, ...]:
        """The names of the sandbox's accounts, which are no secret."""
        return (self.sandbox.company, *self.sandbox.merchants)

    def cases(self, operation: Operation, seed: int = 0) -> list[TestCase]:
        """Set up, and return the test cases of ``operation``."""
        data, _ = self.create_data(level_of(operation))
        return cases_of(self.contract, operation, data, amounts=self.amounts, seed=seed)

    def run_operation(self, operation: Operation, seed: int) -> None:
        """Set up, and send the test cases of ``operation``."""
        for case in self.cases(operation, seed):
            self.send(case)

    def run_scenario(self, name: str) -> None:
        """Set up, and play the scenario ``name``."""
        scenario, level = SCENARIOS[name]
        held: AccountLevel = "merchant" if level == "merchant" else "company"
        data, made = self.create_data(held, calls=True)
        credential = from_body(held, self.accounts[held == "merchant"], made)
        self.play(scenario(Context(self.contract.operations, data, level, credential, embedded=True)))

    def run_stateful(self, seed: int) -> None:
        """Set up at every level, and follow the contract's links."""
        company, _ = self.create_data("company")
        merchant, _ = self.create_data("merchant")
        data = replace(company, credentials={**company.credentials, **merchant.credentials}, origins={})
        self.follow_links(data, seed)

    def send(self, case: TestCase) -> dict[str, Any]:
        """Move the sandbox's clock on and set its fault as ``case`` says, and send it."""
        if case.hours:
            self.sandbox.clock.advance(hours=case.hours)
            self.elapsed += case.hours * 3600
        if case.fault is not None:
            self.sandbox.faults.status(case.fault, case.operation.label)
        return super().send(case)

    def create_data(self, level: Level, *, calls: bool = False) -> tuple[SampleData, dict[str, Any]]:
        """Make a credential with an origin at ``level``; return what there is, and the credential as it was answered.

        ``calls``: it may call the operations on credentials. Raises :class:`Incomplete` where the answers do not show
        the credential.
        """
        data = SampleData(self.sandbox.company, self.sandbox.merchants, {}, {}, self.roles())
        made: dict[str, Any] = {}
        if level == "me":
            origins: list[Any] = [self.set_up("POST /me/allowedOrigins", body={"domain": ORIGIN})]
        else:
            body = {"roles": [data.role, data.calling_role] if calls else [data.role], "allowedOrigins": [ORIGIN]}
            made = self.set_up(f"POST {collection(level)}", data, body=body)
            origins = items(made, "allowedOrigins")
            if not all(isinstance(made.get(name), str) for name in ("id", "username", "apiKey")):
                raise Incomplete(
                    f"creating a credential at {level} level did not answer what it must; see the findings"
                )
            self.keys["powerless"] = Secret(made["apiKey"])
        ids = [origin["id"] for origin in origins if isinstance(origin, dict) and isinstance(origin.get("id"), str)]
        if not ids:
            raise Incomplete(f"no allowed origin was answered at {level} level; see the findings")
        return replace(data, credentials={level: made["id"]} if made else {}, origins={level: ids[0]}), made


@contextmanager
def sandbox_target(
    contract: Contract, prepare: Prepare = lambda sandbox: None, *, served: bool = False
) -> Iterator[SandboxTarget]:
    """Yield the target of a sandbox in this process, or one that is ``served`` over HTTP.

    ``prepare`` is called before: to set faults, for instance.
    """
    sandbox = Sandbox()
    prepare(sandbox)
    with ExitStack() as stack:
        url = stack.enter_context(sandbox.serve()).url if served else IN_PROCESS
        client = ManagementClient(
            f"{url}/{contract.version}",
            api_key=sandbox.provisioning.api_key,
            ownership=Ownership.sandbox(),
            transport=None if served else sandbox.transport(),
        )
        yield SandboxTarget(contract, stack.enter_context(client), sandbox)
