"""What is accepted: findings that a person accepted (the baseline), and what the platform is known to do otherwise.

Both have one format. An entry of a baseline has a reason and, if wanted, a day on which it ends; a known deviation has
its evidence besides.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from itertools import product
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from pytest_adyen_creds.contract.finding import Finding
from pytest_adyen_creds.contract.operations import key_of
from pytest_adyen_creds.errors import FileRefused
from pytest_adyen_creds.files import write_text
from pytest_adyen_creds.formats import read_toml
from pytest_adyen_creds.text import counted

_KEYS: Final = ("id", "operations", "statuses", "location", "message", "reason", "expires")
_KEYS_OF_A_DEVIATION: Final = (*_KEYS, "versions", "sometimes", "evidence")
"""What an entry can have, in the order in which it is written."""
_KEYS_OF_EVIDENCE: Final = ("source", "date", "version")
_LISTS: Final = {"operations": str, "statuses": int, "versions": str}
"""Key whose value is a list -> what the list is of."""
_DATE: Final = re.compile(r"\d{4}(-\d\d(-\d\d)?)?")
_UNWRITTEN: Final = re.compile(r"(accepted on \d{4}-\d\d-\d\d: )?say why")
"""The reason of a new entry, until a person writes another: :func:`unwritten`, or what a report shows."""

_MOST_NAMED: Final = 3
"""Entries that one line names."""

_SEVERAL: Final = ("enum-value", "pattern-property", "dependent-schema", "mapping", "one-of", "any-of")
"""What stands in the ids of findings of which several can be at one place."""

_HEAD: Final = """\
# Accepted drift: what `adyen-creds drift` and `pytest --adyen-drift` find and a person has accepted.
# Each entry needs an id and a reason. What it leaves out of operations, statuses, location and message
# matches any; with `expires` (a day) it accepts up to and including that day, and fails afterwards.
"""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where a deviation was seen: who published it, when (``2025-08-14``, a month or a year), in which API version."""

    source: str
    date: str
    version: str

    def __str__(self) -> str:
        return f"{self.source} ({self.version}, {self.date})"


