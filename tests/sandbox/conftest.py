"""What the sandbox's tests share: a sandbox, and clients signed in to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest

from pytest_adyen_creds.sandbox import Sandbox
from pytest_adyen_creds.secrets import Secret

SignIn = Callable[..., httpx.Client]


@pytest.fixture
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    """A sandbox with the default answers; with those that ``sandbox`` is parametrised with, indirectly."""
    return Sandbox(answers=getattr(request, "param", "platform"))


@pytest.fixture(params=["v1", "v3"])
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def sign_in(sandbox: Sandbox) -> Iterator[SignIn]:
    """Return a maker of clients: by API key, or by username and password; in-process, v3 unless told otherwise."""
    clients: list[httpx.Client] = []

    def sign_in(api_key: Secret | str | None, version: str = "v3", **options: object) -> httpx.Client:
        headers = {}
        if api_key is not None:
            headers["X-API-Key"] = api_key.reveal() if isinstance(api_key, Secret) else api_key
        client = httpx.Client(
            transport=sandbox.transport(), base_url=f"http://sandbox.test/{version}", headers=headers, **options
        )
        clients.append(client)
        return client

    yield sign_in
    for client in clients:
        client.close()


@pytest.fixture
def admin(sandbox: Sandbox, sign_in: SignIn) -> httpx.Client:
    """A client signed in as the provisioning credential."""
    return sign_in(sandbox.provisioning.api_key)
