"""Who may call what: keys, passwords, kinds of user, roles, accounts, addresses."""

from __future__ import annotations

import base64

import httpx
import pytest

from pytest_adyen_creds import load_contract
from pytest_adyen_creds.errors import SandboxError
from pytest_adyen_creds.sandbox import Clock, Evidence, Sandbox, behaviours
from pytest_adyen_creds.sandbox.roles import API_CREDENTIALS_ROLE
from pytest_adyen_creds.sandbox.routing import served

COMPANY = "/companies/TestCompany/apiCredentials"
MERCHANT = "/merchants/TestMerchant/apiCredentials"
MERCHANT_EU = "/merchants/TestMerchantEU/apiCredentials"


def concrete(path: str) -> str:
    return path.format(companyId="TestCompany", merchantId="TestMerchant", apiCredentialId="S2-1", originId="S2-2")


def ask(client: httpx.Client, label: str) -> httpx.Response:
    method, _, path = label.partition(" ")
    return client.request(method, concrete(path))


@pytest.mark.parametrize("label", served())
def test_every_operation_asks_for_authentication(sign_in, version, label):
    for client in (sign_in(None, version), sign_in("AQEwrong", version), sign_in("", version)):
        refused = ask(client, label)
        assert refused.status_code == 401
        assert refused.json()["errorCode"] == "00_401"


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic !!!",
        "Basic d3M=",
        "Bearer AQE",
        "Basic " + base64.b64encode(b"ws@Company.TestCompany:no").decode(),
    ],
)
def test_an_authorization_header_that_does_not_hold_is_refused_even_beside_a_key(sandbox, sign_in, header):
    key = sandbox.provisioning.api_key
    assert sign_in(None).get("/me", headers={"Authorization": header}).status_code == 401
    assert sign_in(key).get("/me", headers={"Authorization": header}).status_code == 401


def test_a_key_and_a_password_of_different_credentials_are_refused(sandbox, admin):
    other = admin.post(COMPANY, json={"roles": [API_CREDENTIALS_ROLE]}).json()
    assert admin.get("/me", auth=(other["username"], other["password"])).status_code == 401
    own = sandbox.provisioning
    assert admin.get("/me", auth=(own.username, own.password.reveal())).status_code == 200


def test_a_password_with_a_colon_signs_in(sandbox, sign_in):
    area = sandbox.customer_area
    password = next(
        p for p in (area.generate_password(sandbox.provisioning.id) for _ in range(200)) if ":" in p.reveal()
    )
    client = sign_in(None, auth=(sandbox.provisioning.username, password.reveal()))
    assert client.get("/me").status_code == 200


@pytest.mark.parametrize("label", [label for label in served() if "/me" not in label] + ["POST /me/generateClientKey"])
def test_operations_on_credentials_ask_for_their_role(sandbox, admin, sign_in, label):
    lesser = admin.post(COMPANY, json={"roles": ["Management API - Accounts read and write"]}).json()
    refused = ask(sign_in(lesser["apiKey"]), label)
    assert refused.status_code == 403
    assert sandbox.app.journal[-1].rule == "caller.credentials-role"


def test_the_callers_own_operations_ask_for_any_management_role(admin, sign_in):
    any_role = sign_in(admin.post(COMPANY, json={"roles": ["Management API—Webhooks read"]}).json()["apiKey"])
    no_role = sign_in(admin.post(COMPANY, json={"roles": ["Checkout webservice role"]}).json()["apiKey"])
    for method, path in (("GET", "/me"), ("GET", "/me/allowedOrigins")):
        assert any_role.request(method, path).status_code == 200
        assert no_role.request(method, path).status_code == 403
    assert any_role.post("/me/allowedOrigins", json={"domain": "https://a.example"}).status_code == 200


@pytest.mark.parametrize("label", served())
def test_users_of_the_other_kinds_cannot_call_the_management_api(sandbox, sign_in, label):
    area = sandbox.customer_area
    roles = [API_CREDENTIALS_ROLE]
    for user in (area.create_balance_platform_user(roles=roles), area.create_legal_entity_user(roles=roles)):
        assert ask(sign_in(user.api_key), label).status_code == 403
        assert ask(sign_in(None, auth=(user.username, user.password.reveal())), label).status_code == 403


def test_users_of_the_other_kinds_are_made_by_hand_and_not_shown_by_the_api(sandbox, admin):
    area = sandbox.customer_area
    platform = area.create_balance_platform_user("MyPlatform", description="by hand")
    entity = area.create_legal_entity_user()
    assert platform.username.startswith("ws_")
    assert platform.username.endswith("@BalancePlatform.MyPlatform")
    assert entity.username.endswith("@Scope.Company_TestCompany")
    assert area.reaches(platform.id) == ("Configuration API", "Transfers API", "Session authentication API")
    assert area.reaches(entity.id) == ("Legal Entity Management API",)
    assert area.reaches(sandbox.provisioning.id) == ("Management API",)
    assert len(area.credential(entity.username).roles) == 1
    assert admin.get(COMPANY).json()["itemsTotal"] == 1
    assert admin.get(f"{COMPANY}/{platform.id}").status_code == 422
    with pytest.raises(SandboxError, match="50 characters"):
        area.create_legal_entity_user(description="x" * 51)
    with pytest.raises(SandboxError, match="no credential"):
        area.reaches("nobody")


