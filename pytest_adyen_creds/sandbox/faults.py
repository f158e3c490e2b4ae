"""Faults: what goes wrong on demand, by operation, count and probability, broken answers included."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from types import NoneType
from typing import Any, Final, TypedDict, Unpack

from pytest_adyen_creds.errors import SandboxError
from pytest_adyen_creds.sandbox.routing import served
from pytest_adyen_creds.sandbox.rules import Rule
from pytest_adyen_creds.text import counted

ASKED_FOR: Final = Rule.assumed(
    "faults.asked-for",
    "Whoever drives the sandbox can ask for faults; answers made by a fault are not Adyen's behaviour.",
    "made for rehearsing what a client has to survive",
)

LONGEST_DELAY: Final = 300.0
"""The longest delay of an answer, in seconds."""


class FaultKind(StrEnum):
    """What goes wrong."""

    STATUS = "status"
    """Another status is answered, with an error document; the request is not carried out."""
    DELAY = "delay"
    """The request is carried out later."""
    RESET = "reset"
    """The connection is reset before the request is carried out."""
    LOST_ANSWER = "lost-answer"
    """The request is carried out, and the connection is reset before the answer."""
    TIMEOUT = "timeout"
    """The request is carried out, and no answer comes before the client's own timeout."""
    TRUNCATED = "truncated"
    """The request is carried out; the connection is reset in the middle of the answer's body."""
    CONTENT_TYPE = "content-type"
    """The request is carried out and its answer announced as something else."""
    VIOLATION = "violation"
    """The request is carried out and its answer breaks the contract in a named way."""
    DUPLICATE = "duplicate"
    """The request is delivered twice, and the second answer is the one that arrives."""


@dataclass(frozen=True)
class Fault:
    """One fault. ``operation`` is a label (``None``: any), ``times`` how often it strikes at most (``None``: always).

    ``probability`` (0 to 1) decides at each request; the draws depend only on the sandbox's seed. A test whose fault
    nothing met fails, unless it is ``optional``. The other fields belong to kinds: ``status`` and ``retry_after``
    (seconds), ``seconds``, ``content_type``, ``violation`` and the ``field`` that it breaks.
    """

    id: int
    kind: FaultKind
    operation: str | None = None
    times: int | None = 1
    probability: float = 1.0
    optional: bool = False
    status: int = 500
    retry_after: int | None = None
    seconds: float = 0.0
    content_type: str = "text/html"
    violation: str = "drop-required-field"
    field: str | None = None

    def __str__(self) -> str:
        """Say what goes wrong where, and how often at most."""
        what = f"{self.kind} {self.status}" if self.kind is FaultKind.STATUS else self.kind.value
        often = "always" if self.times is None else counted(self.times, "time")
        return f"{what} of {self.operation or 'any operation'}, {often}"


class Striking(TypedDict, total=False):
    """What every setter takes: how often and how likely a fault strikes, and whether it may strike never.

    ``times`` is 1 or more (default: 1), None for always; ``probability`` is 0 to 1 (default: 1); ``optional`` (default:
    False) lets a test pass whose fault nothing met.
    """

    times: int | None
    probability: float
    optional: bool


