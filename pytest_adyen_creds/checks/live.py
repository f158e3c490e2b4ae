"""The contract suite against a server that is not ours: planned, within its budget, on leased throwaways only."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from pytest_adyen_creds.checks.act import SET_UP
from pytest_adyen_creds.checks.exercises import ORIGIN, Exercise, scripted
from pytest_adyen_creds.checks.failure import NotReached
from pytest_adyen_creds.checks.generation import Amounts, most_generated, rehearsed
from pytest_adyen_creds.checks.lives import STATEFUL, Cast, life_of
from pytest_adyen_creds.checks.seen import items
from pytest_adyen_creds.checks.stage import PATIENT, Stage
from pytest_adyen_creds.checks.world import Level, World, level_of
from pytest_adyen_creds.client.parsing import parse
from pytest_adyen_creds.credentials.spec import Spec
from pytest_adyen_creds.errors import AdyenCredsError, BudgetSpent, CredentialError
from pytest_adyen_creds.secrets import Secret

if TYPE_CHECKING:
    from pytest_adyen_creds.contract import Contract, Operation
    from pytest_adyen_creds.credentials.credential import Credential
    from pytest_adyen_creds.credentials.leases import LeaseClient

SCENARIOS: Final = 2
STEPS: Final = 6
"""How many walks are made at each level, of how many steps: each creation leaves a credential for good."""

_OVERHEAD: Final = 14
"""Requests that a sequence needs at most besides its own: lease, set-up, reset."""
_LONGEST_LIFE: Final = 24
_UNKNOWN: Final = "AQE0000000000000000000000000000000000000-nobody"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a live run of the suite sends at most; repeats after 429, and waiting for new keys, not counted."""

    calls: int
    creations: int
    per_minute: int | None

    def __str__(self) -> str:
        limit = f", at most {self.per_minute} a minute" if self.per_minute else ""
        return (
            f"plan of the contract suite: at most {self.calls} requests{limit}; at most {self.creations} credentials "
            "created, each switched off at the end; credentials of others are read and never changed"
        )


def plan(
    contract: Contract,
    operations: Iterable[Operation],
    lives: int,
    *,
    walks: bool,
    creations: int,
    per_minute: int | None,
    amounts: Amounts,
) -> Plan:
    """Return what a live run over these sequences sends at most; nothing is generated for it."""
    world = World("C", ("M",), {"company": "1", "merchant": "1"}, {"company": "1", "merchant": "1", "me": "1"})
    calls = 0
    for operation in operations:
        calls += _OVERHEAD + sum(exercise.fault is None for exercise in scripted(operation, world))
        calls += most_generated(contract, operation, amounts)
    calls += lives * (_OVERHEAD + _LONGEST_LIFE)
    calls += (2 * _OVERHEAD + 3 * SCENARIOS * STEPS) if walks else 0
    return Plan(calls, creations, per_minute)


