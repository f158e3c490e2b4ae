"""Classic notifications: each item holds its own signature, of eight of its values."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Handler
from fastapi.testclient import TestClient

from pytest_adyen_creds import Contract, sign_notification
from webhooks.app import Settings, create_app
from webhooks.signatures import keys_of

Item = dict[str, Any]


def notification(key: str, *references: str) -> dict[str, Any]:
    """Return a notification as Adyen sends it, with an item for each payment."""
    items = []
    for reference in references:
        item: Item = {"eventCode": "AUTHORISATION", "success": "true", "pspReference": reference}
        item |= {"merchantAccountCode": "TestMerchant", "merchantReference": "Order 7"}
        item |= {"amount": {"value": 1250, "currency": "EUR"}}
        item["additionalData"] = {"hmacSignature": sign_notification(item, key)}
        items.append({"NotificationRequestItem": item})
    return {"live": "false", "notificationItems": items}


def test_each_item_is_handled_once(client: TestClient, handler: Handler, key: str, adyen_contract: Contract) -> None:
    body = notification(key, "PSP1", "PSP2")
    for _ in range(2):
        answer = client.post("/webhooks/classic", json=body)
        assert (answer.status_code, answer.text) == (202, "[accepted]")
    assert handler.handled == ["AUTHORISATION:PSP1:true", "AUTHORISATION:PSP2:true"]


def test_the_tests_send_what_the_contract_has(key: str, adyen_contract: Contract) -> None:
    adyen_contract.check_webhook("AUTHORISATION", notification(key, "PSP1"))


FORGERIES: dict[str, Callable[[Item], object]] = {
    "no signature": lambda item: item.pop("additionalData"),
    "another amount": lambda item: item["amount"].update(value=1),
    "another outcome": lambda item: item.update(success="false"),
    "another order": lambda item: item.update(merchantReference="Order 8"),
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_one_forged_item_has_all_of_it_refused(
    forge: Callable[[Item], object], client: TestClient, handler: Handler, key: str
) -> None:
    body = copy.deepcopy(notification(key, "PSP1", "PSP2"))
    forge(body["notificationItems"][1]["NotificationRequestItem"])
    assert client.post("/webhooks/classic", json=body).status_code == 401
    assert handler.handled == []


def test_what_one_process_took_the_next_one_handles(key: str, handler: Handler, tmp_path: Path) -> None:
    settings = Settings(keys_of(key), keys_of(key), tmp_path / "inbox.db")
    handler.is_broken = True
    with TestClient(create_app(settings, handler)) as client:
        assert client.post("/webhooks/classic", json=notification(key, "PSP1")).status_code == 202
    handler.is_broken = False
    with TestClient(create_app(settings, handler)):
        assert handler.handled == ["AUTHORISATION:PSP1:true"]


def test_settings_come_from_the_environment(key: str, next_key: str, tmp_path: Path) -> None:
    environment = {"ADYEN_PLATFORM_HMAC_KEYS": f"{key},{next_key}", "ADYEN_CLASSIC_HMAC_KEYS": key}
    settings = Settings.of_environment(environment | {"INBOX": str(tmp_path / "inbox.db")})
    assert (len(settings.platform_keys), len(settings.classic_keys)) == (2, 1)
    with pytest.raises(ValueError, match="needed"):
        keys_of(" ")
