"""The life of a credential, at both levels and in both versions."""

from __future__ import annotations

import re

import httpx
import pytest

from pytest_adyen_creds.sandbox import Sandbox
from pytest_adyen_creds.sandbox.roles import API_CREDENTIALS_ROLE

COMPANY = "/companies/TestCompany/apiCredentials"
MERCHANT = "/merchants/TestMerchant/apiCredentials"
LEVELS = pytest.mark.parametrize("home", [COMPANY, MERCHANT])


def invalid(response: httpx.Response) -> list[tuple[str, str]]:
    assert response.status_code == 422, response.text
    return [(field["name"], field["value"]) for field in response.json()["invalidFields"]]


@LEVELS
def test_a_new_credential_is_answered_whole_and_its_secrets_once(admin, home):
    created = admin.post(home, json={"description": "for tests", "allowedOrigins": ["https://a.example"]}).json()
    assert created["active"] is True
    assert created["apiKey"].startswith("AQE")
    assert created["clientKey"].startswith("test_")
    assert len(created["password"]) >= 16
    assert created["description"] == "for tests"
    assert [origin["domain"] for origin in created["allowedOrigins"]] == ["https://a.example"]

    shown = admin.get(created["_links"]["self"]["href"]).json()
    assert shown == {name: value for name, value in created.items() if name not in ("apiKey", "password")}
    listed = admin.get(home).json()["data"][-1]
    assert listed == shown


@LEVELS
def test_a_new_credential_signs_in_by_key_and_by_password(admin, sign_in, home):
    created = admin.post(home, json={"roles": [API_CREDENTIALS_ROLE]}).json()
    by_key = sign_in(created["apiKey"]).get("/me").json()
    by_password = sign_in(None, auth=(created["username"], created["password"])).get("/me").json()
    assert by_key == by_password
    assert by_key["id"] == created["id"]
    assert by_key["companyName"] == "TestCompany"
    assert set(by_key["_links"]) == {"self", "allowedOrigins"}


def test_ids_and_usernames_have_their_real_forms(admin):
    created = admin.post(COMPANY, json={"allowedOrigins": ["https://a.example"]}).json()
    assert re.fullmatch(r"CRED42[A-Z]{3}[0-9]{8}M[0-9A-F]{12}", created["id"])
    assert re.fullmatch(r"S2-[0-9A-F]{52,88}", created["allowedOrigins"][0]["id"])
    assert created["username"].startswith("ws_")
    assert created["username"].endswith("@Company.TestCompany")


def test_company_level_answers_name_merchant_accounts_and_merchant_level_ones_do_not(admin):
    everywhere = admin.post(COMPANY).json()
    assert everywhere["associatedMerchantAccounts"] == []
    limited = admin.post(COMPANY, json={"associatedMerchantAccounts": ["TestMerchantEU"]}).json()
    assert limited["associatedMerchantAccounts"] == ["TestMerchantEU"]
    at_merchant = admin.post(MERCHANT).json()
    assert "associatedMerchantAccounts" not in at_merchant
    assert admin.get(f"{COMPANY}/{at_merchant['id']}").json()["associatedMerchantAccounts"] == ["TestMerchant"]


def test_what_is_empty_is_left_out(admin):
    created = admin.post(COMPANY).json()
    assert not {"description", "subjectDN", "allowedOrigins"} & created.keys()


@LEVELS
def test_an_update_changes_what_it_names_and_nothing_else(admin, home):
    created = admin.post(home, json={"description": "before"}).json()
    path = f"{home}/{created['id']}"
    changed = admin.patch(path, json={"description": "after", "subjectDN": "CN=test"}).json()
    expected = {**created, "description": "after", "subjectDN": "CN=test"}
    del expected["apiKey"], expected["password"]
    assert changed == expected
    assert admin.patch(path, json={}).json() == expected
    cleared = admin.patch(path, json={"description": "", "subjectDN": ""}).json()
    assert not {"description", "subjectDN"} & cleared.keys()


@LEVELS
def test_a_description_has_at_most_50_characters(admin, home):
    assert admin.post(home, json={"description": "é" * 50}).json()["description"] == "é" * 50
    assert invalid(admin.post(home, json={"description": "x" * 51})) == [("description", "x" * 51)]
    id = admin.post(home).json()["id"]
    assert invalid(admin.patch(f"{home}/{id}", json={"description": "x" * 51})) == [("description", "x" * 51)]


def test_a_refused_update_changes_nothing(admin):
    created = admin.post(COMPANY, json={"description": "before"}).json()
    path = f"{COMPANY}/{created['id']}"
    refused = admin.patch(
        path, json={"active": False, "description": "after", "roles": ["None such"], "allowedOrigins": ["no"]}
    )
    assert {name for name, _ in invalid(refused)} == {"roles", "allowedOrigins"}
    assert admin.get(path).json()["description"] == "before"
    assert admin.get(path).json()["active"] is True


