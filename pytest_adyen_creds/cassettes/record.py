"""Recording: what any HTTP library asks Adyen (or the sandbox) is kept in memory until it is known to be wanted."""

from __future__ import annotations

import itertools
from contextlib import suppress
from typing import Any, Final

from vcr.request import Request

from pytest_adyen_creds.cassettes.door import Door, interaction_of_vcr
from pytest_adyen_creds.cassettes.interception import Wsgi, call_app
from pytest_adyen_creds.cassettes.model import Cassette, Interaction, Provenance
from pytest_adyen_creds.cassettes.redact.scrubber import Scrubber
from pytest_adyen_creds.errors import CassetteError
from pytest_adyen_creds.secrets import SECRETS

_ORDER: Final = "_adyen_creds_order"


class Recording:
    """A recording in the making; whoever knows that its test passed writes it."""

    def __init__(self, scrubber: Scrubber) -> None:
        self.context: dict[str, Any] = {}
        """JSON values that are scrubbed and stored beside the interactions (:attr:`Cassette.context`)."""
        self._scrubber = scrubber
        self._noted: list[tuple[int, Interaction]] = []
        self._orders = itertools.count()

    def next_order(self) -> int:
        """Return the place in the recording of a request that begins now; see :meth:`note`."""
        return next(self._orders)

    @property
    def noted(self) -> list[Interaction]:
        """The exchanges as they happened, by when they began: secrets included, so never print or store them."""
        return [interaction for _, interaction in sorted(self._noted, key=lambda pair: pair[0])]

    def note(self, order: int, interaction: Interaction) -> None:
        """Add an exchange as it happened, ``order`` saying when it began; its secrets are registered for masking."""
        with suppress(CassetteError):  # a body that cannot be read: writing the recording says so
            for secret in self._scrubber.secrets_in(interaction):
                SECRETS.add(secret)
        self._noted.append((order, interaction))

    def scrubbed(self, provenance: Provenance) -> Cassette:
        """Return the recording as it is to be written; raises :class:`CassetteError` where a secret would be left."""
        interactions, context = self._scrubber.recording(self.noted, self.context)
        return Cassette(interactions=tuple(interactions), provenance=provenance, context=context)


class RecordingDoor(Door):
    """The door with a WSGI application and a recording behind it: what is ours is answered by ``app``, and noted."""

    origin = "the embedded sandbox"
    record_mode_name = "new_episodes"

    def __init__(self, *, recording: Recording, app: Wsgi, **parts: Any) -> None:
        super().__init__(**parts)
        self.recording = recording
        self.app = app

    def can_play_response_for(self, request: Request) -> bool:
        """Tell whether the application answers ``request``; a live host is refused."""
        if not self.hosts.is_ours(request.uri):
            return False
        self.refuse_live(request)
        # the order of asking, not of answering, so that two recordings of concurrent requests are alike
        request.__dict__.setdefault(_ORDER, self.recording.next_order())
        return self.hosts.is_served(request.uri)

    def play_response(self, request: Request) -> dict[str, Any]:
        """Return the application's answer, which is noted."""
        response = call_app(self.app, request)
        self._note(request, response)
        return self.observed(request, response)

    def append(self, request: Request, response: dict[str, Any]) -> None:
        """Note an exchange with another host of Adyen, which went over the network."""
        if self.hosts.is_ours(request.uri):
            self._note(request, response)
            self.observed(request, response, Door.origin)

    def _note(self, request: Request, response: dict[str, Any]) -> None:
        order: int = request.__dict__.get(_ORDER, 0)
        self.recording.note(order, interaction_of_vcr(request, response))
