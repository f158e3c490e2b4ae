"""The suite against healthy and faulty sandboxes: no false alarm, the smallest failing request, honest recordings."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from checks_breakages import Answer, breaking

from pytest_adyen_creds import load_contract
from pytest_adyen_creds.cassettes import serializer
from pytest_adyen_creds.checks.failure import CheckFailure, explain
from pytest_adyen_creds.checks.results import Results
from pytest_adyen_creds.checks.scenarios import SCENARIOS, STATEFUL
from pytest_adyen_creds.checks.suite import Suite
from pytest_adyen_creds.contract import bundled
from pytest_adyen_creds.sandbox import Sandbox
from pytest_adyen_creds.secrets import SECRETS
from pytest_adyen_creds.settings import Settings

CREATE = "POST /companies/{companyId}/apiCredentials"
SEEDS = int(os.environ.get("ADYEN_CHECKS_SEEDS", "1"))
"""How many seeds are tried on each version; 20 in a full run."""


def sandboxed(tmp_path: Path, version: str = "v3", **options: object) -> tuple[Results, Suite]:
    results = Results(Settings(backend="sandbox", api_version=version), tmp_path)  # type: ignore[arg-type]
    return results, Suite(results, **options)  # type: ignore[arg-type]


@pytest.mark.slow("generates the whole suite")
@pytest.mark.parametrize("seed", range(1, SEEDS + 1))
@pytest.mark.parametrize("version", ["v3", "v1"])
def test_a_healthy_sandbox_raises_no_alarm(tmp_path: Path, version: str, seed: int) -> None:
    results, suite = sandboxed(tmp_path, version, seed=seed)
    suite.check_all()
    assert [str(failure) for failure in results.failures] == []
    assert sum(results.coverage.values()) > 600


def failing(tmp_path: Path, prepare: Callable[[Sandbox], object], label: str = CREATE) -> list[CheckFailure]:
    _, suite = sandboxed(tmp_path, prepare=prepare)
    failures = suite.check(label)
    assert failures
    return failures


def test_the_smallest_request_is_shown(tmp_path: Path) -> None:
    def change(answer: Answer, memory: dict[str, object]) -> Answer | None:
        sent = answer.sent
        if answer.kind != "apiCredentials" or answer.status != 200 or not isinstance(sent, dict):
            return None
        if sent.get("associatedMerchantAccounts"):
            answer.document["surprise"] = 1
            return answer
        return None

    failures = failing(tmp_path, breaking(change))
    [first, *_] = failures
    assert first.source.endswith(", shrunk")
    assert first.check == "response-undocumented-property"
    body = first.curl.partition("--data-binary ")[2]
    assert "associatedMerchantAccounts" in body
    assert "description" not in body
    assert "roles" not in body


def test_what_fails_in_the_set_up_is_left_as_it_was(tmp_path: Path) -> None:
    failures = failing(tmp_path, lambda sandbox: sandbox.faults.violate("extra-field", CREATE, times=None))
    assert failures[0].source.startswith("set-up")
    assert "shrunk" not in failures[0].source


def test_explains_each_check_once_and_the_first_whole(tmp_path: Path) -> None:
    failures = failing(
        tmp_path, lambda sandbox: sandbox.faults.violate("extra-field", CREATE, field="apiSecret", times=None)
    )
    text = explain(failures)
    assert text.count("sent, as curl:") == 1
    assert text.count("response-undocumented-property: ") == 1
    assert "  also: " in text
    assert "pytest --adyen-contracts --adyen-backend=sandbox -m " in text
    assert "v3/structures/CreateCompanyApiCredentialResponse.struct.json" in text
    assert len(text.splitlines()) < 60
    assert [secret for secret in SECRETS.values() if len(secret) >= 12 and secret in text + repr(failures)] == []


def test_each_item_can_be_selected_alone(tmp_path: Path, pytester: pytest.Pytester) -> None:
    from _pytest.mark import MarkMatcher
    from _pytest.mark.expression import Expression

    collected, _ = pytester.inline_genitems("--adyen-contracts", "-p", "no:randomly")
    results, suite = sandboxed(tmp_path)
    names = [*results.contract.operations, *SCENARIOS, STATEFUL]
    assert len(collected) == len(names)
    for name, item in zip(names, collected, strict=True):
        *_, option, expression = shlex.split(suite.command(name))
        assert option == "-m"
        chosen = Expression.compile(expression)
        assert [each for each in collected if chosen.evaluate(MarkMatcher.from_markers(each.iter_markers()))] == [item]


@pytest.mark.parametrize("version", ["v3", "v1"])
def test_every_sequence_and_every_status_is_recorded(version: str) -> None:
    contract = load_contract(version)
    folder = bundled("cassettes") / version
    names = {operation.id for operation in contract.operations.values()}
    names |= {f"life-{name.replace(' ', '-')}" for name in SCENARIOS} | {"stateful"}
    assert {path.stem for path in folder.glob("*.yaml")} == names
    seen = set()
    for path in folder.glob("*.yaml"):
        assert path.stat().st_size < 1_000_000
        cassette = serializer.read(path)
        assert cassette.provenance is not None
        assert cassette.provenance.backend == "sandbox"
        assert cassette.provenance.contract_digest == contract.digest
        for each in cassette.interactions:
            matched = contract.match(each.method, each.uri.partition(".com")[2])
            assert matched is not None
            seen.add((matched[0].label, each.status))
    documented = {(label, status) for label, each in contract.operations.items() for status in each.responses}
    assert seen == documented
