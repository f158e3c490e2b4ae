"""Judging exchanges of a sequence: each answer by the contract, and by Adyen's rules with what came before it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from pytest_adyen_creds.checks.act import SET_UP, Act
from pytest_adyen_creds.checks.failure import CheckFailure
from pytest_adyen_creds.checks.history import History
from pytest_adyen_creds.checks.reproduction import as_code, as_curl, as_text
from pytest_adyen_creds.checks.rules import RULES, Complaint, Rule
from pytest_adyen_creds.checks.seen import Seen
from pytest_adyen_creds.client.parsing import secrets_in
from pytest_adyen_creds.contract.judge import Observation
from pytest_adyen_creds.contract.judge import judge as judge_answer
from pytest_adyen_creds.secrets import SECRETS
from pytest_adyen_creds.text import plain

if TYPE_CHECKING:
    from pytest_adyen_creds.contract import Contract, Operation
    from pytest_adyen_creds.contract.baseline import Acceptance

__all__ = ["CheckFailure", "judge", "register_secrets"]

_STEPS: Final = {
    "response-undocumented-status": "document the status in openapi.yaml if it is real; else look at who answered",
    "response-undocumented-media-type": (
        "an answer that is not JSON mostly comes from a proxy or an error page in between"
    ),
    "response-required-header-missing": "compare the header with the operation in openapi.yaml",
    "response-header-type-changed": "compare the header with the operation in openapi.yaml",
}
_BODY_STEP: Final = (
    "if the API has changed, accept it (--adyen-drift-baseline) or change the structure; else the answer is wrong"
)
_RULE_STEP: Final = "if the document says otherwise by now, change the rule; else the answer is wrong"


def judge(
    contract: Contract, operation: Operation, act: Act, history: History, acceptance: Acceptance | None = None
) -> list[CheckFailure]:
    """Return what is wrong with ``act``, an exchange of ``operation`` after ``history``; ``history`` takes it in.

    That is what of the answer departs from the contract, less what ``acceptance`` leaves out (default: nothing), and
    the rules of Adyen's that the exchange breaks.
    """
    seen = Seen.of(
        contract,
        operation,
        act.request,
        act.response,
        expects=act.expects,
        at=act.at,
        own=act.generated_by == SET_UP,
    )
    broken = [(rule, complaint) for rule in RULES.values() for complaint in rule.breaches(seen, history)]
    media = act.response.headers.get("content-type", "")
    observed = judge_answer(contract, operation, seen.status, media, seen.content, act.response.headers)
    observed = [each for each in observed if acceptance is None or acceptance.counts(each.finding)]
    failures: list[CheckFailure] = []
    if broken or observed:
        register_secrets(seen)
        broken.sort(key=lambda each: (each[0].name, len(each[1].pointer), each[1].pointer))
        failures += [_of_finding(contract, operation, act, each) for each in observed]
        failures += [_of_rule(operation, act, *each) for each in broken]
    history.add(seen)
    return list(_with_evidence(_collapsed(failures), act))


def register_secrets(seen: Seen) -> None:
    """Let masking know the secrets of an exchange that another client made."""
    key, basic = seen.presented
    for secret in {
        *secrets_in(seen.content, seen.body),
        *secrets_in(seen.request.content, seen.sent),
        key,
        basic and basic[1],
    }:
        if secret:
            SECRETS.add(secret)
    if seen.request.headers.get("authorization"):
        SECRETS.add(seen.request.headers["authorization"].partition(" ")[2])


def _collapsed(failures: list[CheckFailure]) -> list[CheckFailure]:
    """Return the failures with those of one check at like places, such as the items of a list, as one."""
    alike: dict[tuple[str, ...], list[CheckFailure]] = {}
    for failure in failures:
        alike.setdefault(failure.key, []).append(failure)
    return [
        replace(first, message=f"{first.message} (and at {len(more)} more places like it)") if more else first
        for first, *more in alike.values()
    ]


def _with_evidence(failures: list[CheckFailure], act: Act) -> Iterator[CheckFailure]:
    if not failures:
        return
    curl, code = as_curl(act.request), as_code(act.request)
    for failure in failures:
        answer = as_text(act.response, failure.pointer)
        yield replace(failure, curl=curl, code=code, answer=answer, replay=act.replay)


def _of_rule(operation: Operation, act: Act, rule: Rule, complaint: Complaint) -> CheckFailure:
    says = f"{rule.says} ({rule.evidence}: {rule.source})"
    return _failure(operation, act, rule.name, complaint.pointer, complaint.message, rule=says, next_step=_RULE_STEP)


def _of_finding(contract: Contract, operation: Operation, act: Act, observation: Observation) -> CheckFailure:
    finding = observation.finding
    structure = operation.responses.get(act.response.status_code)
    of_body = bool(observation.pointer) or finding.id.startswith("response-body-")
    where = f"structures/{structure}.struct.json" if structure and of_body else "openapi.yaml"
    return _failure(
        operation,
        act,
        finding.id,
        observation.pointer,
        observation.example if observation.pointer else finding.message,
        rule=f"answers are as the contract says (documented: {contract.version}/{where})",
        next_step=_STEPS.get(finding.id, _BODY_STEP),
        finding=finding,
    )


def _failure(operation: Operation, act: Act, check: str, pointer: str, message: str, **known: Any) -> CheckFailure:
    return CheckFailure(
        operation=operation.label,
        status=act.response.status_code,
        check=check,
        pointer=SECRETS.mask(pointer),
        message=plain(SECRETS.mask(message)),
        source=act.source,
        **known,
    )
