"""A run says who answered its tests, and nothing where no test uses the plugin."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_adyen_creds.endpoints import MANAGEMENT_HOST
from pytest_adyen_creds.reports.terminal import backend_lines
from pytest_adyen_creds.settings import Settings
from pytest_adyen_creds.state import results_for

TESTS = """
def test_one(adyen_credential): pass
def test_two(adyen_credential): pass
def test_three(): pass
"""


def lines(pytester: pytest.Pytester, *arguments: str) -> list[str]:
    result = pytester.runpytest_inprocess("-p", "no:randomly", *arguments)
    assert result.ret == pytest.ExitCode.OK
    return [line for line in result.outlines if line.startswith("adyen: ")]


@pytest.fixture
def shop(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makepyfile(test_shop=TESTS)
    return pytester


def test_says_who_answered(shop: pytest.Pytester) -> None:
    assert lines(shop) == ["adyen: 2 tests answered by the sandbox"]
    recorded = lines(shop, "-k", "one", "--adyen-record=all")
    assert recorded[1:] == ["adyen: 1 test answered by the sandbox", "adyen: 1 cassette written"]
    assert lines(shop) == ["adyen: 1 test replayed, 1 answered by the sandbox"]


@pytest.mark.slow("several runs of pytest")
def test_says_what_was_recorded(shop: pytest.Pytester) -> None:
    shop.makepyfile(test_bad="def test_it(adyen_credential): assert not adyen_credential")
    options = ("-p", "no:randomly", "--adyen-record=missing")
    first = shop.runpytest_inprocess(*options)
    first.stdout.fnmatch_lines(["adyen: 2 cassettes written; 1 test failed, and left its as it was"])
    again = shop.runpytest_inprocess(*options, "-n", "2")
    again.stdout.fnmatch_lines(["adyen: 0 cassettes written; 1 test failed, and left its as it was"])


@pytest.mark.slow("workers")
def test_counts_over_workers(shop: pytest.Pytester) -> None:
    assert lines(shop, "-n", "2") == ["adyen: 2 tests answered by the sandbox"]


def test_says_nothing_to_who_did_not_ask(shop: pytest.Pytester) -> None:
    assert lines(shop, "-q") == []
    assert lines(shop, "-k", "three") == []


def test_says_that_a_base_url_is_for_live_runs(shop: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADYEN_BASE_URL", "http://127.0.0.1:8080/v3")
    assert lines(shop) == [
        "adyen: 2 tests answered by the sandbox",
        "adyen: nothing was sent to http://127.0.0.1:8080/v3, the base URL; that takes --adyen-live",
    ]
    assert lines(shop, "-k", "three") == []


@pytest.mark.parametrize(("host", "said"), [(f"https://{MANAGEMENT_HOST}", 2), ("http://127.0.0.1:8080", 0)])
def test_adyens_answers_are_compared_and_no_others(host: str, said: int) -> None:
    results = results_for(Settings(backend="live", base_url=f"{host}/v3"), Path())
    results.compared.update(answers=3, otherwise=1, uncompared=1)
    assert len(list(backend_lines(results))) == said
