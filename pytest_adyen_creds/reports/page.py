"""The HTML report: one file that asks for nothing else, works without a mouse, in the dark and on paper."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Sequence
from importlib.resources import files
from typing import Any, Final

from pytest_adyen_creds.contract.baseline import entries_for, to_toml
from pytest_adyen_creds.contract.finding import LEVELS, Finding
from pytest_adyen_creds.drift.text import tally
from pytest_adyen_creds.secrets import MASK
from pytest_adyen_creds.text import counted, plain

_LONGEST: Final = 1_000
"""Characters of one text that are shown."""
_MOST: Final = 100
"""Findings, and failed checks, that are shown."""
_MOST_TESTS: Final = 10
"""Tests of one finding that are shown."""
_MOST_ASKING: Final = 20
"""Failed tests of which is shown what they asked."""

_BACKENDS: Final = {"sandbox": "the embedded sandbox, not Adyen", "live": "Adyen's test endpoint"}
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


def page_of(report: dict[str, Any]) -> str:
    """Return a report (see :func:`.report.report_of`) as an HTML page; whatever its texts hold, they stay text."""
    sections = (
        ("rehearsal", "Rehearsal", _rehearsal(report)),
        ("roles", "Roles", _roles(report)),
        ("findings", "Drift", _findings(report)),
        ("coverage", "Coverage", _coverage(report)),
        ("failures", "Failed checks", _failures(report["failures"])),
        ("asked", "What failed tests asked", _asked(report["asked"])),
        ("recordings", "Recordings", _recordings(report["recordings"])),
        ("known", "Known deviations", _known(report)),
        ("accepted", "Accepted drift", _accepted(report)),
    )
    shown = [(id_, title, body) for id_, title, body in ((i, t, "\n".join(b)) for i, t, b in sections) if body]
    links = "".join(f'<li><a href="#{id_}">{title}</a></li>' for id_, title, _ in shown)
    bodies = "\n".join(
        f'<section aria-labelledby="{id_}"><h2 id="{id_}" tabindex="-1">{title}</h2>\n{body}\n</section>'
        for id_, title, body in shown
    )
    style = (files("pytest_adyen_creds.reports") / "page.css").read_text(encoding="utf-8")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<link rel="icon" href="data:,">
<title>{_verdict(report)}: Adyen contract and drift</title>
<style>
{style}</style>
</head>
<body>
<a class="skip" href="#findings">Skip to the findings</a>
<header>
<h1>Adyen contract and drift</h1>
<p>{_head(report)}</p>
<nav aria-label="Sections"><ul>{links}</ul></nav>
</header>
<main>
{_totals(report)}
{bodies}
</main>
<footer><p>Written by {_text(report["generator"])}. Contract {_text(report["contract"]["version"])},
<code>{_text(report["contract"]["digest"])}</code>. Nothing in this report is secret: keys and passwords are masked.</p>
</footer>
</body>
</html>
"""


def _head(report: dict[str, Any]) -> str:
    day, _, rest = report["generated_at"].partition("T")
    when = f'<time datetime="{_text(report["generated_at"])}">{_text(day)} {_text(rest[:5])} UTC</time>'
    mode = f"<code>--adyen-drift={_text(report['drift']['mode'])}</code>"
    outcome = "drift fails this run" if report["drift"]["fails"] else "drift does not fail this run"
    return (
        f"Management API {_text(report['contract']['version'])}, backend {_text(report['backend'])}, {when}.<br>\n"
        f"<strong>{_verdict(report)}</strong>; with {mode}, {outcome}."
    )


def _verdict(report: dict[str, Any]) -> str:
    text = tally(map(Finding.from_json, report["findings"]))
    failed, verdicts = len(report["failures"]), len(_counting(report))
    text += f", {counted(failed, 'failed check')}" if failed else ""
    return _text(text[0].upper() + text[1:] + (f", {counted(verdicts, 'verdict')} that count" if verdicts else ""))


def _counting(report: dict[str, Any]) -> list[dict[str, Any]]:
    return [row for row in report["rehearsal"] if row["finding"] and not row["accepted"]]


