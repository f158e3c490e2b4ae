"""The report as a file: complete, small, inert, and free of secrets."""

from __future__ import annotations

import json
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from reports_samples import ERROR, HOSTILE, NOW, add_hostile, report, results_of, see, suite_results

from pytest_adyen_creds.cassettes import serializer
from pytest_adyen_creds.contract.baseline import Baseline, Entry
from pytest_adyen_creds.contract.finding import Finding
from pytest_adyen_creds.files import write_text
from pytest_adyen_creds.reports.page import page_of
from pytest_adyen_creds.reports.report import write_reports
from pytest_adyen_creds.secrets import SECRETS, Secret, SecretRegistry


class Page(HTMLParser):
    """The elements and the text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_bundled_suite_fits_in_a_small_page(tmp_path: Path) -> None:
    results = suite_results(tmp_path)
    page, value = page_of(report(results)), report(results)
    assert len(page.encode()) < 300_000
    assert value["findings"] == []
    assert len(value["recordings"]) == len(results.recordings) > 26
    assert sum(row["documented"] and row["answers"] > 0 for row in value["coverage"]) == 165
    text = Page(page).text
    for label in results.contract.operations:
        assert label in text
    for path in results.recordings:
        assert path.name in text
    assert "the embedded sandbox, not Adyen" in text
    assert results.contract.digest in text


def test_a_page_asks_for_nothing_and_runs_nothing(tmp_path: Path) -> None:
    page = page_of(report(add_hostile(results_of(tmp_path))))
    elements = Page(page).elements
    assert {tag for tag, _ in elements} & {"script", "img", "iframe", "object", "embed", "form", "base", "b"} == set()
    for _, attributes in elements:
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("href", "src"):
            assert str(attributes.get(name, "#")).startswith(("#", "data:,"))
    assert "url(" not in page
    assert "@import" not in page
    assert all(char.isprintable() or char == "\n" for char in page)
    assert len(page) < 60_000, "a long name does not make a long page"


def test_json_says_what_the_commands_say(tmp_path: Path) -> None:
    results = add_hostile(results_of(tmp_path))
    assert write_reports(results, [tmp_path / "found.json"], NOW) == []
    value = json.loads((tmp_path / "found.json").read_text())
    assert [Finding.from_json(each) for each in value["findings"]] == results.watch.found.findings
    assert value["drift"]["counts"] == {"breaking": 1, "warning": len(HOSTILE) + 1, "info": 0}
    assert value["generated_at"] == "2030-01-02T03:04:05Z"
    assert {"operation": "GET /me", "status": 429, "documented": False, "answers": 1} in value["coverage"]


def test_accepted_findings_stand_apart_with_their_reasons(tmp_path: Path) -> None:
    results = results_of(tmp_path)
    see(results, status=429)
    see(results, {**ERROR, "new": 1})
    entries = (Entry("response-undocumented-status", "<b>rate</b> limits"), Entry("never-met", "x"))
    results.baseline = Baseline(entries)
    value = report(results)
    assert [each["id"] for each in value["findings"]] == ["response-undocumented-property"]
    assert [each["reason"] for each in value["accepted"]] == ["<b>rate</b> limits"]
    assert value["baseline"]["unused"] == ["never-met"]
    page = Page(page_of(value))
    assert "<b>rate</b> limits" in page.text
    assert "Not met in this run: never-met" in page.text


def test_recordings_say_their_age_and_why_they_are_stale(tmp_path: Path) -> None:
    results = suite_results(tmp_path, cassette_max_age=30.0)
    path = sorted(results.recordings)[0]
    cassette = serializer.read(path)
    assert cassette.provenance
    text = path.read_text().replace(cassette.provenance.contract_digest, "sha256:of-another-contract")
    (tmp_path / "other.yaml").write_text(text)
    results.recordings = {path, tmp_path / "other.yaml", tmp_path / "gone.yaml"}
    found = {Path(each["path"]).name: each for each in report(results)["recordings"]}
    assert found[path.name]["age_days"] > 30
    assert found[path.name]["same_contract"] is True
    assert len(found[path.name]["stale"]) == 1
    assert "30 are allowed" in found[path.name]["stale"][0]
    assert found["other.yaml"]["same_contract"] is False
    assert len(found["other.yaml"]["stale"]) == 2
    assert found["gone.yaml"]["stale"] == ["does not exist; name an existing file"]
    assert "stale" in Page(page_of(report(results))).text


def test_an_entry_is_valid_through_its_last_day_where_the_run_is(tmp_path: Path) -> None:
    results = results_of(tmp_path)
    results.today = NOW.date() - timedelta(days=1)  # west of UTC, where it is still the day before
    results.baseline = Baseline((Entry("response-undocumented-property", "known", expires=results.today),))
    see(results, {**ERROR, "new": 1})
    value = report(results)
    assert [(each["reason"], each["expires"]) for each in value["accepted"]] == [("known", str(results.today))]
    assert value["findings"] == []


def test_nothing_in_a_report_is_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in vars(SecretRegistry()).items():
        monkeypatch.setattr(SECRETS, name, value)
    key = 'AQEcanary/+="\\zebra<&>0009'
    results = results_of(tmp_path)
    see(results, {**ERROR, key: "x", "detail": 7, "title": [key]})
    see(results, {**ERROR, "newField": {"deep": key}})
    results.problems.append(f"a problem with {key}")
    Secret(key)  # known only after it was seen
    assert write_reports(results, [tmp_path / "r.html", tmp_path / "r.json"], NOW) == []
    for path in (tmp_path / "r.html", tmp_path / "r.json"):
        text = path.read_text()
        assert SECRETS.mask(text) == text, path
        assert "AQEcanary" not in text
        assert "zebra" not in text
        assert "[masked]" in text


def test_a_report_is_the_old_one_or_the_new_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "new" / "folder" / "r.json"
    write_text(path, "old")

    def broken(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    results = results_of(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", broken)
        (problem,) = write_reports(results, [path], NOW)
    assert problem == f"{path}: cannot be written (No space left on device); check the folder and its rights"
    assert [each.name for each in path.parent.iterdir()] == ["r.json"]
    assert path.read_text() == "old"
    assert results.written == []
