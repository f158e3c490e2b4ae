"""The plugin of ``--adyen-rehearse``: it runs each test that passed again, and gives each variation its verdict."""

from __future__ import annotations

import gc
import sys
import time
import warnings
from collections import Counter
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

import pytest

from pytest_adyen_creds.cassettes.paths import is_recorded_elsewhere
from pytest_adyen_creds.cassettes.recorder import TALKING
from pytest_adyen_creds.checks.verdicts import SEVERAL, WORDS, Rehearsed, Verdict, fails
from pytest_adyen_creds.compat.hypothesis import few_examples
from pytest_adyen_creds.compat.pytest import (
    broken_before,
    fixture_names,
    remember_broken,
    run_again,
    unheard,
    with_hooks,
    write_line,
)
from pytest_adyen_creds.compat.vcrpy import plays_seen
from pytest_adyen_creds.errors import AdyenCredsError, in_words
from pytest_adyen_creds.rehearsal.effects import effects_of
from pytest_adyen_creds.rehearsal.hooks import Held, Watched
from pytest_adyen_creds.rehearsal.script import Script
from pytest_adyen_creds.rehearsal.search import Found, Outcome, Search
from pytest_adyen_creds.rehearsal.variation import KINDS, NAMES, Answered, Variation, variations_of
from pytest_adyen_creds.secrets import SECRETS
from pytest_adyen_creds.text import counted, plain

if TYPE_CHECKING:
    from pytest_adyen_creds.checks.results import Results

MARKER: Final = "adyen_rehearse"
TOGETHER: Final = " & "
"""Stands between the names of variations that break a test together."""

_QUIET: Final = 5.0
"""Seconds until a line tells how far a rehearsal is."""


@dataclass(frozen=True)
class Mark:
    """What a test's mark ``adyen_rehearse`` says.

    ``expect`` maps what a variation is called to the verdict that is meant; ``skip`` names those that are left out.
    A name is a kind, a class, a change, or the variation's own name, where ``*`` stands for anything.
    """

    expect: Mapping[str, str] = field(default_factory=dict)
    skip: tuple[str, ...] = ()

    @classmethod
    def of(cls, item: pytest.Item) -> Mark:
        """Return what the marks of ``item`` say together; raises :class:`AdyenCredsError` for what no mark says."""
        expect: dict[str, str] = {}
        skip: list[str] = []
        for mark in reversed(list(item.iter_markers(MARKER))):
            given = mark.kwargs
            if mark.args or given.keys() - {"expect", "skip"}:
                raise AdyenCredsError(
                    f"{item.nodeid}: write @pytest.mark.{MARKER}(expect={{NAME: VERDICT}}, skip=[NAME])"
                )
            wanted, left = given.get("expect", {}), given.get("skip", ())
            if not (
                isinstance(wanted, Mapping) and _are_texts(wanted) and all(one in WORDS for one in wanted.values())
            ):
                raise AdyenCredsError(
                    f"{item.nodeid}: expect of @pytest.mark.{MARKER} maps names to {', '.join(WORDS)}; correct it"
                )
            if not _are_texts(left):
                raise AdyenCredsError(f"{item.nodeid}: skip of @pytest.mark.{MARKER} is a list of names; correct it")
            for name in (*wanted, *left):
                _check_name(item, name)
            expect.update(wanted)
            skip += left
        return cls(expect, tuple(skip))

    def skips(self, variation: Variation) -> bool:
        """Return whether ``variation`` is left out."""
        return any(_means(name, variation) for name in self.skip)

    def expected(self, variation: Variation) -> str:
        """Return the verdict that is meant for ``variation``; empty where none is said. The last name counts."""
        return next((word for name, word in reversed(list(self.expect.items())) if _means(name, variation)), "")


def _talks(item: pytest.Item) -> bool:
    """Return whether what ``item`` asks Adyen is answered by a fixture, or played by another tool."""
    return not TALKING.isdisjoint(fixture_names(item)) or _is_played_by_another(item)


def _is_played_by_another(item: pytest.Item) -> bool:
    return is_recorded_elsewhere(item) and TALKING.isdisjoint(fixture_names(item))


def _are_texts(value: object) -> bool:
    return isinstance(value, Collection) and not isinstance(value, str) and all(isinstance(each, str) for each in value)


