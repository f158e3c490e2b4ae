"""Answers for operations of other APIs, made from their contracts: they keep to the contract and to no state."""

from __future__ import annotations

import copy
import threading
from difflib import get_close_matches
from typing import Any, Final

from pytest_adyen_creds.contract import Contract, Operation
from pytest_adyen_creds.contract.apis import Apis
from pytest_adyen_creds.contract.roles import Demand
from pytest_adyen_creds.errors import ContractError, SandboxError
from pytest_adyen_creds.sandbox.routing import served
from pytest_adyen_creds.sandbox.rules import Rule

FROM_CONTRACT: Final = Rule.assumed(
    "contracts.answers",
    "An operation that only a contract of the user's own has is answered with an example that keeps to the contract, "
    "the same each time, whatever was sent before; the header Adyen-Creds-Answer says so.",
    "the contract's own examples, else bodies made from its schemas",
)
SET_BY_TEST: Final = Rule.assumed(
    "contracts.set",
    "An answer that a test has set is given to each request of its operation until the test ends.",
    "the test, which the contract holds to what the operation can answer",
)
CONTRACT_ROLES: Final = Rule.assumed(
    "contracts.roles",
    "Such an operation asks for the roles that its contract names (x-adyen-roles); without them it is a 403.",
    "the contract, whose roles are read from the document's prose",
)

ANSWER_HEADER: Final = "Adyen-Creds-Answer"
"""The header that says of an answer that it was made from a contract, and which."""


class ContractAnswers:
    """What a sandbox answers for the operations of ``apis`` that it does not know itself. Thread-safe."""

    def __init__(self, apis: Apis) -> None:
        self.apis = apis
        self._lock = threading.Lock()
        self._set: dict[tuple[str, str], tuple[int, Any]] = {}
        self._met: set[tuple[str, str]] = set()

    def set(self, label: str, body: Any = None, *, status: int | None = None, api: str | None = None) -> None:
        """Answer the operation ``label`` with ``body`` and ``status`` (default: its first success) until the test ends.

        ``api`` names the contract where several have the operation (``checkout/v71``, or ``checkout``). Raises
        :class:`SandboxError` for an operation that no contract has, and for an answer that does not keep to it.
        """
        if label in served():
            raise SandboxError(f"{label} is answered with state: change that, or set a fault (sandbox.faults)")
        found = [each for each in self.apis.labelled(label) if api in (None, each[0].name, each[0].api)]
        if len(found) != 1:
            names = ", ".join(contract.name for contract, _ in found)
            what = f"{names} have it; name one with api=…" if found else self._known(label)
            raise SandboxError(f"no answer can be set for {label!r}: {what}")
        contract, operation = found[0]
        status = _success(operation) if status is None else status
        if status not in operation.responses:
            known = ", ".join(map(str, sorted(operation.responses)))
            raise SandboxError(f"{label} does not answer {status} by {contract.name}, which has {known}")
        structure = operation.responses[status]
        if structure is None and body is not None:
            raise SandboxError(f"{label} answers {status} without a body by {contract.name}; set none")
        violations = contract.validate(structure, body) if structure is not None else []
        if violations:
            raise SandboxError(
                f"the body does not keep to {structure} of {contract.name}: "
                + "; ".join(each.message for each in violations[:3])
            )
        with self._lock:
            self._set[contract.name, label] = status, copy.deepcopy(body)

    def end(self) -> list[str]:
        """Take back every answer that was set, and return the labels of operations that nothing asked for theirs."""
        with self._lock:
            unmet = sorted(label for name, label in self._set.keys() - self._met)
            self._set.clear()
            self._met.clear()
            return unmet

    def _known(self, label: str) -> str:
        contracts = self.apis.all_own
        if not contracts:
            return "adyen_contracts names no folder of contracts; adyen-creds contract import makes one"
        alike = get_close_matches(label, sorted(self.apis.labels), 1)
        meant = f"did you mean {alike[0]}? " if alike else ""
        return f"{meant}no contract of another API has it ({', '.join(each.name for each in contracts)})"

    def permitted(self, roles: tuple[str, ...]) -> list[str]:
        """Return the labels of the operations that ``roles`` suffice for, each with its contract."""
        found = [(each, label) for label in sorted(self.apis.labels) for each in self.apis.labelled(label)]
        return [
            f"{label} ({contract.name})" for (contract, each), label in found if Demand.of(each.roles).is_met(roles)
        ]

    def answer(self, contract: Contract, operation: Operation) -> tuple[int, Any, Rule, dict[str, str]]:
        """Return the answer to a request of ``operation``: status, JSON value (None: no body), rule, and headers."""
        with self._lock:
            known = self._set.get((contract.name, operation.label))
            self._met.add((contract.name, operation.label))
        if known is not None:
            return *known, SET_BY_TEST, {ANSWER_HEADER: f"set by the test; {contract.name}"}
        status = _success(operation)
        headers = {ANSWER_HEADER: f"made from the contract {contract.name}; stateless"}
        return status, contract.example(operation.label, status), FROM_CONTRACT, headers

    def refusal(self, contract: Contract, operation: Operation, status: int, detail: str) -> Any:
        """Return the body of a refused request, in the contract's own form; None where it has none for ``status``."""
        structure = operation.responses.get(status)
        if structure is None:
            return None
        try:
            body = contract.example(operation.label, status)
        except ContractError:
            return None
        if not isinstance(body, dict):
            return body
        told = {**body, **{name: detail for name in ("detail", "message") if isinstance(body.get(name), str)}}
        told |= {"status": status} if type(body.get("status")) is int else {}
        return told if contract.is_valid(structure, told) else body


def _success(operation: Operation) -> int:
    """Return the status that an operation answers with where all went well."""
    return next((status for status in sorted(operation.responses) if 200 <= status < 300), 200)
