"""The error envelope: it repeats the HTTP status, and its code has Adyen's form."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pytest_adyen_creds.checks.history import History
from pytest_adyen_creds.checks.rules.rule import SPECIFICATION, Complaint, rule
from pytest_adyen_creds.checks.seen import Seen

_CODE: Final = re.compile(r"[0-9]{2,3}_[0-9]{3,4}|[0-9]{3}")
_GENERAL: Final = re.compile(r"00_([0-9]{3})")


@rule(
    "error_status",
    "The status in an error's body is the HTTP status.",
    f"{SPECIFICATION}, RestServiceError.status: the HTTP response status code",
)
def status(seen: Seen, history: History) -> Iterator[Complaint]:
    """An envelope that says another status."""
    said = seen.body.get("status") if not seen.good and isinstance(seen.body, dict) else None
    if isinstance(said, int) and not isinstance(said, bool) and said != seen.status:
        yield Complaint("/status", f"/status says {said}, and the HTTP status is {seen.status}")


@rule(
    "error_code_form",
    "An error code is two groups of digits joined by an underscore, such as 00_403; or three digits, such as 704.",
    "docs.adyen.com, API error responses and API idempotency; the specification's examples",
)
def code_form(seen: Seen, history: History) -> Iterator[Complaint]:
    """A code of another form."""
    code = seen.body.get("errorCode") if not seen.good and isinstance(seen.body, dict) else None
    if isinstance(code, str) and not _CODE.fullmatch(code):
        yield Complaint("/errorCode", "/errorCode is not of the form 00_403 or 704")


@rule(
    "error_code_status",
    "The general error codes 00_4NN and 00_5NN name the HTTP status.",
    f"{SPECIFICATION}, examples of 401 and 403; sibling APIs for 400 and 500",
)
def code_status(seen: Seen, history: History) -> Iterator[Complaint]:
    """A general code that names another status."""
    code = seen.body.get("errorCode") if not seen.good and isinstance(seen.body, dict) else None
    named = _GENERAL.fullmatch(code) if isinstance(code, str) else None
    if named and 400 <= int(named[1]) < 600 and int(named[1]) != seen.status:
        yield Complaint("/errorCode", f"/errorCode {code} names another status than the answer's, {seen.status}")
