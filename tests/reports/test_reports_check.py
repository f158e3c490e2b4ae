"""``adyen-creds check``: coverage and drift with the code that a pytest run uses, and exit status 0, 1 or 2."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import counts
import pytest
from reports_samples import assert_pasteable, report, results_of, see

from pytest_adyen_creds.cassettes import serializer
from pytest_adyen_creds.checks.results import Results
from pytest_adyen_creds.checks.suite import Suite
from pytest_adyen_creds.cli import main
from pytest_adyen_creds.contract import bundled
from pytest_adyen_creds.errors import SettingsError
from pytest_adyen_creds.reports.report import WRITERS
from pytest_adyen_creds.reports.session_finish import finish_command, finish_session
from pytest_adyen_creds.reports.terminal import contract_lines
from pytest_adyen_creds.settings import Settings, resolve


@pytest.fixture(autouse=True)
def not_at_github(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)


@pytest.fixture
def departing(tmp_path: Path) -> Path:
    """A folder of cassettes, in one of which a property came that nobody documented."""
    folder = tmp_path / "cassettes"
    shutil.copytree(bundled("cassettes") / "v3", folder / "v3")
    path = folder / "v3" / "get-me.yaml"
    cassette = serializer.read(path)
    last = cassette.interactions[-1]
    last = replace(last, response_body=json.dumps({**json.loads(last.response_body), "motto": 1}).encode())
    path.write_text(serializer.dumps(replace(cassette, interactions=(*cassette.interactions, last))))
    return folder


def test_clean(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "new" / "report.html"
    monkeypatch.setitem(WRITERS, ".txt", lambda report: f"{report['drift']['answers']} answers")
    paths = [page, tmp_path / "found.json", tmp_path / "new.txt"]
    assert main(["check", "--quiet", *(f"--report={path}" for path in paths)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-5].startswith("no findings in ")
    assert lines[-4].startswith("known: 4 kinds in ")
    assert lines[-3:] == [f"report: {path}" for path in paths]
    assert page.read_text().startswith("<!doctype html>")
    assert json.loads((tmp_path / "found.json").read_text())["findings"] == []
    assert paths[2].read_text() == f"{counts.answers()} answers", "a format is an entry of WRITERS, and nothing else"
    assert main(["check", "--report=found.pdf"]) == 2
    assert "write a file name that ends in .html or .json or .sarif or .txt" in capsys.readouterr().err


@pytest.mark.slow("runs the whole suite")
def test_findings(departing: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--quiet", "--verbose", "--cassettes", str(departing)]) == 1
    out = capsys.readouterr().out
    assert "warning   1x  response-undocumented-property: the response property `motto`" in out
    assert "example   response-undocumented-property: /motto is not in the contract" in out
    baseline = tmp_path / "accepted.toml"
    baseline.write_text('[[accepted]]\nid = "response-undocumented-property"\nreason = "a motto"\n')
    assert main(["check", "--quiet", "--cassettes", str(departing), "--baseline", str(baseline)]) == 0
    out = capsys.readouterr().out
    assert "1 finding (1 warning) accepted by the baseline" in out
    assert "response-undocumented-property" not in out


def changed(folder: Path, name: str, change: Callable[[tuple[Any, ...]], tuple[Any, ...]]) -> None:
    path = folder / "v3" / name
    cassette = serializer.read(path)
    path.write_text(serializer.dumps(replace(cassette, interactions=change(cassette.interactions))))


def test_a_recording_of_nothing_could_not_be_judged(departing: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (departing / "v3").iterdir():
        changed(departing, path.name, lambda interactions: ())
    assert main(["check", "--quiet", "--cassettes", str(departing)]) == 2
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1
    assert "holds no exchange, so there is nothing to judge; record it again" in error


def test_an_exchange_of_no_operation_is_a_failure(departing: Path, tmp_path: Path) -> None:
    def elsewhere(interactions: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(replace(each, uri=each.uri.replace("/me", "/elsewhere/me")) for each in interactions[:2])

    changed(departing, "get-me.yaml", elsewhere)
    results = Results(Settings(backend="replay", cassettes=departing), tmp_path)
    failures = Suite(results).check("GET /me")
    assert failures == results.failures
    assert {(each.operation.partition("/v3/")[2].partition("/")[0], each.check) for each in failures or ()} == {
        ("elsewhere", "operation_coverage")
    }


def test_the_table_has_labels_as_faults_and_commands_take_them(tmp_path: Path) -> None:
    results = results_of(tmp_path)
    contract = results.contract
    for label, operation in contract.operations.items():
        for status in operation.responses:
            results.coverage[label, status] = 12
    head, *rows, legend, summary = contract_lines(results)
    assert head.split() == ["200", "204", "400", "401", "403", "422", "500"]
    assert legend == "blank: not documented, -: not seen"
    assert f"{counts.pairs()} of {counts.pairs()}" in summary
    labels = [row[len(head) :].strip() for row in rows]
    assert labels == list(contract.operations)
    assert_pasteable(labels, tmp_path)


@pytest.mark.parametrize(("mode", "status"), [("report", 0), ("fail-breaking", 1), ("fail", 1)])
def test_an_answer_that_could_not_be_judged_is_no_clean_run(
    mode: str, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def breaking(*_: object) -> None:
        raise ValueError("unreadable")

    monkeypatch.setattr("pytest_adyen_creds.drift.collector.judge", breaking)
    results = results_of(tmp_path, drift=mode)
    see(results)
    assert finish_session(results, SimpleNamespace(exitstatus=0)) == status  # type: ignore[arg-type]
    assert finish_command(results, table=False, examples=False) == 2
    out = capsys.readouterr().out
    assert "could not be held against the contract (ValueError: unreadable)" in out
    assert ("not every answer could be judged" in out) == bool(status)
    assert report(results)["drift"]["fails"] == bool(status)


def test_a_report_in_nobody_s_home_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"'~no-such-user/r.html' is wrong; write a path that") as refusal:
        resolve({"adyen_report": "~no-such-user/r.html"}, {}, {}, root=tmp_path)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--report", "{}/found.txt"], "write a file name that ends in .html or .json"),
        (["--report", "{}/file/found.json"], "cannot be written"),
        (["--baseline", "{}/missing.toml"], "does not exist; name an existing file"),
        (["--baseline", "{}/file"], "is not TOML"),
    ],
)
def test_could_not_run(arguments: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("no TOML at all")
    assert main(["check", *(each.replace("{}", str(tmp_path)) for each in arguments)]) == 2
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1
    assert says in error
