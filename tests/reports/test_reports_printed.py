"""Lines of output: what an answer holds is text to a terminal and to a CI job's runner, wherever it is shown."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reports_samples import ERROR, results_of, see

from pytest_adyen_creds import load_contract
from pytest_adyen_creds.checks.exchange import Exchange
from pytest_adyen_creds.checks.failure import CheckFailure, explain
from pytest_adyen_creds.checks.judging import judge
from pytest_adyen_creds.checks.known_state import KnownState
from pytest_adyen_creds.cli import main
from pytest_adyen_creds.reports.terminal import contract_lines, drift_lines
from pytest_adyen_creds.secrets import Secret
from pytest_adyen_creds.text import printed

NAMES = (
    "\n::error title=PWN::x",
    "\r  ::stop-commands::y",
    "z##[error]w",
    "\x1b[31mred\x1b]0;title\x07",
    "\u2028::warning::v",
)


def assert_text(lines: Iterable[str]) -> None:
    for line in lines:
        assert line.isprintable(), line
        assert not line.lstrip().startswith("::"), line
        assert "##[" not in line, line


def judged(content: bytes, media: str = "application/json", status: int = 422) -> list[CheckFailure]:
    request = httpx.Request("GET", "https://management-test.adyen.com/v3/me")
    response = httpx.Response(status, headers={"content-type": media}, content=content, request=request)
    return judge(Exchange.of(load_contract("v3"), request, response), KnownState())


@given(st.text("::#[ \t\n\x1b\u2028\u202ea"))
def test_a_printed_line_is_no_command(text: str) -> None:
    assert_text([printed(text)])


def test_what_is_plain_stays_as_it_is() -> None:
    for text in ("GET /me -> 200", "breaking  1x  a: b::c [#1] ##", "  next: é"):
        assert printed(text) == text


def test_a_failed_check_is_text(tmp_path: Path) -> None:
    results = results_of(tmp_path)
    hostile = {**ERROR, **dict.fromkeys(NAMES, 1)}
    for failures in (
        judged(json.dumps(hostile, ensure_ascii=False).encode()),
        judged("\n".join(NAMES).encode(), "text/html"),
    ):
        assert failures
        assert_text(explain(failures).split("\n"))
        results.failures += failures
    for name in NAMES:
        see(results, {**ERROR, name: 1})
    assert_text([*contract_lines(results), *drift_lines(results, examples=True)])


def test_a_violation_is_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    body = {**ERROR, **dict.fromkeys(NAMES, 1)}
    for violation in load_contract("v3").validate("RestServiceError", body):
        assert violation.message.isprintable()
    path = tmp_path / "body.json"
    path.write_text(json.dumps(body))
    assert main(["contract", "validate", "RestServiceError", str(path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(NAMES) + 1
    assert_text(lines)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
@pytest.mark.parametrize("text", ["Oops {}", "é {}", '{{"apiKey": "{}"}}'])
def test_an_answer_in_another_encoding_shows_no_secret(encoding: str, text: str) -> None:
    key = Secret("canary-of-another-encoding-0001").reveal()
    failures = judged(text.format(key).encode(encoding), "text/plain", 500)
    shown = explain(failures) + json.dumps([failure.to_json() for failure in failures])
    assert "0001" not in "".join(filter(str.isalnum, shown))
    assert "[masked]" in shown
