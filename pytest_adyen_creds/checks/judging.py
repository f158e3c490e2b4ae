"""Judging exchanges: each answer by the contract, and by Adyen's rules with what came before it.

:class:`CheckingContract` holds a response of a user's own test to both, in one call.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, Protocol, Self

from pytest_adyen_creds import clock
from pytest_adyen_creds.checks.exchange import Exchange
from pytest_adyen_creds.checks.failure import CheckFailure, as_code, as_curl, as_text, explain
from pytest_adyen_creds.checks.known_state import KnownState
from pytest_adyen_creds.checks.rules import RULES, Rule, RuleViolation
from pytest_adyen_creds.contract import Contract, Operation, Violation
from pytest_adyen_creds.contract.baseline import Acceptance, Baseline
from pytest_adyen_creds.contract.finding import Finding
from pytest_adyen_creds.contract.judge import Observation, next_step, places
from pytest_adyen_creds.contract.judge import judge as judge_answer
from pytest_adyen_creds.secrets import SECRETS
from pytest_adyen_creds.text import plain

_RULE_STEP: Final = "if the document says otherwise by now, change the rule; else the answer is wrong"


def judge(exchange: Exchange, state: KnownState, acceptance: Acceptance | None = None) -> list[CheckFailure]:
    """Return what is wrong with ``exchange`` after ``state``, which takes it in.

    That is what of the answer departs from the contract, less what ``acceptance`` leaves out (default: nothing), and
    the rules of Adyen's that the exchange breaks. Of an operation that the contract does not have, nothing is judged
    but that.
    """
    if not exchange.is_known:
        return [_of_no_operation(exchange)]
    broken = [(rule, violation) for rule in RULES.values() for violation in rule.breaches(exchange, state)]
    observed = [each for each in exchange.observations if acceptance is None or acceptance.counts(each.finding)]
    failures: list[CheckFailure] = []
    if broken or observed:
        exchange.register_secrets()
        broken.sort(key=lambda each: (each[0].name, len(each[1].pointer), each[1].pointer))
        failures += [_of_finding(exchange, each) for each in observed]
        failures += [_of_rule(exchange, *each) for each in broken]
    state.add(exchange)
    return list(_with_evidence(_collapsed(failures), exchange))


def _collapsed(failures: list[CheckFailure]) -> list[CheckFailure]:
    """Return the failures with those of one check at like places, such as the items of a list, as one."""
    alike: dict[tuple[str, ...], list[CheckFailure]] = {}
    for failure in failures:
        alike.setdefault(failure.key, []).append(failure)
    return [
        replace(first, message=f"{first.message} (and at {len(more)} more places like it)") if more else first
        for first, *more in alike.values()
    ]


def _with_evidence(failures: list[CheckFailure], exchange: Exchange) -> Iterator[CheckFailure]:
    if not failures:
        return
    curl, code = as_curl(exchange.request), as_code(exchange.request)
    for failure in failures:
        yield replace(failure, curl=curl, code=code, answer=as_text(exchange.response, failure.pointer))


def _of_no_operation(exchange: Exchange) -> CheckFailure:
    return _failure(
        exchange,
        "operation_coverage",
        "",
        f"is no operation of the contract ({exchange.contract.version}), so that nothing can judge the answer",
        next_step="add the operation to openapi.yaml, or take the exchange out of the recording",
        rule="each exchange of the suite is of an operation of the contract",
    )


def _of_rule(exchange: Exchange, rule: Rule, violation: RuleViolation) -> CheckFailure:
    says = f"{rule.says} ({rule.evidence}: {rule.source})"
    return _failure(exchange, rule.name, violation.pointer, violation.message, rule=says, next_step=_RULE_STEP)


def _of_finding(exchange: Exchange, observation: Observation) -> CheckFailure:
    finding = observation.finding
    structure = exchange.operation.responses.get(exchange.status)
    of_body = bool(observation.pointer) or finding.id.startswith("response-body-")
    where = f"structures/{structure}.struct.json" if structure and of_body else "openapi.yaml"
    return _failure(
        exchange,
        finding.id,
        observation.pointer,
        observation.example if observation.pointer else finding.message,
        rule=f"answers are as the contract says (documented: {exchange.contract.version}/{where})",
        next_step=next_step(finding),
        finding=finding,
    )


def _failure(exchange: Exchange, check: str, pointer: str, message: str, **known: Any) -> CheckFailure:
    return CheckFailure(
        operation=plain(SECRETS.mask(exchange.operation.label)),
        status=exchange.status,
        check=check,
        pointer=SECRETS.mask(pointer),
        message=plain(SECRETS.mask(message)),
        source=exchange.source,
        **known,
    )


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
