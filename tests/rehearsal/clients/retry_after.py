"""Too many requests are waited for where the answer says how long; without that, it is an error."""

import time

import httpx

LABELS = """
survived  request 1 rate-limited-retry-after
silent    must-notice
noticed   html
noticed   truncated
noticed   GET /me/allowedOrigins 200 type-changed
noticed   GET /me/allowedOrigins 200 became-null
noticed   *@/data
"""


def origins(key):
    for _ in range(3):
        answer = httpx.get("https://management-test.adyen.com/v3/me/allowedOrigins", headers={"X-API-Key": key})
        if answer.status_code != 429 or "retry-after" not in answer.headers:
            return answer.raise_for_status().json().get("data", [])
        time.sleep(int(answer.headers["retry-after"]))
    raise RuntimeError("too many requests, again and again")


def test_it_has_none(adyen_credential, monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    assert origins(adyen_credential.api_key.reveal()) == []
