"""The plugin's own asynchronous client of httpx, with two requests at once."""

import asyncio

LABELS = """
silent   must-notice
noticed  html
noticed  truncated
noticed  GET /me/allowedOrigins 200 type-changed
noticed  GET /me/allowedOrigins 200 became-null
noticed  *@/data
"""


async def origins(http):
    return (await http.get("/me/allowedOrigins")).raise_for_status().json().get("data", [])


def test_there_are_none(adyen_async_client):
    async def twice():
        return await asyncio.gather(origins(adyen_async_client), origins(adyen_async_client))

    assert asyncio.run(twice()) == [[], []]
