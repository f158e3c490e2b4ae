"""Idempotency keys: replay, echo, conflict."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from pytest_adyen_creds.sandbox.roles import API_CREDENTIALS_ROLE
from pytest_adyen_creds.sandbox.routing import served

COMPANY = "/companies/TestCompany/apiCredentials"
CREATE = "POST /companies/{companyId}/apiCredentials"
KEY = {"Idempotency-Key": "0c4c3f6e-3c4c-4a6e-9d5b-0d3a3f1f7a52"}


def total(admin) -> int:
    return admin.get(COMPANY).json()["itemsTotal"]


@pytest.mark.parametrize("label", [label for label in served() if label.startswith("POST")])
def test_a_repeated_post_is_carried_out_once(admin, label):
    homes = {"companyId": "TestCompany", "merchantId": "TestMerchant"}
    home = "/merchants/TestMerchant/apiCredentials" if "merchantId" in label else COMPANY
    path = label.partition(" ")[2].format(**homes, apiCredentialId=admin.post(home).json()["id"])
    body = {"domain": "https://a.example"} if "Origin" in label else {}
    first = admin.post(path, json=body, headers=KEY)
    second = admin.post(path, json=body, headers=KEY)
    assert first.status_code == second.status_code == 200
    assert first.json() == second.json()
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"] == KEY["Idempotency-Key"]
    # without the key it is another request
    assert "Origin" in label or admin.post(path, json=body).json() != first.json()


def test_a_key_of_another_request_is_taken(admin):
    admin.post(COMPANY, json={"description": "one"}, headers=KEY)
    refused = admin.post(COMPANY, json={"description": "two"}, headers=KEY)
    assert refused.status_code == 422
    assert refused.json()["errorCode"] == "704"
    assert "transient-error" not in refused.headers
    assert admin.post("/me/generateClientKey", headers=KEY).json()["errorCode"] == "704"
    assert total(admin) == 2


def test_a_key_is_the_companys(admin, sign_in):
    created = admin.post(COMPANY, json={"roles": [API_CREDENTIALS_ROLE]}).json()
    other = sign_in(created["apiKey"])
    first = admin.post(COMPANY, headers=KEY).json()
    assert other.post(COMPANY, headers=KEY).json() == first
    # as Adyen warns: fewer roles do not keep a user from answers to keys that it knows
    admin.patch(f"{COMPANY}/{created['id']}", json={"roles": ["Checkout webservice role"]})
    assert other.post(COMPANY, headers=KEY).json() == first
    assert other.post(COMPANY, headers={"Idempotency-Key": "another"}).status_code == 403
    assert admin.post(COMPANY, headers={"Idempotency-Key": "another"}).status_code == 200


def test_a_refused_request_is_answered_the_same_again(admin):
    first = admin.post(COMPANY, json={"roles": []}, headers=KEY)
    second = admin.post(COMPANY, json={"roles": []}, headers=KEY)
    assert first.status_code == 422
    assert first.json() == second.json()


def test_a_transient_error_leaves_the_key_free(sandbox, admin):
    sandbox.faults.status(503, CREATE)
    failed = admin.post(COMPANY, headers=KEY)
    assert (failed.status_code, failed.headers["transient-error"]) == (503, "true")
    assert admin.post(COMPANY, headers=KEY).status_code == 200
    assert total(admin) == 2


def test_a_lost_answer_is_found_again(sandbox, admin):
    import httpx

    sandbox.faults.lose_answer(CREATE)
    with pytest.raises(httpx.ReadError):
        admin.post(COMPANY, headers=KEY)
    found = admin.post(COMPANY, headers=KEY).json()
    assert total(admin) == 2
    assert found["apiKey"].startswith("AQE")


def test_a_repetition_in_progress_is_refused(sandbox, admin):
    # the fault's wait is cut short by the test, not by time
    begun, release = threading.Event(), threading.Event()
    waiting = sandbox.app.sleep
    sandbox.app.sleep = lambda seconds: (begun.set(), release.wait(30)) if seconds else waiting(seconds)
    sandbox.faults.delay(1, CREATE)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(admin.post, COMPANY, headers=KEY)
        assert begun.wait(30)
        refused = admin.post(COMPANY, headers=KEY)
        release.set()
        assert first.result(30).status_code == 200
    assert (refused.status_code, refused.json()["errorCode"]) == (422, "704")
    assert refused.headers["transient-error"] == "true"
    assert admin.post(COMPANY, headers=KEY).json() == first.result().json()
    assert total(admin) == 2


@pytest.mark.parametrize("key", ["", "x" * 65])
def test_a_key_has_1_to_64_characters(admin, key):
    assert admin.post(COMPANY, headers={"Idempotency-Key": key}).status_code == 422
    assert admin.post(COMPANY, headers={"Idempotency-Key": "x" * 64}).status_code == 200


def test_a_key_is_ignored_on_other_methods(admin):
    id = admin.post(COMPANY).json()["id"]
    for description in ("one", "two"):
        changed = admin.patch(f"{COMPANY}/{id}", json={"description": description}, headers=KEY)
        assert changed.json()["description"] == description
        assert "Idempotency-Key" not in changed.headers


def test_a_key_is_forgotten_after_31_days(sandbox, admin):
    first = admin.post(COMPANY, headers=KEY).json()
    sandbox.clock.advance(hours=24 * 31 - 1)
    assert admin.post(COMPANY, headers=KEY).json() == first
    sandbox.clock.advance(hours=1)
    assert admin.post(COMPANY, headers=KEY).json() != first


def test_no_key_gets_past_the_callers_rights(admin, sign_in):
    admin.post(COMPANY, headers=KEY)
    assert sign_in("AQEwrong").post(COMPANY, headers=KEY).status_code == 401
