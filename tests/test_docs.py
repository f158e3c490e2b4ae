"""The pages in docs: what they show works."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from pytest_adyen_creds.cli import main
from pytest_adyen_creds.contract.importing import import_openapi, write_contract
from pytest_adyen_creds.sandbox.commands import serve

CONTRACTS = (Path(__file__).resolve().parents[1] / "docs" / "contracts.md").read_text()
NEEDED = ("LegalEntityService-v4", "CheckoutService-v71", "BalancePlatformTransferNotification-v4")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", CONTRACTS, re.MULTILINE | re.DOTALL)


@pytest.fixture
def documents(published: Path, pytester: pytest.Pytester) -> None:
    """Have Adyen's documents that the page names in the folder where its commands run."""
    for name in NEEDED:
        path = published / "apis" / f"{name}.json"
        if not path.is_file():
            pytest.skip("Adyen's other documents are not beside the checkout")
        (pytester.path / path.name).write_bytes(path.read_bytes())


@pytest.mark.usefixtures("documents")
def test_the_commands_run(pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]) -> None:
    for name, old in (("new", "LegalEntityService-v4"), ("old", "LegalEntityService-v4")):
        (pytester.path / f"{name}.json").write_bytes((pytester.path / f"{old}.json").read_bytes())
    for line in "".join(blocks("sh")).splitlines():
        words = shlex.split(line.split("#")[0])
        assert words[0] == "adyen-creds"
        if words[1:4] != ["drift", "spec", "--contracts"]:  # which asks where Adyen publishes it
            assert main(words[1:]) == 0, line
    assert "POST /sessions" in capsys.readouterr().out


@pytest.mark.usefixtures("documents")
def test_the_tests_pass(pytester: pytest.Pytester) -> None:
    for name in NEEDED:
        document = json.loads((pytester.path / f"{name}.json").read_text())
        write_contract(import_openapi(document, f"{name}.json"), pytester.path / "contracts")
    pytester.makeini(blocks("ini")[0])
    api, webhooks, parser = blocks("python")
    pytester.makepyfile(test_api=api, test_webhooks=webhooks, test_parser=parser)
    outcomes = pytester.runpytest().parseoutcomes()
    assert outcomes.keys() <= {"passed", "warnings"}
    assert outcomes["passed"] > 20


def test_the_marks_of_a_rehearsal_do_what_the_page_says(pytester: pytest.Pytester) -> None:
    page = (Path(__file__).resolve().parents[1] / "docs" / "rehearsal.md").read_text()
    (marks,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (baseline,) = re.findall(r"^```toml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    pytester.makepyfile(test_marks=marks)
    (pytester.path / "accepted.toml").write_text(baseline)
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


def test_the_commands_of_the_server_s_page_are_taken() -> None:
    page = (Path(__file__).resolve().parents[1] / "docs" / "server.md").read_text()
    lines = re.findall(r"^adyen-creds sandbox serve (.*)$", page, re.MULTILINE)
    assert len(lines) == 2
    for line in lines:
        serve.make_context("serve", shlex.split(line))
    options = {name for parameter in serve.params for name in parameter.opts}
    assert set(re.findall(r"--[a-z][a-z-]*", re.sub(r"docker run .*|pytest .*", "", page))) <= options
