"""A wrong key in replay: it has none of the answers that the credential has which the test was lent."""

from __future__ import annotations

import pytest

REPLAY = "--adyen-backend=replay"
RECORD = "--adyen-record=all"

SIGNED_IN = """
import os
import httpx, pytest

URL = "https://management-test.adyen.com/v3/me"
BREAK = {
    "": lambda secret: secret.reveal(),
    "masked": str,
    "cut": lambda secret: secret.reveal()[:-1],
    "unknown": lambda secret: "AQEwrongwrongwrongwrongwrong",
}

def sent(secret):
    return BREAK[os.environ.get("BREAK", "")](secret)

def test_key(adyen_credential):
    assert httpx.get(URL, headers={"X-API-Key": sent(adyen_credential.key())}).status_code == 200

def test_two(adyen_credentials):
    one, two = adyen_credentials.lease(), adyen_credentials.lease()
    for each in (two, one):
        assert httpx.get(URL, headers={"X-API-Key": sent(each.key())}).json()["id"] == each.id

def test_password(adyen_credential):
    auth = adyen_credential.username, sent(adyen_credential.password)
    assert httpx.get(URL, auth=auth).status_code == 200

def test_own_key(adyen_management):
    assert httpx.get(URL, headers={"X-API-Key": "AQEmyownkeymyownkeymyownkey"}).status_code == 401
    assert adyen_management.me.get()["active"]
"""


def test_a_wrong_key_misses_and_the_miss_says_so(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    pytester.makepyfile(SIGNED_IN)
    pytester.runpytest_inprocess(RECORD).assert_outcomes(passed=4)
    pytester.runpytest_inprocess(REPLAY).assert_outcomes(passed=4)
    for how, hint in (("masked", "; its secret is masked: send what .reveal() returns"), ("cut", ""), ("unknown", "")):
        monkeypatch.setenv("BREAK", how)
        result = pytester.runpytest_inprocess(REPLAY, "--tb=short")
        assert result.parseoutcomes()["failed"] == 3, how
        assert result.parseoutcomes()["passed"] == 1, how
        said = "it is signed in with another credential than one that this test was lent" + hint
        lines = [line.strip() for line in result.outlines]
        assert f"differs: key: {said}" in lines
        assert f"differs: username or password: {said}" in lines
        assert "AQEwrongwrong" not in result.stdout.str()
