"""Webhooks of a balance platform: the signature is in a header, and signs the body as it was sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Handler
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings

from pytest_adyen_creds import load_contract, sign_body

CREATED, UPDATED = "balancePlatform.transfer.created", "balancePlatform.transfer.updated"
CONTRACT = load_contract("notifications/v4", Path(__file__).parents[1] / "contracts")
EXAMPLE = CONTRACT.example_webhook(CREATED)


def send(client: TestClient, body: Any, key: str) -> int:
    """Send a webhook as Adyen does; return the status."""
    sent = json.dumps(body).encode()
    headers = {"HmacSignature": sign_body(sent, key)}
    status: int = client.post("/webhooks/platform", content=sent, headers=headers).status_code
    return status


@pytest.mark.parametrize("webhook", [CREATED, UPDATED])
def test_what_adyen_sends_is_taken_and_handled(webhook: str, client: TestClient, handler: Handler, key: str) -> None:
    body = CONTRACT.example_webhook(webhook) | {"type": webhook}
    CONTRACT.check_webhook(webhook, json.dumps(body))
    assert send(client, body, key) == 202
    assert handler.handled == [f"{webhook}:TR-1:1"]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=CONTRACT.strategy(CREATED))
def test_whatever_the_contract_allows_is_taken(client: TestClient, key: str, body: Any) -> None:
    assert send(client, body, key) == 202


MAY_COME = [
    pytest.param(body, id=mutation.id)
    for mutation, body in CONTRACT.mutations(CREATED, EXAMPLE)
    if mutation.must == "must-survive"
]


@pytest.mark.parametrize("body", MAY_COME)
def test_what_adyen_may_send_tomorrow_is_taken(client: TestClient, handler: Handler, key: str, body: Any) -> None:
    assert send(client, body, key) == 202
    assert len(handler.handled) == 1


def test_a_webhook_that_comes_again_is_answered_and_not_handled_again(
    client: TestClient, handler: Handler, key: str
) -> None:
    answers = [send(client, EXAMPLE, key) for _ in range(3)]
    assert answers == [202, 202, 202]
    assert len(handler.handled) == 1


def test_the_next_step_of_a_transfer_is_another_webhook(client: TestClient, handler: Handler, key: str) -> None:
    for number in (1, 2):
        send(client, EXAMPLE | {"data": EXAMPLE["data"] | {"sequenceNumber": number}}, key)
    assert handler.handled == [f"{CREATED}:TR-1:1", f"{CREATED}:TR-1:2"]


def test_it_answers_whatever_happens_to_the_handler(client: TestClient, handler: Handler, key: str) -> None:
    handler.is_broken = True
    assert send(client, EXAMPLE, key) == 202
    handler.is_broken = False
    other = EXAMPLE | {"data": EXAMPLE["data"] | {"id": "TR-2"}}
    assert send(client, other, key) == 202
    assert handler.handled == [f"{CREATED}:TR-1:1", f"{CREATED}:TR-2:1"]


def test_a_new_key_is_good_beside_the_old_one(client: TestClient, key: str, next_key: str) -> None:
    assert [send(client, EXAMPLE, each) for each in (key, next_key)] == [202, 202]


def test_what_is_not_signed_by_adyen_is_refused(client: TestClient, handler: Handler, key: str) -> None:
    sent = json.dumps(EXAMPLE).encode()
    signature = sign_body(sent, key)
    forged: list[tuple[bytes, dict[str, str]]] = [
        (sent, {}),
        (sent, {"HmacSignature": ""}),
        (sent, {"HmacSignature": sign_body(sent, "00" * 32)}),
        (sent.replace(b"1250", b"9250"), {"HmacSignature": signature}),
        (sent + b" ", {"HmacSignature": signature}),
    ]
    answers = [client.post("/webhooks/platform", content=body, headers=headers) for body, headers in forged]
    assert {answer.status_code for answer in answers} == {401}
    assert handler.handled == []


@pytest.mark.parametrize(("sent", "status"), [(b"", 400), (b"[]", 400), (b"\xff", 400), (b" " * 1_000_001, 413)])
def test_what_is_no_webhook_is_refused(client: TestClient, key: str, sent: bytes, status: int) -> None:
    headers = {"HmacSignature": sign_body(sent, key)}
    assert client.post("/webhooks/platform", content=sent, headers=headers).status_code == status
