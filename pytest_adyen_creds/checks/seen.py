"""One exchange as the rules see it: parsed once, and never trusted to be what it should be."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

if TYPE_CHECKING:
    import httpx

    from pytest_adyen_creds.contract import Contract, Operation

Kind = Literal["page", "created", "credential", "origins", "origin", "api-key", "client-key", "nothing"]
"""What a good answer of an operation holds."""

_DEEPEST: Final = 50


@dataclass(frozen=True)
class Seen:
    """One exchange of ``operation``. ``expects`` is a status such as ``401``, a class such as ``2xx``, or nothing.

    ``at`` are the seconds on the server's clock since the first exchange of its sequence. ``body`` and ``sent`` are
    the JSON values of both bodies, None where there is none. ``base`` is what paths stand behind: scheme and host.
    """

    contract: Contract
    operation: Operation
    parameters: Mapping[str, str]
    request: httpx.Request
    status: int
    headers: Mapping[str, str]
    content: bytes
    expects: str = ""
    at: float = 0.0
    own: bool = False
    """Whether what it shows is the sequence's own: made, or leased, for it."""

    @classmethod
    def of(
        cls, contract: Contract, operation: Operation, request: httpx.Request, response: httpx.Response, **known: Any
    ) -> Seen:
        """Return the exchange of ``request`` and ``response``, both read."""
        found = contract.match(request.method, request.url.raw_path.decode("ascii", "replace"))
        parameters = found[1] if found else {}
        return cls(
            contract, operation, parameters, request, response.status_code, response.headers, response.content, **known
        )

    @cached_property
    def body(self) -> Any:
        """The JSON value of the answer's body; None where it is not JSON."""
        return _parsed(self.content)

    @cached_property
    def sent(self) -> Any:
        """The JSON value of the request's body; None where it is not JSON."""
        return _parsed(self.request.content)

    @cached_property
    def query(self) -> Mapping[str, str]:
        """The request's query, the last value of each name."""
        query = self.request.url.query.decode("ascii", "replace")
        return dict(parse_qsl(query, keep_blank_values=True))

    @property
    def base(self) -> str:
        """Scheme and host that were called."""
        url = self.request.url
        return f"{url.scheme}://{url.netloc.decode('ascii', 'replace')}"

    @cached_property
    def path(self) -> str:
        """The request's path after the version, decoded: ``/companies/X/apiCredentials``."""
        return path_of(self.request.url.raw_path.decode("ascii", "replace"))[1]

    @property
    def good(self) -> bool:
        """Whether the answer is a success."""
        return 200 <= self.status < 300

    @property
    def changes(self) -> bool:
        """Whether the request may change something."""
        return self.operation.method != "GET"

    @property
    def level(self) -> Literal["company", "merchant", "me"]:
        """Whose credentials the operation is about."""
        first = self.operation.path.split("/")[1]
        return "company" if first == "companies" else "merchant" if first == "merchants" else "me"

    @cached_property
    def kind(self) -> Kind:
        """What a good answer holds, by the operation's path."""
        last, method = self.operation.path.rpartition("/")[2], self.operation.method
        kinds: dict[tuple[str, str], Kind] = {
            ("apiCredentials", "GET"): "page",
            ("apiCredentials", "POST"): "created",
            ("allowedOrigins", "GET"): "origins",
            ("allowedOrigins", "POST"): "origin",
            ("{originId}", "GET"): "origin",
            ("generateApiKey", "POST"): "api-key",
            ("generateClientKey", "POST"): "client-key",
            ("me", "GET"): "credential",
            ("{apiCredentialId}", "GET"): "credential",
            ("{apiCredentialId}", "PATCH"): "credential",
        }
        return kinds.get((last, method), "nothing")

    @cached_property
    def presented(self) -> tuple[str | None, tuple[str, str] | None]:
        """The API key, and the username with its password, that the request signs in with."""
        basic = None
        scheme, _, encoded = self.request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            try:
                username, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
                basic = username, password
            except (binascii.Error, ValueError):
                basic = None
        return self.request.headers.get("x-api-key"), basic

    def credentials(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield (pointer, credential) for each credential that a good answer shows."""
        if not self.good:
            return
        if self.kind in ("credential", "created") and isinstance(self.body, dict):
            yield "", self.body
        elif self.kind == "page":
            for number, item in enumerate(items(self.body, "data")):
                if isinstance(item, dict):
                    yield f"/data/{number}", item

    def origins(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield (pointer, origin) for each allowed origin that a good answer of an origins operation shows."""
        if not self.good:
            return
        if self.kind == "origin" and isinstance(self.body, dict):
            yield "", self.body
        elif self.kind == "origins":
            for number, item in enumerate(items(self.body, "data")):
                if isinstance(item, dict):
                    yield f"/data/{number}", item


def items(body: Any, name: str) -> list[Any]:
    """Return the list ``name`` of ``body``; an empty one where there is none."""
    value = body.get(name) if isinstance(body, dict) else None
    return value if isinstance(value, list) else []


def texts(value: Any, pointer: str = "", name: str = "", depth: int = 0) -> Iterator[tuple[str, str, str]]:
    """Yield (pointer, property name, text) for each string in a JSON value."""
    if isinstance(value, str):
        yield pointer, name, value
    elif depth < _DEEPEST and isinstance(value, dict):
        for key, item in value.items():
            yield from texts(item, f"{pointer}/{key}", key, depth + 1)
    elif depth < _DEEPEST and isinstance(value, list):
        for number, item in enumerate(value):
            yield from texts(item, f"{pointer}/{number}", name, depth + 1)


def path_of(target: str) -> tuple[str, str, dict[str, str]]:
    """Return version, path after it (decoded) and query of a URL or a path; empty where it has none or is none."""
    try:
        parts = urlsplit(target)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
    except ValueError:
        return "", "", {}
    _, _, rest = parts.path.partition("/")
    version, slash, path = rest.partition("/")
    if not (version[:1] == "v" and version[1:].isdigit()):
        return "", unquote(parts.path), query
    return version, unquote(slash + path), query


def own_path(shown: Any) -> str | None:
    """Return the path, after the version and decoded, that a resource's ``self`` link names; None where it has none."""
    href = href_of(shown, "self")
    return path_of(href)[1] if href is not None else None


def href_of(shown: Any, name: str) -> str | None:
    """Return the URL of the link ``name`` of a resource."""
    links = shown.get("_links") if isinstance(shown, dict) else None
    link = links.get(name) if isinstance(links, dict) else None
    href = link.get("href") if isinstance(link, dict) else None
    return href if isinstance(href, str) else None


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None
