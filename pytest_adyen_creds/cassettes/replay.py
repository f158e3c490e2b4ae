"""Replay: a recording answers, and what it does not hold is refused; a miss says what comes nearest, and differs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from difflib import SequenceMatcher
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import httpx

from pytest_adyen_creds.cassettes.model import CANONICAL_ORIGIN
from pytest_adyen_creds.cassettes.playback import CanonicalRequest, Playback, canonical_request, request_of
from pytest_adyen_creds.errors import CassetteError
from pytest_adyen_creds.intercept.hosts import Hosts
from pytest_adyen_creds.secrets import MASK, SECRETS
from pytest_adyen_creds.text import counted, escape_pointer

_COMPARED: Final = 2_000
"""Recorded requests that are looked at for the nearest one."""

_SHOWN: Final = 5
"""Differences that are shown."""

_LONGEST: Final = 80
_RECORD: Final = (
    "run this test with --adyen-backend=sandbox (or --adyen-live) and --adyen-record=missing, or =all for all of it"
)


class ReplayTransport(httpx.BaseTransport):
    """An httpx transport that answers from a recording and knows nothing else.

    Every request that the recording does not hold raises :class:`CassetteError`. ``on_miss`` is told what a miss is
    about, and returns what to say.
    """

    def __init__(
        self,
        playback: Playback,
        name: str | Path,
        *,
        base_urls: Iterable[str] = (),
        on_miss: Callable[[str], str] = str,
    ) -> None:
        self._playback = playback
        self._name = str(name)
        self._hosts = Hosts(base_urls)
        self._on_miss = on_miss
        self._compared = lru_cache(maxsize=16)(_compared)  # a client mostly sends the same ones again

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the recorded answer to ``request``."""
        uri = self._hosts.canonical(str(request.url))
        asked = canonical_request(request.method, uri, *self._compared(tuple(request.headers.raw)), request.read())
        interaction = self._playback.take(asked)
        if interaction is None:
            raise CassetteError(self._on_miss(_unmatched(self._playback, asked, self._name)))
        return httpx.Response(
            interaction.status,
            headers=list(interaction.response_headers),
            stream=httpx.ByteStream(interaction.response_body),
            extensions={"reason_phrase": interaction.reason.encode("ascii", "replace")},
        )


def _compared(fields: tuple[tuple[bytes, bytes], ...]) -> tuple[str | None, str | None, str | None]:
    """Return the headers that tell requests apart."""
    headers = {name.lower(): value.decode("latin-1") for name, value in fields}
    return headers.get(b"x-api-key"), headers.get(b"authorization"), headers.get(b"content-type")


