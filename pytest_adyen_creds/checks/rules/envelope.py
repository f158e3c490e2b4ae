"""The error envelope: it repeats the HTTP status, and its code has Adyen's form."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from pytest_adyen_creds.checks.exchange import Exchange
from pytest_adyen_creds.checks.history import History
from pytest_adyen_creds.checks.rules.rule import SPECIFICATION, Complaint, rule

_CODE: Final = re.compile(r"[0-9]{2,3}_[0-9]{3,4}|[0-9]{3}")
_GENERAL: Final = re.compile(r"00_([0-9]{3})")


@rule(
    "error_status",
    "The status in an error's body is the HTTP status.",
    f"{SPECIFICATION}, RestServiceError.status: the HTTP response status code",
)
def status(exchange: Exchange, history: History) -> Iterator[Complaint]:
    """An envelope that says another status."""
    said = _error(exchange).get("status")
    if isinstance(said, int) and not isinstance(said, bool) and said != exchange.status:
        yield Complaint("/status", f"/status says {said}, and the HTTP status is {exchange.status}")


@rule(
    "error_code_form",
    "An error code is two groups of digits joined by an underscore, such as 00_403; or three digits, such as 704.",
    "docs.adyen.com, API error responses and API idempotency; the specification's examples",
)
def code_form(exchange: Exchange, history: History) -> Iterator[Complaint]:
    """A code of another form."""
    code = _error(exchange).get("errorCode")
    if isinstance(code, str) and not _CODE.fullmatch(code):
        yield Complaint("/errorCode", "/errorCode is not of the form 00_403 or 704")


@rule(
    "error_code_status",
    "The general error codes 00_4NN and 00_5NN name the HTTP status.",
    f"{SPECIFICATION}, examples of 401 and 403; sibling APIs for 400 and 500",
)
def code_status(exchange: Exchange, history: History) -> Iterator[Complaint]:
    """A general code that names another status."""
    code = _error(exchange).get("errorCode")
    named = _GENERAL.fullmatch(code) if isinstance(code, str) else None
    if named and 400 <= int(named[1]) < 600 and int(named[1]) != exchange.status:
        yield Complaint("/errorCode", f"/errorCode {code} names another status than the answer's, {exchange.status}")


def _error(exchange: Exchange) -> dict[str, Any]:
    return {} if exchange.good else exchange.shown
