"""What was observed of roles: which operations each credential was answered and refused, and what that needs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from pytest_adyen_creds.credentials.roles import KNOWN
from pytest_adyen_creds.errors import FileRefused
from pytest_adyen_creds.roles.need import Demand, smallest
from pytest_adyen_creds.text import normalised

_KEYS: Final = {"calls", "demands", "granted", "unknown"}


@dataclass(frozen=True, slots=True)
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

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON object, from which :meth:`merge` takes it."""
        return {
            "calls": [
                {
                    "test": use.test,
                    "credential": use.credential,
                    "operation": use.operation,
                    "refused": use.refused,
                    **({"run": use.run} if use.run else {}),
                    "count": count,
                }
                for use, count in sorted(self.uses.items(), key=lambda each: _order(each[0]))
            ],
            "demands": dict(sorted(self.demands.items())),
            "granted": {name: list(roles) for name, roles in sorted(self.granted.items())},
            "unknown": sorted(self.unknown),
        }

    def merge(self, value: Any, run: str = "") -> None:
        """Add what :meth:`to_json` gave, of the run ``run``; raises :class:`FileRefused` for anything else."""
        if not isinstance(value, Mapping) or not value.keys() >= _KEYS:
            raise FileRefused("what a run saw of roles is an object with 'calls', 'demands', 'granted' and 'unknown'")
        try:
            for each in value["calls"]:
                named = str(each.get("run", "")) or run
                use = Use(each["test"], each["credential"], each["operation"], bool(each["refused"]), named)
                self.uses[use] += int(each["count"])
            self.demands |= {str(name): dict(roles) for name, roles in value["demands"].items()}
            self.granted |= {str(name): tuple(roles) for name, roles in value["granted"].items()}
            self.unknown |= set(value["unknown"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise FileRefused(f"what a run saw of roles is incomplete ({type(error).__name__})") from None


def _order(use: Use) -> tuple[str, ...]:
    return use.test, use.credential, use.operation, str(use.refused), use.run


class Need:
    """What some observations need: everything is derived from them, the same each time."""

    def __init__(self, seen: RolesSeen) -> None:
        self._seen = seen
        self._answered = [use for use in seen.uses if not use.refused]

    @cached_property
    def roles(self) -> tuple[str, ...]:
        """The smallest set of roles with which all was answered."""
        granted = [role for roles in self._seen.granted.values() for role in roles]
        return smallest(self._demands(self._answered), granted, KNOWN)

    @property
    def by_test(self) -> dict[str, tuple[str, ...]]:
        """For each test that called something, the ones of :attr:`roles` that it needs."""
        return {test: self._of(use for use in self._answered if use.test == test) for test in self._names("test")}

    @property
    def by_lease(self) -> dict[str, tuple[str, ...]]:
        """For each test, what it needs of the credentials that it leases: of the roles that they were given."""
        found = {}
        for test in sorted({use.test for use in self._leased}):
            uses = [use for use in self._leased if use.test == test]
            found[test] = self._of(uses, {role for use in uses for role in self._seen.granted[use.credential]})
        return found

    @cached_property
    def of_leases(self) -> tuple[str, ...]:
        """The smallest set of roles with which all was answered that leased credentials were."""
        granted = [role for roles in self._seen.granted.values() for role in roles]
        return smallest(self._demands(self._leased), granted, KNOWN)

    @property
    def _leased(self) -> list[Use]:
        return [use for use in self._answered if use.credential in self._seen.granted]

    @cached_property
    def by_credential(self) -> dict[str, tuple[str, ...]]:
        """For each credential that something was answered to, the roles that it needs: of those that it was given.

        What nobody knows the roles of needs some of :attr:`roles`.
        """
        return {
            name: self._of((use for use in self._answered if use.credential == name), self._seen.granted.get(name))
            for name in self._names("credential")
        }

    @property
    def unused(self) -> list[tuple[str, str]]:
        """Each credential with a role that it was given and does not need."""
        found = []
        for name, granted in sorted(self._seen.granted.items()):
            needed = set(map(normalised, self.by_credential.get(name, ())))
            found += [(name, role) for role in sorted(granted) if normalised(role) not in needed]
        return found

    @property
    def refused(self) -> list[dict[str, Any]]:
        """What was refused, and which roles the credential lacked, in words."""
        found = []
        for use, count in sorted(self._seen.uses.items(), key=lambda each: _order(each[0])):
            if use.refused:
                demand = Demand.of(self._seen.demands.get(use.operation, {}))
                lacking = demand.missing(self._seen.granted.get(use.credential, ()))
                row = {"test": use.test, "credential": use.credential, "operation": use.operation}
                found.append(row | {"missing": lacking, "count": count})
        return found

    @property
    def evidence(self) -> list[dict[str, Any]]:
        """For each needed role the operations that ask for it, and how many tests called them."""
        return [self._shown(role) for role in self.roles]

    def runs(self) -> dict[str, list[str]]:
        """Return which of the roles each of the merged runs showed to be needed."""
        names = sorted({use.run for use in self._answered if use.run})
        return {run: list(self._of(use for use in self._answered if use.run == run)) for run in names}

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON object, with the observations."""
        return {
            "needed": list(self.roles),
            "granted_unused": [{"credential": name, "role": role} for name, role in self.unused],
            "refused": self.refused,
            "by_test": {test: list(roles) for test, roles in self.by_test.items()},
            "by_credential": {name: list(roles) for name, roles in self.by_credential.items()},
            "evidence": self.evidence,
            **({"runs": runs} if (runs := self.runs()) else {}),
            **self._seen.to_json(),
        }

    def _names(self, attribute: str) -> list[str]:
        return sorted({getattr(use, attribute) for use in self._answered})

    def _demands(self, uses: Iterable[Use]) -> list[Demand]:
        operations = {use.operation for use in uses} & self._seen.demands.keys()
        return [Demand.of(self._seen.demands[operation]) for operation in sorted(operations)]

    def _of(self, uses: Iterable[Use], roles: Iterable[str] | None = None) -> tuple[str, ...]:
        """Return which of ``roles`` (default: :attr:`roles`) some uses need."""
        chosen = {normalised(role): role for role in (self.roles if roles is None else roles)}

        def among(demand: Demand) -> Demand:
            choices = tuple(tuple(r for r in one if normalised(r) in chosen) or one for one in demand.choices)
            return Demand(demand.every, choices, demand.starts)

        found = smallest(map(among, self._demands(uses)), chosen.values())
        return tuple(sorted(chosen.get(normalised(role), role) for role in found))

    def _shown(self, role: str) -> dict[str, Any]:
        asking = {
            operation
            for operation, roles in self._seen.demands.items()
            if not Demand.of(roles).is_met([each for each in self.roles if each != role])
        }
        uses = [use for use in self._answered if use.operation in asking]
        return {
            "role": role,
            "operations": sorted({use.operation for use in uses}),
            "tests": len({use.test for use in uses}),
        }
