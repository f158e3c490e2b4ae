"""The two styles of answers: as Adyen's test platform was seen to answer, and by Adyen's document alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from pytest_adyen_creds.errors import SandboxError
from pytest_adyen_creds.sandbox.keys import IdGenerator, PlatformIdGenerator, PublishedIdGenerator
from pytest_adyen_creds.sandbox.outcomes import InvalidField, Kind, Refused
from pytest_adyen_creds.sandbox.rules import ERROR_PAGES, RECORDED, REPORTED, SDKS, SPECIFICATION, Rule, implements

Answers = Literal["platform", "published"]
"""``platform``: as Adyen's test platform was seen to answer; ``published``: by Adyen's document alone."""

PUBLISHED_ENVELOPE: Final = Rule.documented(
    "errors.published-envelope",
    "In published answers every error has type, errorCode, title, detail and status; invalidFields name the fields.",
    f"{SPECIFICATION}, RestServiceError; that each has a requestId of 16 capitals and digits is assumed",
)
PUBLISHED_CODES: Final = Rule.assumed(
    "errors.published-codes",
    "In published answers errorCode is 00_<status>, 31_007 with invalidFields, 30_011 for an unknown id.",
    "published for some of Adyen's sibling APIs only",
)
V1_WRAPS: Final = Rule.documented(
    "errors.v1-wraps-invalid-fields",
    "In v1 each invalid field stands inside an object under the name InvalidField; in v3 it stands by itself.",
    "Management API v1 specification, InvalidFieldWrapper",
)
UNAUTHORIZED: Final = Rule.observed(
    "errors.unauthorized",
    "In platform answers a 401 has no detail, no requestId and no charset, and errorCode 00_401.",
    f"{RECORDED}; {REPORTED}; {SDKS}: every 401 of them",
)
FORBIDDEN: Final = Rule.observed(
    "errors.forbidden",
    "In platform answers a 403 has the detail 'Not allowed', errorCode 00_403, and no requestId in its body.",
    f"{RECORDED}; {REPORTED}; {SDKS}",
)
INVALID: Final = Rule.observed(
    "errors.invalid",
    "In platform answers a 422 with invalidFields has a requestId, a title that names the subject, and no detail.",
    f"{RECORDED}; {REPORTED}; {SDKS}: every one of them",
)
INVALID_ORIGIN: Final = Rule.observed(
    "errors.invalid-origin",
    "In platform answers the errorCode of an origin that cannot be added is 31_004.",
    f"{RECORDED} for one that exists; {SDKS} for one that is none; other fields of that request are assumed alike",
)
INVALID_CREDENTIAL: Final = Rule.assumed(
    "errors.invalid-credential",
    "In platform answers every other invalid field has errorCode 31_007 and a title that names the API credential.",
    "none was seen; made like those of origins and webhooks, which were",
)
NOT_FOUND: Final = Rule.observed(
    "errors.not-found",
    "In platform answers an unknown origin id is 'Entity was not found', errorCode 30_112, with detail and requestId.",
    f"{SDKS}, v1 and v3; {ERROR_PAGES}",
)
UNKNOWN_CREDENTIAL: Final = Rule.assumed(
    "errors.unknown-credential",
    "In platform answers an unknown credential id is answered like an unknown origin id, with errorCode 30_011.",
    "none was seen; the code is published for sibling APIs",
)
INTERNAL_FORM: Final = Rule.observed(
    "errors.internal-form",
    "In platform answers a 500 is 'An internal error happened', errorCode 00_500, without a requestId in its body.",
    f"{RECORDED}; {ERROR_PAGES}",
)
OTHER_ERRORS: Final = Rule.assumed(
    "errors.other-forms",
    "In platform answers 400, 404, 405 and 429 have the form of a 500, with type, title and detail of their own.",
    f"{ERROR_PAGES} have the type of 400; the rest was not seen",
)
HEADERS: Final = Rule.observed(
    "answers.headers",
    "Platform answers have traceparent, set-cookie JSESSIONID and strict-transport-security, and JSON writes / as \\/.",
    RECORDED,
)
REQUEST_IDS: Final = Rule.observed(
    "answers.request-ids",
    "Platform answers, 401 excepted, have one request id in requestid, pspreference and, with some errors, requestId.",
    f"{RECORDED}; that answers without a body have it too is assumed",
)
PUBLISHED_HEADERS: Final = Rule.documented(
    "answers.published-headers",
    "Published answers are application/json, and have no headers beyond HTTP's own.",
    f"{SPECIFICATION}, which lists no headers",
)
ID_FORM: Final = Rule.observed(
    "credentials.id-form",
    "In platform answers the id of a credential is CRED42, 3 capitals, 8 digits, M and 12 capital hex digits.",
    f"{RECORDED}; {REPORTED}; older ones are S2- and hex digits, and a bare number was seen",
)
ORIGIN_ID_FORM: Final = Rule.observed(
    "origins.id-form", "In platform answers the id of an origin is S2- and 52 to 88 capital hex digits.", RECORDED
)
PUBLISHED_ID_FORM: Final = Rule.documented(
    "credentials.published-id-form",
    "In published answers ids of credentials and origins are S2- and ten digits.",
    f"{SPECIFICATION}, examples",
)

UNVALUED: Final = "origin"
"""What platform answers call the field of an origin that is none."""

_DOCS: Final = "https://docs.adyen.com/errors/"


@dataclass(frozen=True)
class ErrorForm:
    """How one kind of error is written: status, the end of its type, title, errorCode ("" for 00_<status>).

    ``detail`` is its text, "" for the refusal's own, None for none; ``has_request_id`` tells whether the body has one.
    """

    status: int
    type: str
    title: str
    code: str = ""
    detail: str | None = ""
    has_request_id: bool = False


@dataclass(frozen=True)
class AnswerStyle:
    """What is answered in one style: the errors and the ids, and in what else styles differ.

    ``unvalued``: the rules whose invalid field is named :data:`UNVALUED`, without its value. ``has_headers``: answers
    have the platform's headers and its writing of JSON. ``me_names_merchants``: ``GET /me`` has
    associatedMerchantAccounts.
    """

    name: Answers
    errors: Mapping[Kind, ErrorForm]
    ids: type[IdGenerator]
    unvalued: frozenset[str] = frozenset()
    has_headers: bool = False
    me_names_merchants: bool = False

    @implements(V1_WRAPS, PUBLISHED_ENVELOPE, PUBLISHED_CODES, UNAUTHORIZED, FORBIDDEN, INVALID)
    @implements(INVALID_ORIGIN, INVALID_CREDENTIAL, NOT_FOUND, UNKNOWN_CREDENTIAL, INTERNAL_FORM, OTHER_ERRORS)
    def show_refusal(self, refused: Refused, version: str, request_id: str) -> tuple[int, dict[str, Any]]:
        """Return a refusal's status and error document, as ``version`` writes it."""
        form = self.errors[refused.kind]
        document = _document(form, refused.detail, request_id, refused.code)
        if refused.invalid:
            unvalued = self.unvalued if refused.kind is Kind.INVALID_ORIGIN else ()
            fields = [_field(field, has_value=field.rule.id not in unvalued) for field in refused.invalid]
            document["invalidFields"] = [{"InvalidField": field} for field in fields] if version == "v1" else fields
        return form.status, document

    def show_status(self, status: int, request_id: str) -> dict[str, Any]:
        """Return the error document for a ``status`` that was asked for by a fault."""
        unknown = ErrorForm(status, self.errors[Kind.INTERNAL].type, f"Status {status}")
        form = next((form for form in self.errors.values() if form.status == status), unknown)
        return _document(form, "This error was asked for.", request_id, None)

    @implements(HEADERS, REQUEST_IDS, PUBLISHED_HEADERS)
    def headers(self, status: int, request_id: str, ids: IdGenerator) -> dict[str, str]:
        """Return the headers that every answer with ``status`` has, its content type aside."""
        if not self.has_headers:
            return {}
        request_ids = {} if status == 401 else {"requestid": request_id, "pspreference": request_id}
        return {
            "traceparent": ids.trace(),
            "set-cookie": f"JSESSIONID={ids.session()}; Path=/configurationapi; Secure; HttpOnly",
            **request_ids,
            "strict-transport-security": "max-age=31536000; includeSubDomains",
        }

    def media_type(self, status: int) -> str:
        """Return the content type of an answer's body."""
        return "application/json;charset=utf-8" if self.has_headers and status != 401 else "application/json"