def _check_name(item: pytest.Item, name: str) -> None:
    """Raise :class:`AdyenCredsError` for a name that nothing can be called; those of variations have spaces."""
    if " " in name or "*" in name or name in NAMES:
        return
    alike = get_close_matches(name, NAMES, 1)
    meant = f"did you mean {alike[0]}? " if alike else ""
    raise AdyenCredsError(
        f"{item.nodeid}: @pytest.mark.{MARKER}: nothing is called {name!r}; {meant}there are {', '.join(NAMES)}, and "
        "the names that --adyen-rehearse prints"
    )


def _means(name: str, variation: Variation) -> bool:
    short = variation.change.partition(":")[0]
    return name in (variation.kind, variation.must, short, variation.id) or fnmatchcase(variation.id, name)


class RehearsalPlugin:
    """Rehearses the tests of one process. ``share`` processes have the session's budget together."""

    def __init__(self, results: Results, config: pytest.Config, share: int = 1) -> None:
        self.script: Script | None = None
        """What the traffic of the running test goes through."""
        self._results = results
        self._settings = results.settings
        self._config = config
        self._left = max(1, self._settings.rehearse_max[1] // share)
        self._busy = False
        self._broken = broken_before(config) if config.getoption("lf", False) else {}
        """What broke in the run before, by test, where only that is to run again."""
        self._said = time.monotonic()
        self._plays = False
        """Whether vcrpy has played an answer of Adyen's to the running test, which is not rehearsed."""
        option = config.option
        is_asked_for = bool(option.adyen_rehearse) and not (self._settings.rehearse_only or option.collectonly)
        results.rehearsal.is_asked_for = is_asked_for

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> Generator[None, object, object]:
        """Run a test, and where it passed, again and again; then say what became of the first run."""
        if self._busy:
            return (yield)
        if not _talks(item):
            try:
                with plays_seen(self._see):
                    return (yield)
            finally:
                self._plays = False
        script = self.script = Script(self._results.operation_of)
        hooks = Held(item, lambda: bool(script.answers))
        said = ""
        try:
            try:
                with with_hooks(item, hooks):
                    with self._between(item, script):
                        done = yield
                    self._busy = True
                    if hooks.leaves_fixtures:
                        self.script = None
                        said = self._rehearse(item, script, hooks)
            except BaseException:
                hooks.say()
                raise
            finally:
                self.script = None
            hooks.let_go(nextitem)
        finally:
            self._busy = False
        if said:
            write_line(self._config, SECRETS.mask(said), during_test=True)
        return done

    def _see(self, url: str) -> None:
        self._plays = self._plays or self._results.is_ours(url)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a test that passed on what vcrpy played of Adyen's answers, and is not rehearsed."""
        if self._plays and report.when == "call" and report.passed and not hasattr(report, "wasxfail"):
            self._results.rehearsal.passed_over.append(report.nodeid)

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self) -> Generator[None, None, None]:
        """Keep what broke for ``--lf``, when pytest has kept what failed; have tests in one order, whoever ran them."""
        yield
        found = self._results.rehearsal
        for each in (found.verdicts, found.tests):
            each.sort(key=attrgetter("test"))
        found.passed_over.sort()
        if found.tests and not hasattr(self._config, "workerinput"):
            remember_broken(self._config, self._results.broken)

    def _rehearse(self, item: pytest.Item, script: Script, hooks: Held) -> str:
        """Rehearse ``item``, and return a line that says what came of it; empty for none."""
        results, problem = self._results, "the run ended before it was rehearsed"
        try:
            mark = Mark.of(item)
            every = self._variations(item, script, mark)
            if only := self._settings.rehearse_only:
                problem = ""
                return self._show(item, script.answers, only, every, hooks)
            broken = set(self._broken.get(item.nodeid, ()))
            every = [each for each in every if each.id in broken] or every
            run = partial(self._run, item, script.answers)
            found = Search(run, max(0, min(self._settings.rehearse_max[0], self._left))).over(every)
            self._left -= found.runs
            verdicts = list(_verdicts(item, found, mark, results))
            results.rehearsal.verdicts += verdicts
            results.rehearsal.tests.append(_rehearsed(item, found, every))
            problem = ""
            return self._report(item, verdicts, hooks)
        except pytest.exit.Exception:
            raise
        except AdyenCredsError as error:
            problem = str(error)
        except Exception as error:  # noqa: BLE001 - the results of the first run are there, and stay
            problem = f"it could not be rehearsed: {in_words(error)}"
        finally:
            if problem:
                results.rehearsal.tests.append(Rehearsed(item.nodeid, problem=plain(SECRETS.mask(problem))))
        return ""

    def _variations(self, item: pytest.Item, script: Script, mark: Mark) -> list[Variation]:
        results, settings = self._results, self._settings
        # what another tool plays is played, whatever a client that has failed once would ask next
        kinds = set(settings.rehearse) - ({"rotation", "failures"} if _is_played_by_another(item) else set())
        known = results.contract.known_deviations.entries
        found = variations_of(script.answers, kinds, deviations=known, has_keys=bool(script.lent))
        return [each for each in found if not mark.skips(each)]

    def _report(self, item: pytest.Item, verdicts: list[Verdict], hooks: Held) -> str:
        counts = Counter(each.word for each in verdicts)
        hooks.add_properties({f"adyen.rehearsal.{word}": counts[word] for word in WORDS})
        counting = [each for each in verdicts if each.counts]
        failing = fails(counting, self._settings.rehearse_fail)
        if failing:
            from pytest_adyen_creds.reports.rehearsal import failure_text

            hooks.fail(SECRETS.mask(failure_text(failing, self._settings.rehearse_fail)))
        self._results.broken[item.nodeid] = sorted({name for each in counting for name in each.id.split(TOGETHER)})
        if self._config.get_verbosity() > 0 or time.monotonic() - self._said > _QUIET:
            self._said = time.monotonic()
            said = ", ".join(f"{counts[word]} {word}" for word in WORDS if counts[word]) or "nothing was otherwise"
            return f"adyen: rehearsed {item.nodeid}: {said}"
        return ""

    @contextmanager
    def _between(self, item: pytest.Item, script: Script) -> Iterator[None]:
        """Have what another tool plays for ``item`` go through ``script``; all else does by its fixtures."""
        if not _is_played_by_another(item):
            yield
            return
        from pytest_adyen_creds.cassettes.modes import recordings_of_others_led_through

        with recordings_of_others_led_through(script, self._settings.base_url):
            yield

    @contextmanager
    def _performing(self, item: pytest.Item, script: Script) -> Iterator[None]:
        """Have what ``item`` sends in a ``with`` block go through ``script``, and count for nothing else."""
        results = self._results
        counters = [(each, dict(each)) for each in (results.answered, results.kept)]
        unrecorded = set(results.unrecorded)
        self.script = script
        try:
            with results.collector.paused(), self._between(item, script):
                yield
        finally:
            self.script = None
            for counter, before in counters:
                counter.clear()
                counter.update(before)
            results.unrecorded.intersection_update(unrecorded)

    def _run(self, item: pytest.Item, earlier: Sequence[Answered], variations: Sequence[Variation]) -> Outcome:
        """Run a test, which was answered ``earlier``, with ``variations``, and say what became of it."""
        script = self._script(item, earlier, variations)
        hooks = Watched(item.ihook, item.config)
        with _kept_young():
            with self._performing(item, script), with_hooks(item, hooks), unheard(item), few_examples(item):
                run_again(item)
            if not hooks.has_passed:
                _drop_garbage()
        failed = hooks.failed
        if failed is None and hooks.has_passed:
            note = next(filter(None, (effect.verdict(script) for effect in script.effects)), None)
            return Outcome("passed", frozenset(script.met), note=note, answers=len(script.answers))
        if script.missed:
            return Outcome("unclear", frozenset(script.met), "it asks for what its recording does not hold")
        if failed is None:
            return Outcome("unclear", frozenset(script.met), "the test skips itself")
        error, where, by = failed
        note = "endless" if script.is_endless else None
        return Outcome("failed", frozenset(script.met), error, where, by, note=note, answers=len(script.answers))

    def _show(
        self, item: pytest.Item, earlier: Sequence[Answered], name: str, every: list[Variation], first: Held
    ) -> str:
        """Run a test, which was answered ``earlier``, with what is called ``name``, and have that be its result.

        Returns a line about a run that passes and should not; empty for none.
        """
        wanted = name.split(TOGETHER)
        chosen = [each for each in every if each.id in wanted]
        if len(chosen) < len(wanted):
            alike = get_close_matches(name, [each.id for each in every], 3, 0.3)
            meant = f"; did you mean {' or '.join(map(repr, alike))}?" if alike else ""
            first.fail(f"--adyen-rehearse-only: nothing that can be otherwise in this test is called {name!r}{meant}")
            return ""
        script, hooks = self._script(item, earlier, chosen), first.followed()
        with self._performing(item, script), with_hooks(item, hooks), few_examples(item):
            run_again(item)
        first.held[:] = hooks.held
        if not all(each.passed for each in hooks.held):
            return ""
        note = next(filter(None, (effect.verdict(script) for effect in script.effects)), "")
        if not script.met.issuperset(each.id for each in chosen):
            first.fail(f"--adyen-rehearse-only: {name!r} did not happen when the test ran again")
        elif note == "twice":
            first.fail(f"the test passes with {name!r}, and what it sent again was created twice")
        elif note == "silent" or chosen[0].must == "must-notice":
            return f"adyen: {item.nodeid} passes with {name!r}: nothing noticed it"
        return ""

    def _script(self, item: pytest.Item, earlier: Sequence[Answered], variations: Sequence[Variation]) -> Script:
        match, most = self._results.operation_of, 5 * len(earlier) + 50
        return Script(match, variations, earlier, most, effects_of, item.config.rootpath)


