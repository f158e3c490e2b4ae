"""Driving the sandbox over HTTP, under /_sandbox/."""

from __future__ import annotations

import httpx
import pytest

from pytest_adyen_creds.sandbox import Clock, Sandbox

COMPANY = "/v3/companies/TestCompany/apiCredentials"
AREA = "/_sandbox/customer-area"


@pytest.fixture
def sandbox():
    return Sandbox(clock=Clock(flowing=False))


@pytest.fixture
def http(sandbox):
    headers = {"X-API-Key": sandbox.provisioning.api_key.reveal()}
    with sandbox.serve() as server, httpx.Client(base_url=server.url, headers=headers) as client:
        yield client


def status(http: httpx.Client, api_key: str) -> int:
    return http.get("/v3/me", headers={"X-API-Key": api_key}).status_code


def test_it_says_what_there_is(http):
    index = http.get("/_sandbox/").json()
    assert "none of this is Adyen's" in index["about"]
    assert "POST /_sandbox/clock/advance" in index["paths"]
    assert len(http.get("/_sandbox/behaviours").json()) >= 40
    assert http.get("/_sandbox").status_code == 200


def test_rotation_can_be_driven_over_http(http):
    created = http.post(COMPANY, json={"roles": ["Management API - API credentials read and write"]}).json()
    one = f"{AREA}/credentials/{created['id']}"
    http.post(f"{COMPANY}/{created['id']}/generateApiKey")
    http.post("/_sandbox/clock/advance", json={"hours": 20})
    assert http.post(f"{one}/previous-key/reset").status_code == 204
    assert len(http.get(one).json()["expiringApiKeys"]) == 1
    http.post("/_sandbox/clock/advance", json={"hours": 23, "minutes": 59})
    assert status(http, created["apiKey"]) == 200
    assert http.post(f"{one}/previous-key/expire").status_code == 204
    assert status(http, created["apiKey"]) == 401
    refused = http.post(f"{one}/previous-key/expire")
    assert (refused.status_code, "no previous API key" in refused.json()["error"]) == (400, True)


def test_passwords_keys_addresses_and_activity_can_be_set_over_http(http):
    created = http.post(COMPANY, json={"roles": ["Management API - API credentials read and write"]}).json()
    one = f"{AREA}/credentials/{created['username']}"
    password = http.post(f"{one}/password").json()["password"]
    bare = {"headers": {"X-API-Key": created["apiKey"]}}
    assert http.get("/v3/me", auth=(created["username"], created["password"]), **bare).status_code == 401
    assert http.get("/v3/me", auth=(created["username"], password), **bare).status_code == 200
    assert status(http, http.post(f"{one}/api-key").json()["apiKey"]) == 200
    http.put(f"{one}/allowed-ip-addresses", json={"allowedIpAddresses": ["192.0.2.1"]})
    assert status(http, created["apiKey"]) == 403
    http.put(f"{one}/allowed-ip-addresses", json={"allowedIpAddresses": []})
    http.put(f"{one}/active", json={"active": False})
    assert status(http, created["apiKey"]) == 401
    http.put(f"{one}/active", json={"active": True})
    assert status(http, created["apiKey"]) == 200


def test_users_of_the_other_kinds_can_be_made_over_http(http):
    platform = http.post(f"{AREA}/balance-platform-users", json={"platform": "MyPlatform", "roles": ["R"]}).json()
    entity = http.post(f"{AREA}/legal-entity-users").json()
    assert platform["username"].endswith("@BalancePlatform.MyPlatform")
    assert entity["username"].endswith("@Scope.Company_TestCompany")
    assert status(http, platform["apiKey"]) == 403
    shown = http.get(f"{AREA}/credentials/{platform['id']}").json()
    assert (shown["kind"], shown["roles"]) == ("balancePlatform", ["R"])
    assert "Configuration API" in shown["reaches"]
    listed = http.get(f"{AREA}/credentials")
    assert [item["kind"] for item in listed.json()] == ["company", "balancePlatform", "legalEntityManagement"]
    for secret in ("apiKey", "password", "clientKey"):
        assert platform[secret] not in listed.text


