"""Errors: what must be refused is, and its answer repeats the HTTP status and has a code of Adyen's form."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from pytest_adyen_creds.checks.exchange import Exchange
from pytest_adyen_creds.checks.known_state import KnownState
from pytest_adyen_creds.checks.rules.rule import SPECIFICATION, RuleViolation, rule

_INTEGER: Final = re.compile(r"-?[0-9]{1,10}")
_CODE: Final = re.compile(r"[0-9]{2,3}_[0-9]{3,4}|[0-9]{3}")
_GENERAL: Final = re.compile(r"00_([0-9]{3})")


@rule(f"{SPECIFICATION}, request messages (additionalProperties false), parameters, responses 400 and 422")
def invalid_refused(exchange: Exchange, state: KnownState) -> Iterator[RuleViolation]:
    """A request that breaks the contract is refused: a body of another shape, a parameter of another type."""
    if not exchange.good:
        return
    content, structure = exchange.request.content, exchange.operation.request
    json = exchange.request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"
    if content and structure is not None and json and not exchange.contract.is_valid(structure, exchange.sent):
        yield RuleViolation("", f"a body that is no {structure} was accepted with {exchange.status}")
    for parameter in exchange.operation.parameters:
        value = exchange.query.get(parameter.name)
        if parameter.location != "query" or value is None or parameter.schema.get("type") != "integer":
            continue
        if not _INTEGER.fullmatch(value) or int(value) not in range(-(2**31), 2**31):
            yield RuleViolation("", f"a {parameter.name} that is no 32-bit integer was accepted with {exchange.status}")


@rule(f"{SPECIFICATION}, the texts of the operations and their responses")
def expected_status(exchange: Exchange, state: KnownState) -> Iterator[RuleViolation]:
    """A request that was made to show a status shows it: a good one is accepted, a wrong key gets 401."""
    wanted = exchange.expects
    if not wanted or exchange.status == 429:
        return
    if exchange.status != int(wanted) if wanted.isdigit() else exchange.status // 100 != int(wanted[0]):
        yield RuleViolation("", f"the request was made to show {wanted}, and the answer is {exchange.status}")


@rule(f"{SPECIFICATION}, RestServiceError.status: the HTTP response status code")
def error_status(exchange: Exchange, state: KnownState) -> Iterator[RuleViolation]:
    """The status in an error's body is the HTTP status."""
    said = _error(exchange).get("status")
    if isinstance(said, int) and not isinstance(said, bool) and said != exchange.status:
        yield RuleViolation("/status", f"says {said}, and the HTTP status is {exchange.status}")


@rule("docs.adyen.com, API error responses and API idempotency; the specification's examples")
def error_code_form(exchange: Exchange, state: KnownState) -> Iterator[RuleViolation]:
    """An error code is two groups of digits joined by an underscore, such as 00_403; or three digits, such as 704."""
    code = _error(exchange).get("errorCode")
    if isinstance(code, str) and not _CODE.fullmatch(code):
        yield RuleViolation("/errorCode", "is not of the form 00_403 or 704")


@rule(f"{SPECIFICATION}, examples of 401 and 403; sibling APIs for 400 and 500")
def error_code_status(exchange: Exchange, state: KnownState) -> Iterator[RuleViolation]:
    """The general error codes 00_4NN and 00_5NN name the HTTP status."""
    code = _error(exchange).get("errorCode")
    named = _GENERAL.fullmatch(code) if isinstance(code, str) else None
    if named and 400 <= int(named[1]) < 600 and int(named[1]) != exchange.status:
        yield RuleViolation("/errorCode", f"{code} names another status than the answer's, {exchange.status}")


def _error(exchange: Exchange) -> dict[str, Any]:
    return {} if exchange.good else exchange.shown
