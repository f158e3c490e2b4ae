"""A mark that changes nothing is a warning that says what to write."""

from __future__ import annotations

import pytest

TESTS = """
import pytest

@pytest.mark.adyen_credentials(preset="read-only")
def test_misspelt(adyen_credential): pass

@pytest.mark.adyen_credential(preset="read-only")
def test_without(): pass

@pytest.mark.adyen_credential(preset="read-only")
def test_right(adyen_client): pass

@pytest.mark.adyen_credential(preset="read-only")
def test_later(request): request.getfixturevalue("adyen_credential")

@pytest.mark.adyen_credential(preset="read-only")
class TestClass:
    def test_with(self, adyen_credential): pass
    def test_without(self): pass

@pytest.mark.adyen_slow
def test_of_their_own(): pass
"""


@pytest.fixture
def shop(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeini("[pytest]\nmarkers =\n    adyen_slow: their own\n    adyen_credentials: misspelt\n")
    pytester.makepyfile(test_shop=TESTS)
    return pytester


def test_warns_of_what_changes_nothing(shop: pytest.Pytester) -> None:
    result = shop.runpytest_inprocess("-p", "no:randomly", "--collect-only")
    said = [line.strip() for line in result.outlines if "AdyenMarkerWarning" in line]
    assert len(said) == 2
    assert "test_misspelt: @pytest.mark.adyen_credentials is not" in said[0]
    assert "write @pytest.mark.adyen_credential" in said[0]
    assert "test_shop.py::test_without: @pytest.mark.adyen_credential changes nothing" in said[1]
    assert "give it the fixture adyen_credential" in said[1]
    result.stdout.fnmatch_lines(["*test_shop.py:3*"])


@pytest.mark.slow("workers")
@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_fails_each_where_warnings_are_errors_and_no_other(shop: pytest.Pytester, workers: tuple[str, ...]) -> None:
    run = shop.runpytest_subprocess if workers else shop.runpytest_inprocess
    result = run("-p", "no:asyncio", "-W", "error::pytest_adyen_creds.errors.AdyenMarkerWarning", *workers)
    result.assert_outcomes(passed=5, errors=2)
    said = [line for line in result.outlines if "@pytest.mark.adyen_credential" in line and "ERROR" not in line]
    assert len(said) == 2
    assert any(line.startswith("@pytest.mark.adyen_credentials is not the mark of a credential") for line in said)
    assert any(line.startswith("@pytest.mark.adyen_credential changes nothing") for line in said)
    assert "INTERNALERROR" not in result.stdout.str()


def test_says_nothing_of_tests_that_are_deselected(shop: pytest.Pytester) -> None:
    result = shop.runpytest_inprocess("-p", "no:asyncio", "-k", "test_right")
    result.assert_outcomes(passed=1, deselected=6)
    assert "AdyenMarkerWarning" not in result.stdout.str()


def test_help_says_how_to_choose_a_merchant_account(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess("--markers")
    result.stdout.fnmatch_lines(["@pytest.mark.adyen_credential(*): *'merchant', merchants=[[]X] chooses the account."])
