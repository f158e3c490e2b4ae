"""The documentation site: it builds without a warning, and its reference and the code name the same things."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

import pytest_adyen_creds
from pytest_adyen_creds import Sandbox, errors, load_contract
from pytest_adyen_creds.checks import verdicts
from pytest_adyen_creds.cli import adyen_creds
from pytest_adyen_creds.contract import VERSIONS
from pytest_adyen_creds.credentials.roles import KNOWN
from pytest_adyen_creds.drift.listing import entries
from pytest_adyen_creds.options import MARKERS, OPTIONS
from pytest_adyen_creds.rehearsal.variation import NAMES
from pytest_adyen_creds.reports import roles
from pytest_adyen_creds.sandbox import behaviours
from pytest_adyen_creds.sandbox.faults import VIOLATION_TEXTS, VIOLATIONS, Fault

DOCS = Path(__file__).resolve().parents[1] / "docs"
INTERNAL_FIXTURES = {"adyen_suite"}
SETTERS = {
    *("status", "delay", "time_out", "reset", "lose_answer", "truncate", "content_type", "violate", "duplicate"),
}
HANDWRITTEN = [*DOCS.glob("index.md"), *DOCS.glob("reference/*.md"), *DOCS.glob("explanation/*.md")]
ENVIRONMENT = re.compile(r"\bADYEN_[A-Z_]*[A-Z]\b")


def anchor(name: str) -> str:
    return re.sub(r"[{}]", "", name).replace(".", "-").replace("_", "-").lower()


def commands(command: click.Command, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield words, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from commands(inner, (*words, name))


def words_of_commands() -> set[str]:
    """Return the anchors of all commands and of their options."""
    found = set()
    for words, command in commands(adyen_creds):
        name = "-".join(words) or "adyen-creds"
        found.add(name)
        found |= {f"{name}-{max(each.opts, key=len).strip('-')}" for each in command.params if is_option(each)}
    return found


def is_option(parameter: click.Parameter) -> bool:
    return isinstance(parameter, click.Option)


def fixtures_of(pytester: pytest.Pytester) -> set[str]:
    """Return the fixtures as pytest lists them: those that begin with ``_`` it leaves out."""
    lines = pytester.runpytest("--fixtures", "-q", "-p", "no:cacheprovider").outlines
    found = {line.split()[0] for line in lines if line.startswith("adyen_") and "pytest_adyen_creds" in line}
    return {name.removesuffix("[session") for name in found} - INTERNAL_FIXTURES


@pytest.fixture
def from_code(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The extension of the site that makes the reference."""
    monkeypatch.syspath_prepend(str(DOCS / "_ext"))
    import from_code

    yield from_code
    sys.modules.pop("from_code")


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The script that builds and checks the site."""
    monkeypatch.syspath_prepend(str(DOCS))
    import check

    yield check
    sys.modules.pop("check")


def anchors_in(lines: Iterator[str], kind: str) -> set[str]:
    """Return the names that a part of the reference has anchors of one kind for."""
    return {
        anchor(each) for each in re.findall(rf"(?:\{{#|^\(){kind}-([\w.{{}}-]+?)(?:\}}|\)=$)", "\n".join(lines), re.M)
    }


@pytest.mark.parametrize(
    ("part", "kind", "in_code"),
    [
        ("options", "option", {str(each.ini) for each in OPTIONS}),
        ("markers", "marker", {each.partition("(")[0].partition(":")[0] for each in MARKERS}),
        ("faults", "fault", SETTERS),
        ("violations", "violation", set(VIOLATIONS)),
        ("commands", "command", words_of_commands()),
        ("findings", "finding", {each.id for each in entries()}),
        ("other-findings", "finding", {*verdicts.FINDINGS, *roles.FINDINGS}),
        ("rules", "rule", {each.id for each in behaviours()}),
    ],
)
def test_a_part_has_what_the_code_has_and_nothing_else(from_code: Any, part: str, kind: str, in_code: set[str]) -> None:
    assert in_code
    assert anchors_in(from_code.PARTS[part](), kind) == {anchor(name) for name in in_code}


def test_every_public_fixture_is_listed_with_its_type_and_text(from_code: Any, pytester: pytest.Pytester) -> None:
    listed = {each.name: each for each in from_code.fixtures_in_code()}
    assert listed.keys() == fixtures_of(pytester)
    assert all(each.text and each.type for each in listed.values())
    assert listed["adyen_settings"].scope == "session"
    assert listed["adyen_credential"].scope == "function"
    assert anchors_in(from_code.fixture_list(), "fixture") == {anchor(name) for name in listed}


def test_every_known_deviation_is_listed_with_its_evidence(from_code: Any) -> None:
    page = re.sub(r"\\(.)", r"\1", "\n".join(from_code.deviations()))
    known = [each for version in VERSIONS for each in load_contract(version).known_deviations.entries]
    assert known
    for each in known:
        assert " ".join(each.reason.split()) in page
        assert all(" ".join(str(seen).split()) in page for seen in each.evidence)


def test_every_option_says_what_it_takes_and_means(from_code: Any) -> None:
    rows = [line for line in from_code.options() if line.startswith("| [")]
    assert len(rows) == len(OPTIONS)
    for option, row in zip(OPTIONS, rows, strict=True):
        cells = row.split(" | ")
        assert all(f"`{name}`" in cells[0] for name in (option.flag, option.ini, option.env) if name)
        assert all(f"`{choice}`" in cells[1] for choice in option.choices)
        assert cells[3].rstrip(" |")


def test_what_a_mark_may_call_variations_is_listed(from_code: Any) -> None:
    assert re.findall(r"`([\w-]+)`", "\n".join(from_code.variations())) == list(NAMES)


def test_every_setter_says_what_the_client_sees(from_code: Any) -> None:
    assert set(from_code.setters()) == SETTERS
    sandbox = Sandbox()
    for name in SETTERS:
        arguments = {"status": [500], "delay": [1], "content_type": ["text/html"], "violate": ["wrong-type"]}
        assert isinstance(getattr(sandbox.faults, name)(*arguments.get(name, [])), Fault)
    assert "in-process" in "\n".join(from_code.faults()).lower()
    assert VIOLATION_TEXTS.keys() == VIOLATIONS.keys()


@pytest.mark.parametrize("path", HANDWRITTEN, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_a_page_names_is_there(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    flags = {option.flag for option in OPTIONS if option.flag}
    names = {str(option.ini) for option in OPTIONS} | {mark.partition("(")[0].partition(":")[0] for mark in MARKERS}
    fixtures = set(pytest_adyen_creds.fixtures.__all__)
    of_commands = {opt for _, command in commands(adyen_creds) for each in command.params for opt in each.opts}
    assert set(re.findall(r"(?<![\w-])--adyen-[a-z-]+", text)) <= flags
    assert set(re.findall(r"(?<=`)--[a-z-]+", text)) - flags <= of_commands | OF_PYTEST
    assert set(re.findall(r"(?<![\w.-])adyen_[a-z_]+", text)) <= names | fixtures
    for command in re.findall(r"`adyen-creds ([a-z ]+)`", text):
        assert tuple(command.split()) in dict(commands(adyen_creds)), command
    variables = {"ADYEN_MANAGEMENT_API_KEY", "ADYEN_MANAGEMENT_API_KEY_FILE"} | {o.env for o in OPTIONS if o.env}
    kinds = {f"ADYEN_{kind}_{what}" for kind in ("BALANCE_PLATFORM", "LEM") for what in ("USERNAME", "API_KEY")}
    assert set(ENVIRONMENT.findall(text)) <= variables | kinds


OF_PYTEST = {"--help", "--junitxml", "--html", "--alluredir", "--report-log"}


class TestCheck:
    """The check of what was built."""

    @pytest.mark.parametrize(
        ("body", "problem"),
        [
            ('<a href="other.html#there">x</a>', None),
            ('<a href="#here">x</a><p id="here"></p>', None),
            ('<a href="https://example.com/">x</a>', None),
            ('<link rel="canonical" href="https://example.com/">', None),
            ('<a href="gone.html">x</a>', "page.html: the link gone.html leads to no file"),
            ('<a href="other.html#gone">x</a>', "page.html: the link other.html#gone leads to no anchor"),
            ('<a href="#gone">x</a>', "page.html: the link #gone leads to no anchor"),
            ('<script src="https://example.com/a.js"></script>', "page.html: loads https://example.com/a.js"),
            ('<link rel="stylesheet" href="//example.com/a.css">', "page.html: loads //example.com/a.css"),
        ],
    )
    def test_finds_what_is_wrong(self, check: Any, tmp_path: Path, body: str, problem: str | None) -> None:
        (tmp_path / "page.html").write_text(body)
        (tmp_path / "other.html").write_text('<p id="there"></p>')
        assert list(check.problems(tmp_path)) == ([problem] if problem else [])

    def test_finds_a_style_that_loads_a_font(self, check: Any, tmp_path: Path) -> None:
        (tmp_path / "a.css").write_text("@font-face { src: url(https://example.com/font.woff2) }")
        assert list(check.problems(tmp_path)) == ["a.css: loads something from elsewhere"]


@pytest.mark.slow("a process of its own: builds the documentation site")
def test_the_site_is_built_and_has_everything(
    check: Any, tmp_path: Path, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = pytester.run(sys.executable, str(DOCS / "check.py"), str(tmp_path / "site"))
    assert done.ret == 0, done.stderr.str() + done.stdout.str()
    pages = {
        path.stem: page for path, page in check.read_pages(tmp_path / "site").items() if path.parent.name == "reference"
    }
    for page, kind, names in (
        ("options", "option", {str(each.ini) for each in OPTIONS}),
        ("fixtures", "fixture", fixtures_of(pytester)),
        ("markers", "marker", {each.partition("(")[0].partition(":")[0] for each in MARKERS}),
        ("faults", "fault", SETTERS),
        ("faults", "violation", set(VIOLATIONS)),
        ("commands", "command", words_of_commands()),
        ("findings", "finding", {each.id for each in entries()} | {*verdicts.FINDINGS, *roles.FINDINGS}),
        ("sandbox-rules", "rule", {each.id for each in behaviours()}),
    ):
        there = {each.removeprefix(f"{kind}-") for each in pages[page].anchors if each.startswith(f"{kind}-")}
        assert there == {anchor(name) for name in names}, kind
    public = {f"pytest_adyen_creds.{name}" for name in pytest_adyen_creds.__all__}
    of_errors = {value for value in vars(errors).values() if isinstance(value, type)} - {errors.AdyenCredsError}
    public |= {f"pytest_adyen_creds.errors.{each.__name__}" for each in of_errors}
    assert public <= pages["python"].anchors
    deviations = {each for each in pages["known-deviations"].anchors if each.startswith("deviation-")}
    assert len(deviations) == len({each for v in VERSIONS for each in load_contract(v).known_deviations.entries})
    text = re.sub(r"<[^>]+>", "", (tmp_path / "site" / "reference" / "markers.html").read_text())
    assert all(role in text for role in KNOWN)
