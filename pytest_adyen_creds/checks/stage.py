"""The stage: where exercises and lives are carried out through the guarded client, and what happened is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pytest_adyen_creds.checks.act import Act
from pytest_adyen_creds.checks.exercises import Exercise, path_of
from pytest_adyen_creds.checks.lives import Life
from pytest_adyen_creds.client import ManagementClient, Retries
from pytest_adyen_creds.client.parsing import parse
from pytest_adyen_creds.errors import OwnershipRefused
from pytest_adyen_creds.secrets import Secret

if TYPE_CHECKING:
    from pytest_adyen_creds.contract import Contract, Operation

ONCE: Final = Retries(tries=1)
"""An exercise is about one answer: trying again would hide it."""

PATIENT: Final = Retries(tries=3, only_rate_limit=True)
"""Against a server that limits the rate."""


@dataclass(frozen=True, slots=True)
class Performed:
    """An exercise of an operation, and the exchange that it led to."""

    operation: Operation
    exercise: Exercise
    act: Act


class Stage:
    """Sends what it is given, in order; ``performed`` is what happened, ``skipped`` counts what the guard refused.

    ``keys`` maps the names of signers to keys.
    """

    def __init__(self, contract: Contract, client: ManagementClient, keys: Mapping[str, Secret]) -> None:
        self.contract = contract
        self.client = client
        self.keys = dict(keys)
        self.performed: list[Performed] = []
        self.skipped = 0
        self.elapsed = 0.0
        """Seconds that the server's clock was moved on."""
        self.retries = ONCE
        self.adapt: Callable[[Operation, Exercise], Exercise | None] = lambda operation, exercise: exercise
        """What an exercise becomes before it is sent; None: it is not sent."""

    def carry_out(self, operation: Operation, exercise: Exercise) -> dict[str, Any]:
        """Send one exercise; return the answer's JSON object, an empty one where there is none or nothing was sent.

        Raises :class:`ApiError` where no answer came.
        """
        adapted = self.adapt(operation, exercise)
        signer = exercise.signer
        auth = self.keys.get(signer) if isinstance(signer, str) else signer
        if auth is None or adapted is None:
            self.skipped += 1
            return {}
        exercise = adapted
        headers = {"Content-Type": exercise.media_type} if exercise.content is not None else {}
        try:
            response = self.client.send(
                operation.method,
                path_of(operation, exercise),
                params=dict(exercise.query),
                content=exercise.content,
                headers=headers,
                auth=auth,
                retries=self.retries,
            )
        except OwnershipRefused:
            self.skipped += 1
            return {}
        act = Act(response.request, response, exercise.generated_by, exercise.expects, self.elapsed)
        self.performed.append(Performed(operation, exercise, act))
        body = parse(response.content)
        return body if isinstance(body, dict) and response.is_success else {}

    def live(self, life: Life, move_on: Callable[[float], object] | None = None) -> None:
        """Carry out a life; ``move_on`` takes the hours that the server's clock is to be moved on."""
        answer: Mapping[str, Any] | None = None
        while True:
            try:
                step = life.send(answer) if answer is not None else next(life)
            except StopIteration:
                return
            if step.hours and move_on is not None:
                move_on(step.hours)
                self.elapsed += step.hours * 3600
            answer = self.carry_out(self.contract.operations[step.label], step.exercise)
