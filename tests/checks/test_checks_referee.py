"""Judge and referee: on every recording, as it is and with one thing changed, they say the same."""

from __future__ import annotations

import os

import httpx
import pytest
from checks_recordings import mutations, recorded
from checks_referee import case_of, passes

from pytest_adyen_creds import load_contract
from pytest_adyen_creds.contract import Contract
from pytest_adyen_creds.contract.judge import judge

JSON = {"content-type": "application/json"}


def disagreements(contract: Contract, version: str, every: int) -> tuple[int, int, list[str]]:
    """Return how many answers were judged, how many depart, and where judge and referee disagree.

    All recordings as they are; of those that were changed one in ``every``.
    """
    judged = departing = number = 0
    found = []
    for path, interaction in recorded(version):
        request = httpx.Request(
            interaction.method,
            interaction.uri,
            headers=interaction.request_headers,
            content=interaction.request_body,
        )
        matched = contract.match(request.method, request.url.raw_path.decode())
        assert matched is not None
        case = case_of(contract, matched[0], request)
        for what, make in mutations(interaction):
            number += 1
            if what != "as it is" and number % every:
                continue
            status, headers, content = make()
            response = httpx.Response(status, headers=headers, content=content, request=request)
            media = response.headers.get("content-type", "")
            observed = judge(contract, matched[0], status, media, content, response.headers)
            judged += 1
            departing += bool(observed)
            if bool(observed) == passes(case, response):
                found.append(f"{path.name}: {what}: {[each.finding.id for each in observed]}")
    return judged, departing, found


EVERY = int(os.environ.get("ADYEN_CHECKS_MUTATED", "100"))
"""One in so many of the changed recordings is judged; 1 in a full run."""


@pytest.mark.slow("thousands of changed recordings")
@pytest.mark.parametrize("version", ["v3", "v1"])
def test_judge_and_referee_agree(version: str) -> None:
    judged, departing, found = disagreements(load_contract(version), version, every=EVERY)
    assert found == []
    assert judged > 1400
    assert departing > 600


def test_a_body_where_none_is_documented_is_for_the_judge_alone() -> None:
    contract = load_contract("v3")
    label = "DELETE /me/allowedOrigins/{originId}"
    request = httpx.Request("DELETE", "https://management-test.adyen.com/v3/me/allowedOrigins/S2-1")
    response = httpx.Response(204, headers=JSON, content=b'{"a": 1}', request=request)
    case = case_of(contract, contract.operations[label], request)
    assert passes(case, response)
    observed = judge(contract, contract.operations[label], 204, "application/json", b'{"a": 1}', JSON)
    assert [each.finding.id for each in observed] == ["response-undocumented-body"]
