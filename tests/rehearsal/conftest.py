"""A client of the user's, whose tests are rehearsed."""

from __future__ import annotations

import pytest

import pytest_adyen_creds.cassettes.modes  # a run in this process forgets what it imported
import pytest_adyen_creds.rehearsal.plugin
import pytest_adyen_creds.reports.report
import pytest_adyen_creds.reports.session_finish
import pytest_adyen_creds.reports.terminal  # noqa: F401

CLIENT = """
import httpx

KNOWN = {"id", "username", "clientKey", "allowedIpAddresses", "active", "companyName", "roles", "_links",
         "associatedMerchantAccounts", "description", "allowedOrigins"}

def me(credential):
    key = {"x-api-key": credential.api_key.reveal()}
    answer = httpx.get("https://management-test.adyen.com/v3/me", headers=key)
    answer.raise_for_status()
    return answer.json()

def strict(credential):
    data = me(credential)
    unknown = set(data) - KNOWN
    if unknown:
        raise ValueError(f"unknown: {len(unknown)}")
    return data
"""
"""A client of the user's: one function that takes what it does not know, and one that does not."""


@pytest.fixture
def theirs(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeini("[pytest]\nfilterwarnings =\n    default\n")
    pytester.makepyfile(their_client=CLIENT)
    return pytester