def _totals(report: dict[str, Any]) -> str:
    documented = [row for row in report["coverage"] if row["documented"]]
    covered = sum(1 for row in documented if row["answers"])
    totals: dict[str, Any] = {level.capitalize(): report["drift"]["counts"][level] for level in LEVELS}
    totals |= {"Known": report["drift"]["known"]["kinds"]}
    totals |= {"Accepted": len(report["accepted"]), "Failed checks": len(report["failures"])}
    if report["rehearsed"]:
        words = [row["verdict"] for row in _counting(report)]
        totals |= {"Broke": words.count("broke"), "Silent": words.count("silent")}
    totals |= {"Answers": report["drift"]["answers"], "Covered": f"{covered}/{len(documented)}"}
    return '<dl class="totals">' + "".join(f"<div><dt>{k}</dt><dd>{v}</dd></div>" for k, v in totals.items()) + "</dl>"


def _findings(report: dict[str, Any]) -> Iterator[str]:
    origins = report["drift"]["origins"]
    whose = "; ".join(f"{count} from {_text(origin)}" for origin, count in origins.items())
    answers = counted(report["drift"]["answers"], "answer")
    yield f"<p>{answers} held against the contract{f': {whose}' if whose else ''}.</p>"
    if not report["findings"]:
        yield "<p>No answer departs from the contract.</p>"
    for row in _first(report["findings"]):
        yield (
            f"<details open><summary>{_level(row['level'])} {_code(row['id'])} {_text(row['message'])} "
            f"<span class=soft>({_place(row)}; {counted(row['count'], 'answer')})</span></summary>\n<div class=inside>"
        )
        answered = _text(", ".join(row["origins"]))
        yield from _named(Example=_text(row["example"]), Answered_by=answered, Met_by=_tests(row))
        yield from _named(Next=_text(row["next_step"]))
        accepting = to_toml(next(entries_for([Finding.from_json(row)], "say why")))
        if MASK not in accepting and max(map(len, accepting.splitlines())) < _LONGEST:  # else it would accept nothing
            yield f"<p>To accept it, in the baseline:</p><pre>{_lines(accepting)}</pre>"
        yield "</div></details>"
    yield from _more(len(report["findings"]) - _MOST, "findings")
    for problem in report["problems"]:
        yield f"<p>{_text(problem)}</p>"


_MARKS: Final = {"broke": "x", "silent": "!", "noticed": "e", "survived": "o"}
"""What stands in a cell of the rehearsal's matrix for each verdict, the worst first."""
_LOOKS: Final = {"broke": "breaking", "silent": "warning", "noticed": "good", "survived": "good"}


def _rehearsal(report: dict[str, Any]) -> Iterator[str]:
    rows, tests = report["rehearsal"], report["rehearsed"]
    if not tests:
        return
    counting = _counting(report)
    accepted = sum(1 for row in rows if row["finding"] and row["accepted"])
    more = f", {accepted} accepted" if accepted else ""
    yield (
        f"<p>{counted(len(tests), 'test')} in {counted(sum(each['runs'] for each in tests), 'run')}: "
        f"{counted(len(rows), 'verdict')}, {counted(len(counting), 'finding')}{more}.</p>"
    )
    yield from _verdict_matrix(rows, tests)
    for row in counting[:_MOST]:
        yield (
            f"<details><summary>{_level(_LOOKS[row['verdict']], row['verdict'])} {_text(row['mutation'])} "
            f"<span class=soft>({_code(row['test'])}; {_place(row)})</span></summary>\n<div class=inside>"
        )
        where = f"{_code(row['where'])} in {_code(row['by'])}" if row["where"] else ""
        yield from _named(Error=_text(row["error"]), Raised_at=where, Next=_text(row["next_step"]))
        yield f"<p>See it again:</p><pre>{_lines(row['again'])}</pre>"
        yield "</div></details>"
    yield from _more(len(counting) - _MOST, "findings of the rehearsal")
    for each in tests:
        left = (
            f"{counted(each['left'], 'variation')} not run: adyen_rehearse_max allows no more" if each["left"] else ""
        )
        if note := "; ".join(filter(None, (each["problem"], left))):
            yield f"<p>{_code(each['test'])}: {_text(note)}.</p>"


