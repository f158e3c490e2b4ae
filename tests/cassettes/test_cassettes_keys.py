"""A wrong key in replay: it has none of the answers that the credential has which the test was lent."""

from __future__ import annotations

import pytest
import yaml  # noqa: F401 - what a run inside this process imports late is taken away after it, and would come back anew

pytestmark = pytest.mark.usefixtures("own_secrets")

REPLAY = "--adyen-backend=replay"
RECORD = "--adyen-record=all"

SIGNED_IN = """
import os
import httpx, pytest

URL = "https://management-test.adyen.com/v3/me"
BREAK = {
    "masked": str,
    "cut": lambda secret: secret.reveal()[:-1],
    "unknown": lambda secret: "AQEwrongwrongwrongwrongwrong",
}

@pytest.fixture(params=BREAK)
def sent(request):
    return BREAK[request.param] if "BROKEN" in os.environ else lambda secret: secret.reveal()

def test_key(adyen_credential, sent):
    assert httpx.get(URL, headers={"X-API-Key": sent(adyen_credential.key())}).status_code == 200

def test_two(adyen_credentials, sent):
    one, two = adyen_credentials.lease(), adyen_credentials.lease()
    for each in (two, one):
        assert httpx.get(URL, headers={"X-API-Key": sent(each.key())}).json()["id"] == each.id

def test_password(adyen_credential, sent):
    auth = adyen_credential.username, sent(adyen_credential.password)
    assert httpx.get(URL, auth=auth).status_code == 200

def test_own_key(adyen_management):
    assert httpx.get(URL, headers={"X-API-Key": "AQEmyownkeymyownkeymyownkey"}).status_code == 401
    assert adyen_management.me.get()["active"]
"""


def test_a_wrong_key_misses_and_the_miss_says_so(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    pytester.makepyfile(SIGNED_IN)
    pytester.runpytest_inprocess(RECORD).assert_outcomes(passed=10)
    monkeypatch.setenv("BROKEN", "1")
    result = pytester.runpytest_inprocess(REPLAY, "--tb=native")
    outcomes = result.parseoutcomes()
    assert (outcomes["passed"], outcomes["failed"]) == (1, 9)
    said = "it is signed in with another credential than one that this test was lent"
    for line in (f"differs: key: {said}", f"differs: username or password: {said}"):
        assert line in result.stdout.str()
        assert f"{line}; its secret is masked: send what .reveal() returns" in result.stdout.str()
    assert "AQEwrongwrong" not in result.stdout.str()
