"""The API key is read once, into a session of aiohttp."""

import asyncio

import aiohttp

LABELS = """
broke     before request * api-key-expired
survived  request * connection-reset                # aiohttp itself asks again
silent    must-notice
noticed   html
noticed   truncated
noticed   GET /me/allowedOrigins 200 type-changed
noticed   GET /me/allowedOrigins 200 became-null
noticed   *@/data
"""


async def origins(session):
    async with session.get("https://management-test.adyen.com/v3/me/allowedOrigins") as answer:
        answer.raise_for_status()
        return (await answer.json()).get("data", [])


def test_there_are_none(adyen_credential):
    async def ask():
        async with aiohttp.ClientSession(headers={"X-API-Key": adyen_credential.api_key.reveal()}) as session:
            for _ in range(3):
                assert await origins(session) == []

    asyncio.run(ask())
