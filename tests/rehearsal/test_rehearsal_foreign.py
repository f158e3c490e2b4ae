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
    result = pytester.runpytest_subprocess(*options)
    result.assert_outcomes(passed=3)
    found: dict[str, Any] = json.loads((pytester.path / "all.json").read_text())
    return found


@pytest.mark.slow("processes of their own: other plugins change what is imported")
@pytest.mark.parametrize("options", [(), ("--adyen-drift=report",)], ids=["alone", "collected"])
def test_a_cassette_of_pytest_recording_is_rehearsed(
    pytester: pytest.Pytester, recording: None, options: tuple[str, ...]
) -> None:
    report = rehearse(pytester, *options)
    verdicts = {(each["test"].partition("::")[2], each["id"]): each["verdict"] for each in report["rehearsal"]}
    assert verdicts["test_strict", "GET /me 200 property-added"] == "broke"
    assert verdicts["test_tolerant", "GET /me 200 property-added"] == "survived"
    assert verdicts["test_strict", "GET /me 200 2026-05-01 property-added@/subjectDN"] == "broke"
    assert verdicts["test_tolerant", "GET /me 200 required-property-removed@/username"] == "noticed"
    assert {each["kind"] for each in report["rehearsal"]} == {"additions", "removals", "history"}
    assert [each["problem"] for each in report["rehearsed"]] == ["", ""]
    assert len(report["findings"]) == 0, "what is otherwise on purpose is no drift"


PLAIN = """
import httpx, pytest, requests, vcr

my = vcr.VCR(cassette_library_dir="plain", record_mode="none")
URL = "https://management-test.adyen.com/v3/me"

@my.use_cassette("me.yaml")
def test_decorated():
    assert httpx.get(URL).json()["username"] == "ws@Company.X"

def test_block():
    with my.use_cassette("me.yaml"):
        assert requests.get(URL).json()["username"] == "ws@Company.X"

def test_fails():
    with my.use_cassette("me.yaml"):
        assert requests.get(URL).status_code == 500

def test_led(adyen_traffic):
    with my.use_cassette("me.yaml"):
        assert set(requests.get(URL).json()) == {
            "id", "username", "clientKey", "active", "roles", "allowedIpAddresses"
        }

def test_of_another_host():
    with my.use_cassette("other.yaml"):
        assert requests.get("https://shop.example.com/").status_code == 200

def test_other():
    pass
"""


def plain(pytester: pytest.Pytester, *options: str) -> pytest.RunResult:
    pytester.makepyfile(test_plain=PLAIN)
    folder = pytester.path / "plain"
    folder.mkdir()
    (folder / "me.yaml").write_text(CASSETTE % json.dumps(ME))
    elsewhere = CASSETTE.replace("management-test.adyen.com/v3/me", "shop.example.com/") % "{}"
    (folder / "other.yaml").write_text(elsewhere)
    return pytester.runpytest(*options)


@pytest.mark.parametrize("options", [(), ("--adyen-drift=report",)], ids=["alone", "collected"])
def test_tests_that_call_vcrpy_themselves_are_counted(pytester: pytest.Pytester, options: tuple[str, ...]) -> None:
    result = plain(pytester, "--adyen-rehearse", "-v", *options)
    result.assert_outcomes(passed=5, failed=1)
    said = [line for line in result.outlines if "not rehearsed" in line]
    assert len(said) == 1
    assert said[0].startswith("2 tests were not rehearsed (test_plain.py::test_block, test_plain.py::test_decorated): ")
    assert 'usefixtures("adyen_traffic")' in said[0]
    result.stdout.fnmatch_lines(["*broke*test_plain.py::test_led"])


def test_what_is_advised_has_them_rehearsed(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nusefixtures = adyen_traffic\n")
    result = plain(pytester, "--adyen-rehearse", "-k", "decorated or block")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["2 tests rehearsed (additions, history) in * runs: * survived"])
    result.stdout.no_fnmatch_line("*not rehearsed*")


def test_a_rehearsal_of_nothing_says_which_tests_are_rehearsed(pytester: pytest.Pytester) -> None:
    result = plain(pytester, "--adyen-rehearse", "-k", "other")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["no test was rehearsed: *adyen_traffic*@pytest.mark.vcr"])


def test_a_project_that_always_rehearses_is_not_told_of_other_tests(pytester: pytest.Pytester) -> None:
    result = plain(pytester, "-oadyen_rehearse=additions", "-k", "other")
    result.assert_outcomes(passed=2)
    result.stdout.no_fnmatch_line("*rehearsed*")


@pytest.mark.slow("two processes")
def test_what_workers_pass_over_is_counted_together(pytester: pytest.Pytester) -> None:
    result = plain(pytester, "--adyen-rehearse", "-pxdist", "-n2", "-k", "decorated or block")
    result.stdout.fnmatch_lines(["2 tests were not rehearsed: *"])