def _unmatched(index: Playback, asked: CanonicalRequest, name: str) -> str:
    """Return why the cassette ``name`` has no answer to ``asked``: up to eight lines, secrets masked."""
    lines = [f"{name}: holds no answer to {_title(asked)}"]
    asked = index.translated(asked)
    nearest = _nearest(index, asked)
    if nearest is None:
        lines.append("  nearest: nothing, the cassette is empty")
    else:
        number, recorded = nearest
        lines.append(f"  nearest: interaction {number + 1}, {_title(recorded)}")
        found = list(_differences(index, asked, recorded))
        more = [f"{len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
        lines += [f"  differs: {difference}" for difference in found[:_SHOWN] + more]
    lines.append(f"  to record it: {_RECORD}")
    return SECRETS.mask("\n".join(lines))


def _nearest(index: Playback, asked: CanonicalRequest) -> tuple[int, CanonicalRequest] | None:
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(asked.key.path)

    def likeness(numbered: tuple[int, CanonicalRequest]) -> float:
        recorded = numbered[1]
        matcher.set_seq1(recorded.key.path)
        path: float = 4 * matcher.quick_ratio() + 2 * (recorded.key.path == asked.key.path)
        query_and_body: int = sum(mine == other for mine, other in zip(asked.key[3:], recorded.key[3:], strict=True))
        names = (recorded.credential == asked.credential) + (recorded.accounts == asked.accounts)
        return path + (recorded.key.method == asked.key.method) + query_and_body + 0.5 * names

    return max(enumerate(map(request_of, index.interactions[:_COMPARED])), key=likeness, default=None)


def _differences(index: Playback, asked: CanonicalRequest, recorded: CanonicalRequest) -> Iterator[str]:
    if asked.key == recorded.key:
        yield from _facet_differences(index, asked, recorded)
        return
    if asked.key.method != recorded.key.method:
        yield f"method {asked.key.method}, recorded {recorded.key.method}"
    if asked.key.origin != recorded.key.origin:
        yield f"host {asked.key.origin or CANONICAL_ORIGIN}, recorded {recorded.key.origin or CANONICAL_ORIGIN}"
    if asked.key.path != recorded.key.path:
        yield f"path {asked.key.path}, recorded {recorded.key.path}"
    if asked.key.query != recorded.key.query:
        yield f"query {_query(asked)}, recorded {_query(recorded)}"
    if asked.key.body != recorded.key.body:
        yield from _body_differences(asked.key.body, recorded.key.body)


def _facet_differences(index: Playback, asked: CanonicalRequest, recorded: CanonicalRequest) -> list[str]:
    accounts = zip(asked.accounts, recorded.accounts, strict=False)
    found = [f"account {name}, recorded {other}" for name, other in accounts if name != other]
    if asked.credential != recorded.credential:
        found.append(_credential_difference(index, asked.credential, recorded.credential))
    times = counted(index.times_recorded(asked), "time")
    return found or [f"it was recorded {times}, and every answer has been given"]


def _credential_difference(index: Playback, asked: str | None, recorded: str | None) -> str:
    if asked is None:
        return "it is not signed in, the recorded one is"
    if recorded is None:
        return "it is signed in, the recorded one is not"
    # a wrong key may be all but the right one, so it is not shown
    what = "username or password" if ":" in recorded else "key"
    whose = "one that this test was lent" if recorded in index.kept else "the recorded one"
    masked = "; its secret is masked: send what .reveal() returns" if MASK in asked else ""
    return f"{what}: it is signed in with another credential than {whose}{masked}"


def _body_differences(asked: bytes | str, recorded: bytes | str) -> Iterator[str]:
    if not asked or not recorded:
        yield f"body {'none' if not asked else _short(asked)}, recorded {'none' if not recorded else _short(recorded)}"
    elif isinstance(asked, str) and isinstance(recorded, str):
        yield from _value_differences(json.loads(asked), json.loads(recorded), "")
    else:
        yield f"body {_short(asked)}, recorded {_short(recorded)}"


def _value_differences(asked: Any, recorded: Any, pointer: str) -> Iterator[str]:
    if isinstance(asked, dict) and isinstance(recorded, dict):
        for key in sorted({*asked, *recorded}):
            below = f"{pointer}/{escape_pointer(key)}"
            if key not in recorded:
                yield f"body {below} is {_short(json.dumps(asked[key]))}, not recorded"
            elif key not in asked:
                yield f"body {below} is missing, recorded {_short(json.dumps(recorded[key]))}"
            else:
                yield from _value_differences(asked[key], recorded[key], below)
    elif isinstance(asked, list) and isinstance(recorded, list) and len(asked) == len(recorded):
        for number, (mine, other) in enumerate(zip(asked, recorded, strict=True)):
            yield from _value_differences(mine, other, f"{pointer}/{number}")
    elif asked != recorded:
        yield f"body {pointer or 'as a whole'} is {_short(json.dumps(asked))}, recorded {_short(json.dumps(recorded))}"


def _title(asked: CanonicalRequest) -> str:
    place = asked.key.path
    for account in asked.accounts:
        place = place.replace("*", account, 1)
    query = _query(asked)
    return f"{asked.key.method} {asked.key.origin or CANONICAL_ORIGIN}{place}{'?' + query if asked.key.query else ''}"


def _query(asked: CanonicalRequest) -> str:
    return "&".join(f"{name}={value}" for name, value in asked.key.query) or "none"


def _short(value: str | bytes) -> str:
    text = value if isinstance(value, str) else ascii(value)[1:]
    text = SECRETS.mask(text)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
