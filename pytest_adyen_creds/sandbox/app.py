"""The WSGI application: every request's way through routing, faults, the caller's rights and the rules."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Any, Final
from wsgiref.types import StartResponse, WSGIEnvironment

from pytest_adyen_creds.contract import Contract, Operation
from pytest_adyen_creds.contract.roles import Demand
from pytest_adyen_creds.sandbox import bodies, contract_answers, idempotency
from pytest_adyen_creds.sandbox.caller import RateLimit, identify, refusal_of
from pytest_adyen_creds.sandbox.contract_answers import ContractAnswers
from pytest_adyen_creds.sandbox.control import Control
from pytest_adyen_creds.sandbox.credentials import CredentialRepository
from pytest_adyen_creds.sandbox.faults import ASKED_FOR, VIOLATIONS, Fault, FaultKind, Faults
from pytest_adyen_creds.sandbox.idempotency import IdempotencyKeys
from pytest_adyen_creds.sandbox.journal import NO_ANSWER, Journal, Message
from pytest_adyen_creds.sandbox.operations import Call, perform, permit
from pytest_adyen_creds.sandbox.outcomes import Kind, Refused
from pytest_adyen_creds.sandbox.rendering import Address
from pytest_adyen_creds.sandbox.routing import Match, Mismatch, route, served
from pytest_adyen_creds.sandbox.rules import RECORDED, SPECIFICATION, Rule, implements
from pytest_adyen_creds.sandbox.state import Clock, Credential
from pytest_adyen_creds.sandbox.wire import BY_FAULT, Answer, AnswerTimeout, ConnectionLost, Reply, Request

UNKNOWN_PATH: Final = Rule.assumed(
    "paths.unknown",
    "A path that is none of the API's is answered with 404, before any authentication.",
    "the specification speaks of its own paths only",
)
UNKNOWN_METHOD: Final = Rule.assumed(
    "paths.method",
    "A method that a path does not have is answered with 405 and the methods it has in Allow.",
    "the way of HTTP, RFC 9110; the specification speaks of its own methods only",
)
BODY_IGNORED: Final = Rule.observed(
    "bodies.ignored",
    "A body sent to an operation that takes none is ignored.",
    f"{RECORDED}: POST /me/generateClientKey with {{}} is answered with 200; that others do the same is assumed",
)
SUCCESS: Final = Rule.documented(
    "paths.success",
    "What was carried out is answered with 200, or with 204 and no body where there is nothing to show.",
    f"{SPECIFICATION}, responses of every operation",
)
INTERNAL: Final = Rule.documented(
    "errors.internal",
    "500 means that the sandbox itself failed, unless a fault asked for it.",
    f"{SPECIFICATION}, response 500 of every operation",
)

_LOG: Final = logging.getLogger(__name__)


class ManagementApp:
    """The embedded Management API as a WSGI callable.

    In-process, a fault that resets the connection raises :class:`ConnectionLost`, a ``ConnectionResetError``, and one
    that lets the client wait in vain :class:`AnswerTimeout`, a ``TimeoutError``.
    ``journal`` has the last requests with the rule that decided each. ``sleep`` is what delays wait by.
    """

    def __init__(
        self,
        repository: CredentialRepository,
        clock: Clock,
        faults: Faults,
        limit: RateLimit,
        control: Control,
        contracts: ContractAnswers,
    ) -> None:
        self.journal = Journal()
        self.sleep: Callable[[float], object] = time.sleep
        self._repository = repository
        self._style = repository.style
        self._ids = repository.key_service.ids
        self._clock = clock
        self._faults = faults
        self._limit = limit
        self._control = control
        self._contracts = contracts
        self._idempotency = IdempotencyKeys()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        request = Request(environ)
        if request.path == "/_sandbox" or request.path.startswith("/_sandbox/"):
            answer = self._control.answer(request)
        else:
            answer = self._answer(request)
        return answer.send(start_response, head_only=request.method == "HEAD")

    def permitted(self, caller: Credential) -> list[str]:
        """Return the labels of the operations that kind and roles of ``caller`` allow, at accounts that it reaches."""
        known = [each.label for each in served().values() if refusal_of(caller, each) is None]
        return known + self._contracts.permitted(caller.roles)

    def _answer(self, request: Request) -> Answer:
        body = request.read()
        match = route(request.method, request.path)
        if isinstance(match, Mismatch):
            found = self._contracts.apis.match(request.method, f"{request.origin}{request.path}", any_version=True)
            if found is None:
                return self._noted(request, body, None, None, self._mismatch(match))
            match = Match(found.operation, found.contract.version, found.parameters, found.contract)
        label = match.operation.label
        fault = self._faults.take(label)
        noted = partial(self._noted, request, body, label, fault)
        if fault is not None and fault.kind is FaultKind.RESET:
            noted(Reply(NO_ANSWER, None, rule=ASKED_FOR, request_id=self._ids.request_id()))
            raise ConnectionLost("the connection ends here because a fault says so")
        if fault is not None and fault.kind is FaultKind.STATUS:
            request.environ[BY_FAULT] = True
            return noted(self._status(fault))
        delay = fault.seconds if fault is not None and fault.kind is FaultKind.DELAY else 0.0
        reply = self._decide(request, match, body, delay)
        if fault is None:
            return noted(reply)
        if fault.kind is FaultKind.DUPLICATE:
            noted(reply)
            return noted(self._decide(request, match, body, 0.0))
        if fault.kind is FaultKind.LOST_ANSWER:
            noted(reply)
            raise ConnectionLost("the answer is lost because a fault says so")
        if fault.kind is FaultKind.TIMEOUT:
            noted(reply)
            raise AnswerTimeout("no answer came in time because a fault says so")
        spoilt = self._spoilt(reply, fault)
        request.environ[BY_FAULT] = spoilt is not reply
        return noted(spoilt)

    def _decide(self, request: Request, match: Match, body: bytes | Refused, delay: float) -> Reply:
        try:
            return self._carry_out(request, match, body, delay)
        except Refused as refused:
            reply = self._refusal(refused, match.version)
            if match.contract is None:
                return reply
            detail = refused.invalid[0].message if refused.invalid else refused.detail
            document = self._contracts.refusal(match.contract, match.operation, reply.status, detail)
            return reply if document is None else replace(reply, document=document)
        except Exception:  # noqa: BLE001
            # the last resort of a server: a bug must not take the other requests with it
            _LOG.exception("the sandbox failed on %s", match.operation.label)
            return self._refusal(Refused(INTERNAL, Kind.INTERNAL, "The sandbox failed; see its log."), match.version)

    @implements(BODY_IGNORED, idempotency.POST_ONLY, idempotency.ONLY_DECIDED)
    def _carry_out(self, request: Request, match: Match, body: bytes | Refused, delay: float) -> Reply:
        with self._repository.state.lock:
            now = self._clock.now()
            address = request.environ.get("REMOTE_ADDR")
            who = identify(self._repository.state, request.header("X-API-Key"), request.login, address, now)
            request.caller = who.id
            self._limit.admit(who.id, now)
        if match.contract is not None:
            return self._from_contract(match.contract, match.operation, who.roles, request, body)
        read = partial(bodies.read_body, body, request.header("Content-Type"))
        base = Address(f"{request.origin}/{match.version}")
        query = request.environ.get("QUERY_STRING", "")
        call = Call(match.operation, match.parameters, query, read, who, base, now)
        key = request.header("Idempotency-Key") if request.method == "POST" else None
        if key is None:
            return self._perform(call, delay, match.version)
        content = b"" if isinstance(body, Refused) else body
        kept = self._idempotency.begin(key, f"{request.path}\n".encode() + content, now)
        echo = {"Idempotency-Key": key}
        if kept is not None:
            return self._reply(kept.status, kept.document, idempotency.REPLAY, echo, request_id=kept.request_id)
        decided: Reply | None = None
        try:
            reply = self._perform(call, delay, match.version)
            if reply.decided:
                decided = reply
        finally:
            self._idempotency.finish(key, decided)
        return replace(reply, headers={**reply.headers, **echo})

    @implements(contract_answers.FROM_CONTRACT, contract_answers.SET_BY_TEST, contract_answers.CONTRACT_ROLES)
    def _from_contract(
        self,
        contract: Contract,
        operation: Operation,
        roles: tuple[str, ...],
        request: Request,
        body: bytes | Refused,
    ) -> Reply:
        lacks = Demand.of(operation.roles).missing(roles)
        if lacks:
            raise Refused(contract_answers.CONTRACT_ROLES, Kind.FORBIDDEN, f"The credential lacks {lacks}.")
        if operation.request is not None and 422 in operation.responses:  # else no refusal would keep to the contract
            sent = bodies.read_value(body, request.header("Content-Type"))
            if sent is not None:
                bodies.check_shape(operation.request, sent, contract)
        return self._reply(*self._contracts.answer(contract, operation))

    @implements(SUCCESS)
    def _perform(self, call: Call, delay: float, version: str) -> Reply:
        state = self._repository.state
        try:
            with state.lock:
                scope = permit(self._repository, call)
            if delay:  # even no time takes a tenth of what a request does
                self.sleep(delay)
            with state.lock:
                # the caller as it is now: another request may have changed it since it was identified
                current = state.get(call.caller.id) or call.caller
                outcome = perform(self._repository, replace(call, caller=current, now=self._clock.now()), scope)
        except Refused as refused:
            return self._refusal(refused, version)
        return self._reply(204 if outcome.document is None else 200, outcome.document, outcome.rule, decided=True)

    def _refusal(self, refused: Refused, version: str = "") -> Reply:
        # an error without invalid fields is the same in every version
        request_id = self._ids.request_id()
        status, document = self._style.show_refusal(refused, version, request_id)
        return self._reply(
            status, document, refused.rule, refused.headers, request_id=request_id, decided=status == 422
        )

    def _reply(
        self,
        status: int,
        document: Mapping[str, Any] | None,
        rule: Rule,
        headers: Mapping[str, str] = MappingProxyType({}),
        *,
        request_id: str | None = None,
        decided: bool = False,
    ) -> Reply:
        request_id = request_id or self._ids.request_id()
        return Reply(
            status,
            document,
            {**self._style.headers(status, request_id, self._ids), **headers},
            self._style.media_type(status),
            escapes_slashes=self._style.has_headers,
            rule=rule,
            request_id=request_id,
            decided=decided,
        )

    def _mismatch(self, mismatch: Mismatch) -> Reply:
        if not mismatch.allowed:
            return self._refusal(Refused(UNKNOWN_PATH, Kind.NO_SUCH_PATH, "There is nothing at this path."))
        allow = {"Allow": ", ".join(mismatch.allowed)}
        detail = f"This path has: {allow['Allow']}."
        return self._refusal(Refused(UNKNOWN_METHOD, Kind.METHOD_NOT_ALLOWED, detail, headers=allow))

    @implements(idempotency.TRANSIENT)
    def _status(self, fault: Fault) -> Reply:
        headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
        if fault.status == 429 or fault.status >= 500:
            headers["transient-error"] = "true"
        request_id = self._ids.request_id()
        document = self._style.show_status(fault.status, request_id)
        return self._reply(fault.status, document, ASKED_FOR, headers, request_id=request_id)

    def _spoilt(self, reply: Reply, fault: Fault) -> Reply:
        spoilt: Any = None
        if reply.document is not None:
            if fault.kind is FaultKind.TRUNCATED:
                return replace(reply, truncated=True)
            if fault.kind is FaultKind.CONTENT_TYPE:
                return replace(reply, media_type=fault.content_type)
            if fault.kind is FaultKind.VIOLATION and isinstance(reply.document, Mapping):
                spoilt = VIOLATIONS[fault.violation](dict(reply.document), fault.field)
        if spoilt is None and fault.kind is not FaultKind.DELAY:
            self._faults.give_back(fault)
        return reply if spoilt is None else replace(reply, document=spoilt)

    def _noted(
        self, request: Request, body: bytes | Refused, operation: str | None, fault: Fault | None, reply: Reply
    ) -> Answer:
        """Return ``reply``, which is in the journal then."""
        headers = (("content-type", reply.media_type), *reply.headers.items())
        self.journal.add(
            at=self._clock.now(),
            method=request.method,
            origin=request.origin,
            target=request.target,
            operation=operation,
            status=reply.status,
            rule=reply.rule.id,
            fault=fault.kind.value if fault else "",
            sent=Message.of_request(request.environ, b"" if isinstance(body, Refused) else body),
            answered=Message(headers, document=reply.document),
            caller=request.caller,
        )
        return reply
