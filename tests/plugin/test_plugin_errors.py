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
    assert "\n'readonly' is no preset; " in out
    assert "\ntest_shop.py:2: in test_it\n" in out
    assert "ERROR " not in out
    # pytest 8 leaves the reason of such a failure out
    reason = " - 'readonly' is no preset" if pytest.version_tuple >= (9,) else ""
    assert f"FAILED test_shop.py::test_it{reason}" in out
    assert "Traceback" not in out
    assert "raise " not in out


def test_names_the_line_of_the_conftest(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.mkdir("shop").joinpath("test_shop.py").write_text("def test_it(mine): pass")
    out = run(pytester, "shop")
    assert "\n'readonly' is no preset; " in out
    assert "\nconftest.py:5: in mine\n" in out


def test_names_the_line_at_the_top_of_a_file(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_shop="from pytest_adyen_creds import load_contract\nload_contract('v9')")
    result = pytester.runpytest_inprocess("-p", "no:randomly")
    result.stdout.fnmatch_lines(["*v9*", "test_shop.py:2: in <module>"])
    assert "Traceback" not in result.stdout.str()


def test_names_no_line_where_none_of_the_users_led_to_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_shop=MARKED)
    assert "\n@pytest.mark.adyen_credential: 'readonly' is no preset; " in run(pytester)


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

        @pytest.fixture(scope="module")
        def watched(adyen_sandbox): pass

        def test_it(shop): pass
        def test_late(late): pass
        def test_watched(watched): pass
        """
    )
    out = run(pytester)
    assert (
        "\nadyen_sandbox lasts for one test: let the fixture that asks for it have the scope 'function', too\n" in out
    )
    assert "\nadyen_credential lasts for one test: let the fixture that asks for it have the scope 'function'" in out
    assert "\nadyen_client lasts for one test: " in out


@pytest.mark.parametrize("scope", ["function", "module"])
def test_says_what_scope_a_replaced_fixture_needs(pytester: pytest.Pytester, scope: str) -> None:
    pytester.makepyfile(
        test_shop=f"""
        import pytest

        @pytest.fixture(scope="{scope}")
        def adyen_sandbox_config(): return {{}}

        def test_it(adyen_credential): pass
        """
    )
    out = run(pytester)
    assert '\nadyen_sandbox_config lasts for the whole run: give the fixture that replaces it scope="session"\n' in out
    assert "lasts for one test" not in out
