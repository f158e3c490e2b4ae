"""The pages of the documentation as their blocks of code, and a page's blocks run in order in one folder."""

from __future__ import annotations

import importlib.metadata
import itertools
import json
import os
import re
import shlex
import socket
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from markdown_it import MarkdownIt
from packaging.requirements import Requirement
from plugins import WITHOUT_GENERATORS
from shop import DOCUMENT

from pytest_adyen_creds.cli import main
from pytest_adyen_creds.secrets import SECRETS
from pytest_adyen_creds.secrets.registry import SecretRegistry

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    path for path in [ROOT / "README.md", *ROOT.glob("docs/**/*.md")] if not {".venv", "_build"} & {*path.parts}
)
RUN = {"python", "sh"}
WRITTEN = {"toml", "ini", "yaml"}
"""Run, where the first line is a comment with the name of the file."""
SHOWN = {"text", "json", "html", "xml", ""}

OF_A_SHELL = {"|", "||", "&&", "<", ";"}
OF_OTHERS = re.compile(r"\b(anyio|httpx_mock|requests_mock|respx|vcr|django|pytest_asyncio)\b|-n \w+|-p \w+")
"""What a page has that takes pytest's other plugins, which runs in this process leave out."""
ADYENS = re.compile(r"(?:https://raw\.githubusercontent\.com/Adyen/adyen-openapi/main/json/)?\b([A-Z]\w+-v\d+)\.json")
"""A document that Adyen publishes."""


@dataclass(frozen=True)
class Block:
    """A fenced block of a page; ``line`` counts from 1, ``remark`` is the HTML comment right before it."""

    page: Path
    line: int
    language: str
    text: str
    remark: str

    @property
    def not_run(self) -> str | None:
        """The reason why the block is not run; None where it is."""
        return self.remark.removeprefix("not run:").strip() if self.remark.startswith("not run:") else None

    @property
    def file(self) -> str | None:
        """The name of the file that the block is, as its first line says."""
        found = re.match(r"# ([\w./-]+\.(?:py|toml|ini|yaml|yml|cfg))\n", self.text)
        return found[1] if found else None


def blocks(page: Path) -> list[Block]:
    """Return the fenced blocks of a page, in order."""
    found, remark = [], ""
    for token in MarkdownIt().parse(page.read_text(encoding="utf-8")):
        if token.type == "fence":
            assert token.map is not None
            language = token.info.split()[0] if token.info.strip() else ""
            found.append(Block(page, token.map[0] + 1, language, token.content, remark))
        comment = (
            re.fullmatch(r"<!--\s*(.*?)\s*-->\s*", token.content, re.DOTALL) if token.type == "html_block" else None
        )
        remark = comment[1] if comment else ""
    return found


def commands(text: str) -> Iterator[tuple[str, int]]:
    """Yield each command of a block, and the exit status that its comment says (0 where it says none)."""
    for line in text.replace("\\\n", " ").splitlines():
        said = re.search(r"#.*\bexit status (\d)", line)
        command = re.sub(r"(^|\s)#\s.*", "", line).strip()
        if command:
            yield command, int(said[1]) if said else 0


