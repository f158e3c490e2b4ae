"""The HTML report: one file that asks for nothing else, works without a mouse, in the dark and on paper."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup

from pytest_adyen_creds.contract.baseline import entries_for, to_toml
from pytest_adyen_creds.contract.finding import Finding
from pytest_adyen_creds.drift.text import tally
from pytest_adyen_creds.secrets import MASK
from pytest_adyen_creds.text import counted, plain

if TYPE_CHECKING:
    import jinja2

_LONGEST: Final = 1_000
"""Characters of one text that are shown."""
_MOST_LINES: Final = 100
"""Lines of one text that are shown."""
_BREAKS: Final = re.compile(r"(?<=[^\s/][/_])|(?<=[^\s/]::)")
"""Where paths and names may break: behind each segment and word of theirs."""


def page_of(report: dict[str, Any]) -> str:
    """Return a report (see :func:`.report.report_of`) as an HTML page; whatever its texts hold, they stay text."""
    changes, verdicts = _verdicts(report["rehearsal"])
    return _template().render(
        report=report,
        tally=tally(map(Finding.from_json, report["findings"])),
        changes=changes,
        verdicts=verdicts,
        covered=_covered(report),
    )


@cache
def _template() -> jinja2.Template:
    import jinja2  # only a run that writes such a page waits for it

    made = jinja2.Environment(
        loader=jinja2.PackageLoader("pytest_adyen_creds.reports", ""),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_shortened,
    )
    made.filters.update(counted=counted, code=_code, lines=_lines, first_of_each=_first_of_each, accepting=_accepting)
    return made.get_template("page.html")


def _verdicts(rows: list[dict[str, Any]]) -> tuple[dict[str, list[str]], dict[tuple[str, str, str], list[str]]]:
    """Return what was otherwise, by its kind, and the verdicts of each test by kind and by what was otherwise."""
    changes: dict[str, list[str]] = {}
    verdicts: dict[tuple[str, str, str], list[str]] = {}
    for row in rows:
        name = row["mutation" if row["kind"] == "history" else "change"].partition(":")[0]
        names = changes.setdefault(row["kind"], [])
        if name not in names:
            names.append(name)
        is_accepted = row["finding"] and row["accepted"]
        found = verdicts.setdefault((row["test"], row["kind"], name), [])
        found.append("survived" if is_accepted else row["verdict"])
    return changes, verdicts


def _covered(report: dict[str, Any]) -> dict[str, dict[int, dict[str, Any]]]:
    """Return the rows of the coverage by operation and status, each with whether a finding ``departs`` there."""
    departing = {(row["operation"], row["status"]) for row in report["findings"]}
    covered: dict[str, dict[int, dict[str, Any]]] = {}
    for row in report["coverage"]:
        departs = (row["operation"], row["status"]) in departing
        covered.setdefault(row["operation"], {})[row["status"]] = {**row, "departs": departs}
    return covered


def _first_of_each(rows: list[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    """Return at most ``most`` findings, in their order: one of each kind before the second of any."""
    kinds: dict[tuple[str, ...], int] = {}
    for number, row in enumerate(rows):
        kinds.setdefault((row["level"], row["id"], row["message"]), number)
    first = set(kinds.values())
    chosen = [*sorted(first), *(number for number in range(len(rows)) if number not in first)][:most]
    return [rows[number] for number in sorted(chosen)]


def _accepting(row: dict[str, Any]) -> str:
    """Return the entry of a baseline that accepts a finding; empty where, masked or shortened, it would not."""
    entry = to_toml(next(entries_for([Finding.from_json(row)], "say why")))
    return "" if MASK in entry or max(map(len, entry.splitlines())) >= _LONGEST else entry


def _shortened(value: Any) -> Any:
    """Return a text as the page prints it, before it is escaped: not too long, without what is not to be seen."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    text = plain(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _broken(text: str) -> Markup:
    return Markup("<wbr>").join(_BREAKS.split(_shortened(text)))


def _code(text: str) -> Markup:
    return Markup("<code>{}</code>").format(_broken(text))


def _lines(text: str) -> Markup:
    return Markup("\n").join(map(_broken, text.splitlines()[:_MOST_LINES]))
