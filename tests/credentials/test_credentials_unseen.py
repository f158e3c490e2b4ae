"""Live runs that create what the server does not show as theirs: answers without the tag, answers that never come."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from credentials_helpers import killing

from pytest_adyen_creds.cli import main
from pytest_adyen_creds.client import tag
from pytest_adyen_creds.sandbox import Sandbox

THREE = """
import pytest

@pytest.mark.parametrize("number", range(3))
def test_lease(adyen_credential, number):
    pass
"""


@pytest.fixture
def answering(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., None]], None]:
    """Let a function change the body of every answer over HTTP, or each of a page: (method, path, body)."""
    app = type(sandbox.app)
    serve = app.__call__

    def change_with(change: Callable[[str, str, dict[str, Any]], None]) -> None:
        def answer(whom: Any, environ: dict[str, Any], start_response: Any) -> Any:
            said: list[Any] = []
            raw = b"".join(serve(whom, environ, lambda *head: said.extend(head)))
            status, headers = said[:2]
            if raw and status.startswith("200") and environ["SERVER_NAME"] != "management-test.adyen.com":
                document = json.loads(raw)
                for body in document.get("data", [document]):
                    change(environ["REQUEST_METHOD"], environ["PATH_INFO"], body)
                raw = json.dumps(document).encode()
                headers = [(name, value) for name, value in headers if name.lower() != "content-length"]
                headers.append(("Content-Length", str(len(raw))))
            start_response(status, headers)
            return [raw]

        monkeypatch.setattr(app, "__call__", answer)

    return change_with


def _without_description(method: str, path: str, body: dict[str, Any]) -> None:
    if "username" in body:
        body["description"] = None


def _created_without_description(method: str, path: str, body: dict[str, Any]) -> None:
    if method == "POST" and path.endswith("/apiCredentials"):
        del body["description"]


def test_what_is_answered_without_its_tag_is_counted_and_switched_off_where_a_read_shows_it(
    account, pytester, answering
):
    answering(_created_without_description)
    pytester.makepyfile(THREE)
    result = account.run("--adyen-max-created=2")
    result.assert_outcomes(errors=3)
    result.stdout.fnmatch_lines(
        ["*credential CRED*, which this run created at TestCompany, came back without the tag that it was given*"]
    )
    assert "someone else" not in result.stdout.str()
    result.stdout.fnmatch_lines(["adyen: 2 created, 0 recycled, 2 switched off at the end"])
    assert len(account.throwaways()) == 2
    assert account.active() == []
    assert account.ledgers == []


def test_what_no_read_shows_with_its_tag_is_left_alone_and_said(account, pytester, answering):
    answering(_without_description)
    changed = []
    account.meet(lambda method, path, body: changed.append(path) if method == "PATCH" else None)
    pytester.makepyfile(THREE)
    result = account.run("--adyen-max-created=2")
    result.stdout.fnmatch_lines(
        [
            "adyen: throwaway CRED* is still active: it does not carry this run's tag, so it is not touched; *",
            "adyen: 2 of this run's throwaways may still be active, so the run fails; run adyen-creds sweep",
            "adyen: 2 created, 0 recycled, 0 switched off at the end",
        ]
    )
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert changed == []
    assert len(account.ledgers) == 1


def test_a_creation_without_an_answer_is_said_though_every_test_passed(account, pytester, monkeypatch):
    pytester.makepyfile(
        """
        import pytest
        from pytest_adyen_creds.errors import AdyenCredsError

        def test_recycled(adyen_credential):
            pass

        def test_fresh(adyen_credentials):
            with pytest.raises(AdyenCredsError, match="503"):
                adyen_credentials.lease(fresh=True)
        """
    )
    account.run("-k", "recycled").assert_outcomes(passed=1, deselected=1)
    monkeypatch.setattr("pytest_adyen_creds.credentials.shutdown.StoppableClock.sleep", lambda self, seconds: None)
    account.meet(lambda method, path, body: 503 if method == "POST" and path.endswith("/apiCredentials") else None)
    result = account.run()
    result.assert_outcomes(passed=2)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "adyen: 1 creation had no answer, and what may have been created was not found; run adyen-creds sweep",
            "adyen: some of this run's throwaways may still be active, so the run fails; run adyen-creds sweep",
            "adyen: 0 created, 1 recycled, 1 switched off at the end",
        ]
    )
    assert len(account.ledgers) == 1


def test_sweep_tells_of_what_it_leaves_to_other_runs(account, monkeypatch, capsys):
    """A run on another machine was killed, or goes on: from here that cannot be told before its tag expires."""
    monkeypatch.setenv("ADYEN_BASE_URL", account.url)
    monkeypatch.chdir(account._pytester.path)
    expires = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(hours=1)
    with killing.management(account.sandbox) as client:
        made = client.company("TestCompany").create({"description": tag.make("elsewhere"[:8], expires)})
    assert main(["sweep"]) == 0
    assert capsys.readouterr().out == (
        f"left to another run, which may still use it, until {expires:%Y-%m-%d %H:%M} UTC: "
        "1 active throwaway at TestCompany\n"
    )
    assert main(["sweep", "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["inUse"] == [{"id": made["id"], "expires": f"{expires:%Y-%m-%dT%H:%M}Z"}]
    assert document["swept"] == []
    assert account.active() == [made["id"]]


def test_what_is_still_active_after_it_was_switched_off_is_said_and_fails_the_run(
    account, pytester, monkeypatch, capsys
):
    def meet(method, path, body):
        asked = json.loads(body) if method == "PATCH" else {}
        return json.dumps({**asked, "active": True}).encode() if asked.get("active") is False else None

    account.meet(meet)
    pytester.makepyfile(THREE)
    result = account.run()
    result.assert_outcomes(passed=3)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "adyen: throwaway CRED* could not be switched off: PATCH was answered as if it were switched off, and a "
            "read of it at TestCompany shows it active; *; run adyen-creds sweep",
            "adyen: 1 of this run's throwaways may still be active, so the run fails; run adyen-creds sweep",
            "adyen: 1 created, 0 recycled, 0 switched off at the end",
        ]
    )
    monkeypatch.setenv("ADYEN_BASE_URL", account.url)
    monkeypatch.chdir(pytester.path)
    capsys.readouterr()
    assert main(["sweep"]) == 1
    assert "still active    CRED" in capsys.readouterr().out
    assert len(account.active()) == 1