def _verdict_matrix(rows: list[dict[str, Any]], tests: list[dict[str, Any]]) -> Iterator[str]:
    cells: dict[tuple[str, tuple[str, str]], list[str]] = {}
    columns: dict[str, dict[tuple[str, str], None]] = {}
    for row in rows:
        name = row["change"] if row["kind"] != "history" else row["mutation"].partition(":")[0]
        column = row["kind"], name.partition(":")[0]
        columns.setdefault(row["kind"], {})[column] = None
        accepted = row["finding"] and row["accepted"]
        cells.setdefault((row["test"], column), []).append("survived" if accepted else row["verdict"])
    kinds = "".join(f'<th scope=colgroup colspan="{len(names)}">{_text(kind)}</th>' for kind, names in columns.items())
    order = [column for names in columns.values() for column in names]
    head = "".join(f"<th scope=col>{_code(name)}</th>" for _, name in order)
    legend = ", ".join(f"{mark} {word}" for word, mark in _MARKS.items())
    yield (
        '<div class="scroll" role="region" aria-label="Verdicts of tests by what was otherwise" tabindex="0">'
        f"<table class=matrix><caption>What became of each test when something was otherwise: {legend}; a number is "
        "how often.</caption>"
        f"<thead><tr><th rowspan=2 scope=col>Test</th>{kinds}</tr><tr>{head}</tr></thead><tbody>"
    )
    for each in tests:
        body = "".join(_verdict_cell(name, cells.get((each["test"], (kind, name)), [])) for kind, name in order)
        yield f"<tr><th scope=row>{_code(each['test'])}</th>{body}</tr>"
    yield "</tbody></table></div>"


def _verdict_cell(name: str, words: list[str]) -> str:
    worst = next((word for word in _MARKS if word in words), None)
    if worst is None:
        return f'<td class=empty data-of="{_text(name)}"><span class=only-read>nothing to change</span></td>'
    number = words.count(worst)
    marks = _MARKS[worst] + (str(number) if number > 1 else "")
    return (
        f'<td class={_LOOKS[worst]} data-of="{_text(name)}"><span aria-hidden="true">{marks}</span>'
        f"<span class=only-read>{number} {worst}</span></td>"
    )


def _roles(report: dict[str, Any]) -> Iterator[str]:
    roles = report["roles"]
    if not roles["calls"]:
        return
    yield _table(
        "The smallest set of roles with which all was answered",
        ("Role", "Operations that ask for it", "Tests"),
        (
            [_code(each["role"]), ", ".join(map(_code, each["operations"])), str(each["tests"])]
            for each in roles["evidence"]
        ),
    )
    if roles["granted_unused"]:
        yield _table(
            "What credentials were given for nothing",
            ("Credential", "Role"),
            ([_text(each["credential"]), _code(each["role"])] for each in roles["granted_unused"][:_MOST]),
        )
    if roles["granted_unclear"]:
        yield _table(
            "What credentials were given and may need: no contract says what was asked for",
            ("Credential", "Role"),
            ([_text(each["credential"]), _code(each["role"])] for each in roles["granted_unclear"][:_MOST]),
        )
    if roles["refused"]:
        yield _table(
            "What was refused for want of a role",
            ("Operation", "Credential", "It lacks", "Test"),
            (
                [_code(each["operation"]), _text(each["credential"]), _text(each["missing"]), _code(each["test"])]
                for each in roles["refused"][:_MOST]
            ),
        )
    for line in roles.get("proof", {}).get("lines", ()):
        yield f"<p>{_text(line)}</p>"
    if roles["unknown"]:
        yield f"<p>No contract says what these ask for: {', '.join(map(_code, roles['unknown']))}.</p>"


