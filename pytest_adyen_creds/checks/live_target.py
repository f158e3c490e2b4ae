"""The contract suite against a server that is not ours: by a plan, within a budget, on leases only."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Final

from pytest_adyen_creds import clock
from pytest_adyen_creds.checks.cases import ORIGIN, TestCase, cases_of, most_generated, scripted
from pytest_adyen_creds.checks.exchange import items
from pytest_adyen_creds.checks.failure import NotReached
from pytest_adyen_creds.checks.runner import Runner
from pytest_adyen_creds.checks.sample_data import AccountLevel, Level, SampleData, collection, level_of
from pytest_adyen_creds.checks.scenarios import SCENARIOS, STATEFUL, Context
from pytest_adyen_creds.client import Retries
from pytest_adyen_creds.client.parsing import parse
from pytest_adyen_creds.credentials.backend import REQUESTS_PER_MINUTE
from pytest_adyen_creds.credentials.spec import Spec
from pytest_adyen_creds.endpoints import is_loopback
from pytest_adyen_creds.errors import AdyenCredsError, BudgetSpent, CredentialError

if TYPE_CHECKING:
    import httpx

    from pytest_adyen_creds.checks.failure import CheckFailure
    from pytest_adyen_creds.contract import Contract, Operation
    from pytest_adyen_creds.credentials.credential import Credential
    from pytest_adyen_creds.credentials.leases import LeaseClient

_EVERY: Final = 5.0
"""Seconds between two lines of progress."""

_OVERHEAD: Final = 14
"""Requests that a sequence needs at most besides its own: lease, set-up, reset."""
_LONGEST_SCENARIO: Final = 24


class LiveTarget(Runner):
    """Runs sequences against the server, one after the other; leases what each is about, and gives it back.

    ``items`` are the names of those that will be run: the ones that may create share what is left of the budget, in
    whatever order they come. ``say`` shows the plan and how far it is.
    """

    retries: ClassVar[Retries] = Retries(tries=3, only_rate_limit=True)
    """A server may limit the rate."""
    runs: ClassVar[int] = 2
    steps: ClassVar[int] = 6  # few, because each creation leaves a credential for good

    def __init__(
        self,
        contract: Contract,
        throwaways: LeaseClient,
        merchant: str | None,
        items: Collection[str] = (),
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        backend = throwaways.backend
        super().__init__(contract, throwaways.management, backend.key, f"the server at {backend.base_url}")
        self._throwaways = throwaways
        self._merchant = merchant
        self._say = say
        self._planned = most_calls(contract, items)
        creating = {label for label, operation in contract.operations.items() if creates(operation)} | {STATEFUL}
        self._creators = creating.intersection(items)
        """The sequences that may create and are still to come, the running one included."""
        self._lost: dict[Level, AdyenCredsError] = {}
        """Why no throwaway can be had at a level."""
        self._wanted = 0
        """The budget that would reach every sequence."""
        self._ceiling: int | None = None
        self._description = throwaways.description()
        self._calls = self._findings = 0
        self._started = self._said = clock.monotonic()

    def begin(self) -> None:
        """Say the plan, and have a throwaway at each level before cases that create spend the budget."""
        budget, base_url = self._throwaways.ownership.budget, self._throwaways.backend.base_url
        limit = "" if is_loopback(base_url) else f", at most {REQUESTS_PER_MINUTE} a minute"
        self._say(
            f"plan of the contract suite: at most {self._planned} requests{limit}; at most {budget.limit} "
            "credentials created, each switched off at the end; credentials of others are read and never changed"
        )
        levels: tuple[AccountLevel, ...] = ("company", "merchant")
        for level in levels:
            with self._counted(), self._leased(level):
                pass
        lost = sum(isinstance(error, BudgetSpent) for error in self._lost.values())
        self._wanted = budget.spent + lost + len(self._creators)

    def run(self, item: str, seed: int) -> None:
        """Run the sequence ``item`` after those before it."""
        self.exchanges, self._ceiling = [], None
        self.keys["provisioning"] = self._throwaways.backend.key
        with self._counted():
            super().run(item, seed)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self.client.observers.append(self._count)
        try:
            yield
        finally:
            self.client.observers.remove(self._count)

    def _count(self, response: httpx.Response) -> None:
        self._calls += 1

    def report(self, failures: list[CheckFailure]) -> None:
        """Say how far the run is, every now and then; ``failures`` are those of the last sequence."""
        self._findings += len(failures)
        now = clock.monotonic()
        if now - self._said < _EVERY and self._calls < self._planned:
            return
        self._said = now
        left = (now - self._started) * max(0, self._planned - self._calls) / max(1, self._calls)
        created = len(self._throwaways.ownership.created)
        self._say(
            f"{self._calls} of at most {self._planned} requests, {self.skipped} not sent because they may not be, "
            f"{created} created by cases, {self._findings} findings; at most {left / 60:.0f} min left"
        )

    def run_operation(self, operation: Operation, seed: int) -> None:
        """Send the test cases of ``operation`` that may be sent."""
        level = level_of(operation)
        with self._leased("company" if level == "me" else level) as credential:
            data = self._data(level, credential)
            if not all(data.parameters(operation).values()):
                raise self._nothing_there(level)
            if level == "me" and credential is not None:
                self.keys["provisioning"] = credential.key()
            cases = cases_of(self.contract, operation, data, amounts=self.amounts, seed=seed)
            for case in self._affordable(operation, cases) if creates(operation) else cases:
                if case.fault is None:
                    self.send(case)

    def run_scenario(self, name: str) -> None:
        """Play the scenario ``name`` on a lease; raises :class:`NotReached` where the run may have none.

        Raises :class:`CredentialError` where none could be leased for another reason.
        """
        scenario, level = SCENARIOS[name]
        held: AccountLevel = "company" if level == "me" else level
        with self._leased(held) as credential:
            if credential is None:
                raise self._nothing_there(held)
            data = self._data(level, credential)
            self.play(scenario(Context(self.contract.operations, data, level, credential, embedded=False)))

    def run_stateful(self, seed: int) -> None:
        """Follow the contract's links, within the budget; what the guard refuses is not sent."""
        with self._leased("company") as credential:
            data = self._data("company", credential)
            self._share(STATEFUL)
            self.follow_links(data, seed)

    def why_nothing(self, item: str) -> str:
        """Say why nothing of the sequence ``item`` was sent but its set-up."""
        operation = self.contract.operations.get(item)
        if operation is not None and creates(operation):
            limit = self._throwaways.ownership.budget.limit
            return (
                f"it creates a credential, and none of the {limit} that this run may create is left; "
                f"--adyen-max-created {max(self._wanted, limit + 1)} would reach it"
            )
        if item.startswith("creation at"):
            return "it creates credentials, which a live run leaves to the items of the creating operations"
        level: Level = level_of(operation) if operation is not None else "company"
        if level in self._lost:
            return str(self._nothing_there(level))
        return "a live run may not send it: it would change what is not its own"

    def _nothing_there(self, level: Level) -> AdyenCredsError:
        lost = self._lost.get(level)
        if lost is None:
            return NotReached(f"it is about a credential with an allowed origin at {level} level, and there is none")
        text = f"it needs a throwaway at {level} level, and none could be leased: {lost}"
        if isinstance(lost, BudgetSpent):
            wanted = max(self._wanted, self._throwaways.ownership.budget.limit + 1)
            return NotReached(f"{text}; --adyen-max-created {wanted} would reach it")
        return NotReached(text) if isinstance(lost, NotReached) else CredentialError(text)

    def _affordable(self, operation: Operation, cases: list[TestCase]) -> list[TestCase]:
        """Return what a creating operation is sent: what must be refused first, then creations, its share of them."""
        accepted = [self._fits(case) for case in cases]
        refused = [case for case, fits in zip(cases, accepted, strict=True) if not fits]
        creations = [case for case, fits in zip(cases, accepted, strict=True) if fits]
        return refused + creations[::-1][: self._share(operation.label)]

    def _fits(self, case: TestCase) -> bool:
        """Whether a server would create: a body may have been wrong only in what the tag takes the place of."""
        if case.expects:
            return case.expects == "2xx"
        tagged, structure = self._tagged(case), case.operation.request
        return tagged is not None and (not structure or self.contract.is_valid(structure, tagged.json))

    def _share(self, name: str) -> int:
        """Hold the sequence ``name`` to its share of what is left of the budget; return how many it may create."""
        self._creators.discard(name)
        ownership = self._throwaways.ownership
        share = -(-max(0, ownership.budget.limit - ownership.budget.spent) // (len(self._creators) + 1))
        self._ceiling = len(ownership.created) + share
        return share

    @contextmanager
    def _leased(self, level: AccountLevel) -> Iterator[Credential | None]:
        if level == "merchant" and self._merchant is None:
            reason = NotReached("the run has no merchant account; set ADYEN_MERCHANT_ACCOUNT")
            self._lost.setdefault(level, reason)
        credential = None
        if level not in self._lost:  # asking again would cost another creation
            try:
                credential = self._throwaways.lease(Spec(level=level, origins=(ORIGIN,)))
            except AdyenCredsError as error:
                self._lost[level] = error
        try:
            yield credential
        finally:
            if credential is not None:
                self._throwaways.give_back(credential)

    def _data(self, level: Level, credential: Credential | None) -> SampleData:
        """Read who signs in and what the sequence is about; return the data, without what is not there."""
        merchants = (self._merchant,) if self._merchant else ()
        data = SampleData(self._throwaways.backend.company, merchants, {}, {}, self.roles(), self._description)
        if credential is None:
            return self._there(data, level)
        origins: dict[str, str] = {credential.level: credential.origins[0].id} if credential.origins else {}
        if level == "me":
            origins["me"] = next(iter(origins.values()), "")
        data = replace(data, credentials={credential.level: credential.id}, origins=origins)
        self.set_up("GET /me", signer=credential.key())
        self.set_up(f"GET {collection(credential.level)}/{{apiCredentialId}}", data)
        return data

    def _there(self, data: SampleData, level: Level) -> SampleData:
        """Return ``data`` with a credential and an origin that are there already, to be read only."""
        if level == "me":
            return data
        path = collection(level).format(companyId=self._throwaways.backend.company, merchantId=self._merchant or "-")
        answer = self.client.send("GET", path, params={"pageSize": 100})
        for body in items(parse(answer.content), "data"):
            origins = [item.get("id") for item in items(body, "allowedOrigins") if isinstance(item, dict)]
            if isinstance(body, dict) and isinstance(body.get("id"), str) and origins and isinstance(origins[0], str):
                return replace(data, credentials={level: body["id"]}, origins={level: origins[0]})
        return data

    def admitted(self, case: TestCase) -> TestCase | None:
        """Return what is sent for ``case``; None where it may not be sent."""
        if not creates(case.operation):
            return case
        if self._ceiling is not None and len(self._throwaways.ownership.created) >= self._ceiling:
            return None
        return self._tagged(case)

    def _tagged(self, case: TestCase) -> TestCase | None:
        """Return a creating test case with this run's tag; None for a body that cannot hold it.

        A server might accept what must be refused, and its answer be lost: by the tag alone it can then be found.
        """
        body = case.json if case.content else {}
        if not isinstance(body, dict):
            return None
        return replace(case, content=json.dumps({**body, "description": self._description}).encode())


def creates(operation: Operation) -> bool:
    """Return whether ``operation`` makes a credential, which nothing can delete."""
    return operation.method == "POST" and operation.path.endswith("/apiCredentials")


def most_calls(contract: Contract, items: Collection[str]) -> int:
    """Return how many requests a live run of the sequences ``items`` sends at most; nothing is generated for it.

    Repeats after 429, and waiting for new keys, are not counted.
    """
    data = SampleData("C", ("M",), {"company": "1", "merchant": "1"}, {"company": "1", "merchant": "1", "me": "1"})
    calls = len(SCENARIOS.keys() & set(items)) * (_OVERHEAD + _LONGEST_SCENARIO)
    for label, operation in contract.operations.items():
        if label in items:
            calls += _OVERHEAD + sum(case.fault is None for case in scripted(operation, data))
            calls += most_generated(contract, operation, LiveTarget.amounts)
    return calls + ((2 * _OVERHEAD + 3 * LiveTarget.runs * LiveTarget.steps) if STATEFUL in items else 0)
