"""A test that was written since, beside those with cassettes: the sandbox answers, and there is nothing to record."""

from __future__ import annotations

import pytest
import requests

from credential_audit import Api
from pytest_adyen_creds import Credential, Sandbox


@pytest.fixture
def api(adyen_credential: Credential) -> Api:
    return Api(adyen_credential.account, adyen_credential.api_key.reveal())


def test_every_page_is_read(api: Api, adyen_credential: Credential) -> None:
    assert adyen_credential.username in [each.username for each in api.credentials()]


def test_half_an_audit_is_an_error(api: Api, adyen_sandbox: Sandbox) -> None:
    for number in range(2):  # so that there is a second page
        adyen_sandbox.customer_area.create_company_user(description=f"Another {number}")
    pages = api.credentials()
    next(pages)
    adyen_sandbox.faults.status(500, "GET /companies/{companyId}/apiCredentials")
    with pytest.raises(requests.HTTPError):
        list(pages)
