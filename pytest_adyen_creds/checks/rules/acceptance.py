"""Acceptance: what breaks the contract is refused, and what a request was made for is what it gets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pytest_adyen_creds.checks.exchange import Exchange
from pytest_adyen_creds.checks.history import History
from pytest_adyen_creds.checks.rules.rule import SPECIFICATION, Complaint, rule

_INTEGER: Final = re.compile(r"-?[0-9]{1,10}")


@rule(
    "invalid_refused",
    "A request that breaks the contract is refused: a body of another shape, a parameter of another type.",
    f"{SPECIFICATION}, request messages (additionalProperties false), parameters, responses 400 and 422",
)
def invalid_refused(exchange: Exchange, history: History) -> Iterator[Complaint]:
    """Requests that the contract does not allow and that were accepted."""
    if not exchange.good:
        return
    content, structure = exchange.request.content, exchange.operation.request
    json = exchange.request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"
    if content and structure is not None and json and not exchange.contract.is_valid(structure, exchange.sent):
        yield Complaint("", f"a body that is no {structure} was accepted with {exchange.status}")
    for parameter in exchange.operation.parameters:
        value = exchange.query.get(parameter.name)
        if parameter.location != "query" or value is None or parameter.schema.get("type") != "integer":
            continue
        if not _INTEGER.fullmatch(value) or int(value) not in range(-(2**31), 2**31):
            yield Complaint("", f"a {parameter.name} that is no 32-bit integer was accepted with {exchange.status}")


@rule(
    "expected_status",
    "A request that was made to show a status shows it: a good one is accepted, a wrong key gets 401.",
    f"{SPECIFICATION}, the texts of the operations and their responses",
)
def expected(exchange: Exchange, history: History) -> Iterator[Complaint]:
    """Answers with another status than the request was made to show."""
    wanted = exchange.expects
    if not wanted or exchange.status == 429:
        return
    if exchange.status != int(wanted) if wanted.isdigit() else exchange.status // 100 != int(wanted[0]):
        yield Complaint("", f"the request was made to show {wanted}, and the answer is {exchange.status}")