def test_a_company_account_is_ones_own(admin):
    for company in ("OtherCompany", "testcompany", "TestMerchant", "", "Test%43ompan", "a%2Fb", "%00", "%FF"):
        assert admin.get(f"/companies/{company}/apiCredentials").status_code == 403
    assert admin.get("/companies/Test%43ompany/apiCredentials").status_code == 200


def test_a_credential_limited_to_a_merchant_account_stays_there(admin, sign_in):
    roles = [API_CREDENTIALS_ROLE]
    at_merchant = admin.post(MERCHANT, json={"roles": roles}).json()
    associated = admin.post(COMPANY, json={"roles": roles, "associatedMerchantAccounts": ["TestMerchant"]}).json()
    for created in (at_merchant, associated):
        client = sign_in(created["apiKey"])
        assert client.get(MERCHANT).status_code == 200
        assert client.get(MERCHANT_EU).status_code == 403
        assert client.get(COMPANY).status_code == 403
        assert client.get("/me").status_code == 200
    assert admin.get(MERCHANT_EU).status_code == 204


def test_a_merchant_account_reaches_its_own_credentials_only(admin):
    at_merchant = admin.post(MERCHANT).json()
    at_company = admin.post(COMPANY, json={"associatedMerchantAccounts": ["TestMerchant"]}).json()
    assert [item["id"] for item in admin.get(MERCHANT).json()["data"]] == [at_merchant["id"]]
    assert admin.get(f"{MERCHANT}/{at_company['id']}").status_code == 422
    assert admin.get(f"{MERCHANT_EU}/{at_merchant['id']}").status_code == 422
    assert admin.post(f"{MERCHANT_EU}/{at_merchant['id']}/generateApiKey").status_code == 422
    listed = [item["id"] for item in admin.get(COMPANY).json()["data"]]
    assert listed[1:] == [at_merchant["id"], at_company["id"]]


def test_losing_access_shows_at_once(admin, sign_in):
    created = admin.post(COMPANY, json={"roles": [API_CREDENTIALS_ROLE]}).json()
    client = sign_in(created["apiKey"])
    assert client.get(COMPANY).status_code == 200
    admin.patch(f"{COMPANY}/{created['id']}", json={"associatedMerchantAccounts": ["TestMerchant"]})
    assert client.get(COMPANY).status_code == 403
    admin.patch(f"{COMPANY}/{created['id']}", json={"roles": ["Checkout webservice role"]})
    assert client.get(MERCHANT).status_code == 403


def test_requests_from_other_addresses_are_refused(sandbox, admin):
    area, own = sandbox.customer_area, sandbox.provisioning.id
    area.set_allowed_ips(own, ["192.0.2.1", "2001:db8::/32"])
    refused = admin.get("/me")
    assert refused.status_code == 403
    # what a proxy claims does not count
    assert admin.get("/me", headers={"X-Forwarded-For": "192.0.2.1"}).status_code == 403
    area.set_allowed_ips(own, ["127.0.0.0/8"])
    assert admin.get("/me").json()["allowedIpAddresses"] == ["127.0.0.0/8"]
    area.set_allowed_ips(own, [])
    assert admin.get("/me").json()["allowedIpAddresses"] == []
    with pytest.raises(SandboxError, match="no IP address"):
        area.set_allowed_ips(own, ["localhost"])


def test_a_rate_limit_answers_429_with_retry_after():
    sandbox = Sandbox(requests_per_minute=3, clock=Clock(flowing=False))
    headers = {"X-API-Key": sandbox.provisioning.api_key.reveal()}
    with httpx.Client(transport=sandbox.transport(), base_url="http://sandbox.test/v3", headers=headers) as admin:
        assert [admin.get("/me").status_code for _ in range(3)] == [200, 200, 200]
        sandbox.clock.advance(seconds=15)
        refused = admin.get("/me")
        assert refused.status_code == 429
        assert refused.headers["Retry-After"] == "45"
        assert refused.headers["transient-error"] == "true"
        sandbox.clock.advance(seconds=45)
        assert admin.get("/me").status_code == 200


def test_links_name_what_was_called(sandbox, version):
    key = sandbox.provisioning.api_key.reveal()
    headers = {"X-API-Key": key, "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "ftp", "Forwarded": "host=e"}
    base = f"https://management-test.adyen.com/{version}"
    with httpx.Client(transport=sandbox.transport(), base_url=base, headers=headers) as admin:
        assert admin.get("/me").json()["_links"]["self"]["href"] == f"{base}/me"
        assert admin.get(COMPANY).json()["_links"]["first"]["href"].startswith(f"{base}{COMPANY}?")
        odd = admin.get("/me", headers={"Host": 'evil.example/"><script>'})
        assert odd.json()["_links"]["self"]["href"] == f"https://management-test.adyen.com:443/{version}/me"


@pytest.mark.parametrize("spelled", [str, repr, "Bearer {}".format], ids=["str", "repr", "format"])
def test_a_masked_key_is_told_how_to_show_itself(sandbox, sign_in, version, spelled):
    refused = sign_in(spelled(sandbox.provisioning.api_key), version).get("/me")
    assert refused.status_code == 401
    assert "masked Secret" in refused.json()["detail"]
    assert "reveal()" in refused.json()["detail"]
    assert load_contract(version).validate("RestServiceError", refused.json()) == []
    assert "masked" not in sign_in("AQEwrong", version).get("/me").text
    (rule,) = [rule for rule in behaviours() if rule.id == sandbox.app.journal[0].rule]
    assert rule.evidence is Evidence.ASSUMED
