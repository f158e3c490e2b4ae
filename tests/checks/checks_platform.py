"""A loopback server that answers as Adyen's test platform was seen to: made here, not by the sandbox's own style.

It lets a sandbox with published answers answer, and gives each answer the shapes that were recorded: forms of ids,
errors without detail, merchant accounts on ``GET /me``, credentials without a client key, spellings of roles, headers.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from pytest_adyen_creds.sandbox import Sandbox

Change = Callable[[str, str, int, Any], None]
"""Is told of method, path, status and document of an answer, and may change the document."""

SPELLED = {
    "Management API - Payment methods read": "Management API \N{EM DASH} Payment methods read",
    "Management API - Webhooks read": "Management API\N{EM DASH}Webhooks read",
    "Checkout webservice role": "checkout Webservice role",
}
ORIGINS = "Invalid allowed origin information provided."


class Platform:
    """A WSGI application in front of ``app``; ``change`` adds a departure that nobody knows."""

    def __init__(self, app: Any, change: Change = lambda method, path, status, document: None) -> None:
        self._app = app
        self._change = change
        self._theirs: dict[str, str] = {}
        self._ours: dict[str, str] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._app, name)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith("/_sandbox"):
            return self._app(environ, start_response)
        sent = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        inner = {**environ, "wsgi.input": io.BytesIO(sent)}
        for name in ("PATH_INFO", "REQUEST_URI", "RAW_URI"):
            if name in inner:
                inner[name] = self._translated(inner[name], self._ours)
        began: list[Any] = []
        body = b"".join(self._app(inner, lambda status, headers, *rest: began.extend((status, headers))))
        status, method, path = int(began[0].split()[0]), environ["REQUEST_METHOD"], environ["PATH_INFO"]
        headers = [(name, value) for name, value in began[1] if name.lower() not in ("content-type", "content-length")]
        request_id = f"{uuid.uuid5(uuid.NAMESPACE_URL, path)}_1-5C278B5B94FZ2822"
        if body:
            document = json.loads(body)
            self._learn(document)
            document = json.loads(self._translated(json.dumps(document), self._theirs))
            document = self._shaped(method, path, status, document, request_id, sent)
            self._change(method, path, status, document)
            body = json.dumps(document).replace("/", "\\/").encode()
            media = "application/json" if status == 401 else "application/json;charset=utf-8"
            headers += [("Content-Type", media), ("Content-Length", str(len(body)))]
        headers += [
            ("traceparent", "00-c2aa70915402f1d1eed32b0123ac213e-0308b1f0b9147089-01"),
            ("Set-Cookie", "JSESSIONID=0123456789ABCDEF0123456789ABCDEF; Path=/configurationapi; Secure; HttpOnly"),
            ("strict-transport-security", "max-age=31536000; includeSubDomains"),
        ]
        if status != 401:
            headers += [("requestid", request_id), ("pspreference", request_id)]
        start_response(began[0], headers)
        return [body] if body else []

    def _learn(self, value: Any) -> None:
        if isinstance(value, list):
            for item in value:
                self._learn(item)
        elif isinstance(value, dict):
            if isinstance(value.get("id"), str):
                self._name(value["id"], is_origin="domain" in value)
            for item in value.values():
                self._learn(item)

    def _name(self, id: str, *, is_origin: bool) -> None:
        digest = hashlib.sha256(id.encode()).hexdigest().upper()
        theirs = f"S2-{digest}" if is_origin else f"CRED42CLS22322945M{digest[:12]}"
        self._theirs.setdefault(id, theirs)
        self._ours[self._theirs[id]] = id

    def _translated(self, text: str, names: dict[str, str]) -> str:
        return re.sub(r"S2-[0-9A-Z]+|CRED[0-9A-Z]+", lambda match: names.get(match[0], match[0]), text)

    def _shaped(self, method: str, path: str, status: int, document: Any, request_id: str, sent: bytes) -> Any:
        if status < 400:
            for shown in document.get("data", [document]):
                if "roles" in shown:
                    shown["roles"] = [SPELLED.get(role, role) for role in shown["roles"]]
                if str(shown.get("description", "")).startswith("old") and method == "GET":
                    shown.pop("clientKey", None)
            if path.endswith("/me"):
                document["associatedMerchantAccounts"] = ["TestMerchant"]
            return document
        error = {name: document[name] for name in ("type", "title", "status", "errorCode")}
        error["type"] = error["type"].replace("/general", "")
        if status == 403:
            error["detail"] = "Not allowed"
        elif status == 422 and "invalidFields" in document:
            error |= {"requestId": request_id, "invalidFields": document["invalidFields"]}
            if path.endswith("allowedOrigins"):
                error |= {"title": ORIGINS, "errorCode": "31_004"}
                for item in error["invalidFields"]:
                    field = item.get("InvalidField", item)
                    if "://" not in field.get("value", ""):
                        field["name"] = "origin"
                        field.pop("value", None)
                    elif "list already" in field["message"]:
                        field["message"] = "Origin already exists"
        elif status == 422:
            error |= {"type": "https://docs.adyen.com/errors/not-found", "title": "Entity was not found"}
            error |= {"detail": document["detail"], "requestId": request_id, "errorCode": "30_112"}
        elif status != 401:
            error["detail"] = document["detail"]
        return error


@contextmanager
def platform(change: Change | None = None, *, old: int = 6) -> Iterator[tuple[Sandbox, str]]:
    """Serve such a server on loopback, with ``old`` credentials of others in it; yield its sandbox and its address."""
    sandbox = Sandbox(answers="published")
    sandbox.app = Platform(sandbox.app, *([change] if change else []))  # type: ignore[assignment]
    for number in range(old):
        sandbox.customer_area.create_company_user(description=f"old shop {number}")
    with sandbox.serve() as server:
        yield sandbox, server.url