def test_inactive_means_that_no_key_works_and_active_brings_them_back(admin, sign_in):
    created = admin.post(COMPANY, json={"roles": [API_CREDENTIALS_ROLE]}).json()
    path = f"{COMPANY}/{created['id']}"
    signers = [
        sign_in(created["apiKey"]),
        sign_in(admin.post(f"{path}/generateApiKey").json()["apiKey"]),
        sign_in(None, auth=(created["username"], created["password"])),
    ]
    assert [client.get("/me").status_code for client in signers] == [200, 200, 200]
    assert admin.patch(path, json={"active": False}).json()["active"] is False
    assert [client.get("/me").status_code for client in signers] == [401, 401, 401]
    # keys can be made meanwhile: a throwaway of an earlier run is taken up again like this
    signers.append(sign_in(admin.post(f"{path}/generateApiKey").json()["apiKey"]))
    assert signers[-1].get("/me").status_code == 401
    assert admin.patch(path, json={"active": True}).json()["active"] is True
    assert [client.get("/me").status_code for client in signers] == [200, 200, 200, 200]


def test_a_credential_cannot_be_deleted(admin):
    created = admin.post(COMPANY).json()
    refused = admin.delete(f"{COMPANY}/{created['id']}")
    assert refused.status_code == 405
    assert set(refused.headers["Allow"].split(", ")) == {"GET", "PATCH"}


def test_roles_are_given_as_the_provisioning_credential_spells_them(admin):
    spellings = [
        "Management API—API credentials read and write",
        "Management API — Webhooks read",
        "Management  API - Stores read",
        "Management API - Stores Read",
    ]
    created = admin.post(COMPANY, json={"roles": spellings}).json()
    assert created["roles"] == [
        "Management API - API credentials read and write",
        "Management API - Webhooks read",
        "Management API - Stores read",
    ]


def test_only_roles_of_the_provisioning_credential_can_be_given():
    sandbox = Sandbox(roles=(API_CREDENTIALS_ROLE, "A role of our own"))
    headers = {"X-API-Key": sandbox.provisioning.api_key.reveal()}
    with httpx.Client(transport=sandbox.transport(), base_url="http://sandbox.test/v3", headers=headers) as admin:
        assert admin.post(COMPANY, json={"roles": ["A role of our own"]}).json()["roles"] == ["A role of our own"]
        assert invalid(admin.post(COMPANY, json={"roles": ["Checkout webservice role"]})) == [
            ("roles", "Checkout webservice role")
        ]
        # the default role cannot be given here, so the first one that can is
        assert admin.post(COMPANY).json()["roles"] == [API_CREDENTIALS_ROLE]


def test_a_credential_has_at_least_one_role(admin):
    created = admin.post(COMPANY).json()
    assert created["roles"] == ["Checkout webservice role"]
    assert invalid(admin.post(COMPANY, json={"roles": []})) == [("roles", "[]")]
    assert invalid(admin.patch(f"{COMPANY}/{created['id']}", json={"roles": []})) == [("roles", "[]")]


def test_merchant_accounts_are_the_companys_own(admin):
    assert invalid(admin.post(COMPANY, json={"associatedMerchantAccounts": ["Elsewhere"]})) == [
        ("associatedMerchantAccounts", "Elsewhere")
    ]
    created = admin.post(MERCHANT).json()
    path = f"{COMPANY}/{created['id']}"
    kept = admin.patch(path, json={"associatedMerchantAccounts": ["TestMerchant"]})
    assert kept.json()["associatedMerchantAccounts"] == ["TestMerchant"]
    assert invalid(admin.patch(path, json={"associatedMerchantAccounts": []})) == [("associatedMerchantAccounts", "")]


def test_the_provisioning_credential_cannot_lock_itself_out(sandbox, admin):
    path = f"{COMPANY}/{sandbox.provisioning.id}"
    for change in ({"active": False}, {"roles": ["Checkout webservice role"]}, {"associatedMerchantAccounts": []}):
        assert admin.patch(path, json=change).status_code == 403
    assert admin.patch(path, json={"description": "ours"}).json()["description"] == "ours"


def test_merchant_lists_that_are_empty_have_no_content(admin):
    assert admin.get(MERCHANT).status_code == 204
    id = admin.post(MERCHANT).json()["id"]
    assert admin.get(MERCHANT).json()["itemsTotal"] == 1
    assert admin.get(f"{MERCHANT}/{id}/allowedOrigins").status_code == 204
    assert admin.get(f"{COMPANY}/{id}/allowedOrigins").json() == {"data": []}


def test_a_sandbox_repeats_itself_for_the_same_seed():
    def lived(seed: int) -> list[object]:
        sandbox = Sandbox(seed=seed)
        headers = {"X-API-Key": sandbox.provisioning.api_key.reveal()}
        with httpx.Client(transport=sandbox.transport(), base_url="http://sandbox.test/v3", headers=headers) as admin:
            created = admin.post(COMPANY, json={"allowedOrigins": ["https://a.example"]}).json()
            rotated = admin.post(f"{COMPANY}/{created['id']}/generateApiKey").json()
            return [created, rotated, admin.get(f"{COMPANY}/nothing").json()]

    assert lived(7) == lived(7)
    assert lived(7) != lived(8)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"company": "no spaces"}, "no account name"),
        ({"merchants": ()}, "at least one merchant"),
        ({"merchants": ("M", "M")}, "each once"),
        ({"roles": ("Checkout webservice role",)}, "needs the role"),
        ({"requests_per_minute": 0}, "rate limit"),
    ],
)
def test_a_sandbox_that_cannot_be_is_refused_with_the_next_step(options, said):
    from pytest_adyen_creds.errors import SandboxError

    with pytest.raises(SandboxError, match=said):
        Sandbox(**options)
