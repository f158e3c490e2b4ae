"""The need: the smallest set of roles that allows some operations, as their contracts say what each asks for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pytest_adyen_creds.contract.roles import Demand
from pytest_adyen_creds.text import normalised


def smallest(demands: Iterable[Demand], known: Iterable[str] = (), otherwise: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the smallest set of roles that meets all ``demands``, in the order of their names.

    Of several as small it is the one with the fewest roles that write, then the first by name. For demands that any
    role of a kind meets, ``known`` are roles that there are besides; ``otherwise`` are for a kind without one.
    """
    demands = list(demands)
    offered: dict[str, str] = {}
    for role in [role for each in demands for role in (*each.every, *(r for one in each.choices for r in one))]:
        offered.setdefault(normalised(role), role)
    besides = {**{normalised(role): role for role in known}, **offered}
    further = {normalised(role): role for role in otherwise}
    sets = {frozenset(map(normalised, one)) for each in demands for one in each.choices}
    for start in sorted({start for each in demands for start in each.starts}):
        begins = normalised(start)
        kinds = ({role: one[role] for role in one if role.startswith(begins)} for one in (besides, further))
        some = next((each for each in kinds if each), {begins: start})
        offered = some | offered
        sets.add(frozenset(some))
    chosen = {normalised(role) for each in demands for role in each.every}
    for group in _apart(one for one in sets if not one & chosen):
        chosen |= _hit(frozenset(), group, None)
    return tuple(sorted(offered[role] for role in chosen))


def _apart(sets: Iterable[frozenset[str]]) -> Iterable[list[frozenset[str]]]:
    """Yield the sets that have to do with each other, each group for itself, less what makes no difference."""
    left = _reduced(set(sets))
    while left:
        group: list[frozenset[str]] = []
        within = [left.pop()]
        while within:
            group += within
            roles = frozenset[str]().union(*group)
            within = [one for one in left if one & roles]
            left = [one for one in left if not one & roles]
        yield sorted(group, key=lambda one: (len(one), sorted(one)))


def _reduced(sets: set[frozenset[str]]) -> list[frozenset[str]]:
    """Return ``sets`` less those that hold another, and less roles in whose place another is as good everywhere."""
    while True:
        sets = {one for one in sets if not any(other < one for other in sets)}
        within: dict[str, set[frozenset[str]]] = {}
        for one in sets:
            for role in one:
                within.setdefault(role, set()).add(one)
        worse = {
            role
            for role in within
            for other in next(iter(within[role]))
            if other != role and within[role] <= within[other] and _rank(other) < _rank(role)
        }
        if not worse:
            return sorted(sets, key=sorted)
        sets = {one - worse for one in sets}


def _hit(chosen: frozenset[str], sets: Sequence[frozenset[str]], best: frozenset[str] | None) -> frozenset[str]:
    """Return the smallest set with ``chosen`` that has one of each of ``sets``, or ``best`` where that is smaller."""
    left = [one for one in sets if not one & chosen]
    if not left:
        return chosen if best is None or _cost(chosen) < _cost(best) else best
    if best is not None and len(chosen) + _at_least(left) > len(best):
        return best
    for role in sorted(left[0], key=lambda role: (-sum(role in one for one in left), role)):
        best = _hit(chosen | {role}, left, best)
    assert best is not None
    return best


def _at_least(sets: Sequence[frozenset[str]]) -> int:
    """Return how many roles it takes at least: as many as there are sets that have none in common."""
    met: frozenset[str] = frozenset()
    count = 0
    for one in sets:
        if not one & met:
            met |= one
            count += 1
    return count


def _rank(role: str) -> tuple[bool, str]:
    return "write" in role, role


def _cost(roles: frozenset[str]) -> tuple[int, int, list[str]]:
    return len(roles), sum("write" in role for role in roles), sorted(roles)
