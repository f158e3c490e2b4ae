"""GitHub Actions: what a finding says cannot become a command, a link or a table's end."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from reports_samples import ERROR, add_hostile, results_of, see

from pytest_adyen_creds.reports.github import annotation_lines, step_summary, write_step_summary
from pytest_adyen_creds.reports.session_finish import finish_command
from pytest_adyen_creds.secrets import Secret

COMMAND = re.compile(r"::(error|warning|notice) title=[^:,\r\n]+::[^\r\n]*")


def test_each_annotation_is_one_command(tmp_path: Path) -> None:
    lines = list(annotation_lines(add_hostile(results_of(tmp_path))))
    assert lines
    assert lines[0].startswith("::error title=Adyen drift%3A response-required-property-missing::the required")
    for line in lines:
        assert COMMAND.fullmatch(line), line
        assert line.isprintable()
        assert "##[" not in line
        assert not re.search("%(?!25|0A|0D|3A|2C)", line)


def test_no_more_annotations_than_github_shows(tmp_path: Path) -> None:
    results = results_of(tmp_path)
    for number in range(30):
        see(results, {**ERROR, f"new{number}": 1})
    see(results, b"<html>")
    lines = list(annotation_lines(results))
    assert [sum(line.startswith(f"::{kind} ") for line in lines) for kind in ("error", "warning")] == [1, 10]
    assert step_summary(results).count("\n| warning |") == 30


def test_the_summary_is_text_in_a_table(tmp_path: Path) -> None:
    results = add_hostile(results_of(tmp_path))
    summary = step_summary(results)
    rows = [line for line in summary.splitlines() if line.startswith("|")][2:]
    assert len(rows) == len(results.collector.found.findings)
    for row in rows:
        assert row.count("|") == 5, row
        assert re.findall(r"<(?!/?code>|br>)", row) == []
        assert "](" not in row
        assert "`" not in row
        assert "@" not in row
    assert "\n::" not in summary


def test_a_secret_that_became_known_later_is_masked(tmp_path: Path) -> None:
    results = results_of(tmp_path)
    see(results, {**ERROR, "canary-of-github-0007": 1})
    Secret("canary-of-github-0007")
    for text in (*annotation_lines(results), step_summary(results)):
        assert "canary-of-github-0007" not in text
    assert "[masked]" in "".join(annotation_lines(results))


def test_outside_of_a_step_there_is_nothing_to_write(tmp_path: Path) -> None:
    assert write_step_summary(results_of(tmp_path), {}) is None


def test_the_command_tells_github_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    results = results_of(tmp_path)
    see(results, status=429)
    assert finish_command(results, table=False, examples=False) == 0
    assert "### Adyen v3: 1 finding (1 warning) of drift" in (tmp_path / "summary.md").read_text()
    assert "\n::warning title=Adyen drift%3A response-undocumented-status::" in capsys.readouterr().out
