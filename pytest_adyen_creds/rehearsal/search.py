"""The search: in few runs of a test, a verdict for each variation, and the smallest one that breaks it.

What can happen in one run happens in one: where the test passes, it survived all of it. Where it does not, the halves
are tried, until each that breaks it alone is found.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Literal

from pytest_adyen_creds.rehearsal.variation import KINDS, Variation

_Set = tuple[Variation, ...]
"""What happens in one run."""


@dataclass(frozen=True)
class Outcome:
    """What became of one run of a test: the ids of the variations that happened, and its error where it ``failed``.

    ``unclear``: it says nothing, for the reason ``error``. ``note`` is what went wrong though the test passed.
    """

    state: Literal["passed", "failed", "unclear"]
    met: frozenset[str] = frozenset()
    error: str = ""
    where: str = ""
    by: str = ""
    note: str | None = None
    answers: int = 0


@dataclass
class Found:
    """What a search has found: for each variation, or set of them, the run that says it."""

    outcomes: dict[_Set, Outcome] = field(default_factory=dict)
    runs: int = 0
    left: list[Variation] = field(default_factory=list)
    """Those that no run was left for."""
    unmet: list[Variation] = field(default_factory=list)
    """Those that did not happen when the test ran again."""
    unclear: dict[str, int] = field(default_factory=dict)
    """Why runs said nothing, and of how many variations."""
    chance: int = 0
    """How many runs failed and did not when they were made again."""
    problem: str = ""


class Search:
    """A search over the variations of one test. ``run`` runs it with some of them; ``most`` runs are made."""

    def __init__(self, run: Callable[[Sequence[Variation]], Outcome], most: int) -> None:
        self._run = run
        self._most = most
        self._has_failed = False
        self._is_controlled = False
        """Whether no run has been made since the last control."""
        self._broken: dict[_Set, Outcome] = {}
        """The sets that broke the test, to be taken apart."""
        self.found = Found()

    def over(self, variations: Iterable[Variation]) -> Found:
        """Return what becomes of each of ``variations``."""
        sets: deque[_Set] = deque()
        alone: deque[_Set] = deque()
        for group in groups_of(variations):
            (sets if len(group) > 1 else alone).append(group)
        while (sets or alone) and not self.found.problem:
            # in turns, so that what can only happen alone is not left to the last
            queue = sets if sets and (self.found.runs % 2 == 0 or not alone) else alone
            group = queue.popleft()
            if self.found.runs >= (self._most - 1 if self._most > 1 else self._most):  # the last is for a control
                self.found.left += group
                continue
            outcome = self._outcome(group)
            if outcome is not None:
                now, later = self._take(group, outcome)
                sets.extendleft(reversed(now))
                sets.extend(later)
        if self._has_failed and not self.found.problem and (self._is_controlled or self._control()):
            self._note_what_breaks_together()
        return self.found

    def _outcome(self, group: _Set) -> Outcome | None:
        self.found.runs += 1
        self._is_controlled = False
        outcome = self._run(group)
        if outcome.state == "failed" and not self._has_failed:
            self._has_failed = True
            if not self._control():
                return None
        return outcome

    def _control(self) -> bool:
        """Run the test with nothing otherwise: where it fails now, no failure says anything."""
        self.found.runs += 1
        self._is_controlled = True
        control = self._run(())
        if control.state == "passed":
            return True
        at = f" ({control.where})" if control.where else ""
        self.found.problem = (
            f"it cannot be run twice: with nothing otherwise it fails when it runs again: {control.error}{at}"
        )
        self.found.outcomes.clear()
        return False

    def _take(self, group: _Set, outcome: Outcome) -> tuple[list[_Set], list[_Set]]:
        """Note what ``outcome`` says of ``group``, and return what is to be run for the rest, now and later."""
        met = tuple(each for each in group if each.id in outcome.met)
        unmet = tuple(each for each in group if each.id not in outcome.met)
        if outcome.state == "unclear":
            if len(group) > 1:
                return _parts(group)
            self.found.unclear[outcome.error] = self.found.unclear.get(outcome.error, 0) + 1
        elif outcome.state == "passed" and not outcome.answers and not met:
            self.found.problem = (
                "it cannot be run twice: it asks nothing the second time; a cache, or a fixture of wider scope, keeps "
                "the answers of the first"
            )
        elif outcome.state == "passed":
            self.found.outcomes.update({(each,): outcome for each in met})
            if met and unmet:
                return [unmet], []
            self.found.unmet += unmet
        elif len(group) == 1:
            self.found.outcomes[group] = outcome
        else:
            self._broken[group] = outcome
            return _parts(group)
        return [], []

    def _note_what_breaks_together(self) -> None:
        """Note the smallest sets that break the test though none is known of theirs that does it alone."""
        broken = [set(group) for group, outcome in self.found.outcomes.items() if outcome.state == "failed"]
        left = set(self.found.left)
        for group in sorted(self._broken, key=len):
            if any(each <= set(group) for each in broken):
                continue
            if left.isdisjoint(group):  # each alone was survived: was it chance?
                self.found.runs += 1
                if self._run(group).state != "failed":
                    self.found.chance += 1
                    continue
            self.found.outcomes[group] = self._broken[group]
            broken.append(set(group))


def groups_of(variations: Iterable[Variation]) -> Iterator[_Set]:
    """Yield sets of variations that can happen in one run, those first that say most."""
    together: list[list[Variation]] = []
    alone: list[Variation] = []
    for each in variations:
        if each.must != "must-survive" or not each.is_of_answers:
            alone.append(each)
            continue
        group = next((one for one in together if all(each.is_beside(other) for other in one)), None)
        if group is None:
            together.append([each])
        else:
            group.append(each)
    yield from map(tuple, together)
    for each in spread(alone):
        yield (each,)


def spread(variations: Iterable[Variation]) -> Iterator[Variation]:
    """Yield ``variations`` so that each kind, operation and change comes before any comes again."""
    by_kind: dict[str, dict[tuple[str, int], dict[str, list[Variation]]]] = {kind: {} for kind in KINDS}
    for each in variations:
        place = by_kind[each.kind].setdefault((each.operation, each.number), {})
        place.setdefault(each.change, []).append(each)
    kinds = (_turns([_turns(changes.values()) for changes in places.values()]) for places in by_kind.values())
    yield from _turns(kinds)


def _turns(lists: Iterable[Iterable[Variation]]) -> Iterator[Variation]:
    """Yield the first of each list, then the second of each, and so on."""
    for row in zip_longest(*lists):
        yield from (each for each in row if each is not None)


def _parts(group: _Set) -> tuple[list[_Set], list[_Set]]:
    """Return the parts of ``group``, those to be run now and later: by change, or of one change in halves."""
    by_change: dict[str, list[Variation]] = {}
    for each in group:
        by_change.setdefault(f"{each.date}{each.change}", []).append(each)
    if len(by_change) > 1:
        return [tuple(each) for each in by_change.values()], []
    middle = (len(group) + 1) // 2
    return [group[:middle]], [group[middle:]]
