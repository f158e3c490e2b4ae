"""The gateway: a server on loopback, for what asks Adyen from another process, or by a library with its own sockets."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Final

import httpx
from werkzeug.wrappers import Request, Response

from pytest_adyen_creds.compat.werkzeug import head_of
from pytest_adyen_creds.errors import AdyenCredsError, EndpointRefused
from pytest_adyen_creds.message import as_sent
from pytest_adyen_creds.sandbox.server import Server
from pytest_adyen_creds.secrets import SECRETS

_OF_A_CONNECTION: Final = frozenset({"connection", "content-length", "host", "keep-alive", "transfer-encoding"})


class Gateway:
    """Serves on loopback what ``answer`` gives; what that refuses is a 403 that says why, in Adyen's form of an error.

    Only requests to its own address are taken, so that no page in a browser reaches it under another name.
    """

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response]) -> None:
        self._answer = answer
        self._server = Server(Request.application(self._serve))
        self._server.__enter__()
        self.url = self._server.url
        """Its address, without a slash at the end."""

    def close(self) -> None:
        """Stop serving."""
        self._server.close()

    def _serve(self, request: Request) -> Response:
        try:
            answer = self._answer(self._as_httpx(request))
            body = b"".join(answer.stream)  # type: ignore[arg-type]
        except AdyenCredsError as error:
            return _error(403, str(error))
        except httpx.TimeoutException as error:
            return _error(504, str(error))
        except httpx.TransportError as error:
            return _error(502, str(error))
        headers = [(name, value) for name, value in answer.headers.multi_items() if name not in _OF_A_CONNECTION]
        return Response(body, answer.status_code, headers)

    def _as_httpx(self, request: Request) -> httpx.Request:
        """Return a request as it came; what the server made of its head is not all that it says."""
        line, *lines = head_of(request.environ)
        parts = line.removesuffix(b"\r\n").split(b" ")
        if len(parts) != 3 or not re.fullmatch(rb"HTTP/1\.[01]", parts[2]):
            raise EndpointRefused(f"{ascii(line)[2:-1][:100]} is no line that begins a request; nothing was sent")
        method, target, _ = parts
        path = target.decode("latin-1") if target.startswith(b"/") else "/"
        try:
            body = request.get_data()
        except OSError as error:
            raise EndpointRefused(f"a request's body cannot be read ({error}); nothing was sent") from None
        fields = [line.removesuffix(b"\r\n").partition(b":")[::2] for line in lines]
        return as_sent(
            method.decode("latin-1"),
            self.url + path,
            [(name, value.strip(b" \t")) for name, value in fields],
            body,
            target=target,
        )


def _error(status: int, detail: str) -> Response:
    body = {
        "type": "about:blank",
        "title": "Refused by pytest-adyen-creds",
        "status": status,
        "detail": SECRETS.mask(detail),
    }
    return Response(json.dumps(body), status, mimetype="application/problem+json")
