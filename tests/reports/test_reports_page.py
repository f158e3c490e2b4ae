"""The report as a file: complete, small, inert, and free of secrets."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import counts
import pytest
from reports_samples import ERROR, HOSTILE, NOW, add_hostile, assert_pasteable, report, results_of, see

from pytest_adyen_creds.cassettes import serializer
from pytest_adyen_creds.checks.failure import CheckFailure
from pytest_adyen_creds.contract import bundled, load_contract
from pytest_adyen_creds.contract.baseline import Baseline, Entry, read_baseline
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


@pytest.mark.slow("runs the whole suite")
def test_the_bundled_suite_fits_in_a_small_page(clean_report: dict[str, Any]) -> None:
    page = page_of(clean_report)
    assert len(page.encode()) < 300_000
    assert clean_report["findings"] == []
    assert len(clean_report["recordings"]) == len(list((bundled("cassettes") / "v3").iterdir())) > counts.operations()
    assert sum(row["documented"] and row["answers"] > 0 for row in clean_report["coverage"]) == counts.pairs()
    text = Page(page).text
    contract = load_contract("v3")
    for label in contract.operations:
        assert label in text
    for each in clean_report["recordings"]:
        assert each["path"] in text
    assert "the embedded sandbox, not Adyen" in text
    assert contract.digest in text


def test_a_finding_says_which_tests_met_it_and_what_to_do_next(tmp_path: Path) -> None:
    results = results_of(tmp_path)
    for number in range(12):
        results.collector.test = f"test_shop.py::test_{number:02}"
        see(results, {**ERROR, "motto": 1})
    results.collector.test = "test_shop.py::test_other"
    see(results, status=429, path="/v3/me/allowedOrigins")
    (motto, status) = report(results)["findings"]
    assert motto["tests"] == [f"test_shop.py::test_{number:02}" for number in range(12)]
    first, second = Page(page_of(report(results))).text.split("Met by: ")[1:]
    assert "test_shop.py::test_00, " in first
    assert "test_shop.py::test_09 and 2 more" in first
    assert f"Next: {motto['next_step']}" in first
    assert second.startswith("test_shop.py::test_other")
    assert f"Next: {status['next_step']}" in second
    assert motto["next_step"] != status["next_step"]
    baseline = tmp_path / "accepted.toml"
    entries = [each.partition("in the baseline:")[2].partition("\n]]")[0] for each in (first, second)]
    baseline.write_text("\n".join(entry[: entry.index('"say why"') + 9] for entry in entries))
    assert read_baseline(baseline).judge(results.collector.found.findings, NOW.date()).findings == ()


def test_a_failed_check_says_which_items_met_it(tmp_path: Path) -> None:
    results = results_of(tmp_path)
    for name in ("test_b", "test_a"):
        results.note([CheckFailure("GET /me", 200, "a_check", "", "a message", "do this", tests=(name,))])
    text = Page(page_of(report(results))).text
    assert "Met by: test_a, test_b" in text
    assert "Next: do this" in text


def test_a_tile_counts_what_stands_below_it(tmp_path: Path) -> None:
    results = add_hostile(results_of(tmp_path))
    results.baseline = Baseline((Entry("response-undocumented-status", "rate limits"),))
    without_detail = {key: value for key, value in ERROR.items() if key != "detail"}
    for path in ("/v3/me", "/v3/me/allowedOrigins"):
        see(results, {**ERROR, "motto": 1}, path=path)  # one message, two places
        see(results, without_detail, status=401, path=path)  # one known deviation, two places
    results.note([CheckFailure("GET /me", 200, "a_check", "", "a message", "do this")])
    page = page_of(report(results))
    tiles = {name: int(value) for name, value in re.findall("<dt>([^<]*)</dt><dd>([0-9]+)</dd>", page)}
    below = dict(re.findall('<section aria-labelledby="([a-z]+)">(.*?)</section>', page, re.DOTALL))
    for level in ("breaking", "warning", "info"):
        assert tiles[level.capitalize()] == below["findings"].count(f'<summary><span class="level {level}">')
    assert tiles["Warning"] == len(HOSTILE) + 2
    assert tiles["Known"] == below["known"].count("<th scope=row>") == 1
    assert tiles["Accepted"] == below["accepted"].count("<th scope=row>") == 1
    assert tiles["Failed checks"] == below["failures"].count("<summary>") == 1
    assert tiles["Answers"] == results.collector.found.answers


def test_labels_can_be_pasted_and_break_behind_segments(full_report: dict[str, Any], tmp_path: Path) -> None:
    page = page_of(full_report)
    codes = [code.replace("<wbr>", "") for code in re.findall("<code>(.*?)</code>", page)]
    labels = [code for code in codes if code.startswith(("GET ", "POST ", "PATCH ", "DELETE "))]
    assert set(labels) == set(load_contract("v3").operations)
    assert len(labels) > counts.operations() + len(HOSTILE), "in the coverage, and in each finding"
    assert_pasteable(dict.fromkeys(labels), tmp_path)
    assert "<code>GET /companies/<wbr>{companyId}/<wbr>apiCredentials</code>" in page


def test_a_page_asks_for_nothing_and_runs_nothing(full_report: dict[str, Any]) -> None:
    page = page_of(full_report)
    elements = Page(page).elements
    assert {tag for tag, _ in elements} & {"script", "img", "iframe", "object", "embed", "form", "base", "b"} == set()
    for _, attributes in elements:
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("href", "src"):
            assert str(attributes.get(name, "#")).startswith(("#", "data:,"))
    assert "url(" not in page
    assert "@import" not in page
    assert all(char.isprintable() or char == "\n" for char in page)
    assert len(page) < 120_000, "a long name does not make a long page"


def test_json_says_what_the_commands_say(tmp_path: Path) -> None:
    results = add_hostile(results_of(tmp_path))
    assert write_reports(results, [tmp_path / "found.json"], NOW) == []
    value = json.loads((tmp_path / "found.json").read_text())
    assert [Finding.from_json(each) for each in value["findings"]] == results.collector.found.findings
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
    results = results_of(tmp_path, cassette_max_age=30.0)
    path = bundled("cassettes") / "v3" / "get-me.yaml"
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
