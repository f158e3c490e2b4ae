"""``pytest --adyen-contracts``: the bundled suite in other people's runs."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import counts
import pytest
from plugins import ALONE

from pytest_adyen_creds import load_contract
from pytest_adyen_creds.cassettes import serializer
from pytest_adyen_creds.cassettes.model import Cassette, Interaction
from pytest_adyen_creds.contract import bundled

CREATE = "POST /companies/{companyId}/apiCredentials"


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", ALONE)
    for name in ("ADYEN_MANAGEMENT_API_KEY", "ADYEN_COMPANY_ACCOUNT", "ADYEN_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("version", ["v3", pytest.param("v1", marks=pytest.mark.slow("runs the whole suite"))])
def test_passes_offline_in_an_empty_folder(pytester: pytest.Pytester, version: str) -> None:
    result = pytester.runpytest_inprocess("--adyen-contracts", f"--adyen-api-version={version}")
    result.assert_outcomes(passed=counts.items())
    result.stdout.fnmatch_lines(
        [
            f"adyen: auto, Management API {version}",
            f"*{counts.pairs(version)} of {counts.pairs(version)} documented (operation, status) pairs covered",
            "*answers from recordings of the embedded sandbox, not of Adyen",
        ]
    )


@pytest.mark.slow("runs the whole suite, again and again")
def test_items_are_named_after_operations(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess("--adyen-contracts", "--collect-only", "-q")
    for label in load_contract("v3").operations:
        result.stdout.fnmatch_lines([f"adyen-contracts::test_operation[[]{label}]"])


@pytest.mark.slow("runs the whole suite, again and again")
def test_an_ini_option_names_the_cassettes(pytester: pytest.Pytester) -> None:
    pytester.mkdir("nowhere")
    pytester.makeini("[pytest]\nadyen_cassettes = nowhere")
    result = pytester.runpytest_inprocess("--adyen-contracts", "--adyen-backend=replay", "-k", "GET and me")
    assert result.parseoutcomes()["failed"] > 0
    result.stdout.fnmatch_lines(["*nowhere*get-me.yaml: no such cassette*"])


@pytest.mark.slow("runs the whole suite, again and again")
def test_adds_to_the_tests_that_are_there(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_management="def test_mine(): pass")  # the same file name as the suite's
    pytester.runpytest_inprocess("--adyen-contracts").assert_outcomes(passed=counts.items() + 1)
    pytester.runpytest_inprocess("--adyen-contracts", "-m", "adyen_contract").assert_outcomes(
        passed=counts.items(), deselected=1
    )
    pytester.runpytest_inprocess().assert_outcomes(passed=1)


@pytest.mark.slow("runs the whole suite, again and again")
def test_works_under_xdist(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess("--adyen-contracts", "-n", "2")
    result.assert_outcomes(passed=counts.items())
    result.stdout.fnmatch_lines([f"*{counts.pairs()} of {counts.pairs()} documented (operation, status) pairs covered"])


@pytest.mark.slow("runs the whole suite, again and again")
def test_a_sandbox_can_answer(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess(
        "--adyen-contracts",
        "--adyen-backend=sandbox",
        "-k",
        "GET and me and not companies and not merchants and not allowedOrigins",
    )
    result.assert_outcomes(passed=1, deselected=counts.items() - 1)
    result.stdout.fnmatch_lines(["*answers from the embedded sandbox"])


@pytest.mark.slow("runs the whole suite, again and again")
def test_a_missing_cassette_says_how_to_record_it(pytester: pytest.Pytester) -> None:
    pytester.mkdir("cassettes").joinpath("management").mkdir()
    result = pytester.runpytest_inprocess("--adyen-contracts", "--adyen-backend=replay")
    result.assert_outcomes(failed=counts.items())
    result.stdout.fnmatch_lines(["*get-me.yaml: no such cassette; record it with *--adyen-record=missing*"])
    result.stdout.no_fnmatch_line("*Traceback*")


@pytest.mark.slow("runs the whole suite, again and again")
def test_records_what_is_missing_and_replays_it(pytester: pytest.Pytester) -> None:
    record = (
        "--adyen-contracts",
        "--adyen-backend=sandbox",
        "--adyen-record=missing",
        "-k",
        "POST and me and generateClientKey and not companies and not merchants",
    )
    pytester.runpytest_inprocess(*record).assert_outcomes(passed=1, deselected=counts.items() - 1)
    [path] = pytester.path.rglob("*.yaml")
    text = path.read_text()
    assert text.startswith("# Recorded from the embedded sandbox: its answers are not Adyen's answers.")
    result = pytester.runpytest_inprocess("--adyen-contracts", "--adyen-backend=replay", *record[3:])
    result.assert_outcomes(passed=1, deselected=counts.items() - 1)
    pytester.runpytest_inprocess(*record).assert_outcomes(passed=1, deselected=counts.items() - 1)
    assert path.read_text() == text


@pytest.mark.slow("runs the whole suite, again and again")
def test_recording_again_changes_nothing_but_the_date(pytester: pytest.Pytester) -> None:
    record = ("--adyen-contracts", "--adyen-backend=sandbox", "--adyen-record=all", "-k", "POST and companies")
    texts = []
    for _ in range(2):
        assert pytester.runpytest_inprocess(*record).ret == 0
        dated = {path.name: path.read_text() for path in pytester.path.rglob("*.yaml")}
        texts.append(
            {name: [line for line in text.splitlines() if "recorded_at" not in line] for name, text in dated.items()}
        )
    assert len(texts[0]) == 4
    assert texts[0] == texts[1]


def test_user_names_that_are_alike_hide_no_secret_from_each_other(pytester: pytest.Pytester) -> None:
    """The base64 of two user names of one company has a piece in common, which is nobody's password."""
    result = pytester.runpytest(
        "--adyen-contracts", "--adyen-backend=sandbox", "--adyen-record=all", "-k", "deactivation"
    )
    assert result.parseoutcomes()["passed"] == 2
    assert "failed" not in result.parseoutcomes()