@dataclass
class Project:
    """A folder in which the blocks of one page run, one after another."""

    pytester: pytest.Pytester
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]
    published: Path
    in_process: bool = True
    all_plugins: bool = False
    port: int = 0
    output: str = ""
    servers: list[subprocess.Popen[str]] = field(default_factory=list)

    def run(self, block: Block) -> None:
        """Do what a block says."""
        text = re.sub(r"\b8(080|443)\b", str(self.port), block.text) if self.port else block.text
        if block.not_run is not None:
            return
        if block.language == "diff":
            self.change(text)
        elif block.language == "text" and block.remark.startswith("output"):
            lines = [re.sub(r"([\[\]])", "[\\1]", line.strip()).replace("…", "*") for line in text.splitlines()]
            pytest.LineMatcher([line.strip() for line in self.output.splitlines()]).fnmatch_lines(lines)
        elif block.file and block.language in RUN | WRITTEN:
            path = Path(block.file)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        elif block.language == "python":
            exec(compile(text, f"{block.page.name}:{block.line}", "exec"), {"__name__": "__main__"})
        elif block.language == "sh":
            for command, status in commands(text):
                self.command(command, status)
        elif block.language == "yaml":
            yaml.safe_load(text)
        elif block.language == "toml":
            tomllib.loads(text)

    def change(self, text: str) -> None:
        """Apply a diff whose first line names its file: each line that goes is there once."""
        named = re.match(r"--- (\S+)\n", text)
        if not named:
            return
        path = Path(named[1])
        before, after = ("".join(re.findall(rf"^\{sign}(?!\{sign}\{sign} )(.*\n)", text, re.M)) for sign in "-+")
        whole = path.read_text(encoding="utf-8")
        assert whole.count(before) == 1, before
        path.write_text(whole.replace(before, after), encoding="utf-8")

    def command(self, command: str, status: int) -> None:
        """Run one command, and see that it ends with ``status``."""
        words = shlex.split(self.with_documents(command))
        match words:
            case ["export", *values]:
                for name, _, value in (value.partition("=") for value in values):
                    self.monkeypatch.setenv(name, value)
            case ["cd", folder]:
                self.monkeypatch.chdir(folder)
            case ["pip", "install", *wanted] | ["python", "-m", "pip", "install", *wanted]:
                needed(wanted)
            case ["adyen-creds", "sandbox", "serve", *_]:
                self.serve(words)
            case ["pytest", *options] | ["python", "-m", "pytest", *options] if self.in_process and not (
                {*OF_A_SHELL, ">"} & {*words}
            ):
                result = self.pytester.runpytest(*options)
                self.output = f"{result.stdout}\n{result.stderr}"
                assert result.ret == status, command
            case ["adyen-creds", *arguments] if not OF_A_SHELL & {*words}:
                *arguments, file = arguments if ">" in arguments[-2:-1] else [*arguments, ""]
                arguments = [word for word in arguments if word != ">"]
                self.capsys.readouterr()
                vars(SECRETS).update(vars(SecretRegistry()))  # a new process knows none
                got = main(arguments)
                out, err = self.capsys.readouterr()
                self.output = out + err
                assert got == status, f"{command}\n{self.output}"
                if file:
                    Path(file).write_text(out, encoding="utf-8")
            case _:
                self.shell(shlex.join(words) if ADYENS.search(command) else command, status)

    def shell(self, command: str, status: int) -> None:
        """Run a command in a process of its own, with other plugins of pytest where the page takes them."""
        environment = dict(os.environ)
        if self.all_plugins:
            environment["PYTEST_ADDOPTS"] = WITHOUT_GENERATORS
        environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
        done = subprocess.run(
            ["bash", "-c", command], env=environment, capture_output=True, text=True, timeout=300, check=False
        )
        self.output = done.stdout + done.stderr
        assert done.returncode == status, f"{command}\n{self.output}"

    def serve(self, words: list[str]) -> None:
        """Start ``sandbox serve``, which goes on until the page ends; an earlier one is ended."""
        self.end()
        command = [sys.executable, "-m", "pytest_adyen_creds.cli", *words[1:]]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.servers.append(server)
        watchdog = threading.Timer(60, server.kill)
        watchdog.start()
        assert server.stderr is not None
        ready = any("is ready" in line for line in server.stderr)
        watchdog.cancel()
        assert ready, words

    def end(self) -> None:
        """End what is served."""
        while self.servers:
            server = self.servers.pop()
            server.terminate()
            server.communicate(timeout=60)

    def with_documents(self, command: str) -> str:
        """Return a command with Adyen's documents beside it in place of their addresses; skip where they are not."""
        for found in ADYENS.finditer(command):
            name = f"{found[1]}.json"
            if Path(name).exists():
                continue
            source = self.published / "apis" / name
            if source.is_file():
                Path(name).write_bytes(source.read_bytes())
            elif found[1] == "BalancePlatformTransferNotification-v4":
                document: dict[str, Any] = json.loads(json.dumps(DOCUMENT))
                document["webhooks"] = {"balancePlatform.transfer.created": document["webhooks"]["order.paid"]}
                Path(name).write_text(json.dumps(document), encoding="utf-8")
            else:
                pytest.skip(f"Adyen's document {name} is not beside the checkout")
        return ADYENS.sub(r"\1.json", command)


def needed(wanted: list[str]) -> None:
    """See that what ``pip install`` is to install is there, what a folder's project takes included; else skip."""
    if "-r" in wanted:
        at = wanted.index("-r")
        lines = Path(wanted[at + 1]).read_text(encoding="utf-8").splitlines()
        wanted = [*wanted[:at], *wanted[at + 2 :], *(line for line in lines if line.strip() and line[0] not in "#-")]
    for each in wanted:
        if each.startswith("-") or each == ".":
            continue
        if local := re.fullmatch(r"\.\[([\w,-]+)\]", each):
            project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
            extras = [project["optional-dependencies"][extra] for extra in local[1].split(",")]
            needed([*project["dependencies"], *itertools.chain(*extras)])
            continue
        requirement = Requirement(each)
        try:
            there = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            pytest.skip(f"{each} is not installed")
        assert requirement.specifier.contains(there, prereleases=True), f"{each}: {there} is installed"


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
