"""A dataclass that is made of ``**body``: a property that it does not have is an argument that it does not take."""

from dataclasses import dataclass

import httpx

LABELS = """
broke    GET /me 200 property-added
broke    GET /me 200 2026-05-01 property-added@/subjectDN
broke    GET /me 200 deviation-shown@/clientKey     # an argument that is missing
silent   must-notice                                # nobody looks at the types
noticed  html
noticed  truncated
noticed  error-with-200
noticed  GET /me 200 type-changed
noticed  GET /me 200 became-null
noticed  required-property-removed
silent   *@/_links/*
noticed  GET /me 200 became-null@/active            # the test's own assertion
"""


@dataclass
class Me:
    id: str
    username: str
    clientKey: str
    active: bool
    roles: list[str]
    allowedIpAddresses: list[str]
    associatedMerchantAccounts: list[str] | None = None
    description: str | None = None
    companyName: str | None = None
    _links: dict[str, dict[str, str]] | None = None


def me(key):
    answer = httpx.get("https://management-test.adyen.com/v3/me", headers={"X-API-Key": key})
    return Me(**answer.raise_for_status().json())


def test_it_is_active(adyen_credential):
    assert me(adyen_credential.api_key.reveal()).active
