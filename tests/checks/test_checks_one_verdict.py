"""One verdict on an answer, whoever asks: on recordings as they are, and with one thing changed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from checks_recordings import mutations, recorded

from pytest_adyen_creds import Contract, Finding, clock, load_contract
from pytest_adyen_creds.cassettes import serializer
from pytest_adyen_creds.cassettes.model import Cassette, Interaction, Provenance
from pytest_adyen_creds.checks.judging import CheckingContract, ContractBroken
from pytest_adyen_creds.cli import main
from pytest_adyen_creds.contract.baseline import Acceptance, Baseline
from pytest_adyen_creds.contract.finding import arrange
from pytest_adyen_creds.drift.collector import Collector
from pytest_adyen_creds.drift.recordings import survey

EVERY = int(os.environ.get("ADYEN_CHECKS_MUTATED", "100"))
"""One in so many of the changed recordings is judged; 1 in a full run."""

COMMAND = 20
"""One in so many of those is handed to the command, too."""


def answers(version: str) -> Iterator[tuple[Interaction, httpx.Response]]:
    """Yield recorded interactions and answers to them: each as it is, and one in EVERY of the changed ones."""
    number = 0
    for _, interaction in recorded(version):
        request = httpx.Request(
            interaction.method, interaction.uri, headers=interaction.request_headers, content=interaction.request_body
        )
        for what, make in mutations(interaction):
            number += 1
            if what == "as it is" or not number % EVERY:
                status, headers, content = make()
                yield interaction, httpx.Response(status, headers=headers, content=content, request=request)


@pytest.mark.slow("thousands of changed recordings")
@pytest.mark.parametrize("version", ["v3", "v1"])
def test_whoever_asks(version: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    contract = load_contract(version)
    acceptance = Acceptance(contract.known_deviations, Baseline(), clock.today())
    checking, collector = CheckingContract.of(contract), Collector(lambda _: contract)
    every: list[Finding] = []
    written: list[Interaction] = []
    departing = 0
    for number, (interaction, response) in enumerate(answers(version)):
        found = judged(checking, response)
        counting = [each for each in found if acceptance.counts(each)]
        departing += bool(counting)

        assert checked(checking, response) == {each.id for each in counting}

        path = response.request.url.raw_path.decode()
        told = collector.answer(
            interaction.method, path, response.status_code, response.headers, response.content, "a test"
        )
        assert told == found

        if number % COMMAND == 0:
            assert commanded(contract, response, tmp_path / "body", capsys) == sorted(
                (each.to_json() for each in counting), key=str
            )
        every += found
        written.append(
            replace(
                interaction,
                status=response.status_code,
                response_headers=tuple(response.headers.items()),
                response_body=response.content,
            )
        )
    assert len(written) > 1500
    assert departing > 600

    assert arrange(collector.found.findings) == arrange(every)
    folder = tmp_path / "cassettes"
    made = Provenance("live", "2026-11-22T00:00:00Z", version, "sha256:00", "a test")
    serializer.write(folder / "a.yaml", Cassette(tuple(written), made))
    surveyed = survey(folder, lambda version: contract if version in (None, contract.version) else None)
    assert surveyed.passed_over == 0
    assert arrange(surveyed.found.findings) == arrange(every)


def judged(contract: CheckingContract, response: httpx.Response) -> list[Finding]:
    """Return what the contract itself says of an answer."""
    request = response.request
    matched = contract.match(request.method, request.url.raw_path.decode())
    assert matched is not None
    media = response.headers.get("content-type", "")
    return contract.judge(matched[0], response.status_code, media, response.content, response.headers)


def checked(contract: CheckingContract, response: httpx.Response) -> set[str]:
    """Return the ids of the findings that ``adyen_contract.check`` fails with; Adyen's rules are not asked for."""
    try:
        contract.check(response)
    except ContractBroken as broken:
        named = {line.strip().partition(":")[0] for line in str(broken).splitlines()}
        return {name for name in named if name.startswith("response-")}
    return set()


def commanded(
    contract: Contract, response: httpx.Response, file: Path, capsys: pytest.CaptureFixture[str]
) -> list[dict[str, object]]:
    """Return what ``drift response`` says."""
    matched = contract.match(response.request.method, response.request.url.raw_path.decode())
    assert matched is not None
    file.write_bytes(response.content)
    options = ["--operation", matched[0].label, "--status", str(response.status_code), "--format", "json"]
    options += ["--content-type", response.headers.get("content-type", ""), "--api-version", contract.version]
    status = main(["drift", "response", *options, str(file)])
    findings: list[dict[str, object]] = json.loads(capsys.readouterr().out)
    assert status == bool(findings)
    return sorted(findings, key=str)
