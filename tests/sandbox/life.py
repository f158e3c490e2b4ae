"""A credential's whole life by Adyen's Python SDK. Arguments: the API's address, and the provisioning key's file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import Adyen

ROLE = "Management API - API credentials read and write"
COMPANY = {"companyId": "TestCompany"}


def signed_in(url: str, key: str) -> Any:
    """Return the SDK's management services, with ``url`` in place of their own address."""
    services = Adyen.Adyen(platform="test", xapikey=key).management
    for service in vars(services).values():
        if hasattr(service, "baseUrl"):
            service.baseUrl = url
    return services


def main(url: str, key_file: str) -> None:
    """Go through it; raises ``AssertionError`` for what is not as it should be."""
    admin = signed_in(url, Path(key_file).read_text().strip())
    credentials = admin.api_credentials_company_level_api
    created = credentials.create_api_credential({"description": "python", "roles": [ROLE]}, **COMPANY).message
    one = {**COMPANY, "apiCredentialId": created["id"]}
    assert credentials.get_api_credential(**one).message["username"] == created["username"]
    listed = credentials.list_api_credentials(**COMPANY).message["data"]
    assert created["id"] in [each["id"] for each in listed]
    roles = [ROLE, "Management API - Stores read"]
    assert sorted(credentials.update_api_credential({"roles": roles}, **one).message["roles"]) == roles
    origin = {"domain": "https://shop.example"}
    added = admin.allowed_origins_company_level_api.create_allowed_origin(origin, **one).message
    assert added["domain"] == origin["domain"]
    new_key = admin.api_key_company_level_api.generate_new_api_key(**one).message["apiKey"]
    assert new_key != created["apiKey"]
    own = signed_in(url, new_key).my_api_credential_api
    assert own.get_api_credential_details().message["id"] == created["id"]
    assert credentials.update_api_credential({"active": False}, **one).message["active"] is False
    try:
        own.get_api_credential_details()
    except Adyen.AdyenAPIAuthenticationError as refused:
        assert refused.status_code == 401  # noqa: PT017
    else:
        raise AssertionError("a key of a credential that is not active works")
    print("done")  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
