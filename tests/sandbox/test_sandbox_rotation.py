"""Keys and passwords: how long old ones work, and when new ones do."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from pytest_adyen_creds.errors import SandboxError
from pytest_adyen_creds.sandbox import Clock, Sandbox
from pytest_adyen_creds.sandbox.roles import API_CREDENTIALS_ROLE
from pytest_adyen_creds.secrets import Secret

COMPANY = "/companies/TestCompany/apiCredentials"


class Rotated:
    """A sandbox whose clock stands still, with one credential whose API key was replaced once."""

    def __init__(self, **options: object) -> None:
        self.sandbox = Sandbox(clock=Clock(flowing=False), **options)
        self.admin = self.client(self.sandbox.provisioning.api_key.reveal())
        created = self.admin.post(COMPANY, json={"roles": [API_CREDENTIALS_ROLE]}).json()
        self.id, self.username, self.password = created["id"], created["username"], created["password"]
        self.client_key = created["clientKey"]
        self.old_key = created["apiKey"]
        self.new_key = self.rotate()

    def client(self, api_key: str | None, **options: object) -> httpx.Client:
        return httpx.Client(
            transport=self.sandbox.transport(),
            base_url="http://sandbox.test/v3",
            headers={"X-API-Key": api_key} if api_key else {},
            **options,
        )

    def rotate(self) -> str:
        return self.admin.post(f"{COMPANY}/{self.id}/generateApiKey").json()["apiKey"]

    def status(self, api_key: str) -> int:
        return self.client(api_key).get("/me").status_code

    def status_by_password(self, password: str) -> int:
        return self.client(None, auth=(self.username, password)).get("/me").status_code


def test_the_old_key_works_for_24_hours():
    rotated = Rotated()
    assert (rotated.status(rotated.old_key), rotated.status(rotated.new_key)) == (200, 200)
    rotated.sandbox.clock.advance(hours=23, minutes=59)
    assert (rotated.status(rotated.old_key), rotated.status(rotated.new_key)) == (200, 200)
    rotated.sandbox.clock.advance(minutes=2)
    assert (rotated.status(rotated.old_key), rotated.status(rotated.new_key)) == (401, 200)


def test_the_old_key_stops_at_24_hours_sharp():
    rotated = Rotated()
    rotated.sandbox.clock.advance(hours=24)
    assert rotated.status(rotated.old_key) == 401


def test_the_old_key_can_be_expired_at_once():
    rotated = Rotated()
    rotated.sandbox.customer_area.expire_previous_key(rotated.id)
    assert (rotated.status(rotated.old_key), rotated.status(rotated.new_key)) == (401, 200)
    with pytest.raises(SandboxError, match="no previous API key"):
        rotated.sandbox.customer_area.expire_previous_key(rotated.id)


def test_the_old_keys_expiry_can_be_reset_to_24_hours():
    rotated = Rotated()
    rotated.sandbox.clock.advance(hours=20)
    rotated.sandbox.customer_area.reset_previous_key(rotated.username)
    rotated.sandbox.clock.advance(hours=23, minutes=59)
    assert rotated.status(rotated.old_key) == 200
    rotated.sandbox.clock.advance(minutes=2)
    assert rotated.status(rotated.old_key) == 401
    with pytest.raises(SandboxError, match="no previous API key"):
        rotated.sandbox.customer_area.reset_previous_key(rotated.id)


def test_a_key_replaced_earlier_keeps_its_own_expiry():
    rotated = Rotated()
    rotated.sandbox.clock.advance(hours=12)
    third = rotated.rotate()
    keys = (rotated.old_key, rotated.new_key, third)
    assert [rotated.status(key) for key in keys] == [200, 200, 200]
    # the one replaced last is the one that expires now
    rotated.sandbox.customer_area.expire_previous_key(rotated.id)
    assert [rotated.status(key) for key in keys] == [200, 401, 200]
    rotated.sandbox.clock.advance(hours=12)
    assert [rotated.status(key) for key in keys] == [401, 401, 200]


def test_the_old_password_fails_at_once():
    rotated = Rotated()
    assert rotated.status_by_password(rotated.password) == 200
    renewed = rotated.sandbox.customer_area.generate_password(rotated.id)
    assert rotated.status_by_password(rotated.password) == 401
    assert rotated.status_by_password(renewed.reveal()) == 200


def test_a_new_key_works_only_after_the_propagation_delay():
    rotated = Rotated(propagation_delay=timedelta(minutes=3))
    renewed = rotated.sandbox.customer_area.generate_password(rotated.id)
    for minutes in (0, 1, 1.99):
        rotated.sandbox.clock.advance(minutes=minutes)
        assert rotated.status(rotated.new_key) == 401
        # a password has no delay
        assert rotated.status_by_password(renewed.reveal()) == 200
    rotated.sandbox.clock.advance(seconds=1)
    assert rotated.status(rotated.new_key) == 200
    assert rotated.status(rotated.old_key) == 200


def test_the_provisioning_key_works_from_the_start():
    rotated = Rotated(propagation_delay=timedelta(minutes=3))
    assert rotated.status(rotated.sandbox.provisioning.api_key.reveal()) == 200


@pytest.mark.parametrize("own", [True, False])
def test_the_old_client_key_works_for_24_hours(own):
    rotated = Rotated()
    area = rotated.sandbox.customer_area
    caller, path = (rotated.client(rotated.new_key), "/me") if own else (rotated.admin, f"{COMPANY}/{rotated.id}")
    renewed = caller.post(f"{path}/generateClientKey").json()["clientKey"]
    assert renewed != rotated.client_key
    assert rotated.client(rotated.new_key).get("/me").json()["clientKey"] == renewed
    rotated.sandbox.clock.advance(hours=23, minutes=59)
    assert (area.accepts_client_key(rotated.client_key), area.accepts_client_key(renewed)) == (True, True)
    rotated.sandbox.clock.advance(minutes=2)
    assert (area.accepts_client_key(rotated.client_key), area.accepts_client_key(renewed)) == (False, True)


def test_a_client_key_is_accepted_from_allowed_origins_of_an_active_credential_only():
    rotated = Rotated()
    area = rotated.sandbox.customer_area
    path = f"{COMPANY}/{rotated.id}/allowedOrigins"
    first = rotated.admin.post(path, json={"domain": "https://*.shop.example"}).json()
    assert area.accepts_client_key(rotated.client_key, "https://eu.shop.example")
    assert not area.accepts_client_key(rotated.client_key, "https://shop.example")
    assert not area.accepts_client_key(rotated.client_key, "http://eu.shop.example")
    assert not area.accepts_client_key("test_UNKNOWN", "https://eu.shop.example")
    area.set_active(rotated.id, False)
    assert not area.accepts_client_key(rotated.client_key, "https://eu.shop.example")
    area.set_active(rotated.id, True)
    assert rotated.admin.delete(f"{path}/{first['id']}").status_code == 204
    assert not area.accepts_client_key(Secret(rotated.client_key), "https://eu.shop.example")


def test_expired_keys_are_forgotten():
    rotated = Rotated()
    for _ in range(5):
        rotated.sandbox.clock.advance(hours=25)
        rotated.rotate()
    assert len(rotated.sandbox.customer_area.credential(rotated.id).api_keys) == 2


def test_the_clock_only_moves_forward():
    clock = Clock()
    with pytest.raises(SandboxError, match="forward"):
        clock.advance(seconds=-1)
    with pytest.raises(SandboxError, match="that far"):
        clock.advance(hours=1e12)
    before = clock.now()
    assert clock.advance(hours=24) - before >= timedelta(hours=24)


def test_nothing_that_is_shown_for_debugging_holds_a_secret():
    rotated = Rotated()
    credential = rotated.sandbox.customer_area.credential(rotated.id)
    shown = repr([credential, rotated.sandbox.provisioning, rotated.sandbox.customer_area.credentials()])
    for secret in (rotated.old_key, rotated.new_key, rotated.password, rotated.client_key):
        assert secret not in shown
