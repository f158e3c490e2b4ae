"""A rehearsal in each report: the worst first, what to do, at the user's line, and nothing but text."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from reports_samples import HOSTILE, NOW, results_of

from pytest_adyen_creds.checks.results import Results
from pytest_adyen_creds.checks.verdicts import Rehearsed, Verdict, fails
from pytest_adyen_creds.contract.baseline import Baseline, Entry
from pytest_adyen_creds.reports.github import annotation_lines, step_summary
from pytest_adyen_creds.reports.page import page_of
from pytest_adyen_creds.reports.rehearsal import again, rehearsal_lines
from pytest_adyen_creds.reports.report import report_of
from pytest_adyen_creds.secrets import Secret


def verdict(test: str, change: str = "property-added", word: Any = "survived", **more: Any) -> Verdict:
    must = "must-notice" if word in ("silent", "noticed") else "must-survive"
    given: dict[str, Any] = {
        "id": f"GET /me 200 {change}",
        "kind": "removals" if must == "must-notice" else "additions",
        "must": must,
        "operation": "GET /me",
        "status": 200,
        "location": "",
        "text": "something came",
    }
    return Verdict(test, change=change, word=word, **(given | more))


BROKE: dict[str, Any] = {"word": "broke", "error": "KeyError: 'x'", "where": "shop/api.py:12", "by": "fetch"}


@pytest.fixture
def results(tmp_path: Path) -> Results:
    found = results_of(tmp_path, rehearse=("additions", "removals"))
    found.rehearsal.tests += [
        Rehearsed("test_a.py::good", 1),
        Rehearsed("test_a.py::quiet", 3),
        Rehearsed("test_a.py::bad", 9, left=4),
        Rehearsed("test_a.py::once", 2, problem="it cannot be run twice"),
    ]
    found.rehearsal.verdicts += [
        verdict("test_a.py::good"),
        verdict("test_a.py::quiet", "html", "silent"),
        verdict("test_a.py::bad", "role-added"),
        verdict("test_a.py::bad", **BROKE),
    ]
    return found


def test_the_terminal_has_the_worst_first_and_what_to_do(results: Results) -> None:
    lines = list(rehearsal_lines(results))
    assert lines[0].split() == ["additions", "removals", "test"]
    assert lines[1].split() == ["1", "broke", "of", "2", "-", "test_a.py::bad"]
    assert lines[2].strip() == ("broke: GET /me -> 200: something came: KeyError: 'x' [shop/api.py:12 in fetch]")
    assert lines[3].strip() == "do: let the parser ignore properties that it does not know"
    assert lines[4].strip() == "see: pytest test_a.py::bad --adyen-rehearse-only='GET /me 200 property-added'"
    text = "\n".join(lines)
    assert "4 variations not run" in text
    assert "it cannot be run twice" in text
    assert "test_a.py::good" not in text
    assert text.index("test_a.py::bad") < text.index("test_a.py::quiet") < text.index("test_a.py::once")
    assert lines[-1] == "4 tests rehearsed (additions, removals) in 15 runs: 1 broke, 1 silent, 2 survived"
    assert "test_a.py::good" in "\n".join(rehearsal_lines(results, verbosity=1))


def test_many_findings_of_one_test_are_counted(results: Results) -> None:
    results.rehearsal.verdicts += [verdict("test_a.py::bad", f"change-{number}", **BROKE) for number in range(9)]
    assert any("7 more" in line for line in rehearsal_lines(results))
    assert not any("more (" in line for line in rehearsal_lines(results, verbosity=1))


def test_the_json_has_each_verdict(results: Results) -> None:
    report = json.loads(json.dumps(report_of(results, NOW)))
    row = report["rehearsal"][-1]
    wanted = {"test", "kind", "class", "operation", "status", "location", "mutation", "verdict", "error", "where"}
    assert row.keys() >= wanted
    assert (row["verdict"], row["class"], row["finding"]) == ("broke", "must-survive", "rehearsal-broke")
    assert row["again"] == "pytest test_a.py::bad --adyen-rehearse-only='GET /me 200 property-added'"
    assert [each["test"] for each in report["rehearsed"]][:2] == ["test_a.py::bad", "test_a.py::quiet"]


def test_the_page_has_a_matrix(results: Results) -> None:
    page = page_of(report_of(results, NOW))
    matrix = page.partition('aria-label="Verdicts of tests')[2].partition("</table>")[0]
    rows = re.findall(r"<tr><th scope=row>.*?</tr>", matrix)
    assert re.sub(r"<[^>]*>", "", rows[0].partition("</th>")[0]) == "test_a.py::bad"
    assert 'class=breaking data-of="property-added"' in rows[0]
    assert 'class=warning data-of="html"' in rows[1]
    assert "nothing to change" in rows[0]
    assert "1 broke" in rows[0]
    assert "<dt>Broke</dt><dd>1</dd>" in page
    assert "rehearsed" not in page_of(report_of(results_of(results.root), NOW))


def test_github_shows_it_at_the_users_line(results: Results) -> None:
    lines = list(annotation_lines(results))
    assert lines[0].startswith("::warning file=test_a.py,title=Adyen rehearsal%3A silent::")
    assert lines[1].startswith("::error file=shop/api.py,line=12,title=Adyen rehearsal%3A broke::broke: GET /me")
    assert "Rehearsal: 1 broke, 1 silent, 2 survived" in step_summary(results)


def test_hostile_texts_stay_texts(results: Results) -> None:
    for name in HOSTILE:
        more = BROKE | {"error": name, "where": f"{name[:40]}:3", "by": name, "text": name}
        results.rehearsal.verdicts.append(verdict("test_a.py::bad", name[:50], **more))
    page = page_of(report_of(results, NOW))
    assert "<script" not in page
    assert "<img" not in page
    for line in (*annotation_lines(results), *rehearsal_lines(results, verbosity=1)):
        assert line.isprintable()
        assert "##[" not in line
    assert "\n::" not in step_summary(results)


def test_a_secret_that_became_known_later_is_masked(results: Results) -> None:
    canary = "canary-of-rehearsal-0042"
    results.rehearsal.verdicts.append(verdict("test_a.py::bad", **BROKE | {"error": f"ValueError: {canary}"}))
    Secret(canary)
    for text in (json.dumps(report_of(results, NOW)), page_of(report_of(results, NOW)), *annotation_lines(results)):
        assert canary not in text


def test_the_baseline_s_entries_that_nothing_met_are_named(results: Results) -> None:
    entry = Entry("rehearsal-broke", "known", operations=("GET /companies",))
    vars(results)["baseline"] = Baseline((entry,))
    assert any("was not met in this run" in line for line in rehearsal_lines(results))
    assert not results.judgement.unused


@pytest.mark.parametrize(("mode", "words"), [("none", []), ("must-survive", ["broke"]), ("all", ["silent", "broke"])])
def test_what_fails(results: Results, mode: str, words: list[str]) -> None:
    assert [each.word for each in fails(results.rehearsal.verdicts, mode)] == words


def test_workers_hand_their_verdicts_over(results: Results, tmp_path: Path) -> None:
    whole = results_of(tmp_path)
    whole.merge(json.loads(json.dumps(results.to_json())))
    assert whole.rehearsal == results.rehearsal


def test_a_name_that_cannot_be_pasted_says_what_to_do() -> None:
    assert "adyen_rehearse_max" in again(verdict("test_a.py::bad", id="x" * 500))
