"""The one model of a finding: what departs from the contract, where, and how much it matters to a client."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Final, Literal, get_args

Level = Literal["breaking", "warning", "info"]
"""What a finding does to a client that was written against the contract, the worst first."""

LEVELS: Final[tuple[Level, ...]] = get_args(Level)


@dataclass(frozen=True, slots=True)
class Finding:
    """One departure.

    ``id`` is oasdiff's where oasdiff has one, and in its grammar where it has none. ``operation`` is a label like
    ``GET /me`` (``*``: the whole document), ``status`` is ``None`` for what concerns a request or no single status.
    ``location`` is a JSON Pointer into the body with ``*`` for an array's items; of a parameter or a header it is
    ``/query/pageSize``, of what has no place in a body it is empty. ``count`` is how often it was met.
    """

    id: str
    level: Level
    operation: str
    status: int | None
    location: str
    message: str
    count: int = 1

    @property
    def key(self) -> tuple[str, ...]:
        """Return what makes two findings the same one: everything but the count."""
        status = "" if self.status is None else str(self.status)
        return (self.id, self.level, self.operation, status, self.location, self.message)

    @property
    def rank(self) -> tuple[int, tuple[str, ...]]:
        """Return what findings are sorted by: the most serious first, then by id, operation, status and place."""
        return LEVELS.index(self.level), self.key

    def to_json(self) -> dict[str, Any]:
        """Return the finding as the JSON object that every report of this package holds."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Finding:
        """Return the finding that :meth:`to_json` wrote; what stands beside it in ``value`` is passed over."""
        return cls(**{each.name: value[each.name] for each in fields(cls)})


@dataclass(frozen=True, slots=True)
class Group:
    """The findings that say the same thing at several places: what people read as one line."""

    id: str
    level: Level
    message: str
    count: int
    operations: tuple[str, ...]
    statuses: tuple[int, ...]
    locations: tuple[str, ...]
    findings: tuple[Finding, ...]
    """In the order of :func:`arrange`."""


def arrange(findings: Iterable[Finding]) -> list[Finding]:
    """Return ``findings`` with equal ones added up, the most serious first."""
    merged: dict[tuple[str, ...], Finding] = {}
    for finding in findings:
        known = merged.get(finding.key)
        merged[finding.key] = replace(known, count=known.count + finding.count) if known else finding
    return sorted(merged.values(), key=lambda finding: finding.rank)


def group(findings: Iterable[Finding]) -> list[Group]:
    """Return ``findings`` grouped by id, level and message; the most serious first, then the most frequent."""
    members: dict[tuple[Level, str, str], list[Finding]] = {}
    for finding in findings:
        members.setdefault((finding.level, finding.id, finding.message), []).append(finding)
    groups = [
        Group(
            id=id_,
            level=level,
            message=message,
            count=sum(finding.count for finding in same),
            operations=tuple(sorted({finding.operation for finding in same})),
            statuses=tuple(sorted({finding.status for finding in same if finding.status is not None})),
            locations=tuple(sorted({finding.location for finding in same if finding.location})),
            findings=tuple(sorted(same, key=lambda finding: finding.rank)),
        )
        for (level, id_, message), same in members.items()
    ]
    return sorted(groups, key=lambda each: (LEVELS.index(each.level), -each.count, each.id, each.message))