def _document(form: ErrorForm, detail: str, request_id: str, code: str | None) -> dict[str, Any]:
    document: dict[str, Any] = {"type": _DOCS + form.type, "title": form.title, "status": form.status}
    if form.detail is not None:
        document["detail"] = form.detail or detail
    if form.has_request_id:
        document["requestId"] = request_id
    return {**document, "errorCode": code or form.code or f"00_{form.status}"}


def _field(field: InvalidField, *, has_value: bool) -> dict[str, str]:
    if not has_value:
        return {"name": UNVALUED, "message": field.message}
    return {"name": field.name, "value": field.value, "message": field.message}


_REFUSED_422: Final = ErrorForm(422, "unprocessable-entity", "Unprocessable Entity", "30_011", has_request_id=True)
_PUBLISHED_401: Final = ErrorForm(401, "unauthorized", "Unauthorized", has_request_id=True)
_PUBLISHED_403: Final = ErrorForm(403, "forbidden", "Forbidden", has_request_id=True)
_PUBLISHED_422: Final = ErrorForm(422, "validation", "Invalid Request", "31_007", has_request_id=True)

PUBLISHED: Final = AnswerStyle(
    "published",
    {
        Kind.UNREADABLE: ErrorForm(400, "general/bad-request", "Bad Request", has_request_id=True),
        Kind.UNAUTHENTICATED: _PUBLISHED_401,
        Kind.MASKED: _PUBLISHED_401,
        Kind.FORBIDDEN: _PUBLISHED_403,
        Kind.FOREIGN_COMPANY: _PUBLISHED_403,
        Kind.NO_SUCH_PATH: ErrorForm(404, "general/not-found", "Not Found", has_request_id=True),
        Kind.METHOD_NOT_ALLOWED: ErrorForm(
            405, "general/method-not-allowed", "Method Not Allowed", has_request_id=True
        ),
        Kind.INVALID: _PUBLISHED_422,
        Kind.INVALID_ORIGIN: _PUBLISHED_422,
        Kind.UNPROCESSABLE: _REFUSED_422,
        Kind.UNKNOWN_CREDENTIAL: _REFUSED_422,
        Kind.UNKNOWN_ORIGIN: _REFUSED_422,
        Kind.TOO_MANY: ErrorForm(429, "general/too-many-requests", "Too Many Requests", has_request_id=True),
        Kind.INTERNAL: ErrorForm(500, "general/internal", "Internal Server Error", has_request_id=True),
    },
    PublishedIdGenerator,
)
"""Answers by Adyen's document alone."""

