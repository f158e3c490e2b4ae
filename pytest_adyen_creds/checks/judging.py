"""Judging exchanges: each answer by the contract, and by Adyen's rules with what came before it.

:class:`CheckingContract` holds a response of a user's own test to both, in one call.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from pytest_adyen_creds.checks.exchange import Exchange
from pytest_adyen_creds.checks.failure import CheckFailure, as_code, as_curl, as_text
from pytest_adyen_creds.checks.known_state import KnownState
from pytest_adyen_creds.checks.rules import RULES
from pytest_adyen_creds.contract import VERSIONS, load_contract
from pytest_adyen_creds.contract.baseline import Acceptance
from pytest_adyen_creds.contract.judge import Observation, next_step
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
    # they are rules of credentials, whatever else a contract of the user's own has
    rules = RULES.values() if exchange.operation.label in load_contract(VERSIONS[0]).operations else ()
    broken = [(rule, violation) for rule in rules for violation in rule.breaches(exchange, state)]
    observed = [each for each in exchange.observations if acceptance is None or acceptance.counts(each.finding)]
    failures: list[CheckFailure] = []
    if broken or observed:
        exchange.register_secrets()
        broken.sort(key=lambda each: (each[0].name, len(each[1].pointer), each[1].pointer))
        failures += [_of_finding(exchange, each) for each in observed]
        for rule, each in broken:
            says = f"{rule.says} ({rule.evidence}: {rule.source})"
            failures.append(_failure(exchange, rule.name, each.pointer, each.message, rule=says, next_step=_RULE_STEP))
    state.add(exchange)
    return list(_collapsed(failures, exchange))


def _collapsed(failures: list[CheckFailure], exchange: Exchange) -> Iterator[CheckFailure]:
    """Yield the failures with their evidence, those of one check at like places, such as a list's items, as one."""
    alike: dict[tuple[str, ...], list[CheckFailure]] = {}
    for failure in failures:
        alike.setdefault(failure.key, []).append(failure)
    for first, *more in alike.values():
        yield replace(
            first,
            message=f"{first.message} (and at {len(more)} more places like it)" if more else first.message,
            curl=as_curl(exchange.request),
            code=as_code(exchange.request),
            answer=as_text(exchange.response, first.pointer),
        )


def _of_no_operation(exchange: Exchange) -> CheckFailure:
    return _failure(
        exchange,
        "operation_coverage",
        "",
        f"is no operation of the contract ({exchange.contract.version}), so that nothing can judge the answer",
        next_step="add the operation to openapi.yaml, or take the exchange out of the recording",
        rule="each exchange of the suite is of an operation of the contract",
    )


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
