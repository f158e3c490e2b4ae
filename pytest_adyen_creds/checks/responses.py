"""Responses of a user's own test, held to the contract in one call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Protocol, Self
from urllib.parse import urlsplit

from pytest_adyen_creds import clock
from pytest_adyen_creds.checks.exchange import Exchange
from pytest_adyen_creds.checks.failure import explain
from pytest_adyen_creds.checks.judging import judge
from pytest_adyen_creds.checks.known_state import KnownState
from pytest_adyen_creds.contract import Contract, Operation, Violation
from pytest_adyen_creds.contract.apis import Apis
from pytest_adyen_creds.contract.baseline import Acceptance, Baseline
from pytest_adyen_creds.contract.finding import Finding
from pytest_adyen_creds.contract.judge import judge as judge_answer
from pytest_adyen_creds.contract.judge import places
from pytest_adyen_creds.errors import ContractError, FileRefused, in_words
from pytest_adyen_creds.formats import parse_json
from pytest_adyen_creds.secrets import SECRETS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hypothesis.strategies import SearchStrategy

    from pytest_adyen_creds.contract.mutations import Mutation


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
    _apis: Apis
    _is_set_aside: Callable[[], bool]

    @classmethod
    def of(
        cls,
        contract: Contract,
        acceptance: Acceptance | None = None,
        apis: Apis | None = None,
        is_set_aside: Callable[[], bool] = lambda: False,
    ) -> Self:
        """Return ``contract`` with :meth:`check`; nothing is compiled again. ``apis`` has those of other APIs.

        While it ``is_set_aside``, a rehearsal has answers depart from it on purpose, and nothing is found wrong.

        ``acceptance`` is what does not count in a run, for :meth:`check` and for bodies alone. Without it, bodies are
        judged by their structure, and answers less the contract's known deviations.
        """
        checking = object.__new__(cls)
        vars(checking).update(vars(contract))
        checking._plain = contract
        checking._acceptance = acceptance
        checking._apis = apis or Apis()
        checking._is_set_aside = is_set_aside
        return checking

    def is_valid(self, name: str, body: Any) -> bool:
        """Return whether ``body``, a parsed JSON value, is what ``name`` describes; see :meth:`validate`."""
        if super().is_valid(name, body):
            return True
        return self._is_set_aside() or (self._acceptance is not None and not self.validate(name, body))

    def validate(self, name: str, body: Any) -> list[Violation]:
        """Return each place where ``body``, a parsed JSON value, departs from the structure ``name``.

        In a run, what the platform is known to do in an answer of this structure, or the baseline accepts, is left out.
        """
        if self._is_set_aside():
            return []
        violations, acceptance = super().validate(name, body), self._acceptance
        if not violations or acceptance is None:
            return violations
        answers = [
            (operation, status)
            for operation in self.operations.values()
            for status, structure in operation.responses.items()
            if structure == name
        ]
        if not answers:
            return violations
        found = list(places(self._plain, *answers[0], body, violations))
        counting = {  # in every answer of the structure
            finding
            for finding in {each.finding for each in found}
            if all(acceptance.counts(replace(finding, operation=each.label, status=status)) for each, status in answers)
        }
        accepted = {each.pointer for each in found if each.finding not in counting}
        return [each for each in violations if each.pointer not in accepted]

    def judge(
        self,
        operation: Operation,
        status: int,
        content_type: str | None,
        body: bytes,
        headers: Mapping[str, str] | None = None,
    ) -> list[Finding]:
        """Return what departs from the contract in one answer of ``operation``.

        Nothing is taken off: neither :attr:`known_deviations` nor what a baseline accepts.
        """
        if self._is_set_aside():
            return []
        return [each.finding for each in judge_answer(self._plain, operation, status, content_type, body, headers)]

    def check(self, response: Answered) -> None:
        """Hold a response to the contract and to Adyen's rules; known deviations and accepted drift do not count.

        ``response`` is one of httpx or requests, of any operation of the run's contracts. Raises
        :class:`ContractBroken`, an AssertionError, that says what is wrong; secrets in it are masked. A response of
        something that no contract has is wrong, too.
        """
        __tracebackhide__ = True
        if self._is_set_aside():
            return
        method, url = str(response.request.method), str(response.request.url)
        other = self._apis.match(method, url)
        if other and other.contract.api == self._plain.api:  # which has more to say of its own operations
            other = None if self._plain.match(method, urlsplit(url).path) else other
        contract = other.contract if other else self._plain
        exchange = Exchange.of_library(contract, response, generated_by="a test of yours")
        if not exchange.is_known:
            names = ", ".join([self._plain.short_name, *(each.name for each in self._apis.all_own)])
            raise ContractBroken(
                f"{exchange.operation.label} is no operation of the contract ({names}); "
                "check responses of its operations only"
            )
        acceptance = self._acceptance or Acceptance(self.known_deviations, Baseline(), clock.today())
        failures = judge(exchange, KnownState(), acceptance)
        if failures:
            raise ContractBroken(explain(failures))

    def check_webhook(self, name: str, body: Any, *, api: str | None = None) -> None:
        """Hold the body of the webhook ``name`` to the contract that has it.

        ``body`` is a parsed JSON value, or the JSON as bytes or text, as a handler gets it. ``api`` says which contract
        where several have such a webhook. Raises :class:`ContractBroken`, and :class:`ContractError` where no contract
        has the webhook.
        """
        __tracebackhide__ = True
        contract = self._having(name, api, webhooks=True)
        webhook = contract.webhook(name)
        if isinstance(body, bytes | str):
            try:
                body = parse_json(body.decode() if isinstance(body, bytes) else body, "the webhook's body")
            except (FileRefused, UnicodeDecodeError) as error:
                raise ContractBroken(f"{webhook.label}: {in_words(error)}") from None
        violations = contract.validate(webhook.request, body) if webhook.request else []
        if violations:
            lines = [f"{webhook.label} ({contract.name}): {webhook.request}", *(each.message for each in violations)]
            raise ContractBroken(SECRETS.mask("\n".join(lines)))

    def example_webhook(self, name: str, *, api: str | None = None) -> Any:
        """Return a body of the webhook ``name`` that keeps to the contract, the same each time; see :meth:`example`."""
        return Contract.example_webhook(self._having(name, api, webhooks=True), name)

    def strategy(self, name: str, *, api: str | None = None) -> SearchStrategy[Any]:
        """Return a Hypothesis strategy for bodies of the structure or the webhook ``name``."""
        return Contract.strategy(self._having(name, api, webhooks=False), name)

    def mutations(self, name: str, body: Any, *, api: str | None = None) -> Iterator[tuple[Mutation, Any]]:
        """Yield mutations of ``body``, each with the body as it is then; see :meth:`Contract.mutations`."""
        return Contract.mutations(self._having(name, api, webhooks=False), name, body)

    def _having(self, name: str, api: str | None, *, webhooks: bool) -> Contract:
        """Return the contract that has a webhook or, unless only ``webhooks`` count, a structure of this name."""
        contracts = {each.name: each for each in (*self._apis.all_own, self._plain)}
        found = [
            each
            for each in contracts.values()
            if api in (None, each.name, each.api)
            and (each.has_webhook(name) or (not webhooks and name in each.structures))
        ]
        if len(found) > 1 and self._plain in found and api is None:
            return self._plain
        if len(found) > 1:
            names = ", ".join(each.name for each in found)
            raise ContractError(f"{name!r} is in several contracts: {names}; name one with api=…")
        if not found and webhooks:
            known = [webhook for each in contracts.values() for webhook in each.webhooks]
            alike = get_close_matches(name, known, 1)
            meant = f"; did you mean {alike[0]}?" if alike else ""
            names = ", ".join(contracts)
            raise ContractError(f"no webhook {name!r} in {names}{meant or '; import the document that has it'}")
        return found[0] if found else self._plain
