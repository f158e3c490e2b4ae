"""The README: every option, fixture and command it names is there, and what it shows works."""

from __future__ import annotations

import ast
import copy
import re
import shlex
from pathlib import Path

import pytest
import yaml
from shop import DOCUMENT

from pytest_adyen_creds import fixtures
from pytest_adyen_creds.cli import main
from pytest_adyen_creds.contract.importing import import_openapi, write_contract
from pytest_adyen_creds.options import OPTIONS

README = (Path(__file__).resolve().parents[1] / "README.md").read_text()
PACKAGE = Path(fixtures.__file__).parent
INTERNAL = {"adyen_run", "adyen_suite", "adyen_backend", "adyen_throwaways", "adyen_traffic"}
"""Fixtures that other fixtures stand on; people use the ones of the table."""


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.field)
def test_every_option_has_its_row(option: object) -> None:
    names = [name for name in (option.flag, option.ini, option.env) if name]
    rows = [line for line in README.splitlines() if line.startswith("|") and all(f"`{name}`" in line for name in names)]
    assert len(rows) == 1, names


def test_no_row_names_an_option_that_is_not_there() -> None:
    known = {name for option in OPTIONS for name in (option.flag, option.ini)}
    table = README.split("### Options")[1].split("### Fixtures")[0]
    assert set(re.findall(r"`(--adyen-[a-z-]+|adyen_[a-z_]+)`", table)) <= known


def test_every_fixture_has_its_row() -> None:
    table = README.split("### Fixtures")[1].split("### Commands")[0]
    assert set(re.findall(r"`(adyen_[a-z_]+)`", table)) == set(fixtures.__all__) - INTERNAL


@pytest.mark.slow("processes of their own")
def test_the_first_test_passes(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_shop=blocks("python")[0])
    pytester.runpytest_subprocess("test_shop.py").assert_outcomes(passed=1)
    record = pytester.runpytest_subprocess("--adyen-backend=sandbox", "--adyen-record=all", "test_shop.py")
    record.assert_outcomes(passed=1)
    assert list(pytester.path.glob("cassettes/test_shop/*.yaml"))
    pytester.runpytest_subprocess("--adyen-backend=replay", "test_shop.py").assert_outcomes(passed=1)


@pytest.mark.slow("processes of their own")
def test_the_further_tests_pass(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_more=blocks("python")[1])
    pytester.runpytest_subprocess("test_more.py").assert_outcomes(passed=4)


def test_the_python_example_runs() -> None:
    exec(next(block for block in blocks("python") if "load_contract" in block), {})


def test_the_webhook_handler_is_checked(pytester: pytest.Pytester) -> None:
    document = copy.deepcopy(DOCUMENT)
    document["webhooks"]["balancePlatform.transfer.created"] = document["webhooks"]["order.paid"]
    write_contract(import_openapi(document, "shop.json"), pytester.path / "contracts")
    pytester.makepyfile(test_handler=next(block for block in blocks("python") if "test_handler.py" in block))
    _, _, command = next(block for block in blocks("sh") if "contract import" in block).splitlines()
    program, *arguments = shlex.split(command)
    assert program == "pytest"
    pytester.runpytest(*arguments).assert_outcomes(passed=1)


@pytest.mark.slow("processes of their own")
def test_the_commands_run(capsys: pytest.CaptureFixture[str]) -> None:
    block = next(block for block in blocks("sh") if "contract list" in block)
    for line in block.splitlines():
        words = shlex.split(line.split("#")[0].split(">")[0])
        assert words[0] == "adyen-creds"
        assert main(words[1:]) == 0, line
    assert capsys.readouterr().err == ""


def messages() -> str:
    """Return every text in the code, a line each, with … for what is filled in."""
    found = []
    for path in [*PACKAGE.rglob("*.py"), PACKAGE.parent / "contracts" / "test_management.py"]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                found.append("".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return "\n".join(found)


def test_the_messages_of_the_troubleshooting_are_ours() -> None:
    table = README.split("## Troubleshooting")[1].split("## Reference")[0]
    rows = re.findall(r"^\| `(.+?)` \|", table, re.MULTILINE)
    assert len(rows) >= 10
    known = messages()
    assert [row for row in rows[1:] if row not in known] == []


def test_the_workflows_are_yaml() -> None:
    for block in blocks("yaml"):
        assert {"name", "jobs"} <= set(yaml.safe_load(block))


def test_the_weak_client_breaks_as_shown_and_the_mended_one_survives(pytester: pytest.Pytester) -> None:
    weak = next(block for block in blocks("python") if block.startswith("# test_roles.py"))
    (change,) = blocks("diff")
    before, after = (re.findall(rf"^\{sign}(.*\n)", change, re.MULTILINE) for sign in "-+")
    (line,) = (block for block in blocks("sh") if "--adyen-rehearse" in block)
    options = [word for word in shlex.split(line)[1:] if word.startswith("-")]
    pytester.makepyfile(test_roles=weak)
    broken = pytester.runpytest(*options)
    broken.assert_outcomes(passed=1)
    broken.stdout.fnmatch_lines([re.sub(r"([\[\]])", "[\\1]", each) for each in shown_by_a_rehearsal()])
    assert weak.count(before[0]) == 1
    pytester.makepyfile(test_roles=weak.replace(before[0], after[0]))
    pytester.runpytest(*options).stdout.fnmatch_lines(["*in 1 run: * survived"])


def shown_by_a_rehearsal() -> list[str]:
    (text,) = (block for block in blocks("text") if "broke" in block)
    return text.splitlines()
