"""Each exception is swallowed, and the test takes nothing for an answer."""

import httpx

LABELS = """
silent   must-notice
silent   must-handle
"""


def roles(key):
    try:
        answer = httpx.get("https://management-test.adyen.com/v3/me", headers={"X-API-Key": key})
        return answer.raise_for_status().json()["roles"]
    except Exception:  # noqa: BLE001 - the weakness
        return None


def test_it_may_not_pay_out(adyen_credential):
    assert "Merchant Payout role" not in (roles(adyen_credential.api_key.reveal()) or [])