PLATFORM: Final = AnswerStyle(
    "platform",
    {
        Kind.UNREADABLE: ErrorForm(400, "bad-request", "Bad Request"),
        Kind.UNAUTHENTICATED: ErrorForm(401, "unauthorized", "Unauthorized", detail=None),
        Kind.MASKED: ErrorForm(401, "unauthorized", "Unauthorized"),
        Kind.FORBIDDEN: ErrorForm(403, "forbidden", "Forbidden", detail="Not allowed"),
        Kind.FOREIGN_COMPANY: ErrorForm(403, "forbidden", "Forbidden", "010", "Not allowed", has_request_id=True),
        Kind.NO_SUCH_PATH: ErrorForm(404, "not-found", "Not Found"),
        Kind.METHOD_NOT_ALLOWED: ErrorForm(405, "method-not-allowed", "Method Not Allowed"),
        Kind.INVALID: ErrorForm(
            422, "validation", "Invalid API credential information provided.", "31_007", None, has_request_id=True
        ),
        Kind.INVALID_ORIGIN: ErrorForm(
            422, "validation", "Invalid allowed origin information provided.", "31_004", None, has_request_id=True
        ),
        Kind.UNPROCESSABLE: _REFUSED_422,
        Kind.UNKNOWN_CREDENTIAL: ErrorForm(422, "not-found", "Entity was not found", "30_011", has_request_id=True),
        Kind.UNKNOWN_ORIGIN: ErrorForm(422, "not-found", "Entity was not found", "30_112", has_request_id=True),
        Kind.TOO_MANY: ErrorForm(429, "too-many-requests", "Too Many Requests"),
        Kind.INTERNAL: ErrorForm(500, "internal", "An internal error happened", detail="Unexpected internal error"),
    },
    PlatformIdGenerator,
    unvalued=frozenset({"origins.is-an-origin", "origins.no-path", "origins.wildcard"}),
    has_headers=True,
    me_names_merchants=True,
)
"""Answers as Adyen's test platform was seen to give them."""

STYLES: Final[Mapping[str, AnswerStyle]] = {style.name: style for style in (PLATFORM, PUBLISHED)}
"""The styles by name, the default one first."""


@implements(ID_FORM, ORIGIN_ID_FORM, PUBLISHED_ID_FORM)
def style_of(answers: str) -> AnswerStyle:
    """Return the style named ``answers``; raises :class:`SandboxError` for another name."""
    if answers not in list(STYLES):
        raise SandboxError(f"answers={answers!r} is no style of answers; give one of: {', '.join(STYLES)}")
    return STYLES[answers]
