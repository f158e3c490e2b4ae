"""No weakness in paging: the links are followed to the last page."""

import httpx

LABELS = """
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
noticed  *type-changed@/_links                      # an absent one is as good as a last page
"""


def usernames(key, company):
    url = f"https://management-test.adyen.com/v3/companies/{company}/apiCredentials"
    while url:
        answer = httpx.get(url, headers={"X-API-Key": key})
        body = answer.raise_for_status().json()
        yield from (each["username"] for each in body["data"])
        links = body.get("_links") or {}
        url = links.get("next", {}).get("href")


def test_it_is_listed(adyen_credential):
    listed = list(usernames(adyen_credential.api_key.reveal(), adyen_credential.account))
    assert adyen_credential.username in listed