class Subject(NamedTuple):
    """What a baseline can accept besides drift: a verdict of a rehearsal, or a role that is granted for nothing."""

    id: str
    operation: str
    status: int | None
    location: str
    message: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One accepted finding, or a set of them: what is ``None`` matches any.

    Of a known deviation: ``evidence`` is where it was seen; ``versions`` are the API versions that can show it;
    ``sometimes`` says that it depends on the request or the credential, so that not meeting it says nothing.
    """

    id: str
    reason: str
    operations: tuple[str, ...] | None = None
    statuses: tuple[int, ...] | None = None
    location: str | None = None
    message: str | None = None
    expires: date | None = None
    evidence: tuple[Evidence, ...] = ()
    versions: tuple[str, ...] | None = None
    sometimes: bool = False

    def is_about(self, operation: str, status: int | None) -> bool:
        """Return whether an answer of ``operation`` with ``status`` is one that this entry can be about."""
        return (self.operations is None or key_of(operation) in map(key_of, self.operations)) and (
            self.statuses is None or status in self.statuses
        )

    def accepts(self, finding: Finding | Subject) -> bool:
        """Return whether ``finding`` is what this entry is about, expired or not."""
        return (
            self.id == finding.id
            and self.is_about(finding.operation, finding.status)
            and (self.location is None or self.location == finding.location)
            and (self.message is None or self.message == finding.message)
        )

    @property
    def concerns(self) -> Literal["drift", "rehearsal", "roles"]:
        """What it accepts: drift, a verdict of a rehearsal, or a role that is granted for nothing."""
        return "rehearsal" if self.id.startswith("rehearsal-") else "roles" if self.id.startswith("role-") else "drift"

    def is_expired(self, today: date) -> bool:
        """Return whether the entry's last day is before ``today``."""
        return self.expires is not None and self.expires < today

    def to_json(self) -> dict[str, Any]:
        """Return the entry as a JSON object; what matches any is null."""
        expires = self.expires.isoformat() if self.expires else None
        evidence = [asdict(each) for each in self.evidence]
        return {key: getattr(self, key) for key in _KEYS_OF_A_DEVIATION} | {"expires": expires, "evidence": evidence}

    def __str__(self) -> str:
        labels = self.operations or ()
        where = [self.location] if self.location else []
        where += [f"{len(labels)} operations"] if len(labels) > 1 else labels
        return f"{self.id} ({', '.join(where)})" if where else self.id


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is made of some findings: ``findings`` are those that count, ``accepted`` each with the baseline's entry.

    ``known`` are those that are known deviations, each with its entry; ``unmet`` are the known deviations that no
    answer showed although answers were there that could have.
    """

    findings: tuple[Finding, ...]
    accepted: Mapping[Finding, Entry]
    unused: tuple[Entry, ...]
    expired: tuple[Entry, ...]
    known: Mapping[Finding, Entry] = field(default_factory=dict)
    unmet: tuple[Entry, ...] = ()

    def notes(self, *, unused: bool = True) -> Iterator[str]:
        """Yield a line for each entry that a person should look at; ``unused``: those that accept nothing too."""
        for entry in self.expired:
            whose = "the known deviation" if entry.evidence else "the baseline's"
            yield f"{whose} {entry} expired on {entry.expires}: fix the drift, or set a new day"
        for entry in self.unused if unused else ():
            yield f"the baseline's {entry} is not found any more: remove the entry"
        if unwritten := {entry for entry in self.accepted.values() if _UNWRITTEN.fullmatch(entry.reason)}:
            whose, named = counted(len(unwritten), "entry"), sorted(map(str, unwritten))
            more = f" and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
            yield (
                f"warning: the reason of {whose} of the baseline is still to be written, it only asks to say why: "
                f"{'; '.join(named[:_MOST_NAMED])}{more}"
            )
        for entry in self.unmet:
            yield (
                f"the known deviation {entry} was not met, though answers that could show it were; if it stays so, "
                "the platform has mended it, and the entry can go: tell the project, or correct your own file"
            )


@dataclass(frozen=True, slots=True)
class Baseline:
    """The accepted findings."""

    entries: tuple[Entry, ...] = ()

    def accepting(self, subject: Subject, today: date) -> Entry | None:
        """Return the entry that accepts ``subject`` on ``today``; None for none."""
        return next((each for each in self.entries if each.accepts(subject) and not each.is_expired(today)), None)

    def judge(self, findings: Iterable[Finding], today: date) -> Judgement:
        """Return which of ``findings`` count on ``today``, and which entries are unused or expired."""
        # by what they name, so that a finding is held against those alone that may accept it
        named: defaultdict[tuple[str | None, ...], list[tuple[int, Entry]]] = defaultdict(list)
        for number, entry in enumerate(self.entries):
            named[entry.id, entry.location, entry.message].append((number, entry))
        counting: list[Finding] = []
        accepted: dict[Finding, Entry] = {}
        expired: dict[Entry, None] = {}
        used: set[Entry] = set()
        for finding in findings:
            places = product((finding.id,), (None, finding.location), (None, finding.message))
            likely = sorted(each for place in places for each in named.get(place, ()))
            matching = [entry for _, entry in likely if entry.accepts(finding)]
            used.update(matching)
            valid = next((entry for entry in matching if not entry.is_expired(today)), None)
            if valid is not None:
                accepted[finding] = valid
            else:
                counting.append(finding)
                expired.update(dict.fromkeys(matching))
        unused = tuple(entry for entry in self.entries if entry not in used and entry.concerns == "drift")
        return Judgement(tuple(counting), accepted, unused, tuple(expired))

    def updated(self, findings: Iterable[Finding], today: date, *, complete: bool = True) -> Baseline:
        """Return a baseline that accepts all of ``findings``.

        Entries that still accept one stay as they are, reason and day included; the rest go. New ones get a reason
        that asks for a better one. Not ``complete``: findings beside these may exist, so unused entries stay too.
        """
        findings = list(findings)
        judgement = self.judge(findings, today)
        gone = {*(judgement.unused if complete else ()), *(entry for entry in self.entries if entry.is_expired(today))}
        kept = tuple(entry for entry in self.entries if entry not in gone)
        return Baseline((*kept, *entries_for(judgement.findings, unwritten(today))))


def together(baselines: Iterable[Baseline]) -> Baseline:
    """Return the entries of all ``baselines``, each once."""
    return Baseline(tuple(dict.fromkeys(entry for each in baselines for entry in each.entries)))


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What does not count on ``today``: the known deviations (none: judged strictly), then what the baseline has."""

    known: Baseline
    baseline: Baseline
    today: date

    def divide(self, findings: Iterable[Finding], answered: Iterable[tuple[str, int]] = ()) -> Judgement:
        """Return which of ``findings`` count, are known, or are accepted.

        ``answered`` are the operations (labels) and statuses of answers that a known deviation could have shown in.
        """
        first = self.known.judge(findings, self.today)
        second = self.baseline.judge(first.findings, self.today)
        there = list(answered)
        unmet = (entry for entry in first.unused if any(entry.is_about(*each) for each in there))
        return replace(
            second,
            expired=(*first.expired, *second.expired),
            known=first.accepted,
            unmet=tuple(entry for entry in unmet if not entry.sometimes),
        )

    def counts(self, finding: Finding) -> bool:
        """Return whether ``finding`` counts: it is neither a known deviation nor accepted."""
        return bool(self.divide([finding]).findings)


