"""``adyen-creds check``: coverage and drift with the code that a pytest run uses, and exit status 0, 1 or 2."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_adyen_creds.cassettes import document
from pytest_adyen_creds.cli import main
from pytest_adyen_creds.contract import bundled
from pytest_adyen_creds.errors import SettingsError
from pytest_adyen_creds.settings import resolve


@pytest.fixture(autouse=True)
def not_at_github(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)


@pytest.fixture
def departing(tmp_path: Path) -> Path:
    """A folder of cassettes, in one of which Adyen answered with a status that nobody documented."""
    folder = tmp_path / "cassettes"
    shutil.copytree(bundled("cassettes") / "v3", folder / "v3")
    path = folder / "v3" / "get-me.yaml"
    cassette = document.read(path)
    last = replace(cassette.interactions[-1], status=418)
    path.write_text(document.dumps(replace(cassette, interactions=(*cassette.interactions, last))))
    return folder


def test_clean(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = tmp_path / "new" / "report.html"
    assert main(["check", "--quiet", "--report", str(report), "--report", str(tmp_path / "found.json")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-3].startswith("no findings in ")
    assert lines[-2:] == [f"report: {report}", f"report: {tmp_path / 'found.json'}"]
    assert report.read_text().startswith("<!doctype html>")
    assert json.loads((tmp_path / "found.json").read_text())["findings"] == []


def test_findings(departing: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--quiet", "--verbose", "--cassettes", str(departing)]) == 1
    out = capsys.readouterr().out
    assert "warning   1x  response-undocumented-status: the status 418" in out
    assert "example   response-undocumented-status: 418 with " in out
    baseline = tmp_path / "accepted.toml"
    baseline.write_text('[[accepted]]\nid = "response-undocumented-status"\nreason = "a teapot"\n')
    assert main(["check", "--quiet", "--cassettes", str(departing), "--baseline", str(baseline)]) == 1
    out = capsys.readouterr().out
    assert "1 finding (1 warning) accepted by the baseline" in out
    assert "status_code_conformance" in out, "the failed check stays: drift that is accepted is no licence for answers"


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
