"""Tests of every kind are rehearsed, those that cannot be run twice are named, and those that never end are ended."""

from __future__ import annotations

import json

import pytest
from rehearsal_runs import verdicts_of, words_of

KINDS = """
import unittest
import httpx, pytest
from hypothesis import HealthCheck, given, settings, strategies
from their_client import KNOWN, me, strict

URL = "https://management-test.adyen.com/v3/me"

@pytest.mark.parametrize("number", [1, 2])
def test_parameter(adyen_credential, number):
    assert strict(adyen_credential)

@pytest.fixture(params=["a", "b"])
def asked(request, adyen_credential):
    return strict(adyen_credential)

def test_parameter_of_a_fixture(asked): ...

@pytest.mark.usefixtures("adyen_traffic")
class TestCase(unittest.TestCase):
    def setUp(self):
        self.asked = 0

    def tearDown(self):
        assert self.asked == 1

    def test_it(self):
        self.asked += 1
        assert len(httpx.get(URL).json()) == 4

@pytest.fixture
def anyio_backend():
    return "asyncio"

@pytest.mark.anyio
async def test_anyio(adyen_credential):
    async with httpx.AsyncClient(headers={"x-api-key": adyen_credential.api_key.reveal()}) as client:
        assert set((await client.get(URL)).json()) <= KNOWN

@pytest.mark.asyncio
async def test_asyncio(adyen_credential):
    async with httpx.AsyncClient(headers={"x-api-key": adyen_credential.api_key.reveal()}) as client:
        assert set((await client.get(URL)).json()) <= KNOWN

@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(strategies.integers())
def test_property(adyen_credential, number):
    assert strict(adyen_credential)

@pytest.mark.skipif(not hasattr(pytest, "Subtests"), reason="pytest has them since 9")
def test_subtests(adyen_credential, request):
    subtests = request.getfixturevalue("subtests")
    found = me(adyen_credential)
    with subtests.test("known"):
        assert set(found) <= KNOWN
    with subtests.test("there"):
        assert found

@pytest.fixture(autouse=True)
def traffic(request):
    if request.node.name == "test_kinds.documented":
        request.getfixturevalue("adyen_traffic")

def documented():
    '''
    >>> httpx.get(URL).status_code
    401
    '''
"""


def test_every_kind_of_test(theirs: pytest.Pytester) -> None:
    theirs.makepyfile(test_kinds=KINDS)
    options = (
        "--adyen-rehearse=history",
        "--adyen-report=report.json",
        "--doctest-modules",
        "-o",
        "adyen_rehearse_max=9",
        "-panyio",
        "-pasyncio",
        "-o",
        "asyncio_default_fixture_loop_scope=function",
    )
    result = theirs.runpytest_inprocess(*options, "test_kinds.py", "-rf")
    has_subtests = hasattr(pytest, "Subtests")
    counts = {"passed": 10} if has_subtests else {"passed": 9, "skipped": 1}
    result.assert_outcomes(**counts)
    assert words_of(theirs.path) == {
        **{f"test_parameter[{number}]": {"broke"} for number in (1, 2)},
        **{f"test_parameter_of_a_fixture[{name}]": {"broke"} for name in "ab"},
        "test_anyio": {"broke"},
        "test_asyncio": {"broke"},
        "test_property": {"broke"},
        **({"test_subtests": {"broke"}} if has_subtests else {}),
    }, "unittest's is answered with a 401, which has no history"
    [each] = {each["error"] for each in verdicts_of(theirs.path) if "test_property" in each["test"] and each["error"]}
    assert each == "ValueError: unknown: 1", "and nothing of an example that was made smaller"


TWICE = """
import functools
import pytest
from their_client import me, strict

SEEN = []

def test_fails_the_second_time(adyen_credential):
    assert strict(adyen_credential)
    SEEN.append("once")
    assert SEEN.count("once") == 1

def test_skips_the_second_time(adyen_client):
    adyen_client.get("/me")
    SEEN.append("skip")
    if SEEN.count("skip") > 1:
        pytest.skip("once is enough")

@functools.cache
def cached():
    return strict(SEEN[-1])

def test_asks_nothing_the_second_time(adyen_credential):
    SEEN.append(adyen_credential)
    assert cached()

@pytest.fixture(scope="module")
def found():
    return {}

def test_has_it_of_a_fixture(adyen_credential, found):
    found["me"] = found.get("me") or strict(adyen_credential)

def test_asks_something_else(adyen_client):
    SEEN.append("else")
    assert adyen_client.get("/me" if SEEN.count("else") == 1 else "/me/allowedOrigins").json()

def test_sets_a_fault(adyen_client, adyen_sandbox):
    adyen_sandbox.fail("GET /me", status=500) if hasattr(adyen_sandbox, "fail") else None
    assert adyen_client.get("/me")
"""


def test_that_cannot_be_run_twice(theirs: pytest.Pytester) -> None:
    theirs.makepyfile(test_twice=TWICE)
    result = theirs.runpytest_inprocess("--adyen-rehearse=history", "--adyen-report=report.json")
    result.assert_outcomes(passed=6)
    assert not any(words_of(theirs.path).values()), "nothing that is wrong"
    said = " ".join(result.stdout.str().split())
    for test, problem in [
        ("test_fails_the_second_time", "it cannot be run twice: with nothing otherwise it fails when it runs again"),
        ("test_asks_nothing_the_second_time", "it cannot be run twice: it asks nothing the second time"),
        ("test_has_it_of_a_fixture", "it cannot be run twice: it asks nothing the second time"),
        ("test_asks_something_else", "2 variations did not happen when it ran again"),
        ("test_skips_the_second_time", "2 variations without a verdict: the test skips itself"),
    ]:
        assert f"test_twice.py::{test} {problem}" in said, test


ENDLESS = """
import pytest

def asked(client):
    try:
        return client.get("/me").json()["id"]
    except BaseException:
        return None

def test_polls(adyen_client):
    while "id" not in adyen_client.get("/me").json():
        pass

def test_catches_exceptions(adyen_client):
    while True:
        try:
            assert adyen_client.get("/me").json()["id"]
            break
        except Exception:
            pass

def test_catches_everything(adyen_client):
    while True:
        try:
            assert adyen_client.get("/me").json()["id"]
            break
        except:
            continue

def test_catches_everything_twice(adyen_client):
    while True:
        try:
            found = asked(adyen_client)
            if found:
                break
        except BaseException:
            continue
"""


def test_that_never_ends_is_ended(theirs: pytest.Pytester) -> None:
    theirs.makepyfile(test_endless=ENDLESS)
    options = ("--adyen-rehearse=removals", "--adyen-report=report.json", "-o", "adyen_rehearse_max=6")
    result = theirs.runpytest_inprocess(*options)
    result.assert_outcomes(passed=4)
    broken = [each for each in verdicts_of(theirs.path) if each["verdict"] == "broke"]
    assert {each["test"].partition("::")[2] for each in broken} == {
        "test_polls",
        "test_catches_exceptions",
        "test_catches_everything",
        "test_catches_everything_twice",
    }
    assert {each["change"] for each in broken} <= {"html", "error-with-200"}
    for each in broken:
        assert each["error"].startswith("Failed: it never stops asking"), each
        assert each["where"].startswith("test_endless.py:"), each
    assert json.loads((theirs.path / "report.json").read_text())
