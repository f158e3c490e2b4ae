"""The history: what Adyen really changed in what its APIs answer, by day, to be carried out on an answer of today."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

from pytest_adyen_creds.formats import read_toml

_FILE: Final = Path(__file__).with_suffix(".toml")
_SERVICE: Final = re.compile(r"(?P<service>[A-Za-z]+)-(?P<version>v[0-9]+)\.json$")


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to one property of some structures on a day (``2026-05-01``).

    ``change`` is its fate, in the words of the findings of drift; ``value`` is what an answer has there, of a
    property that came, or the value that joined an enumeration.
    """

    date: str
    change: Literal["property-added", "property-removed", "enum-value-added"]
    structures: frozenset[str]
    name: str
    """The property's."""
    value: Any
    text: str

    def can_be_carried_out(self, body: dict[str, Any]) -> bool:
        """Return whether an object of the structure is as it was before."""
        if self.change == "property-added":
            return self.name not in body
        return self.name in body and body[self.name] != self.value

    def carry_out(self, body: dict[str, Any]) -> None:
        """Change an object of the structure, where it is as it was before."""
        if not self.can_be_carried_out(body):
            return
        if self.change == "property-removed":
            del body[self.name]
        elif isinstance(body.get(self.name), list):
            body[self.name] = [*body[self.name], self.value]
        else:
            body[self.name] = self.value


@cache
def history_of(published: str) -> tuple[Change, ...]:
    """Return what Adyen did to the structures of the document that is ``published`` there, in the order of the days."""
    found = _SERVICE.search(published)
    if found is None:
        return ()
    listed = read_toml(_FILE)["change"]
    return tuple(
        Change(
            str(each["date"]),
            each["change"],
            frozenset(each["structures"]),
            each["property"],
            None if each["change"] == "property-removed" else value,
            each["text"].rstrip("."),
        )
        for each in sorted(listed, key=lambda each: str(each["date"]))
        if each["service"] == found["service"] and found["version"] in each["versions"]
        for value in each.get("values", [each.get("value")])
    )
