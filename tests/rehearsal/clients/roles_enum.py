"""Roles as an Enum that has no place for a new one."""

from enum import StrEnum

import httpx

LABELS = """
broke    GET /me 200 role-added@/roles
broke    GET /me 200 list-emptied@/roles            # the test wants the role
silent   must-notice
noticed  html
noticed  truncated
noticed  error-with-200
noticed  GET /me 200 type-changed
noticed  GET /me 200 became-null
noticed  *@/roles
noticed  *@/roles/*
"""


class Role(StrEnum):
    CREDENTIALS = "Management API - API credentials read and write"
    STORES = "Management API - Stores read"


def roles(key):
    answer = httpx.get("https://management-test.adyen.com/v3/me", headers={"X-API-Key": key})
    return {Role(role) for role in answer.raise_for_status().json()["roles"]}


def test_it_may_make_credentials(adyen_credential):
    assert Role.CREDENTIALS in roles(adyen_credential.api_key.reveal())
