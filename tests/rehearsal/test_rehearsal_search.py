"""The search: as many verdicts as running each variation alone would give, in fewer runs, and within its budget."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from pytest_adyen_creds.rehearsal.search import Found, Outcome, Search, groups_of, spread
from pytest_adyen_creds.rehearsal.variation import Variation

PLACES = ("", "/a", "/a/b", "/list", "/list/*")
TAKING = "optional-property-removed"


def added(location: str = "", change: str = "property-added", operation: str = "GET /me", **more: Any) -> Variation:
    given: dict[str, Any] = {"kind": "additions", "must": "must-survive", "status": 200} | more
    return Variation(change=change, location=location, text="", operation=operation, **given)


def noticed(location: str, operation: str = "GET /me") -> Variation:
    return added(location, "type-changed", operation, kind="removals", must="must-notice")


def failing(number: int) -> Variation:
    return added("", "server-error", kind="failures", must="must-handle", number=number)


EVERY = [
    added(place, change, operation)
    for place in PLACES
    for change in ("property-added", "properties-reordered", "role-added")
    for operation in ("GET /me", "GET /companies")
] + [added(place, TAKING, kind="removals") for place in PLACES[1:]]


def runner(breaks: Callable[[set[str]], bool], runs: list[set[str]] | None = None) -> Callable[..., Outcome]:
    """Return what runs a test that ``breaks`` by the ids of what happens."""

    def run(variations: Sequence[Variation]) -> Outcome:
        ids = {each.id for each in variations}
        if runs is not None:
            runs.append(ids)
        return Outcome("failed" if breaks(ids) else "passed", frozenset(ids), error="it broke", answers=1)

    return run


def broken(found: Found) -> set[frozenset[str]]:
    return {frozenset(each.id for each in group) for group, one in found.outcomes.items() if one.state == "failed"}


@given(st.sets(st.sampled_from(EVERY), min_size=1), st.data())
def test_it_says_what_each_alone_would(variations: Collection[Variation], data: st.DataObject) -> None:
    ordered = sorted(variations, key=lambda each: each.id)
    weak = {each.id for each in data.draw(st.sets(st.sampled_from(ordered)))}
    found = Search(runner(lambda ids: bool(ids & weak)), 10_000).over(ordered)
    assert broken(found) == {frozenset([each]) for each in weak}
    assert {group[0].id for group in found.outcomes} == {each.id for each in ordered}
    assert not (found.left)
    assert not (found.unmet)
    assert not (found.unclear)
    assert not (found.problem)


@given(st.lists(st.sampled_from(EVERY[:20]), min_size=2, max_size=2, unique=True))
def test_what_only_two_do_together_is_found_as_these(pair: list[Variation]) -> None:
    ids = {each.id for each in pair}
    found = Search(runner(lambda ran: ids <= ran), 10_000).over(EVERY[:20])
    (smallest,) = broken(found) or {frozenset()}
    assert ids <= smallest
    assert {group[0].id for group, one in found.outcomes.items() if one.state == "passed"} >= {
        each.id for each in EVERY[:20]
    } - smallest


def test_a_robust_test_costs_one_run() -> None:
    variations = [each for each in EVERY if each.change != TAKING]
    assert Search(runner(lambda ids: False), 100).over(variations).runs == 1


@given(st.integers(1, 30), st.sets(st.sampled_from(EVERY)))
@example(1, {EVERY[-4]})  # which is not among those of the only run
def test_the_budget_is_kept_and_nothing_is_forgotten(most: int, weak: set[Variation]) -> None:
    runs: list[set[str]] = []
    names = {each.id for each in weak}
    found = Search(runner(lambda ids: bool(ids & names), runs), most).over(EVERY)
    assert found.runs == len(runs) <= max(most, 2), "a run that fails has its control"
    said = {each.id for group in found.outcomes for each in group}
    assert said | {each.id for each in found.left} == {each.id for each in EVERY}
    assert all(names & group for group in broken(found))
    if any(names & ran for ran in runs):
        assert broken(found), "what broke it is said, even where no run is left to find which"


def test_a_test_that_cannot_be_run_twice_gets_no_verdict() -> None:
    found = Search(runner(lambda ids: True), 100).over(EVERY)
    assert "cannot be run twice" in found.problem
    assert "it broke" in found.problem
    assert found.outcomes == {}
    assert found.runs == 2


def test_a_test_that_fails_from_some_run_on_gets_no_verdict() -> None:
    runs: list[set[str]] = []
    found = Search(runner(lambda ids: len(runs) > 8, runs), 100).over([noticed(str(n)) for n in range(20)])
    assert "cannot be run twice" in found.problem
    assert found.outcomes == {}


def test_a_test_that_asks_nothing_the_second_time_gets_no_verdict() -> None:
    found = Search(lambda variations: Outcome("passed"), 100).over(EVERY)
    assert "asks nothing the second time" in found.problem


def test_what_does_not_happen_again_is_counted() -> None:
    def run(variations: Sequence[Variation]) -> Outcome:
        return Outcome("passed", frozenset(each.id for each in variations if each.location != "/a"), answers=1)

    found = Search(run, 100).over(EVERY)
    assert {each.location for each in found.unmet} == {"/a"}
    assert {group[0].location for group in found.outcomes} == set(PLACES) - {"/a"}


def test_runs_that_say_nothing_are_counted_by_their_reason() -> None:
    found = Search(lambda variations: Outcome("unclear", error="no recording"), 1_000).over(EVERY)
    assert found.unclear == {"no recording": len(EVERY)}
    assert found.outcomes == {}


def test_kinds_operations_and_changes_take_turns() -> None:
    variations = [noticed(f"/{number}", f"GET /{letter}") for letter in "abc" for number in range(5)]
    variations += [failing(number) for number in range(1, 4)]
    order = list(spread(variations))
    assert sorted(order, key=lambda each: each.id) == sorted(variations, key=lambda each: each.id)
    assert {each.kind for each in order[:2]} == {"removals", "failures"}
    assert {each.operation for each in order[:6] if each.kind == "removals"} == {"GET /a", "GET /b", "GET /c"}


def test_only_what_can_happen_beside_each_other_is_in_one_run() -> None:
    page = added("", "page-added")
    groups = list(groups_of([*EVERY, page, noticed("/a"), failing(1)]))
    assert {group for group in groups if len(group) == 1} >= {(page,), (noticed("/a"),), (failing(1),)}
    for group in groups:
        gone = [each.location for each in group if each.change == TAKING and each.operation == "GET /me"]
        for each in group:
            if each.operation == "GET /me" and each.change != TAKING:
                assert not any(each.location == place or each.location.startswith(f"{place}/") for place in gone)


@given(st.sets(st.sampled_from(EVERY)))
def test_the_same_search_makes_the_same_runs(weak: set[Variation]) -> None:
    names, first, second = {each.id for each in weak}, [], []
    for runs in (first, second):
        Search(runner(lambda ids: bool(ids & names), runs), 40).over(EVERY)
    assert first == second
