"""Acceptance: what breaks the contract is refused, and what a request was made for is what it gets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pytest_adyen_creds.checks.history import History
from pytest_adyen_creds.checks.rules.rule import SPECIFICATION, Complaint, rule
from pytest_adyen_creds.checks.seen import Seen

_INTEGER: Final = re.compile(r"-?[0-9]{1,10}")


@rule(
    "invalid_refused",
    "A request that breaks the contract is refused: a body of another shape, a parameter of another type.",
    f"{SPECIFICATION}, request messages (additionalProperties false), parameters, responses 400 and 422",
)
def invalid_refused(seen: Seen, history: History) -> Iterator[Complaint]:
    """Requests that the contract does not allow and that were accepted."""
    if not seen.good:
        return
    content, structure = seen.request.content, seen.operation.request
    json = seen.request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"
    if content and structure is not None and json and not seen.contract.is_valid(structure, seen.sent):
        yield Complaint("", f"a body that is no {structure} was accepted with {seen.status}")
    for parameter in seen.operation.parameters:
        value = seen.query.get(parameter.name)
        if parameter.location != "query" or value is None or parameter.schema.get("type") != "integer":
            continue
        if not _INTEGER.fullmatch(value) or int(value) not in range(-(2**31), 2**31):
            yield Complaint("", f"a {parameter.name} that is no 32-bit integer was accepted with {seen.status}")


@rule(
    "expected_status",
    "A request that was made to show a status shows it: a good one is accepted, a wrong key gets 401.",
    f"{SPECIFICATION}, the texts of the operations and their responses",
)
def expected(seen: Seen, history: History) -> Iterator[Complaint]:
    """Answers with another status than the request was made to show."""
    wanted = seen.expects
    if not wanted or seen.status == 429:
        return
    if seen.status != int(wanted) if wanted.isdigit() else seen.status // 100 != int(wanted[0]):
        yield Complaint("", f"the request was made to show {wanted}, and the answer is {seen.status}")
