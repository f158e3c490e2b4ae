"""One exchange of a sequence: parsed once, how its request came about, and never trusted to be what it should be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

import httpx

from pytest_adyen_creds.checks.sample_data import Level, level_of
from pytest_adyen_creds.client.parsing import parse, secrets_in
from pytest_adyen_creds.contract import Operation
from pytest_adyen_creds.contract.judge import Observation, judge
from pytest_adyen_creds.contract.operations import Responses
from pytest_adyen_creds.message import basic_credentials
from pytest_adyen_creds.secrets import SECRETS

if TYPE_CHECKING:
    from pytest_adyen_creds.checks.cases import TestCase
    from pytest_adyen_creds.contract import Contract

SET_UP: Final = "set-up"
"""How the requests came about that make, or read, what the others are about."""

Kind = Literal["page", "created", "credential", "origins", "origin", "api-key", "client-key", "nothing"]
"""What a good answer of an operation holds."""

DEFAULT_SIZE: Final = 10
"""Items on a page where the request does not say."""

_DEEPEST: Final = 50


class Page(NamedTuple):
    """A page of a list: what was asked for, and what the answer says of it."""

    number: int
    size: int
    total: int
    data: list[Any]

    @property
    def last(self) -> int:
        """The number of the last page."""
        return max(1, -(-self.total // self.size))


@dataclass(frozen=True)
class Exchange:
    """A request and its answer, both read; made by :meth:`of`.

    ``operation`` is the contract's, and ``parameters`` are its path parameters, decoded; see :attr:`is_known`.
    ``generated_by`` says how the request came about, and ``case`` is what it was made from in this run. ``expects`` is
    what it was made to show: a status such as ``401``, a class such as ``2xx``, or nothing. ``at``: how many seconds
    the server's clock had been moved on since the sequence began. ``source`` names the recording or the case,
    ``origin`` who answered.
    """

    contract: Contract
    operation: Operation
    parameters: Mapping[str, str]
    request: httpx.Request
    response: httpx.Response
    generated_by: str = ""
    expects: str = ""
    at: float = 0.0
    source: str = ""
    origin: str = ""
    case: TestCase | None = None

    @classmethod
    def of(cls, contract: Contract, request: httpx.Request, response: httpx.Response, **known: Any) -> Exchange:
        """Return the exchange of ``request`` and ``response``, both read, of the operation that the contract has."""
        method, path = request.method, request.url.path
        found = contract.match(method, request.url.raw_path.decode("ascii", "replace"))
        operation, parameters = found or (Operation(f"{method} {path}", method, path, "", (), None, Responses()), {})
        return cls(contract, operation, parameters, request, response, **known)

    @classmethod
    def of_library(cls, contract: Contract, response: Any, **known: Any) -> Exchange:
        """Return the exchange of a response of httpx, requests or schemathesis, or of one with the same attributes."""
        if isinstance(response, httpx.Response):
            response.read()
            return cls.of(contract, response.request, response, **known)
        sent = response.request
        body = getattr(sent, "content", None) or getattr(sent, "body", None) or b""
        request = httpx.Request(str(sent.method), str(sent.url), headers=dict(sent.headers), content=body)
        headers = [
            (name, value)
            for name, values in response.headers.items()
            if name.lower() != "content-encoding"  # what the library decompressed is not compressed any more
            for value in (values if isinstance(values, list) else [values])
        ]
        answer = httpx.Response(response.status_code, headers=headers, content=response.content or b"", request=request)
        return cls.of(contract, request, answer, **known)

    @cached_property
    def observations(self) -> list[Observation]:
        """What of the answer departs from the contract."""
        found = self._judged()
        if found:  # what is shown of them is to be masked
            known = len(SECRETS)
            self.register_secrets()
            found = found if len(SECRETS) == known else self._judged()
        return found

    def _judged(self) -> list[Observation]:
        media, headers = self.response.headers.get("content-type", ""), self.response.headers
        return judge(self.contract, self.operation, self.status, media, self.response.content, headers)

    def register_secrets(self) -> None:
        """Let masking know the secrets of an exchange that another client made."""
        names = self.contract.secret_properties
        for secret in {
            *secrets_in(self.response.content, self.body),
            *secrets_in(self.request.content, self.sent),
            *self.presented_secrets,
            *(text for _, name, text in (*self.body_texts, *texts(self.sent)) if name in names),
        }:
            if secret:
                SECRETS.add(secret)
        _, basic = self.presented
        if self.request.headers.get("authorization") and not (basic and basic[1]):
            # of what is readable the password alone is secret; pieces of the rest stand in every pseudonym of it, too
            SECRETS.add(self.request.headers["authorization"].partition(" ")[2])

    @property
    def is_known(self) -> bool:
        """Whether the contract has the operation; one that it has not documents no answer."""
        return self.operation.label in self.contract.operations

    @cached_property
    def status(self) -> int:
        """The answer's HTTP status."""
        return self.response.status_code

    @cached_property
    def body(self) -> Any:
        """The JSON value of the answer's body; None where it is not JSON."""
        return parse(self.response.content)

    @cached_property
    def body_texts(self) -> tuple[tuple[str, str, str], ...]:
        """The pointer, the property's name and the text of each string in :attr:`body`."""
        return tuple(texts(self.body))

    @cached_property
    def sent(self) -> Any:
        """The JSON value of the request's body; None where it is not JSON."""
        return parse(self.request.content)

    @cached_property
    def shown(self) -> dict[str, Any]:
        """The JSON object of the answer's body; an empty one where it is none."""
        return self.body if isinstance(self.body, dict) else {}

    @cached_property
    def asked(self) -> dict[str, Any]:
        """The JSON object of the request's body; an empty one where it is none."""
        return self.sent if isinstance(self.sent, dict) else {}

    @cached_property
    def query(self) -> Mapping[str, str]:
        """The request's query, the last value of each name."""
        query = self.request.url.query.decode("ascii", "replace")
        return dict(parse_qsl(query, keep_blank_values=True))

    @cached_property
    def path(self) -> str:
        """The request's path after the version, decoded: ``/companies/X/apiCredentials``."""
        return path_of(self.request.url.raw_path.decode("ascii", "replace"))[1]

    @cached_property
    def good(self) -> bool:
        """Whether the answer is a success."""
        return self.response.is_success

    @property
    def changes(self) -> bool:
        """Whether the request may change something."""
        return self.operation.method != "GET"

    @cached_property
    def level(self) -> Level:
        """Whose credentials the operation is about."""
        return level_of(self.operation)

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
        headers = self.request.headers
        return headers.get("x-api-key"), basic_credentials(headers.get("authorization", ""))

    @property
    def presented_secrets(self) -> list[str]:
        """The API key and the password that the request signs in with, where it does."""
        key, basic = self.presented
        return [secret for secret in (key, basic and basic[1]) if secret]

    @cached_property
    def page(self) -> Page | None:
        """The page of a list that a good answer is; None for one of other numbers than the document allows."""
        if self.kind != "page" or self.status != 200 or not isinstance(self.body, dict):
            return None
        number, size = self._number("pageNumber", 1), self._number("pageSize", DEFAULT_SIZE)
        total = self.body.get("itemsTotal")
        if number is None or size is None or not isinstance(total, int) or isinstance(total, bool) or total < 0:
            return None
        return Page(number, size, total, items(self.body, "data"))

    def _number(self, name: str, default: int) -> int | None:
        text = self.query.get(name, str(default))
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 and int(text) > 0 else None

    def credentials(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield (pointer, credential) for each credential that a good answer shows."""
        return self._resources(one=("credential", "created"), many="page")

    def origins(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield (pointer, origin) for each allowed origin that a good answer of an origins operation shows."""
        return self._resources(one=("origin",), many="origins")

    def _resources(self, one: tuple[Kind, ...], many: Kind) -> Iterator[tuple[str, dict[str, Any]]]:
        if self.good and self.kind in one and isinstance(self.body, dict):
            yield "", self.body
        elif self.good and self.kind == many:
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
