"""A failed test shows what it asked the embedded sandbox: its own part of the journal, and nothing secret."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from reports_samples import HOSTILE, report, results_of

from pytest_adyen_creds.reports.asked import journal_lines
from pytest_adyen_creds.reports.page import page_of
from pytest_adyen_creds.sandbox import Sandbox
from pytest_adyen_creds.sandbox.journal import Journal, Message
from pytest_adyen_creds.secrets import SECRETS, Secret

TITLE = "- Adyen sandbox -"


def sections_of(result: pytest.RunResult) -> list[list[str]]:
    """Return the lines of each section of the sandbox, in order."""
    found: list[list[str]] = []
    inside = False
    for line in result.outlines:
        if TITLE in line:
            found.append([])
            inside = True
        elif inside and re.match(r"#\d+ |    \w|…", line):
            found[-1].append(line)
        else:
            inside = False
    return found


def test_a_failed_test_shows_what_it_alone_has_asked(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        def test_before(adyen_client):
            assert adyen_client.get("/me").status_code == 200
            assert adyen_client.get("/me/allowedOrigins").status_code == 200

        def test_fails(adyen_client, adyen_management, adyen_sandbox):
            adyen_sandbox.faults.status(503)
            adyen_client.get("/me")
            wrong = adyen_client.get("/companies/NoSuchCompany/apiCredentials?pageSize=1")
            assert wrong.status_code == 200
        """
    )
    result = pytester.runpytest_inprocess("-rA")
    result.assert_outcomes(passed=1, failed=1)
    ((fault, said, asked, refused),) = sections_of(result)
    assert re.fullmatch(r"#\d+ GET /v3/me  503  faults.asked-for  fault: status", fault)
    assert said.startswith("    errorCode: 00_503, title: Status 503, detail: ")
    assert re.fullmatch(r"#\d+ GET /v3/companies/NoSuchCompany/apiCredentials\?pageSize=1  40[34]  [\w.-]+", asked)
    assert refused.startswith("    errorCode: ")


def test_what_asked_nothing_or_passed_shows_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        def test_asks_nothing(adyen_sandbox):
            assert not adyen_sandbox

        @pytest.mark.xfail
        def test_expected(adyen_client):
            assert adyen_client.get("/me").status_code == 1

        def test_passes(adyen_client):
            assert adyen_client.get("/me")

        def test_plain():
            raise ValueError
        """
    )
    result = pytester.runpytest_inprocess("-rA", "--adyen-report=report.json", "--adyen-report=report.html")
    result.assert_outcomes(passed=1, failed=2, xfailed=1)
    assert sections_of(result) == []
    assert json.loads((pytester.path / "report.json").read_text())["asked"] == []
    assert "What failed tests asked" not in (pytester.path / "report.html").read_text()


def test_the_set_up_and_the_call_show_what_each_asked(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture
        def broken(adyen_client):
            adyen_client.get("/set-up")
            raise ValueError

        def test_setup(broken):
            pass

        @pytest.fixture
        def broken_after(adyen_client):
            yield adyen_client
            adyen_client.get("/teardown")
            raise ValueError

        def test_twice(broken_after):
            broken_after.get("/call")
            raise ValueError

        def test_unmet(adyen_client, adyen_sandbox):
            adyen_client.get("/unmet")
            adyen_sandbox.faults.reset("GET /me")
        """
    )
    result = pytester.runpytest_inprocess("--adyen-report=report.json")
    result.assert_outcomes(passed=1, failed=1, errors=3)
    shown = ["\n".join(lines) for lines in sections_of(result)]
    assert len(shown) == 2
    for name in ("set-up", "call"):
        assert sum(f"GET /v3/{name}  404" in text for text in shown) == 1, name
    asked = json.loads((pytester.path / "report.json").read_text())["asked"]
    assert [each["test"].partition("::")[2] for each in asked] == ["test_setup", "test_twice"]
    assert not [line for line in asked[1]["lines"] if "/v3/teardown" in line]


@pytest.mark.slow("workers")
def test_the_lines_of_workers_are_in_the_reports(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("number", range(4))
        def test_it(adyen_client, number):
            assert adyen_client.get(f"/nothing-{number}").status_code == 200
        """
    )
    result = pytester.runpytest_inprocess("-n", "2", "--adyen-report=report.json", "--adyen-report=report.html")
    result.assert_outcomes(failed=4)
    assert len(sections_of(result)) == 4
    asked = json.loads((pytester.path / "report.json").read_text())["asked"]
    assert len(asked) == 4
    for number, each in enumerate(asked):
        assert each["test"].endswith(f"test_it[{number}]")
        assert [line for line in each["lines"] if f"/v3/nothing-{number}  404" in line]
    page = (pytester.path / "report.html").read_text()
    assert "What failed tests asked" in page
    assert "nothing-3" in page


def test_further_runs_of_a_rehearsal_are_not_shown(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        NAMES = []

        def test_breaks(adyen_client):
            NAMES.append(set(adyen_client.get("/me").json()))
            assert NAMES[-1] == NAMES[0]

        def test_fails(adyen_client):
            assert adyen_client.get("/nothing").status_code == 200
        """
    )
    options = ("--adyen-rehearse=additions", "--adyen-rehearse-fail=all", "--adyen-report=report.json")
    result = pytester.runpytest_inprocess(*options)
    result.assert_outcomes(failed=2)
    (lines,) = sections_of(result)
    assert "GET /v3/nothing" in lines[0]
    (asked,) = json.loads((pytester.path / "report.json").read_text())["asked"]
    assert asked["test"].endswith("::test_fails")
    assert asked["lines"] == lines


