"""The sandbox target: test cases, scenarios and stateful tests against a sandbox of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Literal

from pytest_adyen_creds.checks.cases import ORIGIN, TestCase, cases_of
from pytest_adyen_creds.checks.exchange import items
from pytest_adyen_creds.checks.runner import Runner
from pytest_adyen_creds.checks.sample_data import Level, SampleData, collection, level_of
from pytest_adyen_creds.checks.scenarios import SCENARIOS, Context
from pytest_adyen_creds.client import ManagementClient, Ownership
from pytest_adyen_creds.credentials.credential import from_body
from pytest_adyen_creds.errors import SandboxError
from pytest_adyen_creds.sandbox import Sandbox
from pytest_adyen_creds.secrets import Secret

if TYPE_CHECKING:
    from pytest_adyen_creds.contract import Contract, Operation

Prepare = Callable[[Sandbox], object]

IN_PROCESS: Final = "http://127.0.0.1:8080"
"""The address that requests name where no server is: the one that ``adyen-creds sandbox serve`` listens at."""


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
        held: Literal["company", "merchant"] = "merchant" if level == "merchant" else "company"
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