class LiveStage:
    """Carries out one sequence against the server; leases what it is about, and gives it back.

    ``lost`` holds why no throwaway can be had at a level. ``creators`` are the sequences that may create and are still
    to come, this one included: they share what is left of the budget, in whatever order they come. ``wanted`` returns
    the budget that would reach every sequence.
    """

    def __init__(
        self,
        contract: Contract,
        throwaways: LeaseClient,
        merchant: str | None,
        lost: dict[Level, AdyenCredsError],
        creators: set[str] | None = None,
        wanted: Callable[[], int] = lambda: 0,
    ) -> None:
        self._throwaways = throwaways
        self._company = throwaways.backend.company
        self._merchant = merchant
        self._lost = lost
        self._wanted = wanted
        self._creators = set() if creators is None else creators
        self._ceiling: int | None = None
        self._description = throwaways.description()
        keys = {"provisioning": throwaways.backend.key, "unknown": Secret(_UNKNOWN)}
        self.stage = Stage(contract, throwaways.management, keys)
        self.stage.retries = PATIENT
        self.stage.adapt = self._admitted
        self._contract = contract

    def reserve(self) -> None:
        """Have a throwaway at each level before cases that create spend the budget."""
        levels: tuple[Level, ...] = ("company", "merchant")
        for level in levels:
            with self._leased(level):
                pass

    def exercise(self, operation: Operation, amounts: Amounts, seed: int) -> None:
        """Carry out the exercises of ``operation`` that may be sent."""
        level = level_of(operation)
        with self._leased("company" if level == "me" else level) as credential:
            world = self._set_up(level, credential)
            if not all(world.parameters(operation).values()):
                raise self._nothing_there(level)
            if level == "me" and credential is not None:
                self.stage.keys["provisioning"] = credential.key()
            exercises = rehearsed(self._contract, operation, world, amounts=amounts, seed=seed)
            for exercise in self._affordable(operation, exercises) if creates(operation) else exercises:
                if exercise.fault is None:
                    self.stage.carry_out(operation, exercise)

    def live(self, name: str) -> None:
        """Carry out the life ``name`` on a lease; raises :class:`NotReached` where the run may have none.

        Raises :class:`CredentialError` where none could be leased for another reason.
        """
        life, level = life_of(name)
        held: Level = "company" if level == "me" else level
        with self._leased(held) as credential:
            if credential is None:
                raise self._nothing_there(held)
            world = self._set_up(level, credential)
            cast = Cast(
                world,
                level,
                id=credential.id,
                username=credential.username,
                key=credential.key(),
                password=credential.password,
                clock=False,
                creates=False,
                roles=(world.calling_role,),
            )
            self.stage.live(life(cast))

    def walk(self, seed: int) -> None:
        """Walk along the contract's links, within the budget; what the guard refuses is not sent."""
        from pytest_adyen_creds.checks.stateful import walk

        with self._leased("company") as credential:
            world = self._set_up("company", credential)
            self._share(STATEFUL)
            walk(self.stage, world, seed=seed, scenarios=SCENARIOS, steps=STEPS)

    def why_nothing(self, item: str) -> str:
        """Say why nothing of the sequence ``item`` was sent but its set-up."""
        operation = self._contract.operations.get(item)
        if operation is not None and creates(operation):
            limit = self._throwaways.ownership.budget.limit
            return (
                f"it creates a credential, and none of the {limit} that this run may create is left; "
                f"--adyen-max-created {max(self._wanted(), limit + 1)} would reach it"
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
            wanted = max(self._wanted(), self._throwaways.ownership.budget.limit + 1)
            return NotReached(f"{text}; --adyen-max-created {wanted} would reach it")
        return NotReached(text) if isinstance(lost, NotReached) else CredentialError(text)

    def _affordable(self, operation: Operation, exercises: list[Exercise]) -> list[Exercise]:
        """Return what a creating operation is sent: what must be refused first, then creations, its share of them."""
        accepted = [self._fits(operation, exercise) for exercise in exercises]
        refused = [exercise for exercise, fits in zip(exercises, accepted, strict=True) if not fits]
        creations = [exercise for exercise, fits in zip(exercises, accepted, strict=True) if fits]
        return refused + creations[::-1][: self._share(operation.label)]

    def _fits(self, operation: Operation, exercise: Exercise) -> bool:
        """Whether a server would create: a body may have been wrong only in what the tag takes the place of."""
        if exercise.expects:
            return exercise.expects == "2xx"
        tagged = self._tagged(exercise)
        return tagged is not None and (not operation.request or self._contract.is_valid(operation.request, tagged.json))

    def _share(self, name: str) -> int:
        """Hold the sequence ``name`` to its share of what is left of the budget; return how many it may create."""
        self._creators.discard(name)
        ownership = self._throwaways.ownership
        share = -(-max(0, ownership.budget.limit - ownership.budget.spent) // (len(self._creators) + 1))
        self._ceiling = len(ownership.created) + share
        return share

    @contextmanager
    def _leased(self, level: Level) -> Iterator[Credential | None]:
        credential = self._lease(level)
        try:
            yield credential
        finally:
            if credential is not None:
                self._throwaways.give_back(credential)

    def _lease(self, level: Level) -> Credential | None:
        if level == "merchant" and self._merchant is None:
            reason = NotReached("the run has no merchant account; set ADYEN_MERCHANT_ACCOUNT")
            self._lost.setdefault(level, reason)
        if level == "me" or level in self._lost:
            return None
        try:
            return self._throwaways.lease(Spec(level=level, origins=(ORIGIN,)))
        except AdyenCredsError as error:
            # asking again would cost another creation
            self._lost[level] = error
            return None

    def _set_up(self, level: Level, credential: Credential | None) -> World:
        """Read who signs in and what the sequence is about; return the world, without what is not there."""
        me = self._read("GET", "/me", {}, "provisioning")
        roles = tuple(role for role in me.get("roles") or () if isinstance(role, str))
        merchants = (self._merchant,) if self._merchant else ()
        world = World(self._company, merchants, {}, {}, roles, self._description)
        if credential is None:
            return self._there(world, level)
        credentials: dict[str, str] = {credential.level: credential.id}
        origins: dict[str, str] = {credential.level: credential.origins[0].id} if credential.origins else {}
        if level == "me":
            origins["me"] = next(iter(origins.values()), "")
        self._read("GET", "/me", {}, credential.key())
        path = (
            f"{'/companies/{companyId}' if credential.level == 'company' else '/merchants/{merchantId}'}/apiCredentials"
        )
        known = {"companyId": self._company, "merchantId": self._merchant or "", "apiCredentialId": credential.id}
        one = f"{path}/{{apiCredentialId}}"
        self._read("GET", one, {name: known[name] for name in known if f"{{{name}}}" in one}, "provisioning")
        return replace(world, credentials=credentials, origins=origins)

    def _there(self, world: World, level: Level) -> World:
        """Return ``world`` with a credential and an origin that are there already, to be read only."""
        if level == "me":
            return world
        path = f"/companies/{self._company}" if level == "company" else f"/merchants/{self._merchant or '-'}"
        answer = self._throwaways.management.send("GET", f"{path}/apiCredentials", params={"pageSize": 100})
        for body in items(parse(answer.content), "data"):
            origins = [item.get("id") for item in items(body, "allowedOrigins") if isinstance(item, dict)]
            if isinstance(body, dict) and isinstance(body.get("id"), str) and origins and isinstance(origins[0], str):
                return replace(world, credentials={level: body["id"]}, origins={level: origins[0]})
        return world

    def _read(self, method: str, path: str, parameters: dict[str, str], signer: Any) -> dict[str, Any]:
        operation = self._contract.operations[f"{method} {path}"]
        return self.stage.carry_out(operation, Exercise(SET_UP, "2xx", parameters, signer=signer))

    def _admitted(self, operation: Operation, exercise: Exercise) -> Exercise | None:
        """Return what is sent for an exercise; None where it may not be sent."""
        if not creates(operation):
            return exercise
        if self._ceiling is not None and len(self._throwaways.ownership.created) >= self._ceiling:
            return None
        return self._tagged(exercise)

    def _tagged(self, exercise: Exercise) -> Exercise | None:
        """Return a creating exercise with this run's tag; None for a body that cannot hold it.

        A server might accept what must be refused, and its answer be lost: by the tag alone it can then be found.
        """
        body = exercise.json if exercise.content else {}
        if not isinstance(body, dict):
            return None
        return replace(exercise, content=json.dumps({**body, "description": self._description}).encode())


def creates(operation: Operation) -> bool:
    """Return whether ``operation`` makes a credential, which nothing can delete."""
    return operation.method == "POST" and operation.path.endswith("/apiCredentials")
