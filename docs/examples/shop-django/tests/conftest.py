"""What the tests share: a shop that is signed in as the test's credential, and one of its staff."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client, override_settings

from pytest_adyen_creds import Credential


@pytest.fixture
def shop(adyen_credential: Credential, db: None) -> Iterator[Credential]:
    """The credential whose key the shop has. Any role of the Management API lets it change its own origins."""
    with override_settings(ADYEN_API_KEY=adyen_credential.api_key.reveal()):
        yield adyen_credential


@pytest.fixture
def staff(client: Client, db: None) -> Client:
    """A browser of somebody who may change domains."""
    user = User.objects.create_user("someone")
    user.user_permissions.add(Permission.objects.get(codename="change_shopdomain"))
    client.force_login(user)
    return client
