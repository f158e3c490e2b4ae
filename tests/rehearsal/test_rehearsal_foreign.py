"""Tests whose cassettes another tool plays are rehearsed as they are."""

from __future__ import annotations

import json
from typing import Any

import pytest

CASSETTE = """\
interactions:
- request:
    body: null
    headers: {X-API-Key: [redacted]}
    method: GET
    uri: https://management-test.adyen.com/v3/me
  response:
    body: {string: '%s'}
    headers: {Content-Type: [application/json]}
    status: {code: 200, message: OK}
version: 1
"""

ME = {
    "id": "S2-1",
    "username": "ws@Company.X",
    "clientKey": "test_redacted",
    "active": True,
    "roles": ["A"],
    "allowedIpAddresses": [],
}

TEST = """
import httpx, pytest, requests

KNOWN = {"id", "username", "clientKey", "active", "roles", "allowedIpAddresses"}

@pytest.mark.vcr
def test_strict():
    body = requests.get("https://management-test.adyen.com/v3/me", headers={"X-API-Key": "redacted"}).json()
    assert set(body) <= KNOWN

@pytest.mark.vcr
def test_tolerant():
    assert httpx.get("https://management-test.adyen.com/v3/me").json()["username"] == "ws@Company.X"

def test_other():
    pass
"""


def rehearse(pytester: pytest.Pytester, *options: str) -> dict[str, Any]:
    pytester.makepyfile(test_theirs=TEST)
    for name in ("test_strict", "test_tolerant"):
        folder = pytester.path / "cassettes" / "test_theirs"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.yaml").write_text(CASSETTE % json.dumps(ME))
    kinds = "additions,removals,history,rotation,failures"
    options = (f"--adyen-rehearse={kinds}", "-oadyen_rehearse_max=200", "--adyen-report=all.json", *options)
    result = pytester.runpytest(*options)
    result.assert_outcomes(passed=3)
    found: dict[str, Any] = json.loads((pytester.path / "all.json").read_text())
    return found


@pytest.mark.parametrize(
    "options",
    [
        pytest.param((), id="alone"),
        pytest.param(("--adyen-drift=report",), id="collected", marks=pytest.mark.slow("several runs of pytest")),
    ],
)
def test_a_cassette_of_pytest_recording_is_rehearsed(pytester: pytest.Pytester, options: tuple[str, ...]) -> None:
    report = rehearse(pytester, *options)
    verdicts = {(each["test"].partition("::")[2], each["id"]): each["verdict"] for each in report["rehearsal"]}
    assert verdicts["test_strict", "GET /me 200 property-added"] == "broke"
    assert verdicts["test_tolerant", "GET /me 200 property-added"] == "survived"
    assert verdicts["test_strict", "GET /me 200 2026-05-01 property-added@/subjectDN"] == "broke"
    assert verdicts["test_tolerant", "GET /me 200 required-property-removed@/username"] == "noticed"
    assert {each["kind"] for each in report["rehearsal"]} == {"additions", "removals", "history"}
    assert [each["problem"] for each in report["rehearsed"]] == ["", ""]
    assert len(report["findings"]) == 0, "what is otherwise on purpose is no drift"
