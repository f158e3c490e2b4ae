"""The index of a recording: which recorded answer a request gets, in constant time and whatever the order."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final

from pytest_adyen_creds.cassettes.canonical import CanonicalRequest, canonical_request
from pytest_adyen_creds.cassettes.model import Interaction

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_ISSUED: Final = re.compile(rb"AQEPSEUDONYM\d+|(?:test|live)_PSEUDONYM\d+|Pseudonym-\d+")


@dataclass(slots=True)
class _Answers:
    """Strictly private. What was recorded for one request, in order, and how much of it has been played."""

    asked: CanonicalRequest
    numbers: list[int] = field(default_factory=list)
    played: int = 0

    @property
    def is_spent(self) -> bool:
        return self.played >= len(self.numbers)

    @property
    def next(self) -> int:
        return self.numbers[min(self.played, len(self.numbers) - 1)]


class _Aliases:
    """Strictly private. Names that a test uses for what the recording calls otherwise, each for one of its own."""

    def __init__(self) -> None:
        self._recorded: dict[str, str] = {}
        self._taken: set[str] = set()
        self._themselves: set[str] = set()

    def get(self, name: str) -> str:
        return self._recorded.get(name, name)

    def is_bound(self, name: str) -> bool:
        return name in self._recorded

    def is_taken(self, recorded: str) -> bool:
        return recorded in self._taken

    def is_itself(self, recorded: str) -> bool:
        return recorded in self._themselves

    def bind(self, name: str, recorded: str) -> None:
        if name == recorded:
            self._themselves.add(name)
        elif name not in self._recorded:
            self._recorded[name] = recorded
            self._taken.add(recorded)


class Playback:
    """Finds the recorded answer to a request.

    The n-th time the same request is made, it gets the n-th answer recorded for it. After the last one, a reading
    request (GET, HEAD, OPTIONS) gets that one again, and a changing request nothing.

    An account or a credential that the recording does not know stands for a recorded one: the first that fits, and
    from then on for that one alone. One that it knows stands for itself, and another for it only where nothing else
    fits; a credential that :meth:`keep` names stands for itself alone.
    """

    def __init__(self, interactions: Iterable[Interaction]) -> None:
        self.interactions = tuple(interactions)
        self._answers: dict[tuple[Any, ...], dict[tuple[Any, ...], _Answers]] = {}
        self._accounts: set[str] = set()
        self._credentials: set[str] = set()
        self._kept: set[str] = set()
        self._account_aliases, self._credential_aliases = _Aliases(), _Aliases()
        self._lock = threading.Lock()
        for number, interaction in enumerate(self.interactions):
            self._add(number, request_of(interaction))

    def _add(self, number: int, asked: CanonicalRequest) -> None:
        variants = self._answers.setdefault(asked.key, {})
        facets = (asked.accounts, asked.credential, asked.media_type)
        variants.setdefault(facets, _Answers(asked)).numbers.append(number)
        self._accounts.update(asked.accounts)
        if asked.credential is not None:
            self._credentials.add(asked.credential)

    def has(self, asked: CanonicalRequest) -> bool:
        """Tell whether :meth:`take` would answer; nothing is used up."""
        with self._lock:
            return self._find(asked) is not None

    def take(self, asked: CanonicalRequest) -> Interaction | None:
        """Return the recorded interaction that answers ``asked`` now, and use it up; ``None`` where there is none."""
        with self._lock:
            answers = self._find(asked)
            if answers is None:
                return None
            number = answers.next
            answers.played += 1
            if answers.asked is not asked:
                self._bind(asked, answers.asked)
            return self.interactions[number]

    def let_stand_for(self, credential: str, recorded: str) -> None:
        """Let ``credential`` (a key) stand for ``recorded`` from the start, where the recording knows that one."""
        with self._lock:
            if recorded in self._credentials and credential not in self._credentials:
                self._credential_aliases.bind(credential, recorded)

    def keep(self, accounts: Iterable[str], credentials: Iterable[str]) -> None:
        """Let recorded names stand for themselves from the start: the test is given them, so it asks by them.

        What another credential asks has none of their answers: the test has these, so the other is a wrong one.
        """
        with self._lock:
            for name in accounts:
                self._account_aliases.bind(name, name)
            self._kept.update(credentials)

    def is_kept(self, credential: str) -> bool:
        """Tell whether the test is given ``credential``."""
        return credential in self._kept

    def translated(self, asked: CanonicalRequest) -> CanonicalRequest:
        """Return ``asked`` with the recorded names of the accounts and the credential that stand for others."""
        return replace(
            asked,
            accounts=tuple(map(self._account_aliases.get, asked.accounts)),
            credential=asked.credential and self._credential_aliases.get(asked.credential),
        )

    def times_recorded(self, asked: CanonicalRequest) -> int:
        """Return how many answers were recorded for a request with this method, place, query and body."""
        return sum(len(answers.numbers) for answers in self._answers.get(asked.key, {}).values())

    def _find(self, asked: CanonicalRequest) -> _Answers | None:
        variants = self._answers.get(asked.key)
        if variants is None:
            return None
        accounts = tuple(map(self._account_aliases.get, asked.accounts))
        credential = asked.credential and self._credential_aliases.get(asked.credential)
        exact = variants.get((accounts, credential, asked.media_type))
        if exact is not None and (not exact.is_spent or asked.method in _SAFE):
            return exact
        best: tuple[tuple[int, int, int, int], _Answers] | None = None
        for answers in variants.values():
            rank = self._rank(answers, asked)
            if rank is not None and (best is None or rank < best[0]):
                best = rank, answers
        return best and best[1]

    def _rank(self, answers: _Answers, asked: CanonicalRequest) -> tuple[int, int, int, int] | None:
        if answers.is_spent and asked.method not in _SAFE:
            return None
        accounts = self._fits_accounts(asked.accounts, answers.asked.accounts)
        credential = self._fits_credential(asked.credential, answers.asked.credential)
        if accounts is None or credential is None:
            return None
        return accounts, credential, int(answers.asked.media_type != asked.media_type), int(answers.is_spent)

    def _fits_accounts(self, asked: tuple[str, ...], recorded: tuple[str, ...]) -> int | None:
        if len(asked) != len(recorded):
            return None
        strangers = 0
        for name, other in zip(asked, recorded, strict=True):
            if self._account_aliases.get(name) == other:
                continue
            if name in self._accounts or self._account_aliases.is_bound(name) or self._account_aliases.is_taken(other):
                return None
            strangers += 1 + len(asked) * self._account_aliases.is_itself(other)
        return strangers

    def _fits_credential(self, asked: str | None, recorded: str | None) -> int | None:
        if recorded is None or asked is None:
            # a recording without any credential was made by a tool that drops them: it tells none apart
            return 0 if recorded == asked or (recorded is None and not self._credentials) else None
        if self._credential_aliases.get(asked) == recorded:
            return 0
        if recorded in self._kept or asked in self._credentials:
            return None
        if self._credential_aliases.is_bound(asked) or self._is_issued(asked):
            return None
        if self._credential_aliases.is_taken(recorded) or self._credential_aliases.is_itself(recorded):
            return 3
        return 2 if self._is_issued(recorded) else 1

    def _bind(self, asked: CanonicalRequest, recorded: CanonicalRequest) -> None:
        for name, other in zip(asked.accounts, recorded.accounts, strict=True):
            self._account_aliases.bind(name, other)
        if asked.credential and recorded.credential:
            self._credential_aliases.bind(asked.credential, recorded.credential)

    def _is_issued(self, credential: str) -> bool:
        return credential in self._issued or credential.partition(":")[2] in self._issued

    @cached_property
    def _issued(self) -> frozenset[str]:
        bodies = (interaction.response_body for interaction in self.interactions)
        return frozenset(found.decode() for body in bodies for found in _ISSUED.findall(body))


def request_of(interaction: Interaction) -> CanonicalRequest:
    """Return the request of a recorded ``interaction`` in canonical form."""
    return canonical_request(
        interaction.method,
        interaction.uri,
        interaction.request_header("x-api-key"),
        interaction.request_header("authorization"),
        interaction.request_header("content-type"),
        interaction.request_body,
    )