def test_a_client_key_can_be_tried_over_http(http):
    created = http.post(COMPANY, json={"allowedOrigins": ["https://shop.example"]}).json()

    def accepted(**details: str) -> bool:
        return http.post("/_sandbox/customer-area/client-key-check", json=details).json()["accepted"]

    assert accepted(clientKey=created["clientKey"])
    assert accepted(clientKey=created["clientKey"], origin="https://shop.example")
    assert not accepted(clientKey=created["clientKey"], origin="https://other.example")


def test_faults_and_clock_can_be_driven_over_http(http):
    before = http.get("/_sandbox/clock").json()["now"]
    assert http.post("/_sandbox/clock/advance", json={"seconds": 1.5}).json()["now"] > before
    made = http.post("/_sandbox/faults", json={"kind": "status", "status": 503, "operation": "GET /me", "times": 2})
    assert made.json()["struck"] == 0
    assert [http.get("/v3/me").status_code for _ in range(3)] == [503, 503, 200]


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("GET", "/_sandbox/nothing", None, 404),
        ("GET", "/_sandbox/clock/", None, 200),
        ("POST", "/_sandbox/clock", {}, 405),
        ("POST", "/_sandbox/clock/advance", {"hours": -1}, 400),
        ("POST", "/_sandbox/clock/advance", {"hours": "1"}, 400),
        ("POST", "/_sandbox/clock/advance", {"hours": True}, 400),
        ("POST", "/_sandbox/clock/advance", {"hours": 1e300}, 400),
        ("POST", "/_sandbox/clock/advance", {"hours": 10**400}, 400),
        ("POST", "/_sandbox/clock/advance", {"days": 1}, 400),
        ("POST", "/_sandbox/clock/advance", [], 400),
        ("POST", "/_sandbox/faults", {}, 400),
        ("POST", "/_sandbox/faults", {"kind": []}, 400),
        ("POST", "/_sandbox/faults", {"kind": "status"}, 400),
        ("POST", "/_sandbox/faults", {"kind": "status", "status": 1}, 400),
        ("POST", "/_sandbox/faults", {"kind": "status", "status": "503"}, 400),
        ("POST", "/_sandbox/faults", {"kind": "reset", "status": 503}, 400),
        ("POST", "/_sandbox/faults", {"kind": "reset", "times": 1.5}, 400),
        ("POST", "/_sandbox/faults", {"kind": "reset", "operation": "GET /you"}, 400),
        ("POST", "/_sandbox/faults", {"kind": "reset", "self": "x"}, 400),
        ("POST", f"{AREA}/balance-platform-users", {"platform": 1}, 400),
        ("POST", f"{AREA}/balance-platform-users", {"roles": "R"}, 400),
        ("POST", f"{AREA}/legal-entity-users", {"platform": "P"}, 400),
        ("GET", f"{AREA}/credentials/nobody", None, 400),
        ("POST", f"{AREA}/credentials/nobody/password", None, 400),
        ("PUT", f"{AREA}/credentials/nobody/active", {"active": "yes"}, 400),
        ("PUT", f"{AREA}/credentials/nobody/allowed-ip-addresses", {"allowedIpAddresses": "x"}, 400),
        ("POST", f"{AREA}/client-key-check", {"origin": "x"}, 400),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_sentence(http, method, path, body, expected):
    answer = http.request(method, path, json=body)
    assert answer.status_code == expected, answer.text
    if expected >= 400:
        assert list(answer.json()) == ["error"]


def test_a_body_that_is_not_json_is_refused(http):
    assert http.post("/_sandbox/faults", content=b"{", headers={"Content-Type": "application/json"}).status_code == 400
    # a page in a browser can post text without being asked, and must not set faults
    assert http.post("/_sandbox/faults", content=b'{"kind":"reset"}', headers={"Content-Type": "text/plain"}).is_error
