"""Recording: what any HTTP library asks Adyen (or the sandbox) is kept in memory, and written if the test passed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, Literal

from vcr.request import Request

from pytest_adyen_creds.cassettes import document, storage
from pytest_adyen_creds.cassettes.door import Door, Hosts, asked_of, interaction_of_vcr, response_of
from pytest_adyen_creds.cassettes.index import Index
from pytest_adyen_creds.cassettes.interaction import Cassette, Interaction, Provenance, origin_of
from pytest_adyen_creds.cassettes.interception import Wsgi, call_app
from pytest_adyen_creds.cassettes.scrub import Scrubber
from pytest_adyen_creds.errors import CassetteError
from pytest_adyen_creds.secrets import SECRETS

Mode = Literal["none", "missing", "all"]
"""``all``: the cassette is made anew; ``missing``: what it lacks is added; ``none``: nothing is written."""

_ORDER: Final = "_adyen_creds_order"


class Recording:
    """A recording in the making. It is written at the end of its ``with`` block if it was kept, and only then."""

    def __init__(self, path: Path, scrubber: Scrubber, known: Cassette) -> None:
        self.path = path
        self.context: dict[str, Any] = dict(known.context)
        """JSON values that are scrubbed and stored beside the interactions (:attr:`Cassette.context`)."""
        self.written: Cassette | None = None
        """What was written, after the ``with`` block."""
        self._scrubber = scrubber
        self._known = known
        self._noted: list[tuple[int, Interaction]] = []
        self._orders = itertools.count()
        self._kept = False

    def keep(self) -> None:
        """Have the recording written at the end: the test passed."""
        self._kept = True

    def discard(self) -> None:
        """Have nothing written: the old cassette, if there is one, stays as it is."""
        self._kept = False

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
        known = self._known.interactions
        interactions, context = self._scrubber.recording((*known, *self.noted), self.context)
        return Cassette(interactions=tuple(interactions), provenance=provenance, context=context)

    def finish(self, provenance: Provenance) -> None:
        """Write the recording where it was kept and holds anything new."""
        if not self._kept or (self._known.provenance is not None and not self._noted):
            return
        self.written = self.scrubbed(provenance)
        storage.write(self.path, self.written)


class RecordingDoor(Door):
    """The door with a recording behind it: known requests are replayed, others go to ``app`` or out, and are noted."""

    record_mode_name = "new_episodes"

    def __init__(
        self, *, recording: Recording, index: Index, app: Wsgi | None, known_origin: str = origin_of(None), **parts: Any
    ) -> None:
        super().__init__(**parts)
        self.recording = recording
        self.known_origin = known_origin
        self.index = index
        self.app = app

    def can_play_response_for(self, request: Request) -> bool:
        """Tell whether the cassette or the application answers ``request``; a live host is refused."""
        if not self.hosts.is_ours(request.uri):
            return False
        self.refuse_live(request)
        # the order of asking, not of answering, so that two recordings of concurrent requests are alike
        request.__dict__.setdefault(_ORDER, self.recording.next_order())
        return self._has_app_for(request) or self.index.has(asked_of(request, self.hosts))

    def play_response(self, request: Request) -> dict[str, Any]:
        """Return the recorded answer, or the application's, which is noted."""
        known = self.index.take(asked_of(request, self.hosts))
        if known is not None:
            return self.observed(request, response_of(known), self.known_origin)
        if self.app is None:
            raise CassetteError(f"{self._path}: another thread had the recorded answer; ask once more to record it")
        response = call_app(self.app, request)
        self._note(request, response)
        return self.observed(request, response, "the embedded sandbox")

    def append(self, request: Request, response: dict[str, Any]) -> None:
        """Note an exchange that went over the network."""
        if self.hosts.is_ours(request.uri):
            self._note(request, response)
            self.observed(request, response)

    def _note(self, request: Request, response: dict[str, Any]) -> None:
        order: int = request.__dict__.get(_ORDER, 0)
        self.recording.note(order, interaction_of_vcr(request, response))

    def _has_app_for(self, request: Request) -> bool:
        return self.app is not None and self.hosts.is_served(request.uri)


@contextmanager
def record(
    path: Path,
    *,
    provenance: Callable[[], Provenance],
    scrubber: Scrubber,
    mode: Mode,
    app: Wsgi | None = None,
    base_urls: Iterable[str] = (),
) -> Iterator[Recording]:
    """Record, in a ``with`` block, what any HTTP library asks Adyen and ``base_urls``; to ``path``, if it is kept.

    With ``app``, that WSGI application answers for the Management API, without a socket; else the network does.
    ``provenance`` is asked for when the recording is written. Nothing is written before the end of the block, nothing
    unscrubbed ever, and nothing at all where the block ends in an exception.

    Raises :class:`CassetteError` where ``missing`` would add one backend's answers to another's.
    """
    known = document.read(path) if mode == "missing" and path.exists() else Cassette(())
    recording = Recording(path, scrubber, known)
    index = Index(known.interactions)
    parts = {"recording": recording, "index": index, "app": app, "known_origin": origin_of(known.provenance)}
    with RecordingDoor.opened(str(path), hosts=Hosts(base_urls), **parts):
        yield recording
    if mode != "none":
        _finish(recording, known, provenance())


def _finish(recording: Recording, known: Cassette, provenance: Provenance) -> None:
    before = known.provenance
    if before is not None and before.backend != provenance.backend:
        raise CassetteError(
            f"{recording.path}: was recorded from {before.backend}, and answers from {provenance.backend}"
            " cannot be added to that; record all of it with --adyen-record=all"
        )
    recording.finish(provenance)
