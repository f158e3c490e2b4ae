"""The script of one run of a test: it notes what the test is answered, and has variations happen.

It stands between the code under test and who answers it, the sandbox or a recording.
"""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from inspect import currentframe
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import httpx
import pytest

from pytest_adyen_creds.client.transports import PLUGINS_OWN
from pytest_adyen_creds.contract.apis import Match
from pytest_adyen_creds.credentials.credential import Credential
from pytest_adyen_creds.credentials.spec import Spec
from pytest_adyen_creds.errors import CassetteError
from pytest_adyen_creds.rehearsal.hooks import is_users
from pytest_adyen_creds.rehearsal.variation import Answered, Variation
from pytest_adyen_creds.sandbox.answers import PLATFORM
from pytest_adyen_creds.sandbox.wire import BY_FAULT


@dataclass(frozen=True)
class Call:
    """A request of the test: its number, from 1, and the operation that it is of.

    ``of_fixture``: a client that a fixture gave the test sends it, so that no code of the user's has its key.
    """

    request: httpx.Request
    number: int
    found: Match | None
    of_fixture: bool

    @property
    def label(self) -> str:
        """The operation's label; empty where no contract has it."""
        return self.found.operation.label if self.found else ""

    @property
    def place(self) -> tuple[str, str]:
        """Method and path."""
        return self.request.method, self.request.url.path

    def answered(self, response: httpx.Response) -> Answered:
        """Return its answer, read."""
        return Answered.of(self.request, response, self.found)

    def instead(self, status: int, headers: Mapping[str, str] | None = None) -> Answered:
        """Return an error as the platform would answer it."""
        body = json.dumps(PLATFORM.show_status(status, "")).encode()
        media = (("content-type", "application/json"), *(headers or {}).items())
        return Answered(*self.place, status, media, body, self.found, self.request.read())


Send = Callable[[Call], Answered]


class Effect:
    """What makes variations happen; one for each run."""

    def ask(self, call: Call, send: Send, script: Script) -> Answered:
        """Answer ``call``, by what ``send`` answers or without it."""
        return send(call)

    def lent(self, credential: Credential) -> None:
        """Take note of a credential that the test is lent; it may be changed."""

    def verdict(self, script: Script) -> str | None:
        """Return what went wrong though the test passed; None where nothing did."""
        return None


class Script:
    """One run of a test.

    ``variations`` happen in it, by what ``effects`` returns; without any it notes what the test is answered. ``match``
    tells the operation of a request. ``earlier`` is what the test was answered the first time; it may send ``most``
    requests. ``root`` is the folder of the user's code.
    """

    def __init__(
        self,
        match: Callable[[httpx.Request], Match | None],
        variations: Sequence[Variation] = (),
        earlier: Sequence[Answered] = (),
        most: int | None = None,
        effects: Callable[[Sequence[Variation]], Iterable[Effect]] = lambda variations: (),
        root: Path = Path(),
    ) -> None:
        self.answers: list[Answered] = []
        """What the test was answered, as the sandbox or the recording had it."""
        self.met: set[str] = set()
        """The ids of the variations that happened."""
        self.departs = bool(variations) and all(each.must == "must-survive" for each in variations)
        """Whether answers may depart from the contract on purpose, so that a check of it says nothing."""
        self.is_further = most is not None
        """Whether the test runs again, and not for the first time."""
        self.is_endless = False
        """Whether the test asked for more than it may."""
        self.missed = False
        """Whether the test asked for what no recording holds."""
        self.lent: list[Credential] = []
        self._match = match
        self._earlier = list(earlier)
        self._asked: Counter[tuple[str, str]] = Counter()
        self._most = most
        self._root = root
        self.count = 0
        """How many requests the test has sent so far."""
        self._lock = threading.RLock()
        self.effects = list(effects(variations))

    def lend(self, credential: Credential, spec: Spec | None = None) -> Credential:
        """Return a credential as the test is to see it."""
        shown = replace(credential)
        self.lent.append(shown)
        for effect in self.effects:
            effect.lent(shown)
        return shown

    def answer(self, request: httpx.Request, inner: httpx.BaseTransport, *, of_fixture: bool) -> httpx.Response:
        """Return the answer to a request of the test, or raise what keeps it from being given."""
        if PLUGINS_OWN.get():
            return inner.handle_request(request)
        with self._lock:
            self.count += 1
            number = self.count
        if self._most is not None and number > self._most:
            self._end(number)
        call = Call(request, number, self._match(request), of_fixture)
        with self._lock:
            self._asked[call.place] += 1
        if not self.effects:
            response = inner.handle_request(request)
            self.answers.append(call.answered(response))
            return response
        send: Send = partial(self._send, inner)
        for effect in self.effects:
            send = partial(effect.ask, send=send, script=self)
        response = send(call).response()
        response.extensions[BY_FAULT] = True
        return response

    @property
    def asks_more(self) -> bool:
        """Whether the test has asked for something more often than the first time, or for something else."""
        return bool(self._asked - Counter((each.method, each.path) for each in self._earlier))

    def _end(self, number: int) -> NoReturn:
        """End a test that never stops asking, whatever its code catches."""
        error = pytest.fail.Exception(f"it never stops asking: this is request {number} of the test", pytrace=False)
        if self.is_endless:  # it has caught this already
            _Leaving(error, lambda frame: is_users(frame, self._root))
        self.is_endless = True
        raise error

    def _send(self, inner: httpx.BaseTransport, call: Call) -> Answered:
        try:
            answered = call.answered(inner.handle_request(call.request))
        except CassetteError:
            wanted = (*call.place, call.request.read())
            same = [each for each in self._earlier if (each.method, each.path, each.sent) == wanted]
            given = sum((each.method, each.path, each.sent) == wanted for each in self.answers)
            if not same or not given:
                self.missed = True
                raise
            return same[min(given, len(same)) - 1]  # it is asked again, after something went wrong
        self.answers.append(answered)
        return answered


class _Leaving:
    """Raises ``error`` in each of the calling functions that ``is_meant`` tells of, also where they catch it.

    It is raised wherever one of them goes on, in a handler of its own say, until the outermost has ended. What traced
    or profiled the thread before does so again then.
    """

    def __init__(self, error: BaseException, is_meant: Callable[[FrameType], bool]) -> None:
        self._error = error
        self._before = sys.gettrace(), sys.getprofile()
        self._frames: list[FrameType] = []
        frame = currentframe()
        frame = frame.f_back if frame is not None else None
        while frame is not None:
            if is_meant(frame):
                frame.f_trace = self._trace
                self._frames.append(frame)
            frame = frame.f_back
        if self._frames:
            sys.setprofile(self._profile)
            sys.settrace(self._trace)

    def _trace(self, frame: FrameType, event: str, arg: Any) -> Any:
        if frame not in self._frames:
            return None
        if event == "line":
            raise self._error  # Python stops tracing with it
        return self._trace

    def _profile(self, frame: FrameType, event: str, arg: Any) -> None:
        if event != "return" or frame not in self._frames:
            return
        if frame is self._frames[-1]:
            self._frames.clear()
            sys.settrace(self._before[0])
            sys.setprofile(self._before[1])
        else:
            self._frames.remove(frame)
            sys.settrace(self._trace)
