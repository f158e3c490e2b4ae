"""A model of pydantic that forbids what it does not know: each new property at its level ends the client."""

from typing import Any

import httpx
from pydantic import BaseModel, Field

LABELS = """
broke   GET /me 200 property-added
broke   GET /me 200 2026-05-01 property-added@/subjectDN
broke   GET /me 200 deviation-shown@/clientKey      # the model wants what the platform is known to leave out
silent  *@/_links/*                                 # any dictionary will do
silent  GET /me 200 became-null@/_links             # None is the default of these four
silent  GET /me 200 became-null@/description
silent  GET /me 200 became-null@/companyName
silent  GET /me 200 type-changed@/active            # pydantic takes "true" for True
"""


class Me(BaseModel, extra="forbid"):
    id: str
    username: str
    clientKey: str
    active: bool
    roles: list[str]
    allowedIpAddresses: list[str]
    associatedMerchantAccounts: list[str] = []
    description: str | None = None
    companyName: str | None = None
    links: dict[str, Any] | None = Field(None, alias="_links")


def me(key):
    answer = httpx.get("https://management-test.adyen.com/v3/me", headers={"X-API-Key": key})
    return Me.model_validate(answer.raise_for_status().json())


def test_it_is_active(adyen_credential):
    assert me(adyen_credential.api_key.reveal()).active