def broken(folder: Path, change: Callable[[Interaction], Interaction]) -> None:
    """Copy the bundled cassettes, with one answer of one operation changed."""
    shutil.copytree(bundled("cassettes") / "v3", folder / "v3")
    path = folder / "v3" / f"{load_contract('v3').operations[CREATE].id}.yaml"
    cassette = serializer.read(path)
    index = next(
        number for number, each in enumerate(cassette.interactions) if each.status == 200 and each.method == "POST"
    )
    interactions = list(cassette.interactions)
    interactions[index] = change(interactions[index])
    path.write_text(serializer.dumps(Cassette(tuple(interactions), cassette.provenance, cassette.context)))


def changed(interaction: Interaction, **values: object) -> Interaction:
    from dataclasses import replace

    return replace(interaction, **values)


BROKEN = {
    "a secret dropped": (
        lambda each: changed(each, response_body=each.response_body.replace(b'"apiKey"', b'"apikey"')),
        ["*/apiKey is required and missing", "*/apikey is not in the contract; found a string of 256 characters"],
    ),
    "a status changed": (
        lambda each: changed(each, status=418, reason="I'm a teapot"),
        ["*response-undocumented-status: *418 is not in the contract, which knows 200, 400, 401, 403, 422, 500*"],
    ),
    "HTML for JSON": (
        lambda each: changed(
            each,
            response_body=b"<html>gateway</html>",
            response_headers=(("content-type", "text/html"),),
        ),
        ["*response-undocumented-media-type: *came as text/html where the contract has application/json*"],
    ),
    "JSON cut off": (
        lambda each: changed(each, response_body=each.response_body[:40]),
        ["*response-body-not-json: the response body is not JSON*"],
    ),
}


@pytest.mark.slow("runs the whole suite, again and again")
@pytest.mark.parametrize("what", BROKEN)
def test_one_broken_recording_fails_its_operation_in_one_screen(pytester: pytest.Pytester, what: str) -> None:
    change, says = BROKEN[what]
    broken(pytester.mkdir("cassettes") / "management", change)
    result = pytester.runpytest_inprocess("--adyen-contracts", "-q")
    result.assert_outcomes(passed=counts.items() - 1, failed=1)
    result.stdout.fnmatch_lines([f"*FAILED adyen-contracts::test_operation[[]{CREATE}]*"])
    for line in says:
        result.stdout.fnmatch_lines([line, "*next: *"])
    failures = result.outlines[result.outlines.index(next(x for x in result.outlines if "FAILURES" in x)) :]
    assert len(failures) <= 65
    assert not any("AQEPSEUDONYM" in line for line in failures)


@pytest.mark.slow("runs the whole suite, again and again")
def test_results_of_workers_show_what_failed(pytester: pytest.Pytester) -> None:
    broken(pytester.mkdir("cassettes") / "management", BROKEN["a status changed"][0])
    result = pytester.runpytest_inprocess("--adyen-contracts", "-n", "2")
    result.assert_outcomes(passed=counts.items() - 1, failed=1)
    result.stdout.fnmatch_lines(["*Adyen contract*", f"{CREATE} -> 418*"])
