"""README and the pages in docs: what they show runs, and their links lead somewhere."""

from __future__ import annotations

import itertools
import json
import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from docs_pages import OF_OTHERS, PAGES, ROOT, RUN, SHOWN, WRITTEN, Block, Project, blocks, commands, free_port, needed
from markdown_it import MarkdownIt

from pytest_adyen_creds.sandbox.commands import serve

PUBLISHED = ROOT.parent / "shared" / "adyen"
MOST_NOT_RUN = 25
QUICK = 3
"""A page with so many short commands, or fewer, is tried in every run of the tests."""


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def runs(page: Path) -> list[str]:
    """Return the commands of a page that are run."""
    return [
        command
        for block in blocks(page)
        if block.language == "sh" and block.not_run is None
        for command, _ in commands(block.text)
        if not command.startswith(("cd ", "export ", "mkdir ", "pip "))
    ]


def code(page: Path) -> list[Block]:
    return [block for block in blocks(page) if block.language in RUN and block.not_run is None]


def takes_other_plugins(page: Path) -> bool:
    """Whether a page's tests take plugins of pytest that runs in this process leave out."""
    return any(OF_OTHERS.search(block.text) for block in code(page))


def in_process(page: Path) -> bool:
    """Whether a page's tests run in this process: no other plugins, and no modules of its own."""
    modules = [re.escape(Path(block.file).stem) for block in code(page) if block.file and block.file.endswith(".py")]
    imports = re.compile(rf"^(from|import) ({'|'.join(modules)})\b", re.MULTILINE)
    return not takes_other_plugins(page) and not any(modules and imports.search(block.text) for block in code(page))


def is_quick(page: Path) -> bool:
    commands = runs(page)
    long = any(re.search("--adyen-(rehearse|contracts)|sandbox serve", command) for command in commands)
    return len(commands) <= QUICK and not long and in_process(page) and "examples" not in page.parts


WITH_CODE = [page for page in PAGES if any(block.language in RUN | WRITTEN for block in blocks(page))]
LONG = [page for page in WITH_CODE if not is_quick(page) and page != ROOT / "README.md"]  # which has a test of its own


@pytest.fixture
def try_out(
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    own_secrets: None,
) -> Iterator[Callable[[Path], None]]:
    """Return what runs a page's blocks in order, in an empty folder; an example's in a copy of its folder."""
    for variable in ("ADYEN_MANAGEMENT_API_KEY", "ADYEN_MANAGEMENT_API_KEY_FILE", "ADYEN_COMPANY_ACCOUNT"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(pytester.path / "state"))
    project = Project(pytester, monkeypatch, capsys, PUBLISHED)

    def run(page: Path) -> None:
        text = page.read_text(encoding="utf-8")
        project.in_process, project.all_plugins = in_process(page), takes_other_plugins(page)
        project.port = free_port() if "sandbox serve" in text else 0
        if "examples" in page.parts:
            ignored = shutil.ignore_patterns(".venv", "__pycache__", ".pytest_cache")
            shutil.copytree(page.parent, pytester.path / "example", ignore=ignored)
            monkeypatch.chdir(pytester.path / "example")
            project.in_process, project.all_plugins = False, True
            needed([".[test]"])
        for block in blocks(page):
            try:
                project.run(block)
            except AssertionError as error:
                pytest.fail(f"{name(page)}:{block.line}: {error}\n{project.output[-3000:]}")

    yield run
    project.end()


@pytest.mark.parametrize("page", [page for page in WITH_CODE if is_quick(page)], ids=name)
def test_a_short_page_runs(page: Path, try_out: Callable[[Path], None]) -> None:
    try_out(page)


@pytest.mark.slow("pages with many commands, some of them processes of their own")
@pytest.mark.parametrize("page", LONG, ids=name)
def test_a_long_page_runs(page: Path, try_out: Callable[[Path], None]) -> None:
    try_out(page)