@contextmanager
def _kept_young() -> Iterator[None]:
    """Have what a ``with`` block makes stay where :func:`_drop_garbage` finds it in no time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _drop_garbage() -> None:
    """Let go of what a run that failed has left open, and say nothing of it: a later test would be told.

    It looks at what has been made since the last collection; to look at everything takes longer than most runs.
    """
    with warnings.catch_warnings(), patch.object(sys, "unraisablehook", lambda unraisable: None):
        warnings.simplefilter("ignore")
        for name in ("last_exc", "last_type", "last_value", "last_traceback"):
            vars(sys).pop(name, None)
        gc.collect(1)


def _verdicts(item: pytest.Item, found: Found, mark: Mark, results: Results) -> Iterator[Verdict]:
    """Yield the verdict for each variation, or set of them, that a run says something of."""
    order = {kind: number for number, kind in enumerate(KINDS)}
    for group, outcome in sorted(found.outcomes.items(), key=lambda each: (order[each[0][0].kind], each[0][0].id)):
        first = group[0]
        verdict = Verdict(
            test=item.nodeid,
            id=sys.intern(TOGETHER.join(each.id for each in group)),  # the same in many tests
            kind=first.kind,
            must=first.must,
            change=first.change if len(group) == 1 else SEVERAL,
            operation=first.operation,
            status=first.status,
            location=sys.intern(first.location),
            text=sys.intern(_together(group)),
            word=_word(first, outcome),
            error=outcome.error or ("created twice: the request was sent again" if outcome.note == "twice" else ""),
            where=outcome.where,
            by=outcome.by,
            expected=mark.expected(first) if len({mark.expected(each) for each in group}) == 1 else "",
        )
        entry = results.baseline.accepting(verdict.subject, results.today) if verdict.finding else None
        yield replace(verdict, accepted=entry.reason) if entry else verdict


def _together(group: Sequence[Variation]) -> str:
    if len(group) == 1:
        return group[0].text
    shown = "; ".join(each.text for each in group[:3])
    return f"one or more of {len(group)}: {shown}" + (f"; and {len(group) - 3} more" if len(group) > 3 else "")


def _word(variation: Variation, outcome: Outcome) -> Any:
    if outcome.note in ("twice", "endless"):
        return "broke"
    if variation.must == "must-survive":
        return "survived" if outcome.state == "passed" else "broke"
    if outcome.state == "failed":
        return "noticed"
    return "silent" if variation.must == "must-notice" or outcome.note == "silent" else "survived"


def _rehearsed(item: pytest.Item, found: Found, every: Iterable[Variation]) -> Rehearsed:
    problems = [found.problem] if found.problem else []
    problems += [f"{counted(number, 'variation')} without a verdict: {why}" for why, number in found.unclear.items()]
    if found.chance:
        problems.append(f"{counted(found.chance, 'run')} failed and passed when it was made again: the test is flaky")
    if found.unmet:
        problems.append(f"{counted(len(found.unmet), 'variation')} did not happen when it ran again")
    left = 0 if found.problem else len(found.left)
    return Rehearsed(item.nodeid, found.runs, left, plain(SECRETS.mask("; ".join(problems))))
