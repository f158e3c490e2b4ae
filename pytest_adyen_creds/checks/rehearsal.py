"""Rehearsal: exercises and lives, carried out against a sandbox of their own over real HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from pytest_adyen_creds.checks.act import SET_UP
from pytest_adyen_creds.checks.exercises import ORIGIN, Exercise
from pytest_adyen_creds.checks.generation import Amounts, rehearsed
from pytest_adyen_creds.checks.lives import Cast, life_of
from pytest_adyen_creds.checks.stage import Performed, Stage
from pytest_adyen_creds.checks.world import Level, World, level_of
from pytest_adyen_creds.client import ManagementClient, Ownership
from pytest_adyen_creds.errors import SandboxError
from pytest_adyen_creds.sandbox import Sandbox
from pytest_adyen_creds.secrets import Secret

if TYPE_CHECKING:
    from pytest_adyen_creds.contract import Contract, Operation

_NOBODY: Final = "AQE0000000000000000000000000000000000000-nobody"

Prepare = Callable[[Sandbox], object]


class Incomplete(SandboxError):
    """The set-up's answers did not show what the rest needs; what they did show can be judged."""


class Rehearsal:
    """A sandbox of its own for one sequence, so that no sequence's recording depends on another's.

    ``prepare`` is called with the sandbox before it is served: to set faults, for instance.
    """

    def __init__(self, contract: Contract, prepare: Prepare = lambda sandbox: None) -> None:
        self._contract = contract
        self._prepare = prepare
        self._opened = ExitStack()

    def __enter__(self) -> Self:
        self.sandbox = Sandbox()
        self._prepare(self.sandbox)
        server = self._opened.enter_context(self.sandbox.serve())
        client = self._opened.enter_context(
            ManagementClient(
                f"{server.url}/{self._contract.version}",
                api_key=self.sandbox.provisioning.api_key,
                ownership=Ownership.sandbox(),
            )
        )
        keys = {"provisioning": self.sandbox.provisioning.api_key, "unknown": Secret(_NOBODY)}
        self.stage = Stage(self._contract, client, keys)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    @property
    def performed(self) -> list[Performed]:
        """What happened so far."""
        return self.stage.performed

    def exercises(self, operation: Operation, amounts: Amounts, seed: int = 0) -> list[Exercise]:
        """Set up, and return the exercises of ``operation``."""
        level = level_of(operation)
        world, _ = self._furnish(level)
        return rehearsed(self._contract, operation, world, amounts=amounts, seed=seed)

    def exercise(self, operation: Operation, exercises: Iterable[Exercise]) -> None:
        """Carry out exercises of ``operation``."""
        for exercise in exercises:
            if exercise.fault is not None:
                self.sandbox.faults.status(exercise.fault, operation.label)
            self.stage.carry_out(operation, exercise)

    def set_up(self, operation: Operation) -> None:
        """Make what exercises of ``operation`` are about, and nothing more."""
        self._furnish(level_of(operation))

    def live(self, name: str) -> None:
        """Set up, and carry out the life ``name``."""
        life, level = life_of(name)
        world, made = self._furnish("company" if level == "me" else level, calls=True)
        cast = Cast(
            world,
            level,
            id=made["id"],
            username=made["username"],
            key=Secret(made["apiKey"]),
            password=Secret(made["password"]) if isinstance(made.get("password"), str) else None,
            clock=True,
            creates=True,
            roles=(world.role, world.calling_role),
        )
        self.stage.live(life(cast), lambda hours: self.sandbox.clock.advance(hours=hours))

    def world(self) -> World:
        """Set up at every level, and return what there is then."""
        company, _ = self._furnish("company")
        merchant, _ = self._furnish("merchant")
        credentials = {**company.credentials, **merchant.credentials}
        return World(company.company, company.merchants, credentials, {}, company.roles)

    def record(self, path: Path, now: datetime) -> None:
        """Write what happened as a cassette that says that the sandbox answered."""
        from pytest_adyen_creds.checks.recording import record

        accounts = (self.sandbox.company, *self.sandbox.merchants)
        record(path, self._contract, [each.act for each in self.performed], "sandbox", now, keep=accounts)

    def _furnish(self, level: Level, *, calls: bool = False) -> tuple[World, dict[str, Any]]:
        """Make a credential with an origin at ``level``; return what there is, and the credential as it was answered.

        Raises :class:`Incomplete` where the answers do not show it.
        """
        company, merchants = self.sandbox.company, self.sandbox.merchants
        me = self._set_up("GET", "/me", {})
        roles = tuple(role for role in me.get("roles") or () if isinstance(role, str))
        world = World(company, merchants, {}, {}, roles)
        made: dict[str, Any] = {}
        origins: Sequence[Any]
        if level == "me":
            origins = [self._set_up("POST", "/me/allowedOrigins", {"domain": ORIGIN})]
        else:
            body = {"roles": [world.role, world.calling_role] if calls else [world.role], "allowedOrigins": [ORIGIN]}
            path = {"company": "/companies/{companyId}", "merchant": "/merchants/{merchantId}"}[level]
            made = self._set_up("POST", f"{path}/apiCredentials", body)
            origins = made.get("allowedOrigins") or []
            if not all(isinstance(made.get(name), str) for name in ("id", "username", "apiKey")):
                raise Incomplete(
                    f"creating a credential at {level} level did not answer what it must; see the findings"
                )
            self.stage.keys["powerless"] = Secret(made["apiKey"])
        ids = [origin["id"] for origin in origins if isinstance(origin, dict) and isinstance(origin.get("id"), str)]
        if not ids:
            raise Incomplete(f"no allowed origin was answered at {level} level; see the findings")
        credentials: dict[str, str] = {level: made["id"]} if made else {}
        return World(company, merchants, credentials, {level: ids[0]}, roles), made

    def _set_up(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        import json

        operation = self._contract.operations[f"{method} {path}"]
        world = World(self.sandbox.company, self.sandbox.merchants, {}, {})
        content = json.dumps(body).encode() if body else None
        return self.stage.carry_out(operation, Exercise(SET_UP, "2xx", world.parameters(operation), content=content))