@pytest.mark.slow("all of README, and two of its commands once more")
def test_readme_s_commands_stay_green_in_the_folder_that_it_leaves(
    try_out: Callable[[Path], None], pytester: pytest.Pytester
) -> None:
    try_out(ROOT / "README.md")
    whole = [each for each in runs(ROOT / "README.md") if re.match(r"pytest --adyen-(contracts|drift)\b", each)]
    assert len(whole) == 2
    for command in whole:
        result = pytester.runpytest(*shlex.split(command)[1:])
        assert result.ret == 0, command
        assert result.parseoutcomes()["passed"] >= 2, "those of test_shop.py and test_handler.py"


@pytest.mark.slow("a rehearsal with all variations")
def test_the_marks_of_a_rehearsal_do_what_the_page_says(pytester: pytest.Pytester) -> None:
    for block in blocks(ROOT / "docs" / "how-to" / "rehearse.md"):
        if block.file in ("test_marks.py", "accepted.toml"):
            (pytester.path / block.file).write_text(block.text, encoding="utf-8")
    report = pytester.path / "all.json"
    options = "--adyen-rehearse=additions,removals,failures", "-oadyen_rehearse_max=200"
    pytester.runpytest(*options, "--adyen-drift-baseline=accepted.toml", f"--adyen-report={report}")
    verdicts = json.loads(report.read_text())["rehearsal"]
    (order,) = (each for each in verdicts if each["change"] == "items-reordered")
    assert (order["verdict"], order["expected"], order["finding"]) == ("broke", "broke", "")
    assert not {"headers-added", "server-error"} & {each["change"] for each in verdicts}
    assert {each["accepted"] for each in verdicts if each["location"] == "/_links" and each["finding"]} == {
        "what GET /me says of links is never read"
    }


def test_few_blocks_are_not_run_and_each_says_why() -> None:
    left_out = {f"{name(each.page)}:{each.line}": each.not_run for page in PAGES for each in blocks(page)}
    left_out = {place: reason for place, reason in left_out.items() if reason is not None}
    assert [place for place, reason in left_out.items() if len(reason or "") < 10] == []
    assert len(left_out) <= MOST_NOT_RUN, "\n".join(f"{place}: {reason}" for place, reason in left_out.items())
    ran = [block for page in PAGES for block in blocks(page) if block.language in RUN and block.not_run is None]
    assert len(ran) > 3 * len(left_out) > 0


def test_each_block_is_in_a_language_that_is_run_or_shown() -> None:
    known = RUN | WRITTEN | SHOWN | {"diff"}
    languages = {f"{name(page)}:{each.line}": each.language for page in PAGES for each in blocks(page)}
    assert {place: it for place, it in languages.items() if it not in known and not it.startswith("{")} == {}


def slug(heading: str) -> str:
    """Return the anchor that GitHub and MyST give a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    tokens = MarkdownIt().parse(page.read_text(encoding="utf-8"))
    return {
        slug("".join(part.content for part in after.children or ()))
        for token, after in itertools.pairwise(tokens)
        if token.type == "heading_open"
    }


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    tokens = MarkdownIt().enable("table").parse(page.read_text(encoding="utf-8"))
    parts = [part for token in tokens for part in token.children or ()]
    links = [
        str(part.attrs.get("href") or part.attrs.get("src")) for part in parts if part.type in ("link_open", "image")
    ]
    for link in links:
        if re.match(r"[a-z]+:|//", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if anchor and target.suffix == ".md" and not any(block.language.startswith("{") for block in blocks(target)):
            # else the site's strict build looks: it makes the headings of such a page
            assert anchor in anchors(target), link


def test_pictures_say_what_they_show() -> None:
    for page in PAGES:
        for token in MarkdownIt().parse(page.read_text(encoding="utf-8")):
            for part in token.children or ():
                if part.type == "image":
                    assert len(part.content) > 20, f"{name(page)}: {part.attrs['src']}"


def test_the_options_on_the_page_of_the_server_are_there() -> None:
    page = (ROOT / "docs" / "how-to" / "sandbox-server.md").read_text(encoding="utf-8")
    lines = re.findall(r"^adyen-creds sandbox serve (.*)$", page, re.MULTILINE)
    assert len(lines) >= 2
    for line in lines:
        serve.make_context("serve", shlex.split(line, comments=True))
    options = {option for parameter in serve.params for option in parameter.opts}
    assert set(re.findall(r"--[a-z][a-z-]*", re.sub(r"docker run .*|pytest .*|pip .*", "", page))) <= options
