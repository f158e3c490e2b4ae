"""A mistake of the user's is one line that names the user's own line, and a traceback for who asks for one."""

from __future__ import annotations

import pytest

TEST = """
def test_it(adyen_credentials):
    adyen_credentials.lease(
        preset="readonly"
    )
"""

CONFTEST = """
import pytest

@pytest.fixture
def mine(adyen_credentials):
    return adyen_credentials.lease(preset="readonly")
"""

MARKED = """
import pytest

@pytest.mark.adyen_credential(preset="readonly")
def test_it(adyen_credential): pass
"""


def run(pytester: pytest.Pytester, *arguments: str) -> str:
    result = pytester.runpytest_inprocess("-p", "no:randomly", *arguments)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    return result.stdout.str()


def test_names_the_line_of_the_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_shop=TEST)
    out = run(pytester)
    assert "\ntest_shop.py:2: 'readonly' is no preset; " in out
    assert "Traceback" not in out
    assert "raise " not in out


def test_names_the_line_of_the_conftest(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.mkdir("shop").joinpath("test_shop.py").write_text("def test_it(mine): pass")
    assert "\nconftest.py:5: 'readonly' is no preset; " in run(pytester, "shop")


def test_names_the_line_at_the_top_of_a_file(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_shop="from pytest_adyen_creds import load_contract\nload_contract('v9')")
    result = pytester.runpytest_inprocess("-p", "no:randomly")
    result.stdout.fnmatch_lines(["test_shop.py:2: *"])
    assert "Traceback" not in result.stdout.str()


def test_names_no_line_where_none_of_the_users_led_to_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_shop=MARKED)
    assert "\ntest_shop.py::test_it: @pytest.mark.adyen_credential: 'readonly' is no preset; " in run(pytester)


@pytest.mark.parametrize("argument", ["--full-trace", "--tb=long"])
def test_shows_all_to_who_asks_for_it(pytester: pytest.Pytester, argument: str) -> None:
    pytester.makepyfile(test_shop=TEST)
    out = run(pytester, argument)
    assert ">       adyen_credentials.lease(" in out
    assert "CredentialError: 'readonly' is no preset; " in out


def test_says_what_to_do_where_a_fixture_outlives_a_lease(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_shop="""
        import pytest

        @pytest.fixture(scope="session")
        def shop(adyen_credential): return adyen_credential

        @pytest.fixture(scope="module")
        def late(request): return request.getfixturevalue("adyen_client")

        def test_it(shop): pass
        def test_late(late): pass
        """
    )
    out = run(pytester)
    assert "\nadyen_credential lasts for one test: let the fixture that asks for it have the scope 'function'" in out
    assert "\nadyen_client lasts for one test: " in out
