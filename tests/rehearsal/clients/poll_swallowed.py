"""A client that asks again and again in any case, and takes each error for nothing new."""

import httpx

LABELS = """
silent   must-notice
silent   must-handle                                # the next turn of the loop is no answer to an error
"""


def origins(key):
    try:
        answer = httpx.get("https://management-test.adyen.com/v3/me/allowedOrigins", headers={"X-API-Key": key})
        return answer.raise_for_status().json()["data"]
    except Exception:  # noqa: BLE001 - the weakness
        return []


def test_it_has_none(adyen_credential):
    for _ in range(3):
        assert "https://evil.example.com" not in str(origins(adyen_credential.api_key.reveal()))