class Faults:
    """The faults that are set. Of those that match a request, the one set first strikes; one a request.

    ``operation`` is a label like ``GET /me``, None for any; ``further`` returns those of other APIs. Setters raise
    :class:`SandboxError` for what no fault has.
    """

    def __init__(self, draw: Callable[[str, int], float], further: Callable[[], Collection[str]] = tuple) -> None:
        self._draw = draw
        self._further = further
        self._ids = itertools.count(1)
        self._set: dict[int, Fault] = {}
        self._struck: Counter[int] = Counter()
        self._drawn: Counter[int] = Counter()
        self._lock = threading.Lock()

    def status(
        self,
        status: int,
        operation: str | None = None,
        *,
        retry_after: int | None = None,
        **how: Unpack[Striking],
    ) -> Fault:
        """Answer ``status`` (200 to 599) with an error document; ``retry_after`` seconds become a header.

        Nothing is carried out. The same in-process and over HTTP.
        """
        return self.add(FaultKind.STATUS, status=status, retry_after=retry_after, operation=operation, **how)

    def delay(self, seconds: float, operation: str | None = None, **how: Unpack[Striking]) -> Fault:
        """Answer ``seconds`` (0 to 300, real ones) later: they pass before the request is carried out.

        In-process nothing measures the wait, so that no timeout of a client strikes (:meth:`time_out` has it strike);
        over HTTP the client's own may.
        """
        return self.add(FaultKind.DELAY, seconds=seconds, operation=operation, **how)

    def reset(self, operation: str | None = None, **how: Unpack[Striking]) -> Fault:
        """End the connection; nothing is carried out.

        In-process ``ReadError``; over HTTP a reset connection.
        """
        return self.add(FaultKind.RESET, operation=operation, **how)

    def lose_answer(self, operation: str | None = None, **how: Unpack[Striking]) -> Fault:
        """Carry the request out, and end the connection before the answer.

        In-process ``ReadError``; over HTTP a reset connection.
        """
        return self.add(FaultKind.LOST_ANSWER, operation=operation, **how)

    def time_out(self, operation: str | None = None, **how: Unpack[Striking]) -> Fault:
        """Carry the request out, and never answer.

        In-process ``ReadTimeout`` at once; over HTTP the server is silent until the client gives up, at most 300
        seconds.
        """
        return self.add(FaultKind.TIMEOUT, operation=operation, **how)

    def truncate(self, operation: str | None = None, **how: Unpack[Striking]) -> Fault:
        """Carry the request out, and end the connection after half the answer's body.

        In-process ``RemoteProtocolError``; over HTTP a reset connection.
        """
        return self.add(FaultKind.TRUNCATED, operation=operation, **how)

    def content_type(self, content_type: str, operation: str | None = None, **how: Unpack[Striking]) -> Fault:
        """Carry the request out, and announce its answer as ``content_type``.

        The same in-process and over HTTP.
        """
        return self.add(FaultKind.CONTENT_TYPE, content_type=content_type, operation=operation, **how)

    def violate(
        self, violation: str, operation: str | None = None, *, field: str | None = None, **how: Unpack[Striking]
    ) -> Fault:
        """Carry the request out, and have its answer break the contract in the way that ``violation`` names.

        The same in-process and over HTTP. ``field`` is the property to break, where the way has a choice. An answer
        that has nothing to break in this way is left as it is, and does not count.
        """
        return self.add(FaultKind.VIOLATION, violation=violation, field=field, operation=operation, **how)

    def duplicate(self, operation: str | None = None, **how: Unpack[Striking]) -> Fault:
        """Carry the request out twice, and give the second answer.

        The same in-process and over HTTP.
        """
        return self.add(FaultKind.DUPLICATE, operation=operation, **how)

    def add(self, kind: FaultKind | str, /, **details: Any) -> Fault:
        """Set a fault of ``kind``, such as ``"lost-answer"``: what the setter of each kind does, with what it takes.

        Raises :class:`SandboxError` for a kind that there is none of, and for details that the kind does not take.
        """
        try:
            kind = FaultKind(kind)
        except ValueError:
            raise SandboxError(f"{kind!r} is no kind of fault; write one of: {', '.join(FaultKind)}") from None
        own = DETAILS.get(kind, ())
        known = (*own, "operation", *Striking.__annotations__)
        if own and own[0] not in details:
            raise SandboxError(f"a {kind} fault has a {own[0]}; give one")
        for name, value in details.items():
            if name not in known:
                raise SandboxError(f"a {kind} fault takes no {name!r}; write one of: {', '.join(known)}")
            types, check, words = ARGUMENTS[name]
            is_further = name == "operation" and isinstance(value, str) and value in self._further()
            # True is an int to Python, and no number to whoever reads the test
            is_sound = isinstance(value, types) and (bool in types or not isinstance(value, bool))
            if not is_sound or not (is_further or check(value)):
                raise SandboxError(f"{name}={value!r} of a {kind} fault cannot be; write {words}")
        with self._lock:
            fault = Fault(next(self._ids), kind, **details)
            self._set[fault.id] = fault
            return fault

    def end(self) -> list[Fault]:
        """Take all faults away because their test ends; return those that nothing met.

        One that is optional, or that strikes with a probability below 1, is not among them.
        """
        with self._lock:
            there, self._set = self._set.values(), {}
        return [each for each in there if not (each.optional or each.probability < 1 or self._struck[each.id])]

    @contextmanager
    def set_aside(self) -> Iterator[None]:
        """Have no fault strike in a ``with`` block, of which the test that set them is not the sender."""
        with self._lock:
            aside, self._set = self._set, {}
        try:
            yield
        finally:
            with self._lock:
                self._set = aside | self._set

    def clear(self) -> None:
        """Take all faults away."""
        with self._lock:
            self._set.clear()

    def remove(self, id: int) -> None:
        """Take the fault with ``id`` away; raises :class:`SandboxError` for an unknown one."""
        with self._lock:
            if id not in self._set or self._is_spent(self._set.pop(id)):
                raise SandboxError(f"no fault has the id {id}; list the faults to see which there are")

    def struck(self, id: int) -> int:
        """Return how often the fault with ``id`` has struck."""
        return self._struck[id]

    def all(self) -> list[Fault]:
        """Return the faults that can still strike."""
        with self._lock:
            return [fault for fault in self._set.values() if not self._is_spent(fault)]

    def take(self, operation: str) -> Fault | None:
        """Return the fault that strikes a request of ``operation``, counted as struck; ``None`` for none."""
        with self._lock:
            for fault in self._set.values():
                if fault.operation not in (None, operation) or self._is_spent(fault):
                    continue
                self._drawn[fault.id] += 1
                if self._draw(f"fault-{fault.id}", self._drawn[fault.id]) >= fault.probability:
                    continue
                self._struck[fault.id] += 1
                return fault
        return None

    def give_back(self, fault: Fault) -> None:
        """Undo :meth:`take`: the fault found nothing to do, and keeps its place unless it was taken away meanwhile."""
        with self._lock:
            self._struck[fault.id] -= 1

    def _is_spent(self, fault: Fault) -> bool:
        return self._struck[fault.id] == fault.times


