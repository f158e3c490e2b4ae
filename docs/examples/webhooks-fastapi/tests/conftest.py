"""What the tests share: an application with HMAC keys of its own, and what it handled."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from webhooks.app import Settings, create_app
from webhooks.inbox import Notification
from webhooks.signatures import keys_of


@dataclass
class Handler:
    """Stands for what a shop does with a notification; ``is_broken`` has it fail."""

    handled: list[str] = field(default_factory=list)
    is_broken: bool = False

    def __call__(self, notification: Notification) -> None:
        if self.is_broken:
            raise ConnectionError("the shop's database is away")
        self.handled.append(notification.id)


@pytest.fixture(scope="session")
def key() -> str:
    return secrets.token_hex(32)


@pytest.fixture(scope="session")
def next_key() -> str:
    """The key that will replace ``key``: both are good for a while."""
    return secrets.token_hex(32)


@pytest.fixture
def handler() -> Handler:
    return Handler()


@pytest.fixture
def client(key: str, next_key: str, handler: Handler, tmp_path: Path) -> Iterator[TestClient]:
    keys = keys_of(f"{key}, {next_key}")
    with TestClient(create_app(Settings(keys, keys, tmp_path / "inbox.db"), handler)) as client:
        yield client
