"""What runs with a rehearsal have found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def verdicts_of(folder: Path) -> list[dict[str, Any]]:
    """Return the verdicts of a run that wrote its report to ``report.json``."""
    found: list[dict[str, Any]] = json.loads((folder / "report.json").read_text())["rehearsal"]
    return found


def words_of(folder: Path) -> dict[str, set[str]]:
    """Return the verdicts of a run by test, without those that say that all is well."""
    found: dict[str, set[str]] = {}
    for each in verdicts_of(folder):
        found.setdefault(each["test"].partition("::")[2], set())
        if each["finding"]:
            found[each["test"].partition("::")[2]].add(each["verdict"])
    return found