DETAILS: Final[Mapping[str, tuple[str, ...]]] = {
    FaultKind.STATUS: ("status", "retry_after"),
    FaultKind.DELAY: ("seconds",),
    FaultKind.CONTENT_TYPE: ("content_type",),
    FaultKind.VIOLATION: ("violation", "field"),
}
"""What a fault of a kind has beyond what every fault has; the first one must be given."""

SETTERS: Final[Mapping[FaultKind, Callable[..., Fault]]] = {
    FaultKind.STATUS: Faults.status,
    FaultKind.DELAY: Faults.delay,
    FaultKind.RESET: Faults.reset,
    FaultKind.LOST_ANSWER: Faults.lose_answer,
    FaultKind.TIMEOUT: Faults.time_out,
    FaultKind.TRUNCATED: Faults.truncate,
    FaultKind.CONTENT_TYPE: Faults.content_type,
    FaultKind.VIOLATION: Faults.violate,
    FaultKind.DUPLICATE: Faults.duplicate,
}
"""What sets a fault of each kind; its docstring says what a client sees."""

Document = dict[str, Any]

# what the specification requires in one answer or another, most telling first
_REQUIRED: Final = ("apiKey", "clientKey", "itemsTotal", "errorCode", "domain")
_WRONG: Final[Mapping[str, Any]] = {
    "active": "true",
    "itemsTotal": "many",
    "status": "422",
    "apiKey": 1234567890,
    "clientKey": 1234567890,
    "domain": ["https://example.com"],
}