def read_baseline(path: Path | str, *, evidence: bool = False) -> Baseline:
    """Return the baseline in the file at ``path``; raises :class:`FileRefused` for a file that is none.

    ``evidence``: the file holds known deviations, each entry with its evidence.
    """
    keys = _KEYS_OF_A_DEVIATION if evidence else _KEYS
    document = read_toml(path)
    unknown = document.keys() - {"accepted"}
    listed = document.get("accepted", [])
    if unknown or not isinstance(listed, list):
        raise FileRefused(f"{path}: a baseline holds [[accepted]] entries and nothing else; found {_first(unknown)}")
    return Baseline(tuple(_entry(item, f"{path}: entry {number}", keys) for number, item in enumerate(listed, 1)))


def read_deviations(path: Path, version: str) -> Baseline:
    """Return the known deviations in the file at ``path`` that ``version`` can show; see :func:`read_baseline`."""
    entries = read_baseline(path, evidence=True).entries
    return Baseline(tuple(each for each in entries if each.versions is None or version in each.versions))


def write_baseline(path: Path | str, baseline: Baseline) -> None:
    """Write ``baseline`` to ``path``; raises :class:`FileRefused` as :func:`.files.write_text` does."""
    write_text(Path(path), "\n".join([_HEAD, *map(to_toml, baseline.entries)]))


def _first(names: Iterable[str]) -> str:
    return repr(min(names, default="an 'accepted' that is no list of tables"))


def _entry(item: Any, name: str, keys: Collection[str]) -> Entry:
    if not isinstance(item, dict):
        raise FileRefused(f"{name}: is not a table; write [[accepted]]")
    if unknown := item.keys() - set(keys):
        raise FileRefused(f"{name}: has the unknown key {_first(unknown)}; there are {', '.join(sorted(keys))}")
    if type(item.get("sometimes", False)) is not bool:
        raise FileRefused(f"{name}: its sometimes is not true or false; correct it")
    for key in ("id", "reason"):
        if not isinstance(item.get(key), str) or not item[key].strip():
            raise FileRefused(f"{name}: needs {'an id' if key == 'id' else 'a reason'}, a text that is not empty")
    for key in ("location", "message"):
        if key in item and not isinstance(item[key], str):
            raise FileRefused(f"{name}: its {key} is not a text; correct it")
    lists = {key: _listed(item[key], key, name) for key in _LISTS if key in item}
    evidence = tuple(_evidence(item.get("evidence"), name)) if "evidence" in keys else ()
    return Entry(**{**item, **lists, "expires": _day(item.get("expires"), name), "evidence": evidence})


