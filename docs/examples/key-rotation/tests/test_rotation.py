"""The rotation in the embedded sandbox: its clock, its faults, and what people do in the Customer Area."""

from __future__ import annotations

from datetime import timedelta

import pytest

from key_rotation import AdyenManagement, MemoryStore, Outcome, Refused, Rotator, Unavailable
from pytest_adyen_creds import Credential, Sandbox

GENERATE = "POST /companies/{companyId}/apiCredentials/{apiCredentialId}/generateApiKey"
api = AdyenManagement()


def keys_of(sandbox: Sandbox, credential: Credential) -> int:
    """Return how many API keys a credential has that are not dead."""
    now = sandbox.clock.now()
    return sum(key.works(now) for key in sandbox.customer_area.credential(credential.id).api_keys)


def test_services_have_a_working_key_at_any_time(rotator: Rotator, store: MemoryStore, adyen_sandbox: Sandbox) -> None:
    old = store.load("shop").key
    assert rotator.rotate("shop") is Outcome.ROTATED
    new = store.load("shop").key
    assert new != old
    assert api.works(old)
    adyen_sandbox.clock.advance(hours=25)
    assert (api.works(old), api.works(new)) == (False, True)


def test_a_young_key_stays(rotator: Rotator, store: MemoryStore) -> None:
    rotator.rotate("shop")
    rotated = store.load("shop")
    assert rotator.rotate("shop") is Outcome.NOT_DUE
    assert store.load("shop") == rotated


def test_the_job_rotates_its_own_key_and_goes_on_with_it(
    rotator: Rotator, store: MemoryStore, adyen_sandbox: Sandbox
) -> None:
    assert rotator.rotate("admin") is Outcome.ROTATED
    adyen_sandbox.clock.advance(hours=25)
    assert rotator.rotate("shop") is Outcome.ROTATED


def test_the_old_key_serves_until_the_new_one_works(
    rotator: Rotator, store: MemoryStore, adyen_sandbox: Sandbox
) -> None:
    old = store.load("shop").key
    adyen_sandbox.faults.status(401, "GET /me", times=9)  # 2 minutes of patience are 9 looks
    assert rotator.rotate("shop") is Outcome.WAITING
    assert store.load("shop").key == old
    assert rotator.rotate("shop") is Outcome.ROTATED  # the next night


@pytest.mark.parametrize("fault", ["lose_answer", "time_out", "truncate", "reset"])
def test_a_lost_answer_makes_no_second_key(
    fault: str, rotator: Rotator, shop: Credential, store: MemoryStore, adyen_sandbox: Sandbox
) -> None:
    getattr(adyen_sandbox.faults, fault)(GENERATE, times=2)
    assert rotator.rotate("shop") is Outcome.ROTATED
    assert keys_of(adyen_sandbox, shop) == 2  # the old one, and one that is new
    assert api.works(store.load("shop").key)


def test_a_run_that_ends_in_the_middle_is_gone_on_with(
    rotator: Rotator, shop: Credential, store: MemoryStore, adyen_sandbox: Sandbox
) -> None:
    adyen_sandbox.faults.lose_answer(GENERATE, times=5)  # as often as a run asks
    with pytest.raises(Unavailable):
        rotator.rotate("shop")
    adyen_sandbox.clock.advance(hours=23)
    assert rotator.rotate("shop") is Outcome.ROTATED
    assert keys_of(adyen_sandbox, shop) == 2


def test_it_waits_as_long_as_it_is_told(rotator: Rotator, adyen_sandbox: Sandbox) -> None:
    began = adyen_sandbox.clock.now()
    adyen_sandbox.faults.status(429, GENERATE, retry_after=90)
    assert rotator.rotate("shop") is Outcome.ROTATED
    assert timedelta(seconds=90) <= adyen_sandbox.clock.now() - began < timedelta(seconds=100)


def test_a_server_that_is_down_is_not_asked_for_ever(
    rotator: Rotator, store: MemoryStore, adyen_sandbox: Sandbox
) -> None:
    old = store.load("shop").key
    adyen_sandbox.faults.status(500, GENERATE, times=5)
    with pytest.raises(Unavailable, match="status 500"):
        rotator.rotate("shop")
    assert store.load("shop").key == old


def test_a_key_that_somebody_restricted_is_refused_at_once(
    rotator: Rotator, admin: Credential, adyen_sandbox: Sandbox
) -> None:
    area, began = adyen_sandbox.customer_area, adyen_sandbox.clock.now()
    area.set_allowed_ips(admin.id, ["192.0.2.1"])
    with pytest.raises(Refused, match="status 403"):
        rotator.rotate("shop")
    area.set_allowed_ips(admin.id, [])
    assert adyen_sandbox.clock.now() - began < timedelta(seconds=5)
    assert rotator.rotate("shop") is Outcome.ROTATED


def test_an_admin_key_that_is_dead_is_refused(rotator: Rotator, admin: Credential, adyen_sandbox: Sandbox) -> None:
    adyen_sandbox.customer_area.generate_api_key(admin.id)
    adyen_sandbox.customer_area.expire_previous_key(admin.id)
    with pytest.raises(Refused, match="status 401"):
        rotator.rotate("shop")


def test_a_new_key_that_somebody_replaced_is_given_up(
    rotator: Rotator, shop: Credential, store: MemoryStore, adyen_sandbox: Sandbox
) -> None:
    adyen_sandbox.faults.status(401, "GET /me", times=9)
    assert rotator.rotate("shop") is Outcome.WAITING
    adyen_sandbox.customer_area.generate_api_key(shop.id)
    adyen_sandbox.customer_area.expire_previous_key(shop.id)
    adyen_sandbox.clock.advance(hours=25)
    assert rotator.rotate("shop") is Outcome.ROTATED
    assert api.works(store.load("shop").key)
