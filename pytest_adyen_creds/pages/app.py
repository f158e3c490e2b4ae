"""The pages as a WSGI application around the sandbox's own: what is under ``/`` and ``/ca/``; all else is the API's."""

from __future__ import annotations

import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Final
from urllib.parse import urlencode
from wsgiref.types import StartResponse, WSGIEnvironment

import jinja2
from markupsafe import Markup
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.routing import Map, Rule
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from pytest_adyen_creds.cassettes.redact.finder import masked
from pytest_adyen_creds.errors import CassetteError, SandboxError
from pytest_adyen_creds.pages import requests
from pytest_adyen_creds.pages.forms import details, lines, meaning, sentence
from pytest_adyen_creds.pages.permissions import CUSTOM, PRESETS, categories, chosen_roles, whole_preset
from pytest_adyen_creds.sandbox import Sandbox
from pytest_adyen_creds.sandbox.customer_area import Configuration, CustomerArea, NewUser
from pytest_adyen_creds.sandbox.faults import ARGUMENTS, DETAILS, VIOLATIONS, FaultKind
from pytest_adyen_creds.sandbox.routing import served
from pytest_adyen_creds.sandbox.rules import behaviours
from pytest_adyen_creds.sandbox.state import Credential, Key, UserKind
from pytest_adyen_creds.secrets import Secret
from pytest_adyen_creds.text import counted, plain

POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""What a page may do: nothing but what comes from this server, in no frame."""

_HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_STATIC: Final[Mapping[str, str]] = {"page.css": "text/css", "page.js": "text/javascript"}
_LARGEST_FORM: Final = 256 * 1024
_MOST_PARTS: Final = 1_000
_MOST_NOTES: Final = 100
_ROWS: Final = 100

_LEVELS: Final[Mapping[UserKind, str]] = {
    UserKind.COMPANY: "Company",
    UserKind.BALANCE_PLATFORM: "Balance platform",
    UserKind.LEGAL_ENTITY: "Legal entity management",
}

_GENERATED: Final[Mapping[str, tuple[str, Callable[[CustomerArea, str], Secret]]]] = {
    "generate-api-key": ("API key", CustomerArea.generate_api_key),
    "generate-password": ("Password", CustomerArea.generate_password),
    "generate-client-key": ("Client key", CustomerArea.generate_client_key),
}
"""What each button makes anew, and how."""


class Shown(str):
    """A secret that a page shows this once, the only text that is not masked."""

    __slots__ = ()


@dataclass(frozen=True)
class Note:
    """What the next page says, once: how it went, the secrets to copy, and what was typed but is not saved."""

    says: str = ""
    error: str = ""
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    form: Mapping[str, Any] | None = None


class Pages:
    """The sandbox with its pages: a WSGI application for :class:`~.sandbox.server.Server`.

    Whatever changes something is a POST with this object's token, from a page of the server's own origin.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._area = sandbox.customer_area
        self._token = secrets.token_urlsafe(32)
        self._notes: OrderedDict[str, Note] = OrderedDict()
        get, post = ["GET", "HEAD"], ["POST"]
        self._map = Map(
            [
                Rule("/", endpoint=self._credentials, methods=get),
                Rule("/ca/credentials/<name>", endpoint=self._credential, methods=get),
                Rule("/ca/credentials/<name>", endpoint=self._configure, methods=post),
                Rule("/ca/new", endpoint=self._new, methods=get),
                Rule("/ca/new", endpoint=self._create, methods=post),
                Rule("/ca/requests", endpoint=self._requests, methods=get),
                Rule("/ca/requests/<int:number>", endpoint=self._request, methods=get),
                Rule("/ca/requests/clear", endpoint=self._clear, methods=post),
                Rule("/ca/clock", endpoint=self._clock, methods=get),
                Rule("/ca/clock", endpoint=self._advance, methods=post),
                Rule("/ca/faults", endpoint=self._faults, methods=get),
                Rule("/ca/faults", endpoint=self._change_faults, methods=post),
                Rule("/ca/rules", endpoint=self._rules, methods=get),
                Rule("/ca/static/<name>", endpoint=_static, methods=get),
            ],
            merge_slashes=False,
        )

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        path = environ.get("PATH_INFO", "")
        if path != "/" and not path.startswith("/ca/"):
            return self._sandbox.app(environ, start_response)
        request = Request(environ)
        request.max_content_length, request.max_form_parts = _LARGEST_FORM, _MOST_PARTS
        answer = self._answer(request)
        answer.headers.extend(_HEADERS)
        return answer(environ, start_response)

    def _answer(self, request: Request) -> Response:
        try:
            endpoint, values = self._map.bind_to_environ(request.environ).match()
            if request.method == "POST" and not self._is_own(request):
                says = "This request did not come from a page of this server, or from one of before its last start."
                return self._message(request, 403, "Refused", f"{says} Load the page again and repeat what you did.")
            answer: Response = endpoint(request, **values)
            return answer
        except NotFound as missing:
            is_known = missing.description != NotFound.description  # said by a page, not by werkzeug
            text = missing.description if is_known else "There is no such page. What there is stands above."
            return self._message(request, 404, "Not found", text or "")
        except MethodNotAllowed as refused:
            answer = self._message(request, 405, "Not allowed", "This page is only to be read.")
            answer.headers["Allow"] = ", ".join(refused.valid_methods or ())
            return answer
        except HTTPException as refused:
            return self._message(request, refused.code or 400, refused.name, "The request cannot be read.")

    def _is_own(self, request: Request) -> bool:
        own = f"{request.scheme}://{request.host}"
        token = request.form.get("token", "")
        return request.headers.get("Origin") == own and hmac.compare_digest(token.encode(), self._token.encode())

    # credentials

    def _credentials(self, request: Request) -> Response:
        asked = {name: request.args.get(name, "").strip() for name in ("tab", "q", "status", "level", "role")}
        on_platforms = asked["tab"] == "platforms"
        shown = [each for each in self._area.credentials() if (each.kind is not UserKind.COMPANY) == on_platforms]
        total = len(shown)
        shown = [each for each in shown if _matches(each, asked)]
        roles = sorted({role for each in self._area.credentials() for role in each.roles})
        return self._page(request, "credentials.html", credentials=shown, total=total, asked=asked, roles=roles)

    def _credential(self, request: Request, name: str) -> Response:
        found = self._found(name)
        note = self._note(request)
        form = note.form or _form_of(found)
        shown = categories(self._available(found.kind), form["roles"])
        now = self._sandbox.clock.now()
        return self._page(
            request,
            "credential.html",
            note=note,
            credential=found,
            form=form,
            categories=shown,
            preset=whole_preset(shown),
            earlier=[key for key in found.api_keys[:-1] if not key.has_expired(now)],
            reaches=self._area.reaches(found.id),
            permitted=self._sandbox.app.permitted(found),
        )

    def _found(self, name: str) -> Credential:
        try:
            return self._area.credential(name)
        except SandboxError as error:
            raise NotFound(f"{error}.") from None

    def _configure(self, request: Request, name: str) -> Response:
        found = self._found(name)
        at = f"/ca/credentials/{found.id}"
        form, action = self._form(request, found), request.form.get("do", "save")
        if action == "search":
            return self._to(at, Note(form=form), fragment="permissions")
        try:
            note = self._carried_out(action, found.id, form)
        except SandboxError as error:
            return self._to(at, Note(error=sentence(error), form=form))
        unsaved = None if action == "save" or form == _form_of(found) else form
        return self._to(at, Note(note.says, secrets=note.secrets, form=unsaved))

    def _carried_out(self, action: str, id: str, form: Mapping[str, Any]) -> Note:
        match action:
            case "save":
                settings = {name: form[name] for name in ("active", "description", "roles", "allowed_ips", "origins")}
                self._area.configure(id, Configuration(**settings))
                return Note("Saved.")
            case "reset":
                self._area.reset_previous_key(id)
                return Note("The previous API key expires in 24 hours.")
            case "expire":
                self._area.expire_previous_key(id)
                return Note("The previous API key has expired.")
            case _ if action in _GENERATED:
                name, generate = _GENERATED[action]
                return Note(f"{name} generated.", secrets={name: generate(self._area, id)})
        raise SandboxError("this is nothing that a credential's page does")

    def _form(self, request: Request, found: Credential | None = None) -> dict[str, Any]:
        sent = request.form
        shown = categories(self._available(found.kind if found else UserKind.COMPANY), found.roles if found else ())
        return {
            "active": "active" in sent,
            "description": sent.get("description", "").strip(),
            "roles": chosen_roles(sent, sent.getlist("role"), shown),
            "allowed_ips": lines(sent.get("allowed_ips", "")),
            "origins": lines(sent.get("origins", "")),
            "q": sent.get("q", "").strip(),
        }

    def _available(self, kind: UserKind) -> tuple[str, ...]:
        if kind is UserKind.COMPANY:
            return self._sandbox.roles
        return tuple(f"{api} role" for api in self._area.apis(kind))

    # new ones

    def _new(self, request: Request) -> Response:
        note = self._note(request)
        kind = request.args.get("kind", "")
        form: Mapping[str, Any] = note.form or {"kind": kind, "description": "", "platform": "", "roles": (), "q": ""}
        shown = categories(self._sandbox.roles, form["roles"])
        return self._page(request, "new.html", note=note, form=form, categories=shown, preset=whole_preset(shown))

    def _create(self, request: Request) -> Response:
        sent, kind = request.form, request.form.get("kind", "")
        form = {**self._form(request), "kind": kind, "platform": sent.get("platform", "").strip()}
        if sent.get("do") == "search":
            return self._to("/ca/new", Note(form=form), fragment="permissions")
        try:
            made = self._made(kind, form)
        except SandboxError as error:
            return self._to("/ca/new", Note(error=sentence(error), form=form))
        found = {"API key": made.api_key, "Password": made.password}
        if made.client_key:
            found["Client key"] = made.client_key
        return self._to(f"/ca/credentials/{made.id}", Note(f"{made.username} is there.", secrets=found))

    def _made(self, kind: str, form: Mapping[str, Any]) -> NewUser:
        area, said = self._area, {"description": form["description"]}
        if kind == "company":
            return area.create_company_user(roles=form["roles"], **said)
        if kind.startswith("merchant "):
            return area.create_merchant_user(kind.removeprefix("merchant "), roles=form["roles"], **said)
        if kind == "balance-platform":
            name = form["platform"]
            if name and not (name.isascii() and name.replace("_", "").replace("-", "").isalnum()):
                raise SandboxError(f"{name!r} is no balance platform; use letters, digits, '_' and '-'")
            return area.create_balance_platform_user(name or None, **said)
        if kind == "legal-entity":
            return area.create_legal_entity_user(**said)
        raise SandboxError("choose what the credential is for")

    # requests

    def _requests(self, request: Request) -> Response:
        after = request.args.get("after", 0, type=int)
        entries = self._sandbox.app.journal.after(after, most=_ROWS)
        rows = [(entry, requests.judged(entry)) for entry in entries]
        template = "_rows.html" if "rows" in request.args else "requests.html"
        total = len(self._sandbox.app.journal)
        answer = self._page(request, template, rows=rows, total=total, most=_ROWS)
        answer.headers["X-Total"] = str(total)
        return answer

    def _request(self, request: Request, number: int) -> Response:
        entry = self._sandbox.app.journal.get(number)
        if entry is None:
            raise NotFound("The journal has no such request, or has it no more.")
        accounts = (self._sandbox.company, *self._sandbox.merchants)
        try:
            cassette = requests.entry_as_cassette(entry, accounts)
        except CassetteError as error:
            cassette = f"# {error}"
        caller = next((each for each in self._area.credentials() if each.id == entry.caller), None)
        return self._page(
            request,
            "request.html",
            entry=entry,
            caller=caller,
            judged=requests.judged(entry),
            rule=requests.rule_of(entry),
            messages=[
                (title, list(requests.shown_headers(message)), requests.shown_body(message))
                for title, message in (("Asked", entry.sent), ("Answered", entry.answered))
                if message is not None
            ],
            copies=[
                ("As curl", requests.entry_as_curl(entry, caller)),
                ("As a test", requests.entry_as_test(entry, caller)),
                ("As a cassette", cassette),
            ],
        )

    def _clear(self, _: Request) -> Response:
        self._sandbox.app.journal.clear()
        return self._to("/ca/requests", Note("The journal is empty."))

    # clock and faults

    def _clock(self, request: Request) -> Response:
        now = self._sandbox.clock.now()
        expiring = [
            (each, kind, key)
            for each in self._area.credentials()
            for kind, keys in (("API key", each.api_keys), ("Client key", each.client_keys))
            for key in keys
            if key.expires is not None
        ]
        expiring.sort(key=lambda found: found[2].expires or now)
        return self._page(request, "clock.html", expiring=expiring)

    def _advance(self, request: Request) -> Response:
        text = request.form.get("hours", "")
        try:
            hours = float(text)
        except ValueError:
            return self._to("/ca/clock", Note(error=f"{text!r} is no number of hours; write one like 24 or 0.5."))
        try:
            now = self._sandbox.clock.advance(hours=hours)
        except SandboxError as error:
            return self._to("/ca/clock", Note(error=sentence(error)))
        return self._to("/ca/clock", Note(f"It is {now:%Y-%m-%d %H:%M:%S} UTC now."))

    def _faults(self, request: Request) -> Response:
        faults = self._sandbox.faults
        note = self._note(request)
        set_ones = [(fault, faults.struck(fault.id)) for fault in faults.all()]
        form = {**dict.fromkeys(ARGUMENTS, ""), **(note.form or {"kind": "status", "status": "500", "times": "1"})}
        return self._page(
            request,
            "faults.html",
            note=note,
            faults=set_ones,
            form=form,
            kinds=[(kind, meaning(kind), DETAILS.get(kind, ())) for kind in FaultKind],
            violations=list(VIOLATIONS),
            operations=sorted(served()),
        )

    def _change_faults(self, request: Request) -> Response:
        sent = request.form
        if sent.get("do") == "clear":
            self._sandbox.faults.clear()
            return self._to("/ca/faults", Note("No fault is set."))
        try:
            if sent.get("do") == "remove":
                self._sandbox.faults.remove(sent.get("id", 0, type=int))
                return self._to("/ca/faults", Note("The fault is taken away."))
            kind = sent.get("kind", "")
            fault = self._sandbox.faults.add(kind, **details(kind, sent))
        except SandboxError as error:
            return self._to("/ca/faults", Note(error=sentence(error), form=dict(sent)))
        return self._to("/ca/faults", Note(f"Set: {fault}."))

    # rules

    def _rules(self, request: Request) -> Response:
        words = request.args.get("q", "").lower().split()
        evidence = request.args.get("evidence", "")
        shown = [
            rule
            for rule in behaviours()
            if evidence in ("", rule.evidence)
            and all(word in f"{rule.id} {rule.says} {rule.source}".lower() for word in words)
        ]
        return self._page(request, "rules.html", rules=shown, total=len(behaviours()), asked=request.args)

    # what all of them need

    def _to(self, path: str, note: Note, *, fragment: str = "") -> Response:
        """Return the redirection to a page of this server that says ``note``, once."""
        nonce = secrets.token_urlsafe(16)
        self._notes[nonce] = note
        while len(self._notes) > _MOST_NOTES:
            self._notes.popitem(last=False)
        return redirect(f"{path}?{urlencode({'note': nonce})}{'#' + fragment if fragment else ''}", 303)

    def _note(self, request: Request) -> Note:
        nonce = request.args.get("note", "")
        return self._notes.get(nonce, Note()) if request.method == "HEAD" else self._notes.pop(nonce, Note())

    def _message(self, request: Request, status: int, title: str, text: str) -> Response:
        return self._page(request, "message.html", status=status, note=Note(), title=title, text=text)

    def _page(self, request: Request, template: str, *, status: int = 200, **values: Any) -> Response:
        if "note" not in values:
            values["note"] = self._note(request)
        known = {"path": request.path, "token": self._token, "sandbox": self._sandbox, "now": self._sandbox.clock.now()}
        text = _templates().get_template(template).render(**known, **values)
        return Response(text, status, content_type="text/html; charset=utf-8")


