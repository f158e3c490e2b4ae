"""The tests whose run and report README shows: one fails, and one of the others would break on a change of Adyen's."""

from __future__ import annotations

from enum import StrEnum

import httpx
import pytest

from pytest_adyen_creds import Credential

ADYEN = "https://management-test.adyen.com/v3"


class Role(StrEnum):
    """The roles that the shop knows."""

    STORES = "Management API - Stores read"
    WEBHOOKS = "Management API - Webhooks read"


def roles(key: str) -> list[Role]:
    """Return the roles of a key."""
    answer = httpx.get(f"{ADYEN}/me", headers={"X-API-Key": key})
    return [Role(name) for name in answer.json()["roles"]]


def users(key: str) -> list[str]:
    """Return the user names of a company's credentials."""
    answer = httpx.get(f"{ADYEN}/companies/TestCompany/apiCredentials", headers={"X-API-Key": key})
    return [each["username"] for each in answer.json()["data"]]


@pytest.mark.adyen_credential(roles=[*Role])
def test_the_roles_are_known(adyen_credential: Credential) -> None:
    """It passes today."""
    assert Role.STORES in roles(adyen_credential.api_key.reveal())


@pytest.mark.adyen_credential(roles=["Management API - Stores read"])
def test_users_are_listed(adyen_credential: Credential) -> None:
    """It fails: the credential lacks a role."""
    assert adyen_credential.username in users(adyen_credential.api_key.reveal())
