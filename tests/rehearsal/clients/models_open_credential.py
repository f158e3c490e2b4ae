"""Open models of the contract: what nobody knows yet is ignored."""

import httpx
from models_open import CompanyApiCredential

LABELS = """
broke    *deviation-shown@/clientKey                # required, and known to be left out
silent   *became-null@/description                  # None is the default of what is optional
silent   *became-null@/associatedMerchantAccounts
silent   *became-null@/_links
silent   *became-null@/_links/allowedOrigins
silent   *became-null@/_links/company
silent   *became-null@/_links/generateApiKey
silent   *became-null@/_links/generateClientKey
silent   *became-null@/_links/*/href
silent   *type-changed@/active                      # pydantic takes "true" for True
"""


def credential(key, company, identifier):
    url = f"https://management-test.adyen.com/v3/companies/{company}/apiCredentials/{identifier}"
    answer = httpx.get(url, headers={"X-API-Key": key})
    return CompanyApiCredential.model_validate(answer.raise_for_status().json())


def test_it_is_active(adyen_credential):
    lent = adyen_credential
    assert credential(lent.api_key.reveal(), lent.account, lent.id).active