@cache
def _templates() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("pytest_adyen_creds.pages"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalized,
    )
    made.filters.update(plain=plain, counted=counted, shown=lambda secret: Shown(secret.reveal()), at=_at)
    made.globals.update(PRESETS=PRESETS, CUSTOM=CUSTOM, level=_level, left=_left)
    return made


def _finalized(value: Any) -> Any:
    """Return a value as a page shows it: masked, but for markup and the secret that is shown this once."""
    if isinstance(value, Markup | Shown) or not isinstance(value, str):
        return value
    return masked(value)


def _static(_: Request, name: str) -> Response:
    if name not in _STATIC:
        raise NotFound
    content = (files("pytest_adyen_creds.pages") / "static" / name).read_bytes()
    return Response(content, content_type=f"{_STATIC[name]}; charset=utf-8")


def _matches(credential: Credential, asked: Mapping[str, str]) -> bool:
    words = f"{credential.username} {credential.id} {credential.description or ''}".lower()
    return (
        asked["q"].lower() in words
        and asked["status"] in ("", "active" if credential.active else "inactive")
        and asked["level"] in ("", _level(credential))
        and (not asked["role"] or asked["role"] in credential.roles)
    )


def _level(credential: Credential) -> str:
    return f"Merchant {credential.home}" if credential.home else _LEVELS[credential.kind]


def _form_of(credential: Credential) -> dict[str, Any]:
    shown = categories(credential.roles, credential.roles)
    return {
        "active": credential.active,
        "description": credential.description or "",
        "roles": tuple(role for category in shown for role in category.roles),
        "allowed_ips": credential.allowed_ips,
        "origins": tuple(origin.domain for origin in credential.origins),
        "q": "",
    }


def _at(key: Key) -> str:
    return f"{key.expires:%Y-%m-%d %H:%M:%S} UTC" if key.expires else ""


def _left(key: Key, now: Any) -> str:
    """Return how long a key still works, in hours and minutes."""
    minutes = max(0, round((key.expires - now).total_seconds() / 60)) if key.expires else 0
    return f"{minutes // 60} h {minutes % 60:02} min"
