"""The live door: what any HTTP library asks Adyen's test endpoint passes the same guards as the plugin's clients."""

from __future__ import annotations

from contextlib import suppress
from contextvars import ContextVar
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from vcr.request import Request

from pytest_adyen_creds.cassettes.body import unpacked
from pytest_adyen_creds.cassettes.door import Door, Hosts, authority_of, body_of, interaction_of_vcr
from pytest_adyen_creds.cassettes.model import Interaction
from pytest_adyen_creds.cassettes.record import Recording
from pytest_adyen_creds.cassettes.redact.scrubber import Scrubber
from pytest_adyen_creds.client import Ownership, is_guarded
from pytest_adyen_creds.client.parsing import SECRET_PROPERTIES, live_key_in, parse
from pytest_adyen_creds.client.transports import outcome_of
from pytest_adyen_creds.errors import CassetteError, EndpointRefused, OwnershipRefused
from pytest_adyen_creds.secrets import SECRETS

_ADMITTED: Final = "_adyen_creds_admitted"
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_READABLE: Final = frozenset({"gzip", "deflate", "identity"})
_ADYENS: Final = Hosts()
_NOTHING: Final = Scrubber(SECRET_PROPERTIES)


class LiveDoor(Door):
    """A door to the network that both guards stand at; what passes is noted in ``recording``, if there is one.

    A request to the Management API is sent only where ``ownership`` admits it, one to a live host of Adyen never, and
    any other as it comes. Where the run's server, at ``base_url``, is not the Management API's test host, nothing goes
    there: the run's keys are none of that host's. Requests of the plugin's own clients have passed the guards before,
    and are noted elsewhere.
    """

    def __init__(self, *, base_url: str, ownership: Ownership, recording: Recording | None, **parts: Any) -> None:
        super().__init__(hosts=Hosts([base_url]), **parts)
        self.base_url = base_url
        self.ownership = ownership
        self.recording = recording
        self._last: ContextVar[tuple[str, str] | None] = ContextVar("last", default=None)

    def can_play_response_for(self, request: Request) -> bool:
        """Answer nothing."""
        return False

    def filter_request(self, request: Request) -> Request | None:
        """Let ``request`` out (``None``) where the guards do; afterwards say whether its answer is wanted."""
        if is_guarded() or not self.hosts.is_ours(request.uri):
            return None
        if _ADMITTED in request.__dict__:
            return request
        self.refuse_live(request)
        self._refuse_elsewhere(request)
        _ask_for_what_can_be_read(request)
        sent = _as_httpx(request)
        self._refuse_respelt(request, sent)
        intent = self.ownership.admit(sent) if self.hosts.is_served(request.uri) else None
        order = self.recording.next_order() if self.recording else 0
        request.__dict__[_ADMITTED] = (sent, intent, order)
        self._last.set((request.method.upper(), request.uri))
        return None

    def check_hop(self, request: Request) -> None:
        """Ask the guards about ``request`` where they were not asked: a redirect led to it."""
        if self._last.get() != (request.method, request.uri):
            self.filter_request(request)

    def append(self, request: Request, response: dict[str, Any]) -> None:
        """Take in an answer of the network: its secrets, what it says of ownership, and the exchange."""
        if is_guarded() or not self.hosts.is_ours(request.uri):
            return
        order, interaction = self._take(request, response)
        if self.recording is not None:
            self.recording.note(order, interaction)
        self.observed(request, response)

    def let_out(self, request: Request) -> None:
        """Let another tool's cassette send ``request`` where the guards do."""
        self.filter_request(request)

    def took(self, request: Request, response: dict[str, Any]) -> None:
        """Take in what the network answered to another tool's cassette: to record it is that tool's business."""
        if _ADMITTED in request.__dict__:
            self._take(request, response)

    def _take(self, request: Request, response: dict[str, Any]) -> tuple[int, Interaction]:
        sent, intent, order = request.__dict__.get(_ADMITTED) or (_as_httpx(request), None, 0)
        interaction = interaction_of_vcr(request, response)
        with suppress(CassetteError):  # a body that cannot be read; where it is to be recorded, saving says so
            for secret in _NOTHING.secrets_in(interaction):
                SECRETS.add(secret)
        if self.hosts.is_served(request.uri):
            self._learn(sent, intent, interaction)
        return order, interaction

    def refuse_past(self, uri: str) -> None:
        """Raise :class:`EndpointRefused` where the Management API's test host is not the run's server."""
        if not _ADYENS.is_served(self.base_url):
            super().refuse_past(uri)

    def check_put(self, place: str, method: str, uri: str) -> None:
        """Raise :class:`EndpointRefused` where the guards were not asked about what is put on a connection to us."""
        if self.hosts.is_ours(place) and self._last.get() != (method.upper(), uri):
            raise EndpointRefused(
                f"{method} {SECRETS.mask(uri)}, on a connection to {place}, was not seen by the guards; nothing was "
                "sent: name the class as http.client.HTTPConnection where it is called, and give it a path"
            )

    def _refuse_respelt(self, request: Request, sent: httpx.Request) -> None:
        # most libraries send a path as it is written; httpx reads it without its dot segments and its fragment
        path = request.uri[len(authority_of(request.uri)) :].partition("?")[0] or "/"
        if request.method.upper() not in _SAFE and path.encode() != sent.url.raw_path.partition(b"?")[0]:
            raise OwnershipRefused(
                f"{request.method} {SECRETS.mask(path)} is not in its canonical spelling; nothing was sent: use the "
                "paths of the contract, without encodings, fragments, empty or dot segments"
            )

    def _refuse_elsewhere(self, request: Request) -> None:
        if _ADYENS.is_served(request.uri) and not _ADYENS.is_served(self.base_url):
            raise EndpointRefused(
                f"{request.method} {SECRETS.mask(request.uri)}: this run goes to {self.base_url}; give code under test "
                "adyen_settings.base_url"
            )

    def _learn(self, sent: httpx.Request, intent: str | None, interaction: Interaction) -> None:
        data, status = interaction.response_body, interaction.status
        with suppress(CassetteError):  # the status says what became of a creation, whatever its answer is packed in
            data = unpacked(data, interaction.response_headers)
        body = parse(data)
        if intent is not None:
            self.ownership.settle(intent, outcome_of(status, body))
        self.ownership.learn(sent, status, body)
        if live_key_in(data, body):
            host = urlsplit(interaction.uri).hostname
            self.ownership.halt(f"{host} answered with a client key of the live environment; check where it runs")
            raise EndpointRefused(f"{self.ownership.halted}; the run stops here")


def _ask_for_what_can_be_read(request: Request) -> None:
    # an answer that cannot be read would not say which credential it created
    for name, value in list(request.headers.items()):
        if str(name).lower() == "accept-encoding":
            codings = (value.decode("latin-1") if isinstance(value, bytes) else str(value)).split(",")
            readable = [coding.strip() for coding in codings if coding.partition(";")[0].strip() in _READABLE]
            request.headers[name] = ", ".join(readable) or "identity"


def _as_httpx(request: Request) -> httpx.Request:
    headers = [(str(name), value) for name, value in request.headers.items() if str(name).lower() != "host"]
    return httpx.Request(request.method, request.uri, headers=headers, content=body_of(request))
