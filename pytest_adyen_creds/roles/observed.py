"""What was observed of roles: which operations each credential was answered and refused, and what that needs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Final

from pytest_adyen_creds.contract.roles import Demand
from pytest_adyen_creds.credentials.roles import KNOWN
from pytest_adyen_creds.errors import FileRefused
from pytest_adyen_creds.roles.need import smallest
from pytest_adyen_creds.text import counted, normalised, some_of

_KEYS: Final = {"calls", "demands", "granted", "unknown"}
_MANAGEMENT: Final = "managementapi"
"""How the roles of the Management API begin, normalised."""
_MOST: Final = 5
"""Roles of one credential that are shown unless more is asked for."""


@dataclass(frozen=True, slots=True, order=True)
class Use:
    """An operation that a test called by a credential, by what reports call it, and whether it was ``refused``.

    ``run`` names the run that showed it, where several are merged.
    """

    test: str
    credential: str
    operation: str
    refused: bool = False
    run: str = ""


@dataclass
class RolesSeen:
    """What was observed of roles in a run, or in several."""

    uses: Counter[Use] = field(default_factory=Counter)
    granted: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The roles that each credential was given for the tests, where that is known."""
    demands: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What each operation asks for, as its contract says (``x-adyen-roles``)."""
    unknown: set[str] = field(default_factory=set)
    """The operations that were called, and of whose roles no contract says anything."""
    failed: set[str] = field(default_factory=set)
    """The tests that failed, and may not have called all that they call else."""

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON object, from which :meth:`merge` takes it."""
        return {
            "calls": [
                {name: value for name, value in asdict(use).items() if name != "run" or value} | {"count": count}
                for use, count in sorted(self.uses.items())
            ],
            "demands": dict(sorted(self.demands.items())),
            "granted": {name: list(roles) for name, roles in sorted(self.granted.items())},
            "unknown": sorted(self.unknown),
            "failed": sorted(self.failed),
        }

    def merge(self, value: Any, run: str = "") -> None:
        """Add what :meth:`to_json` gave, of the run ``run``; raises :class:`FileRefused` for anything else."""
        if not isinstance(value, Mapping) or not value.keys() >= _KEYS:
            raise FileRefused("what a run saw of roles is an object with 'calls', 'demands', 'granted' and 'unknown'")
        try:
            for each in value["calls"]:
                texts = (each["test"], each["credential"], each["operation"], each.get("run", ""))
                test, credential, operation, named = _texts(texts)
                if type(each["count"]) is not int or each["count"] < 1:
                    raise ValueError(each)
                self.uses[Use(test, credential, operation, each["refused"] is True, named or run)] += each["count"]
            self.demands |= {name: _demand(roles) for name, roles in value["demands"].items()}
            self.granted |= {name: _texts(roles) for name, roles in value["granted"].items()}
            self.unknown |= set(_texts(value["unknown"]))
            self.failed |= set(_texts(value.get("failed", ())))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise FileRefused(
                f"what a run saw of roles is incomplete or of another kind ({type(error).__name__})"
            ) from None


def _texts(value: Any) -> tuple[str, ...]:
    """Return a list of texts as it is; raises TypeError for anything else."""
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
        raise TypeError(value)
    return tuple(value)


def _demand(value: Any) -> dict[str, Any]:
    """Return what ``x-adyen-roles`` says; raises for anything else."""
    for name, roles in value.items():
        _texts([roles] if name == "any" else roles)
    return dict(value)


def _grouped(uses: Iterable[Use], key: Callable[[Use], str]) -> dict[str, list[Use]]:
    groups: dict[str, list[Use]] = {}
    for use in uses:
        groups.setdefault(key(use), []).append(use)
    return groups


