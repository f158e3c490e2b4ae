"""Claims: no throwaway is held twice while the bound is kept, and it is the bound that does it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from credentials_helpers import contending

from pytest_adyen_creds.credentials.claims import ON_LOOPBACK, OVER_NETWORK, ObservedState, Timing, claim_steps, is_free
from pytest_adyen_creds.errors import CredentialError

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
OVER = "pytest-adyen-creds 0a1b2c3d exp 2026-07-01T11:59Z"
UNDER_WAY = "pytest-adyen-creds 0a1b2c3d exp 2026-07-01T12:01Z"


@pytest.mark.slow("thousands of simulated claims")
@pytest.mark.parametrize("timing", [ON_LOOPBACK, OVER_NETWORK])
def test_a_thousand_claims_of_twenty_runs_never_hold_one_twice(timing):
    done = contending.Contention(7, timing.slowest_write, timing).go()
    assert done.tried >= 1000
    assert done.won > 100
    assert done.held_twice == []
    assert done.overwritten == []


@pytest.mark.slow("thousands of simulated claims")
@pytest.mark.parametrize("seed", range(5))
def test_answers_that_are_lost_cost_claims_and_nothing_else(seed):
    done = contending.Contention(seed, 10.0, OVER_NETWORK, claims=150, failures=0.3).go()
    assert done.won
    assert done.overwritten == []
    assert done.held_twice == []


@pytest.mark.slow("thousands of simulated claims")
@pytest.mark.parametrize("seed", range(5))
def test_requests_slower_than_the_bound_are_noticed_by_whoever_sends_them(seed):
    done = contending.Contention(seed, 40.0, OVER_NETWORK, claims=150).go()
    assert done.held_twice == []


@pytest.mark.slow("thousands of simulated claims")
def test_a_read_that_is_answered_late_writes_over_nobodys_tag():
    done = [contending.Contention(seed, 10.0, OVER_NETWORK, late=0.3, claims=150).go() for seed in range(3)]
    assert all(run.won and not run.held_twice and not run.overwritten for run in done)


@pytest.mark.slow("thousands of simulated claims")
def test_without_the_bound_a_throwaway_is_held_twice():
    # the wait is shorter than what a write may take, and nobody looks at how long it took
    done = (contending.Contention(seed, 40.0, contending.CARELESS, claims=150).go() for seed in range(5))
    assert any(run.held_twice for run in done)


@pytest.mark.parametrize(("slowest_write", "wait"), [(10, 10), (10, 9), (0, 1), (-1, 1)])
def test_a_timing_that_breaks_the_bound_cannot_be_made(slowest_write, wait):
    with pytest.raises(CredentialError, match=r"; two runs could then hold one throwaway: make the wait longer$"):
        Timing(slowest_write=slowest_write, wait=wait)


def test_a_read_shows_the_description_and_whether_it_is_active() -> None:
    assert ObservedState.of({"id": "S2-1", "description": OVER}) == ObservedState(OVER, active=True)
    assert ObservedState.of({"description": OVER, "active": False}) == ObservedState(OVER, active=False)


@pytest.mark.parametrize("description", [7, None, ["a"], {}])
def test_a_description_that_is_no_text_is_none(description):
    assert ObservedState.of({"description": description, "active": False}) == ObservedState(None, active=False)


def answered(*answers):
    """Return what a claim ends with that is answered so, and how many answers it took."""
    steps = claim_steps(UNDER_WAY, NOW, Timing(slowest_write=1, wait=2))
    next(steps)
    for taken, answer in enumerate(answers, 1):
        try:
            steps.send(answer)
        except StopIteration as ended:
            return ended.value, taken
    return None, len(answers)


FREE = ObservedState(OVER, active=False)
OURS = ObservedState(UNDER_WAY, active=False)


@pytest.mark.parametrize(
    ("answers", "ended"),
    [
        ([(FREE, 0.5), 1.0, None, (OURS, 3.0)], (True, 4)),  # each as late as the bound lets it be
        ([(FREE, 0.501)], (False, 1)),
        ([None], (False, 1)),
        ([(FREE, 0.1), 1.001], (False, 2)),
        ([(FREE, 0.1), None], (False, 2)),
        ([(FREE, 0.1), 0.2, None, None], (False, 4)),
        ([(FREE, 0.1), 0.2, None, (FREE, 3.0)], (False, 4)),
    ],
)
def test_a_claim_is_won_by_what_is_read_in_time(answers, ended):
    assert answered(*answers) == ended


@pytest.mark.parametrize(
    ("description", "active", "free"),
    [
        (OVER, False, True),
        (OVER, True, False),
        (UNDER_WAY, False, False),
        ("Production", False, False),
        (None, False, False),
    ],
)
def test_only_what_is_switched_off_and_over_is_free(description, active, free):
    assert is_free(ObservedState(description, active), NOW) is free


def test_a_tag_that_was_replaced_in_the_wait_is_a_lost_claim():
    steps = claim_steps(UNDER_WAY, NOW, Timing(slowest_write=1, wait=2))
    assert next(steps) == ("read", 0.0)
    assert steps.send((ObservedState(OVER, False), 0.1)) == ("write", 0.5)
    assert steps.send(0.5) == ("wait", 2)
    assert steps.send(None) == ("read", 0.0)
    with pytest.raises(StopIteration) as end:
        steps.send((ObservedState("pytest-adyen-creds 99999999 exp 2026-07-01T12:01Z", False), 3.0))
    assert end.value.value is False


def test_a_read_that_took_half_of_the_bound_gives_the_claim_up():
    steps = claim_steps(UNDER_WAY, NOW, Timing(slowest_write=1, wait=2))
    next(steps)
    with pytest.raises(StopIteration) as end:
        steps.send((ObservedState(OVER, False), 0.6))
    assert end.value.value is False
