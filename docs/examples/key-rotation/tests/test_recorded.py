"""One rotation from its recording, which the embedded sandbox made: these tests run with any backend."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from conftest import AGE, record

from key_rotation import AdyenManagement, MemoryStore, Outcome, Policy, Rotator
from pytest_adyen_creds import Leases


def test_a_key_is_rotated(adyen_credentials: Leases) -> None:
    store, old = MemoryStore(), datetime.now(UTC) - AGE
    store.save("admin", record(adyen_credentials.lease(), old))
    store.save("shop", record(adyen_credentials.lease(roles=["Checkout webservice role"]), old))
    before = store.load("shop").key
    rotator = Rotator(store, AdyenManagement(), "admin", Policy(pause=timedelta()))
    assert rotator.rotate("shop") is Outcome.ROTATED
    assert store.load("shop").key != before
