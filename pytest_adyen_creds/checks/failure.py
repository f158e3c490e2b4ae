"""Check failures: what a person needs in order to act on one; nothing in them is secret."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any, Final

from pytest_adyen_creds.contract.finding import Finding
from pytest_adyen_creds.errors import AdyenCredsError
from pytest_adyen_creds.text import printed

_NUMBER: Final = re.compile(r"/[0-9]+(?=/|$)")


class NotReached(AdyenCredsError):
    """A sequence cannot be judged in this run: none of it may be sent, or it could not go on; the message says why."""


@dataclass(frozen=True, slots=True)
class CheckFailure:
    """One check that an exchange failed; nothing in it is secret.

    ``pointer`` is the JSON Pointer of the place in the body, ``next_step`` says what to do about it. ``rule`` is what
    the check holds answers to, with its document. ``curl`` and ``code`` send the request again, ``answer`` is what came
    back, ``replay`` the command that judges this exchange again.
    """

    operation: str
    status: int
    check: str
    pointer: str
    message: str
    next_step: str
    source: str = ""
    """Which recording or generated case the exchange came from."""
    rule: str = ""
    curl: str = ""
    code: str = ""
    answer: str = ""
    replay: str = ""
    count: int = 1
    """How many exchanges of a run failed the same."""
    tests: tuple[str, ...] = ()
    """The names of the tests that met it."""
    finding: Finding | None = None
    """What departs from the contract, where that is what failed; None for a broken rule."""

    @property
    def key(self) -> tuple[str, ...]:
        """What makes two failures one departure: operation, status, check and place, whatever the values there."""
        return (self.operation, str(self.status), self.check, _NUMBER.sub("/*", self.pointer))

    def to_json(self) -> dict[str, Any]:
        """Return the failure as a JSON object; what is a finding stands among the findings."""
        value = asdict(self)
        del value["finding"]
        return value

    def __str__(self) -> str:
        place = f" ({self.source})" if self.source else ""
        rule = f"\n  rule: {self.rule}" if self.rule else ""
        return (
            f"{self.operation} -> {self.status}{place}\n  {self.check}: {self.message}{rule}\n  next: {self.next_step}"
        )


_MORE: Final = 4
"""How many more places of one exchange are named."""


def explain(failures: list[CheckFailure]) -> str:
    """Return the failures of one test as text: one by check, the first with what was sent and what came back."""
    by_check: dict[str, list[CheckFailure]] = {}
    for failure in failures:
        by_check.setdefault(failure.check, []).append(failure)
    parts = []
    for number, (first, *more) in enumerate(by_check.values()):
        here = [each for each in more if each.source == first.source]
        place, message, *rest = str(first).splitlines()
        lines = [place, message, *(f"  also: {each.message}" for each in here[:_MORE]), *rest]
        if len(more) > len(here[:_MORE]):
            lines.append(f"  also: {len(more) - len(here[:_MORE])} more of this check")
        parts.append("\n".join(lines))
        if number == 0:
            parts += _evidence(first)
    return "\n".join(map(printed, "\n\n".join(parts).splitlines()))


def _evidence(failure: CheckFailure) -> list[str]:
    titles = {
        "sent, as curl": failure.curl,
        "sent, as httpx code": failure.code,
        "came back": failure.answer,
        "judge it again": failure.replay,
    }
    return [f"{title}:\n{_indented(text)}" for title, text in titles.items() if text]


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
