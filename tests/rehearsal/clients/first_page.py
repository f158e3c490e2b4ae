"""The first page of a list is taken for the whole list."""

import httpx

LABELS = """
broke    GET /companies/{companyId}/apiCredentials 200 page-added
broke    GET /companies/{companyId}/apiCredentials 200 list-emptied@/data           # the test wants the credential
broke    GET /companies/{companyId}/apiCredentials 200 optional-property-removed@/data
silent   must-notice
noticed  html
noticed  truncated
noticed  error-with-200
noticed  GET /companies/{companyId}/apiCredentials 200 type-changed
noticed  GET /companies/{companyId}/apiCredentials 200 became-null
noticed  *@/data
noticed  *@/data/[*]
noticed  *@/data/[*]/username
"""


def usernames(key, company):
    url = f"https://management-test.adyen.com/v3/companies/{company}/apiCredentials"
    answer = httpx.get(url, headers={"X-API-Key": key})
    return [each["username"] for each in answer.raise_for_status().json()["data"]]


def test_it_is_listed(adyen_credential):
    listed = usernames(adyen_credential.api_key.reveal(), adyen_credential.account)
    assert adyen_credential.username in listed