def _changing(
    usual: Iterable[str], change: Callable[[Document, str], Any], *, may_name: bool = True
) -> Callable[[Document, str | None], Any]:
    """Return the way that makes ``change`` to the property asked for, or to the first of the ``usual`` ones.

    ``may_name`` tells whether a property can be asked for.
    """

    def violate(document: Document, field: str | None) -> Document | None:
        # the answer itself first, then the first item of a list: that is where lists keep what they require
        copy = {**document, "data": [dict(item) for item in document["data"]]} if "data" in document else dict(document)
        for target in (copy, *copy.get("data", [])[:1]):
            for name in (field,) if field and may_name else usual:
                if name in target:
                    change(target, name)
                    return copy
        return None

    return violate


VIOLATIONS: Final[Mapping[str, Callable[[Document, str | None], Any]]] = {
    "drop-required-field": _changing(_REQUIRED, lambda target, name: target.pop(name)),
    "extra-field": lambda document, field: {**document, field or "undocumentedProperty": "something new"},
    "wrong-type": _changing(_WRONG, lambda target, name: target.update({name: _WRONG.get(name, {"unexpected": True})})),
    "null-field": _changing(_REQUIRED, lambda target, name: target.update({name: None})),
    "renamed-field": _changing(_REQUIRED, lambda target, name: target.update({name.upper(): target.pop(name)})),
    "long-description": _changing(
        ["username"], lambda target, _: target.update({"description": "x" * 51}), may_name=False
    ),
    "wrong-items": _changing(["roles", "data", "invalidFields"], lambda target, name: target.update({name: [1]})),
    "int32-overflow": _changing(["itemsTotal", "status"], lambda target, name: target.update({name: 2**31})),
    "array-body": lambda document, _: [document],
}
"""The ways for an answer to break the contract, by name, so that drift can be rehearsed.

Each takes the document and, where it makes sense, the property to break; it returns the broken document, or ``None``
where the document has nothing to break in this way.
"""

VIOLATION_TEXTS: Final[Mapping[str, str]] = {
    "drop-required-field": "leaves out a required property",
    "extra-field": "adds a property that the contract does not have",
    "wrong-type": "gives a property a value of another type",
    "null-field": "gives a required property the value null",
    "renamed-field": "writes a required property's name in capitals",
    "long-description": "gives a credential, which is known by its username, a description of 51 characters",
    "wrong-items": "gives an array an item of another type",
    "int32-overflow": "gives a 32-bit integer a larger value",
    "array-body": "puts the answer inside an array",
}
"""What each of :data:`VIOLATIONS` does to an answer."""

ARGUMENTS: Final[Mapping[str, tuple[tuple[type, ...], Callable[[Any], bool], str]]] = {
    "operation": ((str, NoneType), lambda v: v is None or v in served(), "a label like 'GET /me', or None for any"),
    "times": ((int, NoneType), lambda v: v is None or v >= 1, "1 or more, or None for always"),
    "probability": ((int, float), lambda v: 0 <= v <= 1, "a number from 0 to 1"),
    "optional": ((bool,), lambda v: True, "True or False"),
    "status": ((int,), lambda v: 200 <= v <= 599, "a final HTTP status, a number from 200 to 599"),
    "retry_after": ((int, NoneType), lambda v: v is None or v >= 0, "whole seconds, 0 or more, or None"),
    "seconds": ((int, float), lambda v: 0 <= v <= LONGEST_DELAY, f"seconds, 0 to {LONGEST_DELAY:.0f}"),
    "content_type": ((str,), lambda v: v.isascii() and v.isprintable(), "printable ASCII like 'text/html'"),
    "violation": ((str,), lambda v: v in VIOLATIONS, f"one of {', '.join(VIOLATIONS)}"),
    "field": ((str, NoneType), lambda v: True, "the name of a property, or None for the usual one"),
}
"""What each argument of a setter must be: its types, a check, and the words for both."""
