"""The sandbox in-process, as a transport for httpx."""

from __future__ import annotations

import asyncio

import httpx
import pytest

COMPANY = "/companies/TestCompany/apiCredentials"


def test_async_clients_are_answered_too(sandbox):
    async def lived() -> tuple[list[int], int]:
        headers = {"X-API-Key": sandbox.provisioning.api_key.reveal()}
        base = "https://management-test.adyen.com/v3"
        async with httpx.AsyncClient(transport=sandbox.transport(), base_url=base, headers=headers) as client:
            answers = await asyncio.gather(*(client.post(COMPANY, json={"description": str(n)}) for n in range(20)))
            page = (await client.get(COMPANY, params={"pageSize": 100})).json()
            return [answer.status_code for answer in answers], page["itemsTotal"]

    assert asyncio.run(lived()) == ([200] * 20, 21)


def test_async_clients_see_connection_faults_as_on_a_network(sandbox):
    async def ask() -> None:
        async with httpx.AsyncClient(transport=sandbox.transport(), base_url="http://s.test/v3") as client:
            await client.get("/me")

    sandbox.faults.reset()
    with pytest.raises(httpx.ReadError):
        asyncio.run(ask())
    sandbox.faults.truncate()
    with pytest.raises(httpx.RemoteProtocolError):
        asyncio.run(ask())


def test_a_path_arrives_as_it_was_sent(sandbox, admin):
    # with the slash decoded this would be the path of another operation
    assert admin.get(f"{COMPANY}/S2-1%2FallowedOrigins").status_code == 422
    assert sandbox.app.journal[-1].operation == "GET /companies/{companyId}/apiCredentials/{apiCredentialId}"


def test_a_header_is_not_another_one_in_another_spelling(sandbox, sign_in):
    key = sandbox.provisioning.api_key.reveal()
    client = sign_in(None)
    assert client.get("/me", headers={"X-API-Key": key}).status_code == 200
    assert client.get("/me", headers={"X_API_Key": key}).status_code == 401
    with sandbox.serve() as server:
        assert httpx.get(f"{server.url}/v3/me", headers={"X_API_Key": key}).status_code == 401


def test_httpx_own_wsgi_transport_works_too(sandbox):
    headers = {"X-API-Key": sandbox.provisioning.api_key.reveal()}
    transport = httpx.WSGITransport(app=sandbox.app)
    with httpx.Client(transport=transport, base_url="http://s.test/v3", headers=headers) as client:
        assert client.post(COMPANY, json={"description": "x"}).json()["description"] == "x"