def _evidence(listed: Any, name: str) -> Iterator[Evidence]:
    if not isinstance(listed, list) or not listed:
        raise FileRefused(f"{name}: needs evidence: write [[accepted.evidence]] with a source, a date and a version")
    for each in listed:
        texts = {key: str(each.get(key, "")).strip() for key in _KEYS_OF_EVIDENCE} if isinstance(each, dict) else {}
        if not all(texts.values()) or not texts or each.keys() - texts.keys():
            wanted = "a source, a date and a version, and nothing else"
            raise FileRefused(f"{name}: each of its evidence has {wanted}; correct it")
        if not _DATE.fullmatch(texts["date"]):
            raise FileRefused(
                f"{name}: the date of its evidence is not one like 2025-08-14, 2025-08 or 2025; correct it"
            )
        yield Evidence(**texts)


def _listed(values: Any, key: str, name: str) -> tuple[Any, ...]:
    kind = _LISTS[key]
    if not isinstance(values, list) or not values or not all(type(value) is kind for value in values):
        raise FileRefused(f"{name}: its {key} are not a list of {'texts' if kind is str else 'numbers'}; correct them")
    return tuple(values)


def _day(value: Any, name: str) -> date | None:
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise FileRefused(f"{name}: its expires is not a day like 2030-12-31; correct it") from None


def unwritten(today: date) -> str:
    """Return the reason of an entry that nobody has given one."""
    return f"accepted on {today}: say why"


def entries_for(findings: Iterable[Finding], reason: str, evidence: tuple[Evidence, ...] = ()) -> Iterator[Entry]:
    """Yield as few entries as accept exactly ``findings``."""
    places: dict[tuple[str, str, str], dict[int | None, set[str]]] = {}
    for finding in findings:
        at = places.setdefault((finding.id, finding.location, finding.message), {})
        at.setdefault(finding.status, set()).add(finding.operation)
    for (id_, location, message), by_status in sorted(places.items()):
        shared: dict[tuple[str, ...], list[int | None]] = {}
        for status, operations in by_status.items():
            shared.setdefault(tuple(sorted(operations)), []).append(status)
        for labels, statuses in sorted(shared.items()):
            numbers = sorted(status for status in statuses if status is not None)
            # the place says which finding is meant, except where several can stand at one
            ambiguous = not location or any(noun in id_ for noun in _SEVERAL)
            yield Entry(
                id=id_,
                reason=reason,
                operations=labels,
                statuses=None if None in statuses else tuple(numbers),
                location=location,
                message=message if ambiguous else None,
                evidence=evidence,
            )


def to_toml(entry: Entry) -> str:
    """Return an entry as a TOML table of a baseline, or of known deviations where it has evidence."""
    lines = ["[[accepted]]"]
    stated = {key: getattr(entry, key) for key in _KEYS_OF_A_DEVIATION if key != "evidence"}
    lines += [f"{key} = {_value(value)}" for key, value in stated.items() if value not in (None, False)]
    for each in entry.evidence:
        lines += ["[[accepted.evidence]]", *(f"{key} = {_value(value)}" for key, value in asdict(each).items())]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    """Return a value of an entry as TOML has it, each of several texts on a line of its own."""
    if isinstance(value, str):
        # a JSON string is a TOML one but for the control character that JSON lets stand
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, tuple):
        items = list(map(_value, value))
        if len(items) > 1 and isinstance(value[0], str):
            return "\n".join(["[", *(f"    {item}," for item in items), "]"])
        return f"[{', '.join(items)}]"
    return value.isoformat() if isinstance(value, date) else json.dumps(value)
