"""Verdicts of a rehearsal: what became of a test when something was otherwise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

from pytest_adyen_creds.contract.baseline import Subject

Word = Literal["survived", "noticed", "broke", "silent"]
WORDS: Final[tuple[Word, ...]] = ("broke", "silent", "noticed", "survived")
"""The verdicts, the worst first."""

BROKE: Final = "rehearsal-broke"
SILENT: Final = "rehearsal-silent"
UNEXPECTED: Final = "rehearsal-unexpected"
FINDINGS: Final = {
    BROKE: "a test that must survive what was otherwise did not, or created something twice, or asked without end",
    SILENT: "a test passed though it must notice what was otherwise, or a request failed and nothing asked again",
    UNEXPECTED: "the verdict is not the one that the test's mark says is meant",
}
"""The ids of verdicts that count, and what each means."""
SEVERAL: Final = "several"
"""The change of a verdict on several variations together."""

_NEXT: Final = {
    "property-added": "let the parser ignore properties that it does not know",
    "properties-reordered": "take properties by name, not by place",
    "items-reordered": "look an item up by what it is, not by its place in the list",
    "enum-value-added": "have a default for values that the code does not know",
    "role-added": "let roles pass that the code does not know",
    "id-form-changed": "take an id as any text, and store it in full",
    "page-added": "follow the links to further pages",
    "headers-added": "let headers pass that the code does not know",
    "slashes-escaped": "parse the body as JSON, not as text",
    "deviation-shown": "take what the platform is known to answer: a property more, or one less",
    "deviation-ended": "do without what the document does not promise",
    "optional-property-removed": "read it with a default: the contract does not promise it",
    "list-emptied": "have the code take an empty list",
    "required-property-removed": "validate the answer where it comes in, and raise an error that says what is missing",
    "type-changed": "validate the answer where it comes in, and raise an error that says what is wrong",
    "became-null": "validate the answer where it comes in, and raise an error that says what is wrong",
    "error-with-200": "look for errorCode in the body before the rest of it is used",
    "html": "look at the content type before the body is used",
    "truncated": "let the JSON parser's error through",
    "api-key-rotated": "read the key anew before each request",
    "api-key-expired": "read the key anew before each request, or after a 401",
    "client-key-rotated": "read the client key anew where it is used",
    "client-key-expired": "read the client key anew where it is used",
}
_NEXT_BY_CLASS: Final = {
    "must-survive": "have the code go on without it",
    "must-notice": "have the code raise an error of its own",
    "must-handle": "raise an error, or ask again: at once for a reset, after a pause for 401, 429 and 500",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a test when one thing was otherwise; or several, where only together they do it.

    ``kind``, ``must`` (the class) and the places are those of the variation, whose name is ``id``. ``error`` is the
    client's own, in one line, and ``where`` the place in the user's code that raised it (``FILE:LINE``); both are empty
    where the test passed. ``accepted`` is why it does not count, empty where it does.
    """

    test: str
    id: str
    kind: str
    must: str
    change: str
    operation: str
    status: int | None
    location: str
    text: str
    word: Word
    error: str = ""
    where: str = ""
    by: str = ""
    """Which function raised the error."""
    expected: str = ""
    """The verdict that the test's mark says is meant; empty where it says none."""
    accepted: str = ""

    @property
    def finding(self) -> str:
        """The id of the finding that it is; empty where it is right, or meant."""
        if self.expected:
            return "" if self.word == self.expected else UNEXPECTED
        if self.word == "broke":
            return BROKE
        return SILENT if self.word == "silent" else ""

    @property
    def counts(self) -> bool:
        """Whether it is a finding that nobody has accepted."""
        return bool(self.finding) and not self.accepted

    @property
    def next_step(self) -> str:
        """What to do about it."""
        if self.finding == UNEXPECTED:
            return f"the mark of the test says {self.expected}: correct it"
        if self.change == SEVERAL:
            return "find which of them it is with more runs (adyen_rehearse_max), or take them for one"
        if "created twice" in self.error:
            return "send an Idempotency-Key, the same one when the request is sent again"
        return _NEXT.get(self.change.partition(":")[0], _NEXT_BY_CLASS[self.must])

    @property
    def subject(self) -> Subject:
        """What a baseline can accept; its message is the change."""
        return Subject(self.finding, self.operation, self.status, self.location, self.change)

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON object, as reports have it."""
        value = asdict(self)
        for ours, theirs in (("must", "class"), ("text", "mutation"), ("word", "verdict")):
            value[theirs] = value.pop(ours)
        return {**value, "finding": self.finding, "next_step": self.next_step if self.finding else ""}


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """One test that was rehearsed, or could not be: in how many ``runs``, with how many variations ``left`` unrun.

    ``problem`` says why there are no verdicts, or not all.
    """

    test: str
    runs: int = 0
    left: int = 0
    problem: str = ""


@dataclass
class Rehearsal:
    """The verdicts of a run, and the tests that were rehearsed."""

    verdicts: list[Verdict] = field(default_factory=list)
    tests: list[Rehearsed] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)
    """The tests that passed on Adyen's answers out of vcrpy's cassettes, and that nothing says to rehearse."""
    is_asked_for: bool = False
    """Whether this run's command line asks for a rehearsal, so that having rehearsed no test is news."""

    @property
    def has_news(self) -> bool:
        """Whether there is anything to say at the end."""
        return bool(self.tests or self.passed_over or self.is_asked_for)

    def by_test(self) -> Iterator[tuple[Rehearsed, list[Verdict]]]:
        """Yield each test with its verdicts, the worst test first."""
        found: dict[str, list[Verdict]] = {each.test: [] for each in self.tests}
        for verdict in self.verdicts:
            found[verdict.test].append(verdict)
        ranks = {each.test: _rank(each, found[each.test]) for each in self.tests}
        for each in sorted(self.tests, key=lambda each: (*ranks[each.test], each.test)):
            yield each, sorted(found[each.test], key=lambda one: (not one.counts, WORDS.index(one.word)))

    def findings(self) -> list[Verdict]:
        """Return the verdicts that count."""
        return [each for each in self.verdicts if each.counts]

    def counts(self) -> Counter[str]:
        """Return how many variations had which verdict."""
        return Counter(each.word for each in self.verdicts)

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON object, for another process."""
        return {
            "verdicts": list(map(asdict, self.verdicts)),
            "tests": list(map(asdict, self.tests)),
            "passed_over": self.passed_over,
        }

    def merge(self, value: dict[str, Any]) -> None:
        """Add what another process wrote with :meth:`to_json`."""
        self.verdicts += [Verdict(**each) for each in value["verdicts"]]
        self.tests += [Rehearsed(**each) for each in value["tests"]]
        self.passed_over += value["passed_over"]


def fails(verdicts: Iterable[Verdict], mode: str) -> list[Verdict]:
    """Return those of ``verdicts`` that are failures by ``--adyen-rehearse-fail``."""
    counting = [each for each in verdicts if each.counts and mode != "none"]
    return [each for each in counting if mode == "all" or (each.must != "must-notice" and each.word == "broke")]


def _rank(test: Rehearsed, verdicts: list[Verdict]) -> tuple[int, int, int]:
    counting = Counter(each.finding for each in verdicts if each.counts)
    return -counting[BROKE], -counting[SILENT] - counting[UNEXPECTED], 0 if test.problem else 1
