"""Closed models of January 2025: they die where subjectDN came on 2026-05-01, and outlive what left on 2025-02-28."""

import httpx
from models_of_january import CompanyApiCredential, ListCompanyApiCredentialsResponse, MeApiCredential

LABELS = """
broke    property-added
broke    *deviation-shown@*/clientKey
broke    GET /me 200 2026-05-01 property-added@/subjectDN
broke    GET /companies/{companyId}/apiCredentials 200 2026-05-01 property-added@/data/[*]/subjectDN
broke    GET /companies/{companyId}/apiCredentials/{apiCredentialId} 200 2026-05-01 property-added@/subjectDN
broke    before request * api-key-expired           # the test takes the key once
silent   *became-null@*/description
silent   *became-null@*/companyName
silent   *became-null@*/associatedMerchantAccounts
silent   *became-null@*/allowedOrigins
silent   *became-null@*/_links
silent   *became-null@*/_links/company
silent   *became-null@*/_links/generateApiKey
silent   *became-null@*/_links/generateClientKey
silent   *became-null@*/href
silent   *became-null@/data
silent   *type-changed@*/active
"""
URL = "https://management-test.adyen.com/v3"


def ask(key, path, model):
    answer = httpx.get(URL + path, headers={"X-API-Key": key})
    return model.model_validate(answer.raise_for_status().json())


def test_none_is_of_another_company(adyen_credential):
    key, path = adyen_credential.api_key.reveal(), f"/companies/{adyen_credential.account}/apiCredentials"
    me = ask(key, "/me", MeApiCredential)
    assert ask(key, f"{path}/{me.id}", CompanyApiCredential).username == me.username
    listed = ask(key, path, ListCompanyApiCredentialsResponse).data or []
    assert all(adyen_credential.account in each.username for each in listed)
