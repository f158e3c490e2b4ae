"""The error envelope: a refusal as the documented ``RestServiceError``, for each version of the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pytest_adyen_creds.sandbox.decisions import Kind, Refused
from pytest_adyen_creds.sandbox.evidence import SPECIFICATION, assumed, documented, follows

ENVELOPE: Final = documented(
    "errors",
    "envelope",
    "Every error has type, errorCode, title, detail and status; invalid fields are named in invalidFields.",
    f"{SPECIFICATION}, RestServiceError",
)
V1_WRAPS: Final = documented(
    "errors",
    "v1-wraps-invalid-fields",
    "In v1 each invalid field stands inside an object under the name InvalidField; in v3 it stands by itself.",
    "Management API v1 specification, InvalidFieldWrapper",
)
REQUEST_ID: Final = assumed(
    "errors",
    "request-id",
    "Every error has a requestId of 16 capitals and digits.",
    f"{SPECIFICATION} has it as optional, and calls it the same as a PSP reference",
)
CODES: Final = assumed(
    "errors",
    "codes",
    "errorCode is 00_<status>, 31_007 with invalidFields, 30_011 for an unknown id.",
    "published for some of Adyen's sibling APIs only",
)

_DOCS: Final = "https://docs.adyen.com/errors/"

_KINDS: Final[Mapping[Kind, tuple[int, str, str, str]]] = {
    Kind.UNREADABLE: (400, "general/bad-request", "Bad Request", "00_400"),
    Kind.UNAUTHENTICATED: (401, "unauthorized", "Unauthorized", "00_401"),
    Kind.FORBIDDEN: (403, "forbidden", "Forbidden", "00_403"),
    Kind.NO_SUCH_PATH: (404, "general/not-found", "Not Found", "00_404"),
    Kind.METHOD_NOT_ALLOWED: (405, "general/method-not-allowed", "Method Not Allowed", "00_405"),
    Kind.INVALID: (422, "validation", "Invalid Request", "31_007"),
    Kind.UNPROCESSABLE: (422, "unprocessable-entity", "Unprocessable Entity", "30_011"),
    Kind.TOO_MANY: (429, "general/too-many-requests", "Too Many Requests", "00_429"),
    Kind.INTERNAL: (500, "general/internal", "Internal Server Error", "00_500"),
}


def status_of(kind: Kind) -> int:
    """Return the HTTP status that a refusal of ``kind`` is answered with."""
    return _KINDS[kind][0]


@follows(ENVELOPE, V1_WRAPS, REQUEST_ID, CODES)
def show_refusal(refused: Refused, version: str, request_id: str) -> dict[str, Any]:
    """Return the error document of a refusal, as ``version`` writes it."""
    status, path, title, code = _KINDS[refused.kind]
    document: dict[str, Any] = {
        "type": _DOCS + path,
        "errorCode": refused.code or code,
        "title": title,
        "detail": refused.detail,
        "status": status,
        "requestId": request_id,
    }
    if refused.invalid:
        fields = [{"name": f.name, "value": f.value, "message": f.message} for f in refused.invalid]
        document["invalidFields"] = [{"InvalidField": field} for field in fields] if version == "v1" else fields
    return document


def show_status(status: int, request_id: str) -> dict[str, Any]:
    """Return the error document for a ``status`` that was asked for by a fault."""
    unknown = (status, "general/internal", f"Status {status}", f"00_{status}")
    _, path, title, code = next((entry for entry in _KINDS.values() if entry[0] == status), unknown)
    return {
        "type": _DOCS + path,
        "errorCode": code,
        "title": title,
        "detail": "This error was asked for.",
        "status": status,
        "requestId": request_id,
    }
