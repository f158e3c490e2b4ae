"""The last look: a secret that a plugin has put in a file past the masking is masked there, counted, and said."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow("processes of their own: what they write is searched")

KEY = "AQEcanary0002/TestsOnly+aVeryLongOne="
ANOTHER = "canary-of-a-passwörd-0003"

WRITING = """
import gzip, json, os, pathlib, sqlite3
import pytest
from pytest_adyen_creds.secrets import Secret

KEY, ANOTHER = pathlib.Path(os.environ["VAULT"]).read_text().split()
Secret(KEY), Secret(ANOTHER)

def pytest_addoption(parser):
    parser.addoption("--alluredir", dest="allure_report_dir")
    parser.addoption("--html", dest="htmlpath")

@pytest.hookimpl(hookwrapper=True)
def pytest_sessionfinish(session):
    yield
    write = session.config.rootpath
    if folder := session.config.option.allure_report_dir:
        (write / folder / "deep").mkdir(parents=True)
        (write / folder / "deep" / "one.json").write_text(json.dumps({"key": KEY, "more": [KEY, ANOTHER]}))
        (write / folder / "two.txt").write_text("nothing here")
        with sqlite3.connect(write / ".coverage") as database:
            database.execute("create table context (id integer primary key, name text)")
            database.execute("insert into context (name) values (?)", ("before " + KEY + " after",))
            database.execute("insert into context (name) values (?)", (ANOTHER,))
        database.close()
        (write / "__snapshots__").mkdir()
        (write / "__snapshots__" / "test_it.ambr").write_bytes(b"\\xff raw " + KEY.encode() + b"\\n")
    if file := session.config.option.htmlpath:
        (write / file).write_text("<p data-json='{&#34;key&#34;: &#34;" + KEY + "&#34;}'>")
    (write / "elsewhere.txt").write_text(KEY)
    (write / ".git").mkdir(exist_ok=True)
    (write / ".git" / "blob").write_text(KEY)
"""


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory):
    vault = tmp_path_factory.mktemp("vault") / "keys"
    vault.write_text(f"{KEY} {ANOTHER}", encoding="utf-8")
    monkeypatch.setenv("VAULT", str(vault))
    pytester.makeconftest(WRITING)
    pytester.makepyfile("def test_it(): pass")
    old = pytester.path / "old.txt"
    old.write_text(KEY)
    os.utime(old, (1, 1))

    def run(*options: str) -> str:
        result = pytester.runpytest_subprocess(*options)
        result.assert_outcomes(passed=1)
        return str(result.stderr)

    return run


def test_what_known_options_name_is_looked_through(run, pytester: pytest.Pytester) -> None:
    said = run("--alluredir=allure", "--html=report.html")
    assert "adyen: 6 secrets stood in 4 files that this run wrote, masked now: " in said
    assert "one.json (2)" in said
    assert KEY not in said
    assert (
        pytester.path / "allure/deep/one.json"
    ).read_text() == '{"key": "[masked]", "more": ["[masked]", "[masked]"]}'
    assert (pytester.path / "allure/two.txt").read_text() == "nothing here"
    assert (pytester.path / "report.html").read_text() == "<p data-json='{&#34;key&#34;: &#34;[masked]&#34;}'>"
    assert (pytester.path / "__snapshots__/test_it.ambr").read_bytes() == b"\xff raw [masked]\n"
    with sqlite3.connect(pytester.path / ".coverage") as database:
        names = [name for (name,) in database.execute("select name from context")]
        assert database.execute("pragma integrity_check").fetchone() == ("ok",)
    database.close()
    assert names == ["before " + "*" * len(KEY) + " after", "*" * len(ANOTHER.encode())]
    assert (pytester.path / "elsewhere.txt").read_text() == KEY


def test_everything_below_the_run_s_folder_is_looked_through_where_it_is_asked_for(run, pytester) -> None:
    said = run("-o", "adyen_mask_written=true")
    assert "1 secret stood in 1 file that this run wrote, masked now: elsewhere.txt (1);" in said
    assert (pytester.path / "elsewhere.txt").read_text() == "[masked]"
    for path in ("old.txt", ".git/blob"):
        assert (pytester.path / path).read_text() == KEY


def test_a_run_that_wrote_none_says_nothing(run, pytester) -> None:
    assert run("--junitxml=junit.xml") == ""


def test_links_are_not_followed_and_what_cannot_be_read_is_said(run, pytester: pytest.Pytester) -> None:
    (pytester.path / "allure").mkdir()
    outside = Path(os.environ["VAULT"])
    (pytester.path / "allure" / "linked").symlink_to(outside)
    (pytester.path / "allure" / "circle").symlink_to("circle")
    os.mkfifo(pytester.path / "allure" / "pipe")
    pytester.makeconftest(WRITING.replace(".mkdir(parents=True)", ".mkdir(parents=True, exist_ok=True)"))
    assert "one.json (2)" in run("--alluredir=allure")
    assert KEY in outside.read_text()
