"""The two styles of answers: as the platform was seen to answer, and by Adyen's document alone."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from pytest_adyen_creds.errors import SandboxError
from pytest_adyen_creds.sandbox import Sandbox
from pytest_adyen_creds.sandbox.roles import CATALOGUE
from pytest_adyen_creds.sandbox.routing import Match, route

COMPANY = "/companies/TestCompany/apiCredentials"
MERCHANT = "/merchants/TestMerchant/apiCredentials"
REQUEST_ID = re.compile(r"([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}_[0-9]-([0-9A-Z]{16})")
CREDENTIAL_ID = re.compile(r"CRED42[A-Z]{3}[0-9]{8}M[0-9A-F]{12}")
ORIGIN_ID = re.compile(r"S2-[0-9A-F]{52,88}")
HEADERS = {"traceparent", "set-cookie", "strict-transport-security", "content-type"}
IDS = {"requestid", "pspreference"}
OF_HTTP = {"content-length", "transfer-encoding", "date"}


def form(value: Any) -> Any:
    """Return the property names and the types of a document, and the forms of its ids."""
    if isinstance(value, dict):
        return {name: id_form(item) if name in ("id", "requestId") else form(item) for name, item in value.items()}
    if isinstance(value, list):
        return sorted({json.dumps(form(item), sort_keys=True) for item in value})
    return type(value).__name__


def id_form(value: str) -> str:
    return next(str(known.pattern) for known in (REQUEST_ID, CREDENTIAL_ID, ORIGIN_ID) if known.fullmatch(value))


def identity(error: dict[str, Any]) -> dict[str, Any]:
    return {name: error.get(name) for name in ("type", "title", "status", "detail", "errorCode", "invalidFields")}


def repeated(exchange: dict[str, Any], admin: Any, sign_in: Any) -> Any:
    """Bring a sandbox to what a recorded exchange began with, send its request, and return the answer."""
    recorded = exchange["response_body"]
    wanted: dict[str, Any] = {"associatedMerchantAccounts": ["TestMerchant"]}
    if exchange["status"] == 200:
        wanted["roles"] = recorded.get("roles", ["Management API - Accounts read", *CATALOGUE[:1]])
        wanted |= {"description": recorded["description"]} if "description" in recorded else {}
        listed = recorded.get("allowedOrigins", recorded.get("data", []))
        wanted["allowedOrigins"] = [origin["domain"] for origin in listed]
    elif exchange["status"] == 422:
        wanted |= {"roles": CATALOGUE[:1], "allowedOrigins": [json.loads(exchange["request_body"])["domain"]]}
    key = admin.post(COMPANY, json=wanted).json()["apiKey"]
    content = exchange["request_body"]
    return sign_in("AQEwrong" if exchange["status"] == 401 else key).request(
        exchange["method"],
        exchange["path"].removeprefix("/v3"),
        content=content,
        headers={"Content-Type": "application/json"} if content else {},
    )


@pytest.mark.parametrize("number", range(8))
def test_each_recorded_exchange_is_answered_alike(published, admin, sign_in, number):
    recording = published / "observed" / "recorded-2025-08.json"
    exchanges = json.loads(recording.read_text())["exchanges"]
    ours = [exchange for exchange in exchanges if isinstance(route(exchange["method"], exchange["path"]), Match)]
    assert len(ours) == 8
    exchange = ours[number]
    answer, recorded = repeated(exchange, admin, sign_in), exchange["response_body"]
    assert answer.status_code == exchange["status"]
    assert form(answer.json()) == form(recorded)
    if exchange["status"] > 200:
        assert identity(answer.json()) == identity(recorded)
    assert answer.json().get("roles") == recorded.get("roles")
    seen = {name.lower(): values for name, values in exchange["response_headers"].items()}
    assert set(answer.headers) - OF_HTTP == set(seen) - OF_HTTP
    assert [answer.headers["content-type"]] == seen["content-type"]
    assert [answer.headers["strict-transport-security"]] == seen["strict-transport-security"]
    assert answer.headers["set-cookie"].partition(";")[2] == seen["set-cookie"][0].partition(";")[2]


def test_the_recorded_500_is_what_a_fault_answers(published, sandbox, admin):
    recording = json.loads((published / "observed" / "recorded-2025-08.json").read_text())
    (recorded,) = [exchange["response_body"] for exchange in recording["exchanges"] if exchange["status"] == 500]
    sandbox.faults.status(500)
    assert admin.get("/me").json() == recorded


def provoked(sandbox, admin, sign_in):
    """One refusal of each sort, with the end of its type, title, code, and which of detail and requestId it has."""
    own = admin.post(COMPANY, json={"allowedOrigins": ["https://a.example"]}).json()
    origins = f"{COMPANY}/{own['id']}/allowedOrigins"
    invalid = "Invalid allowed origin information provided."
    other = "Invalid API credential information provided."
    yield sign_in("AQEwrong").get("/me"), ("unauthorized", "Unauthorized", "00_401", None, False)
    yield sign_in(own["apiKey"]).get("/me"), ("forbidden", "Forbidden", "00_403", "Not allowed", False)
    yield admin.get("/companies/X/apiCredentials"), ("forbidden", "Forbidden", "010", "Not allowed", True)
    yield admin.get("/merchants/X/apiCredentials"), ("forbidden", "Forbidden", "00_403", "Not allowed", False)
    yield admin.post(origins, json={"domain": "https://a.example"}), ("validation", invalid, "31_004", None, True)
    yield admin.post(origins, json={"domain": "a.example"}), ("validation", invalid, "31_004", None, True)
    yield admin.post(origins, json={}), ("validation", invalid, "31_004", None, True)
    yield admin.post(COMPANY, json={"roles": []}), ("validation", other, "31_007", None, True)
    yield admin.get(f"{origins}/none"), ("not-found", "Entity was not found", "30_112", "", True)
    yield admin.get(f"{COMPANY}/none"), ("not-found", "Entity was not found", "30_011", "", True)
    yield admin.get("/none"), ("not-found", "Not Found", "00_404", "", False)
    yield admin.put("/me"), ("method-not-allowed", "Method Not Allowed", "00_405", "", False)
    headers = {"Content-Type": "application/json"}
    yield admin.post(COMPANY, content=b"{", headers=headers), ("bad-request", "Bad Request", "00_400", "", False)
    sandbox.faults.status(429)
    yield admin.get("/me"), ("too-many-requests", "Too Many Requests", "00_429", "", False)
    sandbox.faults.status(500)
    internal = ("internal", "An internal error happened", "00_500", "Unexpected internal error", False)
    yield admin.get("/me"), internal


def test_errors_are_as_the_platform_was_seen_to_write_them(sandbox, admin, sign_in):
    for answer, (end, title, code, detail, has_id) in provoked(sandbox, admin, sign_in):
        error = answer.json()
        assert (error["type"], error["title"]) == (f"https://docs.adyen.com/errors/{end}", title)
        assert (error["errorCode"], error["status"]) == (code, answer.status_code)
        # "": a detail of the sandbox's own wording
        assert error.get("detail") == detail or (detail == "" and error["detail"])
        assert ("requestId" in error) == has_id
        assert answer.headers.keys() - OF_HTTP - {"allow", "transient-error"} == HEADERS | (
            set() if answer.status_code == 401 else IDS
        )
        if has_id:
            assert error["requestId"] == answer.headers["requestid"]


@pytest.mark.parametrize("version", ["v1", "v3"])
def test_an_origin_that_cannot_be_added_says_why_in_the_forms_that_were_seen(sandbox, sign_in, version):
    client, found = sign_in(sandbox.provisioning.api_key, version), []
    for domain in ("https://a.example", "https://a.example", "a.example"):
        found += client.post("/me/allowedOrigins", json={"domain": domain}).json().get("invalidFields", [])
    exists, is_none = [field["InvalidField"] for field in found] if version == "v1" else found
    assert exists == {"name": "domain", "value": "https://a.example", "message": "Origin already exists"}
    assert is_none.keys() == {"name", "message"}
    assert is_none["name"] == "origin"


def test_one_request_id_is_in_both_headers_whether_there_is_a_body_or_not(admin):
    added = admin.post("/me/allowedOrigins", json={"domain": "https://a.example"})
    answers = [added, admin.delete(f"/me/allowedOrigins/{added.json()['id']}"), admin.get("/me"), admin.get("/none")]
    assert answers[1].status_code == 204
    seen = [answer.headers["requestid"] for answer in answers]
    assert seen == [answer.headers["pspreference"] for answer in answers]
    assert len(set(seen)) == len(seen)
    for request_id in seen:
        parts = REQUEST_ID.fullmatch(request_id)
        assert parts is not None
        assert parts[2].startswith(parts[1].upper())


def test_a_repeated_request_is_answered_with_the_first_request_id(admin):
    headers = {"Idempotency-Key": "k"}
    first, again = (admin.post(COMPANY, json={"roles": []}, headers=headers) for _ in range(2))
    assert first.json() == again.json()
    assert again.headers["requestid"] == again.headers["pspreference"] == first.json()["requestId"]


def test_json_writes_slashes_as_the_platform_does(admin):
    content = admin.post("/me/allowedOrigins", json={"domain": "https://a.example"}).content
    assert b'"https:\\/\\/a.example"' in content
    assert b"/" not in content.replace(b"\\/", b"")


def test_me_names_the_merchant_accounts_of_a_limited_credential(admin, sign_in):
    created = admin.post(MERCHANT, json={"roles": ["Management API - Accounts read"]}).json()
    assert sign_in(created["apiKey"]).get("/me").json()["associatedMerchantAccounts"] == ["TestMerchant"]
    assert admin.get("/me").json()["associatedMerchantAccounts"] == []


def test_a_credential_made_by_hand_has_no_client_key_until_one_is_generated(sandbox, admin, sign_in):
    made = sandbox.customer_area.create_company_user(roles=["Management API - API credentials read and write"])
    assert made.client_key is None
    own = sign_in(made.api_key)
    path = f"{COMPANY}/{made.id}"
    assert "clientKey" not in own.get("/me").json()
    assert "clientKey" not in admin.get(path).json()
    assert "clientKey" not in admin.get(COMPANY).json()["data"][-1]
    key = own.post("/me/generateClientKey").json()["clientKey"]
    assert own.get("/me").json()["clientKey"] == key
    user = admin.post("http://sandbox.test/_sandbox/customer-area/company-users", json={"description": "by hand"})
    assert user.json().keys() == {"id", "username", "apiKey", "password"}


@pytest.mark.parametrize("sandbox", ["published"], indirect=True)
def test_published_answers_have_the_forms_of_the_document(sandbox, admin):
    created = admin.post(COMPANY, json={"allowedOrigins": ["https://a.example"]})
    ids = [created.json()["id"], created.json()["allowedOrigins"][0]["id"]]
    assert all(re.fullmatch(r"S2-[0-9]{10}", id) for id in ids)
    assert set(created.headers) == {"content-type", "content-length"}
    assert created.headers["content-type"] == "application/json"
    assert b"\\/" not in created.content
    assert "associatedMerchantAccounts" not in admin.get("/me").json()
    refused = admin.post("/me/allowedOrigins", json={"domain": "a.example"}).json()
    assert refused.keys() == {"type", "title", "status", "detail", "requestId", "errorCode", "invalidFields"}
    assert re.fullmatch("[0-9A-Z]{16}", refused["requestId"])
    assert [field["name"] for field in refused["invalidFields"]] == ["domain"]


@pytest.mark.parametrize(
    "role",
    [
        "Management API \N{EM DASH} Payment methods read",
        "Management API - Payout Account Settings Read And Write",
        "Management API - Users read and write",
        "Merchant iDeal-API Webservice role",
        "Store payout detail and submit payout - withdrawal",
        "ThreeDSecure WebService Role",
    ],
)
def test_roles_are_spelled_as_they_were_seen_and_taken_in_any_spelling(admin, role):
    mangled = role.upper().replace(" ", "").replace("-", "\N{EN DASH}")
    assert admin.post(COMPANY, json={"roles": [mangled]}).json()["roles"] == [role]


@pytest.mark.parametrize("answers", ["platform", "published"])
def test_the_same_seed_gives_the_same_ids_and_keys(answers):
    one, same, other = (Sandbox(seed=seed, answers=answers).provisioning for seed in (3, 3, 4))
    assert (one.id, one.api_key) == (same.id, same.api_key)
    assert (one.id, one.api_key) != (other.id, other.api_key)


@pytest.mark.parametrize("answers", ["adyen", "Platform", None, ["platform"]])
def test_another_style_is_refused_with_those_there_are(answers):
    with pytest.raises(SandboxError, match="give one of: platform, published"):
        Sandbox(answers=answers)


def test_no_credential_is_made_with_the_key_that_the_sandbox_was_given():
    before = Sandbox(seed=5)
    again = Sandbox(seed=5, api_key=before.provisioning.api_key)
    made = [again.customer_area.create_company_user().api_key for _ in range(3)]
    assert before.provisioning.api_key not in made
    assert len(set(made)) == 3
