"""The plugin's own client of httpx, which has the key of now; an id is read, and asked for."""

LABELS = """
broke    GET /companies/{companyId}/apiCredentials/{apiCredentialId} 200 optional-property-removed@/description
silent   must-notice
noticed  html
noticed  truncated
noticed  error-with-200
noticed  GET /me 200 type-changed
noticed  GET /me 200 became-null
noticed  GET /me 200 *@/id
noticed  GET /companies/{companyId}/apiCredentials/{apiCredentialId} 200 type-changed
noticed  GET /companies/{companyId}/apiCredentials/{apiCredentialId} 200 became-null
noticed  GET /companies/{companyId}/apiCredentials/{apiCredentialId} 200 *@/description
"""


def purpose(http, company):
    identifier = http.get("/me").raise_for_status().json()["id"]
    answer = http.get(f"/companies/{company}/apiCredentials/{identifier}")
    return answer.raise_for_status().json()["description"].split()[0]


def test_it_is_for_tests(adyen_client, adyen_credential):
    assert purpose(adyen_client, adyen_credential.account).startswith("pytest")
