"""A setting that is wrong ends the run at its start, with one line that says what to write."""

from __future__ import annotations

import pytest

USING = "def test_it(adyen_credential): pass"


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return pytester.runpytest_inprocess("-p", "no:randomly", "-p", "no:asyncio", *arguments)


def assert_one_line(result: pytest.RunResult, says: str) -> None:
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    lines = [line for line in result.errlines if line.strip()]
    assert len(lines) == 1, lines
    assert says in lines[0]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--adyen-base-url=https://management-live.adyen.com/v3",), "--adyen-base-url"),
        (("--adyen-base-url=http://example.com/v3",), "--adyen-base-url"),
        (("--adyen-max-created=many",), "--adyen-max-created"),
        (("--adyen-live", "--adyen-backend=replay"), "disagree"),
    ],
    ids=" ".join,
)
def test_a_wrong_option(pytester: pytest.Pytester, arguments: tuple[str, ...], says: str) -> None:
    pytester.makepyfile(USING)
    assert_one_line(run(pytester, *arguments), says)


@pytest.mark.parametrize(
    "line",
    [
        "adyen_backend = rplay",
        "adyen_max_created = five",
        "adyen_ready_timeout = soon",
        "adyen_cassette_max_age = old",
        "adyen_company_account = a b",
        "adyen_api_version = v9",
        "adyen_base_url = https://example.com/v3",
        "adyen_contracts = no_such_folder",
        "adyen_cassettes = no_such_folder",
        "adyen_contracts_run = perhaps",
    ],
)
def test_a_wrong_line_of_the_ini_file(pytester: pytest.Pytester, line: str) -> None:
    pytester.makeini(f"[pytest]\n{line}\n")
    pytester.makepyfile(USING)
    assert_one_line(run(pytester), f"ini {line.partition(' ')[0]}: ")


def test_a_wrong_variable_is_one_line_in_each_test(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another tool may read the variable, too, so a run that does not use it goes on."""
    monkeypatch.setenv("ADYEN_API_VERSION", "v9")
    pytester.makepyfile(USING + "\ndef test_other(): pass")
    result = run(pytester)
    result.assert_outcomes(errors=1, passed=1)
    result.stdout.fnmatch_lines(["environment ADYEN_API_VERSION: 'v9' is wrong; write one of v3, v1"])
    assert "Traceback" not in result.stdout.str()
    assert "raise " not in result.stdout.str()


def test_the_ini_file_may_ask_for_the_bundled_suite(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nadyen_contracts_run = true\n")
    pytester.makepyfile(USING)
    result = run(pytester, "--collect-only", "-q")
    result.stdout.fnmatch_lines(["*::test_it", "adyen-contracts::test_operation*"])
