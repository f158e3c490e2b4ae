"""Rehearsal: the exercises of an operation, carried out against a sandbox of their own over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from pytest_adyen_creds.checks.exercises import ORIGIN, ROLE, Exercise, World, generated, path_of, scripted
from pytest_adyen_creds.management import Exchange, ManagementClient, Ownership, Retries
from pytest_adyen_creds.sandbox import Sandbox
from pytest_adyen_creds.secrets import Secret

if TYPE_CHECKING:
    from pytest_adyen_creds.contract import Contract, Operation

ONCE: Final = Retries(tries=1)
"""An exercise is about one answer: trying again would hide it."""

_NOBODY: Final = "AQE0000000000000000000000000000000000000-nobody"


class Rehearsal:
    """A sandbox that serves one operation's exercises, so that no operation's recording depends on another's."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._opened = ExitStack()

    def __enter__(self) -> Self:
        self._sandbox = Sandbox()
        server = self._opened.enter_context(self._sandbox.serve())
        self._client = self._opened.enter_context(
            ManagementClient(
                f"{server.url}/{self._contract.version}",
                api_key=self._sandbox.provisioning.api_key,
                ownership=Ownership.sandbox(),
            )
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    def exchanges(self, operation: Operation, *, each: int) -> Iterator[tuple[Exercise, Exchange]]:
        """Carry out the exercises of ``operation``; what schemathesis makes (``each`` of a kind) comes first."""
        world, powerless = self._furnish()
        exercises = [*generated(self._contract, operation, world, each=each), *scripted(operation, world)]
        keys = {"unknown": Secret(_NOBODY), "powerless": powerless}
        for exercise in exercises:
            if exercise.fault is not None:
                self._sandbox.faults.status(exercise.fault, operation.label)
            key = keys.get(exercise.signer, self._sandbox.provisioning.api_key)
            yield exercise, self._send(operation, exercise, key)

    def record(self, path: Path, exchanges: Sequence[tuple[Exercise, Exchange]], now: datetime) -> None:
        """Write ``exchanges`` as a cassette that says that the sandbox answered."""
        from pytest_adyen_creds.cassettes.log import InteractionLog, provenance_of
        from pytest_adyen_creds.cassettes.scrub import Scrubber

        log = InteractionLog()
        for exercise, exchange in exchanges:
            operation = self._contract.match(exchange.request.method, exchange.request.url.path)
            meta = {"generated_by": exercise.generated_by}
            log.add(
                exchange.request, exchange.response, meta | ({"operation": operation[0].label} if operation else {})
            )
        scrubber = Scrubber(self._contract.secret_properties, keep=(self._sandbox.company, *self._sandbox.merchants))
        tools = ("schemathesis", "hypothesis")
        log.save(path, provenance_of(self._contract, "sandbox", now, tools), scrubber)

    def _furnish(self) -> tuple[World, Secret]:
        """Make a credential with an origin at each level; return them, and the key of one without the role."""
        company, merchant = (
            self._client.company(self._sandbox.company),
            self._client.merchant(self._sandbox.merchants[0]),
        )
        credentials, origins, powerless = {}, {}, None
        for level, resource in (("company", company), ("merchant", merchant)):
            created = resource.create({"roles": [ROLE], "allowedOrigins": [ORIGIN]})
            credentials[level] = created["id"]
            origins[level] = created["allowedOrigins"][0]["id"]
            powerless = powerless or created["apiKey"]
        origins["me"] = self._client.me.origins.add(ORIGIN)["id"]
        assert powerless is not None
        return World(self._sandbox.company, self._sandbox.merchants[0], credentials, origins), powerless

    def _send(self, operation: Operation, exercise: Exercise, key: Secret) -> Exchange:
        headers = {"Content-Type": exercise.media_type} if exercise.content is not None else {}
        response = self._client.send(
            operation.method,
            path_of(operation, exercise),
            params=dict(exercise.query),
            content=exercise.content,
            headers=headers,
            auth=key,
            retries=ONCE,
        )
        return Exchange(response.request, response)
