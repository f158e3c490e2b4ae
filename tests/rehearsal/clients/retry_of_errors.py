"""A GET is sent again after an error of the server, a reset and a time-out."""

import httpx

LABELS = """
survived  request 1 server-error
survived  request 1 connection-reset
survived  request 1 timed-out
silent    must-notice
noticed   html
noticed   truncated
noticed   GET /me/allowedOrigins 200 type-changed
noticed   GET /me/allowedOrigins 200 became-null
noticed   *@/data
"""


def origins(key, tries=3):
    try:
        answer = httpx.get("https://management-test.adyen.com/v3/me/allowedOrigins", headers={"X-API-Key": key})
        if answer.status_code >= 500:
            raise httpx.HTTPError("the server has an error")
    except httpx.HTTPError:
        if tries == 1:
            raise
        return origins(key, tries - 1)
    return answer.raise_for_status().json().get("data", [])


def test_it_has_none(adyen_credential):
    assert origins(adyen_credential.api_key.reveal()) == []
