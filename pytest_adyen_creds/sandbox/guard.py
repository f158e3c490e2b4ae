"""The guard under every request of the HTTP server: against what web pages in the same browser could do.

A page of any site can have its browser send requests to loopback, and one whose name is made to point there (DNS
rebinding) can read the answers, too. Programs send none of the headers that tell of pages, and pass.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from ipaddress import ip_address
from typing import Final
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.wrappers import Response

from pytest_adyen_creds.errors import SandboxError

_HOST: Final = re.compile(r"(?:\[([0-9a-f:.]{2,45})\]|([a-z0-9_.-]{1,253}))(?::[0-9]{1,5})?")
_NAME: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]{0,251}[a-z0-9_])?")
_NOT_FOR_PAGES: Final = re.compile(r"/+_sandbox(?:/|$)|/v[0-9]+(?:/|$)", re.IGNORECASE)
"""In a path: what drives the sandbox, and a version of an API, wherever it stands."""

MISDIRECTED: Final = "421 Misdirected Request"
FORBIDDEN: Final = "403 Forbidden"


class Guard:
    """Hands requests to ``app`` unless a web page of another origin may have made them; WSGI.

    - 421 where ``Host`` is no IP literal, ``localhost``, name under ``.localhost`` or one of ``allowed_hosts``. With
      ``takes_plain_names`` a name without dots passes, too, as services in a container network have.
    - 403 for an ``Origin`` that is not the server's own, ``null`` included.
    - 403 where ``Sec-Fetch-Site`` says ``cross-site`` or ``same-site``, unless somebody follows a link to a page: a
      GET that navigates a whole window, to a path that is neither an API's nor under ``/_sandbox``.

    What is refused never reaches ``app``. Raises :class:`SandboxError` for an allowed host that is no name.
    """

    def __init__(
        self, app: WSGIApplication, allowed_hosts: Iterable[str] = (), *, takes_plain_names: bool = False
    ) -> None:
        self._app = app
        names = frozenset(host.lower() for host in allowed_hosts)
        for name in names:
            if not _NAME.fullmatch(name):
                raise SandboxError(f"{name!r} is no name of a host; give one like sandbox.example, without a port")
        self._is_allowed: Callable[[str], bool] = lru_cache(maxsize=256)(
            lambda host: _is_allowed(host, names, takes_plain_names)
        )

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        refused = self._refusal(environ)
        if refused is None:
            return self._app(environ, start_response)
        status, text = refused
        return Response(f"{text}\n", status)(environ, start_response)

    def _refusal(self, environ: WSGIEnvironment) -> tuple[str, str] | None:
        host = environ.get("HTTP_HOST", "")
        if not self._is_allowed(host):
            return MISDIRECTED, (
                "The Host of this request is none of this server's. Ask it by its IP address or as localhost, "
                "or start it with --allowed-host NAME."
            )
        origin = environ.get("HTTP_ORIGIN")
        if origin is not None and origin.lower() != f"{environ['wsgi.url_scheme']}://{host}".lower():
            return FORBIDDEN, "Web pages of another origin may not ask this server; ask it from a program."
        site = environ.get("HTTP_SEC_FETCH_SITE")
        if site is not None and site.strip().lower() not in ("none", "same-origin") and not _follows_a_link(environ):
            return FORBIDDEN, "Web pages of another site may not ask this server; ask it from a program."
        return None


def is_loopback(host: str) -> bool:
    """Tell whether ``host``, an address or a name without brackets, is of this machine only."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _is_allowed(host: str, names: frozenset[str], takes_plain_names: bool) -> bool:
    match = _HOST.fullmatch(host.lower())
    if match is None:
        return False
    literal, name = match.groups()
    if literal is None and (name in names or name == "localhost" or name.endswith(".localhost")):
        return True
    if literal is None and takes_plain_names and "." not in name:
        return True
    try:
        return ip_address(literal or name).version == (6 if literal else 4)
    except ValueError:
        return False


def _follows_a_link(environ: WSGIEnvironment) -> bool:
    if environ["REQUEST_METHOD"] != "GET":
        return False
    if (environ.get("HTTP_SEC_FETCH_MODE"), environ.get("HTTP_SEC_FETCH_DEST")) != ("navigate", "document"):
        return False
    # decoded, and as it was sent
    paths = environ.get("PATH_INFO", ""), environ.get("REQUEST_URI", "").partition("?")[0]
    return not any(map(_NOT_FOR_PAGES.search, paths))
