"""A model that requires a property which left the document on 2025-02-28."""

import httpx
from pydantic import BaseModel

LABELS = """
broke    GET /me 200 2025-02-28 property-removed@/associatedMerchantAccounts
silent   must-notice
noticed  html
noticed  truncated
noticed  error-with-200
noticed  GET /me 200 type-changed
noticed  GET /me 200 became-null
"""


class Me(BaseModel):
    associatedMerchantAccounts: list[str]


def merchants(key):
    answer = httpx.get("https://management-test.adyen.com/v3/me", headers={"X-API-Key": key})
    return Me.model_validate(answer.raise_for_status().json()).associatedMerchantAccounts


def test_it_has_access_to_all(adyen_credential):
    assert merchants(adyen_credential.api_key.reveal()) == []
