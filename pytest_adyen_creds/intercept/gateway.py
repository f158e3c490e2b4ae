"""The gateway: a server on loopback, for what asks Adyen from another process, or by a library with its own sockets."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

import httpx
from werkzeug.wrappers import Request, Response

from pytest_adyen_creds.errors import AdyenCredsError
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
        if request.host != urlsplit(self.url).netloc:
            return _error(403, f"this is {self.url}, and no other host")
        try:
            answer = self._answer(self._as_httpx(request))
            body = b"".join(answer.stream)  # type: ignore[arg-type]
        except AdyenCredsError as error:
            return _error(403, str(error))
        except httpx.InvalidURL as error:
            return _error(400, str(error))
        except httpx.TimeoutException as error:
            return _error(504, str(error))
        except httpx.TransportError as error:
            return _error(502, str(error))
        headers = [(name, value) for name, value in answer.headers.multi_items() if name not in _OF_A_CONNECTION]
        return Response(body, answer.status_code, headers)

    def _as_httpx(self, request: Request) -> httpx.Request:
        target = request.environ.get("RAW_URI") or request.full_path
        target = target.removeprefix(self.url)
        made = httpx.Request(
            request.method,
            self.url + target,
            headers=[(name, value) for name, value in request.headers if name.lower() not in _OF_A_CONNECTION],
            content=request.get_data(),
        )
        if made.url.raw_path != target.encode():
            made.extensions["target"] = target.encode()
        return made


def _error(status: int, detail: str) -> Response:
    body = {
        "type": "about:blank",
        "title": "Refused by pytest-adyen-creds",
        "status": status,
        "detail": SECRETS.mask(detail),
    }
    return Response(json.dumps(body), status, mimetype="application/problem+json")
