"""The contract suite against a server that is not ours: it reads what is there, and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pytest_adyen_creds.checks.exercises import Exercise, World, path_of, scripted
from pytest_adyen_creds.management import Exchange, ManagementClient, Ownership, Retries
from pytest_adyen_creds.secrets import Secret

if TYPE_CHECKING:
    from pytest_adyen_creds.contract import Operation
    from pytest_adyen_creds.settings import Settings

_RETRIES = Retries(tries=3, only_rate_limit=True)


class LiveReading:
    """Sends the reading exercises of operations, about credentials that are there already."""

    def __init__(self, settings: Settings) -> None:
        key, self._company = settings.require_live("company")
        _, self._merchant = settings.require_live("merchant")
        self._key = key
        self._client = ManagementClient(settings.base_url, api_key=key, ownership=Ownership(settings.max_created))
        self._world: World | None = None

    def exchanges(self, operation: Operation) -> Iterator[tuple[Exercise, Exchange]]:
        """Carry out what reads; nothing for an operation that changes something, or has nothing to read."""
        if operation.method != "GET":
            return
        world = self._world = self._world or self._looked_up()
        if not all(world.parameters(operation).values()):
            return
        for exercise in scripted(operation, world):
            if exercise.fault is None and exercise.signer != "powerless":
                key = Secret("AQE" + "0" * 40) if exercise.signer == "unknown" else self._key
                response = self._client.send(
                    operation.method,
                    path_of(operation, exercise),
                    params=dict(exercise.query),
                    auth=key,
                    retries=_RETRIES,
                )
                yield exercise, Exchange(response.request, response)

    def close(self) -> None:
        """Close the client."""
        self._client.close()

    def _looked_up(self) -> World:
        credentials, origins = {}, {}
        company, merchant = self._client.company(self._company), self._client.merchant(self._merchant)
        for level, account in (("company", company), ("merchant", merchant)):
            for credential in account.list(page_size=100).items:
                if level not in credentials or level not in origins:
                    known = credential.get("allowedOrigins") or []
                    credentials[level] = credential["id"]
                    if known and known[0].get("id"):
                        origins[level] = known[0]["id"]
        mine = self._client.me.origins.list()
        if mine and mine[0].get("id"):
            origins["me"] = mine[0]["id"]
        return World(self._company, self._merchant, credentials, origins)