class Need:
    """What some observations need: everything is derived from them, the same each time."""

    def __init__(self, seen: RolesSeen) -> None:
        self._seen = seen
        self._answered = sorted(use for use in seen.uses if not use.refused)
        self._found: dict[tuple[frozenset[str], frozenset[str]], tuple[str, ...]] = {}
        """What was derived, by operations and by the roles to choose of."""

    @cached_property
    def roles(self) -> tuple[str, ...]:
        """The smallest set of roles with which all was answered."""
        return self._smallest(self._answered)

    @cached_property
    def by_test(self) -> dict[str, tuple[str, ...]]:
        """For each test that called something, the ones of :attr:`roles` that it needs."""
        return {test: self._of(uses) for test, uses in _grouped(self._answered, lambda use: use.test).items()}

    @property
    def by_lease(self) -> dict[str, tuple[str, ...]]:
        """For each test that passed, what it needs of the credentials that it leases, of the roles they were given.

        A role that may be needed (see :attr:`unclear`) is among them.
        """
        found = {}
        for test, uses in _grouped(self._leased, lambda use: use.test).items():
            if test in self._seen.failed:
                continue
            granted = sorted({role for use in uses for role in self._seen.granted[use.credential]})
            needed = self._of(uses, granted)
            spelled = set(map(normalised, needed))
            found[test] = tuple(
                sorted({*needed, *(r for r in granted if normalised(r) not in spelled and self._may_need(r, uses))})
            )
        return found

    @cached_property
    def of_leases(self) -> tuple[str, ...]:
        """The smallest set of roles with which all was answered that leased credentials were."""
        return self._smallest(self._leased)

    @cached_property
    def _leased(self) -> list[Use]:
        return [use for use in self._answered if use.credential in self._seen.granted]

    @cached_property
    def by_credential(self) -> dict[str, tuple[str, ...]]:
        """For each credential that something was answered to, the roles that it needs: of those that it was given.

        What nobody knows the roles of needs some of :attr:`roles`.
        """
        groups = _grouped(self._answered, lambda use: use.credential)
        return {name: self._of(groups[name], self._seen.granted.get(name)) for name in sorted(groups)}

    @property
    def unused(self) -> list[tuple[str, str]]:
        """Each credential with a role that it was given and does not need."""
        return [(name, role) for name, role, is_clear in self._beyond if is_clear]

    @property
    def unclear(self) -> list[tuple[str, str]]:
        """Each credential with a role that it may need: it called something of whose roles no contract says anything.

        Roles of the Management API are needed by its own operations only, and other roles by those of other APIs.
        """
        return [(name, role) for name, role, is_clear in self._beyond if not is_clear]

    @cached_property
    def _beyond(self) -> list[tuple[str, str, bool]]:
        """Each credential with a role that nothing is known to need, and whether that is clear."""
        found = []
        groups = _grouped(self._answered, lambda use: use.credential)
        for name, granted in sorted(self._seen.granted.items()):
            needed = set(map(normalised, self.by_credential.get(name, ())))
            uses = groups.get(name, [])
            further = [role for role in sorted(granted) if normalised(role) not in needed]
            found += [(name, role, not self._may_need(role, uses)) for role in further]
        return found

    def _may_need(self, role: str, uses: Iterable[Use]) -> bool:
        """Return whether some uses may need a role though no contract says so."""
        is_management = normalised(role).startswith(_MANAGEMENT)
        return any(use.operation in self._seen.unknown and (": " not in use.operation) == is_management for use in uses)

    @property
    def refused(self) -> list[dict[str, Any]]:
        """What was refused, and which roles the credential lacked, in words."""
        found = []
        for use, count in sorted(self._seen.uses.items()):
            if use.refused:
                demand = Demand.of(self._seen.demands.get(use.operation, {}))
                lacking = demand.missing(self._seen.granted.get(use.credential, ()))
                row = {"test": use.test, "credential": use.credential, "operation": use.operation}
                found.append(row | {"missing": lacking, "count": count})
        return found

    @property
    def evidence(self) -> list[dict[str, Any]]:
        """For each needed role the operations that ask for it, and how many tests called them."""
        found = []
        for role in self.roles:
            less = [each for each in self.roles if each != role]
            asking = {name for name, roles in self._seen.demands.items() if not Demand.of(roles).is_met(less)}
            uses = [use for use in self._answered if use.operation in asking]
            operations, tests = sorted({use.operation for use in uses}), {use.test for use in uses}
            found.append({"role": role, "operations": operations, "tests": len(tests)})
        return found

    def runs(self) -> dict[str, list[str]]:
        """Return which of the roles each of the merged runs showed to be needed."""
        groups = _grouped(self._answered, lambda use: use.run)
        return {run: list(self._of(groups[run])) for run in sorted(groups) if run}

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON object, with the observations."""
        return {
            "needed": list(self.roles),
            "granted_unused": [{"credential": name, "role": role} for name, role in self.unused],
            "granted_unclear": [{"credential": name, "role": role} for name, role in self.unclear],
            "refused": self.refused,
            "by_test": {test: list(roles) for test, roles in self.by_test.items()},
            "by_credential": {name: list(roles) for name, roles in self.by_credential.items()},
            "evidence": self.evidence,
            **({"runs": runs} if (runs := self.runs()) else {}),
            **self._seen.to_json(),
        }

    def lines(self, unused: Sequence[tuple[str, str]] | None = None, *, verbosity: int = 0) -> Iterator[str]:
        """Yield it in text, line by line; ``unused`` are those of :attr:`unused` that count (default: all)."""
        unused = self.unused if unused is None else unused
        is_whole, runs, evidence = verbosity > 0, self.runs(), self.evidence
        width = max((len(each["role"]) for each in evidence), default=0)
        for each in evidence:
            operations = each["operations"]
            told = [some_of(operations, len(operations) if is_whole else 2), counted(each["tests"], "test")]
            if shown := [run for run, roles in runs.items() if each["role"] in roles]:
                told.append(f"shown by {', '.join(shown)}")
            yield f"needed   {each['role'].ljust(width)}  {'; '.join(told)}"
        for what, found, why in (
            ("unused ", unused, ""),
            ("unclear", self.unclear, "; it called what is unknown below"),
        ):
            by_credential: dict[str, list[str]] = {}
            for credential, role in found:
                by_credential.setdefault(credential, []).append(role)
            for credential, granted in by_credential.items():
                yield f"{what}  {credential}: {some_of(granted, len(granted) if is_whole else _MOST)}{why}"
        for each in self.refused:
            yield f"refused  {each['operation']} to {each['credential']} ({each['test']}): lacks {each['missing']}"
        for operation in sorted(self._seen.unknown):
            yield f"unknown  {operation}: no contract says what it asks for"
        for test, needed in self.by_test.items() if is_whole else ():
            yield f"test     {test}: {', '.join(needed) or 'none'}"
        yield (
            f"{counted(len(self.roles), 'role')} needed by {counted(len(self.by_test), 'test')}, "
            f"{len(unused)} granted for nothing, {counted(len(self.refused), 'refusal')}"
        )

    def _smallest(self, uses: Iterable[Use]) -> tuple[str, ...]:
        granted = [role for roles in self._seen.granted.values() for role in roles]
        return smallest(self._demands(uses), granted, KNOWN)

    def _demands(self, uses: Iterable[Use]) -> list[Demand]:
        operations = {use.operation for use in uses} & self._seen.demands.keys()
        return [Demand.of(self._seen.demands[operation]) for operation in sorted(operations)]

    def _of(self, uses: Iterable[Use], roles: Iterable[str] | None = None) -> tuple[str, ...]:
        """Return which of ``roles`` (default: :attr:`roles`) some uses need."""
        chosen = {normalised(role): role for role in (self.roles if roles is None else roles)}
        uses = list(uses)
        key = frozenset(use.operation for use in uses), frozenset(chosen.values())
        if key in self._found:
            return self._found[key]

        def among(demand: Demand) -> Demand:
            choices = tuple(tuple(r for r in one if normalised(r) in chosen) or one for one in demand.choices)
            return Demand(demand.every, choices, demand.starts)

        found = smallest(map(among, self._demands(uses)), chosen.values())
        self._found[key] = tuple(sorted(chosen.get(normalised(role), role) for role in found))
        return self._found[key]