def _first(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return as many of ``rows`` as are shown, in their order: one of each kind before the second of any."""
    kinds: dict[tuple[str, ...], int] = {}
    for number, row in enumerate(rows):
        kinds.setdefault((row["level"], row["id"], row["message"]), number)
    first = set(kinds.values())
    chosen = [*sorted(first), *(number for number in range(len(rows)) if number not in first)][:_MOST]
    return [rows[number] for number in sorted(chosen)]


def _place(row: dict[str, Any]) -> str:
    status = "" if row["status"] is None else f", {_text(row['status'])}"
    return _code(row["operation"]) + status + (f", {_code(row['location'])}" if row.get("location") else "")


def _tests(row: dict[str, Any]) -> str:
    shown, more = row["tests"][:_MOST_TESTS], len(row["tests"]) - _MOST_TESTS
    return ", ".join(map(_code, shown)) + (f" and {more} more" if more > 0 else "")


def _named(**texts: str) -> Iterator[str]:
    """Yield a paragraph for each text that is not empty, with its name."""
    for name, text in texts.items():
        if text:
            yield f"<p>{name.replace('_', ' ')}: {text}</p>"


def _coverage(report: dict[str, Any]) -> Iterator[str]:
    rows = report["coverage"]
    cells = {(row["operation"], row["status"]): row for row in rows}
    statuses = sorted({row["status"] for row in rows})
    departing = {(row["operation"], row["status"]) for row in report["findings"]}
    head = "".join(f"<th scope=col>{status}</th>" for status in statuses)
    yield (
        '<div class="scroll" role="region" aria-label="Coverage of operations by statuses" tabindex="0">'
        "<table class=matrix><caption>How many answers each operation gave with each status of the contract. "
        "&ndash; is documented and was not seen, ! is not documented and was seen, * departs from it.</caption>"
        f"<thead><tr><th scope=col>Operation</th>{head}</tr></thead><tbody>"
    )
    for label in dict.fromkeys(row["operation"] for row in rows):
        body = "".join(_cell(status, cells.get((label, status)), (label, status) in departing) for status in statuses)
        yield f"<tr><th scope=row>{_code(label)}</th>{body}</tr>"
    yield "</tbody></table></div>"


def _cell(status: int, row: dict[str, Any] | None, departs: bool) -> str:
    if row is None:
        return "<td class=empty><span class=only-read>not documented</span></td>"
    if not row["answers"]:
        shown, kind = '<span aria-hidden="true">&ndash;</span><span class=only-read>not seen</span>', "soft"
    else:
        marks, reads, kind = "", "", "good"
        if not row["documented"]:
            marks, reads, kind = "!", " not documented", "warning"
        if departs:
            marks, reads, kind = marks + "*", f"{reads} with findings", "breaking"
        more = f'<span aria-hidden="true">{marks}</span><span class=only-read>{reads}</span>' if marks else ""
        shown = f"{row['answers']}{more}"
    return f"<td class={kind} data-of={status}>{shown}</td>"


def _failures(failures: list[dict[str, Any]]) -> Iterator[str]:
    for each in failures[:_MOST]:
        yield (
            f"<details><summary>{_level('breaking', 'failed')} {_code(each['check'])} {_text(each['message'])} "
            f"<span class=soft>({_place(each)}; {counted(each['count'], 'exchange')})</span></summary>\n"
            "<div class=inside>"
        )
        yield from _named(Rule=_text(each["rule"]), Exchange=_text(each["source"]), Met_by=_tests(each))
        yield from _named(Next=_text(each["next_step"]))
        for name, key in (("Sent", "curl"), ("Came back", "answer"), ("Judge it again", "replay")):
            if each[key]:
                yield f"<p>{name}:</p><pre>{_lines(each[key])}</pre>"
        yield "</div></details>"
    yield from _more(len(failures) - _MOST, "failed checks")


def _asked(tests: list[dict[str, Any]]) -> Iterator[str]:
    if not tests:
        return
    yield f"<p>{counted(len(tests), 'failed test')} asked the embedded sandbox, not Adyen.</p>"
    for each in tests[:_MOST_ASKING]:
        yield (
            f"<details><summary>{_level('breaking', 'failed')} {_code(each['test'])}</summary>\n<div class=inside>"
            f"<pre>{_lines(chr(10).join(each['lines']))}</pre></div></details>"
        )
    yield from _more(len(tests) - _MOST_ASKING, "failed tests")


def _recordings(recordings: list[dict[str, Any]]) -> Iterator[str]:
    if not recordings:
        return
    stale = sum(1 for each in recordings if each["stale"])
    yield f"<p>{counted(len(recordings), 'recording')} answered, {stale} of them stale.</p>"
    yield _table(
        "What was replayed, who answered when it was recorded, and whether it should be recorded again",
        ("Recording", "Recorded from", "On", "Age", "Contract", "Answers", "State"),
        (
            [
                _code(each["path"]),
                _text(_BACKENDS.get(each["backend"], "not known")),
                _short((each["recorded_at"] or "not known")[:10]),
                _short("not known" if each["age_days"] is None else counted(each["age_days"], "day")),
                _contract(each),
                _text("not known" if each["answers"] is None else each["answers"]),
                f"{_level('warning', 'stale')} {_text('; '.join(each['stale']))}"
                if each["stale"]
                else _level("good", "fresh" if each["backend"] else "not known"),
            ]
            for each in recordings
        ),
    )


def _contract(each: dict[str, Any]) -> str:
    if not each["contract"]:
        return "not known"
    return _text(each["contract"] + (", the same" if each["same_contract"] else ", another state of it"))


def _known(report: dict[str, Any]) -> Iterator[str]:
    kinds = _kinds(report)
    if kinds:
        answers = counted(report["drift"]["known"]["answers"], "answer")
        yield f"<p>{counted(len(kinds), 'kind')} in {answers}; none fails anything.</p>"
        yield _table(
            "What the platform is known to answer otherwise than its document says",
            ("Finding", "Where", "What is known", "Seen"),
            (
                [
                    _code(first["id"]),
                    _where([first, *more]),
                    _text(first["reason"]),
                    _text("; ".join(first["evidence"])),
                ]
                for first, *more in kinds
            ),
        )
    for entry in report["baseline"]["unmet"]:
        yield f"<p>Known, and not met in this run though it could have been: {_text(entry)}.</p>"


def _kinds(report: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """Return the known deviations that were met, each with all that showed it."""
    kinds: dict[int, list[dict[str, Any]]] = {}
    for row in report["known"]:
        kinds.setdefault(row["kind"], []).append(row)
    return list(kinds.values())


def _where(rows: list[dict[str, Any]]) -> str:
    labels, statuses, places = (sorted({row[key] for row in rows}) for key in ("operation", "status", "location"))
    operations = _code(labels[0]) if len(labels) == 1 else f"{len(labels)} operations"
    return ", ".join([operations, *map(str, statuses), *map(_code, filter(None, places))])


def _accepted(report: dict[str, Any]) -> Iterator[str]:
    if report["accepted"]:
        yield _table(
            "Findings that the baseline accepts",
            ("Finding", "Where", "Answers", "Reason", "Until"),
            (
                [
                    f"{_level(each['level'])} {_code(each['id'])} {_text(each['message'])}",
                    _place(each),
                    _text(each["count"]),
                    _text(each["reason"]),
                    _text(each["expires"] or "no end"),
                ]
                for each in report["accepted"]
            ),
        )
    for each in report["baseline"]["expired"]:
        yield f"<p>Expired on {_text(each['expires'])}: {_text(each['entry'])}.</p>"
    for entry in report["baseline"]["unused"]:
        yield f"<p>Not met in this run: {_text(entry)}.</p>"


def _table(caption: str, head: Sequence[str], rows: Iterable[list[str]]) -> str:
    cells = "".join(f"<th scope=col>{name}</th>" for name in head)
    body = "\n".join(
        f"<tr><th scope=row>{first}</th>"
        + "".join(f'<td data-of="{name}">{cell}</td>' for name, cell in zip(head[1:], more, strict=True))
        + "</tr>"
        for first, *more in rows
    )
    return (
        f'<div class="scroll" role="region" aria-label="{_text(caption)}" tabindex="0"><table>'
        f"<caption>{_text(caption)}</caption><thead><tr>{cells}</tr></thead>\n<tbody>{body}</tbody></table></div>"
    )


def _more(count: int, what: str) -> Iterator[str]:
    if count > 0:
        yield f"<p>{count} more {what} are in the JSON report (<code>--adyen-report findings.json</code>).</p>"


def _level(level: str, word: str = "") -> str:
    return f'<span class="level {level}">{word or level}</span>'


def _text(value: Any) -> str:
    """Return ``value`` as text of the page: escaped, shortened, without what is not to be seen."""
    text = plain(str(value))
    return html.escape(text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…")


def _code(value: Any) -> str:
    return f"<code>{_broken(value)}</code>"


def _broken(value: Any) -> str:
    """Return a text with paths and names in it that may break behind each segment and word of theirs."""
    return re.sub(r"(?<=[^\s/])(/|::|_)", r"\1<wbr>", _text(value))


def _short(value: str) -> str:
    return f'<span class="short">{_text(value)}</span>'


def _lines(value: str) -> str:
    return "\n".join(_broken(line) for line in value.splitlines()[:_MOST])
