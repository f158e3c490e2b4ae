"""README: short, with what others read of it; and the messages that the page of troubleshooting explains."""

from __future__ import annotations

import ast
import re
import shlex
import tomllib
from functools import cache
from pathlib import Path

from docs_pages import ROOT

import pytest_adyen_creds

README = ROOT / "README.md"
TEXT = README.read_text(encoding="utf-8")
PACKAGE = Path(pytest_adyen_creds.__file__).parent


def test_it_is_read_in_ten_minutes() -> None:
    assert len(TEXT.splitlines()) <= 150


def test_two_commands_set_it_up() -> None:
    """By these lines .ci/run finds them."""
    part = TEXT.split("## Set up")[1].split("## Your first test")[0]
    install, tests = re.findall(r"^python -m pip .*", part, re.MULTILINE)
    assert shlex.split(install)[-2:] == ["adyen-creds", "check"]
    assert "pytest" in shlex.split(tests)


def test_it_says_what_the_recordings_are() -> None:
    said = " ".join(re.findall(r"^> (.*)", TEXT, re.MULTILINE))
    assert "recorded from the embedded sandbox" in said
    assert "has not been run against Adyen's servers" in said
    recordings = sorted((ROOT / "cassettes").rglob("*.yaml"))
    assert len(recordings) > 50
    for path in recordings:
        with path.open(encoding="utf-8") as lines:
            assert "sandbox" in next(lines), path


def test_pictures_are_small() -> None:
    pictures = re.findall(r"\((docs/images/[^)]+)\)", TEXT)
    assert len(pictures) == 2
    assert [name for name in pictures if (ROOT / name).stat().st_size > 60_000] == []


def test_the_terminal_picture_is_of_a_run_of_the_tests_beside_it() -> None:
    picture = (ROOT / "docs" / "images" / "failing-run.svg").read_text(encoding="utf-8").replace("&#160;", " ")
    tests = ast.parse((ROOT / "docs" / "images" / "test_shop.py").read_text(encoding="utf-8")).body
    names = [each.name for each in tests if isinstance(each, ast.FunctionDef) and each.name.startswith("test_")]
    assert len(names) == 2
    assert all(name in picture for name in names)


@cache
def messages() -> str:
    """Return every text in the code, a line each, with … for what is filled in."""
    found = []
    for path in [*PACKAGE.rglob("*.py"), PACKAGE.parent / "contracts" / "test_management.py"]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                found.append("".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return "\n".join(found)


def test_the_messages_of_the_troubleshooting_are_ours() -> None:
    page = (ROOT / "docs" / "how-to" / "troubleshooting.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(.+?)` \|", page, re.MULTILINE)
    assert len(rows) >= 10
    known = messages()
    assert [row for row in rows[1:] if row not in known] == []


def test_what_a_message_names_of_the_documentation_is_there() -> None:
    named = set(re.findall(r"\b((?:docs/)?[\w/-]+\.md)\b", messages()))
    assert [name for name in named if name.startswith("docs/") and not (ROOT / name).exists()] == []


def test_on_a_package_index_no_link_is_relative() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    hook = project["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for each in hook["substitutions"]:
        text = re.sub(each["pattern"], each["replacement"], text)
    targets = re.findall(r"\]\(([^)]+)\)", text)
    assert len(targets) > 20
    assert [target for target in targets if not target.startswith("https://")] == []
    source = project["project"]["urls"]["Source"].removeprefix("https://github.com/")
    assert {"/".join(target.split("/")[3:5]) for target in targets if ".png" in target or ".md" in target} == {source}
