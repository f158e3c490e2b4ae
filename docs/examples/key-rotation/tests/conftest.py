"""What the tests share: a store with two credentials that are on lease, and a rotator whose clock is the sandbox's."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from key_rotation import AdyenManagement, MemoryStore, Policy, Record, Rotator, Secret
from pytest_adyen_creds import Credential, Leases, Sandbox

AGE = timedelta(days=61)


def record(credential: Credential, made_at: datetime) -> Record:
    """Return what a store holds of a credential."""
    return Record(credential.account, credential.id, Secret(credential.api_key.reveal()), made_at)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def shop(adyen_credentials: Leases, adyen_sandbox: Sandbox, store: MemoryStore) -> Credential:
    """The credential of a shop, which takes payments and has no role of the Management API. Its key is too old."""
    credential = adyen_credentials.lease(roles=["Checkout webservice role"], fresh=True)
    store.save("shop", record(credential, adyen_sandbox.clock.now() - AGE))
    return credential


@pytest.fixture
def admin(adyen_credentials: Leases, adyen_sandbox: Sandbox, store: MemoryStore) -> Credential:
    """The credential of the job itself."""
    credential = adyen_credentials.lease(fresh=True)
    store.save("admin", record(credential, adyen_sandbox.clock.now() - AGE))
    return credential


@pytest.fixture
def rotator(shop: Credential, admin: Credential, adyen_sandbox: Sandbox, store: MemoryStore) -> Rotator:
    """A rotator that sleeps by moving the sandbox's clock."""
    clock = adyen_sandbox.clock
    return Rotator(
        store,
        AdyenManagement(),
        "admin",
        Policy(patience=timedelta(minutes=2)),
        now=clock.now,
        sleep=lambda seconds: clock.advance(seconds=seconds),
    )