def test_no_secret_that_was_answered_is_shown(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import base64, pathlib, httpx

        def test_it(adyen_management, adyen_credential):
            base = "https://management-test.adyen.com/v3"
            backend = {"X-API-Key": adyen_credential.key().reveal()}
            company = f"{base}/companies/TestCompany"
            made = httpx.post(f"{company}/apiCredentials", json={}, headers=backend).json()
            canaries = [adyen_credential.key().reveal(), *(made[name] for name in ("apiKey", "password", "clientKey"))]
            pathlib.Path("canaries.txt").write_text("\\n".join(canaries))
            for canary in canaries:
                httpx.get(f"{base}/me", params={"key": canary}, headers=backend)
                encoded = base64.b64encode(canary.encode()).decode()
                httpx.get(f"{base}/me", params={"key": encoded}, headers=backend)
            assert not canaries
        """
    )
    result = pytester.runpytest_inprocess("-vv", "--adyen-report=report.json", "--adyen-report=report.html")
    result.assert_outcomes(failed=1)
    canaries = (pytester.path / "canaries.txt").read_text().splitlines()
    (lines,) = sections_of(result)
    assert len([line for line in lines if "[masked]" in line]) >= 2 * len(canaries)
    texts = {path.name: path.read_text() for path in pytester.path.glob("report.*")} | {"terminal": result.stdout.str()}
    assert len(canaries) == 4
    assert len(texts) == 3
    assert not [(name, canary) for name, text in texts.items() for canary in canaries if canary in text]


def journal_with(*targets: str, document: Any = None, status: int = 200) -> Journal:
    """Return a journal of requests of ``targets``."""
    journal = Journal()
    for target in targets:
        journal.add(
            at=datetime(2030, 1, 1, tzinfo=UTC),
            method="GET",
            origin="http://x",
            target=target,
            operation=None,
            status=status,
            rule="a.rule",
            fault="",
            sent=Message(()),
            answered=Message((), document=document),
        )
    return journal


def test_the_last_requests_are_shown_and_the_others_counted() -> None:
    journal = journal_with(*(f"/{number}" for number in range(1, 51)))
    left, *shown = journal_lines(journal, 10)
    assert left == "… 10 earlier requests left out"
    assert [line.split()[0] for line in shown] == [f"#{number}" for number in range(11, 41)]
    assert journal_lines(journal, 20)[0].startswith("#1 ")
    assert journal_lines(journal, 50) == []


@pytest.mark.parametrize(
    ("document", "second"),
    [
        ({"errorCode": "1", "title": "T", "detail": "D", "status": 422}, ["    errorCode: 1, title: T, detail: D"]),
        ({"title": "T", "detail": ""}, ["    title: T"]),
        ({"errorCode": "702", "message": "classic"}, ["    errorCode: 702, message: classic"]),
        ({"data": []}, []),
        (["no", "object"], []),
        (None, []),
    ],
)
def test_errors_have_a_second_line(document: Any, second: list[str]) -> None:
    assert journal_lines(journal_with("/x", document=document, status=422), 0)[1:] == second
    assert journal_lines(journal_with("/x", document=document, status=399), 0)[1:] == []


@pytest.mark.parametrize("hostile", HOSTILE)
def test_whatever_is_asked_a_line_is_a_line_of_text(hostile: str) -> None:
    document = {"title": hostile, "errorCode": [hostile], "detail": {"x": hostile}}
    lines = journal_lines(journal_with(f"/{hostile}", document=document, status=500), 0)
    assert len(lines) == 2
    for line in lines:
        assert line.isprintable()
        assert len(line) < 350
        assert "##[" not in line


@pytest.mark.usefixtures("own_secrets")
def test_what_looks_like_a_key_is_masked_and_so_is_a_secret_that_is_cut() -> None:
    key = "AQE" + "aB3dE6gH" * 8
    known = Secret("canary-KNOWN-canary-0123456789-canary")
    for target in (f"/x?key={key}", f"/x?key={known.reveal()}", "/" + "y" * 270 + known.reveal()):
        (line,) = journal_lines(journal_with(target, document={"title": key}), 0)
        assert key[:20] not in line
        assert known.reveal()[:20] not in line
    assert len(SECRETS) == 1, "a report teaches nobody what is secret"


def test_the_journal_of_a_sandbox_is_shown_as_it_is() -> None:
    sandbox = Sandbox()
    headers = {"X-API-Key": sandbox.provisioning.api_key.reveal()}
    with httpx.Client(transport=sandbox.transport(), base_url="http://sandbox.example", headers=headers) as client:
        client.post("/v3/companies/TestCompany/apiCredentials", json={"description": 1})
    asked, said = journal_lines(sandbox.app.journal, 0)
    assert re.fullmatch(r"#1 POST /v3/companies/TestCompany/apiCredentials  4\d\d  [\w.-]+", asked)
    assert re.match(r"    errorCode: \w+, title: ", said)


def test_the_page_has_twenty_tests_and_says_how_many_more(tmp_path: Path) -> None:
    results = results_of(tmp_path)
    for number in range(23):
        results.asked[f"test_shop.py::test_{number:02}"] = [f"#{number} GET /v3/me  200  caller.me"]
    page = page_of(report(results))
    assert "23 failed tests asked the embedded sandbox" in page
    assert "#19 GET" in page
    assert "#20 GET" not in page
    assert "3 more failed tests are in the JSON report" in page


@pytest.mark.parametrize("hostile", HOSTILE)
def test_what_was_asked_stays_text_of_the_page(hostile: str, tmp_path: Path) -> None:
    results = results_of(tmp_path)
    results.asked[hostile] = [hostile, "#1 <b>GET</b> /v3/me"]
    page = page_of(report(results))
    assert "<script" not in page
    assert "<b>" not in page
    assert "<img" not in page
    assert "&lt;b&gt;GET&lt;/b&gt;" in page.replace("<wbr>", "")
