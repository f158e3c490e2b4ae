"""Responses of a user's own test, held to the contract in one call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol, Self

from pytest_adyen_creds import clock
from pytest_adyen_creds.checks.exchange import Exchange
from pytest_adyen_creds.checks.failure import explain
from pytest_adyen_creds.checks.judging import judge
from pytest_adyen_creds.checks.known_state import KnownState
from pytest_adyen_creds.contract import Contract, Operation, Violation
from pytest_adyen_creds.contract.baseline import Acceptance, Baseline
from pytest_adyen_creds.contract.finding import Finding
from pytest_adyen_creds.contract.judge import judge as judge_answer
from pytest_adyen_creds.contract.judge import places


class Answered(Protocol):
    """A response of httpx or of requests, or anything that has the same attributes."""

    @property
    def request(self) -> Any:
        """The request, with ``method``, ``url``, ``headers`` and its body as ``content`` or ``body``."""

    @property
    def status_code(self) -> int:
        """The HTTP status."""

    @property
    def headers(self) -> Any:
        """A mapping of header names to values."""

    @property
    def content(self) -> bytes:
        """The body."""


class ContractBroken(AssertionError):
    """A response is not what the contract says; the message says where, why, and how to ask again."""


class CheckingContract(Contract):
    """A contract that also judges whole responses: what the fixture ``adyen_contract`` gives."""

    _plain: Contract
    _acceptance: Acceptance | None

    @classmethod
    def of(cls, contract: Contract, acceptance: Acceptance | None = None) -> Self:
        """Return ``contract`` with :meth:`check`; nothing is compiled again.

        ``acceptance`` is what does not count in a run, for :meth:`check` and for bodies alone. Without it, bodies are
        judged by their structure, and answers less the contract's known deviations.
        """
        checking = object.__new__(cls)
        vars(checking).update(vars(contract))
        checking._plain = contract
        checking._acceptance = acceptance
        return checking

    def is_valid(self, name: str, body: Any) -> bool:
        """Return whether ``body``, a parsed JSON value, is what ``name`` describes; see :meth:`validate`."""
        return super().is_valid(name, body) or (self._acceptance is not None and not self.validate(name, body))

    def validate(self, name: str, body: Any) -> list[Violation]:
        """Return each place where ``body``, a parsed JSON value, departs from the structure ``name``.

        In a run, what the platform is known to do in an answer of this structure, or the baseline accepts, is left out.
        """
        violations, acceptance = super().validate(name, body), self._acceptance
        answers = [
            (operation, status)
            for operation in self.operations.values()
            for status, structure in operation.responses.items()
            if structure == name
        ]
        if not violations or acceptance is None or not answers:
            return violations
        found = list(places(self._plain, *answers[0], body, violations))
        distinct = {each.finding for each in found}
        counting = acceptance.divide(
            replace(finding, operation=operation.label, status=status)
            for finding in distinct
            for operation, status in answers
        ).findings
        # what counts in every answer of the structure
        counts = Counter((each.id, each.location, each.message) for each in counting)
        accepted = {
            each.pointer
            for each in found
            if counts[each.finding.id, each.finding.location, each.finding.message] < len(answers)
        }
        return [each for each in violations if each.pointer not in accepted]

    def judge(
        self,
        operation: Operation,
        status: int,
        content_type: str | None,
        body: bytes,
        headers: Mapping[str, str] | None = None,
    ) -> list[Finding]:
        """Return what departs from the contract in one answer of ``operation``; see :func:`.contract.judge.judge`.

        Nothing is taken off: neither :attr:`known_deviations` nor what a baseline accepts.
        """
        return [each.finding for each in judge_answer(self._plain, operation, status, content_type, body, headers)]

    def check(self, response: Answered) -> None:
        """Hold a response to the contract and to Adyen's rules; known deviations and accepted drift do not count.

        ``response`` is one of httpx or requests, of any operation of the contract. Raises :class:`ContractBroken`, an
        AssertionError, that says what is wrong; secrets in it are masked. A response of something that the contract
        does not have is wrong, too.
        """
        __tracebackhide__ = True
        exchange = Exchange.of_library(self._plain, response, generated_by="a test of yours")
        if not exchange.is_known:
            raise ContractBroken(
                f"{exchange.operation.label} is no operation of the contract ({self.version}); "
                "check responses of its operations only"
            )
        acceptance = self._acceptance or Acceptance(self.known_deviations, Baseline(), clock.today())
        failures = judge(exchange, KnownState(), acceptance)
        if failures:
            raise ContractBroken(explain(failures))
