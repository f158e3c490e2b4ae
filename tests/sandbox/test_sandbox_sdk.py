"""Adyen's own Python SDK, unmodified but for its base address, through a credential's whole life."""

from __future__ import annotations

import pytest

from pytest_adyen_creds.sandbox import Sandbox
from pytest_adyen_creds.sandbox.roles import API_CREDENTIALS_ROLE

Adyen = pytest.importorskip("Adyen")


def signed_in(url: str, **credentials: str):
    """Return the SDK's management services, each with the sandbox's address in place of its own."""
    client = Adyen.Adyen(platform="test", **credentials)
    services = client.management
    for service in vars(services).values():
        if hasattr(service, "baseUrl"):
            service.baseUrl = url
    return services


@pytest.fixture(params=["v1", "v3"])
def url(request, sandbox):
    with sandbox.serve() as server:
        yield f"{server.url}/{request.param}"


class Level:
    """The SDK's services of one level, and the account they are called with."""

    def __init__(self, services, level: str, account: str) -> None:
        self.account = {f"{level}Id": account}
        self.credentials = getattr(services, f"api_credentials_{level}_level_api")
        self.origins = getattr(services, f"allowed_origins_{level}_level_api")
        self.api_key = getattr(services, f"api_key_{level}_level_api")
        self.client_key = getattr(services, f"client_key_{level}_level_api")


@pytest.mark.parametrize(("level", "account"), [("company", "TestCompany"), ("merchant", "TestMerchant")])
def test_a_whole_life(sandbox: Sandbox, url: str, level: str, account: str):
    admin = signed_in(url, xapikey=sandbox.provisioning.api_key.reveal())
    at = Level(admin, level, account)
    assert admin.my_api_credential_api.get_api_credential_details().message["username"] == "ws@Company.TestCompany"

    created = [
        at.credentials.create_api_credential(
            {"roles": [API_CREDENTIALS_ROLE], "description": f"number {number}"}, **at.account
        ).message
        for number in range(12)
    ]
    one = created[0]
    of_one = {**at.account, "apiCredentialId": one["id"]}
    assert at.credentials.get_api_credential(**of_one).message["description"] == "number 0"

    seen, page = [], 1
    while True:
        query = {"pageNumber": page, "pageSize": 5}
        listed = at.credentials.list_api_credentials(**at.account, query_parameters=query).message
        seen += [item["id"] for item in listed["data"]]
        if "next" not in listed["_links"]:
            break
        page += 1
    assert [id for id in seen if id != sandbox.provisioning.id] == [item["id"] for item in created]

    added = at.origins.create_allowed_origin({"domain": "https://shop.example"}, **of_one).message
    assert at.origins.list_allowed_origins(**of_one).message == {"data": [added]}
    assert at.origins.get_allowed_origin(**of_one, originId=added["id"]).message == added
    assert at.origins.delete_allowed_origin(**of_one, originId=added["id"]).status_code == 204
    with pytest.raises(Adyen.AdyenAPIUnprocessableEntity):
        at.origins.get_allowed_origin(**of_one, originId=added["id"])

    new_key = at.api_key.generate_new_api_key(**of_one, idempotency_key="a-key").message["apiKey"]
    assert at.api_key.generate_new_api_key(**of_one, idempotency_key="a-key").message["apiKey"] == new_key
    new_client_key = at.client_key.generate_new_client_key(**of_one).message["clientKey"]
    for key in (one["apiKey"], new_key):
        own = signed_in(url, xapikey=key).my_api_credential_api
        assert own.get_api_credential_details().message["clientKey"] == new_client_key
    by_password = signed_in(url, username=one["username"], password=one["password"]).my_api_credential_api
    assert by_password.get_api_credential_details().message["id"] == one["id"]

    own = signed_in(url, xapikey=new_key).my_api_credential_api
    mine = own.add_allowed_origin({"domain": "https://mine.example"}).message
    assert own.get_allowed_origin_details(mine["id"]).message == mine
    assert own.get_allowed_origins().message == {"data": [mine]}
    assert own.remove_allowed_origin(mine["id"]).status_code == 204
    assert own.generate_client_key().message["clientKey"] != new_client_key

    changed = at.credentials.update_api_credential({"active": False}, **of_one).message
    assert changed["active"] is False
    with pytest.raises(Adyen.AdyenAPIAuthenticationError) as refused:
        own.get_api_credential_details()
    assert refused.value.error_code == "00_401"


@pytest.mark.parametrize("way", ["requests", "other"])
def test_the_sdks_other_way_to_speak_http_works_too(sandbox, url, way):
    services = signed_in(url, xapikey=sandbox.provisioning.api_key.reveal(), http_force=way)
    created = services.api_credentials_company_level_api.create_api_credential({"description": way}, "TestCompany")
    assert created.message["description"] == way
    with pytest.raises(Adyen.AdyenAPIInvalidPermission):
        services.api_credentials_company_level_api.list_api_credentials("OtherCompany")
