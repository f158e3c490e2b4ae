"""What makes variations happen in a run of a test."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import httpx

from pytest_adyen_creds.contract.mutations import identifiers
from pytest_adyen_creds.credentials.credential import Credential
from pytest_adyen_creds.message import TARGET, as_sent, basic_credentials
from pytest_adyen_creds.rehearsal.script import Call, Effect, Script, Send
from pytest_adyen_creds.rehearsal.variation import ID_FORM, OF_ANSWER, PAGE, Answered, Variation, toggle
from pytest_adyen_creds.secrets import SECRETS, Secret

_PAGE: Final = 10
"""How many items a page has unless asked otherwise (Adyen's specification)."""
_LARGEST_PAGE: Final = 100


def effects_of(variations: Sequence[Variation]) -> Iterator[Effect]:
    """Yield what makes ``variations`` happen, the one that is nearest to who answers first."""
    for each in variations:
        if each.change.startswith("api-key-"):
            yield _Keys(each)
        elif each.change.startswith("client-key-"):
            yield _ClientKeys(each)
        elif each.number:
            yield _Failure(each)
        elif each.change == PAGE:
            yield _FurtherPage(each)
    for what in sorted({each.change.partition(":")[2] for each in variations if each.change.startswith(ID_FORM)}):
        yield _Identifiers(what, [each.id for each in variations if each.change == f"{ID_FORM}:{what}"])
    by_answer: dict[tuple[str, int | None], list[Variation]] = {}
    for each in variations:
        if not each.number and each.change != PAGE and not each.change.startswith(ID_FORM):
            by_answer.setdefault((each.operation, each.status), []).append(each)
    if by_answer:
        yield _Changes(by_answer)


class _Changes(Effect):
    """Changes the answers of some operations and statuses."""

    def __init__(self, changes: Mapping[tuple[str, int | None], list[Variation]]) -> None:
        self._changes = changes

    def ask(self, call: Call, send: Send, script: Script) -> Answered:
        answered = send(call)
        chosen = self._changes.get((call.label, answered.status), [])
        of_body = {each.body_id: each.id for each in chosen if each.change not in OF_ANSWER}
        if of_body and answered.has_document:
            answered, met = answered.mutated(of_body.keys())
            script.met.update(of_body[each] for each in met)
        for each in chosen:
            if each.change.startswith("deviation-") and answered.has_document:
                document = json.loads(answered.body)
                toggle(document, each.location)
                answered = answered.with_document(document)
                script.met.add(each.id)
            elif each.change in OF_ANSWER:
                answered = _as_a_whole(call, answered, each.change)
                script.met.add(each.id)
        return answered


def _as_a_whole(call: Call, answered: Answered, change: str) -> Answered:
    headers = tuple((name, value) for name, value in answered.headers if name.lower() != "content-type")
    match change:
        case "headers-added":
            more = (("x-rehearsed", "new"), ("server-timing", "rehearsed;dur=1"), ("vary", "x-rehearsed"))
            return replace(answered, headers=(*answered.headers, *more))
        case "slashes-escaped":
            text = answered.body.decode("utf-8", "replace")
            other = text.replace("\\/", "/") if "\\/" in text else text.replace("/", "\\/")
            return replace(answered, body=other.encode())
        case "error-with-200":
            return replace(call.instead(500), status=200 if answered.status < 300 else answered.status)
        case "html":
            page = b"<!doctype html><html><head><title>Sorry</title></head><body><h1>Sorry</h1></body></html>"
            return replace(answered, headers=(*headers, ("content-type", "text/html;charset=utf-8")), body=page)
        case _:
            return replace(answered, body=answered.body[: len(answered.body) // 2])


class _Identifiers(Effect):
    """Has identifiers another form wherever the test sees them, and the true one where it sends them."""

    _MORE: Final = "X9" * 24

    def __init__(self, what: str, ids: Sequence[str]) -> None:
        self._what = what
        self._ids = ids
        self._known: dict[str, str] = {}

    def lent(self, credential: Credential) -> None:
        attributes = {"credential": ["id"], "username": ["username"]}.get(self._what, [])
        for name in attributes:
            object.__setattr__(credential, name, self._longer(getattr(credential, name)))
        if self._what == "origin-id":
            origins = tuple(replace(each, id=self._longer(each.id)) for each in credential.origins)
            object.__setattr__(credential, "origins", origins)

    def ask(self, call: Call, send: Send, script: Script) -> Answered:
        answered = send(replace(call, request=self._truly(call.request)))
        if not answered.has_document:
            return answered
        for what, _, value in identifiers(answered.schema, answered.document):
            if what == self._what:
                self._longer(value)
                script.met.update(self._ids)
        return answered.with_document(self._renamed(answered.document)) if self._known else answered

    def _longer(self, value: str) -> str:
        if not value.endswith(self._MORE):
            self._known[value] = f"{value}{self._MORE}"
        return self._known.get(value, value)

    def _renamed(self, value: Any) -> Any:
        if isinstance(value, str):
            # not what is longer already, and no identifier within another
            names = "|".join(map(re.escape, sorted(self._known, key=len, reverse=True)))
            return re.sub(rf"(?<![A-Za-z0-9])(?:{names})(?![A-Za-z0-9])", lambda found: self._known[found[0]], value)
        if isinstance(value, dict):
            return {key: self._renamed(each) for key, each in value.items()}
        return [self._renamed(each) for each in value] if isinstance(value, list) else value

    def _truly(self, request: httpx.Request) -> httpx.Request:
        signed = {}
        if (pair := basic_credentials(request.headers.get("authorization", ""))) and self._MORE in pair[0]:
            truly = base64.b64encode(f"{pair[0].replace(self._MORE, '')}:{pair[1]}".encode())
            signed[b"authorization"] = b"Basic " + truly
        if not signed and self._MORE.encode() not in _target_of(request) + request.read():
            return request
        return _other(request, signed, without=self._MORE)


def _other(request: httpx.Request, headers: Mapping[bytes, bytes], without: str = "") -> httpx.Request:
    """Return ``request`` with other values of some ``headers``, and ``without`` a text in its URL and its body."""
    fields = [
        (name, headers.get(name.lower(), value))
        for name, value in request.headers.raw
        if name.lower() != b"content-length"
    ]
    url, text = str(request.url).replace(without, ""), without.encode()
    target, body = _target_of(request).replace(text, b""), request.read().replace(text, b"")
    made = as_sent(request.method, url, fields, body, target=target)
    made.extensions = {**request.extensions, **made.extensions}
    return made


def _target_of(request: httpx.Request) -> bytes:
    target: bytes = request.extensions.get(TARGET, request.url.raw_path)
    return target


class _FurtherPage(Effect):
    """Keeps the second half of a list for a further page; the first is full, as a page is that others come after."""

    def __init__(self, variation: Variation) -> None:
        self._variation = variation
        self._further: dict[str, Answered] = {}

    def ask(self, call: Call, send: Send, script: Script) -> Answered:
        if call.label != self._variation.operation:
            return send(call)
        page = call.request.url.params.get("pageNumber", "1")
        if page == "2" and call.place[1] in self._further:
            return self._further[call.place[1]]
        answered = send(call)
        if page != "1" or answered.status != self._variation.status or not answered.has_document:
            return answered
        items = answered.document.get("data")
        if not isinstance(items, list) or not items:
            return answered
        script.met.add(self._variation.id)
        half = (len(items) + 1) // 2 if len(items) > 1 else 0
        size = call.request.url.params.get("pageSize", "")
        full = max(half, min(int(size), _LARGEST_PAGE) if size.isdecimal() else _PAGE)
        kept = [*items[:half], *(_another(answered, items[0], number) for number in range(full - half))]
        totals = {"pagesTotal": 2, "itemsTotal": full + len(items) - half}
        first, second = ({**answered.document, **totals, "data": data} for data in (kept, items[half:]))
        at = str(call.request.url.copy_set_param("pageNumber", "{}"))
        links = {name: {"href": at.replace("%7B%7D", number)} for name, number in (("first", "1"), ("last", "2"))}
        first["_links"] = {**links, "self": {"href": at.replace("%7B%7D", "1")}, "next": links["last"]}
        second["_links"] = {**links, "self": links["last"], "prev": links["first"]}
        self._further[call.place[1]] = answered.with_document(second)
        return answered.with_document(first)


def _another(answered: Answered, item: Any, number: int) -> Any:
    """Return an item like ``item`` of a list, with identifiers of its own."""
    own = {value for _, _, value in identifiers(answered.schema, {**answered.document, "data": [item]})}
    text = json.dumps(item)
    for value in sorted(own, key=len, reverse=True):
        text = text.replace(json.dumps(value)[1:-1], json.dumps(f"{value}N{number}")[1:-1])
    return json.loads(text)


class _Keys(Effect):
    """Replaces the API keys of lent credentials before a request; the credentials show the new ones."""

    name, start = "api_key", "AQE"

    def __init__(self, variation: Variation) -> None:
        self._variation = variation
        self._expires = variation.change.endswith("-expired")
        self._old: dict[str, str] = {}
        """New key by the one that it replaced."""
        self._is_done = False
        self._since = 0
        """How many requests had been sent: these have the old key, and are answered."""
        self._lock = threading.Lock()

    def ask(self, call: Call, send: Send, script: Script) -> Answered:
        if self._old and call.number >= self._variation.number:
            script.met.add(self._variation.id)
        try:
            return self._judge(call, send)
        finally:
            # when the request before has been answered: the client has yet to put a key into this one
            with self._lock:
                if call.number >= self._variation.number - 1 and not self._is_done:
                    self._is_done, self._since = True, script.count
                    for number, credential in enumerate(script.lent):
                        self._replace(credential, number)

    def _replace(self, credential: Credential, number: int) -> None:
        """Give a credential a key that nobody has, in the form of its own, the same in every run."""
        old = getattr(credential, self.name).reveal()
        turned = old[len(self.start) :].swapcase()[::-1]
        new = f"{self.start}{turned[:-1]}{number % 10}"
        SECRETS.add(new)
        self._old[new] = old
        object.__setattr__(credential, self.name, Secret(new))

    def _judge(self, call: Call, send: Send) -> Answered:
        asked = call.request.headers.get("x-api-key", "")
        if asked in self._old:
            changed = {b"x-api-key": self._old[asked].encode()}
            return send(replace(call, request=_other(call.request, changed)))
        if self._expires and asked in self._old.values() and not call.of_fixture and call.number > self._since:
            return call.instead(401)
        return send(call)


class _ClientKeys(_Keys):
    """Replaces the client keys of lent credentials before a request: answers and credentials show the new ones."""

    name, start = "client_key", "test_"

    def _judge(self, call: Call, send: Send) -> Answered:
        whole = str(call.request.url) + "".join(call.request.headers.values())
        if self._expires and any(old in whole for old in self._old.values()):
            return call.instead(401)
        answered = send(call)
        body = answered.body
        for new, old in self._old.items():
            body = body.replace(old.encode(), new.encode())
        return replace(answered, body=body) if body != answered.body else answered


class _Failure(Effect):
    """Has one request fail once."""

    def __init__(self, variation: Variation) -> None:
        self._variation = variation
        self._lost: tuple[Call, str | None] | None = None
        self._is_twice = False

    def ask(self, call: Call, send: Send, script: Script) -> Answered:
        if call.number == self._variation.number:
            script.met.add(self._variation.id)
            return self._instead(call, send)
        answered, lost = send(call), self._lost
        is_again = lost and (call.place, call.request.read()) == (lost[0].place, lost[0].request.read())
        if lost and is_again and answered.status < 300:
            key = call.request.headers.get("idempotency-key")
            self._is_twice |= key is None or key != lost[1]
            self._lost = None  # it is had now; the same request with another key, later on, is meant as another
        return answered

    def _instead(self, call: Call, send: Send) -> Answered:
        change, request = self._variation.change, call.request
        if change == "connection-reset":
            raise httpx.ReadError("the connection was reset", request=request)
        if change in ("timed-out", "answer-lost"):
            send(call)
            if request.method == "POST":
                self._lost = call, request.headers.get("idempotency-key")
            if change == "timed-out":
                raise httpx.ReadTimeout("no answer came in time", request=request)
            raise httpx.ReadError("the connection was reset before the answer", request=request)
        status = {"credential-off-and-on": 401, "key-propagating": 401, "server-error": 500}.get(change, 429)
        return call.instead(status, {"retry-after": "1"} if change == "rate-limited-retry-after" else {})

    def verdict(self, script: Script) -> str | None:
        # an ordinary turn of a loop asks no more often than the first time; who asks again does
        if not script.asks_more:
            return "silent"
        return "twice" if self._is_twice else None
